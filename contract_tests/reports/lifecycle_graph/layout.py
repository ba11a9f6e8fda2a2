"""Where the states of a lifecycle stand: layers from birth downwards, so that lines cross little and run straight.

Layers of states alternate with layers of labels: a line from a state to one further down passes an item in each layer
between, one of which has room for its label. Lengths are pixels; the same input always gives the same places.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Pair = tuple[str, str]

STARTS, SWEEPS = 6, 16
SETTLINGS = 25
GAP = 36.0
# Lines should run straight where they pass states, rather than where they begin or end.
PASSING = 6.0


@dataclass(eq=False)
class Item:
    """What takes room in a layer: a state, or a place that a pair's lines pass, perhaps with their label."""

    layer: int
    left: float
    right: float
    state: str | None = None
    weight: float = 5.0  # how much it should stay where it wants to be, and pull its neighbours
    x: float = 0.0
    above: list["Item"] = field(default_factory=list)
    below: list["Item"] = field(default_factory=list)


@dataclass(frozen=True)
class Label:
    """The room that a pair's lines and their label need left and right of the lines' middle, and the pair's weight."""

    left: float
    right: float
    weight: float


@dataclass
class Layering:
    """The layers from the top, each from left to right, and the items that each pair's lines run through in order."""

    layers: list[list[Item]]
    states: dict[str, Item]
    chains: dict[Pair, list[Item]]


def ranks(states: Sequence[str], initial: Iterable[str], pairs: Iterable[Pair]) -> dict[str, int]:
    """How far down each state stands: below all that lead to it, loops aside; states without moves stand last."""
    onward: dict[str, list[str]] = {state: [] for state in states}
    for source, target in pairs:
        if target not in onward[source]:
            onward[source].append(target)
    finished: list[str] = []
    open_: set[str] = set()
    kept: dict[str, list[str]] = {state: [] for state in onward}
    for start in (*initial, *onward):
        if start in finished or start not in onward:
            continue
        open_.add(start)
        path = [(start, iter(onward[start]))]
        while path:
            state, ways = path[-1]
            onwards = next(ways, None)
            if onwards is None:
                path.pop()
                open_.discard(state)
                finished.append(state)
            elif onwards not in open_:
                kept[state].append(onwards)
                if onwards not in finished:
                    open_.add(onwards)
                    path.append((onwards, iter(onward[onwards])))
    found = dict.fromkeys(onward, 0)
    for state in reversed(finished):
        for target in kept[state]:
            found[target] = max(found[target], found[state] + 1)
    moved = {state for state in onward if onward[state] or any(state in ways for ways in onward.values())}
    last = max((found[state] for state in moved), default=-1) + 1
    return {state: found[state] if state in moved else last for state in onward}


def arrange(ranked: Mapping[str, int], widths: Mapping[str, float], labels: Mapping[Pair, Label]) -> Layering:
    """Place the states by their ranks and widths, and the downward pairs with their labels."""
    made = _items(ranked, widths, labels)
    _order(made.layers)
    _settle(made.layers)
    return made


def _items(ranked: Mapping[str, int], widths: Mapping[str, float], labels: Mapping[Pair, Label]) -> Layering:
    layers: list[list[Item]] = [[] for _ in range(2 * max(ranked.values(), default=0) + 1)]
    states = {state: Item(2 * rank, widths[state] / 2, widths[state] / 2, state) for state, rank in ranked.items()}
    for item in states.values():
        layers[item.layer].append(item)
    chains = {}
    for (source, target), label in labels.items():
        first, last = states[source].layer, states[target].layer
        labelled = first + 1 + (last - first - 2) // 4 * 2
        passed = [
            Item(n, label.left, label.right if n == labelled else label.left, weight=label.weight)
            for n in range(first + 1, last)
        ]
        for item in passed:
            layers[item.layer].append(item)
        chain = [states[source], *passed, states[target]]
        for above, below in pairwise(chain):
            above.below.append(below)
            below.above.append(above)
        chains[source, target] = chain
    return Layering(layers, states, chains)


