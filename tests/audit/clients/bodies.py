"""Clients whose body is wrong: its fields, its form, its type, or that it is there."""

from __future__ import annotations

from typing import Any

from tests.audit.clients import slips
from tests.audit.clients.entries import Entry, add
from tests.audit.clients.honest import STORIES, Slip, new_endpoint
from tests.audit.clients.wire import UNSET, Asked

ENDPOINT, PATCH, CHAT = "POST /endpoints", "PATCH /endpoints/*", "POST /chat/completions"
CLUSTER, SCALE = "POST /compute/clusters", "PUT /compute/clusters/*"
VOLUME, GROW = "POST /compute/clusters/storage/volumes", "PUT /compute/clusters/storage/volumes"
STORY = {ENDPOINT: "endpoints", PATCH: "endpoints", CHAT: "endpoints"}
GONE = {"missing-field": "under its right name the field is required"}


def wrong(name: str, rule: str, says: str, at: str, slip: Slip, status: int = 400, **more: Any) -> None:
    add(Entry(name, says, STORIES[STORY.get(at, "clusters")], rule, at=at, slip=slip, status=status, **more))


# ---- names of fields -------------------------------------------------------------------------------------------------

wrong(
    "display-name-in-camel-case",
    "misspelt-field",
    "writes displayName",
    ENDPOINT,
    slips.call("display_name", "displayName"),
    200,
    near=("displayName", "display_name"),
)
wrong(
    "gpu-type-in-camel-case",
    "misspelt-field",
    "writes gpuType",
    CLUSTER,
    slips.call("gpu_type", "gpuType"),
    near=("gpuType", "gpu_type"),
    may=GONE,
)
wrong(
    "replicas-in-camel-case",
    "misspelt-field",
    "writes minReplicas, inside autoscaling",
    ENDPOINT,
    slips.call("autoscaling.min_replicas", "minReplicas"),
    near=("minReplicas", "min_replicas"),
    may=GONE,
)
wrong(
    "timeout-with-a-letter-missing",
    "misspelt-field",
    "writes inactve_timeout",
    ENDPOINT,
    slips.call("inactive_timeout", "inactve_timeout"),
    200,
    near=("inactve_timeout", "inactive_timeout"),
)
wrong(
    "plural-field",
    "misspelt-field",
    "writes volume_ids",
    CLUSTER,
    slips.call("volume_id", "volume_ids"),
    200,
    near=("volume_ids", "volume_id"),
)
wrong(
    "singular-field",
    "misspelt-field",
    "writes max_token",
    CHAT,
    slips.call("max_tokens", "max_token"),
    200,
    near=("max_token", "max_tokens"),
)
wrong(
    "field-with-hyphens",
    "misspelt-field",
    "writes size-tib",
    GROW,
    slips.call("size_tib", "size-tib"),
    200,
    near=("size-tib", "size_tib"),
)
wrong(
    "misspelt-in-a-nested-volume",
    "misspelt-field",
    "writes is_lifecycle_independant, inside shared_volume",
    CLUSTER,
    slips.put(
        "shared_volume",
        {"volume_name": "inner", "size_tib": 1, "region": "us-central-8", "is_lifecycle_independant": False},
    ),
    400,
    near=("is_lifecycle_independant", "is_lifecycle_independent"),
    may={"leaks": "the volume is made with the cluster"},
)

wrong(
    "tags",
    "undeclared-field",
    "sends tags, of which the document does not know",
    ENDPOINT,
    slips.put("tags", ["team-a"]),
    200,
)
wrong(
    "cooldown",
    "undeclared-field",
    "sends a field of another provider inside autoscaling",
    PATCH,
    slips.put("autoscaling", {"min_replicas": 1, "max_replicas": 1, "cooldown_seconds": 5}),
    200,
)

# ---- what is required ------------------------------------------------------------------------------------------------

