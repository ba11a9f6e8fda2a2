"""Random histories: commands at random increasing instants, played on a world, with every step kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from mockserver.errors import Refusal
from mockserver.simulation import schedule
from mockserver.simulation.clusters import add_ons
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.events import EVENTS
from mockserver.simulation.inference import requests as inference_requests
from mockserver.simulation.kernel.rules import Rules
from mockserver.simulation.kernel.transaction import View
from mockserver.simulation.remediations import commands as remediation_commands
from mockserver.simulation.volumes import record as volume_record
from tests.simulation.worlds import (
    DAY,
    HOUR,
    MINUTE,
    REGION,
    SECOND,
    Rows,
    World,
    lines,
    resources,
    rules,
    with_chances,
    with_pools,
    with_switches,
)

LAW = settings(max_examples=100, deadline=None, derandomize=True)

SCENARIOS = ("default", "capacity-crunch", "failing-hardware", "slow-provisioning", "bench")

Step = tuple[tuple[str, int], str, dict[str, Any]]
"""How long to wait first, the command, and what it is given."""


def _tight(base: Rules) -> Rules:
    """Rules with small pools and a demand that varies, so that claims often wait."""
    pools = {
        "hardware/h100_80gb_sxm": {"us-central-4b": (6, 0, 4), "us-east-1a": (4, 2, 4)},
        "hardware/h200_140gb_sxm": {"us-central-4b": (4, 0, 0)},
        "cluster/H100_SXM": {REGION: (48, 0, 24)},
    }
    return with_pools(base, pools, step_ms=10 * MINUTE)


def _in_full_swing(seed: int) -> World:
    """Two ready clusters, one of them with preemptible nodes, and an endpoint."""
    world = World(rules_=rules("empty"), seed=seed)
    world.create()
    cluster = world.ready_cluster(24, num_preemptible_gpus=16, project_id="proj")
    world.ready_cluster(16, billing_type="RESERVED", duration_days=1, num_reserved_gpus=8)
    allotted = [claim.granted_ms for claim in world.cluster(cluster).claims]
    return world.until(max([world.at_ms, *(at_ms for at_ms in allotted if at_ms)]))


def _lived_in(scenario: str, seed: int) -> World:
    return World(scenario, seed=seed, lived_in=True)


MODES = ("VM_ONLY", "HOST_AWARE", "EVICT_WITHOUT_REPLACEMENT", "REBOOT_VM", "HOST_POWER_CYCLE")
TIGHT = _tight(rules("empty"))
STARTING_WORLDS: dict[str, Callable[[int], World]] = {
    **{name: partial(_lived_in, name) for name in SCENARIOS},
    "tight": lambda seed: World(rules_=TIGHT, seed=seed),
    "tight-and-failing": lambda seed: World(
        rules_=with_chances(TIGHT, boot_failed=0.4, tests_failed=0.4, nccl_failed=0.4, provisioning_failed=0.4),
        seed=seed,
    ),
    "kept-volumes": lambda seed: World(rules_=with_switches(TIGHT, inline_volumes="kept"), seed=seed),
}
STARTING_WORLDS["in-full-swing"] = _in_full_swing
STARTING_WORLD_NAMES = tuple(STARTING_WORLDS)
CONTENDED = ("capacity-crunch", "tight", "tight", "tight-and-failing")

TIMEOUTS = (None, None, 1, 5, 60)
NODES = (8, 8, 16, 24)


def _wait(pick: Random) -> tuple[str, int]:
    """How long to wait before a step: nothing, seconds to days, or until just before, at or after a change."""
    return pick.choice(
        [
            ("ms", 0),
            ("ms", pick.choice([1, SECOND, 20 * SECOND])),
            ("ms", pick.randrange(3 * MINUTE)),
            ("ms", pick.randrange(3 * MINUTE)),
            ("ms", pick.randrange(30 * MINUTE)),
            ("ms", pick.randrange(pick.choice([4 * HOUR, 4 * DAY]))),
            ("next", pick.choice([-1, 0, 0, 1])),
            ("next", pick.choice([-1, 0, 0, 1])),
        ]
    )


def _new_endpoint(pick: Random) -> dict[str, Any]:
    return {
        "gpus": pick.choice([1, 2, 2, 4]),
        "gpu": pick.choice(["h100_80gb_sxm", "h100_80gb_sxm", "h200_140gb_sxm"]),
        "low": pick.choice([0, 1, 1, 1, 2, 3]),
        "started": pick.random() < 0.9,
        "inactive_timeout": pick.choice(TIMEOUTS),
        "zone": pick.choice([None, None, "us-central-4b", "us-east-1a"]),
    }


def _new_cluster(pick: Random) -> dict[str, Any]:
    return {
        "num_gpus": pick.choice(NODES),
        "billing": pick.choice(["ON_DEMAND", "RESERVED", "SCHEDULED_CAPACITY"]),
        "starts_in": pick.choice([None, None, MINUTE, 2 * HOUR]),
        "ends_in": pick.choice([3 * MINUTE, 8 * MINUTE, 4 * HOUR]),
        "slurm": pick.random() < 0.2,
        "preemptible": pick.choice([0, 8, 16]),
        "auto_scale": pick.random() < 0.3,
        "tests": pick.random() < 0.5,
        "volume": pick.choice(["none", "existing", "inline", "independent"]),
        "which": pick.randrange(4),
    }


_ENDPOINT_COMMANDS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "create": _new_endpoint,
    "start": lambda pick: {},
    "stop": lambda pick: {},
    "delete": lambda pick: {},
    "rename": lambda pick: {},
    "scale": lambda pick: {"low": pick.randrange(4)},
    "timeout": lambda pick: {"minutes": pick.choice(TIMEOUTS)},
    "use": lambda pick: {},
}
_CLUSTER_COMMANDS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "create_cluster": _new_cluster,
    "put_cluster": lambda pick: pick.choice(
        [
            {"num_gpus": pick.choice(NODES)},
            {"num_gpus": pick.choice(NODES)},
            {"num_preemptible_gpus": pick.choice([0, 8, 16, 24])},
            {"num_gpus": pick.choice(NODES), "num_preemptible_gpus": pick.choice([0, 8, 16, 24])},
        ]
    ),
    "end_cluster": lambda pick: {"ends_in": pick.randrange(1, pick.choice([10 * MINUTE, 2 * DAY]))},
    "configure_cluster": lambda pick: {},
    "equip_cluster": lambda pick: {"name": pick.choice("ab")},
    "delete_cluster": lambda pick: {},
}
_VOLUME_COMMANDS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "create_volume": lambda pick: {"size": pick.randrange(1, 4)},
    "resize": lambda pick: {"size": pick.randrange(1, 5)},
    "delete_volume": lambda pick: {},
}
_ENDPOINT_WEIGHTS = {"create": 4, "start": 2, "stop": 3, "delete": 2, "rename": 1, "scale": 3, "timeout": 2, "use": 3}
_CLUSTER_WEIGHTS = {
    "create_cluster": 3,
    "put_cluster": 4,
    "end_cluster": 2,
    "configure_cluster": 1,
    "equip_cluster": 1,
    "delete_cluster": 2,
}


_EVENTS = (
    "endpoint.fail",
    "hardware.run_out",
    "hardware.come_back",
    *(name for name in EVENTS if name.startswith(("node.", "alert.", "cluster."))),
    *(name for name in EVENTS if name.startswith(("node.", "alert.", "preemptible."))),
    *(name for name in EVENTS if name.startswith(("node.", "alert.", "preemptible."))),
    "volume.fail",
    "credits.exhaust",
    "credits.restore",
    "credits.restore",
)
_EVENT_COMMANDS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "event": lambda pick: {
        "event": pick.choice(_EVENTS),
        "node": pick.randrange(4),
        "alert": pick.choice(["DmesgXidError", "NpdXfsShutdown", "IBLinkFlapping", "KubeNodeDiskPressure"]),
        "hardware": pick.choice(["h100_80gb_sxm", "H100_SXM"]),
    },
    "remediate": lambda pick: {"node": pick.randrange(4), "mode": pick.choice(MODES)},
    "review": lambda pick: {
        "verdict": pick.choice(["approve", "approve", "reject", "cancel"]), "mode": pick.choice([None, *MODES])
    },
}  # fmt: skip


def histories(
    *, endpoints: bool = True, clusters: bool = True, events: bool = False, most: int = 24
) -> st.SearchStrategy[list[Step]]:
    """Each step is drawn evenly from a number of its own, so that a failing history shrinks step by step."""
    commands = {**_VOLUME_COMMANDS} if clusters else {}
    weights = {"create_volume": 2, "resize": 1, "delete_volume": 1} if clusters else {}
    births: list[str] = []
    if endpoints:
        commands |= _ENDPOINT_COMMANDS
        weights |= _ENDPOINT_WEIGHTS
        births += ["create"]
    if clusters:
        commands |= _CLUSTER_COMMANDS
        weights |= _CLUSTER_WEIGHTS
        births += ["create_cluster"]

    if events:
        commands |= _EVENT_COMMANDS
        weights |= {"event": 20, "remediate": 6, "review": 8}

    def step(number: int, born: bool) -> Step:
        pick = Random(number)
        names = births if born else list(weights)
        command = pick.choices(names, [weights[name] for name in names])[0]
        return _wait(pick), command, {"which": pick.randrange(4), **commands[command](pick)}

    def steps(numbers: list[int]) -> list[Step]:
        return [step(number, place < 2) for place, number in enumerate(numbers)]

    return st.lists(st.integers(0, 2**32 - 1), min_size=6, max_size=most).map(steps)


EVENTFUL = st.one_of(histories(events=True), histories(endpoints=False, events=True))
UNEVENTFUL = st.one_of(histories(), histories(clusters=False), histories(endpoints=False))
ANYTHING = st.one_of(UNEVENTFUL, EVENTFUL)


@dataclass(frozen=True)
class Past:
    """A command that was accepted or refused: its instant, and the rows before and after it."""

    at_ms: int
    command: str
    refusal: Refusal | None
    before: Rows
    after: Rows


def play(world: World, steps: Sequence[Step], *, watch: Callable[[World], None] = lambda world: None) -> list[Past]:
    """Run the commands; `watch` is called after every wait, before the command."""
    played = []
    for (unit, amount), command, given in steps:
        wait_ms = amount
        if unit == "next":
            coming = schedule.next_of_world(world.view())
            wait_ms = max(coming - world.at_ms + amount, 0) if coming is not None else MINUTE
        world.wait(wait_ms)
        watch(world)
        before = world.rows.copy()
        refusal = None
        try:
            _run_command(world, command, dict(given))
        except Refusal as refused:
            refusal = refused
        played.append(Past(world.at_ms, command, refusal, before, world.rows.copy()))
    return played


def _pick(rows: Sequence[Any], which: int) -> Any | None:
    return rows[which % len(rows)] if rows else None


def _apply_event(world: World, given: dict[str, Any]) -> None:
    """Apply an event to a random subject of the world; it is refused where there is none."""
    event, which = given["event"], given["which"]
    view = world.view()
    about: dict[str, Any] = {}
    found = {
        "endpoint_id": list(view.scan(endpoint_record.KIND)),
        "cluster_id": [cluster.id for cluster in cluster_record.listing(view, None)],
        "volume_id": [volume.id for volume in volume_record.listing(view, None)],
    }
    _, taken = EVENTS[event]
    for field, ids in found.items():
        if field in taken:
            about[field] = _pick(ids, which) or "nothing"
    if "hardware" in taken:
        about["hardware"] = given["hardware"]
    if "alert" in taken and event != "alert.clear":
        about["alert"] = given["alert"]
    if "node_id" in taken and about["cluster_id"] != "nothing":
        cluster = cluster_record.find(view, about["cluster_id"])
        workers = cluster_record.live_nodes(cluster, world.at_ms, "standard", "preemptible")
        node = _pick(workers, given["node"])
        assert node is not None
        about["node_id"] = node.name
    world.apply_event(event, **about)


def _repair(world: World, command: str, given: dict[str, Any]) -> None:
    """Create a remediation, or review the newest of a cluster."""
    cluster = _pick(list(cluster_record.listing(world.view(), None)), given["which"])
    if cluster is None:
        return
    if command == "remediate":
        workers = cluster_record.live_nodes(cluster, world.at_ms, "standard", "preemptible")
        node = _pick(workers, given["node"])
        assert node is not None
        world.remediate(cluster, node, given["mode"])
    elif cluster.remediations:
        newest = cluster.remediations[-1]
        named = (cluster.id, newest.instance_id, newest.id)
        verdict = given["verdict"]
        if verdict == "approve":
            world.run(lambda transaction: remediation_commands.approve(transaction, *named, None, given["mode"]))
        elif verdict == "reject":
            world.run(lambda transaction: remediation_commands.reject(transaction, *named, None))
        else:
            world.run(lambda transaction: remediation_commands.cancel(transaction, *named))


def _run_command(world: World, command: str, given: dict[str, Any]) -> None:
    view = world.view()
    if command == "event":
        _apply_event(world, given)
    elif command in ("remediate", "review"):
        _repair(world, command, given)
    elif command == "create":
        given.pop("which", None)
        world.create(given.pop("gpus"), **given)
    elif command in _ENDPOINT_COMMANDS:
        endpoint = _pick(list(view.scan(endpoint_record.KIND).values()), given["which"])
        if endpoint is not None:
            _change_endpoint(world, endpoint, command, given)
    elif command == "create_cluster":
        _create_cluster(world, given)
    elif command.endswith("_cluster"):
        cluster = _pick(list(cluster_record.listing(view, None)), given.pop("which"))
        if cluster is not None:
            _change_cluster(world, cluster, command, given)
    elif command == "create_volume":
        world.create_volume(given["size"])
    else:
        volume = _pick(list(volume_record.listing(view, None)), given["which"])
        if volume is not None and command == "resize":
            world.resize(volume, given["size"])
        elif volume is not None:
            world.delete_volume(volume)


def _change_endpoint(world: World, endpoint: Any, command: str, given: dict[str, Any]) -> None:
    if command == "rename":
        world.patch(endpoint, display_name="another name")
    elif command == "scale":
        world.patch(endpoint, bounds=(given["low"], max(given["low"], 1)))
    elif command == "timeout":
        world.patch(endpoint, inactive_timeout=given["minutes"])
    elif command == "use":
        world.run(lambda transaction: inference_requests.use(transaction, endpoint.name))
    else:
        getattr(world, command)(endpoint)


def _create_cluster(world: World, given: dict[str, Any]) -> None:
    billing = given["billing"]
    starts_in = given["starts_in"]
    body: dict[str, Any] = {
        "num_gpus": given["num_gpus"],
        "billing_type": billing,
        "duration_days": 1 if billing == "RESERVED" else None,
        "cluster_type": "SLURM" if given["slurm"] else "KUBERNETES",
        "num_preemptible_gpus": 0 if given["slurm"] else given["preemptible"],
        "project_id": "proj",
        "acceptance_tests_params": {"enabled": given["tests"]},
    }
    if given["auto_scale"]:
        body |= {"auto_scale": True, "auto_scale_max_gpus": 64}
    if given["volume"] == "existing":
        known = [volume for volume in volume_record.listing(world.view(), None) if volume.region == REGION]
        volume = _pick(known, given["which"])
        body["volume_id"] = volume.id if volume else None
    elif given["volume"] != "none":
        independent = given["volume"] == "independent"
        body["shared_volume"] = {
            "volume_name": "inline", "size_tib": 1, "region": REGION, "is_lifecycle_independent": independent
        }  # fmt: skip
    starts = None if starts_in is None else world.at_ms + starts_in
    ends = (starts or world.at_ms) + given["ends_in"]
    world.create_cluster(starts=starts, ends=ends if billing == "SCHEDULED_CAPACITY" else None, **body)


def _change_cluster(world: World, cluster: Any, command: str, given: dict[str, Any]) -> None:
    if command == "put_cluster":
        world.put(cluster, **given)
    elif command == "end_cluster":
        world.put(cluster, ends=world.at_ms + given["ends_in"])
    elif command == "configure_cluster":
        world.put(cluster, cluster_config={"slurm_partition": str(world.at_ms)})
    elif command == "equip_cluster":
        wish = {"name": given["name"], "add_on_type": "ingress"}
        world.run(lambda transaction: add_ons.create(transaction, cluster.id, wish))
    else:
        world.delete_cluster(cluster)


def spans(world: World, past: Sequence[Past], *, after_ms: int = 2 * DAY) -> Iterator[tuple[Rows, int, int]]:
    """Each state of the rows with the instants from which and until which (excluded) it was in force."""
    for number, one in enumerate(past):
        until_ms = past[number + 1].at_ms if number + 1 < len(past) else one.at_ms + after_ms
        if until_ms > one.at_ms:
            yield one.after, one.at_ms, until_ms


def instants(world: World, rows: Rows, from_ms: int, until_ms: int) -> list[int]:
    """The instants of a span at which something happens, each with those just before and after; bounded in number."""
    view = View(world.setup, rows, from_ms)
    found = {mark.at_ms for _, _, line in lines(view) for mark in line}
    for _, row in resources(view):
        found |= {claim.granted_ms for claim in getattr(row, "claims", ()) if claim.granted_ms is not None}
    around = {from_ms, until_ms - 1} | {at + offset for at in found for offset in (-1, 0, 1)}
    kept = sorted(at for at in around if from_ms <= at < until_ms)
    return kept[:: max(len(kept) // 40, 1)] if len(kept) > 60 else kept
