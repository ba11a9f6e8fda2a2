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


def release_note(found: Sequence[Difference], *, markdown: bool) -> str:
    """The differences under the headings "Breaking" and "Not breaking"; what happened to many is one line.

    Several statuses of one operation share a line, and so do operations; what was added or removed as a whole is
    always named. Ends with a line break.
    """
    sections = []
    for heading, breaking in (("Breaking", True), ("Not breaking", False)):
        lines = [line for line in _lines(found) if line[0] is breaking]
        if lines:
            head = f"## {heading}\n\n" if markdown else f"{heading}:\n"
            sections.append(head + "".join(f"{'' if markdown else '  '}- {line}\n" for _, line in lines))
    return "\n".join(sections) or "No differences.\n"


def as_json(old: str, new: str, found: Sequence[Difference]) -> str:
    """The differences, each by itself, as one JSON object: old, new, breaking (how many), changes."""
    breaking = sum(one.breaking for one in found)
    changes = [asdict(one) for one in found]
    return dumps({"old": old, "new": new, "breaking": breaking, "changes": changes}).decode() + "\n"


def _lines(found: Sequence[Difference]) -> Iterator[tuple[bool, str]]:
    """Each line, without its bullet, and whether it tells of something breaking."""
    merged: dict[tuple[str, bool], list[str]] = {}
    for operation, some in groupby(found, key=lambda one: one.operation):
        for sentence, breaking in _sentences(some):
            merged.setdefault((sentence, breaking), []).append(operation)
    for (sentence, breaking), operations in merged.items():
        if sentence in ("was added", "was removed"):
            yield from ((breaking, f"`{operation}` {sentence}") for operation in operations)
        else:
            yield breaking, f"{_listed(operations)}: {sentence}"


def _sentences(some: Iterable[Difference]) -> Iterator[tuple[str, bool]]:
    """What happened to one operation; the same in several responses is one sentence."""
    merged: dict[tuple[str, str, bool], list[str]] = {}
    for one in some:
        group, _, status = one.part.partition(" ") if one.part.startswith("response ") else (one.part, "", "")
        status, _, rest = status.partition(" ")
        subject = f" {rest}" if rest else ""
        if one.media_type:
            subject += f" as `{one.media_type}`"
        if one.field:
            subject += f"{' ' if one.part == 'body' else ': '}field `{one.field}`"
        merged.setdefault((group, f"{subject} {one.text}", one.breaking), []).append(status)
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
