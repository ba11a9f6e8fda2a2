"""Operations compiled from their objects in a document."""

import re
from typing import Any, Final, cast
from urllib.parse import urlsplit

from mockserver.openapi.document.media_types import is_xml
from mockserver.openapi.document.operations import (
    Credentials,
    DeclaredResponse,
    Location,
    MediaType,
    Operation,
    Parameter,
    RequestBody,
    Status,
)
from mockserver.openapi.document.router import split_template
from mockserver.openapi.schema.coercion import compile_coercion
from mockserver.openapi.schema.compiler import Compiler
from mockserver.openapi.schema.references import Place, References
from mockserver.openapi.schema.undeclared import FinderBuilder

# location -> the styles that can be read; the first is the default
_STYLES: Final[dict[str, tuple[str, ...]]] = {
    "query": ("form", "deepObject", "pipeDelimited", "spaceDelimited"),
    "path": ("simple", "label", "matrix"),
    "header": ("simple",),
    "cookie": ("form",),
}
_KEY_ORDER: Final = ("query", "path", "header", "cookie")
# OpenAPI: header parameters of these names are ignored; other parts of the document define them.
_NOT_PARAMETERS: Final = frozenset({"accept", "content-type", "authorization"})
_is_status = re.compile(r"[1-5](\d\d|XX)|default").fullmatch
_FORM_DEPTH: Final = 4  # levels: a form, its lists, the objects in them, their fields
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def base_path_of(servers: Any, place: Place) -> str | None:
    """The path of the first server ("/v1"), or None when servers are not given.

    Raises:
        ConfigError: the servers are malformed.
    """
    if not servers:
        return None
    if not isinstance(servers, list) or not isinstance(servers[0], dict):
        place.refuse("must be a list of objects")
    at = place / 0
    url = servers[0].get("url")
    variables = servers[0].get("variables", {})
    if not isinstance(url, str) or not isinstance(variables, dict):
        at.refuse("a server must have a url")
    for name in re.findall(r"\{([^{}]*)\}", url):
        variable = variables.get(name)
        if not isinstance(variable, dict) or not isinstance(variable.get("default"), str | int | float):
            (at / "url").refuse(f"the variable {name!r} has no default")
        url = url.replace(f"{{{name}}}", str(variable["default"]))
    try:
        path = urlsplit(url).path.rstrip("/")
    except ValueError as error:
        (at / "url").refuse(f"is not a URL: {error}")
    return path if path.startswith("/") or not path else f"/{path}"


