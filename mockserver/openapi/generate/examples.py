"""Values that satisfy a schema: its own examples, else generated ones, the same for the same key."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from mockserver.openapi.document.media_types import SENTINEL, content_type, is_json, is_stream
from mockserver.openapi.document.operations import MediaType, Operation
from mockserver.openapi.generate import values
from mockserver.openapi.generate.expansion import Conjunction, expand_schema
from mockserver.openapi.response.encoding import encode_value
from mockserver.openapi.response.selection import best_response, choose_media
from mockserver.openapi.schema.applicators import branches
from mockserver.openapi.schema.checks import Direction
from mockserver.openapi.schema.compiler import Compiler, Validator, compile_schema
from mockserver.openapi.schema.objects import is_marked
from mockserver.openapi.schema.problems import canonical
from mockserver.openapi.schema.references import Parts, Place

_MAX_TRIES: Final = 40  # candidates for one schema
_MAX_DECLARED: Final = 12  # of those, members of one enum
_MAX_WAYS: Final = 8  # to satisfy the compositions of a schema
_MAX_EXTRA: Final = 40
_MAX_VALUES: Final = 5000  # inside one value: a schema that cannot be satisfied would be tried without end
_MAX_ITEMS: Final = 1000
_TEXT: Final = {"type": "string"}
_DEEP: Final = 4  # from this depth on optional fields are left out
_MAX_DEPTH: Final = 12


def example(schema: Any, key: str, *, root: Any = None, direction: Direction = "response") -> Any:
    """A value that satisfies a schema (whose "#/..." lead into `root`, or itself), the same for the same key.

    Prefers `const`, `example`, the first of `examples`, `default`, and the first of `enum`. For a schema
    that no candidate satisfies, the candidate with the fewest problems.

    Raises:
        ConfigError: the schema cannot be compiled.
    """
    return example_for(compile_schema(schema, root=root, direction=direction), key)


def example_for(validator: Validator, key: str) -> Any:
    """As `example`, of a compiled schema."""
    return _Maker(validator.compiler).make(((validator.schema, validator.place),), key)


def example_response(operation: Operation, key: str) -> tuple[int, str | None, bytes]:
    """A status, content type and body that the operation declares: the lowest 2xx if any, JSON if any."""
    status, response = best_response(operation)
    media = choose_media(response)
    if media is None:
        return status, None, b""
    name = f"{operation.operation_id} {key}"
    return status, content_type(media), encode_value(media, media_example(media, name), name)


def declared_examples(media: MediaType) -> dict[str, Any]:
    """The examples of a media type in the document, by name ("" for `example`). Its schema may not allow them."""
    given = {"": media.raw["example"]} if "example" in media.raw else {}
    named = media.raw.get("examples")
    if isinstance(named, dict):
        objects = {name: example for name, example in named.items() if isinstance(example, dict)}
        given |= {name: example["value"] for name, example in objects.items() if "value" in example}
    return given


def media_example(media: MediaType, key: str) -> Any:
    """The first example in the document that its schema allows, else a generated one.

    For a stream: the text in the document, or a list of a few values.
    """
    stream = is_stream(media.name)
    for value in declared_examples(media).values():
        if media.validator is None or (stream and isinstance(value, str)) or media.validator.ok(value):
            return value
    if media.validator is None:
        return {} if is_json(media.name) else "example"
    if stream:
        return _stream_example(media.validator, key, ends=SENTINEL in str(media.raw))
    return example_for(media.validator, key)


def _stream_example(validator: Validator, key: str, ends: bool) -> list[Any]:
    """A value of each branch of the schema, or two where it has none; the value that ends a stream comes last."""
    references = validator.compiler.references
    schema, place = references.follow(validator.schema, validator.place)
    kinds: list[tuple[Any, Place]] = []
    if isinstance(schema, dict):
        kinds = branches(schema, "oneOf", place) or branches(schema, "anyOf", place)
    values = [example_for(validator.compiler.validator(kind, at), key) for kind, at in kinds]
    if len(values) < 2:
        values = [example_for(validator, f"{key}.{index}") for index in range(2)]
    values = [value for value in values if validator.ok(value)]
    ending = [value for value in values if value in (SENTINEL, {"data": SENTINEL})]
    return [value for value in values if value not in ending] + (ending[:1] or ([SENTINEL] if ends else []))


@dataclass(slots=True)
class _Maker:
    """Makes one value, for the schemas of one set of documents."""

    compiler: Compiler
    left: int = _MAX_VALUES

    def make(self, parts: Parts, key: str, turn: int = 0, depth: int = 0) -> Any:
        """A value that satisfies all these schemas; `turn` asks for another one than turn 0 gives."""
        validators = [self.compiler.validator(schema, place) for schema, place in parts]
        nearest, fewest = None, 1 << 30
        for value in islice(self._candidates(parts, key, turn, depth), _MAX_TRIES):
            problems = sum(len(validator.problems(value)) for validator in validators)
            if not problems:
                return value
            if problems < fewest:
                nearest, fewest = value, problems
        return nearest

    def _candidates(self, parts: Parts, key: str, turn: int, depth: int) -> Iterator[Any]:
        """Candidates, the best first."""
        ways = list(islice(expand_schema(self.compiler.references, parts), _MAX_WAYS))
        for way in ways:
            yield from islice(way.declared(turn), _MAX_DECLARED)
        self.left -= 1
        if depth > _MAX_DEPTH or self.left < 0:
            yield from (None, {}, [], "")  # a schema that contains itself may have no finite value
            return
        for attempt in range(3):
            for way in ways:
                for kind in way.kinds()[:3]:
                    yield self._made(kind, way, key, turn, depth, attempt)
        yield from (None, True, 0, "", [], {})

    def _made(self, kind: str, way: Conjunction, key: str, turn: int, depth: int, attempt: int) -> Any:
        seed = _seed(key, turn, attempt)
        if kind == "object":
            return self._object(way, key, turn, depth, is_small=depth >= _DEEP or attempt == 1)
        if kind == "array":
            return self._array(way, key, turn, depth, is_small=depth >= _DEEP or attempt == 1)
        if kind == "string":
            return values.text(way, _word(key), seed)
        if kind in ("integer", "number"):
            return values.number(way, kind == "integer", seed)
        return (seed + turn) % 2 == 0 if kind == "boolean" else None

    def _object(self, way: Conjunction, key: str, turn: int, depth: int, *, is_small: bool) -> dict[str, Any]:
        absent = "readOnly" if self.compiler.direction == "request" else "writeOnly"
        names = way.required()
        most = way.most("maxProperties")
        for name in [] if is_small else way.names():
            parts = way.field(name)
            is_absent = any(is_marked(self.compiler, schema, place, absent) for schema, place in parts)
            is_impossible = any(schema is False for schema, _ in parts)
            if name not in names and not is_absent and not is_impossible:
                names.append(name)
        names = names[:most]
        for extra in range(_MAX_EXTRA):  # undeclared names, where there must be more fields
            if len(names) >= way.least("minProperties"):
                break
            spare = [name for name in way.names() if name not in names]
            name = spare[0] if spare else self._name(way, key, extra)
            names += [name] if name not in names else []
        return {name: self.make(way.field(name), f"{key}.{name}", turn, depth + 1) for name in names}

    def _name(self, way: Conjunction, key: str, extra: int) -> str:
        """A name for a field that is not declared."""
        if parts := way.schemas("propertyNames"):
            name = self.make((*parts, (_TEXT, Place("names"))), f"{key}.name", extra)
            return name if isinstance(name, str) else f"field{extra}"
        patterns = [pattern for patterns in way.values("patternProperties") for pattern in patterns]
        if patterns:
            pattern = Conjunction((({"pattern": patterns[extra % len(patterns)]}, Place("names")),))
            return values.text(pattern, "field", _seed(key, extra, 0))
        return f"field{extra}"

    def _array(self, way: Conjunction, key: str, turn: int, depth: int, *, is_small: bool) -> list[Any]:
        most, wanted = way.most("maxItems"), way.schemas("contains")
        kept = max([1, *way.values("minContains")]) if wanted else 0
        if wanted and 0 in way.values("minContains") and len(way.values("minContains")) == len(wanted):
            kept = max(way.values("minContains"))
        length = max(way.least("minItems"), kept, 0 if is_small else 1)
        length = min(length, _MAX_ITEMS if most is None else most)
        must_differ = True in way.values("uniqueItems")
        items: list[Any] = []
        seen: set[Any] = set()
        for index in range(length):
            parts = way.item(index) + (wanted if index < kept else ())
            if any(schema is False for schema, _ in parts):
                break
            item = self.make(parts, f"{key}.{index}", turn, depth + 1)
            for other in range(1, _MAX_TRIES):
                if not must_differ or canonical(item) not in seen:
                    break
                item = self.make(parts, f"{key}.{index}", turn + other, depth + 1)
            seen.add(canonical(item))
            items.append(item)
        return items


def _seed(key: str, turn: int, attempt: int) -> int:
    digest = hashlib.blake2b(f"{key}|{turn}|{attempt}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest)


def _word(key: str) -> str:
    """The last name in a key, for values that tell what they are."""
    names = [step for step in key.split(".") if step and not step.isdecimal()]
    return names[-1][:24] if names else "example"
