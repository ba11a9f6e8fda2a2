"""What a client did beside what the resources did, for the page: drawn in bands, and told request by request."""

from collections.abc import Iterable, Mapping
from typing import Any

from contract_tests.reports.client_timeline.lanes import (
    States,
    anchor,
    answered,
    asked,
    dot,
    draw,
    flag,
    manner_of,
    named,
    picture,
    worst,
)
from contract_tests.reports.client_timeline.moments import (
    Band,
    Exchange,
    Moment,
    TimelineMark,
    bands,
    instant,
    passed,
    polls_text,
)
from contract_tests.reports.markup import Markup, element, escaped, joined, scrolling
from contract_tests.reports.text import Verdict, counted

STATUSES = [(200, "answered"), (404, "refused (4xx)"), (503, "failed (5xx)"), (0, "no answer")]
MANNERS = [
    ("moving", "under way"),
    ("rests", "at rest"),
    ("failed", "gone wrong"),
    ("gone", "gone"),
    ("unknown", "a state of no known lifecycle"),
]
MOST_OPEN = 60
"""Up to so many requests are listed at once; the lists of more are opened band by band."""
MOST_LINKS = 40
"""Of a finding's requests so many are led to."""
PILLS = {"s2": "good", "s4": "warning", "s5": "error"}


def timeline(verdict: Verdict) -> Markup:
    """The section's body; empty where nothing was sent."""
    drawn = verdict.get("timeline")
    if not drawn or not drawn["exchanges"]:
        return Markup("")
    chronicle = Chronicle(verdict)
    parts = bands(drawn)
    sent, left_out = len(drawn["exchanges"]), drawn.get("left_out", 0)
    note = f"{counted(sent, 'request')} beside {counted(len(drawn['resources']), 'resource')}."
    if left_out:
        note += f" {counted(left_out, 'request')} more {'is' if left_out == 1 else 'are'} not shown."
    if any(band.gaps for band in parts):
        note += " Long times in which nothing happened are drawn short, as stripes."
    head = [element("p", note, class_="note"), chronicle.key(parts)]
    return joined(*head, *(chronicle.band(band, listed=sent <= MOST_OPEN) for band in parts))


def links(finding: Mapping[str, Any], verdict: Verdict) -> Markup:
    """The requests of a finding, each leading to its place in the timeline if it is there."""
    anchors: dict[int, str] = {}
    for one in verdict.get("timeline", {}).get("exchanges", ()):
        if finding["rule"] in one["findings"] or one["ordinal"] not in anchors:
            anchors[one["ordinal"]] = anchor(one)
    linked = finding["exchanges"][:MOST_LINKS]
    shown = (
        element("a", f"#{ordinal}", href=f"#{anchors[ordinal]}") if ordinal in anchors else f"#{ordinal}"
        for ordinal in linked
    )
    more = len(finding["exchanges"]) - len(linked)
    return joined(Markup(", ".join(map(escaped, shown))), f" and {more:,} more" if more else "")