for at, place in (
    (ENDPOINT, "model"),
    (ENDPOINT, "hardware"),
    (ENDPOINT, "autoscaling"),
    (ENDPOINT, "autoscaling.max_replicas"),
    (CHAT, "messages"),
    (CLUSTER, "cluster_name"),
    (CLUSTER, "region"),
    (CLUSTER, "gpu_type"),
    (CLUSTER, "num_gpus"),
    (CLUSTER, "billing_type"),
    (VOLUME, "volume_name"),
    (VOLUME, "size_tib"),
    (GROW, "volume_id"),
):
    what = at.rpartition("/")[2].rstrip("s")
    wrong(f"{what}-without-{place}", "missing-field", f"leaves {place} out", at, slips.leave_out(place))
wrong("chat-without-a-model", "missing-field", "leaves out which model is to answer", CHAT, slips.leave_out("model"))
wrong(
    "one-bound-alone",
    "missing-field",
    "sets one of two bounds that go together",
    PATCH,
    slips.put("autoscaling", {"max_replicas": 2}),
)


def leave_out_both_versions(asked: Asked) -> None:
    slips.leave_out("cuda_version")(asked)
    slips.leave_out("nvidia_driver_version")(asked)


wrong(
    "cluster-without-a-driver",
    "missing-field",
    "says nothing of the driver, which one of two ways must",
    CLUSTER,
    leave_out_both_versions,
    may={"wrong-value": "what is missing is one of two ways to say it"},
)
wrong(
    "hardware-left-empty",
    "missing-field",
    "sends an empty text for its hardware",
    ENDPOINT,
    slips.put("hardware", ""),
    may={"out-of-bounds": "an empty text is too short"},
)
wrong("no-body", "missing-body", "creates without a body", ENDPOINT, slips.body(UNSET))
wrong("empty-body", "missing-body", "creates with a body of no bytes", CLUSTER, slips.text(lambda text: ""))

# ---- types and values ------------------------------------------------------------------------------------------------

for name, says, at, place, value in (
    ("text-for-a-number", 'writes "1" for 1', ENDPOINT, "autoscaling.min_replicas", "1"),
    ("text-for-gpus", 'writes "16" for 16', SCALE, "num_gpus", "16"),
    ("float-for-an-integer", "writes 30.5 minutes", ENDPOINT, "inactive_timeout", 30.5),
    ("text-for-a-truth", 'writes "false" for false', ENDPOINT, "disable_speculative_decoding", "false"),
    ("number-for-a-text", "writes a version as a number", CLUSTER, "cuda_version", 12.6),
    ("text-for-messages", "sends the question as a text for the list of messages", CHAT, "messages", "Why is it blue?"),
    (
        "one-message-for-a-list",
        "sends one message for the list of them",
        CHAT,
        "messages",
        {"role": "user", "content": "?"},
    ),
    ("size-with-a-unit", 'writes "2TiB" for 2', VOLUME, "size_tib", "2TiB"),
    ("list-for-one", "sends a list of one name", CLUSTER, "cluster_name", ["research"]),
):
    wrong(name, "wrong-type", says, at, slips.put(place, value))
wrong(
    "null-for-hardware",
    "wrong-type",
    "sends null for a field that must be a text",
    ENDPOINT,
    slips.put("hardware", None),
    may={"missing-field": "some take null for a field that is not set"},
)
wrong(
    "null-for-the-size",
    "missing-field",
    "sends null for a required field of a compute body, where null is unset",
    VOLUME,
    slips.put("size_tib", None),
    may={"wrong-type": "null is no integer"},
)
wrong("list-of-bodies", "wrong-type", "sends a list of one create", ENDPOINT, slips.body([new_endpoint()]))

for name, says, at, place, value, right in (
    ("state-in-lower-case", "writes started", PATCH, "state", "stopped", "STOPPED"),
    ("gpu-type-in-lower-case", "writes h100_sxm", CLUSTER, "gpu_type", "h100_sxm", "H100_SXM"),
    ("gpu-type-without-its-form", "writes H100", CLUSTER, "gpu_type", "H100", "H100_SXM"),
    ("billing-with-a-hyphen", "writes on-demand", CLUSTER, "billing_type", "on-demand", "ON_DEMAND"),
    ("cluster-type-that-is-none", "asks for NOMAD", CLUSTER, "cluster_type", "NOMAD", ""),
    ("hardware-that-is-none", "asks for hardware that nobody offers", ENDPOINT, "hardware", "3x_nvidia_abacus", ""),
    ("region-that-is-none", "asks for a region that there is not", CLUSTER, "region", "on-the-moon", ""),
    ("state-that-is-seen-but-not-asked-for", "asks for STOPPING", PATCH, "state", "STOPPING", ""),
):
    wrong(name, "wrong-value", says, at, slips.put(place, value), near=(right,) if right else ())

