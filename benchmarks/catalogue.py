"""`python -m benchmarks.catalogue`: what the contract kit and Schemathesis alone find of the servers with one bug each.

Each server of `tests/contract_kit/catalogue.py` is served in a process of its own and judged twice, anew each time: by
`mockserver verify`, and by the command line of Schemathesis with all its phases and checks on the same two documents
with as many examples. No check is left out. Instead, what is said of the honest server with the same seed does not
count: only a failure that none of three runs on it shows (by kind and operation) is a find. What is done is kept in
--out, and not done again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock
from typing import Any

from tests.contract_kit.broken import CATEGORIES
from tests.contract_kit.catalogue import CATALOGUE, HONEST

ROOT = Path(__file__).resolve().parent.parent
KEY = "verify"
EXAMPLES = 12
"""What both try of each operation: the default of `verify`."""
HONEST_RUNS = 3
LONGEST_S = 600
"""How long one judge may take for one server; one that takes longer has found what it has written by then."""
DOCUMENTS = ("/openapi.json", "/guide-2024/openapi.json")
JUDGES = ("verify", "schemathesis")
RUNNING: set[subprocess.Popen[bytes]] = set()
"""Servers and judges, each with a process group of its own, so that nothing outlives a run that is stopped."""
STOPPED = Event()


class Stopped(Exception):
    """The run was told to stop."""


def main(arguments: list[str] | None = None) -> int:
    """Compare; the exit status is 1 where a judge could not be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalogue", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=_numbers, default=(1,), help="each server is judged with each (1)")
    parser.add_argument("--bugs", type=lambda text: text.split(","), help="these servers only, by name")
    parser.add_argument("--jobs", type=int, default=1, help="how many servers are judged at once (%(default)s)")
    parser.add_argument("--out", type=Path, help="where each outcome is kept, a JSON line each; those there are reused")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.bugs or ()) - CATALOGUE.keys())
    if unknown:
        parser.error(f"no server is called {unknown[0]}")
    names = [HONEST, *(_mixed() if given.bugs is None else given.bugs)]
    outcomes = _outcomes(given.out)
    wanted = [(name, seed) for seed in given.seeds for name in names if (name, seed) not in outcomes]
    lock = Lock()

    def judge(one: tuple[str, int]) -> None:
        try:
            outcome = {"name": one[0], "seed": one[1], **{who: _judged(who, *one) for who in JUDGES}}
        except Stopped:
            return
        with lock:
            if STOPPED.is_set():
                return
            outcomes[one] = outcome
            if given.out is not None:
                with given.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(outcome) + "\n")
            print(f"{len(outcomes)} of {len(names) * len(given.seeds)}: {one[0]}", file=sys.stderr)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    with ThreadPoolExecutor(given.jobs) as pool:
        list(pool.map(judge, wanted))
    if STOPPED.is_set():
        return 130
    shown = [outcomes[name, seed] for seed in given.seeds for name in names]
    print(table(shown))
    return int(any(outcome[who]["problem"] for outcome in shown for who in JUDGES))


def _stop(number: int, frame: object) -> None:
    """End what runs; what is done is kept."""
    STOPPED.set()
    for process in list(RUNNING):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _process(command: Sequence[str], folder: Path, log: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its output in a file, killed in the end with all that it started."""
    with (folder / log).open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(), stdout=output, stderr=output, start_new_session=True
        )
        RUNNING.add(process)
        try:
            if STOPPED.is_set():
                raise Stopped
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            RUNNING.discard(process)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _mixed() -> list[str]:
    """All names, so that whatever a run is cut down to holds some of each category."""
    places: dict[str, int] = {}
    ordered = []
    for bug in CATALOGUE.values():
        places[bug.category] = places.get(bug.category, 0) + 1
        ordered.append((places[bug.category], bug.name))
    return [name for _, name in sorted(ordered)]


def _outcomes(path: Path | None) -> dict[tuple[str, int], dict[str, Any]]:
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(one["name"], one["seed"]): one for one in lines if not any(one[who]["problem"] for who in JUDGES)}


# ---- judging ---------------------------------------------------------------------------------------------------------


def _judged(who: str, name: str, seed: int) -> dict[str, Any]:
    """What a judge finds of a server; of the honest one, what it finds in any of several runs, for they differ."""
    runs = [_judged_once(who, name, seed) for _ in range(HONEST_RUNS if name == HONEST else 1)]
    found = {one for run in runs for one in run["found"]}
    problem = next((run["problem"] for run in runs if run["problem"]), None)
    return {"found": sorted(found), "seconds": runs[0]["seconds"], "problem": problem}


def _judged_once(who: str, name: str, seed: int) -> dict[str, Any]:
    """What a judge finds of a server: `found` (each a list of texts), `seconds`, and a `problem` or None."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with _served(name, folder) as base_url:
            begun = time.monotonic()
            run = _verify if who == "verify" else _schemathesis
            found, problem = run(base_url, seed, folder)
            return {
                "found": sorted(found),
                "seconds": round(time.monotonic() - begun, 1),
                "problem": problem,
            }


@contextmanager
def _served(name: str, folder: Path) -> Iterator[str]:
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "tests.contract_kit.serve_broken", name, "--ready-file", str(ready)]
    with _process(command, folder, "server.txt") as process:
        begun = time.monotonic()
        while not ready.exists():
            if STOPPED.is_set():
                raise Stopped
            if process.poll() is not None or time.monotonic() - begun > LONGEST_S:
                raise RuntimeError(f"{name} does not serve: {(folder / 'server.txt').read_text()[-500:]}")
            time.sleep(0.05)
        yield json.loads(ready.read_text())["base_url"]


