"""Runs single tests of the kit in this process, against a server in a thread whose application can be swapped.

A story is named like a test: `endpoints.test_a_life`, with arguments where it takes some: `read=read_hardware`,
`operation=v1:getEndpoint`. `schema GET /hardware` puts Schemathesis' examples and coverage of one operation to it.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import socket
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from contract_tests.client.errors import Refused
from contract_tests.drivers import read_checks
from contract_tests.drivers.account import NotToBeHad
from contract_tests.judge.recorder import Recorder
from contract_tests.model.document import ApiDocument, load_document
from contract_tests.model.lifecycle import load_lifecycles
from contract_tests.runner import session as sessions
from contract_tests.runner.session import GUIDE, V1, KitRun, Options
from mockserver.server.app import App, create_app
from mockserver.settings import data_folder
from tests.contract_kit.broken import Broken, Defect
from tests.contract_kit.catalogue import SETTINGS

PATIENCE_S = 30


class Bench:
    """One honest application behind one port; `broken_by` puts a defect before it."""

    def __init__(self) -> None:
        self.app: App = create_app(SETTINGS)
        self.served: Any = self.app
        self._documents: dict[str, ApiDocument] = {
            name: load_document(data_folder("spec") / f"{name}.yaml") for name in (V1, GUIDE)
        }
        self._lifecycles = load_lifecycles(data_folder("spec") / "lifecycles.yaml")
        # The protocol is named, for otherwise asyncio leaves small packets waiting for each other.
        self._listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listening.bind(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self, log_level="critical", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]}, daemon=True)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI scope by whatever stands here now."""
        await self.served(scope, receive, send)

    def __enter__(self) -> Bench:
        """Serve."""
        self._thread.start()
        begun = time.monotonic()
        while not self._server.started:
            assert time.monotonic() - begun < PATIENCE_S, "the server has not begun"
            time.sleep(0.002)
        return self

    def __exit__(self, *raised: object) -> None:
        """Serve no more."""
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        self._listening.close()

    @contextlib.contextmanager
    def run(self, defect: Defect | None, ledger: Path) -> Iterator[KitRun]:
        """A run of the kit on a fresh account of the honest application, or of a broken one."""
        self.served = self.app if defect is None else Broken(self.app, defect)
        options = Options(self.base_url, data_folder("spec"), allow_writes=True, examples=4, ledger=ledger)
        reset = requests.post(
            f"{self.base_url}/_mock/reset", headers={"Authorization": "Bearer verify"}, timeout=PATIENCE_S
        )
        reset.raise_for_status()
        before, sessions.current = sessions.current, KitRun(options)
        # Read once: the tests that are told per operation keep the operations they were collected with.
        vars(sessions.current).update(documents=self._documents, lifecycles=self._lifecycles)
        try:
            yield sessions.current
        finally:
            sessions.current.close()
            sessions.current = before


def tell(story: str) -> Recorder:
    """Run a story against the run's server; what was judged. Raises `pytest.skip.Exception` where it cannot be told."""
    run = sessions.session()
    name, *given = story.split()
    run.recorder.begin(story)
    account = run.account()
    try:
        if name == "schema":
            _schema(account, *given)
        else:
            module, _, function = name.partition(".")
            _call(_module(module), function, account, dict(one.split("=", 1) for one in given))
    except (NotToBeHad, Refused) as error:
        pytest.skip(f"{story}: {error}")
    finally:
        account.clear()
    return run.recorder


@cache
def _module(name: str) -> Any:
    return importlib.import_module(f"contract_tests.suites.test_{name}")


def _call(module: Any, function: str, account: Any, given: dict[str, str]) -> None:
    run = sessions.session()
    test = getattr(module, function)
    known: dict[str, Any] = {**given, "account": account, "run": run}
    if "operation" in given:
        document, _, operation_id = given["operation"].partition(":")
        known["operation"] = run.documents[document].operations[operation_id]
    if "read" in given:
        known["read"] = getattr(read_checks, given["read"])
    wanted = inspect.signature(test).parameters
    if "guide" in wanted:
        known["guide"] = module.Guide(run, account)
    test(**{name: known[name] for name in wanted})


def _schema(account: Any, method: str, path: str) -> None:
    """What Schemathesis' coverage phase sends to one operation, judged by its checks as the kit asks them."""
    import schemathesis
    from schemathesis.generation import GenerationMode

    suite, run = _module("schema"), sessions.session()
    document = run.documents[V1]
    schema = schemathesis.openapi.from_dict(dict(document.raw))
    operation, _ = document.find(method, path)
    assert operation is not None, f"no operation is {method} {path}"
    cases = schema.iter_coverage_cases(
        schema[path][method],
        generation_modes=list(GenerationMode),
        generation_config=schema.config.generation_for(operation=schema[path][method]),
    )
    for case in cases:
        with contextlib.suppress(UnicodeError):
            suite.judge(case, suite.send(account, document, operation, case))
