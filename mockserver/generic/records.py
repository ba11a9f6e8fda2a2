"""The rows that conventional resources are kept in: who is there, under which id, below which parents."""

from __future__ import annotations

from typing import Any, NamedTuple

from mockserver.clock import rfc3339
from mockserver.errors import NotFound
from mockserver.generic.inference import OperationPlan, Resource
from mockserver.generic.rendering import Shape, fields_of
from mockserver.generic.resource_schemas import at_steps, plain, singular
from mockserver.openapi import Validator, declared_examples, example_for
from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.transaction import Transaction, View

PATHS = "path:"
"""What the kinds of rows of conventional resources begin with."""
SEEDED = 3
"""How many entries a list of what nobody can make begins with, where the document gives no example of it."""
_CREATED = frozenset({"createdat", "created", "createtime", "creationtime", "createdon", "creationtimestamp",
                      "datecreated", "createddate", "createdatutc", "inserttime", "creationdate"})  # fmt: skip
_UPDATED = frozenset({"updatedat", "updated", "updatetime", "modifiedat", "modified", "lastmodified", "updatedon",
                      "dateupdated", "lastupdated", "updateddate", "modifiedon", "lastupdatetime"})  # fmt: skip


class Row(NamedTuple):
    """One resource: JSON values alone. `parents` are the path's variables above it; `gone`: there, until deleted."""

    id: str
    parents: tuple[str, ...]
    ordinal: int
    created_ms: int
    updated_ms: int
    fields: dict[str, Any]
    gone: bool = False


def kind_of(resource: Resource) -> str:
    """The kind of a resource's rows."""
    return f"{PATHS}{resource.kind}"


def row_key(parents: tuple[str, ...], row_id: str) -> str:
    """The id of a row within its kind."""
    return "\x1f".join((*parents, row_id))


class Collection:
    """The rows of one resource in one world, and how one looks where nothing says how."""

    def __init__(self, resource: Resource, shape: Shape | None, listing: Shape | None) -> None:
        self.resource = resource
        self.shape = shape
        self.listing = listing

    def find(self, view: View, parents: tuple[str, ...], row_id: str) -> Row:
        """The resource with this id. Raises NotFound."""
        row: Row | None = view.get(kind_of(self.resource), row_key(parents, row_id))
        if row is None and not self.resource.creators:
            row = self._initial(view, parents, row_id)
        if row is None or row.gone:
            noun = singular(self.resource.noun).replace("_", " ").replace("-", " ")
            raise NotFound(f"There is no {noun} {row_id[:200]!r}.")
        return row

    def all(self, view: View, parents: tuple[str, ...] | None) -> list[Row]:
        """The resources below these parents (None: below any), oldest first."""
        rows: dict[str, Row] = {}
        if not self.resource.creators and parents is not None:
            rows = {row_key(parents, row.id): row for row in self._seeded(view, parents)}
        for key, row in view.scan(kind_of(self.resource)).items():
            if parents is None or row.parents == parents:
                rows[key] = row
        return sorted((row for row in rows.values() if not row.gone), key=lambda row: row.ordinal)

    def _initial(self, view: View, parents: tuple[str, ...], row_id: str) -> Row | None:
        """One that nobody made: what the list begins with, or anything where there is no list to say what there is."""
        if self.resource.lists:
            return next((row for row in self._seeded(view, parents) if row.id == row_id), None)
        return self._generated(view, parents, row_id, -1, {})

    def _seeded(self, view: View, parents: tuple[str, ...]) -> list[Row]:
        """What a list that nobody can add to begins with: the document's example of it, or a few made up."""
        examples = [] if self.listing is None else _listed_examples(self.listing)
        if examples and self.resource.id_steps:
            ids = [at_steps(item, self.resource.id_steps) for item in examples]
            if all(isinstance(one, str | int) for one in ids) and len({str(one) for one in ids}) == len(ids):
                ordered = zip(ids, examples, strict=True)
                return [
                    self._generated(view, parents, str(one), index - len(ids), item)
                    for index, (one, item) in enumerate(ordered)
                ]
        rows = []
        for index in range(SEEDED):
            key = f"{view.setup.seed}/{view.setup.account}/{'/'.join(parents)}/seeded/{index}"
            rows.append(self._generated(view, parents, self.generated_id(key, index), index - SEEDED, {}))
        return list({row.id: row for row in rows}.values())

    def _generated(self, view: View, parents: tuple[str, ...], row_id: str, ordinal: int, known: dict[str, Any]) -> Row:
        fields = self.canonical(f"{view.setup.seed}/{row_id}", {**known, **self.id_field(row_id)})
        return Row(row_id, parents, ordinal, 0, 0, {**known, **fields})

    def canonical(self, key: str, known: dict[str, Any], absent: frozenset[str] = frozenset()) -> dict[str, Any]:
        """All the fields of a resource of which this is known."""
        if self.shape is None or self.shape.located is None:
            return known
        located = self.shape.show(key, known, absent)
        return located if isinstance(located, dict) else known

    def id_field(self, row_id: str) -> dict[str, Any]:
        """The field that holds an id; nothing where the resource does not show it."""
        steps = self.resource.id_steps
        if not steps:
            return {}
        value: Any = row_id
        for step in reversed(steps[1:]):
            value = {step: value}
        return {steps[0]: value}

    def id_validator(self) -> Validator | None:
        """What judges an id."""
        validator = self.shape.item if self.shape is not None and self.shape.located is not None else None
        for step in self.resource.id_steps:
            validator = fields_of(validator).get(step) if validator is not None else None
        return validator

    def new_id(self, transaction: Transaction) -> tuple[str, int]:
        """A fresh id in the manner of the document's, and its ordinal: f(seed, account, kind, ordinal)."""
        kind = kind_of(self.resource)
        ordinal = transaction.ordinal(kind)
        key = f"{transaction.setup.seed}/{transaction.setup.account}/{kind}/{ordinal}"
        return self.generated_id(key, ordinal), ordinal

    def generated_id(self, key: str, ordinal: int) -> str:
        """An id for a key: a number, a UUID, or text that looks like the document's example or fits its pattern."""
        validator = self.id_validator()
        digits = keyed_random.hexadecimal(32, key)
        if validator is None:
            return f"{singular(plain(self.resource.noun))}-{digits[:12]}"
        schema = validator.schema if isinstance(validator.schema, dict) else {}
        sample = self._sample_id()
        ways: list[Any] = [ordinal + 1] if not isinstance(sample, str) else []
        if schema.get("format") == "uuid" or (isinstance(sample, str) and _is_uuid(sample)):
            ways.append(keyed_random.in_uuid_shape(digits))
        elif isinstance(sample, str) and "pattern" not in schema:
            ways.append(_alike(sample, digits))
        else:
            ways += [f"{singular(plain(self.resource.noun))}-{digits[:12]}", digits[:24], digits[:8]]
        for way in ways:
            if validator.ok(way):
                return str(way)
        return str(example_for(validator, key))

    def _sample_id(self) -> Any:
        """An id that the document gives as an example, or one made up by its schema."""
        validator = self.id_validator()
        if validator is None:
            return None
        schema = validator.schema if isinstance(validator.schema, dict) else {}
        if isinstance(schema.get("example"), str):
            return schema["example"]
        for shape in (self.shape, self.listing):
            if shape is None or shape.located is None:
                continue
            for example in declared_examples(shape.media).values():
                part = at_steps(example, shape.located.steps)
                part = part[0] if isinstance(part, list) and part else part
                sample = at_steps(part, self.resource.id_steps)
                if isinstance(sample, str | int):
                    return sample
        return 1 if validator.ok(1) and not validator.ok("a") else "" if "pattern" in schema else None


