"""What every story needs: looks that are bounded in number, and facts told as one line of JSON."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

Look = Callable[[], Any]
PAUSE_S = float(os.environ["STORY_PAUSE_S"])
MOST_LOOKS = int(os.environ["STORY_MOST_LOOKS"])


def poll(look: Look, is_there: Callable[[Any], bool]) -> list[Any]:
    """Look until it is there; all that was seen on the way, the last look included."""
    seen = []
    for _ in range(MOST_LOOKS):
        seen.append(look())
        if is_there(seen[-1]):
            return seen
        time.sleep(PAUSE_S)
    raise SystemExit(f"not there after {MOST_LOOKS} looks: {seen[-1]!r}")


def poll_until(look: Look, refusal: type[Exception]) -> tuple[list[Any], Any]:
    """Look until the look itself is refused; all that was seen before, and the refusal."""
    seen = []
    for _ in range(MOST_LOOKS):
        try:
            seen.append(look())
        except refusal as refused:
            return seen, refused
        time.sleep(PAUSE_S)
    raise SystemExit(f"still there after {MOST_LOOKS} looks: {seen[-1]!r}")


def refused(refusal: type[Exception], call: Callable[..., Any], **arguments: Any) -> Any:
    """The refusal that this call meets."""
    try:
        answer = call(**arguments)
    except refusal as met:
        return met
    raise SystemExit(f"not refused: {answer!r}")


def tell(**facts: Any) -> None:
    """Hand the facts to the test that runs the story."""
    print(json.dumps(facts))
