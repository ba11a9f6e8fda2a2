"""The `mockserver` command: finds the command that is meant, parses its options and carries it out."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from mockserver import __version__
from mockserver.commands import exercise, proxy, run, scenario, scenarios, serve, spec, verify
from mockserver.commands.command_line import PROGRAM, Command, overview, parse, unknown_word
from mockserver.errors import ConfigError

TITLE = "A stateful local mock of the Together AI compute API, in virtual time."
GROUPS = {"scenario": "Work with scenarios.", "spec": "Work with OpenAPI documents."}
"""First words that several commands share."""
COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        serve.COMMAND,
        run.COMMAND,
        exercise.COMMAND,
        verify.COMMAND,
        proxy.COMMAND,
        scenarios.COMMAND,
        scenario.CHECK,
        scenario.SCHEMA,
        spec.CHECK,
        spec.DIFF,
    )
}
BAD_COMMAND_LINE = 2


def dispatch(words: Sequence[str]) -> int:
    """Carry out what a command line asks for; the exit status. Raises ConfigError, and SystemExit after `--help`."""
    word, rest = (words[0], words[1:]) if words else ("", ())
    if word == "--version":
        print(f"{PROGRAM} {__version__}")
        return 0
    if word in ("", "--help"):
        print(_overview(), file=sys.stdout if word else sys.stderr)
        return 0 if word else BAD_COMMAND_LINE
    name = word
    if word in GROUPS:
        second, rest = (rest[0], rest[1:]) if rest else ("", ())
        if second in ("", "--help"):
            print(_overview(word), file=sys.stdout if second else sys.stderr)
            return 0 if second else BAD_COMMAND_LINE
        name = f"{word} {second}"
    if name not in COMMANDS:
        raise unknown_word(
            "command line", name, [*COMMANDS, *GROUPS, "--version"], f"{PROGRAM} --help lists the commands"
        )
    command = COMMANDS[name]
    return command.execute(parse(command, rest))


def _overview(group: str = "") -> str:
    if group:
        inner = [(name.split()[1], each.summary) for name, each in COMMANDS.items() if name.startswith(f"{group} ")]
        return overview(GROUPS[group], f" {group}", inner)
    outer = [(name, each.summary) for name, each in COMMANDS.items() if " " not in name]
    version = ("--version", "Print the version.")
    return overview(TITLE, "", [*outer, *GROUPS.items(), version])


def main() -> None:
    """Run the command; an error in the command line or in a file is one line and exit status 2."""
    # A shell that starts a command in the background lets it ignore SIGINT; every command ends in good order on it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = dispatch(sys.argv[1:])
    except ConfigError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        status = BAD_COMMAND_LINE
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
