"""The pytest side of a run: options, fixtures, and the outcome of each test."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.core import StateForActualGivenExecution as Execution
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, InMemoryExampleDatabase

from contract_tests.client.errors import Refused
from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.runner import session as sessions
from contract_tests.runner.controller import GONE, Controller, give_up
from contract_tests.runner.session import KitRun, Options
from contract_tests.runner.signals import INTERRUPTS

FOLDER = Path(__file__).parent
BROKEN_BEFORE = pytest.StashKey[int]()
"""The number of breaches before a test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a run; `mockserver verify` passes them on from its own."""
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
    group.addoption("--against", help="a recording of `mockserver proxy` to compare with")
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
        against=Path(asked("--against")) if asked("--against") else None,
        **_part(config),
    )
    sessions.current = KitRun(options)
    try:
        _ = sessions.current.documents, sessions.current.lifecycles
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        give_up(f"--document: {error} (mockserver spec check PATH tells more of a document)")
    try:
        _ = sessions.current.recording
    except (OSError, ValueError) as error:
        give_up(f"--against: {error} (give a file that `mockserver proxy --record` wrote)")
    try:
        keep_examples(asked("--examples"))
    except (OSError, ValueError) as error:
        give_up(f"--examples: {error} (give a folder, or redis://HOST:PORT/DB)")
    for number in INTERRUPTS:
        signal.signal(number, _interrupted)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller(config, sessions.current), "contract-controller")


def _part(config: pytest.Config) -> dict[str, Any]:
    """Options that a worker takes from the controlling process; none in that process itself."""
    given = getattr(config, "workerinput", None)
    return {} if given is None else {"run": given["run"], "leads": False}


def _interrupted(number: int, frame: Any) -> None:
    """Handle SIGINT, SIGTERM and SIGHUP: stop waiting, and raise KeyboardInterrupt, so that the run cleans up."""
    sessions.session().interrupt()
    if frame is not None and frame.f_code.co_name == "gc_callback":
        # Hypothesis measures the collector there, and what is raised in it is lost: a moment later, then.
        threading.Timer(0.01, os.kill, (os.getpid(), number)).start()
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
    if not isinstance(database, InMemoryExampleDatabase):
        _keep_by_test()


def _keep_by_test() -> None:
    """Keep what failed under the test that it failed in. With a seed that is given Hypothesis would keep nothing."""
    run_engine, name = Execution.run_engine, "_hypothesis_internal_database_key"

    def keyed(execution: Any) -> Any:
        if not hasattr(execution.wrapped_test, name):
            setattr(execution.wrapped_test, name, sha256(sessions.session().recorder.test.encode()).digest())
        return run_engine(execution)  # type: ignore[no-untyped-call]

    Execution.run_engine = keyed  # type: ignore[method-assign]


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Let signals through: from here on an interrupted run cleans up."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the comparison with a recording where none is given."""
    return True if collection_path.name == "test_recording.py" and not config.getoption("--against") else None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip writes that are not allowed, and keep tests that act on the account on one worker."""
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
    record = sessions.session().recorder
    record.begin(request.node.nodeid)
    before = request.node.stash[BROKEN_BEFORE] = record.broken
    yield
    if record.broken > before and not sessions.session().interrupted:
        pytest.fail(f"{record.broken - before} breaches of the contract", pytrace=False)


@pytest.fixture
def account() -> Iterator[AccountDriver]:
    """The account under the key; what a test makes there is deleted after it."""
    run = sessions.session()
    made = run.account()
    yield made
    if not run.interrupted:
        made.clear()
        run.clear()


@pytest.fixture
def run() -> KitRun:
    """The run."""
    return sessions.session()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    """Skip a test that needs what the account cannot have, and record that it was not judged."""
    try:
        return (yield)
    except (NotToBeHad, Refused) as error:
        what = (pyfuncitem.function.__doc__ or pyfuncitem.name).strip().splitlines()[0].rstrip(".")
        sessions.session().recorder.skip(what, str(error))
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Add the counts of requests and breaches to each report."""
    report = yield
    record = sessions.session().recorder
    report.progress = (os.environ.get("PYTEST_XDIST_WORKER", ""), record.requests, record.broken)
    report.judged = record.broken > item.stash.get(BROKEN_BEFORE, record.broken)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """Stop the run where the server does not answer any more."""
    done = yield
    run = sessions.session()
    if run.opened and run.target.lost:
        item.session.shouldstop = GONE
    return done


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the record to the controller."""
    run = sessions.session()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["contract"] = json.dumps(run.redactor.value(run.recorder.as_json()))
