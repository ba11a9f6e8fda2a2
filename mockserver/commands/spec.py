"""`mockserver spec check` and `mockserver spec diff`: whether documents can be served, and what changed in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mockserver.commands.command_line import Command
from mockserver.commands.options import argument, choice, option, path
from mockserver.settings import data_folder

FORMATS = ("text", "markdown", "json")
FAIL_ON = ("never", "breaking", "any")


@dataclass(frozen=True, kw_only=True)
class SpecCheckOptions:
    """The options of `spec check`."""

    path: Path = argument("An OpenAPI document, YAML or JSON.", path)


def check(options: SpecCheckOptions) -> int:
    """Check that a document can be served; the exit status. Raises ConfigError with the place and the hint."""
    from mockserver.openapi import load_document
    from mockserver.server.handlers.generic import summary

    document = load_document(options.path)
    resources, stateful = summary(document)
    kept = f", {stateful} of them on {resources} resources kept by convention" if resources else ""
    print(f"{options.path}: {len(document.operations)} operations, all of which can be served{kept}")
    for note in document.notes:
        print(f"  let through: {note}")
    return 0


@dataclass(frozen=True, kw_only=True)
class SpecDiffOptions:
    """The options of `spec diff`."""

    old: str = argument("An OpenAPI document's path, or the name of one that ships (v1).")
    new: str = argument("The document that it became: a path or a name too.")
    format: str = option("How to write the changes.", choice(*FORMATS), "text", metavar="|".join(FORMATS))
    fail_on: str = option(
        "Exit with status 1 if there are changes of this sort.", choice(*FAIL_ON), "never", metavar="|".join(FAIL_ON)
    )


def diff(options: SpecDiffOptions) -> int:
    """Print what changed between two documents; the exit status. Raises ConfigError where one cannot be read."""
    from mockserver.openapi import find_document, load_document
    from mockserver.openapi.diff.documents import differences
    from mockserver.openapi.diff.release_note import as_json, release_note

    spec = data_folder("spec")
    changes = differences(
        load_document(find_document(spec, options.old)), load_document(find_document(spec, options.new))
    )
    if options.format == "json":
        print(as_json(options.old, options.new, changes), end="")
    else:
        print(release_note(changes, markdown=options.format == "markdown"), end="")
    is_breaking = any(change.breaking for change in changes)
    return int((options.fail_on == "any" and bool(changes)) or (options.fail_on == "breaking" and is_breaking))


CHECK = Command(
    "spec check",
    "Check whether an OpenAPI document can be served.",
    SpecCheckOptions,
    check,
    "The exit status is 0 where it can be served; else one line names the place and a hint, and the status is 2.",
)
DIFF = Command(
    "spec diff", "Print what changed between two documents, and which changes break clients.", SpecDiffOptions, diff
)
