"""Names with brackets, as forms and queries write nested values: "items[0][price]", "metadata[colour]", "ids[]"."""

from collections.abc import Mapping
from typing import Any

from mockserver.openapi.schema.coercion import Coercion

_MAX_DEPTH = 16


def steps_of(name: str) -> list[str]:
    """The steps of a name: "a[b][]" is ["a", "b", ""]; a name that is not of this form is one step."""
    head, bracket, rest = name.partition("[")
    if not bracket or not head or not rest.endswith("]"):
        return [name]
    steps = [head, *rest[:-1].split("][")]
    return steps if len(steps) <= _MAX_DEPTH and not any("[" in step or "]" in step for step in steps) else [name]


def collect_bracketed(texts: Mapping[str, list[Any]], name: str) -> tuple[Any, list[str]]:
    """The objects and arrays of texts below a name, and the full names that they were read from.

    The value is None where there is no name below it.
    """
    tree: dict[str, Any] = {}
    used: list[str] = []
    for full, given in texts.items():
        steps = steps_of(full)
        if len(steps) < 2 or steps[0] != name:
            continue
        used.append(full)
        node = tree
        for step in steps[1:-1]:
            inner = node.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            node = inner
        else:
            node[steps[-1]] = given if steps[-1] == "" else given[-1]
    return (_value(tree) if used else None), used


def read_bracketed(
    fields: Mapping[str, list[Any]], known: Mapping[str, Coercion]
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The values of declared fields that a form writes with brackets, and all other fields unchanged."""
    values: dict[str, Any] = {}
    others = dict(fields)
    for name in {steps_of(full)[0] for full in fields if full not in known and "[" in full}:
        if name in known and name not in fields:
            value, used = collect_bracketed(fields, name)
            if used:
                values[name] = known[name].value(value)
                for full in used:
                    del others[full]
    return values, others


def _value(node: Any) -> Any:
    """Objects whose names are all numbers, or nothing, are arrays."""
    if not isinstance(node, dict):
        return node
    if set(node) == {""}:
        return node[""]
    inner = {name: _value(value) for name, value in node.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
