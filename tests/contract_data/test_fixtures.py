"""What ships with the package is taken unchecked by the server, so it is checked here."""

import pytest
import yaml
from pydantic import TypeAdapter

from mockserver.contract.lifecycles import load_lifecycles
from mockserver.scenarios import find_scenario, load_catalog, load_scenario, scenario_names
from mockserver.settings import data_folder
from mockserver.simulation.kernel.catalog import Catalog

FIXTURES = data_folder("fixtures")
LIFECYCLES = load_lifecycles(data_folder("spec") / "lifecycles.yaml")
CATALOG = load_catalog(FIXTURES / "catalog.yaml")


def test_the_catalogue_has_the_types_it_says() -> None:
    raw = yaml.safe_load((FIXTURES / "catalog.yaml").read_text(encoding="utf-8"))
    assert TypeAdapter(Catalog).validate_python(raw) == CATALOG


@pytest.mark.parametrize("name", scenario_names(FIXTURES))
def test_every_scenario_is_good(name: str) -> None:
    load_scenario(find_scenario(FIXTURES, name), FIXTURES, LIFECYCLES, CATALOG, check=True)


def test_every_hardware_id_a_model_lists_exists() -> None:
    for model in CATALOG.models:
        assert not set(model.hardware) - CATALOG.hardware.keys(), model.id


def test_every_region_offers_nodes_we_know() -> None:
    for region in CATALOG.regions:
        assert not set(region.supported_instance_types) - CATALOG.worker_nodes.keys(), region.name
