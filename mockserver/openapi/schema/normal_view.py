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
    """What a schema says of the values of one kind, or one of its alternatives for them.

    `members` maps stand-ins to the values of `enum` or `const` (None: any value). `limits` holds "least" and "most":
    of the number itself, of a length, or of a count. `others` are the schemas of fields that are not declared.
    `source` is the branch of a union that the view is made of alone, where there is one.
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
        """Whether the view allows any value of the kind (any whole number, where it is `integral`)."""
        return self == NormalView(self.kind, self.label, self.integral)

    @property
    def is_specific(self) -> bool:
        """Whether the view has a restriction that concerns this kind alone."""
        rules = {name: rule for name, rule in self.rules.items() if name not in RULES_OF_ALL_KINDS}
        return replace(self, label="", members=None, rules=rules) != NormalView(self.kind, integral=self.integral)


EVERYTHING: Final = tuple(NormalView(kind) for kind in KINDS)


def strictest(name: str, bounds: Iterable[Bound]) -> Bound:
    """The bound of several that lets the fewest values through; `name` is "least" or "most"."""
    sign = 1 if name == "least" else -1
    return max(bounds, key=lambda bound: (sign * bound[0], bound[1]))


def both_of_views(lefts: Views, rights: Views) -> Views:
    """The views of values that satisfy one view of each side."""
    if lefts is EVERYTHING or rights is EVERYTHING:
        return rights if lefts is EVERYTHING else lefts
    joined = (_both(left, right) for left in lefts for right in rights if left.kind == right.kind)
    return tuple(view for view in joined if view is not None)


def _both(left: NormalView, right: NormalView) -> NormalView | None:
    """The view of values that satisfy both; None when no value does."""
    members = left.members if right.members is None else right.members
    if left.members is not None and right.members is not None:
        members = {key: value for key, value in left.members.items() if key in right.members}
        if not members:
            return None
    names = dict.fromkeys((*left.limits, *right.limits))
    rules = dict.fromkeys((*left.rules, *right.rules))
    none: frozenset[str] = frozenset()
    return NormalView(
        left.kind,
        label=left.label or right.label,
        integral=left.integral or right.integral,
        members=members,
        limits={
            name: strictest(name, [view.limits[name] for view in (left, right) if name in view.limits])
            for name in names
        },
        patterns=left.patterns | right.patterns,
        formats=left.formats | right.formats,
        multiples=left.multiples | right.multiples,
        fields={
            name: (*left.fields.get(name, ()), *right.fields.get(name, ()))
            for name in dict.fromkeys((*left.fields, *right.fields))
        },
        required=left.required | right.required,
        others=(*left.others, *right.others),
        items=(*left.items, *right.items),
        rules={name: left.rules.get(name, none) | right.rules.get(name, none) for name in rules},
    )


def union_of_views(branches: list[Views]) -> Views:
    """The views of values that any branch allows; for scalars, a view that another one includes is left out."""
    every = [view for views in branches for view in views]
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
    """Without `type`, a schema with keywords of one kind is taken to mean that kind alone, as documents mean it."""
    mentioned = {view.kind for view in views if view.is_specific}
    if len(mentioned) == 1 and {view.kind for view in views} == set(KINDS):
        return tuple(view for view in views if view.kind in mentioned)
    return views