class Chronicle:
    """Draws and lists bands; knows what the rest of the verdict says of states, rules and findings."""

    def __init__(self, verdict: Verdict) -> None:
        self._states = States(verdict)
        self._severities = {rule["name"]: rule["severity"] for rule in verdict["rules"]}
        self._severities |= {finding["rule"]: finding["severity"] for finding in verdict["findings"]}
        self._numbers: dict[tuple[str, int], int] = {}
        for number, finding in enumerate(verdict["findings"]):
            for ordinal in finding.get("exchanges", ()):
                self._numbers.setdefault((finding["rule"], ordinal), number)
        self._resources = {resource["id"]: resource for resource in verdict["timeline"]["resources"]}
        exchanges = verdict["timeline"]["exchanges"]
        self._begun_ms = exchanges[0]["wall_ms"]
        self._real = verdict["target"]["clock"].startswith("real")
        self._runs = len({one["run"] for one in exchanges})

    def key(self, parts: Iterable[Band]) -> Markup:
        """What the marks mean, of those that are drawn."""
        exchanges = [one for band in parts for one in band.exchanges]
        manners = {manner_of(one) for one in exchanges}
        rows = [
            (picture(dot({"status": status}, 9, 9)), words)
            for status, words in STATUSES
            if manner_of({"status": status}) in manners
        ]
        severities = {worst(one, self._severities) for one in exchanges if one["findings"]}
        rows += [
            (picture(flag(severity, 9, 13)), f"with {words}")
            for severity, words in (("error", "a finding"), ("warning", "a warning"))
            if severity in severities
        ]
        if any(one["faults"] for one in exchanges):
            rows.append((picture(element("circle", cx="9", cy="9", r="7", class_="met")), "met a fault"))
        if any(one["resource"] in self._resources for one in exchanges):
            rows.append((picture(element("path", d="M9 6l3 5h-6z", class_="look")), "asked about the resource above"))
        met = {
            self._manner(mark)
            for band in parts
            for mark in (*band.before.values(), *(mark for moment in band.moments for mark in moment.marks))
        }
        rows += [(self._swatch(manner), words) for manner, words in MANNERS if manner in met]
        return element("ul", *(element("li", drawn, words) for drawn, words in rows), class_="key")

    def band(self, band: Band, listed: bool) -> Markup:
        """A band's drawing, and its list beneath, which is open if it is `listed`."""
        exchanges = band.exchanges
        about = {one["resource"]: None for one in exchanges}
        about |= {mark.resource: None for moment in band.moments for mark in moment.marks}
        resources = [self._resources[id_] for id_ in self._in_order(band, about)]
        name = self._title(band)
        drawing = element(
            "div",
            draw(band, resources, self._states, self._severities),
            class_="drawing",
            role="region",
            aria_label=f"Timeline, {name}",
            tabindex="0",
        )
        heads = [element("th", head, scope="col") for head in ("Request", "Time", "The client", "The resources")]
        rows = [self._row(moment) for moment in band.moments]
        table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="stack")
        list_ = element(
            "details",
            element("summary", f"{counted(len(exchanges), 'request')} one by one"),
            scrolling(table, f"List, {name}"),
            open=listed,
        )
        picked = element("div", class_="picked", hidden=True)
        return element("article", element("h3", name), drawing, picked, list_, class_="band card")

    def _in_order(self, band: Band, about: Iterable[str]) -> Iterable[str]:
        """The resources to which something happened in a band, in the order in which they came to be."""
        wanted = set(about)
        older = [id_ for id_ in band.before if id_ in wanted]
        newer = [mark.resource for moment in band.moments for mark in moment.marks]
        return (id_ for id_ in dict.fromkeys([*older, *newer, *about]) if id_ in self._resources)

    def _title(self, band: Band) -> str:
        first, last = band.moments[0], band.moments[-1]
        ordinals = [one["ordinal"] for one in band.exchanges]
        if not ordinals:
            what = "After the last request"
        elif len(ordinals) == 1:
            what = f"Request #{ordinals[0]}"
        else:
            what = f"Requests #{ordinals[0]} to #{ordinals[-1]}"
        run = f"run {first.run}, " if self._runs > 1 else ""
        lasts = f", {passed(last.at_ms - first.at_ms)}" if last.at_ms > first.at_ms else ""
        return f"{what}: {run}{instant(first.at_ms, date=True)} UTC{lasts}"

    def _row(self, moment: Moment) -> Markup:
        one = moment.exchange
        marks = [element("li", *self._mark(mark)) for mark in moment.marks]
        resources = element("td", *([element("ul", *marks, class_="marks")] if marks else []))
        if one is None:
            when = element("td", instant(moment.at_ms), class_="when")
            return element("tr", element("td"), when, element("td"), resources, class_="alone")
        aside = []
        if not self._real:
            aside = [element("small", f"+{(one['wall_ms'] - self._begun_ms) / 1000:.1f} s of real time")]
        number, sent_at = f"#{one['ordinal']}", instant(one["at_ms"])
        polled: list[Markup | str] = []
        if moment.polls:
            number += f" to #{moment.polls[-1]['ordinal']}"
            sent_at += f" to {instant(moment.last_at_ms)}"
            polled = [element("b", polls_text(moment, is_real=self._real), class_="polls"), " "]
        anchors = (element("span", id=anchor(poll)) for poll in moment.polls)
        return element(
            "tr",
            element("th", number, *anchors, scope="row"),
            element("td", sent_at, *aside, class_="when"),
            element("td", *polled, *self._client(one), class_="words"),
            resources,
            id=anchor(one),
        )

    def _client(self, one: Exchange) -> Iterable[Markup | str]:
        yield element("span", asked(one), class_="mono")
        yield " "
        pills = [element("span", answered(one), class_=f"pill {PILLS.get(manner_of(one), 'none')}")]
        for name in one["findings"]:
            class_ = f"pill {'warning' if self._severities.get(name) == 'warning' else 'error'}"
            number = self._numbers.get((name, one["ordinal"]))
            href = {} if number is None else {"href": f"#finding-{number}"}
            pills.append(element("a" if href else "span", name, class_=class_, **href))
        pills += [element("span", f"met: {fault}", class_="pill fault") for fault in one["faults"]]
        about = [one["operation"], f"shows {one['shown']}" if one["shown"] else ""]
        yield element("span", *pills, class_="pills")
        yield element("small", ", ".join(part for part in about if part))

    def _mark(self, mark: TimelineMark) -> Iterable[Markup | str]:
        resource = self._resources.get(mark.resource)
        kind = resource["kind"] if resource else ""
        yield self._swatch(self._manner(mark))
        name = named(resource) if resource else mark.resource
        yield element("span", f"{name}: ", element("b", self._states.short(kind, mark.state)), f", by {mark.cause}")

    def _manner(self, mark: TimelineMark) -> str:
        resource = self._resources.get(mark.resource)
        return self._states.manner(resource["kind"], mark.state) if resource else "unknown"

    @staticmethod
    def _swatch(manner: str) -> Markup:
        box = element("rect", x="1", y="4", width="16", height="10", rx="3")
        return picture(element("g", box, class_=f"span {manner}"))
