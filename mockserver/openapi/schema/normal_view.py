"""One of the ways in which a value may be, and how such views are joined: both at once, or either."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from mockserver.openapi.schema.references import Parts

Bound: TypeAlias = tuple[float, bool]  # a limit, and whether it is itself excluded
Views: TypeAlias = "tuple[NormalView, ...]"

KINDS: Final = ("null", "boolean", "number", "string", "array", "object")
RULES_OF_ALL_KINDS: Final = ("not", "if", "then", "else")


@dataclass(frozen=True, slots=True)
class NormalView:
    """What is said of the values of one kind: one of the ways in which they may be.

    `members` maps stand-ins to the values of `enum` or `const` (None: any value). `limits` holds "least" and "most":
    of the number itself, of a length, or of a count. `others` are the schemas of fields that are not declared.
    `source` is the branch of a union that says all of this and nothing else, where there is one.
    """

    kind: str
    label: str = ""  # the name of the branch of a union, where it has one
    integral: bool = False
    members: Mapping[Any, Any] | None = None
    limits: Mapping[str, Bound] = field(default_factory=dict)
    patterns: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    multiples: frozenset[float] = frozenset()
    fields: Mapping[str, Parts] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    others: Parts = ()
    items: Parts = ()
    rules: Mapping[str, frozenset[str]] = field(default_factory=dict)
    source: Parts = field(default=(), compare=False)

    @property
    def is_bare(self) -> bool:
        """Whether any value of the kind will do (of a number: any whole one, where it is `integral`)."""
        return self == NormalView(self.kind, self.label, self.integral)

    @property
    def is_told(self) -> bool:
        """Whether something is said that is about this kind alone."""
        rules = {name: rule for name, rule in self.rules.items() if name not in RULES_OF_ALL_KINDS}
        return replace(self, label="", members=None, rules=rules) != NormalView(self.kind, integral=self.integral)


EVERYTHING: Final = tuple(NormalView(kind) for kind in KINDS)


def strictest(name: str, bounds: Iterable[Bound]) -> Bound:
    """The bound of several that lets the fewest values through; `name` is "least" or "most"."""
    sign = 1 if name == "least" else -1
    return max(bounds, key=lambda bound: (sign * bound[0], bound[1]))


def both_of_views(some: Views, others: Views) -> Views:
    """The views of what satisfies one view of each side."""
    if some is EVERYTHING or others is EVERYTHING:
        return others if some is EVERYTHING else some
    met = (_both(one, other) for one in some for other in others if one.kind == other.kind)
    return tuple(view for view in met if view is not None)


def _both(one: NormalView, other: NormalView) -> NormalView | None:
    """The view of what satisfies both; None when nothing does."""
    members = one.members if other.members is None else other.members
    if one.members is not None and other.members is not None:
        members = {key: value for key, value in one.members.items() if key in other.members}
        if not members:
            return None
    names = dict.fromkeys((*one.limits, *other.limits))
    rules = dict.fromkeys((*one.rules, *other.rules))
    none: frozenset[str] = frozenset()
    return NormalView(
        one.kind,
        label=one.label or other.label,
        integral=one.integral or other.integral,
        members=members,
        limits={
            name: strictest(name, [view.limits[name] for view in (one, other) if name in view.limits]) for name in names
        },
        patterns=one.patterns | other.patterns,
        formats=one.formats | other.formats,
        multiples=one.multiples | other.multiples,
        fields={
            name: (*one.fields.get(name, ()), *other.fields.get(name, ()))
            for name in dict.fromkeys((*one.fields, *other.fields))
        },
        required=one.required | other.required,
        others=(*one.others, *other.others),
        items=(*one.items, *other.items),
        rules={name: one.rules.get(name, none) | other.rules.get(name, none) for name in rules},
    )


def union_of_views(some: list[Views]) -> Views:
    """The views of what is of any of these shapes; of scalars, what one view says too is not said by another."""
    every = [view for views in some for view in views]
    union: list[NormalView] = []
    for kind in KINDS:
        views = [view for view in every if view.kind == kind]
        bare = [view for view in views if view.is_bare]
        if bare and kind not in ("array", "object"):
            widest = min(bare, key=lambda view: view.integral)
            views = [widest, *(view for view in views if widest.integral and not view.integral)]
        listed = [view for view in views if view.members is not None and replace(view, members=None).is_bare]
        if len(listed) > 1:
            members = {key: value for view in listed for key, value in (view.members or {}).items()}
            views = [replace(listed[0], label="", members=members), *(view for view in views if view not in listed)]
        union += views
    return tuple(union)


def without_unmentioned_kinds(views: Views) -> Views:
    """Without a type, what speaks of objects alone is taken for an object: so documents mean it."""
    told = {view.kind for view in views if view.is_told}
    if len(told) == 1 and {view.kind for view in views} == set(KINDS):
        return tuple(view for view in views if view.kind in told)
    return views
