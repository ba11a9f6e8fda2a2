"""Patterns as documents write them (ECMA-262), made into Python's.

The two dialects agree on nearly all; what differs is rewritten here, and what Python cannot say is refused.
"""

import re
import warnings

_SPACES = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_ESCAPES_OUTSIDE = {"s": f"[{_SPACES}]", "S": f"[^{_SPACES}]", "/": "/", "-": "-"}
_ESCAPES_INSIDE = {"s": _SPACES, "/": "/", "b": r"\x08"}
_CONTROL = re.compile(r"c([A-Za-z])")
_CODE_POINT = re.compile(r"u\{([0-9A-Fa-f]{1,6})\}")
_NAME = re.compile(r"k<([A-Za-z_]\w*)>")


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
    """Rewrite an ECMA-262 pattern as one of Python's with the same matches (under re.ASCII).

    Raises:
        ValueError: it uses something that Python's patterns do not have.
    """
    out: list[str] = []
    at, inside = 0, False
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            text, at = _escape(pattern, at + 1, inside)
            out.append(text)
            continue
        if inside:
            inside = letter != "]"
            out.append(f"\\{letter}" if letter in "[&~|" else letter)
        elif letter == "[":
            text, width, inside = _open_class(pattern, at)
            out.append(text)
            at += width
            continue
        elif letter == "$":
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


def _open_class(pattern: str, at: int) -> tuple[str, int, bool]:
    """The start of a character class: its text, its width, and whether we are then inside one."""
    if pattern.startswith("[^]", at):
        return r"[\s\S]", 3, False
    if pattern.startswith("[]", at):
        return r"(?!)", 2, False
    return ("[^", 2, True) if pattern.startswith("[^", at) else ("[", 1, True)


def _escape(pattern: str, at: int, inside: bool) -> tuple[str, int]:
    """Rewrite the escape whose letter is at `at`; answers it and where the pattern goes on."""
    letter = pattern[at : at + 1]
    if match := _CONTROL.match(pattern, at):
        return f"\\x{ord(match[1]) % 32:02x}", match.end()
    if match := _CODE_POINT.match(pattern, at):
        return f"\\U{int(match[1], 16):08x}", match.end()
    if not inside and (match := _NAME.match(pattern, at)):
        return f"(?P={match[1]})", match.end()
    if letter in ("p", "P"):
        raise ValueError(f"\\{letter}{{...}} is not supported")
    if letter in ("A", "Z", "z", "G"):
        raise ValueError(f"\\{letter} is not an escape of ECMA-262; write ^ or $")
    if letter == "S" and inside:
        raise ValueError("\\S inside [...] is not supported")
    known = _ESCAPES_INSIDE if inside else _ESCAPES_OUTSIDE
    return known.get(letter, "\\" + letter), at + 1
