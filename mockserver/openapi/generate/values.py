"""Numbers and strings within limits; `seed` chooses among the possible values."""

import ipaddress
import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from mockserver.openapi.generate.expansion import Conjunction
from mockserver.openapi.generate.strings import matching_text

_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_WIDTH = 1000  # how far from its bound a made-up number may be
_MAX_LENGTH = 100_000


def number(limits: Conjunction, is_integer: bool, seed: int) -> int | float:
    """A number in the range, on the grid of `multipleOf`; an integer where one will do."""
    lows, highs = limits.range()
    low = max(lows) if lows else (min(highs) - _WIDTH if highs else 0)
    high = min(highs) if highs else low + _WIDTH
    steps = [Fraction(repr(step)) for step in limits.values("multipleOf")]
    step = Fraction(1)
    if steps:
        common = math.lcm(*(each.denominator for each in steps))
        step = Fraction(math.lcm(*(int(each * common) for each in steps)), common)
        if is_integer:
            step = Fraction(step.numerator)
    exact_low, exact_high = Fraction(repr(low)), Fraction(repr(high))
    first, last = math.ceil(exact_low / step), math.floor(exact_high / step)
    if first * step == exact_low and low in limits.values("exclusiveMinimum"):
        first += 1
    if last * step == exact_high and high in limits.values("exclusiveMaximum"):
        last -= 1
    if first > last:
        return (low + high) / 2  # no point of the grid: right if there was no grid to keep to
    value = step * (first + seed % (min(last - first, _WIDTH) + 1))
    return int(value) if value.denominator == 1 else float(value)


def text(limits: Conjunction, word: str, seed: int) -> str:
    """A string of the right format, pattern or length."""
    least, most = limits.least("minLength"), limits.most("maxLength")
    for name in limits.values("format"):
        if (text := _formatted(name, seed)) is not None:
            return text
    patterns = limits.values("pattern")
    if patterns:
        return _patterned(patterns, least, most, seed)
    text = f"{word}-{seed % 16**6:06x}"
    if most is not None and len(text) > most:
        text = text[-most:] if most else ""
    return text + "x" * (min(least, _MAX_LENGTH) - len(text))


def _patterned(patterns: list[str], least: int, most: int | None, seed: int) -> str:
    """The text for the strictest-looking pattern, with more repetitions until it is long enough."""
    pattern = max(patterns, key=len)
    text = ""
    for longer in (0, 1, 3, 8, least):
        state = seed

        def choose(bound: int) -> int:
            nonlocal state
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            return (state >> 33) % bound

        text = matching_text(pattern, (lambda bound: 0) if most is not None and seed % 2 else choose, longer)
        if len(text) >= least:
            break
    return text + "x" * (min(least, _MAX_LENGTH) - len(text))


def _formatted(name: object, seed: int) -> str | None:
    """A string of a format; None when it is not one that is checked."""
    moment = _EPOCH + timedelta(seconds=seed % (365 * 24 * 3600))
    match name:
        case "date-time":
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "date":
            return moment.strftime("%Y-%m-%d")
        case "uuid":
            return str(UUID(int=seed * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128, version=4))
        case "email":
            return f"user-{seed % 16**6:06x}@example.com"
        case "uri":
            return f"https://example.com/{seed % 16**6:06x}"
        case "ipv4":
            return str(ipaddress.IPv4Address(0x0A000000 + seed % 2**24))
        case "ipv6":
            return str(ipaddress.IPv6Address((0x20010DB8 << 96) + seed % 2**64))
    return None
