"""Pages of a list: which part of it a request wants, and what the answer says about the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mockserver.generic.records import Row
from mockserver.generic.rendering import fields_of
from mockserver.generic.resource_schemas import plain
from mockserver.openapi import Operation, Parameter, Validator

PAGE = 20
"""How many entries a page has where the request can ask for pages and does not say how long."""
MARK = "at-"
"""What a token begins with; the position follows."""
_LIMITS = frozenset({"limit", "perpage", "pagesize", "maxresults", "first", "count", "size", "top", "max", "maxitems",
                     "resultsperpage", "pagelimit", "take", "itemsperpage", "pagemaxsize"})  # fmt: skip
_OFFSETS = frozenset({"offset", "skip", "start", "startindex", "from", "pageoffset"})
_PAGES = frozenset({"page", "pagenumber", "pagenum", "p", "pageindex"})
_AFTERS = frozenset({"cursor", "after", "startingafter", "pagetoken", "nexttoken", "continue", "marker", "startcursor",
                     "afterid", "nextcursor", "nextpagetoken", "continuationtoken", "aftercursor", "pagecursor",
                     "paginationtoken", "next"})  # fmt: skip
_BEFORES = frozenset({"before", "endingbefore", "beforeid"})
_ORDERS = frozenset({"order", "sortorder", "sortdirection", "direction", "sort"})

_NEXTS = frozenset({"next", "nextcursor", "nextpagetoken", "nextpage", "nexttoken", "cursor", "after", "endcursor",
                    "continuationtoken", "nextpagecursor", "continue", "nextmarker", "marker", "nextlink",
                    "odatanextlink", "nextpageuri", "nexturl", "nextpageurl"})  # fmt: skip
_PREVIOUS = frozenset({"previous", "prev", "prevcursor", "previouspagetoken", "prevpage", "previouscursor", "before",
                       "startcursor", "prevpagetoken", "previouspage", "previouspageuri", "prevurl"})  # fmt: skip
_MORE = frozenset({"hasmore", "hasnext", "hasnextpage", "more", "moreresults", "istruncated", "truncated",
                   "hasadditional"})  # fmt: skip
_LESS = frozenset({"hasprevious", "haspreviouspage", "hasprev"})
_TOTALS = frozenset({"total", "totalcount", "totalitems", "totalresults", "count", "totalrecords", "totalsize",
                     "totalelements", "numresults", "resultcount", "itemcount", "odatacount", "matched"})  # fmt: skip
_PAGE_COUNTS = frozenset({"totalpages", "pages", "pagecount", "numpages", "lastpage"})
_INSIDE = frozenset({"meta", "metadata", "pagination", "paging", "pageinfo", "links", "page", "responsemetadata",
                     "pager", "cursors", "listmetadata"})  # fmt: skip


@dataclass(slots=True)
class Page:
    """Part of a list, and where it stands in the whole: `first` is the position of its first entry."""

    rows: list[Row]
    first: int
    total: int
    size: int | None
    number: int = 1
    next_link: str = ""
    """Where the next page is, for answers that give its address."""

    @property
    def next_at(self) -> int | None:
        """The position after this page; None where it is the last."""
        after = self.first + len(self.rows)
        return after if after < self.total else None


def page_names(operation: Operation) -> dict[str, Parameter]:
    """The query parameters of an operation by their plain names."""
    return {plain(parameter.name): parameter for parameter in operation.parameters if parameter.location == "query"}


def is_paging(name: str) -> bool:
    """Whether a parameter of this plain name speaks of pages or of order, not of what is in them."""
    return name in _LIMITS | _OFFSETS | _PAGES | _AFTERS | _BEFORES | _ORDERS | {"orderby", "sortby"}


def paged(operation: Operation, parameters: Mapping[str, Any], rows: list[Row]) -> Page:
    """The part of these rows that a request asks for, by whichever of the usual ways the operation declares."""
    names = page_names(operation)
    given = {name: parameters.get(parameter.key) for name, parameter in names.items()}
    if any(str(given.get(name)).lower() in ("desc", "descending") for name in _ORDERS):
        rows = rows[::-1]
    limit = _first(given, _LIMITS)
    can_page = any(name in _OFFSETS | _PAGES | _AFTERS for name in names)
    size = limit if _is_count(limit) and limit > 0 else _default_size(names) or (PAGE if can_page else None)
    start, number = 0, _first_page(names)
    offset, page, after = _first(given, _OFFSETS), _first(given, _PAGES), _first(given, _AFTERS)
    if _is_count(offset):
        start = max(int(offset), 0)
        number = start // size + 1 if size else 1
    elif page is not None and size:
        number = int(page) if _is_count(page) else 1
        start = max(number - _first_page(names), 0) * size if _is_count(page) else position(str(page), rows)
    if after not in (None, ""):
        start = position(str(after), rows)
    before = _first(given, _BEFORES)
    if before not in (None, ""):
        end = position(str(before), rows) - 1
        rows = rows[: max(end, 0)]
        start = max(len(rows) - size, 0) if size else 0
    shown = rows[start : start + size] if size else rows[start:]
    return Page(shown, start, len(rows), size, number)


def next_link(operation: Operation, parameters: Mapping[str, Any], page: Page, url: str) -> str:
    """The address of the next page: the same question, with the one parameter changed that leads on."""
    said: dict[str, Any] = {}
    ways = (
        (_AFTERS, f"{MARK}{page.rows[-1].ordinal}" if page.rows else ""),
        (_PAGES, page.number + 1),
        (
            _OFFSETS,
            page.next_at,
        ),
    )
    names = page_names(operation)
    for name, parameter in names.items():
        value = parameters.get(parameter.key)
        if value is not None and not isinstance(value, dict) and name not in _AFTERS | _PAGES | _OFFSETS:
            said[parameter.name] = value
    for known, value in ways:
        leading = next((parameter for name, parameter in names.items() if name in known), None)
        if leading is not None:
            return f"{url}?{urlencode({**said, leading.name: value}, doseq=True)}"
    return url


def _first(given: Mapping[str, Any], names: frozenset[str]) -> Any:
    return next((given[name] for name in given if name in names and given[name] is not None), None)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _default_size(names: Mapping[str, Parameter]) -> int | None:
    for name, parameter in names.items():
        schema = parameter.coercion.validator.schema
        default = schema.get("default") if name in _LIMITS and isinstance(schema, dict) else None
        if isinstance(default, int) and not isinstance(default, bool) and default > 0:
            return default
    return None


def _first_page(names: Mapping[str, Parameter]) -> int:
    """The number of the first page: 1, save where the document's minimum or default is 0."""
    for name, parameter in names.items():
        schema = parameter.coercion.validator.schema
        if name in _PAGES and isinstance(schema, dict) and 0 in (schema.get("default"), schema.get("minimum")):
            return 0
    return 1


