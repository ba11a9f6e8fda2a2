"""One band of a client's run as a drawing: its exchanges as dots, and below them a lane for each resource.

Every dot is a link to its exchange in the list and has all of it in its title; a thread leads to the resource that it
was about. Shape and colour tell statuses apart, so that neither is needed.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from contract_tests.reports.client_timeline.moments import (
    CHAR,
    Band,
    Exchange,
    Gap,
    Moment,
    TimelineMark,
    instant,
    passed,
)
from contract_tests.reports.markup import Markup, element, joined
from contract_tests.reports.text import Verdict, counted, prefix_of, shown

GUTTER = 62.0
CHANGES_Y, READS_Y = 46.0, 78.0
LANES_Y, LANE, BAR_TOP, BAR = 100.0, 44.0, 17.0, 15.0
LONGEST_NAME = 60
READS = ("GET", "HEAD", "OPTIONS")
TRACKS = (("changes", CHANGES_Y), ("reads", READS_Y))
_FAILED = re.compile("error|fail|degrad|reject|revoked|lost|abort|unhealthy", re.IGNORECASE)

Span = tuple[float, float, TimelineMark]


class States:
    """What is known of the states of all lifecycles: how each looks, and what it is called in short."""

    def __init__(self, verdict: Verdict) -> None:
        self._facts: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._prefixes: dict[str, str] = {}
        for lifecycle in verdict["lifecycles"]:
            self._prefixes[lifecycle["name"]] = prefix_of(lifecycle["states"])
            self._facts.update({(lifecycle["name"], state["name"]): state for state in lifecycle["states"]})

    def manner(self, kind: str, state: str) -> str:
        """`gone`, `failed`, `rests` or `moving`; `unknown` where no lifecycle tells."""
        facts = self._facts.get((kind, state))
        if facts is None:
            return "unknown"
        if facts["gone"]:
            return "gone"
        if _FAILED.search(state):
            return "failed"
        return "rests" if facts["rests"] else "moving"

    def short(self, kind: str, state: str) -> str:
        """The state without what all states of its kind begin with."""
        return shown(state.removeprefix(self._prefixes.get(kind, "")))


def named(resource: Mapping[str, Any]) -> str:
    """`endpoint my-model (endpoint-1f)`: a resource in words."""
    name = f"{resource['kind']} {resource['name'] or resource['id']}"
    return shown(name if resource["name"] in ("", resource["id"]) else f"{name} ({resource['id']})")


def answered(one: Exchange) -> str:
    """The status of an exchange; or that there was no answer."""
    return str(one["status"] or "no answer")


def manner_of(one: Exchange) -> str:
    """How an exchange looks by its status: `s2`, `s4`, `s5`, or `s0` where there was no answer."""
    return f"s{min(one['status'] // 100, 5)}" if one["status"] >= 200 else "s0"


def asked(one: Exchange) -> str:
    """`GET /endpoints?limit=2`."""
    return shown(f"{one['method']} {one['path']}" + (f"?{one['query']}" if one["query"] else ""))


def anchor(one: Exchange) -> str:
    """The id of an exchange's row in the list."""
    return f"exchange-{one['run']}-{one['ordinal']}"


def draw(band: Band, resources: Iterable[Mapping[str, Any]], states: States, severities: Mapping[str, str]) -> Markup:
    """The band as an `<svg>` whose colours come from the page, with a lane for each of these resources."""
    resources = list(resources)
    tops = {resource["id"]: LANES_Y + index * LANE for index, resource in enumerate(resources)}
    height = LANES_Y + len(resources) * LANE
    tracks = [element("text", name, x=_px(8 - GUTTER), y=_px(y + 4), class_="track") for name, y in TRACKS]
    tracks += [element("path", d=f"M0 {y:.0f}H{band.width:.0f}", class_="rule") for _, y in TRACKS]
    lanes = [_lane(band, one, tops[one["id"]], states) for one in resources]
    dots = [_exchange(moment, moment.exchange, tops, severities) for moment in band.moments if moment.exchange]
    num_requests = len(band.exchanges)
    return element(
        "svg",
        *(_gap(gap, height) for gap in band.gaps),
        *tracks,
        *_times(band),
        *lanes,
        *dots,
        class_="lanes",
        role="group",
        aria_label=f"{counted(num_requests, 'request')} beside {counted(len(resources), 'resource')}",
        viewBox=f"{-GUTTER:.0f} 0 {GUTTER + band.width:.0f} {height:.0f}",
        width=f"{GUTTER + band.width:.0f}",
        height=f"{height:.0f}",
    )


def _px(number: float) -> str:
    return f"{number:.1f}"


def _gap(gap: Gap, height: float) -> Markup:
    middle = (gap.left + gap.right) / 2
    stripe = element("rect", x=_px(gap.left), y="20", width=_px(gap.right - gap.left), height=_px(height - 20))
    label = element("text", passed(gap.ms), x=_px(middle), y=_px((CHANGES_Y + READS_Y) / 2 + 3.5))
    return element("g", element("title", f"{passed(gap.ms)} pass"), stripe, label, class_="gap")


