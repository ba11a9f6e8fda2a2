"""Health alerts and remediations as their cluster stores them, and what a read sees of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mockserver.simulation.kernel.timeline import Timeline, facts, first, observe

KIND = "remediation"
PENDING_APPROVAL, PENDING, RUNNING = "PENDING_APPROVAL", "PENDING", "RUNNING"
SUCCEEDED, FAILED, CANCELLED, AUTO_RESOLVED = "SUCCEEDED", "FAILED", "CANCELLED", "AUTO_RESOLVED"
OVER = frozenset({SUCCEEDED, FAILED, CANCELLED, AUTO_RESOLVED})

MODE = "REMEDIATION_MODE_"
REBOOTS = frozenset({"REBOOT_VM", "HOST_POWER_CYCLE"})
EVICTS = "EVICT_WITHOUT_REPLACEMENT"
QUARANTINES = frozenset({"HOST_AWARE", "HOST_POWER_CYCLE"})
"""The modes that close the host to others first."""
MANUAL, AUTOMATED = "REMEDIATION_TRIGGER_MANUAL", "REMEDIATION_TRIGGER_AUTOMATED"


class Alert(NamedTuple):
    """A passive health check alert. It fires until `resolved_ms` (None: no end is promised).

    `degrades`: the cluster is degraded for as long as it fires.
    """

    id: str
    node_id: str
    instance_id: str
    vm: str
    name: str
    severity: str
    annotations: Mapping[str, str]
    started_ms: int
    resolved_ms: int | None = None
    remediation_id: str | None = None
    degrades: bool = False

    def firing(self, t_ms: int) -> bool:
        """Whether it fires at an instant."""
        return self.started_ms <= t_ms and (self.resolved_ms is None or self.resolved_ms > t_ms)


class Remediation(NamedTuple):
    """A repair of one node. `mode` is the part of the API's name after REMEDIATION_MODE_.

    `accepted` counts the commands that moved it; `edited_ms` is the last change that was no move.
    """

    id: str
    node_id: str
    instance_id: str
    instance_name: str
    mode: str
    trigger: str
    requested_by: str
    line: Timeline
    reason: str | None = None
    reviewed_by: str | None = None
    review_ms: int | None = None
    review_comment: str | None = None
    error: str | None = None
    edited_ms: int = 0
    accepted: int = 0

    @property
    def created_ms(self) -> int:
        """When it was created."""
        return self.line[0].at_ms


def state(remediation: Remediation, t_ms: int) -> str:
    """The remediation's state at an instant."""
    return observe(remediation.line, t_ms).phase


def begun_ms(remediation: Remediation) -> int | None:
    """When it began or will begin to run, or None."""
    return first(remediation.line, RUNNING)


def ended_ms(remediation: Remediation, t_ms: int) -> int | None:
    """When it ended, or None while it has not."""
    last = observe(remediation.line, t_ms)
    return last.at_ms if last.phase in OVER else None


def updated_ms(remediation: Remediation, t_ms: int) -> int:
    """The last change of any field, as of an instant."""
    return max(facts(remediation.line, t_ms)[-1].at_ms, remediation.edited_ms)
