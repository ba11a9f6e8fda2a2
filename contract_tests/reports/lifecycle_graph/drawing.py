"""A lifecycle as a drawing: its states and moves as inline SVG, what was seen lit and the rest dim.

A move down the page is a line with its label. Moves back up, and moves into one state from many, are bundled into
rails beside the states, up on the left and down on the right: each source has a stub onto its move's rail.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from contract_tests.reports.lifecycle_graph.layout import Item, Pair, label_of, spread
from contract_tests.reports.lifecycle_graph.rails import CORNER, LINE_GAP, Rail, RailPlan, Row, planned
from contract_tests.reports.markup import Markup, element, escaped, joined
from contract_tests.reports.text import causes, counted, expected_states, kind, shown

LABEL_HEIGHT, HEAD = 14.0, 7.0
RAIL_LABEL_EVERY = 460.0

# Something to draw, and its height above the paper: what was seen lies over what was not, labels over all lines.
Line = tuple[int, Markup]
LABEL = 2
Point = tuple[float, float]


def draw(lifecycle: Mapping[str, Any]) -> Markup:
    """The lifecycle as an `<svg>` whose colours come from the page; every state and move has its title."""
    plan = planned(lifecycle)
    lines = [*_links(plan), *(line for rail in plan.rails for line in _rail(plan, rail))]
    left, top, width, height = plan.bounds()
    states = expected_states(lifecycle)
    met = sum(1 for state in states if state["seen"])
    return element(
        "svg",
        *(line for _, line in sorted(lines, key=lambda line: line[0])),
        *(_state(plan, state) for state in lifecycle["states"]),
        class_="graph",
        role="img",
        aria_label=f"{lifecycle['name']}: {met} of {counted(len(states), 'state')} seen",
        viewBox=f"{left:.0f} {top:.0f} {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
    )


def met_class(seen: int) -> str:
    """The class of what was seen, or was not."""
    return "lit" if seen else "dim"


def times(seen: int) -> str:
    """`seen 3 times`, `never seen`."""
    return f"seen {counted(seen, 'time')}" if seen else "never seen"


def kind_class(by: Iterable[str]) -> str:
    """The classes that tell a move's causes apart."""
    main, event_too = kind(by)
    return f"{main} chance" if event_too and main != "event" else main


def _state(plan: RailPlan, state: Mapping[str, Any]) -> Markup:
    left, top, width, height = plan.boxes[state["name"]]
    middle, unmodelled = left + width / 2, state["unmodelled"] and not state["seen"]
    facts = ["initial"] * state["initial"] + ["rests"] * state["rests"] + ["no longer there"] * state["gone"]
    told = "not modelled" if unmodelled else times(state["seen"])
    title = f"{state['name']}: {', '.join([*facts, told])}"
    if state["unmodelled"]:
        title += f" (not modelled: {state['unmodelled']})"
    classes = ["state", met_class(state["seen"])]
    classes += [name for name in ("initial", "rests", "gone") if state[name]] + ["unmodelled"] * bool(unmodelled)
    shape = {"x": _px(left), "y": _px(top), "width": _px(width), "height": _px(height)}
    radius = height / 2 if state["gone"] else 7
    parts = [element("title", title), element("rect", **shape, rx=_px(radius))]
    if state["rests"]:  # a second outline, as automata draw the states that they may stay in
        inner = {"x": _px(left + 3), "y": _px(top + 3), "width": _px(width - 6), "height": _px(height - 6)}
        parts.append(element("rect", **inner, rx=_px(max(4.0, radius - 3)), class_="inner"))
    if state["initial"]:
        parts.append(element("circle", cx=_px(left), cy=_px(top), r="5", class_="birth"))
    name = plan.short(state["name"])
    parts.append(element("text", name, x=_px(middle), y=_px(top + height / 2 - 2), class_="name"))
    parts.append(element("text", told, x=_px(middle), y=_px(top + height / 2 + 12), class_="told"))
    return element("g", *parts, class_=" ".join(classes))


def _links(plan: RailPlan) -> Iterable[Line]:
    """The lines of the moves that go down by themselves, with their labels."""
    starts, ends = _ports(plan, leaving=True), _ports(plan, leaving=False)
    for pair, chain in plan.placed.chains.items():
        rows = plan.pairs[pair]
        label = label_of(chain)
        for index, row in enumerate(rows):
            aside = (index - (len(rows) - 1) / 2) * LINE_GAP
            points: list[Point] = [(starts[pair] + aside, plan.bottoms[chain[0].layer])]
            for item in chain[1:-1]:
                upper, lower = plan.tops[item.layer], plan.bottoms[item.layer]
                straight = item is label or item.layer % 2 == 0
                points += [(item.x + aside, y) for y in ((upper, lower) if straight else ((upper + lower) / 2,))]
            tip = (ends[pair] + aside, plan.tops[chain[-1].layer])
            points.append((tip[0], tip[1] - HEAD))
            block = plan.tops[label.layer] + plan.bottoms[label.layer] - len(rows) * LABEL_HEIGHT
            place = (label.x + len(rows) * LINE_GAP / 2 + 4, block / 2 + (index + 0.5) * LABEL_HEIGHT + 3.5)
            yield _move(row, _flowing(points), _head(tip, 0, 1))
            yield LABEL, _labelled([row], _text(row["name"], place))


