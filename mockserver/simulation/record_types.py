"""The kinds of rows of a world, and the type of each.

A kind that is missing here cannot be written into a snapshot: add a line for a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.simulation import events
from mockserver.simulation.account import credit
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel import capacity
from mockserver.simulation.models import jobs
from mockserver.simulation.models import record as model_record
from mockserver.simulation.volumes import record as volume_record

ROWS: Mapping[str, Any] = {
    endpoint_record.KIND: endpoint_record.Endpoint,
    "serverless": endpoint_record.Serverless,
    cluster_record.KIND: cluster_record.Cluster,
    volume_record.KIND: volume_record.Volume,
    jobs.KIND: jobs.Job,
    model_record.KIND: model_record.Upload,
    "pool": capacity.Pool,
    events.KIND: events.ScheduledEvent,
    credit.KIND: str,
    # How many rows of a kind were ever made, and the tombstones (`transaction.TOMBSTONES`).
    "ordinal": int | Mapping[tuple[str, str], int],
}