for name, says, at, place, value in (
    ("fewer-than-no-replicas", "asks for -1 replicas", ENDPOINT, "autoscaling.min_replicas", -1),
    ("negative-size", "asks for a volume of -1 TiB", VOLUME, "size_tib", -1),
    ("volume-of-nothing", "asks for a volume of 0 TiB", VOLUME, "size_tib", 0),
    ("half-a-node", "asks for 12 GPUs, where nodes have 8", CLUSTER, "num_gpus", 12),
    ("negative-gpus", "asks for -8 GPUs", SCALE, "num_gpus", -8),
    ("date-in-words", "writes tomorrow for a date and time", CLUSTER, "reservation_start_time", "tomorrow"),
    ("date-without-a-time", "writes a date for a date and time", SCALE, "reservation_end_time", "2026-02-01"),
    ("fewest-above-most", "asks for at least 3 replicas and at most 1", ENDPOINT, "autoscaling.min_replicas", 3),
    ("cluster-of-no-name", "gives its cluster an empty name", CLUSTER, "cluster_name", ""),
    ("timeout-below-nothing", "asks for a timeout of -5 minutes", ENDPOINT, "inactive_timeout", -5),
):
    wrong(name, "out-of-bounds", says, at, slips.put(place, value))

wrong(
    "prompt-cache",
    "deprecated",
    "still switches the prompt cache off",
    ENDPOINT,
    slips.put("disable_prompt_cache", True),
    200,
)
wrong(
    "auto-scaled",
    "deprecated",
    "still uses the former name of auto_scale",
    CLUSTER,
    slips.put("auto_scaled", False),
    200,
)

# ---- the form of a body ----------------------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"
wrong(
    "form-for-json",
    "wrong-content-type",
    "posts a form",
    ENDPOINT,
    slips.text(lambda text: "model=Qwen%2FQwen3.5-9B-FP8&hardware=1x_nvidia_h100_80gb_sxm", FORM),
    415,
)
wrong(
    "json-as-a-form",
    "wrong-content-type",
    "sends JSON under the type of a form, as curl -d does",
    CLUSTER,
    slips.text(str, FORM),
    415,
)
wrong("json-as-text", "wrong-content-type", "sends JSON as text/plain", VOLUME, slips.text(str, "text/plain"), 415)
wrong(
    "json-without-a-type",
    "wrong-content-type",
    "sends JSON without a Content-Type",
    ENDPOINT,
    slips.text(str, None),
    200,
)

wrong(
    "trailing-comma",
    "malformed-body",
    "writes its JSON by hand, with a comma too many",
    ENDPOINT,
    slips.text(lambda text: f"{text[:-1]},}}"),
)
wrong(
    "python-for-json",
    "malformed-body",
    "sends what Python shows for a dict",
    CLUSTER,
    slips.text(lambda text: text.replace('"', "'")),
)
wrong(
    "half-a-body",
    "malformed-body",
    "sends the first half of its JSON",
    VOLUME,
    slips.text(lambda text: text[: len(text) // 2]),
)
wrong("not-a-number", "malformed-body", "sends NaN", CHAT, slips.text(lambda text: text.replace("16", "NaN")))
wrong(
    "json-in-json",
    "wrong-type",
    "encodes its body twice",
    ENDPOINT,
    slips.text(lambda text: '"' + text.replace('"', '\\"') + '"'),
    may={"malformed-body": "it is JSON, of a text"},
)

wrong(
    "body-on-a-get",
    "unread-body",
    "sends its filter as the body of a GET",
    "GET /compute/regions",
    slips.body({"region": "us-central-8"}),
    200,
)
wrong(
    "body-on-a-delete",
    "unread-body",
    "says with a body why it deletes",
    "DELETE /compute/clusters/*",
    slips.body({"force": True}),
    200,
)
