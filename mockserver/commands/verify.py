"""`mockserver verify`: starts the contract kit, in a process of its own, on the documents that ship with us."""

from __future__ import annotations

import importlib.util
import math
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from mockserver.commands.command_line import Command, command_line
from mockserver.commands.options import (
    REPORT_HELP,
    argument,
    number,
    option,
    path,
    repeated,
    require_extra,
    switch,
    text,
)
from mockserver.errors import ConfigError
from mockserver.settings import data_folder

KEY_VARIABLE = "TOGETHER_API_KEY"
SHIPPED = ("v1", "guide-2024")
COULD_NOT_RUN = 2
LONGEST_PREFIX = 24
PLUGINS = ("-p", "xdist.plugin", "-p", "_hypothesis_pytestplugin", "-p", "schemathesis.pytest.plugin")
"""The pytest plugins that the kit needs: other installed plugins must not change what is judged."""
DROPPED_VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_AUTO_NUM_WORKERS")
"""Variables by which the caller of `verify` would configure pytest."""


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """The options of `verify`."""

    base_url: str | None = argument("The server to judge, such as http://127.0.0.1:8080 or .../v1.", text, None)
    api_key: str | None = option(
        "Its key; better set TOGETHER_API_KEY, which no list of processes shows.",
        text,
        None,
        metavar="KEY",
        is_replayed=False,
    )
    documents: Sequence[str] = repeated(
        "v1, guide-2024 or the path of a document (repeatable); by default the documents that ship.",
        flag="--document",
    )
    allow_writes: bool = switch("Create, change and delete resources, too, and clean up.")
    budget_cents: float | None = option(
        "The most that all created resources may cost; 1000 unless the server simulates time.",
        number(float, 0),
        None,
        metavar="CENTS",
    )
    max_resources: int = option("How many resources may be alive at once.", number(int, 1), 12, metavar="N")
    name_prefix: str = option("The beginning of the names of all created resources.", text, "verify")
    patience_s: float = option(
        "Seconds to wait for one change where time cannot be moved.",
        number(float, 1),
        900.0,
        flag="--patience",
        metavar="SECONDS",
    )
    seed: int | None = option(
        "Decides every choice; by default a new one each time.", number(int, 0, 2**32 - 1), None, metavar="N"
    )
    max_examples: int = option("A measure of how much is tried.", number(int, 1, 100_000), 12, metavar="N")
    workers: int = option("Processes that judge at once; writes stay on one.", number(int, 1, 64), 1, metavar="N")
    examples: str = option(
        "Where failing examples are kept: a folder, or redis://HOST:PORT/DB.",
        text,
        ".verify/examples",
        is_replayed=False,
    )
    ledger: Path = option(
        "A file that lists what was created and is not deleted yet.",
        path,
        Path(".verify/ledger.jsonl"),
        metavar="PATH",
        is_replayed=False,
    )
    against: Path | None = option(
        "A recording of `mockserver proxy` that answers are compared with.", path, None, metavar="PATH"
    )
    report: Path | None = option(REPORT_HELP, path, None, metavar="FOLDER", is_replayed=False)
    is_clean_up: bool = switch("Only delete what an earlier run has left behind.", flag="--clean-up", is_replayed=False)


def verify(options: VerifyOptions) -> int:
    """Judge a server, or clean up after an earlier run; the exit status. Raises ConfigError."""
    require_extra("verify", "verify", "pytest", "xdist", "hypothesis", "schemathesis", "requests")
    return clean_up(options) if options.is_clean_up else judge(options)


def judge(options: VerifyOptions) -> int:
    """Judge a server; the exit status. Raises ConfigError for options that cannot be used."""
    _check(options)
    return run(kit_command(options), options)


def kit_command(options: VerifyOptions, suites: Sequence[str] = ()) -> list[str]:
    """The command that runs the kit: all suites, or these files alone. Raises ConfigError."""
    base_url = _base_url(options)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    folder = _kit()
    command = [
        sys.executable,
        "-m",
        "contract_tests",
        *PLUGINS,
        "-c",
        str(folder / "pytest.ini"),
        "--rootdir",
        str(folder / "suites"),
    ]
    command += ["-p", "no:terminal", f"--base-url={base_url}", f"--hypothesis-seed={seed}"]
    command += [f"--spec-folder={data_folder('spec')}", *[f"--document={name}" for name in options.documents]]
    command += [f"--max-resources={options.max_resources}", f"--name-prefix={options.name_prefix}"]
    command += [f"--patience={options.patience_s}", f"--max-examples={options.max_examples}"]
    command += [f"--ledger={options.ledger.absolute()}", f"--examples={_examples(options)}"]
    command += [f"--shown-command={_replay_line(options, base_url, seed)}"]
    command += ["--allow-writes"] if options.allow_writes else []
    command += [f"--budget-cents={options.budget_cents}"] if options.budget_cents is not None else []
    command += [f"--against={options.against.absolute()}"] if options.against else []
    command += [f"--report={options.report.absolute()}"] if options.report else []
    command += [f"--numprocesses={options.workers}", "--dist=loadgroup"] if options.workers > 1 else []
    return command + ([str(folder / "suites" / name) for name in suites] or [str(folder / "suites")])


def clean_up(options: VerifyOptions) -> int:
    """Delete what the ledger says an earlier run left behind; the exit status. Raises ConfigError."""
    _check_key(options)
    _check_ledger(options.ledger)
    _kit()
    command = [
        sys.executable,
        "-m",
        "contract_tests.runner.cleaning",
        str(options.ledger.absolute()),
        str(data_folder("spec")),
    ]
    command += [_base_url(options)] if options.base_url else []
    return run(command, options)


