"""The rules of lists, filters and pages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from contract_tests.judge.known_resource import KnownResource
from contract_tests.judge.registry import rule

Items = Sequence[Mapping[str, Any]]


@rule(
    "filter-exact",
    suite="lists",
    reason="A filter returns what it says: all of it, and nothing else.",
    source="spec/v1.yaml: query parameters of the lists",
)
def filter_exact(name: str, got: Collection[str], certain: Collection[str], possible: Collection[str]) -> Iterator[str]:
    """The filtered list holds what certainly passes and nothing that cannot pass."""
    missing = sorted(set(certain) - set(got))
    extra = sorted(set(got) - set(possible))
    if missing:
        yield f"{name} leaves out {', '.join(missing[:3])}"
    if extra:
        yield f"{name} shows {', '.join(extra[:3])}, which it rules out"


@rule(
    "filter-parts",
    suite="lists",
    reason="A resource has one value of what is filtered by, so the parts do not overlap and make up the whole.",
    source="spec/v1.yaml: query parameters of the lists",
)
def filter_parts(name: str, parts: Mapping[str, Collection[str]], whole: Collection[str]) -> Iterator[str]:
    """The lists for each value of a filter do not overlap, and together they hold everything."""
    seen: dict[str, str] = {}
    for value, ids in parts.items():
        for found in ids:
            if found in seen:
                yield f"{found} is listed for {name}={seen[found]} and for {name}={value}"
            seen[found] = value
    missing = sorted(set(whole) - set(seen))
    if missing:
        yield f"no value of {name} lists {', '.join(missing[:3])}"


@rule(
    "pages-make-the-whole",
    suite="lists",
    reason="A client that follows the pages sees everything once, in one order.",
    source="spec/v1.yaml: page_size, page_token, next_page_token",
)
def pages_make_the_whole(pages: Sequence[Sequence[str]], size: int, whole: Sequence[str], ended: bool) -> Iterator[str]:
    """Pages are as long as asked for, and joined they are the whole list."""
    for number, page in enumerate(pages, 1):
        if len(page) > size or (number < len(pages) and len(page) != size):
            yield f"page {number} of {len(pages)} holds {len(page)} entries, asked for were {size}"
    joined = [found for page in pages for found in page]
    if joined != list(whole):
        missing, extra = sorted(set(whole) - set(joined)), sorted(set(joined) - set(whole))
        told = f"missing {missing[:3]}, more {extra[:3]}" if missing or extra else "in another order or more than once"
        yield f"the pages together are not the whole list: {told}"
    if not ended:
        yield "the pages do not end"


@rule(
    "order-kept",
    suite="lists",
    reason="Who asks for the newest first acts on the first.",
    source="spec/v1.yaml: order_by",
)
def order_kept(order: str, keys: Sequence[Any], descending: bool) -> Iterator[str]:
    """A list is in the order that was asked for."""
    if list(keys) != sorted(keys, reverse=descending):
        yield f"with order_by={order} the order is {', '.join(map(str, keys[:5]))}"


@rule(
    "lists-agree",
    suite="lists",
    reason="Two operations that tell of the same things must tell the same.",
    source="spec/v1.yaml",
)
def lists_agree(first: str, a: Collection[str], second: str, b: Collection[str]) -> Iterator[str]:
    """Two lists hold the same."""
    only_a, only_b = sorted(set(a) - set(b)), sorted(set(b) - set(a))
    if only_a:
        yield f"{first} shows {only_a[0]}, {second} does not"
    if only_b:
        yield f"{second} shows {only_b[0]}, {first} does not"


@rule(
    "has-next-tells",
    suite="lists",
    reason="Clients stop at whichever of the two they look at.",
    source="spec/v1.yaml: has_next, next_page_token",
)
def has_next_tells(body: Mapping[str, Any], next_name: str) -> Iterator[str]:
    """has_next is true exactly where there is a token for the next page."""
    if bool(body.get(next_name)) != body.get("has_next"):
        yield f"has_next is {body.get('has_next')}, {next_name} is {body.get(next_name)!r}"


@rule(
    "next-page-is-there",
    suite="lists",
    reason="A client that is told of more asks, and shows or acts on what comes.",
    source="spec/v1.yaml: has_next, whether there is a next page",
)
def next_page_is_there(told: bool, page: Sequence[Any]) -> Iterator[str]:
    """A page of which the one before says that it is there holds something."""
    if told and not page:
        yield "the page before says has_next, yet this one is empty"


@rule(
    "mine-is-one-owner",
    suite="lists",
    reason="mine=true keeps what belongs to the key's own account.",
    source="spec/v1.yaml: listEndpoints, mine",
)
def one_owner(owners: Sequence[str]) -> Iterator[str]:
    """All that is mine has one owner, and that is not the platform."""
    if len(owners) > 1:
        yield f"mine=true shows endpoints of {', '.join(owners)}"
    if "together" in owners:
        yield "mine=true shows the platform's endpoints"


@rule(
    "model-is-one",
    suite="lists",
    reason="A model is the same in every list.",
    source="spec/v1.yaml: models",
)
def same_model(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    """A model shows the same fields wherever it is listed."""
    for name in sorted(first.keys() & second.keys()):
        if first[name] != second[name]:
            yield f"{name} of {first.get('id')} is {first[name]!r}, and {second[name]!r} with dedicated=true"


@rule(
    "add-on-is-one",
    suite="lists",
    reason="List and get show the same add-on.",
    source="spec/v1.yaml: AddOnInfo",
)
def same_add_on(listed: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[str]:
    """An add-on by itself is what the list shows."""
    for name in sorted(listed.keys() & got.keys()):
        if listed[name] != got[name]:
            yield f"{name} is {got[name]!r}, and {listed[name]!r} in the list"


@rule(
    "cluster-fits-region",
    suite="lists",
    reason="A cluster is where it can be: in a region that is listed, with GPUs and drivers it offers.",
    source="spec/v1.yaml: RegionListResponse",
)
def cluster_fits_region(cluster: Mapping[str, Any], region: Mapping[str, Any] | None) -> Iterator[str]:
    """Region, GPU type and driver of a cluster are among those listed."""
    if region is None:
        yield f"its region {cluster.get('region')} is not listed"
        return
    if cluster.get("gpu_type") not in region.get("supported_instance_types", []):
        yield f"{cluster.get('region')} does not offer {cluster.get('gpu_type')}"
    offered = [
        (item.get("cuda_version"), item.get("nvidia_driver_version"))
        for item in region.get("driver_versions", [])
        if isinstance(item, dict)
    ]
    if (cluster.get("cuda_version"), cluster.get("nvidia_driver_version")) not in offered:
        yield f"{cluster.get('region')} does not offer CUDA {cluster.get('cuda_version')} with its driver"


@rule(
    "alerts-of-one-cluster",
    suite="lists",
    reason="Alerts are asked for by cluster.",
    source="spec/v1.yaml: cluster_id of the alerts",
)
def of_one_cluster(alerts: Items, cluster_id: str) -> Iterator[str]:
    """Every alert is about the cluster that was asked for."""
    for alert in alerts:
        if alert.get("cluster_id") != cluster_id:
            yield f"an alert of {alert.get('cluster_id')} is listed for {cluster_id}"


@rule(
    "adapter-tells-its-parts",
    suite="lists",
    reason="model_id is what inference is asked by: the endpoint's name, a colon, and the adapter's.",
    source="spec/v1.yaml: listAdapters",
)
def adapter_tells_its_parts(entries: Items, endpoint_name: Any) -> Iterator[str]:
    """Each adapter shows its parts, which make up its model_id, and is of the endpoint that was asked for."""
    for item in entries:
        if item.get("endpoint_name") != endpoint_name:
            yield f"{item.get('model_id')} is listed for {endpoint_name}, and is of {item.get('endpoint_name')}"
        if item.get("model_id") != f"{item.get('endpoint_name')}:{item.get('adapter_name')}":
            parts = f"{item.get('endpoint_name')} and {item.get('adapter_name')}"
            yield f"model_id is {item.get('model_id')}, the parts are {parts}"


@rule(
    "named-once",
    suite="lists",
    reason="A place is listed once.",
    source="spec/v1.yaml: avzones",
)
def named_once(names: Sequence[str]) -> Iterator[str]:
    """No name is empty or comes twice, and there is one."""
    if not names:
        yield "no zone is listed"
    for name in sorted({item for item in names if names.count(item) > 1 or not item}):
        yield f"{name!r} is listed {names.count(name)} times"


@rule(
    "lists-show-all",
    suite="lists",
    reason="What a list leaves out is forgotten, and billed for ever.",
    source="spec/v1.yaml: the lists have no pages",
)
def lists_show_all(known: KnownResource, listed: bool) -> Iterator[str]:
    """An unfiltered list shows each resource that is there."""
    if not listed:
        yield f"{known.kind} {known.id} is there, but not in the list"
