"""The values of `format` that are checked; the others are annotations."""

import ipaddress
import re
from calendar import monthrange
from collections.abc import Callable
from typing import Any

_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_is_date_shape = re.compile(_DATE, re.ASCII).fullmatch
_is_instant_shape = re.compile(
    _DATE + r"[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
).fullmatch
_is_uuid_shape = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_is_email_shape = re.compile(r"[^@\s]+@[^@\s]+").fullmatch
_is_uri_shape = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*").fullmatch


def _is_day(year: str, month: str, day: str) -> bool:
    """Whether the calendar has this day (year 0 is a leap year, but `calendar` begins with year 1)."""
    return 1 <= int(month) <= 12 and 1 <= int(day) <= monthrange(int(year) or 400, int(month))[1]


def is_date(text: str) -> bool:
    """A day of the calendar, as "2024-02-29"."""
    match = _is_date_shape(text)
    return match is not None and _is_day(match[1], match[2], match[3])


def is_date_time(text: str) -> bool:
    """An instant of RFC 3339, as "2024-02-29T12:00:00.5Z"; a leap second only where one can be."""
    match = _is_instant_shape(text)
    if match is None or not _is_day(match[1], match[2], match[3]):
        return False
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    away = int(match[8]) * 60 + int(match[9]) if match[7] else 0
    if hour > 23 or minute > 59 or second > 60 or (match[7] and (int(match[8]) > 23 or int(match[9]) > 59)):
        return False
    utc = hour * 60 + minute + (away if match[7] == "-" else -away)
    return second < 60 or utc % (24 * 60) == 24 * 60 - 1


def is_uuid(text: str) -> bool:
    """Thirty-two hexadecimal digits in five groups."""
    return _is_uuid_shape(text) is not None


def _is_email(text: str) -> bool:
    return _is_email_shape(text) is not None


def _is_uri(text: str) -> bool:
    return _is_uri_shape(text) is not None


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


# format -> (the test of a string, what a string should be)
TEXT_FORMATS: dict[str, tuple[Callable[[str], bool], str]] = {
    "date": (is_date, "a date (YYYY-MM-DD)"),
    "date-time": (is_date_time, "a date and time of RFC 3339"),
    "email": (_is_email, "an e-mail address"),
    "ipv4": (_is_ipv4, "an IPv4 address"),
    "ipv6": (_is_ipv6, "an IPv6 address"),
    "uri": (_is_uri, "a URI"),
    "uuid": (is_uuid, "a UUID"),
}

# format -> the lowest and highest number
NUMBER_FORMATS: dict[str, tuple[int, int]] = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


def accepts(name: Any, value: Any) -> bool:
    """Whether the value is in the format: so are all for formats not checked, or not about such values."""
    if isinstance(value, str) and name in TEXT_FORMATS:
        return TEXT_FORMATS[name][0](value)
    if isinstance(value, int | float) and not isinstance(value, bool) and name in NUMBER_FORMATS:
        low, high = NUMBER_FORMATS[name]
        return low <= value <= high
    return True
