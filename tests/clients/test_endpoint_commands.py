"""The console scripts of 1.x and 2.x: endpoints as somebody at a terminal meets them."""

import re

from tests.clients.matrix import clients

MODEL = "deepseek-ai/DeepSeek-R1"
HARDWARE = "8x_nvidia_h200_140gb_sxm"
NOBODY = "endpoint-00000000-0000-4000-8000-000000000000"
ENDPOINT_ID = r"endpoint-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_1x_walks_an_endpoint_through_its_life(user_of):
    together = user_of("1.5.35").types
    assert HARDWARE in together("endpoints", "hardware", "--model", MODEL, "--available").err

    wish = ("--model", MODEL, "--gpu", "h200", "--gpu-count", "8", "--display-name", "story", "--wait")
    created = together("endpoints", "create", *wish)
    here = created.out.strip()
    assert re.fullmatch(ENDPOINT_ID, here)
    assert f"Endpoint created successfully, id: {here}" in created.err
    assert "Endpoint ready" in created.err

    shown = together("endpoints", "get", here).out
    assert "State:\t\tSTARTED" in shown
    assert "Display Name:\tstory" in shown
    assert together("endpoints", "get", here, "--json").json["hardware"] == HARDWARE
    assert here in together("endpoints", "list", "--mine", "true", "--type", "dedicated").out

    scaled = together("endpoints", "update", here, "--min-replicas", "1", "--max-replicas", "2")
    assert "Successfully updated endpoint" in scaled.err
    assert "Min=1, Max=2" in together("endpoints", "get", here).out

    assert "Endpoint stopped" in together("endpoints", "stop", here, "--wait").err
    assert "Endpoint started" in together("endpoints", "start", here, "--wait").err
    assert "Successfully deleted endpoint" in together("endpoints", "delete", here).err
    assert "not found" in together("endpoints", "get", here, status=1).err


def test_1x_advises_on_hardware(user_of):
    """An id nobody knows (it writes `3x_nvidia_l40`), and one that is too small for the model."""
    together = user_of("1.5.35").types
    for gpu, count in (("l40", "3"), ("h100", "1")):
        wish = ("--model", MODEL, "--gpu", gpu, "--gpu-count", count)
        refused = together("endpoints", "create", *wish, status=1).err
        assert "Error: " in refused
        assert "Available hardware options:" in refused
        assert HARDWARE in refused


def test_1x_says_what_is_wrong(user_of):
    together = user_of("1.5.35").types
    unknown = ("--model", "nobody/nothing", "--gpu", "h100")
    refused = together("endpoints", "create", *unknown, status=1).err
    assert "Error: " in refused
    assert "nobody/nothing" in refused
    for command in ("get", "stop", "start", "delete"):
        refused = together("endpoints", command, NOBODY, status=1).err
        assert re.search(r"Error: .*not found", refused, re.IGNORECASE), command


def test_1x_lists_zones(user_of):
    zones = user_of("1.5.35").types("endpoints", "availability-zones", "--json").json["avzones"]
    assert zones == sorted(set(zones))


@clients("2.15.0", "2.42.0")
def test_2x_walks_an_endpoint_through_its_life(user_of, version):
    tg = user_of(version).types
    available = tg("endpoints", "hardware", "--model", MODEL, "--available").out
    assert re.search(rf"{HARDWARE}\W.*h200.*140GB.*\b8\b.*\$\d+\.\d\d.*✓ available", available)

    wish = ("--model", MODEL, "--hardware", HARDWARE, "--display-name", "story", "--wait")
    created = tg("endpoints", "create", *wish).out
    assert "Dedicated endpoint created." in created
    assert re.search(r"State:\s+Pending", created)
    assert "Endpoint started" in created
    (here,) = re.findall(ENDPOINT_ID, created)

    assert re.search(rf"{here}\W.*{MODEL}-.*Started", tg("endpoints", "list").out)
    assert re.search(r"State:\s+Started", tg("endpoints", "get", here).out)
    assert tg("endpoints", "get", here, "--json").json["display_name"] == "story"

    scaled = tg("endpoints", "update", here, "--min-replicas", "1", "--max-replicas", "2").out
    assert "Endpoint updated." in scaled
    assert re.search(r"max: 2", scaled)

    assert "Endpoint stopped" in tg("endpoints", "stop", here, "--wait").out
    assert "Endpoint started" in tg("endpoints", "start", here, "--wait").out
    assert "Endpoint deleted" in tg("endpoints", "delete", here).out
    assert here not in tg("endpoints", "list").out
    assert "not found" in tg("endpoints", "get", here, status=1).out


@clients("2.15.0", "2.42.0")
def test_2x_advises_on_hardware(user_of, version):
    """No hardware named, an id nobody knows, and one that is too small for the model."""
    tg = user_of(version).types
    cases = [
        ([], "Missing required argument --hardware"),
        (["--hardware", "3x_nvidia_abacus"], "Invalid hardware selected."),
        (["--hardware", "1x_nvidia_h100_80gb_sxm"], "Invalid hardware selected."),
    ]
    for named, advice in cases:
        refused = tg("endpoints", "create", "--model", MODEL, *named, status=1).out
        assert advice in refused
        assert re.search(rf"{HARDWARE}\W.*✓ available", refused)


@clients("2.15.0", "2.42.0")
def test_2x_says_what_is_wrong(user_of, version):
    tg = user_of(version).types
    unknown = ("--model", "nobody/nothing", "--hardware", HARDWARE)
    refused = tg("endpoints", "create", *unknown, status=1).out
    assert "Error: Model 'nobody/nothing' was not found or is not available" in refused

    elsewhere = ("--model", MODEL, "--hardware", HARDWARE, "--availability-zone", "on-the-moon")
    refused = tg("endpoints", "create", *elsewhere, status=1).out
    assert "Invalid availability zone 'on-the-moon'" in refused

    for command in ("get", "stop"):
        refused = tg("endpoints", command, NOBODY, status=1).out
        assert "The endpoint may have been deleted or the ID may be incorrect." in refused, command
    for command in ("start", "delete"):
        refused = tg("endpoints", command, NOBODY, status=1).out
        assert "not found" in refused, command


@clients("2.15.0", "2.42.0")
def test_2x_puts_an_endpoint_into_a_zone(user_of, version):
    """The zone travels in the query, not in the body."""
    tg = user_of(version).types
    zone = tg("endpoints", "availability-zones", "--json").json["avzones"][0]
    wish = ("--model", MODEL, "--hardware", HARDWARE, "--no-auto-start", "--availability-zone", zone)
    created = tg("endpoints", "create", *wish, "--json").json
    assert created["state"] == "STOPPED"
    assert created.get("availability_zone", zone) == zone
