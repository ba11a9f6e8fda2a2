"""The rules of what one answer promises of another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from contract_tests.judge.registry import rule
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import objects


def _node_ids(view: Mapping[str, Any], field: str) -> set[str]:
    return {str(item.get("node_id")) for item in objects(view.get(field))}


@rule(
    "attached-volume-stays",
    suite="lifecycle",
    reason="A volume that is deleted under a running cluster takes its data along.",
    source="spec/v1.yaml: SharedVolumeService_Delete fails while it is attached",
)
def attached_volume_stays(exchange: Exchange) -> Iterator[str]:
    """An attached volume cannot be deleted."""
    if exchange.ok:
        yield f"the volume is attached to a cluster, and its delete was answered with {exchange.status}"
    elif exchange.status not in (400, 409):
        yield f"the volume is attached to a cluster; its delete was answered with {exchange.answered}, not 400"


@rule(
    "delete-says-so",
    suite="lifecycle",
    reason="The answer to a delete says that it was done, and to what.",
    source="spec/v1.yaml: GPUClustersSharedVolumeDeleteResponse, GPUClusterDeleteResponse",
)
def delete_says_so(exchange: Exchange, found: str) -> Iterator[str]:
    """A delete that is accepted says success, or the id of what it deleted."""
    body = exchange.shown if isinstance(exchange.shown, dict) else {}
    if exchange.ok and body.get("success", True) is not True:
        yield f"the delete was answered with {exchange.status} and success: {body['success']}"
    if exchange.ok and body.get("cluster_id", found) != found:
        yield f"{found} was deleted, the answer names {body['cluster_id']}"


@rule(
    "placed-as-asked",
    suite="lifecycle",
    reason="Who names a zone has its reasons: data, latency, law.",
    source="spec/v1.yaml: availability_zone",
)
def placed_as_asked(view: Mapping[str, Any], zone: str) -> Iterator[str]:
    """An endpoint that has started is in the zone that was asked for."""
    if view.get("state") == "STARTED" and "availability_zone" in view and view["availability_zone"] != zone:
        yield f"availability_zone is {view['availability_zone']}, asked for was {zone}"


@rule(
    "attached-is-shown",
    suite="lifecycle",
    reason="A cluster shows the volumes it mounts.",
    source="spec/v1.yaml: GPUClusterInfo.volumes",
)
def attached_is_shown(cluster: Mapping[str, Any], volume_id: str, there: bool) -> Iterator[str]:
    """The volume a cluster was created with is among its volumes."""
    ids = [volume.get("volume_id") for volume in cluster.get("volumes") or [] if isinstance(volume, dict)]
    if there and volume_id not in ids:
        yield f"volume {volume_id} is attached, but the cluster shows {ids or 'none'}"


@rule(
    "volume-comes-and-goes",
    suite="lifecycle",
    reason="A volume is bound while its cluster lives, and free again afterwards.",
    source="spec/lifecycles.yaml: volume",
)
def volume_comes_and_goes(state: str | None, expected: str) -> Iterator[str]:
    """A volume is in the state that its cluster's life calls for; one that could not be made stays failed."""
    if state not in (expected, "failed"):
        yield f"the volume is {state}, not {expected}"


