"""Several documents as the one that /openapi.json shows: nothing of one overwrites what another means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.openapi import Document, Operation, Place

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_AS_WRITTEN = frozenset({"example", "examples", "default", "enum", "const"})
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})


def merged(documents: list[Document]) -> dict[str, Any]:
    """Ours, with the paths and components of the user's laid over it.

    A component whose name another document has for something else gets a name of its own, as do files that a document
    refers to; an operation under another base path says so in its path's `servers`.
    """
    first = documents[0]
    served: dict[str, Any] = {**first.raw, "servers": [{"url": first.base_path or "/"}]}
    served["paths"] = dict(first.raw.get("paths", {}))
    served["components"] = {section: dict(entries) for section, entries in first.raw.get("components", {}).items()}
    owners = {(path, method): first.base_path for path, item in served["paths"].items() for method in item}
    for number, document in enumerate(documents[1:], 2):
        rename = _place_components(served, document, number)
        for operation in document.operations:
            _place_operation(served, document, operation, owners, rename)
    return served


def _place_components(served: dict[str, Any], document: Document, number: int) -> Callable[[Any], Any]:
    """Put a document's components among those served; answers what rewrites references to them."""
    renamed: dict[str, str] = {}
    components = document.raw.get("components")
    given = components if isinstance(components, dict) else {}
    schemes: dict[str, str] = {}
    for section, entries in given.items():
        known = served["components"].setdefault(section, {})
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if name in known and known[name] != entry:
                other = f"{name}.{number}"
                renamed[f"#/components/{section}/{_escaped(name)}"] = f"#/components/{section}/{_escaped(other)}"
                if section == "securitySchemes":
                    schemes[name] = other
    files = {name: f"document{number}.{index}" for index, name in enumerate(document.references.documents)}
    files[document.name] = ""
    is_old = str(document.raw.get("openapi", "")).startswith("3.0")

    def in_file(name: str) -> Callable[[str], str]:
        return lambda reference: _moved(reference, name, files, renamed)

    def rewrite(value: Any, file: str = document.name) -> Any:
        return _rewritten(value, in_file(file), schemes, is_old)

    for section, entries in given.items():
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            is_moved = f"#/components/{section}/{_escaped(name)}" in renamed
            served["components"][section][f"{name}.{number}" if is_moved else name] = rewrite(entry)
    for name, raw in document.references.documents.items():
        if files[name]:
            served.setdefault("x-documents", {})[files[name]] = rewrite(raw, name)
    return rewrite


def _place_operation(
    served: dict[str, Any],
    document: Document,
    operation: Operation,
    owners: dict[tuple[str, str], str],
    rename: Callable[[Any], Any],
) -> None:
    method, path, base = operation.method.lower(), operation.path, operation.base_path
    item = document.raw["paths"][path]
    while isinstance(item, dict) and "$ref" in item:
        item, _ = document.references.resolve(item["$ref"], Place(document.name))
    entry = dict(rename(operation.raw))
    shared = rename(item.get("parameters", []))
    if shared:
        own = {(one.get("in"), one.get("name")) for one in entry.get("parameters", []) if isinstance(one, dict)}
        inherited = [one for one in shared if "$ref" in one or (one.get("in"), one.get("name")) not in own]
        entry["parameters"] = [*inherited, *entry.get("parameters", [])]
    entry.pop("servers", None)
    if "security" not in entry:
        entry["security"] = rename({"security": document.raw.get("security", [])})["security"]
    root = served["servers"][0]["url"].rstrip("/")
    taken = served["paths"].get(path, {})
    if base != root and any(owners.get((path, known), base) != base for known in taken if known in _METHODS):
        path = base + path  # the path is taken, under another base: this one is written out
        entry["servers"] = [{"url": "/"}]
    elif base != root:
        entry["servers"] = [{"url": base or "/"}]
    old = served["paths"].get(path, {})
    served["paths"][path] = {**old, method: entry}
    owners[path, method] = base


def _moved(reference: str, file: str, files: dict[str, str], renamed: dict[str, str]) -> str:
    """Where a reference written in a file leads in the merged document."""
    target, _, pointer = reference.partition("#")
    if target:
        parent = file.rpartition("/")[0]
        steps: list[str] = parent.split("/") if parent else []
        for step in target.split("/"):
            if step == "..":
                steps = steps[:-1]
            elif step != ".":
                steps.append(step)
        file = "/".join(steps)
    if files.get(file):
        return f"#/x-documents/{files[file]}{pointer}"
    head = "/".join(pointer.split("/")[:4])
    moved = renamed.get(f"#{head}")
    return moved + pointer[len(head) :] if moved else f"#{pointer}"


def _rewritten(
    value: Any, move: Callable[[str], str], schemes: dict[str, str], is_old: bool, names: bool = False
) -> Any:
    """The value with its references moved, and what OpenAPI 3.0 says of numbers said as 3.1 does.

    `names`: the keys are names that the document gives, not words of OpenAPI.
    """
    if isinstance(value, list):
        return [_rewritten(item, move, schemes, is_old) for item in value]
    if not isinstance(value, dict):
        return value
    new: dict[str, Any] = {}
    for key, inner in value.items():
        if names:
            new[key] = _rewritten(inner, move, schemes, is_old)
        elif key == "$ref" and isinstance(inner, str):
            new[key] = move(inner)
        elif key in _AS_WRITTEN and not (key == "examples" and isinstance(inner, dict)):
            new[key] = inner
        elif key == "mapping" and isinstance(inner, dict):
            new[key] = {
                name: move(to) if isinstance(to, str) and ("/" in to or "#" in to) else to for name, to in inner.items()
            }
        elif key == "security" and isinstance(inner, list):
            new[key] = [{schemes.get(name, name): scopes for name, scopes in way.items()} for way in inner]
        else:
            new[key] = _rewritten(inner, move, schemes, is_old, key in _NAMED_SCHEMAS)
    if is_old and not names:
        for word, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(new.get(word), bool) and new.pop(word) and limit in new:
                new[word] = new.pop(limit)
    return new


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
