"""Whole numbers within bounds: JSON has larger ones than any GPU, disk or calendar."""

from mockserver.errors import Invalid

MOST_GPUS = 8192
"""In one cluster, of each kind. More standard ones can be asked for: they are out of stock."""
MOST_ASKED_GPUS = 1_000_000_000
MOST_REPLICAS = 1000
MOST_TIB = 1_000_000
MOST_GIB = 1_000_000_000
MOST_MINUTES = 10_000_000


def whole(value: float, field: str, low: int, high: int) -> int:
    """The value as an int (JSON may write 8 as 8.0). Raises Invalid, naming the field, outside the bounds."""
    if not low <= value <= high:
        raise Invalid(f"{field} must lie between {low} and {high}, not {value}.", param=field, violation="bounds")
    return int(value)