@rule(
    "nodes-follow-num-gpus",
    suite="lifecycle",
    reason="What was scaled away is gone, and told as such.",
    source="spec/v1.yaml: deleted_gpu_worker_nodes, num_gpus",
)
def nodes_follow_num_gpus(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Nodes that left are in the deleted list with the instant; nodes that stay keep their ids."""
    old, new = _node_ids(before, "gpu_worker_nodes"), _node_ids(after, "gpu_worker_nodes")
    gone = _node_ids(after, "deleted_gpu_worker_nodes")
    if after.get("num_gpus", 0) <= before.get("num_gpus", 0) and not new <= old:
        yield "the cluster was made smaller, and has new nodes"
    if after.get("num_gpus", 0) >= before.get("num_gpus", 0) and not old <= new:
        yield "the cluster was not made smaller, and lost nodes"
    for item in sorted(old - new - gone):
        yield f"node {item} left, but is not among the deleted ones"


@rule(
    "same-name-same-repair",
    suite="lifecycle",
    reason="remediation_id makes a create safe to repeat.",
    source="spec/v1.yaml: remediation_id",
)
def same_name_same_repair(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    """The same remediation_id again gives the first remediation back."""
    for name in ("id", "create_time", "mode", "instance_id"):
        if first.get(name) != second.get(name):
            yield f"{name} was {first.get(name)} and is {second.get(name)} when asked for again"


@rule(
    "command-takes-effect",
    suite="lifecycle",
    reason="A command that is accepted and does nothing is worse than one that is refused.",
    source="spec/lifecycles.yaml: moves by commands",
)
def command_takes_effect(what: str, state: str | None, expected: Collection[str]) -> Iterator[str]:
    """After an accepted command the resource is where the command leads."""
    if state not in expected:
        yield f"after {what} it is {state}, not {' or '.join(sorted(expected))}"


@rule(
    "latest-repair-shown",
    suite="lifecycle",
    reason="A worker shows its newest remediation.",
    source="spec/v1.yaml: latest_remediation",
)
def latest_repair_shown(cluster: Mapping[str, Any], instance_id: str, remediation_id: str) -> Iterator[str]:
    """latest_remediation of a worker is the newest one of its instance."""
    for node in cluster.get("gpu_worker_nodes") or []:
        if isinstance(node, dict) and node.get("instance_id") == instance_id:
            shown = (node.get("latest_remediation") or {}).get("id")
            if shown != remediation_id:
                yield f"latest_remediation of {instance_id} is {shown}, the newest is {remediation_id}"


@rule(
    "usage-adds-up",
    suite="inference",
    reason="Tokens are billed.",
    source="spec/v1.yaml: CompletionUsage",
)
def usage_adds_up(body: Mapping[str, Any], most: int | None) -> Iterator[str]:
    """total_tokens is the sum of the others, and no more are written than allowed."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return
    counts = [usage.get(f"{name}_tokens") for name in ("prompt", "completion", "total")]
    prompt, written, total = (item if isinstance(item, int) else 0 for item in counts)
    if prompt + written != total or min(prompt, written) < 0:
        yield f"{prompt} prompt tokens and {written} completion tokens are not {total}"
    if most is not None and written > most * max(1, len(body.get("choices") or [])):
        yield f"{written} completion tokens, asked for were at most {most}"


@rule(
    "job-of-the-upload",
    suite="lifecycle",
    reason="A job is followed for what it imports.",
    source="spec/v1.yaml: JobInfoSuccessResponse.args",
)
def job_of_the_upload(job: Mapping[str, Any], body: Mapping[str, Any], model_name: str) -> Iterator[str]:
    """A job's args are those of the upload that began it."""
    args = job.get("args")
    if not isinstance(args, dict):
        return
    if "modelName" in args and args["modelName"] not in (model_name, body.get("model_name")):
        yield f"the job imports {args['modelName']}, asked for was {body.get('model_name')}"
    if "description" in args and args["description"] != body.get("description", ""):
        yield f"the job's description is {args['description']!r}, asked for was {body.get('description', '')!r}"


@rule(
    "asked-model-answers",
    suite="inference",
    reason="Who asks one model and is answered by another is billed and judged for the wrong one.",
    source="spec/v1.yaml: ChatCompletion.model, Completion.model",
)
def asked_model_answers(body: Mapping[str, Any], asked: Any) -> Iterator[str]:
    """The answer names the model that was asked."""
    if "model" in body and body["model"] != asked:
        yield f"{asked} was asked, {body['model']} answered"


@rule(
    "choices-as-asked",
    suite="inference",
    reason="Who asks for several choices reads the second one.",
    source="spec/v1.yaml: ChatCompletionRequest.n",
)
def choices_as_asked(body: Mapping[str, Any], count: int) -> Iterator[str]:
    """There are as many choices as asked for, numbered from 0."""
    found = [item.get("index") for item in objects(body.get("choices"))]
    if found != list(range(count)):
        yield f"{count} choices were asked for, their numbers are {found}"


@rule(
    "stream-is-whole",
    suite="inference",
    reason="Clients read a stream chunk by chunk and know its end by [DONE].",
    source="spec/v1.yaml: ChatCompletionChunk, CompletionChunk",
)
def stream_is_whole(events: Sequence[Any], problems: Sequence[str]) -> Iterator[str]:
    """A stream is JSON chunks that keep their schema, of one id, and ends in [DONE]."""
    yield from problems
    if not events or events[-1] != "[DONE]":
        yield "the stream does not end in [DONE]"
    chunks = objects(list(events[:-1]))
    if len({item.get("id") for item in chunks}) > 1:
        yield "the chunks have different ids"
    if not any(item.get("finish_reason") for chunk in chunks for item in objects(chunk.get("choices"))):
        yield "no chunk says why it finished"


@rule(
    "inference-only-when-started",
    suite="inference",
    reason="A client must learn that nobody answers, not be answered by nobody.",
    source="spec/v1.yaml: chat-completions; code dedicated_endpoint_not_running",
)
def inference_only_when_started(exchange: Exchange, state: str) -> Iterator[str]:
    """A started endpoint answers, any other refuses with 400."""
    if state == "STARTED" and not exchange.ok:
        yield f"the endpoint is STARTED, and inference was answered with {exchange.answered}"
    if state != "STARTED" and exchange.status != 400:
        yield f"the endpoint is {state}, and inference was answered with {exchange.answered}, not 400"


@rule(
    "adapter-bound",
    suite="lifecycle",
    reason="What is bound is listed until it is removed.",
    source="spec/v1.yaml: listAdapters",
)
def adapter_bound(names: Collection[str], model_id: str, bound: bool) -> Iterator[str]:
    """The list of adapters shows what was added, until it is removed."""
    if (model_id in names) != bound:
        yield f"{model_id} was {'added' if bound else 'removed'}, and the list shows {', '.join(names) or 'none'}"


@rule(
    "add-on-kept",
    suite="lifecycle",
    reason="An add-on is what was asked for, until it is deleted.",
    source="spec/v1.yaml: InstanceClusterAddOnService",
)
def add_on_kept(names: Collection[str], name: str, there: bool, where: str) -> Iterator[str]:
    """An add-on is in a list exactly while it should be."""
    if (name in names) != there:
        yield f"add-on {name} {'is not' if there else 'is'} in {where}"


@rule(
    "evicted-is-gone",
    suite="lifecycle",
    reason="An eviction without replacement leaves one worker less.",
    source="spec/v1.yaml: REMEDIATION_MODE_EVICT_WITHOUT_REPLACEMENT",
)
def evicted(instance: str, left: set[str], before: int) -> Iterator[str]:
    """The evicted worker is not among those that are left."""
    if instance in left or len(left) != before - 1:
        yield f"{len(left)} of {before} workers are left after {instance} was evicted"


@rule(
    "named-as-asked",
    suite="lifecycle",
    reason="A remediation has the id that its create gave it.",
    source="spec/v1.yaml: remediation_id",
)
def named_as_asked(name: str, shown: Any) -> Iterator[str]:
    """The id is the one that was asked for."""
    if not isinstance(shown, dict) or shown.get("id") != name:
        yield f"remediation_id={name} was asked for, the id is {shown.get('id') if isinstance(shown, dict) else shown}"


@rule(
    "review-is-shown",
    suite="lifecycle",
    reason="Who agreed, when and in which words is what an audit asks for.",
    source="spec/v1.yaml: reviewed_by, review_time, review_comment",
)
def reviewed(shown: Any, comment: str) -> Iterator[str]:
    """A reviewed remediation shows who reviewed it, when, and the comment."""
    for name in ("reviewed_by", "review_time"):
        if isinstance(shown, dict) and not shown.get(name):
            yield f"{name} is missing"
    if isinstance(shown, dict) and shown.get("review_comment") != comment:
        yield f"review_comment is {shown.get('review_comment')!r}, not {comment!r}"


@rule(
    "model-there-when-complete",
    suite="lifecycle",
    reason="A model can be used once its upload is complete, and not before.",
    source="spec/lifecycles.yaml: job",
)
def there_when_complete(names: set[str], model: str, there: bool) -> Iterator[str]:
    """The list of models shows an upload exactly from its completion on."""
    if (model in names) != there:
        yield f"{model} {'is not' if there else 'is'} listed, its job is {'complete' if there else 'not complete'}"
