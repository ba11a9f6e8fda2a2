"""Reading a document: its operations are compiled, and what cannot be honoured is refused."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.contract.datafiles import read_file, read_own
from mockserver.errors import ConfigError
from mockserver.openapi.document.builder import OperationBuilder, base_path_of
from mockserver.openapi.document.dynamic_refs import resolve_dynamic_refs
from mockserver.openapi.document.operations import Operation
from mockserver.openapi.document.router import split_template
from mockserver.openapi.schema.references import Place, References

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_is_version = re.compile(r"3\.[01](\..*)?").fullmatch
_BESIDE_METHODS = frozenset({"$ref", "summary", "description", "servers", "parameters"})


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenAPI document, compiled."""

    name: str
    raw: dict[str, Any] = field(repr=False)
    base_path: str  # "/v1", from the first server; "" when there is none
    operations: tuple[Operation, ...] = field(repr=False)
    notes: tuple[str, ...] = field(repr=False)  # mistakes that do no harm, as "place: what"
    references: References = field(repr=False)

    def operation(self, operation_id: str) -> Operation:
        """The operation with this id.

        Raises:
            KeyError: there is none.
        """
        for operation in self.operations:
            if operation.operation_id == operation_id:
                return operation
        raise KeyError(operation_id)


def load_document(path: Path) -> Document:
    """Read a YAML or JSON file of OpenAPI 3.0 or 3.1; it may refer to files in its own folder.

    Raises:
        ConfigError: it cannot be read, or says something that cannot be honoured; the place is
            "file.yaml: #/json/pointer", or "file.yaml:LINE" where the syntax is wrong.
    """
    raw = read_file(path, path.name)
    return _compile(raw, References({path.name: raw}, path.parent), path.name)


def find_document(folder: Path, name: str) -> Path:
    """The file of a document: one of a folder's, by name, or anybody's, by path.

    Raises:
        ConfigError: it is neither.
    """
    shipped = {path.stem: path for path in sorted(folder.glob("*.yaml")) if "\nopenapi:" in f"\n{path.read_text()}"}
    path = shipped.get(name, Path(name))
    with suppress(OSError):  # of a name that no file system takes
        if path.is_file():
            return path
    hint = f"give the path of a file, or one of {', '.join(shipped)}"
    raise ConfigError(f"document {name[:100]!r}", "there is no such document or file", hint)


def load_own_document(path: Path) -> Document:
    """Read a document that ships with the package.

    Raises:
        ConfigError: as `load_document`.
    """
    document = document_from_dict(read_own(path), path.name)
    for note in document.notes:
        raise ConfigError(path.name, f"lets something through: {note}", "fix the document")
    return document


def document_from_dict(raw: dict[str, Any], name: str) -> Document:
    """Compile a document that is already in memory, and stands alone.

    Raises:
        ConfigError: it says something that cannot be honoured.
    """
    return _compile(raw, References({name: raw}), name)


def _compile(raw: Any, references: References, name: str) -> Document:
    place = Place(name)
    if not isinstance(raw, dict):
        place.refuse("a document must be an object", 'begin it with "openapi: 3.1.0"')
    if "openapi" not in raw and "swagger" in raw:
        (place / "swagger").refuse(f"Swagger {raw['swagger']} is not supported", "turn it into OpenAPI 3.0 or 3.1")
    version = raw.get("openapi")
    if not _is_version(str(version)):
        (place / "openapi").refuse(f"the version {version!r} is not supported", "use OpenAPI 3.0 or 3.1")
    base_path = base_path_of(raw.get("servers"), place / "servers") or ""
    resolve_dynamic_refs(raw)
    references.drop_nulls(raw, place, "components", "paths")
    if raw.get("security", ...) is None:
        del raw["security"]
    components, at = _object(raw.get("components", {}), place / "components"), place / "components"
    references.drop_nulls(components, at, *list(components))
    for section, entries in components.items():
        if not section.startswith("x-"):
            _object(entries, at / section)
    try:
        builder = OperationBuilder(references, raw, base_path)
        operations = tuple(_operations(builder, raw, place))
        _compile_components(builder, raw, place)
    except RecursionError:
        place.refuse("is nested too deeply, or contains itself")
    return Document(name, raw, base_path, operations, tuple(references.notes), references)


def _compile_components(builder: OperationBuilder, raw: dict[str, Any], place: Place) -> None:
    """Compile the schemas that no operation uses as well, so that mistakes in them are refused."""
    at = place / "components"
    components = _object(raw.get("components", {}), at)
    for name, schema in _object(components.get("schemas", {}), at / "schemas").items():
        builder.responses.validator(schema, at / "schemas" / name)


def _operations(builder: OperationBuilder, raw: dict[str, Any], place: Place) -> list[Operation]:
    operations: list[Operation] = []
    ids: dict[str, Place] = {}
    shapes: dict[tuple[str, ...], Place] = {}
    for path, written in _object(raw.get("paths", {}), place / "paths").items():
        at = place / "paths" / path
        if path.startswith("x-"):
            continue
        try:
            segments = split_template(path)
        except ValueError as error:
            at.refuse(str(error))
        names = [name for segment in segments for name in segment.names]
        if len(set(names)) < len(names):
            builder.references.tolerate(at, "a variable is named twice: the last one counts")
        shape = tuple("{}".join(segment.literals) for segment in segments)
        item, where = builder.references.follow(written, at)
        builder.references.drop_nulls(_object(item, where), where, "parameters", "servers", *_METHODS)
        for name in item:
            if name not in _METHODS and name not in _BESIDE_METHODS and not name.startswith("x-"):
                (where / name).refuse(f"{name!r} is neither a method nor a field of a path")
        for method in _METHODS:
            if method not in item:
                continue
            operation = builder.build(method, path, item, where)
            here = where / method
            if first := ids.get(operation.operation_id):
                what = f"the operationId {operation.operation_id!r} is used at {first} too"
                builder.references.tolerate(here, what)
            ids.setdefault(operation.operation_id, here)
            key = (operation.base_path, method, *shape)
            if key in shapes:
                what = f"the same method and shape of path is at {shapes[key]} too, which is the one that answers"
                builder.references.tolerate(here, what)
                continue
            shapes[key] = here
            operations.append(operation)
    return operations


def _object(value: Any, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(str(place), "must be an object")
    return value
