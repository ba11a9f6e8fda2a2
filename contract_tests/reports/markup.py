"""Elements of HTML and SVG, written so that text cannot become markup: all but `Markup` is escaped on the way in."""

import markupsafe
from markupsafe import Markup

from contract_tests.reports.text import shown

__all__ = ["Markup", "element", "escaped", "joined", "scrolling"]

VOID = {"meta", "input", "link", "br", "hr"}


def escaped(text: object) -> Markup:
    """The text as markup that shows it, without control characters; markup stays as it is."""
    return text if isinstance(text, Markup) else markupsafe.escape(shown(text))


def joined(*parts: object) -> Markup:
    """The parts one after the other, each escaped unless it is markup."""
    return Markup("".join(escaped(part) for part in parts))


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element; `class_` is `class`, `data_x` is `data-x`; True is a bare attribute, None and False are left out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escaped(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def scrolling(table: Markup, name: str) -> Markup:
    """A table that scrolls by itself where it is wider than the page, reachable by keyboard, with a name."""
    return element("div", table, class_="scroll", role="region", aria_label=name, tabindex="0")
