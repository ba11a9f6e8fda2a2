"""`mockserver verify`: starts the contract kit, in a process of its own, on the documents that ship with us."""

from __future__ import annotations

import importlib.util
import math
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mockserver.errors import ConfigError
from mockserver.settings import data_folder

KEY_VARIABLE = "TOGETHER_API_KEY"
SHIPPED = ("v1", "guide-2024")
COULD_NOT_RUN = 2
LONGEST_PREFIX = 24
PLUGINS = ("-p", "xdist.plugin", "-p", "_hypothesis_pytestplugin", "-p", "schemathesis.pytest.plugin")
"""All that the kit needs of pytest's plugins: what else is installed must not change what is judged."""
UNHEARD = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_AUTO_NUM_WORKERS")
"""What pytest would be told by whoever calls us."""


@dataclass(frozen=True)
class VerifyOptions:
    """The options of `verify`."""

    base_url: str | None
    api_key: str | None
    documents: Sequence[str]
    allow_writes: bool
    budget_cents: float | None
    max_resources: int
    name_prefix: str
    patience_s: float
    seed: int | None
    max_examples: int
    workers: int
    examples: str
    ledger: Path
    against: Path | None
    report: Path | None


def path_of(option: str, text: str) -> Path:
    """The path that an option names. Raises ConfigError where it names none."""
    if not text or "\0" in text:
        raise ConfigError(option, f"{text!r} is no path", "name one")
    return Path(text)


def judge(asked: VerifyOptions) -> int:
    """Judge a server; the exit status. Raises ConfigError for what cannot be meant."""
    _check(asked)
    return run(kit_command(asked), asked)


def kit_command(asked: VerifyOptions, suites: Sequence[str] = ()) -> list[str]:
    """What starts the kit as a process: all of it, or these files of it alone. Raises ConfigError."""
    base_url = _base_url(asked)
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
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
    command += [f"--spec-folder={data_folder('spec')}", *[f"--document={one}" for one in asked.documents]]
    command += [f"--max-resources={asked.max_resources}", f"--name-prefix={asked.name_prefix}"]
    command += [f"--patience={asked.patience_s}", f"--max-examples={asked.max_examples}"]
    command += [f"--ledger={asked.ledger.absolute()}", f"--examples={_examples(asked)}"]
    command += [f"--shown-command={_again(asked, base_url, seed)}"]
    command += ["--allow-writes"] if asked.allow_writes else []
    command += [f"--budget-cents={asked.budget_cents}"] if asked.budget_cents is not None else []
    command += [f"--against={asked.against.absolute()}"] if asked.against else []
    command += [f"--report={asked.report.absolute()}"] if asked.report else []
    command += [f"--numprocesses={asked.workers}", "--dist=loadgroup"] if asked.workers > 1 else []
    return command + ([str(folder / "suites" / name) for name in suites] or [str(folder / "suites")])


def clean_up(asked: VerifyOptions) -> int:
    """Delete what the ledger says an earlier run left behind; the exit status. Raises ConfigError."""
    _check_key(asked)
    _check_ledger(asked.ledger)
    _kit()
    command = [
        sys.executable,
        "-m",
        "contract_tests.runner.cleaning",
        str(asked.ledger.absolute()),
        str(data_folder("spec")),
    ]
    command += [_base_url(asked)] if asked.base_url else []
    return run(command, asked)


