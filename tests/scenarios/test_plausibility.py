"""What `scenario check` reports of scenarios that can be served, and that serving them does not refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.contract.lifecycles import load_lifecycles
from mockserver.errors import ConfigError
from mockserver.scenarios import load_catalog, load_scenario, scenario_names
from mockserver.settings import data_folder

FIXTURES = data_folder("fixtures")
LIFECYCLES = load_lifecycles(data_folder("spec") / "lifecycles.yaml")
CATALOG = load_catalog(FIXTURES / "catalog.yaml")
HEAD = "description: d\nextends: empty\n"
ENDPOINT = "{model: Qwen/Qwen3.5-9B-FP8, hardware: 1x_nvidia_h100_80gb_sxm, display_name: chat"
CLUSTER = "{name: training, region: us-central-8, gpu_type: H100_SXM, num_gpus: "

IMPLAUSIBLE = {
    "an event on an endpoint that does not exist": (
        f"endpoints:\n  - {ENDPOINT}}}\nevents:\n  - {{event: endpoint.fail, at: 1h, endpoint_id: chatt}}\n",
        ":6: events[0].endpoint_id: there is no endpoint called chatt (did you mean chat?)",
    ),
    "an event on a cluster of an account without any": (
        "events:\n  - {event: cluster.pause, at: 1h, cluster_id: training}\n",
        ":4: events[0].cluster_id: there is no cluster called training "
        "(the scenario has no cluster with a name: add it)",
    ),
    "an event on a volume that does not exist": (
        "volumes:\n  - {name: data, size_tib: 1, region: us-central-8}\nevents:\n"
        "  - {event: volume.fail, at: 1h, volume_id: scratch}\n",
        ":6: events[0].volume_id: there is no volume called scratch (choose one of data)",
    ),
    "a cluster that its region cannot hold": (
        f"clusters:\n  - {CLUSTER}512}}\n",
        ":4: clusters[0].num_gpus: the cluster needs 512 GPUs, and us-central-8 has at most 224 free "
        "(raise a capacity in stock)",
    ),
    "an endpoint that no zone can hold": (
        f"stock: {{hardware: {{h100_80gb_sxm: {{us-central-4b: {{capacity: 16, demand: 16..16}}, us-east-1a: "
        f"{{capacity: 0, demand: 0..0}}, us-west-2b: {{capacity: 0, demand: 0..0}}}}}}}}\n"
        f"endpoints:\n  - {ENDPOINT}}}\n",
        ":5: endpoints[0].hardware: a replica on 1x_nvidia_h100_80gb_sxm needs 1 GPUs, "
        "and any place has at most 0 free (raise a capacity in stock)",
    ),
}
GOOD = {
    "names, ids and full names": f"endpoints:\n  - {ENDPOINT}}}\nevents:\n"
    "  - {event: endpoint.fail, at: 1h, endpoint_id: chat}\n"
    "  - {event: endpoint.fail, at: 2h, endpoint_id: endpoint-623bbb0f-a00c-4caf-812e-8d6998d013ba}\n"
    "  - {event: endpoint.fail, at: 3h, endpoint_id: devuser/Qwen/Qwen3.5-9B-FP8-2ce9c7a7}\n",
    "no resource named": "events:\n  - {event: cluster.pause, at: 1h}\n",
    "a cluster that just fits": f"clusters:\n  - {CLUSTER}224}}\n",
    "unlimited stock": f"stock: {{unlimited: true}}\nclusters:\n  - {CLUSTER}512}}\n",
}


def load(folder: Path, text: str, *, check: bool) -> None:
    path = folder / "mine.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    load_scenario(path, FIXTURES, LIFECYCLES, CATALOG, check=check)


@pytest.mark.parametrize(("text", "expected"), IMPLAUSIBLE.values(), ids=IMPLAUSIBLE)
def test_scenario_check_reports_it_and_serving_does_not(tmp_path: Path, text: str, expected: str) -> None:
    load(tmp_path, text, check=False)
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text, check=True)
    assert str(error.value).endswith(f"mine.yaml{expected}")


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_plausible_scenario_passes(tmp_path: Path, text: str) -> None:
    load(tmp_path, text, check=True)


def test_every_shipped_scenario_is_plausible() -> None:
    for name in scenario_names(FIXTURES):
        load_scenario(FIXTURES / "scenarios" / f"{name}.yaml", FIXTURES, LIFECYCLES, CATALOG, check=True)
