"""Strings that match a pattern, made from the syntax tree of Python's `re`.

Its private modules `_parser` and `_constants` are used; tests/test_pinned_internals.py fails where they change.
"""

from collections.abc import Callable
from re import _constants, _parser
from typing import Any, Final, TypeAlias

from mockserver.openapi.schema.patterns import to_python

Choose: TypeAlias = Callable[[int], int]  # returns a number from 0 to below its argument

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_PRINTABLE: Final = _LETTERS + "-_ .,:;/@#%&*+=!?()[]{}<>|~^$'\"`\\"
_MAX_REPEATS: Final = 4096  # a pattern may ask for more than is sensible


def matching_text(pattern: str, choose: Choose, longer: int = 0) -> str:
    """A text that probably matches the pattern (the caller checks it); `longer` adds repetitions.

    Look-around and back-references are ignored, so patterns that need them may not match.
    """
    return _sequence(_parser.parse(to_python(pattern)), choose, longer)


def _sequence(items: Any, choose: Choose, longer: int) -> str:
    return "".join(_item(code, argument, choose, longer) for code, argument in items)


def _item(code: Any, argument: Any, choose: Choose, longer: int) -> str:
    if code is _constants.LITERAL:
        return chr(argument)
    if code is _constants.NOT_LITERAL:
        return _pick([letter for letter in _PRINTABLE if ord(letter) != argument], choose)
    if code is _constants.ANY:
        return _pick(_LETTERS, choose)
    if code is _constants.IN:
        return _pick([letter for letter in _PRINTABLE if _in_class(letter, argument)] or _odd(argument), choose)
    if code is _constants.BRANCH:
        return _sequence(argument[1][choose(len(argument[1]))], choose, longer)
    if code is _constants.SUBPATTERN:
        return _sequence(argument[3], choose, longer)
    if code in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
        least, most, inner = argument
        times = min(int(most), int(least) + choose(3) + longer, _MAX_REPEATS)
        return "".join(_sequence(inner, choose, longer) for _ in range(max(times, min(least, _MAX_REPEATS))))
    return ""  # anchors and the like have no width


def _pick(letters: Any, choose: Choose) -> str:
    return str(letters[choose(len(letters))]) if letters else ""


def _odd(members: Any) -> list[str]:
    """The first letters of a class that has none of the common ones."""
    return [
        chr(argument if code is _constants.LITERAL else argument[0])
        for code, argument in members
        if code in (_constants.LITERAL, _constants.RANGE)
    ]


def _in_class(letter: str, members: Any) -> bool:
    negated = bool(members) and members[0][0] is _constants.NEGATE
    return negated != any(_is_member(letter, code, argument) for code, argument in members)


def _is_member(letter: str, code: Any, argument: Any) -> bool:
    if code is _constants.LITERAL:
        return bool(ord(letter) == argument)
    if code is _constants.RANGE:
        return ord(letter) in range(argument[0], argument[1] + 1)
    if code is _constants.CATEGORY:
        word, space = letter.isalnum() or letter == "_", letter.isspace()
        return {
            _constants.CATEGORY_DIGIT: letter.isdigit(),
            _constants.CATEGORY_NOT_DIGIT: not letter.isdigit(),
            _constants.CATEGORY_WORD: word,
            _constants.CATEGORY_NOT_WORD: not word,
            _constants.CATEGORY_SPACE: space,
            _constants.CATEGORY_NOT_SPACE: not space,
        }.get(argument, False)
    return False
