"""Formats that are checked, and patterns read as ECMA-262 means them."""

import re
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver.openapi import compile_schema
from mockserver.openapi.schema.formats import is_date, is_date_time
from mockserver.openapi.schema.patterns import compile_pattern
from tests.openapi.ids import short
from tests.openapi.strategies import LAW

FORMATS = {
    "date": (
        ["2024-02-29", "2000-02-29", "1999-12-31"],
        ["2023-02-29", "1900-02-29", "2024-13-01", "2024-1-1", "", "2024-02-00"],
    ),
    "date-time": (
        [
            "2024-01-01T12:00:00Z",
            "2024-01-01t12:00:00.123456789z",
            "2024-02-29T23:59:59+05:30",
            "1998-12-31T23:59:60Z",
            "1998-12-31T15:59:60.5-08:00",
            "0000-02-29T00:00:00Z",
        ],
        [
            "2024-01-01 12:00:00Z",
            "2024-01-01T12:99:00Z",
            "2024-02-30T12:00:00Z",
            "2023-02-29T12:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T12:00:00",
            "2024-01-01T12:00Z",
            "2024-01-01T12:00:60Z",
            "2024-01-01T12:00:00+24:00",
            "2024-01-01T12:00:00+01:60",
            "2024-01-01T12:00:00Z\n",
            "\uff12024-01-01T12:00:00Z",
            "x",
            "",
        ],
    ),
    "uuid": (["00000000-0000-0000-0000-000000000000"], ["00000000000000000000000000000000", "g" * 36, ""]),
    "email": (["a@b", "a.b+c@d.example"], ["a", "@b", "a@", "a b@c", "a@b@c"]),
    "uri": (
        ["https://a.example/b?c#d", "urn:isbn:1", "s3://bucket/key"],
        ["/relative", "a b:c", "http://a b", ""],
    ),
    "ipv4": (["127.0.0.1"], ["256.0.0.1", "1.2.3", "01.2.3.4", "::1"]),
    "ipv6": (["::1", "2001:db8::ff"], ["127.0.0.1", ":::", "fe80::1%eth0"]),
}


@pytest.mark.parametrize("name", FORMATS, ids=short)
def test_format(name: str) -> None:
    valid, invalid = FORMATS[name]
    validator = compile_schema({"type": "string", "format": name})
    assert [text for text in valid if not validator.ok(text)] == []
    assert [text for text in invalid if validator.ok(text)] == []


@given(st.datetimes(timezones=st.just(UTC)))
@settings(LAW, max_examples=50)
def test_every_instant_is_a_date_time(moment: datetime) -> None:
    assert is_date_time(moment.isoformat())
    assert is_date(moment.date().isoformat())


@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
@settings(LAW, max_examples=100)
@example(2024, 2, 30)
def test_dates_agree_with_the_calendar(year: int, month: int, day: int) -> None:
    try:
        datetime(year or 400, month, day)
        exists = True
    except ValueError:
        exists = False
    assert is_date(f"{year:04}-{month:02}-{day:02}") is exists


PATTERNS = [
    (r"^\d+$", ["12"], ["", "1a", "١٢", "12\n"]),
    (r"^\w+$", ["a_1"], ["é", "a b"]),
    (r"^\s$", [" ", "\u00a0", "\ufeff", "\n"], ["a", "\x1c"]),
    (r"^[\s]\S$", [" a"], ["  "]),
    (r"^a.c$", ["abc", "a😀c"], ["a\nc", "a\u2028c"]),
    (r"(?<year>\d{4})-\k<year>", ["2024-2024"], ["2024-2025"]),
    (r"(?<=a)b(?!c)", ["ab"], ["b", "abc"]),
    (r"^\/v1\/[^\/]+$", ["/v1/x"], ["/v1/x/y"]),
    (r"^\u0041\x42\cJ$", ["AB\n"], ["AB"]),
    (r"^\u{1F600}$", ["😀"], ["u"]),
    (r"^[^]$", ["\n", "a"], [""]),
    (r"[]", [], ["", "a"]),
    (r"^[a&&b[|~-]+$", ["a&b[|~-"], ["c", "]"]),
    (r"^[\w.-]+$", ["a.b-c"], ["a b"]),
    (r"^[\b]$", ["\x08"], ["b"]),
    (r"\bword\b", ["a word here"], ["swordfish"]),
    (r"^(?:a|b){2,3}$", ["ab", "aba"], ["a", "abab"]),
    (r"a$b", [], ["ab", "a\nb"]),
    (r"^$", [""], ["\n"]),
    (r"\Aab\z", ["ab"], ["ab\n", "xab"]),
    (r"^[\S]$", ["a", "\x1c"], [" ", "\u00a0"]),
    (r"^[^\S]$", [" ", "\u00a0"], ["a"]),
    (r"^[\s\S]+$", ["a b\n"], [""]),
    (r"^[\w-.]+$", ["a-.b"], ["a b"]),
    (r"^[^\w-.]+$", ["  "], ["a", "-"]),
    (r"^\p{L}\P{L}[\p{Nd}_-]$", ["é 1", "a1_"], ["1 1", "aaa", "a11a"]),
    (r"^[^\p{Lu}]$", ["a", "1"], ["A", "É"]),
    (r"^\p{Alnum}+$", ["aZ9"], ["é", ""]),
    (r"^\p{Script=Han}\p{Katakana}$", ["日カ"], ["aカ", "日a"]),
]


@pytest.mark.parametrize(("pattern", "found", "absent"), PATTERNS, ids=short)
def test_pattern(pattern: str, found: list[str], absent: list[str]) -> None:
    search = compile_pattern(pattern).search
    assert [text for text in found if not search(text)] == []
    assert [text for text in absent if search(text)] == []


@pytest.mark.parametrize(
    "pattern",
    ["(", "[z-a]", "*", r"\p{Q}", r"\G", r"[\A]", "[a", "a{9999999999999}", "\\", "(?P<a"],
    ids=short,
)
def test_pattern_that_cannot_be_used(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_pattern(pattern)


@given(st.text(max_size=12) | st.text("()[]{}*+?\\^$|.-&~<>=!:PkuxdDwWsScAZ0a1,", max_size=12))
@settings(LAW, max_examples=300)
def test_any_text_compiles_or_is_refused(pattern: str) -> None:
    with suppress(ValueError):
        assert isinstance(compile_pattern(pattern), re.Pattern)
