"""Problems of a value, in words that say what it should be."""

from dataclasses import dataclass
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

MAX_SHOWN = 40  # characters of an offending value that a message repeats
LEFT_OUT = "variants"
"""The keyword of a problem that does not refuse a request: its value is of no branch of an anyOf or oneOf because it
has none of the fields that tell the branches apart."""
MAX_CHOICES = 12  # members of an enum that a message lists


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: where in the value, which keyword, and what should be ("must be an integer, ...")."""

    path: Path
    keyword: str
    message: str

    @property
    def where(self) -> str:
        """The dotted path, as "add_ons[0].name"; "" for the value itself."""
        return dotted(self.path)

    def sentence(self, whole: str = "the value") -> str:
        """The place and the rule in one sentence; `whole` names the value itself, for an empty path."""
        return f"{self.where or whole} {self.message}"


def dotted(path: Path) -> str:
    """A path as text: ("add_ons", 0, "name") is "add_ons[0].name"."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def described(value: Any) -> str:
    """A value and its type in words, shortened: "a string ('one')", "null", "an integer (5)", "an object"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"a boolean ({shown(value)})"
    if isinstance(value, str):
        return f"a string ({shown(value)})"
    if isinstance(value, int):
        return f"an integer ({shown(value)})"
    if isinstance(value, float):
        return f"a number ({shown(value)})"
    if isinstance(value, bytes):
        return "binary data"
    return "an array" if isinstance(value, list) else "an object"


def shown(value: Any) -> str:
    """The value itself, shortened, with JSON's names for null, true and false."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value) if len(value) <= MAX_SHOWN else repr(value[: MAX_SHOWN - 3] + "...")
    if isinstance(value, int) and value.bit_length() > 8 * MAX_SHOWN:
        return "a very large number"  # str() of a giant integer is slow, and refused past 4300 digits
    if isinstance(value, int | float):
        return repr(value)
    return described(value)


def choices(values: list[Any]) -> str:
    """The members of an enum for a message, at most a dozen."""
    text = ", ".join(shown(value) for value in values[:MAX_CHOICES])
    return text if len(values) <= MAX_CHOICES else f"{text}, ... ({len(values)} in all)"


def canonical(value: Any) -> Any:
    """A hashable form of a value, equal exactly when two values are equal in JSON Schema (1 and 1.0, not true)."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list):
        return ("array", tuple(canonical(item) for item in value))
    if isinstance(value, dict):
        return ("object", frozenset((name, canonical(item)) for name, item in value.items()))
    return value
