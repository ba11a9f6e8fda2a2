"""The target's time: moved by the control API where there is one, waited for where there is none."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contract_tests.kit.target import Target


class Clock(Protocol):
    """How time passes for a target."""

    frozen: bool
    """Whether no time passes between two requests."""

    def now_ms(self) -> int:
        """The target's time, milliseconds since 1970."""

    def last_ms(self) -> int:
        """The same, as far as it is known without asking."""

    def let_pass(self, seconds: float) -> None:
        """Let so much of the target's time pass."""


class RealClock:
    """Time as everybody has it: waiting is waiting."""

    frozen = False
    longest_s = 10.0
    """How long between two looks at the most."""

    def now_ms(self) -> int:
        """The time of this machine, which the target's may differ from."""
        return time.time_ns() // 1_000_000

    last_ms = now_ms

    def let_pass(self, seconds: float) -> None:
        """Sleep, a little more or less than asked, so that many runs do not knock at once."""
        time.sleep(min(seconds, self.longest_s) * random.uniform(0.8, 1.2))


class ControlClock:
    """The clock of a target that has a control API."""

    frozen = False

    def __init__(self, target: Target) -> None:
        self._target = target
        self._last_ms = 0
        self._found = self._ask("GET")

    def _ask(self, method: str, body: Any = None) -> dict[str, Any]:
        one = self._target.control(method, "/_mock/clock", *([] if body is None else [body]))
        if one.status != 200:
            raise RuntimeError(f"the control API answered {one.status} to {method} /_mock/clock")
        shown: dict[str, Any] = one.shown
        self._last_ms = int(shown["now_ms"])
        return shown

    def now_ms(self) -> int:
        """The target's time."""
        if not self.frozen:
            self._ask("GET")
        return self._last_ms

    def last_ms(self) -> int:
        """The target's time when it was last moved or asked."""
        return self._last_ms

    def let_pass(self, seconds: float) -> None:
        """Move the target's clock."""
        self._ask("POST", {"advance": seconds})

    def freeze(self) -> None:
        """Let no time pass but when we say so."""
        self._ask("POST", {"mode": "manual"})
        self.frozen = True

    def release(self) -> None:
        """Let it run as it was found."""
        self._ask("POST", {"mode": self._found["mode"], "speed": self._found["speed"]})
        self.frozen = False
