"""The kinds of rows that a world consists of, and what a row of each kind is.

A kind that is missing here cannot be written into a snapshot: a new one is one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.simulation import events
from mockserver.simulation.account import credit
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel import capacity
from mockserver.simulation.models import jobs, uploads
from mockserver.simulation.volumes import record as volume_record

ROWS: Mapping[str, Any] = {
    endpoint_record.KIND: endpoint_record.Endpoint,
    "serverless": endpoint_record.Serverless,
    cluster_record.KIND: cluster_record.Cluster,
    volume_record.KIND: volume_record.Volume,
    jobs.KIND: jobs.Job,
    uploads.KIND: uploads.Upload,
    "pool": capacity.Pool,
    events.KIND: events.ScheduledEvent,
    credit.KIND: str,
    # How many of a kind there were, and under "graves" which rows go when.
    "ordinal": int | Mapping[tuple[str, str], int],
}
