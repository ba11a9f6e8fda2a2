"""pytest, told about a run: options, the test that is judged, and what comes of it all."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, InMemoryExampleDatabase

from contract_tests.kit import session as sessions
from contract_tests.kit.account import Account, NotToBeHad
from contract_tests.kit.clock import NoControl, RealClock
from contract_tests.kit.session import Options, Session
from contract_tests.kit.spending import Refused, clean_up
from contract_tests.kit.target import Unreachable, hidden
from contract_tests.verdict import Progress, publish, verdict_of, without

FOLDER = Path(__file__).parent
GONE = "the server stopped answering"
INTERRUPTED = "interrupted"
BROKEN_BEFORE = pytest.StashKey[int]()
"""How many breaches there were before a test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a run can be told; `mockserver verify` has the same under its own names."""
    group = parser.getgroup("contract", "judging a server of the API")
    group.addoption("--base-url", help="the server to judge")
    group.addoption("--spec-folder", default=str(FOLDER.parent / "spec"), help="where the documents and lifecycles lie")
    group.addoption("--document", action="append", default=[], help="v1, guide-2024 or the path of a document")
    group.addoption("--allow-writes", action="store_true", help="create, change and delete things, too")
    group.addoption("--budget-cents", type=float, help="what all that is created may cost")
    group.addoption("--max-resources", type=int, default=12, help="how many things may be alive at once")
    group.addoption("--name-prefix", default="verify", help="what all names begin with")
    group.addoption("--patience", type=float, default=900.0, help="seconds to wait for one thing on a real clock")
    group.addoption("--max-examples", type=int, default=12, help="a measure of how much is tried")
    group.addoption("--ledger", default=".verify/ledger.jsonl", help="where it is noted what was made")
    group.addoption("--examples", help="where failing examples are kept: a folder, or redis://HOST:PORT/DB")
    group.addoption("--report", help="a folder for the verdict: verdict.json, junit.xml and index.html")
    group.addoption("--shown-command", default="", help="how to run this again")


def pytest_configure(config: pytest.Config) -> None:
    """Set up the run; nothing is sent yet."""
    config.addinivalue_line("markers", "writes: creates, changes or deletes things")
    asked = config.getoption
    if not asked("--base-url"):
        raise pytest.UsageError("--base-url is needed: the server to judge")
    options = Options(
        base_url=asked("--base-url"),
        spec_folder=Path(asked("--spec-folder")),
        documents=tuple(asked("--document")),
        allow_writes=asked("--allow-writes"),
        budget_cents=asked("--budget-cents"),
        max_resources=asked("--max-resources"),
        prefix=asked("--name-prefix"),
        patience_s=asked("--patience"),
        seed=int(asked("--hypothesis-seed") or 0),
        examples=asked("--max-examples"),
        ledger=Path(asked("--ledger")),
        **_part(config),
    )
    sessions.current = Session(options)
    try:
        _ = sessions.current.documents, sessions.current.lifecycles
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        _give_up(f"--document: {error} (mockserver spec check PATH tells more of a document)")
    try:
        keep_examples(asked("--examples"))
    except (OSError, ValueError) as error:
        _give_up(f"--examples: {error} (give a folder, or redis://HOST:PORT/DB)")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller(config, sessions.current), "contract-controller")


def _part(config: pytest.Config) -> dict[str, Any]:
    """Of which run this process is a part: its own, or that of the process that started it as a worker."""
    given = getattr(config, "workerinput", None)
    return {} if given is None else {"run": given["run"], "leads": False}


def _interrupted(number: int, frame: Any) -> None:
    """Ctrl-C and SIGTERM: nothing is waited for any more, and what was made is deleted at the end."""
    sessions.session().interrupt()
    if frame is not None and frame.f_code.co_name == "gc_callback":
        # Hypothesis measures the collector there, and what is raised in it is lost: a moment later, then.
        signal.signal(signal.SIGALRM, _interrupted)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        return
    raise KeyboardInterrupt


def keep_examples(where: str | None) -> None:
    """Let Hypothesis keep what failed, to try it first the next time. Raises ValueError for what is no such place."""
    database: ExampleDatabase = InMemoryExampleDatabase()
    if where and where.startswith(("redis://", "rediss://")):
        try:
            import redis
            from hypothesis.extra.redis import RedisExampleDatabase
        except ImportError:
            raise ValueError("redis://... needs the package redis: pip install redis") from None
        client = redis.Redis.from_url(where)
        try:
            client.ping()
        except redis.RedisError as error:
            raise ValueError(f"no Redis answers at that address: {error}") from None
        database = RedisExampleDatabase(client, key_prefix=b"contract:")
    elif where:
        Path(where).mkdir(parents=True, exist_ok=True)
        database = DirectoryBasedExampleDatabase(where)
    # From the default: where Hypothesis sees that it runs in CI, its own profile asks the same whatever the seed is.
    settings.register_profile("contract", settings.get_profile("default"), database=database)
    settings.load_profile("contract")


def _give_up(problem: str) -> None:
    """Say in one line why there is nothing to run, and end."""
    said(problem)
    os._exit(2)  # pytest would say it again


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what may not be done, and keep what acts on the account on one worker."""
    session = sessions.session()
    for item in items:
        if item.get_closest_marker("writes"):
            if not session.options.allow_writes:
                item.add_marker(pytest.mark.skip(reason="writes need --allow-writes"))
        elif "account" not in getattr(item, "fixturenames", ()):
            continue
        if session.options.allow_writes:
            # Whoever judges what the account holds must know of every change, and be the only one to move its clock.
            item.add_marker(pytest.mark.xdist_group("writes"))