def label_of(chain: Sequence[Item]) -> Item:
    """The item of a chain that has room for the label."""
    return max(chain[1:-1], key=lambda item: item.right - item.left)


def _order(layers: list[list[Item]]) -> None:
    """Order every layer by where its neighbours stand, down and up by turns, and keep what crosses least.

    What comes of it depends on where it begins, so it begins several times, each layer turned round by one more.
    """
    best = [list(layer) for layer in layers]
    fewest = _crossings(layers)
    for start in range(STARTS):
        for layer in layers:
            turn = start % max(1, len(layer))
            layer[:] = layer[turn:] + layer[:turn]
        for sweep in range(SWEEPS):
            down = sweep % 2 == 0
            for layer in layers if down else reversed(layers):
                _sort_by_neighbours(layer, layers, down)
            crossings = _crossings(layers)
            if crossings < fewest:
                fewest, best = crossings, [list(layer) for layer in layers]
        if not fewest:
            break
    for layer, items in zip(layers, best, strict=True):
        layer[:] = items


def _sort_by_neighbours(layer: list[Item], layers: list[list[Item]], down: bool) -> None:
    wanted = {}
    for index, item in enumerate(layer):
        near = item.above if down else item.below
        places = [layers[one.layer].index(one) / max(1, len(layers[one.layer]) - 1) for one in near]
        wanted[item] = sum(places) / len(places) if places else index / max(1, len(layer) - 1)
    layer.sort(key=wanted.__getitem__)


def _crossings(layers: list[list[Item]]) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        place = {item: index for index, item in enumerate(lower)}
        ends = [place[below] for item in upper for below in sorted(item.below, key=place.__getitem__)]
        total += sum(ends[i] > ends[j] for i in range(len(ends)) for j in range(i + 1, len(ends)))
    return total


def _settle(layers: list[list[Item]]) -> None:
    """Give every item its x: as near to the middle of its neighbours as its layer's order and room allow."""
    for layer in layers:
        spread(layer, lambda item: item.x)
    for turn in range(SETTLINGS):  # an odd number: in the end all stand under what leads to them
        down = turn % 2 == 0
        for layer in layers if down else reversed(layers):
            spread(layer, lambda item, down=down: _wanted(item, down))  # type: ignore[misc]
    placed = [item.x for layer in layers for item in layer if item.above or item.below]
    middle = (min(placed) + max(placed)) / 2 if placed else 0.0
    for layer in layers:
        if not any(item.above or item.below for item in layer):
            spread(layer, lambda _: middle)
    shift = min((item.x - item.left for layer in layers for item in layer), default=0.0)
    for layer in layers:
        for item in layer:
            item.x -= shift


def _wanted(item: Item, down: bool) -> float:
    """The mean of what is above or below; where lines pass, what belongs to no state counts most."""
    near = (item.above if down else item.below) or item.above or item.below
    if not near:
        return item.x
    weights = [one.weight * (PASSING if one.state is None and item.state is None else 1) for one in near]
    return sum(one.x * weight for one, weight in zip(near, weights, strict=True)) / sum(weights)


def spread(layer: Sequence[Item], wanted: Callable[[Item], float], gap: float = GAP) -> None:
    """Set each x by weighted least squares with the order and the gaps kept.

    Neighbours that would overlap are moved together as a block.
    """
    blocks: list[tuple[float, float, int]] = []
    offsets, reach = [], 0.0
    for index, item in enumerate(layer):
        if index:
            reach += layer[index - 1].right + gap + item.left
        offsets.append(reach)
        mean, weight, count = wanted(item) - reach, item.weight, 1
        while blocks and blocks[-1][0] > mean:
            other, others_weight, others = blocks.pop()
            mean = (mean * weight + other * others_weight) / (weight + others_weight)
            weight, count = weight + others_weight, count + others
        blocks.append((mean, weight, count))
    places = [mean for mean, _, count in blocks for _ in range(count)]
    for item, place, offset in zip(layer, places, offsets, strict=True):
        item.x = place + offset
