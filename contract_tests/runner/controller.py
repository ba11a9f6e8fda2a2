"""The controlling process of a run: checks the server, shows progress, cleans up and publishes the verdict."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from contract_tests.client.budget import READS_ONLY, clean_up
from contract_tests.client.clock import RealClock
from contract_tests.client.errors import NoControl, Refused, Unreachable
from contract_tests.judge.findings import NotJudged, TestRow
from contract_tests.judge.registry import RULES
from contract_tests.judge.verdict import RunFacts, server_verdict
from contract_tests.runner import session as sessions
from contract_tests.runner.progress import Progress, suite_of
from contract_tests.runner.publishing import OutputLost, publish
from contract_tests.runner.session import KitRun
from contract_tests.runner.signals import INTERRUPTS

GONE = "the server stopped answering"
INTERRUPTED = "interrupted"


class Controller:
    """A pytest plugin of the controlling process: shows progress, cleans up and publishes the verdict."""

    def __init__(self, config: pytest.Config, session: KitRun) -> None:
        self.config = config
        self.session = session
        self.progress = Progress()
        self.tests: dict[str, TestRow] = {}
        self.started = time.monotonic()
        self.started_at = datetime.now(UTC)
        self.problem: str | None = None
        """Why the run ended early, or None."""

    def pytest_sessionstart(self) -> None:
        """Check before collection that the server answers, and as this API does."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        try:
            problem = self.session.problem()
            if problem is None:
                _ = self.session.target
        except KeyboardInterrupt:
            problem = INTERRUPTED
            self.session.close()
        except (Unreachable, NoControl, Refused) as error:
            problem = f"BASE_URL: the server does not answer: {error} (is it started, and is this its address?)"
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        if problem is not None:
            give_up(problem)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Note an error of the kit itself, which is reported in one line."""
        self.problem = self.problem or f"the kit failed: {excinfo.typename}: {excinfo.value}"
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker the id of the run."""
        node.workerinput["run"] = self.session.options.run

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the run ends early."""
        if isinstance(excinfo.value, pytest.exit.Exception):
            return  # said already
        if self.problem:
            return  # pytest ends so, too, where something could not be collected
        self.session.interrupt()
        self.problem = GONE if GONE in str(excinfo.value) else INTERRUPTED
        self.progress.close()
        said(f"{self.problem}; what was made is deleted now" if self.session.options.allow_writes else self.problem)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the number of tests."""
        self.progress.total = len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """The same, where workers collect: each of them collects all."""
        self.progress.total = len(ids)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a suite that cannot be collected."""
        if report.failed:
            self.problem = f"{report.nodeid}: {_reason(report)}"

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the outcome of a test."""
        if report.when == "call" or report.outcome != "passed":
            known = self.tests.setdefault(
                report.nodeid,
                {
                    "id": report.nodeid,
                    "suite": suite_of(report.nodeid),
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
        """Merge what a worker recorded."""
        carried = getattr(node, "workeroutput", {}).get("contract")
        if carried:
            self.session.recorder.merge(json.loads(carried))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Any:
        """After all other plugins: clean up and publish the verdict."""
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
        crashed = [item for item in self.tests.values() if item["outcome"] == "error"]
        if crashed and not self.session.recorder.broken:
            self.problem = self.problem or f"{crashed[0]['id']}: {crashed[0]['message']}"
        if not self.session.recorder.judged and self.problem:
            if self.problem not in (GONE, INTERRUPTED):
                said(self.session.redactor.text(self.problem))
            session.exitstatus = 2
            return  # it was said in one line
        verdict = server_verdict(self.session.recorder, self._facts(left), RULES.values())
        session.exitstatus = 2 if self.problem else {"kept": 0, "broken": 1}.get(verdict["verdict"], 2)
        try:
            publish(self.session.redactor.value(verdict), self.config.getoption("--report"))
        except OutputLost as error:
            said(f"standard output: the verdict cannot be shown: {error} (send it somewhere else, or give --report)")
            session.exitstatus = 2
        except OSError as error:
            said(f"--report: {error} (name a folder that can be written)")
            session.exitstatus = 2

    def _facts(self, left: list[str]) -> RunFacts:
        """What the verdict says of the run itself; `left` says what could not be cleaned up."""
        run = self.session
        skipped = run.recorder.not_judged.items()
        not_judged: list[NotJudged] = [{"what": what, "why": why} for what, why in skipped if why != READS_ONLY]
        if self.problem and run.recorder.broken:
            not_judged.insert(0, {"what": "the rest of the run", "why": f"it was cut short: {self.problem}"})
        not_judged += [{"what": "whether everything was cleaned up", "why": line} for line in left]
        if not run.options.allow_writes:
            not_judged.append({"what": "everything that creates, changes or deletes", "why": READS_ONLY})
        return RunFacts(
            base_url=run.options.base_url,
            documents=list(run.documents.values()),
            lifecycles=run.lifecycles,
            clock="control" if run.opened and run.target.has_control else "real",
            seed=run.options.seed,
            writes=run.options.allow_writes,
            started_at=self.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            seconds=time.monotonic() - self.started,
            command=self.config.getoption("--shown-command"),
            problem=self.problem,
            not_judged=not_judged,
            tests=list(self.tests.values()),
        )

    def _clean_up(self) -> list[str]:
        """Delete what this run left and release the clock; the lines that say what could not be done."""
        said_: list[str] = []
        run = self.session
        if not run.options.allow_writes or not run.opened:
            return said_
        again = "mockserver verify --clean-up tries again"
        if isinstance(run.target.clock, RealClock):
            run.target.clock.interrupted = False
        left = run.ledger.left(run.options.run)
        if left:
            try:
                gone, remaining = clean_up(run.target, run.ledger, said_.append, run.options.run)
                if self.problem:
                    said(f"{gone} of {gone + remaining} things deleted" + (f"; {again}" if remaining else ""))
            except (Unreachable, NoControl, Refused) as error:
                said_.append(f"not all could be deleted: {error}; {again}")
            except KeyboardInterrupt:
                said_.append(f"not all could be deleted: interrupted again; {again}")
        stopped = run.close()
        if stopped:
            said_.append(f"the clock could not be set going: {stopped}; {again}")
        elif self.problem and not left:
            said("nothing is left")
        if self.problem:
            for line in said_:
                said(line)
        run.ledger.forget()
        return said_


def said(line: str) -> None:
    """Print a line about the run on standard error."""
    print(f"mockserver: {' '.join(sessions.session().redactor.text(line).split())}", file=sys.stderr, flush=True)


def _is_crash(report: Any) -> bool:
    """Whether a test ended by something else than a breach or a skip: the kit's own fault, or the network's."""
    return report.outcome == "failed" and not getattr(report, "judged", False)


def _reason(report: Any) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", None)
    return (crash or str(report.longrepr)).strip().splitlines()[0][:300] if report.longrepr else ""


def give_up(problem: str) -> None:
    """Print in one line why nothing can be judged, and end the process with status 2."""
    said(problem)
    os._exit(2)  # pytest would say it again
