"""Rows to JSON and back: every kind of row that is written anywhere, and complaints that name the place."""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel import capacity, timeline
from mockserver.simulation.record_types import ROWS
from mockserver.simulation.serialization import BadValue, codec, place
from tests.server.settled import FUZZ

SOURCE = Path(__file__).parents[2] / "mockserver" / "simulation"


class Inner(NamedTuple):
    name: str
    size: int = 1


@dataclass(frozen=True, slots=True)
class Outer:
    """One field for each form of annotation."""

    whole: int
    number: float
    flag: bool
    text: str
    maybe: int | None
    word: Literal["a", "b"]
    many: tuple[Inner, ...]
    pair: tuple[str, int]
    group: frozenset[str]
    by_name: Mapping[str, Inner]
    by_key: Mapping[tuple[str, str], int]
    either: int | Mapping[tuple[str, str], int]
    anything: Any
    one: Inner | None = None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
INNER = st.builds(Inner, st.text(), st.integers())
PAIRS = st.dictionaries(st.tuples(st.text(), st.text()), st.integers(), max_size=3)
OUTER = st.builds(
    Outer,
    whole=st.integers(),
    number=st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    flag=st.booleans(),
    text=st.text(),
    maybe=st.none() | st.integers(),
    word=st.sampled_from(["a", "b"]),
    many=st.lists(INNER, max_size=3).map(tuple),
    pair=st.tuples(st.text(), st.integers()),
    group=st.frozensets(st.text(), max_size=3),
    by_name=st.dictionaries(st.text(), INNER, max_size=3),
    by_key=PAIRS,
    either=st.integers() | PAIRS,
    anything=JSON,
    one=st.none() | INNER,
)


@FUZZ
@given(OUTER)
def test_a_value_comes_back_equal(value: Outer) -> None:
    written = json.loads(json.dumps(codec(Outer).encode(value)))
    assert codec(Outer).decode(written, ()) == value


@FUZZ
@given(JSON)
def test_decoding_gives_a_value_or_a_bad_value_error(value: Any) -> None:
    for kind in (Outer, Inner, *ROWS.values()):
        try:
            codec(kind).decode(value, ("rows",))
        except BadValue as bad:
            assert place(bad.path).startswith("rows")


def good() -> dict[str, Any]:
    value = Outer(1, 1.5, True, "t", None, "a", (Inner("i"),), ("p", 1), frozenset("x"), {"n": Inner("m")}, {}, 1, None)
    return dict(codec(Outer).encode(value))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"whole": "1"}, "x.whole: expected a whole number"),
        ({"whole": True}, "x.whole: expected a whole number"),
        ({"whole": 1.5}, "x.whole: expected a whole number"),
        ({"number": "1"}, "x.number: expected a number"),
        ({"flag": 1}, "x.flag: expected true or false"),
        ({"text": None}, "x.text: expected text"),
        ({"maybe": "1"}, "x.maybe: expected a whole number or null"),
        ({"word": "c"}, "x.word: expected one of a, b"),
        ({"word": []}, "x.word: expected one of a, b"),
        ({"many": {}}, "x.many: expected a list"),
        ({"many": [{"name": "a"}, {"name": 1}]}, "x.many[1].name: expected text"),
        ({"many": [{}]}, "x.many[0].name: the field is missing"),
        ({"many": [{"name": "a", "sise": 1}]}, "x.many[0].sise: there is no such field; there are name, size"),
        ({"pair": ["a"]}, "x.pair: expected a list of 2"),
        ({"pair": ["a", "b"]}, "x.pair[1]: expected a whole number"),
        ({"by_name": {"n": {"name": 1}}}, "x.by_name.n.name: expected text"),
        ({"by_key": [[["a", "b"], "c"]]}, "x.by_key[0][1]: expected a whole number"),
        ({"either": [[["a", "b"], "c"]]}, "x.either[0][1]: expected a whole number"),
        ({"one": {"name": 1}}, "x.one.name: expected text"),
        ({"one": 5}, "x.one: expected a value of its own shape or null"),
    ],
)
def test_a_bad_value_names_its_place(change: dict[str, Any], told: str) -> None:
    with pytest.raises(BadValue) as bad:
        codec(Outer).decode({**good(), **change}, ("x",))
    assert str(bad.value) == told


def test_a_field_with_a_default_may_be_missing() -> None:
    assert codec(Inner).decode({"name": "a"}, ()) == Inner("a", 1)


def test_a_set_is_written_in_order() -> None:
    assert codec(frozenset[str]).encode(frozenset("dbcaqxzy")) == list("abcdqxyz")


def test_a_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(TypeError, match="does not know it"):
        codec(bytes)


# ---- the kinds of rows ---------------------------------------------------------------------------------------------


def written_kinds() -> Iterator[tuple[str, str]]:
    """The kind in every `.put(kind, ...)` of the simulation, and where that stands."""
    for path in sorted(SOURCE.rglob("*.py")):
        module = importlib.import_module(".".join(path.relative_to(SOURCE.parents[1]).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "put"):
                continue
            where = f"{path.name}:{node.lineno}"
            kind = eval(ast.unparse(node.args[0]), vars(module))
            assert isinstance(kind, str), where
            yield kind, where


def test_every_kind_that_is_written_has_its_type() -> None:
    found = dict(written_kinds())
    assert {"endpoint", "cluster", "volume", "pool", "ordinal"} <= found.keys()
    forgotten = {kind: where for kind, where in found.items() if kind not in ROWS}
    assert not forgotten, f"add a line to simulation/record_types.py: {forgotten}"


def test_a_row_of_each_kind_comes_back() -> None:
    line = (timeline.Mark(1, "PENDING", "create"),)
    claim = capacity.Claim("e", 0, 1, ("z",), 1, until_ms=5)
    endpoint = endpoint_record.Endpoint(
        "e", "n", "d", "m", "h", "o", "on-demand", 1, 2, None, "z", 1, line, claims=(claim.granted(2, "z"),)
    )
    pool = capacity.Pool("p", 1, {"z": 3}, (capacity.Release(5, "z", 1, "e"),), (claim,))
    rows: dict[str, Any] = {"endpoint": endpoint, "pool": pool, "ordinal": {("cluster", "c"): 9}}
    for kind, row in rows.items():
        back = codec(ROWS[kind]).decode(json.loads(json.dumps(codec(ROWS[kind]).encode(row))), ())
        assert back == row
        assert type(back) is type(row)
    assert codec(ROWS["cluster"]) is codec(cluster_record.Cluster)
