"""Random schemas and values, small enough that the two often meet."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# The same examples on every run: a law that is broken must break everywhere.
LAW = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

NAMES = st.sampled_from(["a", "b", "c", "ab"])
NUMBERS = st.one_of(st.integers(-4, 8), st.sampled_from([0.5, 1.0, 2.5, -3.0, 1e20]), st.integers(-(2**63), 2**63))
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.sampled_from(["", "a", "ab", "abc", "1", "é", "\n"]),
    st.text(max_size=5),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
COUNTS = st.integers(0, 3)
PATTERNS = st.sampled_from(["^a", "b$", "^[a-c]*$", "a.c", r"^\d+$", "", "^(ab|c){1,2}$", r"^\w{2,}$"])


def _keywords(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    some = st.lists(inner, min_size=1, max_size=3)
    names = st.lists(NAMES, max_size=2, unique=True)
    return {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
        "enum": st.lists(LEAVES, min_size=1, max_size=4),
        "const": LEAVES,
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "required": names,
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
        "propertyNames": inner,
        "minProperties": COUNTS,
        "maxProperties": COUNTS,
        "dependentRequired": st.dictionaries(NAMES, names, max_size=2),
        "dependentSchemas": st.dictionaries(NAMES, inner, max_size=2),
        "items": inner,
        "prefixItems": some,
        "contains": inner,
        "minContains": COUNTS,
        "maxContains": COUNTS,
        "minItems": COUNTS,
        "maxItems": COUNTS,
        "uniqueItems": st.booleans(),
        "minLength": COUNTS,
        "maxLength": COUNTS,
        "pattern": PATTERNS,
        "minimum": st.integers(-3, 5),
        "maximum": st.integers(-3, 5) | st.just(2.5),
        "exclusiveMinimum": st.integers(-3, 5),
        "exclusiveMaximum": st.integers(-3, 5),
        "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
        "allOf": some,
        "anyOf": some,
        "oneOf": some,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
        "unevaluatedProperties": inner,
        "unevaluatedItems": inner,
    }


def _object(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    keywords = _keywords(inner)
    chosen = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


_REFERENCES = st.sampled_from([{"$ref": "#/$defs/p"}, {"$ref": "#/$defs/q"}])
_PLAIN = st.one_of(TYPES.map(lambda name: {"type": name}), st.booleans(), LEAVES.map(lambda value: {"const": value}))
_INNER = st.recursive(_PLAIN | _REFERENCES, _object, max_leaves=5)


def _tops(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas whose references lead to two definitions that refer to nothing themselves."""
    defined = st.recursive(_PLAIN, _object, max_leaves=3)
    definitions = st.fixed_dictionaries({"p": defined, "q": defined})
    return st.builds(lambda schema, defs: {**schema, "$defs": defs}, _object(inner), definitions)


SCHEMAS = _tops(_INNER)

# Schemas as documents have them: one type each, with the keywords that belong to it, mostly satisfiable.
_TEXTS = st.one_of(
    st.just({"type": "string"}),
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={"minLength": st.integers(0, 9), "maxLength": st.integers(9, 12)},
    ),
    st.sampled_from(["date", "date-time", "uuid", "email", "uri", "ipv4", "ipv6", "made-up"]).map(
        lambda name: {"type": "string", "format": name}
    ),
    st.sampled_from(
        [
            "^[a-z]{3,8}$",
            r"^\d{4}-\d\d$",
            "^(on|off)$",
            "^[^/]+$",
            "x+y*",
            r"^\w+@\w+\.com$",
            r"^ep-[0-9a-f]{8,}$",
        ]
    ).map(lambda pattern: {"type": "string", "pattern": pattern}),
    st.lists(st.text(max_size=4), min_size=1, max_size=4).map(lambda members: {"type": "string", "enum": members}),
)
_AMOUNTS = st.one_of(
    st.builds(
        lambda low, width: {"type": "integer", "minimum": low, "maximum": low + width},
        st.integers(-50, 50),
        st.integers(0, 9),
    ),
    st.sampled_from([2, 5, 8]).map(lambda step: {"type": "integer", "multipleOf": step, "minimum": 1}),
    st.integers(-9, 9).map(lambda low: {"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + 0.5}),
    st.sampled_from([{"type": "integer", "format": "int32"}, {"type": "number"}, {"type": "boolean"}]),
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.dictionaries(st.sampled_from(["id", "name", "size", "state"]), inner, max_size=3)
    objects = st.builds(
        lambda properties, some, extra: {
            "type": "object",
            "properties": properties,
            "required": sorted(properties)[:some],
            **extra,
        },
        fields,
        st.integers(0, 3),
        st.sampled_from([{}, {"additionalProperties": False}, {"additionalProperties": {"type": "integer"}}]),
    )
    arrays = st.builds(
        lambda items, least, unique: {
            "type": "array",
            "items": items,
            "minItems": least,
            "uniqueItems": unique,
        },
        inner,
        st.integers(0, 1),
        st.booleans(),
    )
    unions = st.builds(
        lambda kind, some: {kind: some},
        st.sampled_from(["anyOf", "oneOf"]),
        st.lists(inner, min_size=1, max_size=1),
    )
    joined = st.builds(
        lambda first, second: {"allOf": [first, second]},
        fields.map(lambda f: {"type": "object", "properties": f}),
        st.just({"type": "object", "properties": {"more": {"type": "string"}}, "required": ["more"]}),
    )
    nullable = inner.map(lambda schema: {"anyOf": [schema, {"type": "null"}]})
    return objects | arrays | unions | joined | nullable


USUAL_SCHEMAS = st.recursive(_TEXTS | _AMOUNTS, _containers, max_leaves=6)
