"""Command lines: parsed into a command's options, written from them, and explained by `--help`."""

from __future__ import annotations

import argparse
import shlex
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

from mockserver.commands.options import Option, options_of
from mockserver.errors import ConfigError

PROGRAM = "mockserver"
HELP_WIDTH = 100
HELP_COLUMN = 30


@dataclass(frozen=True)
class Command:
    """A command: its words on the command line, its help, its options, and what carries it out."""

    name: str
    """`serve`, or two words such as `scenario check`."""
    summary: str
    """One sentence, which the list of commands shows."""
    options: type
    """The dataclass of its options (`options_of`)."""
    execute: Callable[[Any], int]
    """Takes an instance of `options` and returns the exit status. Raises ConfigError."""
    details: str = ""
    """What the command's own help says beyond the summary."""


def parse(command: Command, words: Sequence[str]) -> Any:
    """The command's options. Raises ConfigError for words that do not fit, SystemExit after `--help`."""
    declared = options_of(command.options)
    words, client_command = _split(declared, words)
    parser = _Parser(command, declared)
    values = vars(parser.parse_args(words))
    values = {name: value for name, value in values.items() if value is not None}
    for each in declared:
        if each.kind == "command":
            if not client_command:
                raise ConfigError(
                    each.flag, "is missing", f"give a program and its arguments after --: {parser.usage_line}"
                )
            values[each.name] = tuple(client_command)
        elif each.kind == "repeated" and each.name in values:
            values[each.name] = tuple(values[each.name])
    return command.options(**values)


def command_line(command: str, options: Any, leading: Iterable[str] = ()) -> str:
    """The line that runs a command with these options again, as a shell reads it.

    `leading` names the fields that come first and are written even where they have their defaults. Options that are
    not to be replayed (keys, where results are written) are left out.
    """
    leading = list(leading)
    declared = {each.name: each for each in options_of(type(options))}
    ordered = [declared[name] for name in leading]
    ordered += [each for each in declared.values() if each.name not in leading]
    words, client_command = [PROGRAM, *command.split()], []
    for each in ordered:
        value = getattr(options, each.name)
        if each.kind == "command":
            client_command = ["--", *value]
        elif each.is_replayed and value is not None and (each.name in leading or value != each.default):
            words += _words(each, value)
    return shlex.join(words + client_command)


def _words(declared: Option, value: Any) -> list[str]:
    if declared.kind == "switch":
        return [declared.flag] if value else []
    if declared.kind == "argument":
        return [_word(value)]
    return [
        word for item in (value if declared.kind == "repeated" else (value,)) for word in (declared.flag, _word(item))
    ]


def _word(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _split(declared: Sequence[Option], words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The words of our own, and those of the client's command: after `--`, or from the first word without a flag."""
    if not any(each.kind == "command" for each in declared):
        return words, ()
    with_value = {each.flag for each in declared if each.kind in ("value", "repeated")}
    position = 0
    while position < len(words) and words[position].startswith("-") and words[position] != "--":
        position += 2 if words[position] in with_value else 1
    rest = words[position:]
    return words[:position], rest[1:] if rest[:1] == ["--"] else rest


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        width = min(HELP_WIDTH, shutil.get_terminal_size().columns)
        super().__init__(prog, max_help_position=HELP_COLUMN, width=width)


class _Parser(argparse.ArgumentParser):
    """argparse, with our way of reporting errors: one line with the place and a hint."""

    def __init__(self, command: Command, declared: Sequence[Option]) -> None:
        self.command = command.name
        self.usage_line = _usage(command, declared)
        super().__init__(
            prog=f"{PROGRAM} {command.name}",
            usage=self.usage_line,
            description="\n\n".join(filter(None, (command.summary, command.details))),
            formatter_class=_Formatter,
            allow_abbrev=False,
            argument_default=None,
            add_help=False,
        )
        self._flags = [each.flag for each in declared if each.flag.startswith("--")]
        arguments = self.add_argument_group("arguments")
        options = self.add_argument_group("options")
        for each in declared:
            group = arguments if each.kind in ("argument", "command") else options
            self._declare(group, each)
        options.add_argument("-h", "--help", action="help", help="Show this message and exit.")

    def _declare(self, group: Any, each: Option) -> None:
        help_text = _help(each).replace("%", "%%")
        if each.kind == "switch":
            group.add_argument(each.flag, dest=each.name, action="store_true", default=None, help=help_text)
        elif each.kind == "command":
            group.add_argument(each.name, metavar="-- COMMAND", nargs="*", help=help_text)
        else:
            more: dict[str, Any] = {"metavar": each.flag if each.kind == "argument" else each.metavar}
            if each.kind == "argument":
                more["nargs"] = None if each.is_required else "?"
            else:
                more |= {"dest": each.name, "required": each.is_required}
                more["action"] = "append" if each.kind == "repeated" else "store"
            name = each.name if each.kind == "argument" else each.flag
            group.add_argument(name, type=lambda word: each.parse(each.flag, word), help=help_text, **more)

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError for what argparse found wrong."""
        hint = f"{self.prog} --help lists the options"
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            raise unknown_word(self.command, unknown.split()[0], self._flags, hint)
        raise ConfigError(self.command, message.removeprefix("argument "), hint)


def unknown_word(place: str, word: str, known: Iterable[str], hint: str) -> ConfigError:
    """The error for a word of a command line that means nothing, with the nearest one that does."""
    nearest = get_close_matches(word.partition("=")[0], list(known), 1)
    return ConfigError(place, f"there is no {word[:40]!r}", f"did you mean {nearest[0]}? {hint}" if nearest else hint)


def _usage(command: Command, declared: Sequence[Option]) -> str:
    words = [PROGRAM, command.name]
    words += [f"{each.flag} {each.metavar}" for each in declared if each.kind == "value" and each.is_required]
    words += ["[OPTIONS]"] if any(each.flag.startswith("--") and not each.is_required for each in declared) else []
    for each in declared:
        if each.kind == "argument":
            words.append(each.flag if each.is_required else f"[{each.flag}]")
    words += ["-- COMMAND ..." for each in declared if each.kind == "command"]
    return " ".join(words)


def _help(declared: Option) -> str:
    default = declared.default
    if declared.kind in ("switch", "repeated") or default in (None, MISSING):
        return f"{declared.help} [required]" if declared.kind == "value" and declared.is_required else declared.help
    return f"{declared.help} [default: {_word(default)}]"


def overview(title: str, prefix: str, entries: Iterable[tuple[str, str]]) -> str:
    """The help of the program, or of a group of commands: one line per command."""
    rows = [f"  {name:<12} {summary}" for name, summary in entries]
    head = [f"usage: {PROGRAM}{prefix} COMMAND ...", "", title, "", "commands:"]
    tail = ["", f"`{PROGRAM}{prefix} COMMAND --help` lists the options of a command."]
    return "\n".join([*head, *rows, *tail])
