"""The catalogue: what fits a model, what it costs, and what the hardware list says of it."""

import re

import pytest

from mockserver.errors import NotFound
from mockserver.simulation.hardware import availability
from tests.simulation.worlds import CATALOG, MINUTE, World

IDS = {
    *(f"{n}x_nvidia_{gpu}" for gpu in ("h100_80gb_sxm", "h200_140gb_sxm", "b200_180gb_sxm", "a100_80gb_sxm")
      for n in (1, 2, 4, 8)),
    *(f"1x_nvidia_{gpu}" for gpu in ("a100_80gb_pcie", "a100_40gb_sxm", "a100_40gb_pcie", "l40_48gb_pcie",
                                     "l40s_48gb_pcie", "rtx_6000_ada_48gb_pcie")),
}  # fmt: skip


def fitting(model):
    return [one.id for one in availability.fitting(World().view(), model)]


def test_every_known_configuration_is_there():
    assert set(CATALOG.hardware) == IDS
    for hardware_id, one in CATALOG.hardware.items():
        count, memory, link = re.fullmatch(r"(\d)x_nvidia_.*_(\d+)gb_(sxm|pcie)", hardware_id).groups()
        assert (int(count), int(memory), link) == (one.gpu_count, one.gpu.memory_gb, one.gpu.link)


@pytest.mark.parametrize("gpu", CATALOG.gpus, ids=lambda gpu: gpu.name)
def test_prices_are_linear_in_gpus(gpu):
    for count in gpu.counts:
        one = CATALOG.hardware[f"{count}x_nvidia_{gpu.name}"]
        assert one.cents_per_minute == pytest.approx(count * gpu.cents_per_minute, abs=1e-4)
        assert one.pool == f"hardware/{gpu.name}"


@pytest.mark.parametrize(
    ("hardware_id", "dollars"),
    [("1x_nvidia_h100_80gb_sxm", 5.40), ("8x_nvidia_h200_140gb_sxm", 8 * 6.60), ("2x_nvidia_b200_180gb_sxm", 18.0)],
)
def test_known_prices(hardware_id, dollars):
    assert CATALOG.hardware[hardware_id].cents_per_minute * 60 / 100 == pytest.approx(dollars, abs=0.01)


def test_known_fits():
    assert fitting("Qwen/Qwen3.5-9B-FP8") == ["1x_nvidia_h100_80gb_sxm"]
    assert "8x_nvidia_h200_140gb_sxm" in fitting("deepseek-ai/DeepSeek-R1")
    assert "4x_nvidia_h100_80gb_sxm" in fitting("meta-llama/Llama-3.3-70B-Instruct-Turbo")
    assert "1x_nvidia_h100_80gb_sxm" not in fitting("meta-llama/Llama-3.3-70B-Instruct-Turbo")
    assert fitting("mistralai/Mixtral-8x7B-Instruct-v0.1") == [f"{n}x_nvidia_h100_80gb_sxm" for n in (2, 4, 8)]
    assert fitting("openai/whisper-large-v3") == ["1x_nvidia_h100_80gb_sxm"]


@pytest.mark.parametrize("model", CATALOG.models, ids=lambda model: model.id)
def test_every_deployable_model_fits_something_that_can_be_deployed(model):
    found = CATALOG.fitting(model)
    assert bool(found) == model.deployable
    assert all(one.gpu.deployable for one in found)
    for one in found:
        if not model.hardware:
            assert one.gpu_count * one.gpu.memory_gb >= 1.25 * model.params_b * model.bytes_per_parameter


def test_retired_hardware_is_listed_but_fits_no_model():
    retired = {one.id for one in CATALOG.hardware.values() if not one.gpu.deployable}
    assert retired
    assert {one.gpu.gpu_type for one in CATALOG.hardware.values() if one.gpu.deployable} == {"h100", "h200", "b200"}
    assert not retired & {one.id for model in CATALOG.models for one in CATALOG.fitting(model)}


def test_an_unknown_model_is_refused():
    with pytest.raises(NotFound, match="No GPU configurations found for model") as refused:
        availability.fitting(World().view(), "nobody/nothing")
    assert refused.value.param == "model"


def test_zones_and_regions_of_the_catalogue():
    assert CATALOG.zones[0] == "us-central-4b"
    assert len(set(CATALOG.zones)) == len(CATALOG.zones) >= 3
    assert CATALOG.regions[0].name == "us-central-8"
    assert CATALOG.regions[0].supported_instance_types[0] == "H100_SXM"
    assert {t for region in CATALOG.regions for t in region.supported_instance_types} == set(CATALOG.worker_nodes)


def test_availabilities_date_from_the_last_change_of_demand():
    world = World("default")
    step_ms = world.setup.rules.stock.demand_step_ms
    for wait_ms in (0, 1, MINUTE, step_ms, step_ms - MINUTE - 1):
        world.wait(wait_ms)
        at_ms = availability.updated_ms(world.view())
        assert at_ms <= world.at_ms < at_ms + step_ms
        assert availability.updated_ms(world.view(at_ms)) == at_ms
