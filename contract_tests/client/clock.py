"""The target's clock: moved through the control API where there is one, else real time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Protocol

from contract_tests.client.errors import NoControl
from contract_tests.model.exchange import Exchange


class TargetClock(Protocol):
    """How time passes for a target."""

    frozen: bool
    """Whether no time passes between two requests."""

    def now_ms(self) -> int:
        """The target's time, milliseconds since 1970."""

    def last_ms(self) -> int:
        """The target's time as far as it is known without a request."""

    def let_pass(self, seconds: float) -> None:
        """Let this much of the target's time pass."""


class RealClock:
    """Real time: letting time pass means to sleep."""

    frozen = False

    def __init__(self, longest_s: float = 10.0) -> None:
        self.longest_s = longest_s
        """The longest sleep."""
        self.interrupted = False
        """Whether the run was interrupted, so that nothing waits any more."""

    def now_ms(self) -> int:
        """The time of this machine, which the target's may differ from."""
        return time.time_ns() // 1_000_000

    last_ms = now_ms

    def let_pass(self, seconds: float) -> None:
        """Sleep, varied by a fifth so that parallel runs do not send at the same moment.

        Raises:
            KeyboardInterrupt: the run was interrupted before.
        """
        if self.interrupted:
            raise KeyboardInterrupt
        time.sleep(min(seconds, self.longest_s) * random.uniform(0.8, 1.2))


class ControlClock:
    """The clock of a target that has a control API; `control` sends a request to it: method, path and JSON body.

    Raises:
        NoControl: the target does not answer as a control API does.
    """

    def __init__(self, control: Callable[..., Exchange], frozen: bool = False) -> None:
        self._control = control
        self._last_ms = 0
        self.frozen = frozen
        shown = self._ask("GET")
        self.found = {"mode": shown["mode"], "speed": shown["speed"]}
        """Its mode and speed before the run changed them."""

    def _ask(self, method: str, body: Any = None) -> dict[str, Any]:
        exchange = self._control(method, "/_mock/clock", *([] if body is None else [body]))
        shown = exchange.shown
        if exchange.status != 200 or not isinstance(shown, dict) or not {"now_ms", "mode", "speed"} <= shown.keys():
            raise NoControl(f"the control API answered {exchange.status} to {method} /_mock/clock")
        if not isinstance(shown["now_ms"], int):
            raise NoControl("the control API tells no time")
        self._last_ms = shown["now_ms"]
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
        """Move the target's clock. Raises Refused where only reads are allowed."""
        self._ask("POST", {"advance": seconds})

    def freeze(self) -> None:
        """Stop the clock, so that only `let_pass` moves it."""
        self._ask("POST", {"mode": "manual"})
        self.frozen = True

    def release(self, found: dict[str, Any]) -> None:
        """Set `mode` and `speed` back."""
        self._ask("POST", found)
        self.frozen = False
