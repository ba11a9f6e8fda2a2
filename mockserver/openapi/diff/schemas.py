"""What changed between two schemas, and whether it breaks those who send such values, or those who receive them.

Pairs of schemas are compared once each and make a graph (a field leads from one pair to another), so that schemas that
contain themselves need no care. What makes a request's schema narrower is breaking, and what makes a response's wider;
fields are judged as clients use them: one more never breaks a response, one less always breaks.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from mockserver.openapi.diff.normal_form import ANYTHING, KINDS, NormalView, Parts, Shapes, Views
from mockserver.openapi.diff.wording import LIMITS, kinds_text, limit_text, value_text, values_text, way_step, way_text
from mockserver.openapi.schema.checks import Direction
from mockserver.openapi.schema.problems import shown

Effect: TypeAlias = Literal["added", "removed", "narrowed", "widened", "changed"]
Steps: TypeAlias = tuple[str, ...]  # ".name", "[]", ".*", "(Branch)"
Key: TypeAlias = tuple[Any, ...]

MARKS: Final = ("x-assumed", "x-observed", "x-older")
_MAX_VISITS: Final = 4  # of one pair of schemas below one body: so many fields of a type are named
# Formats whose values are all of another format too.
_WITHIN: Final = frozenset({("int32", "int64"), ("float", "double")})


class SchemaChange(NamedTuple):
    """One change: the steps to the value it is about, what became of it, and the words for it."""

    path: Steps
    effect: Effect
    text: str
    breaking: bool


class _Edge(NamedTuple):
    path: Steps
    old: Parts
    new: Parts


class _Node(NamedTuple):
    """What comparing two schemas gives by itself, and where to go on."""

    changes: tuple[SchemaChange, ...]
    edges: tuple[tuple[_Edge, Key], ...]


@dataclass(frozen=True, slots=True)
class _Visit:
    key: Key
    path: Steps
    above: frozenset[Key]


class SchemaComparer:
    """Compares schemas of two documents as they are used in one direction."""

    def __init__(self, old: Shapes, new: Shapes, direction: Direction) -> None:
        """Compare those of `old` with those of `new`."""
        self.old = old
        self.new = new
        self.direction = direction
        self._nodes: dict[Key, _Node] = {}
        self._telling: set[Key] = set()  # the pairs that have changes or lead to such that do

    def changes(self, old: Parts, new: Parts) -> list[SchemaChange]:
        """All changes in a value that the old and the new parts describe, by path.

        What changed in a type is told of each field of that type, the nearest four in a body; of a type that contains
        itself, not again inside itself.
        """
        start = self._key(old, new)
        self._explore(start, old, new)
        found: list[SchemaChange] = []
        visits: Counter[Key] = Counter()
        todo = deque([_Visit(start, (), frozenset())])
        while todo:
            visit = todo.popleft()
            if visit.key not in self._telling or visit.key in visit.above or visits[visit.key] == _MAX_VISITS:
                continue
            visits[visit.key] += 1
            node = self._nodes[visit.key]
            found += [change._replace(path=visit.path + change.path) for change in node.changes]
            above = visit.above | {visit.key}
            todo += [_Visit(key, visit.path + edge.path, above) for edge, key in node.edges]
        return sorted(set(found))

    def _explore(self, start: Key, old: Parts, new: Parts) -> None:
        """Compare two schemas and all that they lead to, and find which of these pairs lead to a change."""
        above: dict[Key, list[Key]] = {}  # of the pairs that are new here: what is known leads to nothing new
        todo = [(start, old, new)]
        telling: list[Key] = []
        while todo:
            key, before, after = todo.pop()
            if key in self._nodes:
                continue
            node = self._nodes[key] = self._compare(before, after)
            for edge, below in node.edges:
                above.setdefault(below, []).append(key)
                todo.append((below, edge.old, edge.new))
            if node.changes or any(below in self._telling for _, below in node.edges):
                telling.append(key)
        while telling:
            key = telling.pop()
            if key not in self._telling:
                self._telling.add(key)
                telling += above.get(key, ())

    def _key(self, old: Parts, new: Parts) -> Key:
        return self.old.key(old), self.new.key(new)

    def _change(self, effect: Effect, text: str, path: Steps = ()) -> SchemaChange:
        """A change that breaks by the rule: a narrower request, a wider response, or neither one nor the other."""
        breaking = effect == ("narrowed" if self.direction == "request" else "widened")
        return SchemaChange(path, effect, text, breaking or effect in ("changed", "removed"))

    def _compare(self, old: Parts, new: Parts) -> _Node:
        before, after = self.old.of(old), self.new.of(new)
        changes = [*self._of_annotations(self.old.annotations(old), self.new.annotations(new))]
        changes += self._of_kinds(before, after)
        edges: list[_Edge] = []
        for kind in KINDS:
            olds = [view for view in before if view.kind == kind]
            news = [view for view in after if view.kind == kind]
            if olds and news:
                more, below = self._of_views(olds, news)
                changes += more
                edges += below
        leading = sorted({(edge.path, self._key(edge.old, edge.new)): edge for edge in edges}.items(), key=_by_path)
        return _Node(tuple(dict.fromkeys(changes)), tuple((edge, key) for (_, key), edge in leading))

    def _of_annotations(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[SchemaChange]:
        for effect, text in changed_marks(old, new):
            yield SchemaChange((), effect, text, False)
        if self.direction == "response":
            return
        if "default" in old and "default" in new:
            if old["default"] != new["default"]:
                text = f"now has the default {value_text(new['default'])} (was {value_text(old['default'])})"
                yield SchemaChange((), "changed", text, True)
        elif "default" in new:
            yield SchemaChange((), "added", f"now has the default {value_text(new['default'])}", False)
        elif "default" in old:
            yield SchemaChange((), "removed", f"no longer has the default {value_text(old['default'])}", False)

    def _of_kinds(self, before: Views, after: Views) -> Iterator[SchemaChange]:
        old, new = {view.kind for view in before}, {view.kind for view in after}
        gone, come = old - new - {"null"}, new - old - {"null"}
        if "null" in new - old and not (come and new >= {*KINDS}):
            yield self._change("widened", "may now be null")
        if "null" in old - new and not (gone and old >= {*KINDS}):
            yield self._change("narrowed", "may no longer be null")
        if gone and come:
            yield self._change("changed", f"is now {kinds_text(after)} (was {kinds_text(before)})")
        elif come:
            text = "may now be of any type" if new >= {*KINDS} else f"may now also be {kinds_text(after, come)}"
            yield self._change("widened", f"{text} (was {kinds_text(before)})" if old - {"null"} else text)
        elif gone:
            if new - {"null"}:
                yield self._change("narrowed", f"is now {kinds_text(after)} (was {kinds_text(before)})")
            else:
                yield self._change("narrowed", f"may no longer be {kinds_text(before, gone)}")
        if "number" in old & new:
            was_whole, whole = (all(one.integral for one in views if one.kind == "number") for views in (before, after))
            if whole and not was_whole and not gone:
                yield self._change("narrowed", "must now be a whole number")
            elif was_whole and not whole and not come:
                yield self._change("widened", "may now be a number that is not whole")

    def _of_views(self, olds: list[NormalView], news: list[NormalView]) -> tuple[list[SchemaChange], list[_Edge]]:
        """Compare what is said of one kind; of several ways each is compared with the one most like it."""
        pairs = self._pairs(olds, news)
        several = max(len(olds), len(news)) > 1
        left = [view for index, view in enumerate(olds) if all(index != one for one, _ in pairs)]
        more = [view for index, view in enumerate(news) if all(index != other for _, other in pairs)]
        changes = [self._change("narrowed", f"may no longer be {way_text(view)}") for view in left]
        changes += [self._change("widened", f"may now also be {way_text(view)}") for view in more]
        edges: list[_Edge] = []
        compared = [(way_step(olds[i], news[j]), *self._of_view(olds[i], news[j])) for i, j in pairs]
        counted = Counter(change for _, some, _ in compared for change in some)
        reached = Counter((edge.path, self._key(edge.old, edge.new)) for _, _, below in compared for edge in below)
        for step, some, below in compared:
            for change in some:
                everywhere = not several or (counted[change] == len(pairs) > 1)
                changes.append(change if everywhere else change._replace(path=(step, *change.path)))
            for edge in below:
                everywhere = not several or (reached[edge.path, self._key(edge.old, edge.new)] == len(pairs) > 1)
                edges.append(edge if everywhere else edge._replace(path=(step, *edge.path)))
        return changes, edges

    def _pairs(self, olds: list[NormalView], news: list[NormalView]) -> list[tuple[int, int]]:
        """Which views belong together: the most alike first; the rule is the same either way round."""
        if len(olds) == len(news) == 1:
            return [(0, 0)]
        old_traits, new_traits = [_traits(self.old, view) for view in olds], [_traits(self.new, view) for view in news]
        ranked = []
        for i, mine in enumerate(old_traits):
            for j, yours in enumerate(new_traits):
                likeness = len(mine & yours) / len(mine | yours) if mine | yours else 1.0
                likeness += bool(olds[i].label) and olds[i].label == news[j].label
                if likeness > 0:
                    ranked.append((-likeness, abs(i - j), i + j, i, j))
        pairs: list[tuple[int, int]] = []
        for *_, i, j in sorted(ranked):
            if all(i != one and j != other for one, other in pairs):
                pairs.append((i, j))
        return sorted(pairs)

    def _of_view(self, old: NormalView, new: NormalView) -> tuple[list[SchemaChange], list[_Edge]]:
        if old.source and new.source:
            return [], [_Edge((), old.source, new.source)]
        changes = [*self._of_members(old, new), *self._of_limits(old, new), *self._of_rules(old, new)]
        edges: list[_Edge] = []
        if old.kind == "array":
            edges.append(_Edge(("[]",), old.items or ANYTHING, new.items or ANYTHING))
        if old.kind == "object":
            more, edges = self._of_fields(old, new)
            changes += more
        return changes, edges

    def _of_members(self, old: NormalView, new: NormalView) -> Iterator[SchemaChange]:
        if old.members is None and new.members is not None:
            yield self._change("narrowed", f"may now only be {values_text(new.members.values())}")
        elif old.members is not None and new.members is None:
            yield self._change("widened", f"may now be any value, not only {values_text(old.members.values())}")
        elif old.members is not None and new.members is not None:
            gone = [value for key, value in old.members.items() if key not in new.members]
            come = [value for key, value in new.members.items() if key not in old.members]
            if gone:
                yield self._change("narrowed", f"may no longer be {values_text(gone)}")
            if come:
                yield self._change("widened", f"may now also be {values_text(come)}")

    def _of_limits(self, old: NormalView, new: NormalView) -> Iterator[SchemaChange]:
        for name, word in zip(("least", "most"), LIMITS.get(old.kind, ("", "")), strict=True):
            before, after = old.limits.get(name), new.limits.get(name)
            if before == after:
                continue
            if before is None or after is None:
                edge = limit_text(after or before or (0, False))
                narrowed = before is None
                text = f"now has a {word} of {edge}" if narrowed else f"no longer has a {word} (was {edge})"
            else:
                narrowed = (
                    (after > before) if name == "least" else ((after[0], not after[1]) < (before[0], not before[1]))
                )
                text = f"now has a {word} of {limit_text(after)} (was {limit_text(before)})"
            yield self._change("narrowed" if narrowed else "widened", text)

    def _of_rules(self, old: NormalView, new: NormalView) -> Iterator[SchemaChange]:
        for what, before, after in (
            ("the pattern", old.patterns, new.patterns),
            ("the format", old.formats, new.formats),
            ("the step", old.multiples, new.multiples),
        ):
            gone, come = sorted(before - after), sorted(after - before)
            if gone and come:
                text = f"now has {what} {values_text(come)} (was {values_text(gone)})"
                yield self._change(_effect_of_formats(gone, come), text)
            elif gone or come:
                text = f"now has {what} {values_text(come)}" if come else f"no longer has {what} {values_text(gone)}"
                yield self._change("narrowed" if come else "widened", text)
        for name in sorted({*old.rules, *new.rules}):
            if name not in old.rules:
                yield self._change("narrowed", f"now has the rule `{name}`")
            elif name not in new.rules:
                yield self._change("widened", f"no longer has the rule `{name}`")
            elif old.rules[name] != new.rules[name]:
                yield self._change("changed", f"has another rule `{name}` (taken as breaking: it is not looked into)")

    def _of_fields(self, old: NormalView, new: NormalView) -> tuple[list[SchemaChange], list[_Edge]]:
        changes: list[SchemaChange] = []
        edges: list[_Edge] = []
        request = self.direction == "request"
        mine, yours = self._carried(self.old, old), self._carried(self.new, new)
        for name in sorted({*mine, *yours}):
            path = (f".{name}",)
            needed, needs = name in old.required, name in new.required
            if name not in mine:
                if name in old.fields:
                    text = "is no longer " + ("read-only" if request else "write-only")
                else:
                    text = "was added"
                breaking = request and needs
                changes.append(SchemaChange(path, "added", f"{text} and is required" if breaking else text, breaking))
            elif name not in yours:
                hidden = "is now read-only" if request else "is now write-only"
                changes.append(self._change("removed", hidden if name in new.fields else "was removed", path))
            else:
                edges.append(_Edge(path, mine[name], yours[name]))
                if needed != needs:
                    now = ("is now required", "is no longer required")
                    text = (now if request else ("is now always there", "may now be left out"))[needed]
                    changes.append(self._change("narrowed" if needs else "widened", text, path))
        more, below = self._of_others(old, new)
        return changes + more, edges + below

    def _carried(self, shapes: Shapes, view: NormalView) -> dict[str, Parts]:
        """The fields of an object that this direction carries, with those that are required without being declared."""
        mark = "readOnly" if self.direction == "request" else "writeOnly"
        names = dict.fromkeys((*view.fields, *view.required))
        fields = {name: view.fields.get(name, view.others or ANYTHING) for name in names}
        return {name: parts for name, parts in fields.items() if shapes.annotations(parts).get(mark) is not True}

    def _of_others(self, old: NormalView, new: NormalView) -> tuple[list[SchemaChange], list[_Edge]]:
        """The fields that are not declared: may there be any, and of which schema."""
        before, after = _openness(self.old, old), _openness(self.new, new)
        if before == after:
            return [], [_Edge((".*",), old.others, new.others)] if before == "typed" else []
        request = self.direction == "request"
        if after == "closed":
            change = self._change("narrowed", "takes no fields any more but those declared")
            return [change._replace(breaking=request or before == "typed")], []
        if before == "closed":
            text = "now takes fields that are not declared"
            return [self._change("widened", text)._replace(breaking=False)], []
        if after == "typed":
            return [self._change("narrowed", "now says of what type fields that are not declared must be")], []
        return [self._change("widened", "no longer says of what type fields that are not declared are")], []


def changed_marks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Effect, str]]:
    """Changes of `deprecated` and of the marks that tell where a part of a document is from; none of them breaks."""
    for name, word in (("deprecated", "deprecated"), *((mark, f"marked `{mark}`") for mark in MARKS)):
        if (old.get(name) is True) != (new.get(name) is True):
            gone = old.get(name) is True
            yield ("removed", f"is no longer {word}") if gone else ("added", f"is now {word}")


def _by_path(item: tuple[tuple[Steps, Key], _Edge]) -> Steps:
    return item[0][0]


def _traits(shapes: Shapes, view: NormalView) -> frozenset[str]:
    """What tells one way of being an object, array or string from another: its fields and their constants."""
    traits = {f"={shown(value)}" for value in (view.members or {}).values()} | view.formats | view.patterns
    for name, parts in view.fields.items():
        traits.add(name)
        for inner in shapes.of(parts):
            if inner.members and len(inner.members) == 1:
                traits.update(f"{name}={shown(value)}" for value in inner.members.values())
    if view.items:
        for inner in shapes.of(view.items):
            traits |= {f"[{inner.kind}", *(f"[{name}" for name in inner.fields), f"[={inner.label}"}
    return frozenset(traits)


def _openness(shapes: Shapes, view: NormalView) -> Literal["open", "closed", "typed"]:
    if not view.others:
        return "open"
    inner = shapes.of(view.others)
    if not inner:
        return "closed"
    return "open" if {one.kind for one in inner if replace(one, integral=False).is_bare} == {*KINDS} else "typed"


def _effect_of_formats(gone: list[Any], come: list[Any]) -> Effect:
    if len(gone) == len(come) == 1:
        if (gone[0], come[0]) in _WITHIN:
            return "widened"
        if (come[0], gone[0]) in _WITHIN:
            return "narrowed"
    return "changed"
