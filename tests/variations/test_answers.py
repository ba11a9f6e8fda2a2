"""Variations of answers: each is valid for the document, changes what it says, and leaves alone what it must."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings

from mockserver.openapi import check_response, document_from_dict, dumps, example_response, load_document
from mockserver.variations import KINDS, Catalogue, KnownValues, interleave_kinds
from tests.generic.conftest import LIBRARY
from tests.openapi.strategies import LAW, SCHEMAS, VALUES
from tests.variations.worlds import answers, catalogue, documents, operation, variation

ANSWERS = pytest.mark.parametrize("number", range(len(answers())), ids=lambda n: f"{answers()[n][0]}-{answers()[n][1]}")
OF_ANSWERS = [entry for entry in catalogue().variations.values() if entry.at or entry.kind == "time"]


@ANSWERS
def test_varied_answers_are_valid_for_the_document(number: int) -> None:
    operation_id, status, value = answers()[number]
    declared = operation(operation_id)
    before = copy.deepcopy(value)
    assert not check_response(declared, status, "application/json", dumps(value))
    about = catalogue().names_of(operation_id)
    for entry in OF_ANSWERS:
        if entry.name not in about:
            continue
        varied, changes = catalogue().apply(entry, declared, status, value)
        assert value == before, f"{entry.name} changed what it was given"
        assert bool(changes) == (json.dumps(varied) != json.dumps(value)), entry.name
        problems = check_response(declared, status, "application/json", dumps(varied))
        if entry.kind == "unseen":
            assert bool(problems) == bool(changes), entry.name
        else:
            assert not problems, f"{entry.name}: {problems}"


def test_most_variations_change_some_answer_of_an_account_with_history() -> None:
    done: set[str] = set()
    for operation_id, status, value in answers():
        done.update(catalogue().applicable_to(operation(operation_id), status, value, KnownValues()))
    ours = [entry.name for entry in OF_ANSWERS if "/" not in entry.name]
    missed = sorted(set(ours) - done)
    assert len(missed) < len(ours) / 4, missed
    assert {entry.kind for entry in OF_ANSWERS} == {variation(name).kind for name in done}


# ---- any document ---------------------------------------------------------------------------------------------------


def own(schema: Any) -> Catalogue:
    answer = {"description": "", "content": {"application/json": {"schema": schema}}}
    raw: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "get", "responses": {"200": answer}}}},
    }
    if isinstance(schema, dict) and "$defs" in schema:
        raw["$defs"] = schema["$defs"]
    return Catalogue((document_from_dict(raw, "own.yaml"),), {})


@settings(LAW, max_examples=300)
@given(SCHEMAS, VALUES)
def test_variations_of_any_schema_keep_values_valid(schema: Any, value: Any) -> None:
    own_catalogue = own(schema)
    (declared,) = own_catalogue.operations
    valid = not check_response(declared, 200, "application/json", dumps(value))
    for entry in own_catalogue.variations.values():
        if entry.kind == "unseen" or not (entry.at or entry.kind == "time"):
            continue
        varied, changes = own_catalogue.apply(entry, declared, 200, value)
        assert bool(changes) == (dumps(varied) != dumps(value))
        if valid:
            assert not check_response(declared, 200, "application/json", dumps(varied)), entry.name


def test_every_operation_of_another_document() -> None:
    document = load_document(LIBRARY)
    both = Catalogue((documents()[0], document), {})
    assert "extra:library/Branch" in both.variations
    changed = set()
    for declared in document.operations:
        for key in map(str, range(8)):
            status, content_type, body = example_response(declared, key)
            if content_type != "application/json":
                continue
            for name in both.names_of(declared.operation_id):
                entry = both.variations[name]
                varied, changes = both.apply(entry, declared, status, json.loads(body))
                if changes:
                    changed.add(entry.kind)
                    problems = check_response(declared, status, content_type, dumps(varied))
                    assert entry.kind == "unseen" or not problems, name
    assert changed >= {"absent", "null", "empty", "long", "extra", "enum", "unseen", "number", "text", "time"}


# ---- what stays as it is --------------------------------------------------------------------------------------------


def after(name: str, operation_id: str, value: Any, *texts: str, fields: tuple[str, ...] = ()) -> Any:
    known = KnownValues(frozenset(texts), frozenset(fields))
    return catalogue().apply(variation(name), operation(operation_id), 200, value, known)[0]


def listed(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(entries)}


def hardware(hardware_id: str, status: str = "available", price: Any = 9.0) -> dict[str, Any]:
    return {
        "object": "hardware",
        "id": hardware_id,
        "pricing": {"cents_per_minute": price},
        "specs": {"gpu_type": "h100", "gpu_link": "sxm", "gpu_memory": 80.0, "gpu_count": 1},
        "updated_at": "2026-01-05T09:00:00.125Z",
        "availability": {"status": status},
    }


def test_fields_that_paths_are_made_of_never_vary() -> None:
    names = catalogue().variations
    kept = (
        "DedicatedEndpoint.id",
        "GPUClusterInfo.cluster_id",
        "GPUClusterGPUWorkerNode.instance_id",
        "AddOnInfo.name",
    )
    for place in (*kept, "Remediation.id", "JobInfoSuccessResponse.job_id", "GPUClustersSharedVolume.volume_id"):
        assert not [name for name in names if name.partition(":")[2].partition("=")[0] == place], place
    assert not [name for name in names if ".object=" in name], "constants"
    assert "text:GPUClusterInfo.kube_config=unicode" not in names
    assert "absent:DedicatedEndpoint.owner" not in names, "it is required"
    assert "long:GPUClusters.clusters" not in names, "its entries can be asked for"
    assert "order:GPUClusterInfo.phase_transitions" not in names, "the document says in which order they are"
    assert not [name for name in names if name.startswith("enum:") and name.endswith(("=STARTED", "=Ready"))]


def test_states_vary_with_the_world_only_and_unseen_values_warn() -> None:
    assert variation("unseen:DedicatedEndpoint.state").looks == 3
    assert variation("unseen:DedicatedEndpoint.state").severity == "warning"
    assert variation("fate:endpoint:ERROR").may_give_up
    assert not variation("fault:429-then-success:createEndpoint").may_give_up
    assert variation("fault:reset:createEndpoint").may_give_up, "whether it was made cannot be known"
    assert not variation("fault:reset:getEndpoint").may_give_up


def test_enum_changes_spare_what_the_client_named_while_there_is_anything_else() -> None:
    name, both = "enum:HardwareAvailability.status=unavailable", listed(hardware("a"), hardware("b"))
    assert after(name, "listHardware", both) == listed(hardware("a", "unavailable"), hardware("b", "unavailable"))
    assert after(name, "listHardware", both, "b") == listed(hardware("a", "unavailable"), hardware("b"))
    assert after(name, "listHardware", listed(hardware("b")), "b") == listed(hardware("b", "unavailable"))


def test_lists() -> None:
    both = listed(hardware("a"), hardware("b"))
    assert after("empty:listHardware.data", "listHardware", both, "b") == listed(hardware("b"))
    assert after("order:listHardware.data", "listHardware", both) == listed(hardware("b"), hardware("a"))
    long = after("long:listHardware.data", "listHardware", both)["data"]
    assert long == [hardware("a")] * 99 + [hardware("b")]


def test_numbers() -> None:
    place = "number:EndpointPricing.cents_per_minute"

    def price(choice: str, before: Any = 9.0, **known: Any) -> str:
        served = after(f"{place}={choice}", "listHardware", listed(hardware("a", price=before)), **known)
        return json.dumps(served["data"][0]["pricing"]["cents_per_minute"])

    assert [price(choice) for choice in ("low", "high", "whole", "fraction")] == ["0", "2147483647.0", "9", "9.5"]
    assert price("fraction", 9.25) == "9.25"
    assert price("high", fields=("cents_per_minute",)) == "9.0", "the client has sent such a field"


def test_instants() -> None:
    def instant(choice: str, *texts: str) -> Any:
        served = after(f"time:{choice}", "listHardware", listed(hardware("a"), hardware("b")), *texts)
        return [entry["updated_at"].partition("T")[2] for entry in served["data"]]

    assert instant("seconds") == ["09:00:00Z"] * 2
    assert instant("microseconds") == ["09:00:00.125000Z"] * 2
    assert instant("nanoseconds") == ["09:00:00.125000000Z"] * 2
    assert instant("offset") == ["09:00:00.125+00:00"] * 2
    assert instant("mixed") == ["09:00:00Z", "09:00:00.125000Z"]
    assert instant("seconds", "2026-01-05T09:00:00.125Z") == ["09:00:00.125Z"] * 2, "the client has sent it"


def test_the_order_takes_every_kind_in_turn_and_depends_on_the_seed() -> None:
    kinds = {name: entry.kind for name, entry in catalogue().variations.items()}
    order = interleave_kinds(kinds, 1)
    assert sorted(order) == sorted(kinds)
    assert {kinds[name] for name in order[: len(KINDS)]} == set(KINDS)
    assert order == interleave_kinds(dict(sorted(kinds.items())), 1)
    assert order != interleave_kinds(kinds, 2)