def _ports(plan: RailPlan, leaving: bool) -> dict[Pair, float]:
    """Where on the lower (leaving) or upper side of its state each pair's lines begin or end: an x for each pair."""
    found = {}
    for state, item in plan.placed.states.items():
        ends = []
        for pair, chain in plan.placed.chains.items():
            if pair[0 if leaving else 1] == state:
                half = len(plan.pairs[pair]) * LINE_GAP / 2
                ends.append((chain[1] if leaving else chain[-2], pair, Item(0, half, half)))
        ends.sort(key=lambda end: end[0].x)
        wanted = {port: near.x for near, _, port in ends}
        low, high = item.x - item.left + 14, item.x + item.right - 14
        spread(
            [port for _, _, port in ends],
            lambda port, wanted=wanted, low=low, high=high: min(max(wanted[port], low), high),  # type: ignore[misc]
            gap=4,
        )
        found.update({pair: port.x for _, pair, port in ends})
    return found


def _rail(plan: RailPlan, rail: Rail) -> Iterable[Line]:
    """A line from every source of the rail to its target, and the rail's label once for all."""
    beam = plan.beam(rail)
    into = plan.stub(rail, rail.target, ends=True)
    ys = [into[-1][1]]
    for row in rail.rows:
        out = plan.stub(rail, row["from"], ends=False)
        ys.append(out[-1][1])
        points = [*out, (beam, out[-1][1]), (beam, into[-1][1]), *reversed(into)]
        points[-1] = (points[-1][0] + rail.side * HEAD, points[-1][1])
        yield _move(row, _cornered(points), _head(into[0], -rail.side, 0))
    low, high = min(ys), max(ys)
    for index in range(parts := 1 + int((high - low) / RAIL_LABEL_EVERY)):
        middle = (beam + 10.5, low + (high - low) * (index + 0.5) / parts)
        text = _text(rail.rows[0]["name"], middle, turned=True)
        yield LABEL, _labelled(rail.rows, text)


def _move(row: Row, line: str, head: str) -> Line:
    path = joined(element("path", d=line, class_="line"), element("path", d=head, class_="head"))
    classes = f"move {met_class(row['seen'])} {kind_class(row['by'])}"
    return int(row["seen"] > 0), element("g", element("title", _title([row])), path, class_=classes)


def _labelled(rows: Sequence[Row], text: Markup) -> Markup:
    """The label of a move, or of a rail for all its moves."""
    seen = sum(row["seen"] for row in rows)
    classes = f"move {met_class(seen)} {kind_class(rows[0]['by'])}"
    return element("g", element("title", _title(rows)), text, class_=classes)


def _title(rows: Sequence[Row]) -> str:
    first, seen = rows[0], sum(row["seen"] for row in rows)
    met = sum(1 for row in rows if row["seen"])
    sources = first["from"] if len(rows) == 1 else f"{met} of {counted(len(rows), 'state')}"
    return f"{first['name']}: {sources} → {first['to']}, by {causes(first['by'])}, {times(seen)}"


def _text(name: str, at: Point, turned: bool = False) -> Markup:
    x, y = _px(at[0]), _px(at[1])
    turn = {"transform": f"rotate(-90 {x} {y})", "class_": "label turned"} if turned else {"class_": "label"}
    return element("text", escaped(shown(name)), x=x, y=y, **turn)


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _flowing(points: Sequence[Point]) -> str:
    """A line through the points, always downwards, that bends between layers and is straight within them."""
    d = f"M{_px(points[0][0])} {_px(points[0][1])}"
    for (x, y), (to_x, to_y) in pairwise(points):
        if abs(x - to_x) < 1:
            d += f"L{_px(to_x)} {_px(to_y)}"
        else:
            middle = _px((y + to_y) / 2)
            d += f"C{_px(x)} {middle} {_px(to_x)} {middle} {_px(to_x)} {_px(to_y)}"
    return d


def _cornered(points: Sequence[Point]) -> str:
    """A line along the points, whose legs are level or upright, with rounded corners."""
    d = f"M{_px(points[0][0])} {_px(points[0][1])}"
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        d += f"L{_towards(at, before)}Q{_px(at[0])} {_px(at[1])} {_towards(at, after)}"
    return d + f"L{_px(points[-1][0])} {_px(points[-1][1])}"


def _towards(at: Point, other: Point) -> str:
    """The point at most a corner's radius from `at` on the way to the other, and no further than half of it."""
    length = abs(other[0] - at[0]) + abs(other[1] - at[1])
    share = min(CORNER, length / 2) / length if length else 0.0
    return f"{_px(at[0] + (other[0] - at[0]) * share)} {_px(at[1] + (other[1] - at[1]) * share)}"


def _head(tip: Point, along_x: float, along_y: float) -> str:
    """An arrowhead with its tip there, pointing along the direction."""
    x, y = tip[0] - along_x * HEAD, tip[1] - along_y * HEAD
    wide = HEAD * 0.55
    return (
        f"M{_px(tip[0])} {_px(tip[1])}L{_px(x + along_y * wide)} {_px(y + along_x * wide)}"
        f"L{_px(x - along_y * wide)} {_px(y - along_x * wide)}Z"
    )
