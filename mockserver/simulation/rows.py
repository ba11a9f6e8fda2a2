"""The kinds of rows that a world consists of, and what a row of each kind is.

A kind that is missing here cannot be written into a snapshot: a new one is one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.simulation import cluster_rows, credit, endpoint_rows, events, jobs, models, stock, volumes

ROWS: Mapping[str, Any] = {
    endpoint_rows.KIND: endpoint_rows.Endpoint,
    "serverless": endpoint_rows.Serverless,
    cluster_rows.KIND: cluster_rows.Cluster,
    volumes.KIND: volumes.Volume,
    jobs.KIND: jobs.Job,
    models.KIND: models.Upload,
    "pool": stock.Pool,
    events.KIND: events.Happening,
    credit.KIND: str,
    # How many of a kind there were, and under "graves" which rows go when.
    "ordinal": int | Mapping[tuple[str, str], int],
}