class OperationBuilder:
    """Builds the operations of one document; each schema is compiled once per direction."""

    def __init__(self, references: References, raw: dict[str, Any], base_path: str) -> None:
        """Make a builder for a document and the files it refers to."""
        self.references = references
        self.requests = Compiler(references, "request")
        self.responses = Compiler(references, "response")
        self._finders = FinderBuilder(references)
        self._security = raw.get("security", [])
        self._schemes = raw.get("components", {}).get("securitySchemes", {})
        self._base_path = base_path

    def build(self, method: str, path: str, item: dict[str, Any], place: Place) -> Operation:
        """Build the operation that a path item, found at a place, has for a method.

        Raises:
            ConfigError: something in it cannot be honoured.
        """
        at = place / method
        raw = _object(item[method], at)
        self.references.drop_nulls(
            raw, at, "operationId", "parameters", "requestBody", "responses", "security", "servers"
        )
        operation_id = raw.get("operationId", f"{method} {path}")
        if not isinstance(operation_id, str) or not operation_id:
            self.references.tolerate(at / "operationId", "is not a name, and is not used")
            operation_id = f"{method} {path}"
        base_path = base_path_of(raw.get("servers"), at / "servers")
        if base_path is None:
            base_path = base_path_of(item.get("servers"), place / "servers")
        security = raw.get("security", self._security)
        if not isinstance(security, list) or not all(isinstance(way, dict) for way in security):
            (at / "security").refuse("must be a list of objects")
        responses = self._responses(raw.get("responses", {}), at / "responses")
        return Operation(
            operation_id=operation_id,
            method=method.upper(),
            path=path,
            base_path=self._base_path if base_path is None else base_path,
            parameters=self._parameters(path, item, raw, place, at),
            body=self._body(raw["requestBody"], at / "requestBody") if "requestBody" in raw else None,
            responses=responses,
            secured=bool(security) and all(security),
            credentials=self._credentials(security, at / "security"),
            declared_statuses=frozenset(
                status for status, response in responses.items() if isinstance(status, int) and not response.assumed
            ),
            raw=raw,
        )

    def _credentials(self, security: list[dict[str, Any]], place: Place) -> Credentials:
        """Where the schemes that a security requirement names look for a credential."""
        places: list[tuple[str, str]] = []
        is_basic = is_open = False
        for name in dict.fromkeys(name for way in security for name in way):
            scheme, _ = self.references.follow(self._schemes.get(name), place)
            if not isinstance(scheme, dict):
                self.references.tolerate(place, f"there is no security scheme {name!r}; it is taken for a bearer's")
                continue
            kind, how = scheme.get("type"), str(scheme.get("scheme", "")).lower()
            if kind == "apiKey" and isinstance(scheme.get("name"), str):
                where = str(scheme.get("in"))
                places.append((where, scheme["name"].lower() if where == "header" else scheme["name"]))
            is_basic |= kind == "http" and how == "basic"
            is_open |= kind == "mutualTLS" or (kind == "http" and how not in ("basic", "bearer"))
        return Credentials(tuple(places), is_basic, is_open)

    def _parameters(
        self, path: str, item: dict[str, Any], raw: dict[str, Any], place: Place, at: Place
    ) -> tuple[Parameter, ...]:
        """The parameters of the path item and of the operation, which override them."""
        declared: dict[tuple[str, str], tuple[dict[str, Any], Place]] = {}
        for holder, where in ((item, place), (raw, at)):
            listed = holder.get("parameters", [])
            if not isinstance(listed, list):
                (where / "parameters").refuse("must be a list")
            own: set[tuple[str, str]] = set()
            for index, entry in enumerate(listed):
                spec, spec_place = self.references.follow(entry, where / "parameters" / index)
                if not _object(spec, spec_place).get("name"):
                    self.references.tolerate(spec_place, "a parameter without a name cannot be read")
                    continue
                location, name = _location_and_name(spec, spec_place)
                if (location, name) in own:
                    spec_place.refuse(f"the {location} parameter {name!r} is declared twice")
                own.add((location, name))
                declared[location, name] = spec, spec_place
        variables = {name for segment in split_template(path) for name in segment.names}
        parameters = []
        for (location, name), (spec, spec_place) in declared.items():
            if location == "path" and name not in variables:
                self.references.tolerate(spec_place, f"the path has no variable {name!r}")
                continue
            if location == "header" and name.lower() in _NOT_PARAMETERS:
                continue
            others = [other for other, same in declared if same == name]
            key = name if location == min(others, key=_KEY_ORDER.index) else f"{location}:{name}"
            parameters.append(self._parameter(cast(Location, location), name, key, spec, spec_place))
        return tuple(parameters)

    def _parameter(self, location: Location, name: str, key: str, spec: dict[str, Any], place: Place) -> Parameter:
        style = spec.get("style", _STYLES[location][0])
        if style not in _STYLES[location]:
            (place / "style").refuse(f"the style {style!r} is not one that can be read here")
        schema, at, is_json = spec.get("schema", True), place / "schema", False
        if "content" in spec:
            media = _object(spec["content"], place / "content")
            if list(media) != ["application/json"]:
                (place / "content").refuse("only application/json can be read from a parameter")
            at = place / "content" / "application/json"
            schema, at, is_json = (
                _object(media["application/json"], at).get("schema", True),
                at / "schema",
                True,
            )
        return Parameter(
            name=name,
            location=location,
            key=key,
            required=location == "path" or spec.get("required") is True,
            style=style,
            explode=spec.get("explode", style == "form") is True,
            coercion=compile_coercion(self.requests, schema, at),
            is_json=is_json,
            may_be_empty=spec.get("allowEmptyValue") is True,
            raw=spec,
        )

    def _body(self, written: Any, place: Place) -> RequestBody:
        raw, at = self.references.follow(written, place)
        self.references.drop_nulls(_object(raw, at), at, "content")
        media = self._media(raw.get("content", {}), at / "content", self.requests)
        return RequestBody(raw.get("required") is True, media, raw)

    def _responses(self, written: Any, place: Place) -> dict[Status, DeclaredResponse]:
        responses: dict[Status, DeclaredResponse] = {}
        for status, entry in _object(written, place).items():
            status = str(status)  # a dict made in Python may hold numbers
            if status.startswith("x-"):
                continue
            if not _is_status(status):
                (place / status).refuse(f"{status!r} is not a status", 'write "404", "4XX" or "default"')
            raw, at = self.references.follow(entry, place / status)
            assumed = _object(raw, at).get("x-assumed") is True or entry.get("x-assumed") is True
            self.references.drop_nulls(raw, at, "content", "headers")
            media = self._media(raw.get("content", {}), at / "content", self.responses)
            responses[int(status) if status.isdecimal() else status] = DeclaredResponse(media, assumed, raw, at)
        return responses

    def _media(self, written: Any, place: Place, compiler: Compiler) -> dict[str, MediaType]:
        media: dict[str, MediaType] = {}
        for name, entry in _object(written, place).items():
            raw, at = self.references.follow(entry, place / name)
            essence = name.partition(";")[0].strip().lower()
            if essence.count("/") != 1:
                self.references.tolerate(at, f"{name!r} is not a media type")
            validator = fields = finder = None
            if "schema" in _object(raw, at):
                validator = compiler.validator(raw["schema"], at / "schema")
            if validator is not None and compiler is self.requests:
                finder = self._finders.build(raw["schema"], at / "schema")
                if essence in _FORMS or is_xml(essence):
                    fields = compile_coercion(compiler, raw["schema"], at / "schema", _FORM_DEPTH)
            media[essence] = MediaType(essence, validator, fields, finder, raw)
        return media


def _location_and_name(spec: dict[str, Any], place: Place) -> tuple[str, str]:
    location, name = spec.get("in"), spec.get("name")
    if not isinstance(name, str) or not name:
        place.refuse("a parameter must have a name")
    if not isinstance(location, str) or location not in _STYLES:
        (place / "in").refuse(f"the location {location!r} is not one of {', '.join(_STYLES)}")
    return location, name


def _object(value: Any, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        place.refuse("must be an object")
    return value
