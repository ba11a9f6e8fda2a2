"""Where the states of a lifecycle stand: layers from birth downwards, so that lines cross little and run straight.

Layers of states alternate with layers of labels: a line from a state to one further down passes an item in each layer
between, one of which has room for its label. Lengths are pixels; the same input always gives the same places.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Pair = tuple[str, str]

SWEEPS = 12
SETTLINGS = 24
GAP = 26.0
# A line between two items that are no states should rather run straight than one at a state.
STRAIGHT, BENT = 6.0, 1.0


@dataclass(eq=False)
class Item:
    """What takes room in a layer: a state, or a place that a pair's lines pass, perhaps with their label."""

    layer: int
    left: float
    right: float
    state: str = ""
    x: float = 0.0
    above: list["Item"] = field(default_factory=list)
    below: list["Item"] = field(default_factory=list)


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
            target = next(ways, None)
            if target is None:
                path.pop()
                open_.discard(state)
                finished.append(state)
            elif target not in open_:
                kept[state].append(target)
                if target not in finished:
                    open_.add(target)
                    path.append((target, iter(onward[target])))
    found = dict.fromkeys(onward, 0)
    for state in reversed(finished):
        for target in kept[state]:
            found[target] = max(found[target], found[state] + 1)
    moved = {state for state in onward if onward[state] or any(state in ways for ways in onward.values())}
    last = max((found[state] for state in moved), default=-1) + 1
    return {state: found[state] if state in moved else last for state in onward}


def arrange(
    ranked: Mapping[str, int], widths: Mapping[str, float], labels: Mapping[Pair, tuple[float, float]]
) -> Layering:
    """Place the states and the downward pairs; `labels` has the room left and right of a pair's lines at its label."""
    made = _items(ranked, widths, labels)
    _order(made.layers)
    _settle(made.layers)
    return made


def _items(
    ranked: Mapping[str, int], widths: Mapping[str, float], labels: Mapping[Pair, tuple[float, float]]
) -> Layering:
    layers: list[list[Item]] = [[] for _ in range(2 * max(ranked.values(), default=0) + 1)]
    states = {state: Item(2 * rank, widths[state] / 2, widths[state] / 2, state) for state, rank in ranked.items()}
    for item in states.values():
        layers[item.layer].append(item)
    chains = {}
    for (source, target), (left, right) in labels.items():
        first, last = states[source].layer, states[target].layer
        labelled = first + 1 + (last - first - 2) // 4 * 2
        passed = [Item(n, left, right if n == labelled else left) for n in range(first + 1, last)]
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
    """Order every layer by where its neighbours stand, down and up by turns, and keep what crosses least."""
    best = [list(layer) for layer in layers]
    fewest = _crossings(layers)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            _sort_by_neighbours(layer, layers, down)
        crossings = _crossings(layers)
        if crossings < fewest:
            fewest, best = crossings, [list(layer) for layer in layers]
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
    for turn in range(SETTLINGS):
        down = turn % 2 == 0
        for layer in layers if down else reversed(layers):
            spread(layer, lambda item, down=down: _wanted(item, down))  # type: ignore[misc]
    shift = min((item.x - item.left for layer in layers for item in layer), default=0.0)
    for layer in layers:
        for item in layer:
            item.x -= shift


def _wanted(item: Item, down: bool) -> float:
    near = (item.above if down else item.below) or item.above or item.below
    if not near:
        return item.x
    weights = [BENT if one.state or item.state else STRAIGHT for one in near]
    return sum(one.x * weight for one, weight in zip(near, weights, strict=True)) / sum(weights)


def spread(layer: Sequence[Item], wanted: Callable[[Item], float], gap: float = GAP) -> None:
    """Set each x by least squares with the order and the gaps kept: neighbours that would overlap are moved together as a block."""
    blocks: list[tuple[float, int]] = []
    offsets, reach = [], 0.0
    for index, item in enumerate(layer):
        if index:
            reach += layer[index - 1].right + gap + item.left
        offsets.append(reach)
        mean, count = wanted(item) - reach, 1
        while blocks and blocks[-1][0] > mean:
            other, others = blocks.pop()
            mean, count = (mean * count + other * others) / (count + others), count + others
        blocks.append((mean, count))
    places = [mean for mean, count in blocks for _ in range(count)]
    for item, place, offset in zip(layer, places, offsets, strict=True):
        item.x = place + offset
