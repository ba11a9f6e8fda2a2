"""Markdown as far as the pages use it: fenced blocks, sections, table rows, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

RUN = frozenset({"console", "python", "yaml"})
"""The languages of blocks that are executed, unless they say `no-run`."""
SHOWN = frozenset({"text", "mermaid"})
"""The languages of blocks that nobody could execute."""

_FENCE = re.compile(r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?)\s*$", re.MULTILINE)
_LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
_REASON = re.compile(r"<!-- no-run: \S[^\n]*-->\s*$")
_USES_SDK = re.compile(r"^\s*(from|import) together\b", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.name

    def line_of(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, the words after it, its lines, and the line of the page it begins on."""

    page: Page
    line: int
    language: str
    words: tuple[str, ...]
    body: str

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def title(self) -> str | None:
        return self._attribute("title")

    @property
    def sdk(self) -> str | None:
        """The version of the official SDK that the block runs beside."""
        return self._attribute("sdk")

    def _attribute(self, name: str) -> str | None:
        found = re.search(rf'\b{name}="([^"]+)"', " ".join(self.words))
        return found[1] if found else None

    @property
    def runs(self) -> bool:
        return self.language in RUN and "no-run" not in self.words


def read(path: Path) -> Page:
    return Page(path, path.read_text(encoding="utf-8"))


def page_paths() -> list[Path]:
    """The pages whose examples are executed."""
    return [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def linking_paths() -> list[Path]:
    """The pages whose links are followed."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]


def fences(page: Page) -> Iterator[Fence]:
    for found in _FENCE.finditer(page.text):
        language, *words = found["info"].split() or [""]
        yield Fence(page, page.line_of(found.start()), language, tuple(words), found["body"])


def unexplained(page: Page) -> Iterator[str]:
    """The blocks that are neither executed, nor shown, nor marked no-run with a reason; a person types `make` alone.

    A block that uses the SDK names its version. A `no-run` block follows a line `<!-- no-run: REASON -->`.
    """
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for fence in fences(page):
        above = "\n".join(page.text.splitlines()[: fence.line - 1])
        if "no-run" in fence.words and not _REASON.search(above):
            yield f"{fence.place}: no-run without a line <!-- no-run: REASON --> above it"
        if fence.runs and fence.language == "python" and _USES_SDK.search(fence.body) and not fence.sdk:
            yield f'{fence.place}: a block that uses the SDK names its version: sdk="VERSION"'
        if fence.language in RUN | SHOWN or "no-run" in fence.words:
            continue
        if fence.language != "sh":
            yield f"{fence.place}: {fence.language or 'no language'}"
            continue
        for line in filter(None, fence.body.splitlines()):
            program, *wanted = line.partition("#")[0].split()
            if program != "make" or not wanted or not targets.issuperset(wanted):
                yield f"{fence.place}: {line}"


def prose(page: Page) -> str:
    """The text without its fenced blocks; lines keep their numbers."""
    return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), page.text)


def sections(page: Page) -> dict[str, str]:
    """The text under each heading up to the next one, fenced blocks included, by the anchor of the heading."""
    blank = _FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), page.text)
    found = list(_HEADING.finditer(blank))
    ends = [heading.start() for heading in found[1:]] + [len(page.text)]
    return {anchor(h["title"]): page.text[h.start() : end] for h, end in zip(found, ends, strict=True)}


def anchor(title: str) -> str:
    """The anchor that a heading gets on GitHub."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def rows(page: Page) -> dict[str, str]:
    """The rows of the tables, by the first cell; of several rows with one first cell, all."""
    found: dict[str, str] = {}
    for line in prose(page).splitlines():
        if line.startswith("| "):
            first = line.split("|")[1].strip()
            found[first] = f"{found.get(first, '')}{line}\n"
    return found


def broken_links(page: Page) -> Iterator[str]:
    """The links to files and headings that are not there; addresses of other hosts are not looked at."""
    text = _CODE.sub("", prose(page))
    for found in _LINK.finditer(text):
        target = found["target"]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        file, _, fragment = target.partition("#")
        path = (page.path.parent / file) if file else page.path
        place = f"{page.name}:{text.count(chr(10), 0, found.start()) + 1}"
        if not path.exists():
            yield f"{place}: there is no file {target}"
        elif fragment and path.suffix == ".md" and fragment not in sections(read(path)):
            yield f"{place}: there is no heading {target}"
