"""Patterns as documents write them (ECMA-262), made into Python's.

The two dialects agree on nearly all; what differs is rewritten here, and what Python cannot say is refused.
"""

import re
import sys
import unicodedata
import warnings
from functools import lru_cache

_SPACES = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_ESCAPES_OUTSIDE = {"s": f"[{_SPACES}]", "S": f"[^{_SPACES}]", "/": "/", "-": "-", "A": r"\A", "z": r"\Z"}
_ESCAPES_INSIDE = {"s": _SPACES, "/": "/", "b": r"\x08"}
_CONTROL = re.compile(r"c([A-Za-z])")
_CODE_POINT = re.compile(r"u\{([0-9A-Fa-f]{1,6})\}")
_NAME = re.compile(r"k<([A-Za-z_]\w*)>")
_PROPERTY = re.compile(r"([pP])(?:\{(?:(?:gc|sc|scx|Script|General_Category)=|Is)?(\w+)\}|([LMNPSZC]))")
_CLASSES = frozenset("dDwWsS")
# The properties that are no category of Unicode: POSIX's, of ASCII, as Java and others write them.
_POSIX = {
    "Alpha": "a-zA-Z",
    "Alphabetic": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Punct": r"!-\/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Space": r" \t-\r",
    "XDigit": "0-9A-Fa-f",
    "ASCII": r"\x00-\x7f",
}
# Scripts, by how the names of their letters begin.
_SCRIPTS = {
    name: name.upper() for name in ("Latin", "Greek", "Cyrillic", "Arabic", "Hebrew", "Thai", "Hiragana", "Katakana",
    "Hangul", "Devanagari", "Armenian", "Georgian")
} | {"Han": "CJK"}  # fmt: skip
_LONG_NAMES = {
    "Letter": "L", "Mark": "M", "Number": "N", "Punctuation": "P", "Symbol": "S", "Separator": "Z", "Other": "C",
    "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Decimal_Number": "Nd",
}  # fmt: skip


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile an ECMA-262 pattern, to be searched for (not matched at the start only).

    Raises:
        ValueError: it is not a pattern, or one that Python has no equal for.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Python warns of what it may read otherwise one day
        try:
            return re.compile(to_python(pattern), re.ASCII)
        except (re.error, Warning, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from None


def to_python(pattern: str) -> str:
    r"""Rewrite an ECMA-262 pattern as one of Python's with the same matches (under re.ASCII).

    \A, \Z and \z are read as what they are in the dialects that have them, since nobody means the letters.

    Raises:
        ValueError: it uses something that Python's patterns do not have.
    """
    out: list[str] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            text, at = _escape(pattern, at + 1)
            out.append(text)
            continue
        if letter == "[":
            text, at = _class(pattern, at + 1)
            out.append(text)
            continue
        if letter == "$":
            out.append(r"\Z")  # Python's own $ also matches before a final line break
        elif letter == ".":
            out.append(r"[^\n\r\u2028\u2029]")
        elif letter == "(" and pattern.startswith("(?<", at) and pattern[at + 3 : at + 4] not in ("=", "!"):
            out.append("(?P<")
            at += 3
            continue
        else:
            out.append(letter)
        at += 1
    return "".join(out)


def _class(pattern: str, at: int) -> tuple[str, int]:
    """Rewrite a character class, whose first letter is at `at`; answers it and where the pattern goes on."""
    negated = pattern.startswith("^", at)
    at += negated
    inside: list[str] = []
    others: list[str] = []  # classes that can only be said as a class of their own
    after_class = False  # "[\w-.]": a hyphen after a class is a hyphen
    while at < len(pattern) and pattern[at] != "]":
        letter = pattern[at]
        if letter == "\\":
            after_class = pattern[at + 1 : at + 2] in _CLASSES
            text, at, is_own = _escape_inside(pattern, at + 1)
            (others if is_own else inside).append(text)
            continue
        before_class = letter == "-" and pattern[at + 1 : at + 2] == "\\" and pattern[at + 2 : at + 3] in _CLASSES
        inside.append(
            f"\\{letter}" if letter in "[&~|" or (letter == "-" and (after_class or before_class)) else letter
        )
        after_class = False
        at += 1
    if at >= len(pattern):
        raise ValueError("unterminated character set")
    body = "".join(inside)
    if not body and not others:
        return (r"[\s\S]" if negated else r"(?!)"), at + 1
    if not others:
        return f"[{'^' if negated else ''}{body}]", at + 1
    ways = [*others, *([f"[{body}]"] if body else [])]
    either = f"(?:{'|'.join(ways)})"
    return (rf"(?:(?!{either})[\s\S])" if negated else either), at + 1


def _escape_inside(pattern: str, at: int) -> tuple[str, int, bool]:
    """As `_escape`, within a class; the last answer says whether it is a class of its own, to stand beside."""
    letter = pattern[at : at + 1]
    if letter == "S":
        return f"[^{_SPACES}]", at + 1, True
    if match := _PROPERTY.match(pattern, at):
        ranges = _property(match[2] or match[3])
        return (f"[^{ranges}]", match.end(), True) if match[1] == "P" else (ranges, match.end(), False)
    if letter in ("A", "Z", "z", "G", "B"):
        raise ValueError(f"\\{letter} is not an escape of ECMA-262 inside [...]")
    text, after = _written_escape(pattern, at)
    return text or _ESCAPES_INSIDE.get(letter, "\\" + letter), after, False


def _escape(pattern: str, at: int) -> tuple[str, int]:
    """Rewrite the escape whose letter is at `at`; answers it and where the pattern goes on."""
    letter = pattern[at : at + 1]
    if match := _NAME.match(pattern, at):
        return f"(?P={match[1]})", match.end()
    if match := _PROPERTY.match(pattern, at):
        return f"[{'^' if match[1] == 'P' else ''}{_property(match[2] or match[3])}]", match.end()
    if letter in ("p", "P", "G"):
        raise ValueError(f"\\{letter} is not an escape that can be read")
    text, after = _written_escape(pattern, at)
    return text or _ESCAPES_OUTSIDE.get(letter, "\\" + letter), after


def _written_escape(pattern: str, at: int) -> tuple[str, int]:
    r"""A letter written by its number (\cJ, \u{1F600}), or "" and where an escape of one letter would end."""
    if match := _CONTROL.match(pattern, at):
        return f"\\x{ord(match[1]) % 32:02x}", match.end()
    if match := _CODE_POINT.match(pattern, at):
        return f"\\U{int(match[1], 16):08x}", match.end()
    return "", at + 1


@lru_cache(maxsize=64)
def _property(name: str) -> str:
    r"""What \p{name} matches, as the inside of a character class. Raises ValueError."""
    if name in _POSIX:
        return _POSIX[name]
    wanted = _LONG_NAMES.get(name, name)
    ranges: list[list[int]] = []
    script = _SCRIPTS.get(name)
    for point, category in enumerate(_categories()):
        is_in = script is not None and category[0] in "LM" and unicodedata.name(chr(point), "").startswith(script)
        if is_in or (script is None and category.startswith(wanted)):
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    if not ranges:
        raise ValueError(f"\\p{{{name}}} is not a property that is known here")
    return "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in ranges)


@lru_cache(maxsize=1)
def _categories() -> list[str]:
    return [unicodedata.category(chr(point)) for point in range(sys.maxunicode + 1)]