def _verify(base_url: str, seed: int, folder: Path) -> tuple[set[str], str | None]:
    command = [sys.executable, "-m", "mockserver", "verify", base_url, "--allow-writes", "--seed", str(seed)]
    command += ["--examples", str(folder / "examples"), "--ledger", str(folder / "ledger.jsonl")]
    command += ["--report", str(folder / "report"), "--max-examples", str(EXAMPLES)]
    problem = _run(command, folder, (0, 1))
    verdict = folder / "report" / "verdict.json"
    if not verdict.exists():
        return set(), problem or "there is no verdict"
    shown = json.loads(verdict.read_text(encoding="utf-8"))
    found = {f"{one['rule']}: {one['operation']}" for one in shown["findings"] if one["severity"] == "error"}
    # A run that stopped short has still found what it found.
    return found, None if found else problem


def _schemathesis(base_url: str, seed: int, folder: Path) -> tuple[set[str], str | None]:
    found: set[str] = set()
    for number, document in enumerate(DOCUMENTS):
        report = folder / f"schemathesis-{number}.json"
        command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{base_url}{document}"]
        command += ["--checks", "all", "--continue-on-failure"]
        command += ["--max-examples", str(EXAMPLES), "--seed", str(seed), "--header", f"Authorization: Bearer {KEY}"]
        command += ["--report", "json", "--report-json-path", str(report), "--no-color"]
        problem = _run(command, folder, (0, 1))
        if not report.exists():
            return found, problem or "there is no report"
        for one in json.loads(report.read_text(encoding="utf-8"))["failures"]:
            found |= {f"{one['title']}: {operation}" for operation in one["operations"]}
    return found, None


def _run(command: Sequence[str], folder: Path, good: tuple[int, ...]) -> str | None:
    """Run a command in a folder; what went wrong, or None."""
    with _process(command, folder, "output.txt") as process:
        try:
            status = process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it then says what it has found so far
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            return f"more than {LONGEST_S} s"
    return None if status in good else f"status {status}: {(folder / 'output.txt').read_text()[-300:]}"


def _environment() -> dict[str, str]:
    path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in path if part), "TOGETHER_API_KEY": KEY}


# ---- telling ---------------------------------------------------------------------------------------------------------


def table(outcomes: Sequence[dict[str, Any]]) -> str:
    """Who caught how many, by category; what was said of the honest server; how long it took."""
    honest = {one["seed"]: one for one in outcomes if one["name"] == HONEST}
    broken = [one for one in outcomes if one["name"] != HONEST]
    caught = {
        who: {
            (one["name"], one["seed"])
            for one in broken
            if set(one[who]["found"]) - set(honest[one["seed"]][who]["found"])
        }
        for who in JUDGES
    }
    seeds = len(honest)
    lines = [f"{len(broken)} judgements of {len(broken) // max(seeds, 1)} servers with one bug each, {seeds} seeds", ""]
    lines.append(f"{'':28}{'servers':>9}" + "".join(f"{who:>14}" for who in JUDGES))
    for category in (*CATEGORIES, "all"):
        of = [one for one in broken if category in ("all", CATALOGUE[one["name"]].category)]
        counts = [sum((one["name"], one["seed"]) in caught[who] for one in of) for who in JUDGES]
        lines.append(f"{category:28}{len(of):>9}" + "".join(f"{count:>14}" for count in counts))
    for who in JUDGES:
        said = Counter(found.partition(": ")[0] for one in honest.values() for found in one[who]["found"])
        told = ", ".join(f"{what} ({count})" for what, count in sorted(said.items()))
        lines += ["", f"{who} says of the honest server, which does not count: {told or 'nothing'}"]
    lines.append("")
    for title, value in (
        ("false alarms on the honest server", lambda who: sum(len(one[who]["found"]) for one in honest.values())),
        ("seconds, median", lambda who: f"{statistics.median(one[who]['seconds'] for one in outcomes):.0f}"),
        ("seconds, all", lambda who: f"{sum(one[who]['seconds'] for one in outcomes):.0f}"),
        ("could not be judged", lambda who: sum(one[who]["problem"] is not None for one in outcomes)),
    ):
        lines.append(f"{title:37}" + "".join(f"{value(who)!s:>14}" for who in JUDGES))
    for who, other in (JUDGES, JUDGES[::-1]):
        only = sorted({name for name, _ in caught[who] - caught[other]})
        lines += ["", f"only {who} caught: {', '.join(only) or 'none'}"]
    neither = sorted(
        {one["name"] for one in broken if not any((one["name"], one["seed"]) in caught[w] for w in JUDGES)}
    )
    return "\n".join([*lines, "", f"caught by neither: {', '.join(neither) or 'none'}"])


if __name__ == "__main__":
    sys.exit(main())
