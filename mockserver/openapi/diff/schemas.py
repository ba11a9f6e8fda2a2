"""Changes between two schemas, and whether they break clients that send such values, or receive them.

Pairs of schemas are compared once each and make a graph (a field leads from one pair to another), so that schemas that
contain themselves end. What makes a request's schema narrower is breaking, and what makes a response's wider;
fields are judged as clients use them: one more never breaks a response, one less always breaks.
"""

from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from mockserver.openapi.diff.changes import SchemaChange, Steps, judged
from mockserver.openapi.diff.restrictions import (
    annotation_changes,
    kind_changes,
    limit_changes,
    member_changes,
    rule_changes,
)
from mockserver.openapi.diff.wording import way_step, way_text
from mockserver.openapi.schema.checks import Direction
from mockserver.openapi.schema.normal_form import ANYTHING, NormalForms
from mockserver.openapi.schema.normal_view import KINDS, NormalView
from mockserver.openapi.schema.problems import shown
from mockserver.openapi.schema.references import Parts

Key: TypeAlias = tuple[Any, ...]

_MAX_VISITS: Final = 4  # of one pair of schemas below one body: so many fields of a type are named


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

    def __init__(self, old: NormalForms, new: NormalForms, direction: Direction) -> None:
        """Compare those of `old` with those of `new`."""
        self.old = old
        self.new = new
        self.direction = direction
        self._nodes: dict[Key, _Node] = {}
        self._changing: set[Key] = set()  # the pairs that have changes or lead to such that do

    def changes(self, old: Parts, new: Parts) -> list[SchemaChange]:
        """All changes in a value that the old and the new parts describe, by path.

        What changed in a type is told of each field of that type, the nearest four in a body; of a type that contains
        itself, not again inside itself.
        """
        start = self._key(old, new)
        self._explore(start, old, new)
        changes: list[SchemaChange] = []
        visits: Counter[Key] = Counter()
        todo = deque([_Visit(start, (), frozenset())])
        while todo:
            visit = todo.popleft()
            if visit.key not in self._changing or visit.key in visit.above or visits[visit.key] == _MAX_VISITS:
                continue
            visits[visit.key] += 1
            node = self._nodes[visit.key]
            changes += [change._replace(path=visit.path + change.path) for change in node.changes]
            above = visit.above | {visit.key}
            todo += [_Visit(key, visit.path + edge.path, above) for edge, key in node.edges]
        return sorted(set(changes))

    def _explore(self, start: Key, old: Parts, new: Parts) -> None:
        """Compare two schemas and all that they lead to, and find which of these pairs lead to a change."""
        above: dict[Key, list[Key]] = {}  # of the pairs that are new here: what is known leads to nothing new
        todo = [(start, old, new)]
        changing: list[Key] = []
        while todo:
            key, before, after = todo.pop()
            if key in self._nodes:
                continue
            node = self._nodes[key] = self._compare(before, after)
            for edge, below in node.edges:
                above.setdefault(below, []).append(key)
                todo.append((below, edge.old, edge.new))
            if node.changes or any(below in self._changing for _, below in node.edges):
                changing.append(key)
        while changing:
            key = changing.pop()
            if key not in self._changing:
                self._changing.add(key)
                changing += above.get(key, ())

    def _key(self, old: Parts, new: Parts) -> Key:
        return self.old.key(old), self.new.key(new)

    def _compare(self, old: Parts, new: Parts) -> _Node:
        before, after = self.old.of(old), self.new.of(new)
        changes = [*annotation_changes(self.direction, self.old.annotations(old), self.new.annotations(new))]
        changes += kind_changes(self.direction, before, after)
        edges: list[_Edge] = []
        for kind in KINDS:
            olds = [view for view in before if view.kind == kind]
            news = [view for view in after if view.kind == kind]
            if olds and news:
                more, below = self._compare_views(olds, news)
                changes += more
                edges += below
        leading = sorted({(edge.path, self._key(edge.old, edge.new)): edge for edge in edges}.items(), key=_by_path)
        return _Node(tuple(dict.fromkeys(changes)), tuple((edge, key) for (_, key), edge in leading))

    def _compare_views(self, olds: list[NormalView], news: list[NormalView]) -> tuple[list[SchemaChange], list[_Edge]]:
        """Compare the views of one kind; of several views each is compared with the most similar one."""
        pairs = self._pairs(olds, news)
        several = max(len(olds), len(news)) > 1
        gone = [view for index, view in enumerate(olds) if all(index != i for i, _ in pairs)]
        come = [view for index, view in enumerate(news) if all(index != j for _, j in pairs)]
        changes = [judged(self.direction, "narrowed", f"may no longer be {way_text(view)}") for view in gone]
        changes += [judged(self.direction, "widened", f"may now also be {way_text(view)}") for view in come]
        edges: list[_Edge] = []
        compared = [(way_step(olds[i], news[j]), *self._compare_view(olds[i], news[j])) for i, j in pairs]
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
        for i, old_set in enumerate(old_traits):
            for j, new_set in enumerate(new_traits):
                likeness = len(old_set & new_set) / len(old_set | new_set) if old_set | new_set else 1.0
                likeness += bool(olds[i].label) and olds[i].label == news[j].label
                if likeness > 0:
                    ranked.append((-likeness, abs(i - j), i + j, i, j))
        pairs: list[tuple[int, int]] = []
        for *_, i, j in sorted(ranked):
            if all(i != paired_old and j != paired_new for paired_old, paired_new in pairs):
                pairs.append((i, j))
        return sorted(pairs)

    def _compare_view(self, old: NormalView, new: NormalView) -> tuple[list[SchemaChange], list[_Edge]]:
        if old.source and new.source:
            return [], [_Edge((), old.source, new.source)]
        changes = [
            *member_changes(self.direction, old, new),
            *limit_changes(self.direction, old, new),
            *rule_changes(self.direction, old, new),
        ]
        edges: list[_Edge] = []
        if old.kind == "array":
            edges.append(_Edge(("[]",), old.items or ANYTHING, new.items or ANYTHING))
        if old.kind == "object":
            more, edges = self._compare_fields(old, new)
            changes += more
        return changes, edges

    def _compare_fields(self, old: NormalView, new: NormalView) -> tuple[list[SchemaChange], list[_Edge]]:
        changes: list[SchemaChange] = []
        edges: list[_Edge] = []
        request = self.direction == "request"
        olds, news = self._carried(self.old, old), self._carried(self.new, new)
        for name in sorted({*olds, *news}):
            path = (f".{name}",)
            needed, needs = name in old.required, name in new.required
            if name not in olds:
                if name in old.fields:
                    text = "is no longer " + ("read-only" if request else "write-only")
                else:
                    text = "was added"
                breaking = request and needs
                changes.append(SchemaChange(path, "added", f"{text} and is required" if breaking else text, breaking))
            elif name not in news:
                hidden = "is now read-only" if request else "is now write-only"
                changes.append(judged(self.direction, "removed", hidden if name in new.fields else "was removed", path))
            else:
                edges.append(_Edge(path, olds[name], news[name]))
                if needed != needs:
                    now = ("is now required", "is no longer required")
                    text = (now if request else ("is now always there", "may now be left out"))[needed]
                    changes.append(judged(self.direction, "narrowed" if needs else "widened", text, path))
        more, below = self._compare_other_fields(old, new)
        return changes + more, edges + below

    def _carried(self, forms: NormalForms, view: NormalView) -> dict[str, Parts]:
        """The fields of an object that this direction carries, with those that are required without being declared."""
        mark = "readOnly" if self.direction == "request" else "writeOnly"
        names = dict.fromkeys((*view.fields, *view.required))
        fields = {name: view.fields.get(name, view.others or ANYTHING) for name in names}
        return {name: parts for name, parts in fields.items() if forms.annotations(parts).get(mark) is not True}

    def _compare_other_fields(self, old: NormalView, new: NormalView) -> tuple[list[SchemaChange], list[_Edge]]:
        """The fields that are not declared: may there be any, and of which schema."""
        before, after = _openness(self.old, old), _openness(self.new, new)
        if before == after:
            return [], [_Edge((".*",), old.others, new.others)] if before == "typed" else []
        request = self.direction == "request"
        if after == "closed":
            change = judged(self.direction, "narrowed", "takes no fields any more but those declared")
            return [change._replace(breaking=request or before == "typed")], []
        if before == "closed":
            text = "now takes fields that are not declared"
            return [judged(self.direction, "widened", text)._replace(breaking=False)], []
        if after == "typed":
            return [
                judged(self.direction, "narrowed", "now says of what type fields that are not declared must be")
            ], []
        return [judged(self.direction, "widened", "no longer says of what type fields that are not declared are")], []


def _by_path(item: tuple[tuple[Steps, Key], _Edge]) -> Steps:
    return item[0][0]


def _traits(forms: NormalForms, view: NormalView) -> frozenset[str]:
    """The traits by which views are paired: fields, constants, formats, patterns and items."""
    traits = {f"={shown(value)}" for value in (view.members or {}).values()} | view.formats | view.patterns
    for name, parts in view.fields.items():
        traits.add(name)
        for inner in forms.of(parts):
            if inner.members and len(inner.members) == 1:
                traits.update(f"{name}={shown(value)}" for value in inner.members.values())
    if view.items:
        for inner in forms.of(view.items):
            traits |= {f"[{inner.kind}", *(f"[{name}" for name in inner.fields), f"[={inner.label}"}
    return frozenset(traits)


def _openness(forms: NormalForms, view: NormalView) -> Literal["open", "closed", "typed"]:
    if not view.others:
        return "open"
    inner = forms.of(view.others)
    if not inner:
        return "closed"
    return "open" if {view.kind for view in inner if replace(view, integral=False).is_bare} == {*KINDS} else "typed"