def run(command: list[str], asked: VerifyOptions) -> int:
    """Run the kit in a process group of its own. Signals go to it, so that it can clean up; its end is waited for.

    It holds one end of a pipe, and this process the other, so that it learns of our end as well.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    leash, held = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    environment = {**kit_environment(asked), "CONTRACT_LEASH": str(leash)}
    child = subprocess.Popen(command, env=environment, pass_fds=[leash], process_group=0)
    for number in signals:
        signal.signal(number, lambda *given: child.send_signal(signal.SIGINT))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    os.close(leash)
    try:
        status = child.wait()
    finally:
        os.close(held)
    return status if status in (0, 1) else COULD_NOT_RUN


def kit_environment(asked: VerifyOptions) -> dict[str, str]:
    """The environment of the kit, which carries the key: arguments are there for everybody to see."""
    environment = {name: value for name, value in os.environ.items() if name not in UNHEARD}
    if asked.api_key:
        environment[KEY_VARIABLE] = asked.api_key
    paths = [str(_kit().parent), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment["PYTHONSAFEPATH"] = "1"  # what lies in the folder we are called in is not imported
    environment["PYTHONHASHSEED"] = "0"  # the order of sets decides what is asked first
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(asked.ledger.absolute().parent / "hypothesis")
    return environment


def _kit() -> Path:
    """The folder of the suites. Raises ConfigError where they or what they stand on are not installed."""
    for name in ("contract_tests", "pytest", "hypothesis", "schemathesis"):
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise ConfigError("verify", f"the package {name} is not installed", "install together-mockserver again")
        if name == "contract_tests":
            folder = Path(found.origin).parent
    return folder


def _base_url(asked: VerifyOptions) -> str:
    if not asked.base_url:
        raise ConfigError("BASE_URL", "there is none", "say which server to judge, such as http://127.0.0.1:8080")
    try:
        parts = urlsplit(asked.base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        good = good and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            "BASE_URL",
            f"{asked.base_url!r} is no base URL",
            "give one such as http://127.0.0.1:8080 or https://HOST/v1",
        )
    return asked.base_url.rstrip("/")


def _check(asked: VerifyOptions) -> None:
    for one in asked.documents:
        if one not in SHIPPED and not Path(one).is_file():
            raise ConfigError("--document", f"there is no file {one}", f"give a path, or one of {', '.join(SHIPPED)}")
    if not asked.name_prefix.replace("-", "").isalnum() or not asked.name_prefix.isascii():
        raise ConfigError("--name-prefix", f"{asked.name_prefix!r} is no prefix", "use letters, digits and hyphens")
    if len(asked.name_prefix) > LONGEST_PREFIX:
        raise ConfigError("--name-prefix", "it is too long for a name", f"use {LONGEST_PREFIX} characters at the most")
    for name, number in (("--patience", asked.patience_s), ("--budget-cents", asked.budget_cents)):
        if number is not None and not math.isfinite(number):
            raise ConfigError(name, f"{number} is no amount", "give a number")
    _check_key(asked)
    if not asked.examples or ("://" in asked.examples and not asked.examples.startswith(("redis://", "rediss://"))):
        raise ConfigError("--examples", f"{asked.examples!r} is no place", "give a folder, or redis://HOST:PORT/DB")
    if asked.against is not None and not asked.against.is_file():
        hint = "give one that `mockserver proxy --record` wrote"
        raise ConfigError("--against", f"there is no file {asked.against}", hint)
    if asked.report is not None:
        _writable_folder("--report", asked.report)
    _check_ledger(asked.ledger)
    if asked.allow_writes:
        _writable_folder("--ledger", asked.ledger.parent)
        if asked.ledger.exists():
            _openable(asked.ledger)


def _check_key(asked: VerifyOptions) -> None:
    key = asked.api_key if asked.api_key is not None else os.environ.get(KEY_VARIABLE) or "none"
    where = "--api-key" if asked.api_key is not None else KEY_VARIABLE
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
    parent = next(one for one in ledger.absolute().parents if os.path.lexists(one))
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


def _examples(asked: VerifyOptions) -> str:
    return asked.examples if "://" in asked.examples else str(Path(asked.examples).absolute())


def _again(asked: VerifyOptions, base_url: str, seed: int) -> str:
    """The command that does this again, without keys."""
    words = ["mockserver", "verify", base_url, "--seed", str(seed)]
    words += [word for one in asked.documents for word in ("--document", one)]
    words += ["--allow-writes"] if asked.allow_writes else []
    words += ["--budget-cents", f"{asked.budget_cents:g}"] if asked.budget_cents is not None else []
    words += ["--max-examples", str(asked.max_examples)] if asked.max_examples != 12 else []
    words += ["--workers", str(asked.workers)] if asked.workers > 1 else []
    return shlex.join(words)