@pytest.fixture(autouse=True)
def judged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Begin the evidence of a test anew, and fail it where the contract was broken."""
    record = sessions.session().record
    record.begin(request.node.nodeid)
    before = request.node.stash[BROKEN_BEFORE] = record.broken
    yield
    if record.broken > before and not sessions.session().interrupted:
        pytest.fail(f"{record.broken - before} breaches of the contract", pytrace=False)


@pytest.fixture
def account() -> Iterator[Account]:
    """The account under the key; what a test makes there is deleted after it."""
    run = sessions.session()
    made = run.account()
    yield made
    if not run.interrupted:
        made.clear()
        run.clear()


@pytest.fixture
def run() -> Session:
    """The run."""
    return sessions.session()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    """What cannot be had is not judged, and said so."""
    try:
        return (yield)
    except (NotToBeHad, Refused) as error:
        what = (pyfuncitem.function.__doc__ or pyfuncitem.name).strip().splitlines()[0].rstrip(".")
        sessions.session().record.pass_over(what, str(error))
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Let each report carry how far the run is."""
    report = yield
    record = sessions.session().record
    report.progress = (os.environ.get("PYTEST_XDIST_WORKER", ""), record.requests, record.broken)
    report.judged = record.broken > item.stash.get(BROKEN_BEFORE, record.broken)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """Stop where nobody answers any more."""
    done = yield
    run = sessions.session()
    if run.opened and run.target.lost:
        item.session.shouldstop = GONE
    return done


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the record to the controller."""
    run = sessions.session()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["contract"] = json.dumps(without(run.record.carried(), run.secrets))


class Controller:
    """The process that gathers: shows progress, cleans up, and writes the verdict."""

    def __init__(self, config: pytest.Config, session: Session) -> None:
        self.config = config
        self.session = session
        self.progress = Progress()
        self.tests: dict[str, dict[str, Any]] = {}
        self.started = time.monotonic()
        self.started_at = datetime.now(UTC)
        self.problem: str | None = None
        """Why the run ended before its time."""

    def pytest_sessionstart(self) -> None:
        """Ask once whether anybody answers, before anything is collected."""
        try:
            _ = self.session.target
        except Unreachable as error:
            self.problem = f"BASE_URL: the server does not answer: {error} (is it started, and is this its address?)"
            _give_up(self.problem)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Let a worker know of which run it is a part."""
        node.workerinput["run"] = self.session.options.run

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """The run ends before its time."""
        if isinstance(excinfo.value, pytest.exit.Exception):
            return  # said already
        if self.problem:
            return  # pytest ends so, too, where something could not be collected
        self.session.interrupt()
        self.problem = GONE if GONE in str(excinfo.value) else INTERRUPTED
        self.progress.close()
        said(f"{self.problem}; what was made is deleted now" if self.session.options.allow_writes else self.problem)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Now it is known how many there are."""
        self.progress.total = len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """The same, where workers collect: each of them collects all."""
        self.progress.total = len(ids)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """What cannot be collected cannot be judged."""
        if report.failed:
            self.problem = f"{report.nodeid}: {_reason(report)}"

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note what came of a test."""
        if report.when == "call" or report.outcome != "passed":
            known = self.tests.setdefault(
                report.nodeid,
                {
                    "id": report.nodeid,
                    "suite": _suite(report.nodeid),
                    "outcome": "passed",
                    "seconds": 0.0,
                    "message": "",
                },
            )
            known["seconds"] = round(known["seconds"] + report.duration, 3)
            if report.outcome != "passed":
                known["outcome"] = "error" if _is_crash(report) else report.outcome
                known["message"] = _reason(report)
        if report.when == "teardown":
            self.progress.step(report.nodeid, *getattr(report, "progress", ("", 0, 0)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take over what a worker found."""
        carried = getattr(node, "workeroutput", {}).get("contract")
        if carried:
            self.session.record.merge(json.loads(carried))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Any:
        """When all others are done: clean up whatever is left, and write the verdict."""
        try:
            return (yield)
        except BaseException as error:  # whatever a fixture ended with: what follows must be done
            self.problem = self.problem or f"{type(error).__name__}: {error}"
            return None
        finally:
            self._finish(session)

    def _finish(self, session: pytest.Session) -> None:
        self.progress.close()
        left = self._clean_up()
        crashed = [one for one in self.tests.values() if one["outcome"] == "error"]
        if crashed and not self.session.record.broken:
            self.problem = self.problem or f"{crashed[0]['id']}: {crashed[0]['message']}"
        if not self.session.record.judged and self.problem:
            if self.problem not in (GONE, INTERRUPTED):
                said(hidden(self.problem, self.session.secrets))
            session.exitstatus = 2
            return  # it was said in one line
        verdict = verdict_of(
            self.session,
            list(self.tests.values()),
            problem=self.problem,
            left=left,
            started_at=self.started_at,
            seconds=time.monotonic() - self.started,
            command=self.config.getoption("--shown-command"),
        )
        session.exitstatus = 2 if self.problem else {"kept": 0, "broken": 1}.get(verdict["verdict"], 2)
        try:
            publish(without(verdict, self.session.secrets), self.config.getoption("--report"))
        except OSError as error:
            said(f"--report: {error} (name a folder that can be written)")
            session.exitstatus = 2

    def _clean_up(self) -> list[str]:
        """Delete what this run left, and set the clock going; what could not be done."""
        said_: list[str] = []
        run = self.session
        if not run.options.allow_writes or not run.opened:
            return said_
        again = "mockserver verify --clean-up tries again"
        if isinstance(run.target.clock, RealClock):
            run.target.clock.interrupted = False
        if run.ledger.left(run.options.run):
            try:
                gone, left = clean_up(run.target, run.ledger, said_.append, run.options.run)
                if self.problem:
                    said(f"{gone} of {gone + left} things deleted" + (f"; {again}" if left else ""))
            except (Unreachable, NoControl, Refused) as error:
                said_.append(f"not all could be deleted: {error}; {again}")
            except KeyboardInterrupt:
                said_.append(f"not all could be deleted: interrupted again; {again}")
        elif self.problem:
            said("nothing is left")
        problem = run.close()
        if problem:
            said_.append(f"the clock could not be set going: {problem}; {again}")
        if self.problem:
            for line in said_:
                said(line)
        run.ledger.forget()
        return said_


def said(line: str) -> None:
    """Say something of the run itself, beside the verdict."""
    print(f"mockserver: {' '.join(hidden(line, sessions.session().secrets).split())}", file=sys.stderr, flush=True)


def _suite(nodeid: str) -> str:
    return nodeid.partition("::")[0].rpartition("/")[2].removeprefix("test_").removesuffix(".py")


def _is_crash(report: Any) -> bool:
    """Whether a test ended by something else than a breach or a skip: the kit's own fault, or the network's."""
    return report.outcome == "failed" and not getattr(report, "judged", False)


def _reason(report: Any) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", None)
    return (crash or str(report.longrepr)).strip().splitlines()[0][:300] if report.longrepr else ""
