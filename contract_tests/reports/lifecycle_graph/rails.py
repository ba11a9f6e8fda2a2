"""The plan of a lifecycle's drawing: which moves are lines and which are rails, where rails run and stubs meet states.

A rail is a bundle of moves with one name and one target. It stands in a lane beside the states; where another state
stands between a state and the lane, the stub takes a channel between the layers. Lengths are pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract_tests.reports.lifecycle_graph.layout import Label, Layering, Pair, arrange, label_of, ranks
from contract_tests.reports.text import prefix_of, shown

NAME_PX, LABEL_PX = 7.3, 6.2  # the width of a character of a state's name and of a label
NODE_HEIGHT, NODE_PADDING, NODE_MIN_WIDTH, LABEL_HEIGHT = 42.0, 18.0, 124.0, 14.0
LINE_GAP, PORT_GAP, LANE_GAP, CHANNEL_GAP, ASIDE = 7.0, 9.0, 19.0, 6.0, 11.0
MARGIN, LAYER_GAP, CORNER, OUT = 18.0, 18.0, 7.0, 15.0
# So many sources of one move, or so many layers of states to pass, make a rail.
MANY_SOURCES, LONG_WAY = 3, 4

Row = Mapping[str, Any]
Point = tuple[float, float]


@dataclass(eq=False)
class Rail:
    """Moves with one name and target: `side` is -1 for up on the left, 1 for down on the right; lane 0 is innermost."""

    rows: list[Row]
    side: int
    lane: int = 0
    # Of each stub, by its state and whether the rail ends there: where it leaves the state, and its channel if any.
    ports: dict[tuple[str, bool], Point] = field(default_factory=dict)
    channels: dict[tuple[str, bool], int] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The state that the rail leads to."""
        return str(self.rows[0]["to"])

    def stubs(self) -> list[tuple[str, bool]]:
        """The states where it begins (False) and the one where it ends (True)."""
        return [*((str(row["from"]), False) for row in self.rows), (self.target, True)]


@dataclass
class RailPlan:
    """What is drawn where. Boxes are (left, top, width, height); tops and bottoms are those of the layers."""

    prefix: str
    pairs: dict[Pair, list[Row]]
    rails: list[Rail]
    placed: Layering
    boxes: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    tops: list[float] = field(default_factory=list)
    bottoms: list[float] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0

    def short(self, name: str) -> str:
        """A state's name without what all of them begin with."""
        return shown(name.removeprefix(self.prefix)) or "(no name)"

    def beam(self, rail: Rail) -> float:
        """The x at which a rail runs."""
        away = MARGIN + rail.lane * LANE_GAP
        return self.right + away if rail.side > 0 else self.left - away

    def bounds(self) -> tuple[float, float, float, float]:
        """All of it: (left, top, width, height)."""
        lanes = {side: max([0, *(rail.lane + 1 for rail in self.rails if rail.side == side)]) for side in (-1, 1)}
        left = self.left - lanes[-1] * LANE_GAP - MARGIN
        right = self.right + lanes[1] * LANE_GAP + MARGIN
        return left, -MARGIN, right - left, max(self.bottoms, default=0.0) + 2 * MARGIN

    def stub(self, rail: Rail, state: str, ends: bool) -> list[Point]:
        """The points from a state's side to where its stub runs level to the rail."""
        x, y = rail.ports[state, ends]
        if (state, ends) not in rail.channels:
            return [(x, y)]
        number = rail.channels[state, ends]
        layer = self.placed.states[state].layer
        below = (rail.side > 0) != ends
        far = ASIDE + number * CHANNEL_GAP
        level = self.bottoms[layer] + far if below else self.tops[layer] - far
        out = x + rail.side * (OUT + number * CHANNEL_GAP / 2)
        return [(x, y), (out, y), (out, level)]


def planned(lifecycle: Mapping[str, Any]) -> RailPlan:
    """The plan for one lifecycle of a verdict; moves from or to states that it does not list are left out."""
    names = list(dict.fromkeys(state["name"] for state in lifecycle["states"]))
    rows = [row for row in lifecycle["moves"] if row["from"] in names and row["to"] in names]
    initial = [state["name"] for state in lifecycle["states"] if state["initial"]]
    ranked = ranks(names, initial, [(row["from"], row["to"]) for row in rows])
    pairs, rails = _bundled(rows, ranked)
    prefix = prefix_of(lifecycle["states"])
    widths = {
        name: max(NODE_MIN_WIDTH, len(shown(name.removeprefix(prefix))) * NAME_PX + 2 * NODE_PADDING) for name in names
    }
    labels = {}
    for pair, moves in pairs.items():
        half = len(moves) * LINE_GAP / 2
        room = max(len(shown(move["name"])) for move in moves) * LABEL_PX
        # What time does is the spine: it should rather stand straight than what requests and events do.
        by_time = any("time" in move["by"] for move in moves)
        labels[pair] = Label(half, half + 4 + room, 10.0 if by_time else 1.0)
    plan = RailPlan(prefix, pairs, rails, arrange(ranked, widths, labels))
    _take_channels(plan)
    _stand(plan)
    _take_lanes(plan)
    _take_ports(plan)
    return plan


