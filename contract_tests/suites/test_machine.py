"""Everything a user can do, in any order and interleaved over several resources, against the reference model."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contract_tests.client.errors import Refused
from contract_tests.drivers import read_checks
from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.judge.known_resource import KnownResource
from contract_tests.model.views import READY
from contract_tests.rules import cross_response, refusals
from contract_tests.runner.session import session

pytestmark = pytest.mark.writes
MOST = {"endpoint": 3, "cluster": 2, "volume": 2}
MODES = ("REBOOT_VM", "VM_ONLY", "HOST_AWARE", "HOST_POWER_CYCLE", "EVICT_WITHOUT_REPLACEMENT")


SHRINKING_S = 0.7
"""How long a shorter way to a breach is looked for, for each example that is tried."""


class NewBreach(AssertionError):
    """A rule was broken that was not broken before."""


class User(RuleBasedStateMachine):
    """Somebody who uses the account without a plan."""

    account: AccountDriver
    known_rules: frozenset[str] = frozenset()
    """The rules that were broken before."""
    deadline_s: float | None = None
    """Until when a shorter way to what was found is looked for."""

    def __init__(self) -> None:
        super().__init__()
        run = session()
        run.recorder.begin(run.recorder.test)
        self.account = run.account()
        self.broken_before = run.recorder.broken

    def teardown(self) -> None:
        """Take away what was made."""
        self.account.clear()

    # ---- what there is -----------------------------------------------------------------------------------------------

    def alive(self, kind: str) -> list[KnownResource]:
        """What this user made and did not delete."""
        ours = dict.fromkeys(found for made, found in self.account.made if made == kind)
        every = [self.account.observer.of(kind, found) for found in ours]
        return [item for item in every if item is not None and not item.gone and not item.deleted]

    def one_of(self, data: st.DataObject, kind: str) -> KnownResource:
        """One of them."""
        alive = self.alive(kind)
        return alive[data.draw(st.integers(0, len(alive) - 1), label=f"which {kind}")]

    def has(self, kind: str) -> bool:
        """Whether there is one."""
        return bool(self.alive(kind))

    def room(self, kind: str) -> bool:
        """Whether there may be another."""
        return len(self.alive(kind)) < MOST[kind]

    # ---- making ------------------------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """Look at what is there."""
        if User.deadline_s is not None and time.monotonic() > User.deadline_s:
            reject()  # enough was tried: what Hypothesis still asks for costs no request
        self.account.call("listEndpoints")
        self.account.call("GPUClusterService_List")

    @precondition(lambda self: self.room("endpoint"))
    @rule(
        state=st.sampled_from([None, "STARTED", "STOPPED"]),
        named=st.sampled_from([True, False]),
        low=st.integers(0, 2),
        more=st.integers(0, 2),
        timeout=st.sampled_from(["absent", None, 0, 5, 60]),
    )
    def create_endpoint(self, state: str | None, named: bool, low: int, more: int, timeout: Any) -> None:
        """Create an endpoint on what is available."""
        model, hardware = self.account.deployment()
        body: dict[str, Any] = {
            "model": model,
            "hardware": hardware,
            "autoscaling": {"min_replicas": low, "max_replicas": max(low + more, 1)},
        }
        body |= {"display_name": self.account.name()} if named else {}
        body |= {"state": state} if state else {}
        body |= {"inactive_timeout": timeout} if timeout != "absent" else {}
        exchange = self.account.call("createEndpoint", json=body)
        if state == "STOPPED":
            self.account.recorder.judge(
                refusals.good_request_accepted, exchange, "an endpoint that is not started", at=exchange
            )

    @precondition(lambda self: self.room("cluster"))
    @rule(
        num_gpus=st.sampled_from([8, 16]),
        kind=st.sampled_from([None, "KUBERNETES", "SLURM"]),
        tests=st.booleans(),
        scales=st.booleans(),
        volume=st.sampled_from(["none", "own", "inline"]),
        data=st.data(),
    )
    def create_cluster(
        self, num_gpus: int, kind: str | None, tests: bool, scales: bool, volume: str, data: st.DataObject
    ) -> None:
        """Create a cluster, with a volume or without."""
        fields: dict[str, Any] = {"num_gpus": num_gpus}
        fields |= {"cluster_type": kind} if kind else {}
        fields |= {"acceptance_tests_params": {"enabled": True}} if tests else {}
        fields |= {"auto_scale": True, "auto_scale_max_gpus": 32} if scales else {}
        home = self.account.home()
        free = [item for item in self.alive("volume") if item.state == "available"]
        if volume == "own" and free:
            fields |= {"volume_id": free[0].id, "region": home}
        elif volume == "inline":
            fields |= {
                "region": home,
                "shared_volume": {"volume_name": self.account.name(), "size_tib": 1, "region": home},
            }
        cluster = self.account.new_cluster(**fields)
        if "volume_id" in fields:
            self.account.look(free[0])
            self.account.recorder.judge(
                cross_response.attached_is_shown,
                cluster.last_view,
                free[0].id,
                True,
                at=self.account.recorder.last,
            )

    @precondition(lambda self: self.room("volume"))
    @rule(size=st.integers(1, 4), independent=st.sampled_from([None, True, False]))
    def create_volume(self, size: int, independent: bool | None) -> None:
        """Create a volume."""
        fields: dict[str, Any] = {} if independent is None else {"is_lifecycle_independent": independent}
        self.account.new_volume(size_tib=size, **fields)

    # ---- endpoints ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.has("endpoint"))
    @rule(
        data=st.data(),
        renames=st.booleans(),
        bounds=st.sampled_from([None, (0, 1), (1, 1), (1, 3), (2, 2)]),
        timeout=st.sampled_from(["absent", None, 0, 30, 600]),
        state=st.sampled_from([None, None, "STARTED", "STOPPED"]),
    )
    def patch_endpoint(
        self, data: st.DataObject, renames: bool, bounds: tuple[int, int] | None, timeout: Any, state: str | None
    ) -> None:
        """Change some of an endpoint's fields."""
        endpoint = self.one_of(data, "endpoint")
        body: dict[str, Any] = {"display_name": self.account.name()} if renames else {}
        body |= {"autoscaling": {"min_replicas": bounds[0], "max_replicas": bounds[1]}} if bounds else {}
        body |= {"inactive_timeout": timeout} if timeout != "absent" else {}
        body |= {"state": state} if state else {}
        exchange = self.account.call("updateEndpoint", endpoint.id, json=body)
        if state is None or state == "STOPPED":
            self.account.recorder.judge(
                refusals.good_request_accepted, exchange, f"a patch of {', '.join(body) or 'nothing'}", at=exchange
            )
        if exchange.ok and state == "STOPPED":
            self.account.recorder.judge(
                cross_response.command_takes_effect, "a stop", endpoint.state, ("STOPPING", "STOPPED"), at=exchange
            )
        self.account.look(endpoint)

    @precondition(lambda self: self.has("endpoint"))
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """Ask an endpoint something."""
        endpoint = self.one_of(data, "endpoint")
        self.account.look(endpoint)
        body = {"model": endpoint.fields.get("name"), "prompt": "Hello", "max_tokens": 3}
        exchange = self.account.call("completions", json=body)
        if self.account.target.clock.frozen:
            self.account.recorder.judge(
                cross_response.inference_only_when_started, exchange, str(endpoint.state), at=exchange
            )

    # ---- clusters and volumes ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.has("cluster"))
    @rule(data=st.data(), num_gpus=st.sampled_from([8, 16, 24]))
    def scale(self, data: st.DataObject, num_gpus: int) -> None:
        """Make a cluster larger or smaller."""
        cluster = self.one_of(data, "cluster")
        self.account.look(cluster)
        before = dict(cluster.last_view)
        exchange = self.account.call("GPUClusterService_Update", cluster.id, json={"num_gpus": num_gpus})
        if exchange.ok:
            self.account.recorder.judge(cross_response.nodes_follow_num_gpus, before, cluster.last_view, at=exchange)

    @precondition(lambda self: self.has("volume"))
    @rule(data=st.data(), change=st.integers(-1, 3))
    def resize(self, data: st.DataObject, change: int) -> None:
        """Make a volume larger, or try to make it smaller."""
        volume = self.one_of(data, "volume")
        size = int(volume.fields.get("size_tib", 1)) + change
        exchange = self.account.call("SharedVolumeService_Update", json={"volume_id": volume.id, "size_tib": size})
        if change < 0 and self.account.target.clock.frozen:
            self.account.recorder.judge(
                refusals.bad_request_refused, exchange, "a volume does not shrink", {400}, at=exchange
            )
        self.account.look(volume)

    @precondition(lambda self: any(item.state == READY for item in self.alive("cluster")))
    @rule(data=st.data(), mode=st.sampled_from(MODES))
    def remediate(self, data: st.DataObject, mode: str) -> None:
        """Ask for a repair of a worker."""
        cluster = next(item for item in self.alive("cluster") if item.state == READY)
        self.account.look(cluster)
        nodes = [item for item in cluster.last_view.get("gpu_worker_nodes") or [] if item.get("instance_id")]
        if not nodes or (mode.startswith("EVICT") and len(nodes) < 2):
            return
        node = data.draw(st.sampled_from(nodes), label="which worker")
        body = {"mode": f"REMEDIATION_MODE_{mode}"}
        self.account.call("RemediationService_CreateRemediation", cluster.id, node["instance_id"], json=body)

    @precondition(lambda self: self.has("cluster"))
    @rule(data=st.data(), verb=st.sampled_from(["Cancel", "Approve", "Reject"]))
    def review(self, data: st.DataObject, verb: str) -> None:
        """Say something to a repair."""
        cluster = self.one_of(data, "cluster")
        repairs = [
            known
            for known in self.account.observer.known.values()
            if known.kind == "remediation" and known.parent == cluster.id
        ]
        if not repairs:
            return
        repair = data.draw(st.sampled_from(repairs), label="which repair")
        body: dict[str, Any] = {} if verb == "Cancel" else {"json": {}}
        instance = str(repair.fields.get("instance_id"))
        self.account.call(f"RemediationService_{verb}Remediation", cluster.id, instance, repair.id, **body)
        self.account.look(repair)

    @precondition(lambda self: self.has("cluster"))
    @rule(data=st.data(), enabled=st.booleans())
    def add_on(self, data: st.DataObject, enabled: bool) -> None:
        """Add an add-on, or change it."""
        cluster = self.one_of(data, "cluster")
        config = {"headlamp": {"enabled": enabled}}
        exchange = self.account.call(
            "InstanceClusterAddOnService_Update", cluster.id, "screens", json={"config": config}
        )
        if exchange.status == 404:
            body = {"name": "screens", "add_on_type": "headlamp", "config": config}
            self.account.call("InstanceClusterAddOnService_Create", cluster.id, json=body)
        read_checks.read_add_ons(self.account, cluster.id)

    # ---- all of them -------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(self.has(kind) for kind in MOST))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Delete something."""
        kind = data.draw(st.sampled_from([kind for kind in MOST if self.has(kind)]), label="what")
        known = self.one_of(data, kind)
        if kind == "volume":
            self.account.look(known)  # one that could not be made in the meantime is nobody's any more
        exchange = self.account.remove(known)
        if kind == "volume" and known.state != "failed":
            # A cluster that is being deleted may be gone by now, and its volume free.
            known_users = [user for user in self.account.observer.known.values() if user.volume_id == known.id]
            users = [user for user in known_users if not user.gone and not user.deleted]
            if users:
                self.account.recorder.judge(cross_response.attached_volume_stays, exchange, at=exchange)
        else:
            self.account.recorder.judge(
                refusals.good_request_accepted, exchange, f"the delete of a {kind}", at=exchange
            )
        self.account.look(known)

    @rule(seconds=st.sampled_from([1, 5, 20, 60, 240, 1200]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.account.target.clock.let_pass(seconds)

    @precondition(lambda self: any(self.has(kind) for kind in MOST))
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Wait for one to come to rest."""
        kind = data.draw(st.sampled_from([kind for kind in MOST if self.has(kind)]), label="what")
        self.account.settle(self.one_of(data, kind))

    @rule(what=st.sampled_from(["listEndpoints", "GPUClusterService_List", "SharedVolumeService_List", "listJobs"]))
    def list_all(self, what: str) -> None:
        """Look at everything of a kind."""
        self.account.call(what)

    @rule()
    def look_at_each(self) -> None:
        """Look at each of ours by itself."""
        for kind in MOST:
            for known in self.alive(kind):
                self.account.look(known)

    @invariant()
    def nothing_new_is_broken(self) -> None:
        """Stop where a rule was broken that was not before, so that the shortest way there is looked for."""
        new = {name for name, _ in session().recorder.findings} - self.known_rules
        if new and self.account.recorder.broken > self.broken_before:
            User.deadline_s = User.deadline_s or time.monotonic() + SHRINKING_S * session().options.examples
            if time.monotonic() < User.deadline_s:
                raise NewBreach(", ".join(sorted(new)))


def test_anything_goes(run: Any) -> None:
    """Whatever is done in whatever order, every look agrees with the model."""
    User.known_rules, User.deadline_s = frozenset(name for name, _ in run.recorder.findings), None
    examples = run.options.examples if run.target.has_control else 1
    steps = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(User, settings=steps)
    except (NewBreach, Flaky):
        return  # noted, and the test is failed for it
    except (NotToBeHad, Refused) as error:
        run.recorder.skip("some of what can be done in any order", str(error))
