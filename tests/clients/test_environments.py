"""The pins of the clients are complete, and bind nobody to a host."""

import json
import re

import pytest

from tests.clients.environments import HERE, PYTHON_VERSIONS, TYPESCRIPT_VERSION


@pytest.mark.parametrize("version", PYTHON_VERSIONS)
def test_a_lock_file_pins_every_package_and_names_no_host(version):
    pins = (HERE / f"requirements-{version}.lock").read_text().splitlines()
    assert f"together=={version}" in pins
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", pin)] == []


def test_the_typescript_lock_pins_the_client_and_names_no_host():
    text = (HERE / "typescript" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert packages["node_modules/together-ai"]["version"] == TYPESCRIPT_VERSION
    assert "://" not in text
