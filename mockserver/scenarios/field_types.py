"""The types of a scenario's fields: how each is written in YAML, and how the JSON Schema describes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from mockserver.clock import LAST_MS
from mockserver.durations import count_range, duration_ms, instant_ms, range_ms, when
from mockserver.simulation.kernel.rules import DAY_MS

LONGEST_AGE_MS = 20 * 365 * DAY_MS
FIRST_START_MS = LONGEST_AGE_MS
LAST_START_MS = LAST_MS // 2

_A_DURATION = WithJsonSchema(
    {
        "type": ["number", "string"],
        "description": "A duration: seconds, or text such as 500ms, 90s, 10m, 1h30m or 2d.",
        "examples": ["90s", "1h30m"],
    }
)
_A_DURATION_RANGE = WithJsonSchema(
    {
        "type": ["number", "string"],
        "description": "A duration (90s), or a range of durations, both ends included (10s..60s).",
        "examples": ["10s..60s"],
    }
)
_A_COUNT_RANGE = WithJsonSchema(
    {
        "type": ["integer", "string"],
        "description": "A number of GPUs, or a range with both ends included (0..16).",
        "examples": ["0..16"],
    }
)
_AN_INSTANT = WithJsonSchema(
    {
        "type": "string",
        "description": "An instant in RFC 3339 with a time zone: 2026-01-05T09:00:00Z.",
        "examples": ["2026-01-05T09:00:00Z"],
    }
)
_A_MOMENT = WithJsonSchema(
    {
        "type": ["number", "string"],
        "description": "A duration after the beginning of the world (10m), or an instant (2026-01-05T09:00:00Z).",
        "examples": ["10m", "2026-01-05T09:00:00Z"],
    }
)
_NUMBERS = WithJsonSchema(
    {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
        ]
    }
)

RangeMs = Annotated[tuple[int, int], BeforeValidator(range_ms), _A_DURATION_RANGE]
CountRange = Annotated[tuple[int, int], BeforeValidator(count_range), _A_COUNT_RANGE]
DurationMs = Annotated[int, BeforeValidator(duration_ms), _A_DURATION]
InstantMs = Annotated[int, BeforeValidator(instant_ms), Field(ge=FIRST_START_MS, le=LAST_START_MS), _AN_INSTANT]
Moment = Annotated[tuple[int | None, int | None], BeforeValidator(when), _A_MOMENT]
Nth = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    Field(strict=False, min_length=1),
    BeforeValidator(lambda value: (value,) if isinstance(value, int) else value),
    _NUMBERS,
]
AgeMs = Annotated[int, BeforeValidator(duration_ms), Field(le=LONGEST_AGE_MS), _A_DURATION]


class Part(BaseModel):
    """A mapping of fields; the docstring below each field is its description in the JSON Schema."""

    # Strict, since the simulation is built of the same YAML: "16" is text, not a number.
    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), strict=True, use_attribute_docstrings=True
    )
