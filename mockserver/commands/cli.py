"""The `mockserver` command: finds the command that is meant, parses its options and carries it out."""

from __future__ import annotations

import os
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
HELP = ("-h", "--help")
BAD_COMMAND_LINE = 2
BY_SIGPIPE = 141
"""As a shell reports a command that wrote to a pipe nobody reads."""


def dispatch(words: Sequence[str]) -> int:
    """Carry out what a command line asks for; the exit status. Raises ConfigError, and SystemExit after `--help`."""
    word, rest = (words[0], words[1:]) if words else ("", ())
    if word == "--version":
        print(f"{PROGRAM} {__version__}")
        return 0
    if word in ("", *HELP):
        print(_overview(), file=sys.stdout if word else sys.stderr)
        return 0 if word else BAD_COMMAND_LINE
    name = word
    if word in GROUPS:
        second, rest = (rest[0], rest[1:]) if rest else ("", ())
        if second in ("", *HELP):
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
        status = _status(sys.argv[1:])
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone, as `head` does once it has its lines: nothing is left to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = BY_SIGPIPE
    except OSError as error:  # a full disk, say
        print(f"{PROGRAM}: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        status = 1
    sys.exit(status)


def _status(words: Sequence[str]) -> int:
    try:
        return dispatch(words)
    except ConfigError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return BAD_COMMAND_LINE
    except KeyboardInterrupt:
        return 130
    except SystemExit as ended:  # argparse has printed the help
        return int(ended.code or 0)
