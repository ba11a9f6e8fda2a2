"""Differences between documents, written: as a release note for people, or as JSON for programs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

from mockserver.openapi.diff.documents import Difference
from mockserver.openapi.schema.json_text import dumps

_OF_MANY = {"was": "were", "is": "are", "has": "have", "takes": "take", "says": "say"}
_VERB = re.compile(r"^( now| no longer|) (was|is|has|takes|says) ")
_MAX_OPERATIONS = 3  # named in one line, when the same happened to more


def release_note(changes: Sequence[Difference], *, markdown: bool) -> str:
    """The differences under the headings "Breaking" and "Not breaking"; a change of many operations is one line.

    Several statuses of one operation share a line, and so do operations; what was added or removed as a whole is
    always named. Ends with a line break.
    """
    sections = []
    for heading, breaking in (("Breaking", True), ("Not breaking", False)):
        lines = [line for line in _lines(changes) if line[0] is breaking]
        if lines:
            head = f"## {heading}\n\n" if markdown else f"{heading}:\n"
            sections.append(head + "".join(f"{'' if markdown else '  '}- {line}\n" for _, line in lines))
    return "\n".join(sections) or "No differences.\n"


def as_json(old: str, new: str, changes: Sequence[Difference]) -> str:
    """The differences, each by itself, as one JSON object: old, new, breaking (how many), changes."""
    breaking = sum(change.breaking for change in changes)
    rows = [asdict(change) for change in changes]
    return dumps({"old": old, "new": new, "breaking": breaking, "changes": rows}).decode() + "\n"


def _lines(changes: Sequence[Difference]) -> Iterator[tuple[bool, str]]:
    """Each line, without its bullet, and whether it is breaking."""
    merged: dict[tuple[str, bool], list[str]] = {}
    for operation, group in groupby(changes, key=lambda change: change.operation):
        for sentence, breaking in _sentences(group):
            merged.setdefault((sentence, breaking), []).append(operation)
    for (sentence, breaking), operations in merged.items():
        if sentence in ("was added", "was removed"):
            yield from ((breaking, f"`{operation}` {sentence}") for operation in operations)
        else:
            yield breaking, f"{_listed(operations)}: {sentence}"


def _sentences(changes: Iterable[Difference]) -> Iterator[tuple[str, bool]]:
    """What happened to one operation; the same in several responses is one sentence."""
    merged: dict[tuple[str, str, bool], list[str]] = {}
    for change in changes:
        group, _, status = change.part.partition(" ") if change.part.startswith("response ") else (change.part, "", "")
        status, _, rest = status.partition(" ")
        subject = f" {rest}" if rest else ""
        if change.media_type:
            subject += f" as `{change.media_type}`"
        if change.field:
            subject += f"{' ' if change.part == 'body' else ': '}field `{change.field}`"
        merged.setdefault((group, f"{subject} {change.text}", change.breaking), []).append(status)
    for (group, rest, breaking), statuses in merged.items():
        if group == "response" and len(statuses) > 1:
            group, rest = "responses", _VERB.sub(lambda found: f"{found[1]} {_OF_MANY[found[2]]} ", rest)
        yield f"{group} {_and(statuses)}".strip() + rest if group else rest.strip(), breaking


def _listed(operations: Sequence[str]) -> str:
    names = [f"`{operation}`" for operation in operations]
    if len(names) > _MAX_OPERATIONS + 1:
        names = [*names[:_MAX_OPERATIONS], f"{len(names) - _MAX_OPERATIONS} more operations"]
    return _and(names)


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
