"""Where in the schema of an answer the resource is: which fields there are, which one is its id, where a list is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mockserver.openapi import Place, References, SchemaSummary, summarize_schema

LIST_NAMES = ("data", "items", "results", "records", "value", "values", "entries", "rows", "content", "objects",
              "list", "resources", "members", "hits", "elements", "documents", "result")  # fmt: skip
ENVELOPES = ("data", "result", "response", "item", "resource", "payload", "body", "results", "_embedded")
IDS = ("id", "uuid", "uid", "guid", "sid", "key", "name", "slug", "code", "identifier")


@dataclass(frozen=True, slots=True)
class Located:
    """A schema inside the answer to an operation: `steps` lead to it, and for a list to the list of it."""

    schema: Any
    place: Place
    steps: tuple[str, ...]
    is_list: bool
    fields: dict[str, tuple[Any, Place]]

    @property
    def target(self) -> Place:
        """Where the schema itself stands, so that two answers can be told to show the same thing."""
        return self.place


def plain(name: str) -> str:
    """A name without what conventions of writing add: "starting_after", "$startingAfter" are the same."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def singular(word: str) -> str:
    """The singular of an English plural, near enough to be compared with other such guesses."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + instead
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def id_steps(summary: SchemaSummary, references: References, variable: str, noun: str) -> tuple[str, ...] | None:
    """The steps to the field that the last variable of an item's path stands for; None where none can be told."""
    by_name = {plain(name): name for name in summary.fields}
    one = singular(plain(noun))
    wanted = [plain(variable), *([f"{one}id"] if one else []), *IDS]
    if plain(variable) in ("id", f"{one}id", "uuid"):
        wanted = ["id", *wanted]
    if plain(variable) == "name" and "metadata" in summary.fields and "name" not in by_name:
        inner = summarize_schema(references, *summary.fields["metadata"])
        if "name" in inner.fields:
            return ("metadata", "name")
    for name in wanted:
        if name in by_name:
            return (by_name[name],)
    return None


def resolved(references: References, schema: Any, place: Place) -> tuple[Any, Place]:
    """A schema and its place, behind references that say nothing else, and behind an allOf of one schema."""
    for _ in range(16):
        if not isinstance(schema, dict):
            break
        if set(schema) - {"description", "title"} == {"$ref"}:
            schema, place = references.resolve(schema["$ref"], place / "$ref")
        elif set(schema) - {"description", "title", "readOnly"} == {"allOf"} and len(schema["allOf"]) == 1:
            schema, place = schema["allOf"][0], place / "allOf" / 0
        else:
            break
    return schema, place


def item_in(references: References, schema: Any, place: Place, variable: str, noun: str) -> Located | None:
    """The one resource that an answer shows: the whole of it, or the field of an envelope that has the id."""
    schema, place = resolved(references, schema, place)
    summary = summarize_schema(references, schema, place)
    if summary.kinds and "object" not in summary.kinds:
        return None
    if id_steps(summary, references, variable, noun) and not _is_envelope(summary, references, variable, noun):
        return Located(schema, place, (), False, summary.fields)
    for name in _ordered(summary.fields, (*ENVELOPES, singular(plain(noun)))):
        inner, at = resolved(references, *summary.fields[name])
        within = summarize_schema(references, inner, at)
        if "array" not in within.kinds and id_steps(within, references, variable, noun):
            return Located(inner, at, (name,), False, within.fields)
    return Located(schema, place, (), False, summary.fields) if summary.fields or not summary.kinds else None


def _is_envelope(summary: SchemaSummary, references: References, variable: str, noun: str) -> bool:
    """Whether {"id": request id, "result": {"id": ...}}: both have one, and the inner one is by the noun's name."""
    inside = next((name for name in summary.fields if plain(name) == singular(plain(noun))), None)
    if inside is None or len(summary.fields) > 4:
        return False
    inner = summarize_schema(references, *resolved(references, *summary.fields[inside]))
    return "object" in inner.kinds and id_steps(inner, references, variable, noun) is not None


def list_in(references: References, schema: Any, place: Place, noun: str, *, sure: bool) -> Located | None:
    """The list that an answer shows; `sure`: it must be a list, or have one under one of the usual names."""
    schema, place = resolved(references, schema, place)
    summary = summarize_schema(references, schema, place)
    if "array" in summary.kinds and "object" not in summary.kinds:
        return _listed(references, summary, ())
    usual = (*LIST_NAMES, plain(noun), singular(plain(noun)))
    found = []
    for name in _ordered(summary.fields, usual):
        inner = summarize_schema(references, *resolved(references, *summary.fields[name]))
        if "array" in inner.kinds:
            one = _listed(references, inner, (name,))
            if one is not None and (one.fields or plain(name) in usual):
                found.append((plain(name) in usual, one))
        elif plain(name) in ENVELOPES or name in ENVELOPES:
            for below in _ordered(inner.fields, usual):
                deep = summarize_schema(references, *resolved(references, *inner.fields[below]))
                one = _listed(references, deep, (name, below)) if "array" in deep.kinds else None
                if one is not None and one.fields:
                    found.append((True, one))
    for is_usual, one in found:
        if is_usual or (not sure and len(found) == 1):
            return one
    return None if sure or not found else found[0][1]


def _listed(references: References, summary: SchemaSummary, steps: tuple[str, ...]) -> Located | None:
    if summary.items is None:
        return None
    item, at = resolved(references, *summary.items)
    return Located(item, at, steps, True, summarize_schema(references, item, at).fields)


def _ordered(names: Iterable[str], first: Iterable[str]) -> list[str]:
    """The names, those that are usual first."""
    known = list(names)
    by_plain = {plain(name): name for name in known}
    ahead = [by_plain[plain(name)] for name in first if plain(name) in by_plain]
    return list(dict.fromkeys([*ahead, *known]))


def at_steps(value: Any, steps: tuple[str, ...]) -> Any:
    """What is at these steps, or None."""
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def with_at(value: Any, steps: tuple[str, ...], part: Any) -> Any:
    """The value with another part at these steps."""
    if not steps:
        return part
    whole = dict(value) if isinstance(value, dict) else {}
    whole[steps[0]] = with_at(whole.get(steps[0]), steps[1:], part)
    return whole