def position(token: str, rows: list[Row]) -> int:
    """The position that a token of ours stands for, or the one after the entry of this id; past the end for others."""
    ordinal: int | None = None
    if token.startswith(MARK) and token[len(MARK) :].removeprefix("-").isdecimal() and len(token) < 24:
        ordinal = int(token[len(MARK) :])
    else:
        for index, row in enumerate(rows):
            if row.id == token:
                return index + 1
        if token.isdecimal() and len(token) < 19:
            ordinal = int(token)
    if ordinal is None:
        return len(rows)
    backwards = len(rows) > 1 and rows[0].ordinal > rows[-1].ordinal
    # By ordinal, so that what is deleted between two pages moves nothing.
    return sum(row.ordinal > ordinal if backwards else row.ordinal <= ordinal for row in rows)


def enveloped(validator: Validator, base: Any, page: Page) -> Any:
    """The envelope of a list, its fields that speak of pages made true: a value of the schema, if the base is one.

    What would lead to another page where there is none is left out, or says so.
    """
    if not isinstance(base, dict):
        return base
    value = dict(base)
    for name, judge in fields_of(validator).items():
        known = plain(name)
        said = next((way for way in _said(known, page) if way is not None and judge.ok(way)), None)
        if said is not None:
            value = _first_valid(validator, value, {**value, name: said})
        elif known in _INSIDE and isinstance(value.get(name), dict):
            value = _first_valid(validator, value, {**value, name: enveloped(judge, value[name], page)})
        elif name in value and known in _NEXTS | _PREVIOUS and not isinstance(value[name], list | dict):
            without = {other: one for other, one in value.items() if other != name}
            value = _first_valid(validator, value, without, {**value, name: None}, {**value, name: ""})
    return value


def _first_valid(validator: Validator, old: dict[str, Any], *ways: dict[str, Any]) -> dict[str, Any]:
    return next((way for way in ways if validator.ok(way)), old)


def _said(name: str, page: Page) -> Iterator[Any]:
    """What a field of this plain name says, in the forms that its schema may want."""
    last = page.rows[-1] if page.rows else None
    if name in _NEXTS and page.next_at is not None and last is not None:
        is_link = name.endswith(("link", "uri", "url"))
        if is_link:
            yield page.next_link
        yield from (f"{MARK}{last.ordinal}", page.number + 1 if "page" in name else last.ordinal, last.id)
        yield page.next_link
    elif name in _MORE:
        yield page.next_at is not None
    elif name in _LESS:
        yield page.first > 0
    elif name in _TOTALS:
        yield from (page.total, str(page.total))
    elif name in _PAGE_COUNTS:
        yield -(-page.total // page.size) if page.size else 1
    elif name in ("firstid", "lastid"):
        one = page.rows[0] if name == "firstid" and page.rows else last
        yield one.id if one else None
    elif name in ("last", "empty"):
        yield page.next_at is None if name == "last" else not page.rows
    elif name == "numberofelements":
        yield len(page.rows)
    elif name in _LIMITS:
        yield from (page.size, page.first == 0) if name == "first" else (page.size,)
    elif name in _OFFSETS:
        yield page.first
    elif name in _PAGES | {"currentpage", "number"}:
        yield page.number
    elif name == "object":
        yield "list"