def _listed_examples(listing: Shape) -> list[dict[str, Any]]:
    assert listing.located is not None
    for example in declared_examples(listing.media).values():
        if listing.whole.ok(example):
            items = at_steps(example, listing.located.steps)
            if isinstance(items, list) and items and all(isinstance(item, dict) for item in items):
                return items
    return []


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and [len(piece) for piece in text.split("-")] == [8, 4, 4, 4, 12]


def _alike(sample: str, digits: str) -> str:
    """An id like a sample: what stands before its last "-", "_" or ":" is kept, the rest has as many digits."""
    cut = max(sample.rfind(mark) for mark in "-_:/") + 1
    tail = sample[cut:] or "0" * 8
    if tail.isdecimal():
        made = str(int(digits, 16))[-len(tail) :] if len(tail) > 3 else str(int(digits[:6], 16))
    else:
        made = digits[: max(min(len(tail), 32), 8)]
    return sample[:cut] + made


def stamps(validator: Validator, created_ms: int, updated_ms: int) -> dict[str, Any]:
    """The fields that tell when something was made and last changed, in the form that their schemas want."""
    found: dict[str, Any] = {}
    for name, field in fields_of(validator).items():
        at_ms = created_ms if plain(name) in _CREATED else updated_ms if plain(name) in _UPDATED else None
        if at_ms is not None:
            ways = (rfc3339(at_ms), at_ms // 1000, at_ms, rfc3339(at_ms)[:10])
            value = next((way for way in ways if field.ok(way)), None)
            if value is not None:
                found[name] = value
    return found


def find_owner(view: View, plan: OperationPlan, collection: Collection, values: tuple[str, ...]) -> Row | None:
    """The resource that the path leads through, where it must be there, or is. Raises NotFound."""
    if plan.owner is None:
        return None
    own = values[: plan.owner_depth]
    try:
        return collection.find(view, own[:-1], own[-1])
    except NotFound:
        if plan.owner.must_exist:
            raise
        return None
