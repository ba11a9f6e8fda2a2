"use strict";
// The page is whole without this: it adds the filter, copying, the request pointed at, and opening everything for print.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

for (const button of all("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    let done = true;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      done = document.execCommand("copy");
    }
    const name = button.textContent;
    button.textContent = done ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = name; }, 1500);
  });
}

const filter = document.querySelector("form.filter");
if (filter) {
  filter.hidden = false;
  const rows = all("[data-suite]");
  const apply = () => {
    const words = filter.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const { value: severity } = filter.elements.severity;
    const { value: suite } = filter.elements.suite;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = Boolean(severity && row.dataset.severity !== severity)
        || Boolean(suite && row.dataset.suite !== suite)
        || !words.every((word) => text.includes(word));
    }
    const shown = (selector) => {
      const found = all(selector);
      return `${found.filter((row) => !row.hidden).length} of ${found.length}`;
    };
    const findings = all(".finding").length ? `${shown(".finding")} findings, ` : "";
    filter.elements.told.value = `${findings}${shown("tr[data-suite]")} rules shown`;
  };
  filter.addEventListener("input", apply);
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("reset", () => setTimeout(apply));
  filter.elements.open.addEventListener("click", () => {
    const closed = all(".finding:not([open])");
    for (const finding of all(".finding")) finding.open = closed.length > 0;
  });
  apply();
}

// A band of the timeline is one stop of the Tab key; the arrows go from request to request.
for (const band of all(".band")) {
  const picked = band.querySelector(".picked");
  const dots = all(".dot", band);
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = "Point at a request, or walk them with the arrow keys; Enter leads to its place in the list.";
  picked.append(hint);
  picked.hidden = dots.length === 0;
  let now = null;
  const pick = (dot) => {
    now?.classList.remove("now");
    now = dot;
    now.classList.add("now");
    const row = document.getElementById(dot.getAttribute("href").slice(1)).cloneNode(true);
    for (const named of [row, ...all("[id]", row)]) named.removeAttribute("id");
    const table = document.createElement("table");
    table.className = "stack";
    table.append(document.createElement("tbody"));
    table.firstChild.append(row);
    picked.replaceChildren(table);
  };
  dots.forEach((dot, index) => {
    dot.setAttribute("tabindex", index ? "-1" : "0");
    dot.addEventListener("pointerenter", () => pick(dot));
    dot.addEventListener("focus", () => pick(dot));
    dot.addEventListener("keydown", (event) => {
      const last = dots.length - 1;
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = dots[Math.min(Math.max(to, 0), last)];
      dot.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}

const lead = () => {
  const target = document.getElementById(location.hash.slice(1))?.closest(".band tr, .finding");
  if (!target) return;
  target.closest("details").open = true;
  target.scrollIntoView({ block: "center" });
};
if (document.querySelector(".band")) {
  addEventListener("hashchange", lead);
  if (location.hash) lead();
}

let opened = [];
addEventListener("beforeprint", () => {
  opened = all("details:not([open])");
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
