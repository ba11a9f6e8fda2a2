"""What is known of a resource, shown in the shape that an operation's answer has: valid by its schema, always."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockserver.generic.resource_schemas import Located, at_steps, plain, with_at
from mockserver.openapi import Compiler, MediaType, Validator, example_for, is_marked, media_example, summarize_schema


class Shape:
    """The answer of one operation, in one media type: what it says where nothing is known, and what may be put in."""

    def __init__(self, media: MediaType, located: Located | None, name: str) -> None:
        assert media.validator is not None
        self.media = media
        self.located = located
        self.whole: Validator = media.validator
        self._name = name
        self._bases: dict[str, Any] = {}

    @property
    def compiler(self) -> Compiler:
        """What compiles the schemas of the document."""
        return self.whole.compiler

    def base(self, key: str) -> Any:
        """The whole answer where nothing is known: the document's example, or one made up. Not to be changed."""
        if key not in self._bases:
            if len(self._bases) >= 64:
                self._bases.clear()
            self._bases[key] = media_example(self.media, f"{self._name} {key}")
        return self._bases[key]

    def item_base(self, key: str) -> Any:
        """What one resource in the answer is where nothing is known."""
        assert self.located is not None
        part = at_steps(self.base(key), self.located.steps)
        if self.located.is_list:
            part = part[0] if isinstance(part, list) and part else None
        return part if part is not None else example_for(self.item, f"{self._name} {key}")

    @property
    def item(self) -> Validator:
        """The validator of one resource in the answer."""
        assert self.located is not None
        return self.compiler.validator(self.located.schema, self.located.place)

    def show(self, key: str, known: Mapping[str, Any], absent: Iterable[str] = ()) -> Any:
        """One resource, with what is known of it; what is `absent` is left out where it may be."""
        assert self.located is not None
        return overlaid(self.item, self.item_base(key), known, frozenset(absent))

    def wrapped(self, key: str, part: Any) -> Any:
        """The whole answer around one resource, or a list of them; the base where that would not be valid."""
        assert self.located is not None
        if not self.located.steps:
            return part
        whole = with_at(self.base(key), self.located.steps, part)
        return whole if self.whole.ok(whole) else self.base(key)


def overlaid(validator: Validator, base: Any, known: Mapping[str, Any], absent: frozenset[str] = frozenset()) -> Any:
    """A value of a schema: the base, with what is known under the same names where the schema allows it.

    Where it cannot all be had at once, each is taken that leaves the value valid. A base that is no object stays.
    """
    if not isinstance(base, dict):
        return base
    fields = fields_of(validator)
    known, base = _told(validator, dict(known)), _told(validator, base)
    fitting = {name: _fitting(validator, name, base.get(name), value) for name, value in known.items()}
    fitting = {name: value for name, value in fitting.items() if value is not _NO and (name in fields or not fields)}
    value = {**{name: one for name, one in base.items() if name not in absent or name in fitting}, **fitting}
    # In the order of the schema, in which people look for them.
    value = {name: value[name] for name in (*(name for name in fields if name in value), *value)}
    if validator.ok(value):
        return value
    if fitting and validator.ok(fitting):
        return fitting
    value = dict(base)
    for name in absent:
        if name in value and name not in fitting:
            value = _kept_valid(validator, value, {other: one for other, one in value.items() if other != name})
    for name, one in fitting.items():
        value = _kept_valid(validator, value, {**value, name: one})
    return value


def _told(validator: Validator, value: Any) -> Any:
    """The value without what is write-only, at any depth."""
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        items = summarize_schema(validator.compiler.references, validator.schema, validator.place).items
        return [_told(validator.compiler.validator(*items), one) for one in value] if items else value
    if not isinstance(value, dict):
        return value
    fields = fields_of(validator)
    secret = {
        name
        for name, field in fields.items()
        if name in value and is_marked(field.compiler, field.schema, field.place, "writeOnly")
    }
    return {
        name: _told(fields[name], one) if name in fields else one for name, one in value.items() if name not in secret
    }


def _kept_valid(validator: Validator, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return new if validator.ok(new) else old


_NO: Any = object()


def _fitting(validator: Validator, name: str, base: Any, value: Any) -> Any:
    """The value for a field, or `_NO` where the field's schema does not allow it."""
    field = field_of(validator, name)
    if field is None or field.ok(value):
        return value
    if isinstance(value, dict) and isinstance(base, dict):
        inner = overlaid(field, base, value)
        return inner if inner != base else _NO
    other = converted(value)
    return other if other is not _NO and field.ok(other) else _NO


def converted(value: Any) -> Any:
    """The number that a text writes, or the text of a number: ids are the one in paths and the other in schemas."""
    if isinstance(value, str):
        digits = value.removeprefix("-")
        return int(value) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else _NO
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _NO


def fields_of(validator: Validator) -> dict[str, Validator]:
    """The declared fields of a schema, with what judges them."""
    compiler = validator.compiler
    known = compiler.fields.get(validator.place)
    if known is None:
        summary = summarize_schema(compiler.references, validator.schema, validator.place)
        known = {name: compiler.validator(schema, at) for name, (schema, at) in summary.fields.items()}
        compiler.fields[validator.place] = known
    return known


def field_of(validator: Validator, name: str) -> Validator | None:
    """What judges a field; None where the schema does not declare it."""
    return fields_of(validator).get(name)


def by_plain_name(names: Iterable[str]) -> dict[str, str]:
    """Names by what they are without the conventions of writing."""
    return {plain(name): name for name in names}
