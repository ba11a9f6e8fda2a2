"""The rules of the edition of 2024, and of its agreement with today's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract_tests.judge.registry import rule
from contract_tests.model.views import instant_ms


def word_of(endpoint: dict[str, Any]) -> Any:
    """The word of an endpoint's deployment; None where it has none."""
    deployments = endpoint.get("deployments")
    first = deployments[0] if isinstance(deployments, list) and deployments else None
    return first.get("status") if isinstance(first, dict) else None


@rule(
    "editions-agree",
    suite="editions",
    reason="Two editions speak of one account.",
    source="spec/guide-2024.yaml: what is done here is seen there",
)
def editions_agree(what: str, older: Any, newer: Any) -> Iterator[str]:
    """What the older edition shows is what today's shows, in its own words."""
    if older != newer:
        yield f"{what} is {older!r} in the edition of 2024 and {newer!r} in today's"


@rule(
    "hardware-is-one",
    suite="editions",
    reason="What a model fits on is part of the catalogue, at the same price.",
    source="spec/guide-2024.yaml: ModelHardware, Hardware",
)
def same_hardware(entry: dict[str, Any], known: dict[str, Any] | None) -> Iterator[str]:
    """Each entry for a model is in the whole catalogue."""
    if known is None:
        yield f"{entry.get('name')} is listed for a model, but not in the catalogue"
        return
    for name in ("pricing", "specs"):
        if entry.get(name) != known.get(name):
            yield f"{name} of {entry.get('name')} is {entry.get(name)} for a model, {known.get(name)} in the catalogue"


@rule(
    "job-is-one",
    suite="editions",
    reason="A job is the same in the list and by itself.",
    source="spec/guide-2024.yaml: Job",
)
def same_job(listed: dict[str, Any], got: Any) -> Iterator[str]:
    """List and get agree on what does not move."""
    for name in ("type", "job_id", "args", "created_at"):
        if isinstance(got, dict) and listed.get(name) != got.get(name):
            yield f"{name} is {got.get(name)!r}, and {listed.get(name)!r} in the list"
    for item in (listed, got):
        updates = item.get("status_updates") if isinstance(item, dict) else None
        times = [instant_ms(step.get("timestamp")) for step in updates or [] if isinstance(step, dict)]
        if [at for at in times if at is not None] != sorted(at for at in times if at is not None):
            yield "its updates are not in the order of time"
        last = updates[-1].get("status") if updates else None
        if isinstance(item, dict) and updates and (last == "started") != (item.get("status") == "processing"):
            yield f"its updates end in {last}, its status is {item.get('status')}"


@rule(
    "deployment-follows",
    suite="editions",
    reason="What a start begins and a stop ends is a deployment.",
    source="spec/guide-2024.yaml: Deployment; spec/lifecycles.yaml: endpoint",
)
def deployment_follows(what: str, shown: Any, expected: tuple[str | None, ...]) -> Iterator[str]:
    """After a command the endpoint's deployments are what the command leads to."""
    word = word_of(shown) if isinstance(shown, dict) else shown
    if word not in expected:
        yield f"after {what} the deployment is {word}, not {' or '.join(str(item) for item in expected)}"


@rule(
    "endpoint-is-what-was-asked",
    suite="editions",
    reason="A new endpoint is of the model that was asked for, under the suffix that was asked for.",
    source="spec/guide-2024.yaml: CreateEndpointRequest",
)
def as_asked(shown: dict[str, Any], model: dict[str, Any], suffix: str) -> Iterator[str]:
    """Model and suffix are in what is shown."""
    got = shown.get("model")
    if isinstance(got, dict) and got.get("name") != model.get("name"):
        yield f"the model is {got.get('name')}, asked for was {model.get('name')}"
    if isinstance(got, dict) and got.get("id") != model.get("id"):
        yield f"the model's id is {got.get('id')}, the list has {model.get('id')}"
    if not str(shown.get("name", "")).endswith(suffix):
        yield f"the name {shown.get('name')} does not end in {suffix}"


@rule(
    "listed-as-made",
    suite="editions",
    reason="The list shows what the create showed.",
    source="spec/guide-2024.yaml: Endpoint",
)
def listed_as_made(made: dict[str, Any], listed: dict[str, Any] | None) -> Iterator[str]:
    """A new endpoint is in the list, as its create showed it."""
    if listed is None:
        yield f"endpoint {made.get('id')} is not in the list"
        return
    for name in sorted(made.keys() & listed.keys()):
        if made[name] != listed[name]:
            yield f"{name} is {listed[name]!r} in the list, the create showed {made[name]!r}"


@rule(
    "deleted-is-not-listed",
    suite="editions",
    reason="What was deleted is gone.",
    source="spec/guide-2024.yaml: DELETE",
)
def listed_when_deleted(listed: dict[str, Any] | None) -> Iterator[str]:
    """A deleted endpoint is not in the list."""
    if listed is not None:
        yield f"endpoint {listed.get('id')} was deleted and is in the list"


@rule(
    "bounds-kept",
    suite="editions",
    reason="A start with bounds runs within them.",
    source="spec/guide-2024.yaml: StartEndpointRequest",
)
def bounds_kept(shown: Any, low: int, high: int) -> Iterator[str]:
    """The deployment has the bounds that were asked for."""
    deployments = shown.get("deployments") if isinstance(shown, dict) else None
    for item in deployments or []:
        if item.get("autoscaling") != {"min_replicas": low, "max_replicas": high}:
            yield f"autoscaling is {item.get('autoscaling')}, asked for were {low} to {high}"


@rule(
    "import-stays-what-it-is",
    suite="editions",
    reason="A job does not become another one.",
    source="spec/guide-2024.yaml: Job",
)
def job_stays(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Between two looks a job keeps what does not move, and what is over stays over."""
    for name in ("type", "job_id", "args", "created_at"):
        if before.get(name) != after.get(name):
            yield f"{name} was {before.get(name)!r} and is now {after.get(name)!r}"
    if before.get("status") != "processing" and before.get("status") != after.get("status"):
        yield f"it was {before.get('status')} and is now {after.get('status')}"


@rule(
    "import-ends",
    suite="editions",
    reason="An import that never ends keeps its client waiting.",
    source="spec/lifecycles.yaml: job",
)
def job_ended(job: dict[str, Any]) -> Iterator[str]:
    """After hours an import is over."""
    if job.get("status") == "processing":
        yield "an import is still processing after more than an hour"
