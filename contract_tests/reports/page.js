"use strict";
// The page is whole without this: it adds the filter, copying, and opening everything for print.
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

let opened = [];
addEventListener("beforeprint", () => {
  opened = all("details:not([open])");
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
