"""Coercion: texts of parameters, forms and XML converted to the types that their schemas want.

Where a schema allows several types, each conversion of the text is tried, strings last, the first valid one taken.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.openapi.schema.compiler import Compiler, Validator
from mockserver.openapi.schema.problems import Problem
from mockserver.openapi.schema.references import Place
from mockserver.openapi.schema.schema_summary import summarize_schema

MAX_NUMBER = 400  # characters; Python refuses to read integers of some thousand digits
_is_integer = re.compile(r"-?[0-9]+").fullmatch
_is_number = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?").fullmatch
# The SDK 1.5 sends "True"; 1 and 0 are what curl users and Go clients write.
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _integers(text: str) -> Iterator[Any]:
    if len(text) <= MAX_NUMBER and _is_integer(text):
        yield int(text)


def _numbers(text: str) -> Iterator[Any]:
    if len(text) <= MAX_NUMBER and _is_number(text):
        value = int(text) if _is_integer(text) else float(text)
        if isinstance(value, int) or math.isfinite(value):
            yield value


def _booleans(text: str) -> Iterator[Any]:
    if text.lower() in _BOOLEANS:
        yield _BOOLEANS[text.lower()]


def _nulls(text: str) -> Iterator[Any]:
    if text == "null":
        yield None


_CONVERSIONS: dict[str, Callable[[str], Iterator[Any]]] = {
    "integer": _integers,
    "number": _numbers,
    "boolean": _booleans,
    "null": _nulls,
}


@dataclass(frozen=True, slots=True)
class Coercion:
    """Converts texts to values of a schema, which may be arrays where `items` is set, and objects where `fields` is."""

    validator: Validator
    conversions: tuple[Callable[[str], Iterator[Any]], ...]
    items: "Coercion | None"
    fields: "dict[str, Coercion] | None"

    def read(self, text: str) -> tuple[Any, list[Problem]]:
        """The value of one text, and its problems."""
        if not self.conversions:
            return text, self.validator.problems(text)
        return self.best([value for convert in self.conversions for value in convert(text)] + [text])

    def best(self, candidates: list[Any]) -> tuple[Any, list[Problem]]:
        """The first valid candidate; the first of all, and its problems, when none is."""
        first: tuple[Any, list[Problem]] | None = None
        for value in candidates:
            problems = self.validator.problems(value)
            if not problems:
                return value, problems
            first = first or (value, problems)
        assert first is not None, "there is always the text itself"
        return first

    def array(self, texts: list[str]) -> list[Any]:
        """The array of these texts, each converted."""
        return texts if self.items is None else [self.items.read(text)[0] for text in texts]

    def value(self, given: Any) -> Any:
        """The value of a text, or of texts in arrays and objects."""
        if isinstance(given, str):
            return self.read(given)[0]
        if isinstance(given, list) and self.items is not None:
            return [self.items.value(item) for item in given]
        if isinstance(given, dict) and self.fields is not None:
            known = self.fields
            return {name: known[name].value(item) if name in known else item for name, item in given.items()}
        return given

    def object(self, texts: dict[str, str]) -> dict[str, Any]:
        """The object of these fields, each converted."""
        known = self.fields or {}
        return {name: known[name].read(text)[0] if name in known else text for name, text in texts.items()}


def compile_coercion(compiler: Compiler, schema: Any, place: Place, depth: int = 2) -> Coercion:
    """Compile the coercion of a schema; it converts texts in at most `depth` levels of arrays and objects.

    Raises:
        ConfigError: the schema cannot be compiled.
    """
    validator = compiler.validator(schema, place)
    summary = summarize_schema(compiler.references, schema, place)
    conversions = tuple(convert for kind, convert in _CONVERSIONS.items() if kind in summary.kinds)
    items, fields = None, None
    if depth and "array" in summary.kinds:
        inner, at = summary.items or (True, place / "items")
        items = compile_coercion(compiler, inner, at, depth - 1)
    if depth and "object" in summary.kinds:
        fields = {
            name: compile_coercion(compiler, subschema, at, depth - 1)
            for name, (subschema, at) in summary.fields.items()
        }
    return Coercion(validator, conversions, items, fields)
