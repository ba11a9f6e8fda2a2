"""The variations of what a valid server may send, as a test asks for them and goes through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from types import TracebackType
from typing import Any, TypeAlias

__tracebackhide__ = True  # pytest shows the frames of the user's test, not these

Asked: TypeAlias = bool | str | Sequence[str]
"""All of them (True), or those of a kind ("absent"), of a place ("null:DedicatedEndpoint"), or the one of a whole name;
or a list of such."""
_ENDS = ("", ":", ".", "=")
"""What follows a part of a name that can be asked for."""
Control: TypeAlias = Callable[[str, str], dict[str, Any]]


def names_of(asked: Asked, control: Control) -> list[str]:
    """The names of the variations asked for. Raises LookupError for what no name begins with."""
    known = [str(variation["name"]) for variation in control("GET", "/variations")["variations"]]
    if isinstance(asked, bool):
        return known if asked else []
    if not isinstance(asked, str | list | tuple):
        raise LookupError("variations: give True, the beginning of a name, or a list of such")
    found: list[str] = []
    for one in map(str, [asked] if isinstance(asked, str) else asked):
        meant = [name for name in known if name.startswith(one) and name[len(one) :][:1] in _ENDS]
        if not meant:
            kinds = list(dict.fromkeys(name.partition(":")[0] for name in known))
            near = get_close_matches(one, [*kinds, *known], 1, 0.5)
            mean = f"did you mean {near[0]!r}?" if near else f"the kinds are {', '.join(kinds)}"
            raise LookupError(f"variations: there is none called {one!r}; {mean}")
        found += [name for name in meant if name not in found]
    return found


class VariationContext:
    """One variation: a context in which it is on."""

    def __init__(self, name: str, begin: Callable[[str | None], None]) -> None:
        self.name = name
        self._begin = begin

    def __enter__(self) -> str:
        """Begin the world anew with the variation on; its name."""
        self._begin(self.name)
        return self.name

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Begin the world anew without it, and name it in what has gone wrong."""
        self._begin(None)
        if error is not None:
            error.add_note(f"with the variation {self.name}")

    def __repr__(self) -> str:
        return f"Variation({self.name!r})"