def _times(band: Band) -> Iterable[Markup]:
    """The instants along the top, wherever there is room for one."""
    free = 0.0
    for index, moment in enumerate(band.moments):
        text = instant(moment.at_ms, date=index == 0 or _day(moment) != _day(band.moments[index - 1]))
        width = len(text) * CHAR
        if moment.x - 6 >= free and moment.x - 6 + width <= band.width:
            yield element("text", text, x=_px(moment.x - 6), y="12", class_="time")
            yield element("path", d=f"M{_px(moment.x)} 17V21", class_="tick")
            free = moment.x - 6 + width + 14


def _day(moment: Moment) -> int:
    return moment.at_ms // 86_400_000


def _spans(band: Band, resource: str) -> Iterable[Span]:
    """The states of a resource in a band, each from where to where."""
    at, mark = 0.0, band.before.get(resource)
    for moment in band.moments:
        for new in moment.marks:
            if new.resource == resource:
                if mark and moment.x > at:
                    yield at, moment.x, mark
                at, mark = moment.x, new
    if mark:
        yield at, band.width, mark


def _lane(band: Band, resource: Mapping[str, Any], top: float, states: States) -> Markup:
    kind, spans = resource["kind"], list(_spans(band, resource["id"]))
    parts = []
    for left, right, mark in spans:
        manner, width = states.manner(kind, mark.state), max(right - left - 1.5, 1.5)
        thin = BAR / 2 - 1.5 if manner == "gone" else 0.0
        box = {"x": _px(left), "y": _px(top + BAR_TOP + thin), "width": _px(width), "height": _px(BAR - 2 * thin)}
        bar = [element("rect", **box, rx="3")]
        text = states.short(kind, mark.state)
        if not thin and len(text) * CHAR + 8 <= width:
            bar.append(element("text", text, x=_px(left + 5), y=_px(top + BAR_TOP + BAR - 4)))
        title = f"{mark.state} from {instant(mark.at_ms, date=True)}, by {mark.cause}"
        parts.append(element("g", element("title", title), *bar, class_=f"span {manner}"))
    name = named(resource)
    told = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    left = max(0.0, min(spans[0][0] if spans else 0.0, band.width - len(told) * CHAR))
    label = element("text", told, x=_px(left), y=_px(top + BAR_TOP - 5), class_="resource")
    return element("g", element("title", name), label, *parts, class_="lane")


def _exchange(moment: Moment, one: Exchange, tops: Mapping[str, float], severities: Mapping[str, str]) -> Markup:
    x, y = moment.x, READS_Y if one["method"] in READS else CHANGES_Y
    title = told(one, moment.at_ms)
    if moment.polls:
        title += f"; {moment.count_label}, the last #{moment.polls[-1]['ordinal']}"
    parts = [element("title", title)]
    top = tops.get(one["resource"])
    if top is not None:
        bar = top + BAR_TOP
        parts.append(element("path", d=f"M{_px(x)} {_px(y)}V{_px(bar + BAR)}", class_="thread"))
        parts.append(element("path", d=f"M{_px(x)} {_px(bar + BAR + 1)}l3 5h-6z", class_="look"))
    parts.append(element("rect", x=_px(x - 7), y=_px(y - 15), width="14", height="30", class_="reach"))
    parts.append(dot(one, x, y))
    if one["faults"]:
        parts.append(element("circle", cx=_px(x), cy=_px(y), r="8", class_="met"))
    if moment.polls:
        parts.append(element("text", moment.count_label, x=_px(x), y=_px(y + 18), class_="polls"))
    if one["findings"]:
        parts.append(flag(worst(one, severities), x, y - 9))
    return element("a", *parts, href=f"#{anchor(one)}", class_="dot")


def told(one: Exchange, at_ms: int) -> str:
    """All of an exchange in one line."""
    parts = [f"#{one['ordinal']} {asked(one)}: {answered(one)}, {instant(at_ms)}"]
    parts += [f"shows {one['shown']}"] if one["shown"] else []
    parts += [f"{name}: {', '.join(one[name])}" for name in ("faults", "findings") if one[name]]
    return "; ".join(parts)


def worst(one: Exchange, severities: Mapping[str, str]) -> str:
    """The gravest severity of an exchange's findings."""
    return "warning" if all(severities.get(name) == "warning" for name in one["findings"]) else "error"


def dot(one: Exchange, x: float, y: float) -> Markup:
    """The mark of an exchange by its status."""
    class_ = f"mark {manner_of(one)}"
    if class_.endswith("s4"):
        return element("path", d=f"M{_px(x)} {_px(y - 6)}l6 6l-6 6l-6 -6z", class_=class_)
    if class_.endswith("s5"):
        return element("path", d=f"M{_px(x - 5)} {_px(y - 5)}h10v10h-10z", class_=class_)
    return element("circle", cx=_px(x), cy=_px(y), r="4.6", class_=class_)


def flag(severity: str, x: float, y: float) -> Markup:
    """The mark of a finding, standing on this place."""
    return element("path", d=f"M{_px(x)} {_px(y)}l-4.5 -8h9z", class_=f"flag {severity}")


def picture(*parts: Markup, classes: str = "") -> Markup:
    """A small drawing for a key, around the place (9, 9)."""
    return element("svg", joined(*parts), viewBox="0 0 18 18", aria_hidden="true", class_=f"lanes {classes}".strip())
