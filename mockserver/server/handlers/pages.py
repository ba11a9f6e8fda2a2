"""Pages of a list, by tokens that stay good while entries come and go."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import orjson

from mockserver.errors import Invalid

Row = TypeVar("Row")
Position = tuple[int, str]
"""Where an entry stands: the instant that the list is ordered by, in ms, and the entry's id."""
MOST = 1000


DEFAULT_SIZE = 50


class PageRequest(NamedTuple):
    """The page that a request wants: its order, `page_size`, `page_token`, and the filters of the list.

    A token is good only for a list with the same filters and order.
    """

    newest_first: bool
    size: int | None
    token: str | None
    filters: object


def page(rows: Sequence[Row], position: Callable[[Row], Position], wanted: PageRequest) -> tuple[list[Row], str]:
    """The rows of one page in order, and the token of the next page, "" on the last one.

    A token names the last row of its page, so that new rows neither repeat nor hide others.

    Raises:
        Invalid: the size is out of bounds, or the token is not of this list.
    """
    newest_first, size, token, filters = wanted
    if size is not None and not 0 <= size <= MOST:
        raise Invalid(f"page_size must lie between 0 and {MOST}, not {size}.", param="page_size")
    ordered = sorted(rows, key=position, reverse=newest_first)
    digest = blake2b(repr((filters, newest_first)).encode(), digest_size=6).hexdigest()
    if token:
        last = _read(token, digest)
        ordered = [row for row in ordered if (position(row) < last if newest_first else position(row) > last)]
    size = size or DEFAULT_SIZE
    listed = ordered[:size]
    return listed, _write(position(listed[-1]), digest) if len(ordered) > size else ""


def _write(last: Position, digest: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([*last, digest])).decode()


def _read(token: str, digest: str) -> Position:
    try:
        at_ms, row_id, made_for = orjson.loads(base64.urlsafe_b64decode(token))
        if not (isinstance(at_ms, int) and isinstance(row_id, str)):
            raise ValueError
    except (ValueError, TypeError, binascii.Error):
        raise Invalid("page_token is not one that this list has given.", param="page_token") from None
    if made_for != digest:
        raise Invalid("page_token belongs to a list with other filters or another order.", param="page_token")
    return at_ms, row_id