def run(command: list[str], options: VerifyOptions) -> int:
    """Run the kit in a process group of its own. Signals go to it, so that it can clean up; its end is waited for.

    It holds one end of a pipe, and this process the other, so that it learns of our end as well.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    leash, our_end = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    environment = {**kit_environment(options), "CONTRACT_LEASH": str(leash)}
    child = subprocess.Popen(command, env=environment, pass_fds=[leash], process_group=0)
    for each in signals:
        signal.signal(each, lambda *_: child.send_signal(signal.SIGINT))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    os.close(leash)
    try:
        status = child.wait()
    finally:
        os.close(our_end)
    return status if status in (0, 1) else COULD_NOT_RUN


def kit_environment(options: VerifyOptions) -> dict[str, str]:
    """The environment of the kit, which carries the key: arguments are there for everybody to see."""
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    if options.api_key:
        environment[KEY_VARIABLE] = options.api_key
    paths = [str(_kit().parent), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment["PYTHONSAFEPATH"] = "1"  # what lies in the folder we are called in is not imported
    environment["PYTHONHASHSEED"] = "0"  # the order of sets decides what is options first
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(options.ledger.absolute().parent / "hypothesis")
    return environment


def _kit() -> Path:
    """The folder of the contract kit. Raises ConfigError where it is not installed."""
    kit = importlib.util.find_spec("contract_tests")
    if kit is None or kit.origin is None:
        raise ConfigError("verify", "the package contract_tests is not installed", "install together-mockserver again")
    return Path(kit.origin).parent


def _base_url(options: VerifyOptions) -> str:
    if not options.base_url:
        raise ConfigError("BASE_URL", "there is none", "say which server to judge, such as http://127.0.0.1:8080")
    try:
        parts = urlsplit(options.base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        good = good and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            "BASE_URL",
            f"{options.base_url!r} is no base URL",
            "give one such as http://127.0.0.1:8080 or https://HOST/v1",
        )
    return options.base_url.rstrip("/")


def _check(options: VerifyOptions) -> None:
    for name in options.documents:
        if name not in SHIPPED and not Path(name).is_file():
            raise ConfigError("--document", f"there is no file {name}", f"give a path, or one of {', '.join(SHIPPED)}")
    if not options.name_prefix.replace("-", "").isalnum() or not options.name_prefix.isascii():
        raise ConfigError("--name-prefix", f"{options.name_prefix!r} is no prefix", "use letters, digits and hyphens")
    if len(options.name_prefix) > LONGEST_PREFIX:
        raise ConfigError("--name-prefix", "it is too long for a name", f"use {LONGEST_PREFIX} characters at the most")
    for name, amount in (("--patience", options.patience_s), ("--budget-cents", options.budget_cents)):
        if amount is not None and not math.isfinite(amount):
            raise ConfigError(name, f"{amount} is not an amount", "give a number")
    _check_key(options)
    if not options.examples or (
        "://" in options.examples and not options.examples.startswith(("redis://", "rediss://"))
    ):
        raise ConfigError("--examples", f"{options.examples!r} is no place", "give a folder, or redis://HOST:PORT/DB")
    if options.against is not None and not options.against.is_file():
        hint = "give one that `mockserver proxy --record` wrote"
        raise ConfigError("--against", f"there is no file {options.against}", hint)
    if options.report is not None:
        _writable_folder("--report", options.report)
    _check_ledger(options.ledger)
    if options.allow_writes:
        _writable_folder("--ledger", options.ledger.parent)
        if options.ledger.exists():
            _openable(options.ledger)


def _check_key(options: VerifyOptions) -> None:
    key = options.api_key if options.api_key is not None else os.environ.get(KEY_VARIABLE) or "none"
    where = "--api-key" if options.api_key is not None else KEY_VARIABLE
    if not key:
        raise ConfigError(where, "it is empty", "give the key, or leave the option out")
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(where, "it cannot be sent", "use printable ASCII characters")
    if " " in key:
        raise ConfigError(where, "it holds a space", "give the key alone, without anything before or after it")


def _check_ledger(ledger: Path) -> None:
    """Raises ConfigError for what can be no file of ours, which is removed once nothing is left in it."""
    if ledger.exists() and not ledger.is_file():
        raise ConfigError("--ledger", f"{ledger} is no file", "name another file")
    parent = next(folder for folder in ledger.absolute().parents if os.path.lexists(folder))
    if not parent.is_dir():
        raise ConfigError("--ledger", f"{parent} is no folder", "name another file")


def _writable_folder(option: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"nothing can be written in {folder}: {error.strerror}"
        raise ConfigError(
            option, problem, "name a folder that can be written, which is made where it is missing"
        ) from None


def _openable(ledger: Path) -> None:
    try:
        ledger.open("a").close()
    except OSError as error:
        raise ConfigError("--ledger", f"{ledger} cannot be written: {error.strerror}", "name another file") from None


def _examples(options: VerifyOptions) -> str:
    return options.examples if "://" in options.examples else str(Path(options.examples).absolute())


def _replay_line(options: VerifyOptions, base_url: str, seed: int) -> str:
    """The command line that does this again, without keys."""
    return command_line("verify", replace(options, base_url=base_url, seed=seed), leading=("base_url", "seed"))


COMMAND = Command(
    "verify",
    "Judge a server by the contract.",
    VerifyOptions,
    verify,
    "The exit status is 0 where the contract is kept, 1 where it is broken, 2 where the server could not be judged.",
)