def _bundled(rows: list[Row], ranked: Mapping[str, int]) -> tuple[dict[Pair, list[Row]], list[Rail]]:
    grouped: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        side = 1 if ranked[row["from"]] < ranked[row["to"]] else -1
        grouped.setdefault((row["name"], row["to"], side), []).append(row)
    pairs: dict[Pair, list[Row]] = {}
    rails = []
    for (_, target, side), group in grouped.items():
        way = max(ranked[target] - ranked[row["from"]] for row in group)
        if side < 0 or len(group) >= MANY_SOURCES or way > LONG_WAY:
            rails.append(Rail(group, side))
        else:
            for row in group:
                pairs.setdefault((row["from"], row["to"]), []).append(row)
    return pairs, rails


def _take_channels(plan: RailPlan) -> None:
    """Number the stubs that must pass another state of their layer, for each channel above or below a layer."""
    used: dict[tuple[int, bool], int] = {}
    for rail in plan.rails:
        for state, ends in rail.stubs():
            layer = plan.placed.states[state].layer
            states = [item.state for item in plan.placed.layers[layer] if item.state is not None]
            if state != states[-1 if rail.side > 0 else 0]:
                key = (layer, (rail.side > 0) != ends)
                rail.channels[state, ends] = used.get(key, 0)
                used[key] = used.get(key, 0) + 1


def _stand(plan: RailPlan) -> None:
    """Give every layer its height, with the channels it needs, and every state its box."""
    labelled: dict[int, int] = {}
    for pair, chain in plan.placed.chains.items():
        number = label_of(chain).layer
        labelled[number] = max(labelled.get(number, 1), len(plan.pairs[pair]))
    stubs: dict[tuple[str | None, int], int] = {}
    channels: dict[tuple[int, bool], int] = {}
    for rail in plan.rails:
        for state, ends in rail.stubs():
            stubs[state, rail.side] = stubs.get((state, rail.side), 0) + 1
            if (state, ends) in rail.channels:
                key = (plan.placed.states[state].layer, (rail.side > 0) != ends)
                channels[key] = channels.get(key, 0) + 1
    top = 0.0
    for index, layer in enumerate(plan.placed.layers):
        most = max((stubs.get((item.state, side), 0) for item in layer for side in (-1, 1)), default=0)
        states_height = max(NODE_HEIGHT, most * PORT_GAP + 2 * CORNER)
        top += channels.get((index, False), 0) * CHANNEL_GAP
        height = labelled.get(index, 1) * LABEL_HEIGHT if index % 2 else states_height
        plan.tops.append(top)
        plan.bottoms.append(top + height)
        top += height + LAYER_GAP + channels.get((index, True), 0) * CHANNEL_GAP
    for state, item in plan.placed.states.items():
        upper, lower = plan.tops[item.layer], plan.bottoms[item.layer]
        plan.boxes[state] = (item.x - item.left, upper, item.left + item.right, lower - upper)
    items = [item for layer in plan.placed.layers for item in layer]
    plan.left = min((item.x - item.left for item in items), default=0.0)
    plan.right = max((item.x + item.right for item in items), default=0.0)


def _take_lanes(plan: RailPlan) -> None:
    """Give the rails lanes, short ones inside, so that none overlaps another or its label."""
    taken: dict[tuple[int, int], list[tuple[float, float]]] = {}
    spans = {}
    for rail in plan.rails:
        layers = [plan.placed.states[state].layer for state, _ in rail.stubs()]
        low, high = plan.tops[min(layers)], plan.bottoms[max(layers)]
        room = max(0.0, len(shown(rail.rows[0]["name"])) * LABEL_PX + 2 * CORNER - (high - low)) / 2
        spans[rail] = (low - room, high + room)
    for rail in sorted(plan.rails, key=lambda rail: spans[rail][1] - spans[rail][0]):
        low, high = spans[rail]
        while any(low < end and high > start for start, end in taken.get((rail.side, rail.lane), ())):
            rail.lane += 1
        taken.setdefault((rail.side, rail.lane), []).append((low, high))


def _take_ports(plan: RailPlan) -> None:
    """Give the stubs their places at the sides of the states, in the order in which their rails do not cross.

    On the right, where rails run down, what ends stands above what begins; on the left it is the other way round.
    """
    for state, (left, top, width, height) in plan.boxes.items():
        for side in (-1, 1):
            stubs = [
                (rail, ends) for rail in plan.rails if rail.side == side for at, ends in rail.stubs() if at == state
            ]
            upper = side > 0
            stubs.sort(key=lambda stub: (0, stub[0].lane) if stub[1] == upper else (1, -stub[0].lane))
            for index, (rail, ends) in enumerate(stubs, 1):
                rail.ports[state, ends] = (left if side < 0 else left + width, top + index * height / (len(stubs) + 1))
