"""Scenarios: layers, and every mistake told with its file, line, field and hint."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from mockserver.contract.lifecycles import load_lifecycles
from mockserver.errors import ConfigError
from mockserver.scenarios import find_scenario, load_catalog, load_scenario, read_description, scenario_names
from mockserver.simulation.kernel.catalog import Catalog
from mockserver.traffic.faults import Latency, Status
from mockserver.traffic.rate_limits import Limit

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
LIFECYCLES = load_lifecycles(ROOT / "spec" / "lifecycles.yaml")
CATALOG = load_catalog(FIXTURES / "catalog.yaml")
MINUTE = 60_000


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def load(path, **options):
    return load_scenario(path, FIXTURES, LIFECYCLES, CATALOG, **options)


def refused(path):
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert not caught.value.hint.endswith(("of ", "of"))
    return caught.value


# ---- what ships, and layers


@pytest.mark.parametrize("name", scenario_names(FIXTURES))
def test_what_ships_passes_every_check(name):
    path = find_scenario(FIXTURES, name)
    assert load(path, check=True).rules() == load(path).rules()
    assert load(path, check=True).seeds() == load(path).seeds()
    assert read_description(path).endswith(".")


def test_a_scenario_says_only_what_it_changes(write):
    plain = load(find_scenario(FIXTURES, "empty")).rules()
    mine = load(write("description: x\ndurations: {endpoint: {booted: 1s..2s}}\nchances: {boot_failed: 0.5}\n")).rules()
    assert mine.pace.durations_ms == {**plain.pace.durations_ms, ("endpoint", "booted"): (1000, 2000)}
    assert mine.pace.chances == {**plain.pace.chances, "boot_failed": 0.5}
    assert (mine.stock, mine.switches, mine.owner) == (plain.stock, plain.switches, plain.owner)


def test_a_scenario_may_extend_one_that_ships_or_one_beside_it(write):
    write("extends: default\ndescription: x\nendpoints: []\n", "below.yaml")
    above = load(write("extends: below.yaml\ndescription: y\nserverless: [a/b]\nswitches: {bad_key: '401'}\n"))
    default = load(find_scenario(FIXTURES, "default"))
    assert above.seeds().endpoints == ()
    assert above.seeds().serverless == ("a/b",)
    assert above.seeds().clusters == default.seeds().clusters
    assert above.rules().switches.bad_key == "401"
    assert above.rules().stock == default.rules().stock


def test_models_of_ones_own_join_the_catalogue(write):
    mine = load(write("description: x\nmodels: [{id: me/tuned, params_b: 8, hardware: [4x_nvidia_h100_80gb_sxm]}]\n"))
    catalog = mine.extend_catalog(CATALOG)
    assert [one.id for one in catalog.fitting(catalog.model("me/tuned"))] == ["4x_nvidia_h100_80gb_sxm"]
    assert CATALOG.model("me/tuned") is None
    assert catalog.model("Qwen/QwQ-32B") == CATALOG.model("Qwen/QwQ-32B")


@pytest.mark.parametrize(
    ("text", "range_ms"),
    [("90s", (90_000, 90_000)), ("1m..2m", (MINUTE, 2 * MINUTE)), ("5", (5000, 5000)), ("0.5", (500, 500))],
)
def test_ways_of_writing_a_range(write, text, range_ms):
    mine = load(write(f"description: x\npreemptible_node_every: {text}\n"))
    assert mine.rules().preemptible_node_every_ms == range_ms


@pytest.mark.parametrize("text", ["2026-03-01T00:00:00Z", "'2026-03-01T01:00:00+01:00'"])
def test_ways_of_writing_an_instant(write, text):
    assert load(write(f"description: x\nstarts_at: {text}\n")).starts_at == 1_772_323_200_000


def test_every_switch_reaches_the_rules(write):
    text = """\
description: x
switches:
  v1_dedicated: retired
  bad_key: "401"
  default_inactive_timeout: 60
  partial_autoscaling: merge
  missing_autoscaling: one_replica
  restart_while_stopping: refuse
  queued_cluster_status: Scheduled
  inline_volumes: kept
  automated_remediations: automatic
"""
    switches = load(write(text)).rules().switches
    assert [getattr(switches, name) for name in switches.__slots__] == [
        "retired", "401", 60, "merge", "one_replica", "refuse", "Scheduled", "kept", "automatic"
    ]  # fmt: skip


def test_faults_and_limits_are_built(write):
    text = """
description: x
faults:
  - {fault: latency, delay: 1s..2s, nth: [1, 3], operation: listEndpoints, token: k}
  - {fault: status, status: 429, retry_after: 20ms, times: 2, probability: 0.5, when: after}
rate_limits: [{requests: 3, per: 1m}, {requests: 1, per: 500ms, operations: [a, b]}]
"""
    scenario = load(write(text))
    first, second = scenario.faults()
    assert (first.id, first.fault, first.nth, first.token) == ("scenario-1", Latency(1000, 2000), {1, 3}, "k")
    assert second.fault == Status(429, retry_after_ms=20, when="after")
    assert (second.times, second.probability, second.operation) == (2, 0.5, None)
    assert scenario.rate_limits() == (Limit(3, 60_000), Limit(1, 500, frozenset("ab")))


# ---- mistakes: the field, what is told of it, and a word of the hint

LARGE = "model: deepseek-ai/DeepSeek-R1, hardware: 8x_nvidia_h200_140gb_sxm"
TUNABLE = "model: mistralai/Mistral-7B-Instruct-v0.3, hardware: 1x_nvidia_h100_80gb_sxm"
ADAPTER = "{name: a, base_model: mistralai/Mistral-7B-Instruct-v0.3}"
GROUP = "name: a, region: us-central-8, gpu_type: H100_SXM, num_gpus: 8"
VOLUME = "name: v, size_tib: 1, region: us-central-8"
MISTAKES = [
    ("stok: {}", "stok", "no such field", "did you mean stock?"),
    ("nonsense: 1", "nonsense", "no such field", "durations"),
    ("switches: {v1_dedicatd: open}", "switches.v1_dedicatd", "no such field", "v1_dedicated"),
    ("stock: {demand_evry: 30m}", "stock.demand_evry", "no such field", "demand_every"),
    (f"endpoints: [{{{LARGE}, statee: STARTED}}]", "endpoints[0].statee", "no such field", "state"),
    (f"clusters: [{{{GROUP}, gpus: 8}}]", "clusters[0].gpus", "no such field", "num_gpus"),
    ("switches: {v1_dedicated: maybe}", "switches.v1_dedicated", "'open' or 'retired'", ""),
    ("switches: {default_inactive_timeout: -1}", "switches.default_inactive_timeout", "greater than or equal", ""),
    ("switches: null", "switches", "", ""),
    ("durations: {endpoint: {booted: 10 seconds}}", "durations.endpoint.booted", "is not a duration", ""),
    ("durations: {endpoint: {booted: 9s..5s}}", "durations.endpoint.booted", "must not exceed", ""),
    ("durations: {endpoint: {booted: 5s..}}", "durations.endpoint.booted", "", ""),
    ("durations: {endpoint: {booted: ..5s}}", "durations.endpoint.booted", "is not a duration", ""),
    ("durations: {endpoint: {booted: -5}}", "durations.endpoint.booted", "negative", ""),
    ("durations: {endpoint: {booted: null}}", "durations.endpoint.booted", "a duration is", ""),
    ("durations: {endpoint: {booted: [1s]}}", "durations.endpoint.booted", "a duration is", ""),
    ("durations: {endpoint: {booted: true}}", "durations.endpoint.booted", "a duration is", ""),
    ("durations: {endpoint: {botted: 5s}}", "durations.endpoint.botted", "called botted", "did you mean booted?"),
    ("durations: {endpoint: {stop: 5s}}", "durations.endpoint.stop", "called stop", ""),
    ("durations: {endpiont: {booted: 5s}}", "durations.endpiont", "no lifecycle", "did you mean endpoint?"),
    ("durations: 2026-01-01", "durations", "", ""),
    ("models: [{id: m, params_b: 1, lora: 1}]", "models[0].lora", "boolean", ""),
    ("adapters: [{name: a, base_model: openai/gpt-oss-20b}]", "adapters[0].base_model", "that takes adapters", ""),
    (f"adapters: [{ADAPTER}, {ADAPTER}]", "adapters[1].name", "two adapters", "otherwise"),
    (f"adapters: [{ADAPTER}]\nendpoints: [{{{LARGE}, adapters: [a]}}]", "endpoints[0].adapters[0]", "no adapter", ""),
    (
        f"adapters: [{ADAPTER}]\nendpoints: [{{{TUNABLE}, adapters: [a]}}, {{{TUNABLE}, adapters: [a]}}]",
        "endpoints[1].adapters[0]",
        "bound already",
        "once",
    ),
    (f"clusters: [{{{GROUP}, add_ons: [toaster]}}]", "clusters[0].add_ons[0]", "no type of add-on", "dashboard"),
    (f"clusters: [{{{GROUP}, add_ons: [ingress, ingress]}}]", "clusters[0].add_ons[1]", "already", "once"),
    ("chances: {boot_failed: 1.5}", "chances.boot_failed", "less than or equal to 1", ""),
    ("chances: {boot_failed: -0.1}", "chances.boot_failed", "greater than or equal to 0", ""),
    ("chances: {boot_failed: .nan}", "chances.boot_failed", "", ""),
    ("chances: {boot_failed: often}", "chances.boot_failed", "number", ""),
    ("chances: {booted: 0.5}", "chances.booted", "no unlucky move", "boot_failed"),
    ("starts_at: yesterday", "starts_at", "is not an instant", ""),
    ("starts_at: 2026-01-05", "starts_at", "is not an instant", ""),
    ("stock: {demand_every: 0s}", "stock.demand_every", "greater than or equal", ""),
    ("stock: {unlimited: perhaps}", "stock.unlimited", "boolean", ""),
    ("stock: {hardware: {h101: {x: {capacity: 1, demand: 0}}}}", "stock.hardware.h101", "no GPU called h101", "h100"),
    (
        "stock: {hardware: {h100_80gb_sxm: {mars: {capacity: 1, demand: 0}}}}",
        "stock.hardware.h100_80gb_sxm.mars", "called mars", "us-central-4b",
    ),
    (
        "stock: {hardware: {h100_80gb_sxm: {us-central-4b: {capacity: 1, demand: 3..1}}}}",
        "stock.hardware.h100_80gb_sxm.us-central-4b.demand", "a range such as", "",
    ),
    (
        "stock: {hardware: {h100_80gb_sxm: {us-central-4b: {capacity: many}}}}",
        "stock.hardware.h100_80gb_sxm.us-central-4b.capacity", "integer", "",
    ),
    (
        "stock: {hardware: {l40_48gb_pcie: {us-central-4b: {capacity: 1}}}}",
        "stock.hardware.l40_48gb_pcie.us-central-4b.demand", "missing", "add it",
    ),
    (
        "stock: {clusters: {H100_SXM: {mars: {capacity: 8, demand: 0}}}}",
        "stock.clusters.H100_SXM.mars", "no region called mars", "us-central-8",
    ),
    (
        "stock: {clusters: {H100: {us-central-8: {capacity: 8, demand: 0}}}}",
        "stock.clusters.H100", "no GPU type called H100", "H100_SXM",
    ),
    ("models: [{id: a, params_b: 0}]", "models[0].params_b", "greater than 0", ""),
    ("models: [{id: a, params_b: 1, hardware: [1x_h100]}]", "models[0].hardware[0]", "no hardware", "1x_nvidia"),
    ("serverless: [1]", "serverless[0]", "string", ""),
    ("endpoints: [{model: a, hardware: 8x_nvidia_h200_140gb_sxm}]", "endpoints[0].model", "no model called a", ""),
    ("endpoints: [{model: deepseek-ai/DeepSeek-R1}]", "endpoints[0].hardware", "missing", "add it"),
    (
        "endpoints: [{model: deepseek-ai/DeepSeek-R1, hardware: 8x_nvidia_h200}]",
        "endpoints[0].hardware", "no hardware", "8x_nvidia_h200_140gb_sxm",
    ),
    (
        "endpoints: [{model: deepseek-ai/DeepSeek-R1, hardware: 1x_nvidia_h200_140gb_sxm}]",
        "endpoints[0].hardware", "does not fit", "8x_nvidia_h200_140gb_sxm",
    ),
    (f"endpoints: [{{{LARGE}, state: STARTD}}]", "endpoints[0].state", "no state called STARTD", "mean STARTED?"),
    (f"endpoints: [{{{LARGE}, age: old}}]", "endpoints[0].age", "is not a duration", ""),
    (f"endpoints: [{{{LARGE}, age: null}}]", "endpoints[0].age", "a duration is", ""),
    (f"endpoints: [{{{LARGE}, min_replicas: 3, max_replicas: 2}}]", "endpoints[0].min_replicas", "must not exceed", ""),
    (f"endpoints: [{{{LARGE}, availability_zone: mars}}]", "endpoints[0].availability_zone", "called mars", "us-"),
    ("endpoints: {a: 1}", "endpoints", "", ""),
    ("volumes: [{name: v, size_tib: 0, region: us-central-8}]", "volumes[0].size_tib", "greater than or equal", ""),
    ("volumes: [{name: v, size_tib: 1, region: mars}]", "volumes[0].region", "no region called mars", "us-central-8"),
    (f"volumes: [{{{VOLUME}, status: unknown}}]", "volumes[0].status", "no status called unknown", "available"),
    (f"volumes: [{{{VOLUME}}}, {{{VOLUME}}}]", "volumes[1].name", "two volumes", ""),
    ("clusters: [{name: a, region: mars, gpu_type: H100_SXM, num_gpus: 8}]", "clusters[0].region", "no region", ""),
    (
        "clusters: [{name: a, region: us-central-8, gpu_type: L40_PCIE, num_gpus: 8}]",
        "clusters[0].gpu_type", "no GPU type of us-central-8", "H100_SXM",
    ),
    (
        "clusters: [{name: a, region: us-central-8, gpu_type: H100_SXM, num_gpus: 12}]",
        "clusters[0].num_gpus", "multiple of 8", "",
    ),
    (f"clusters: [{{{GROUP}, phase: READY}}]", "clusters[0].phase", "called READY", "CLUSTER_PHASE_READY"),
    (f"clusters: [{{{GROUP}, phase: GONE}}]", "clusters[0].phase", "called GONE", ""),
    (f"clusters: [{{{GROUP}, volume: data}}]", "clusters[0].volume", "no volume", ""),
    (f"clusters: [{{{GROUP}, num_preemptible_gpus: 4}}]", "clusters[0].num_preemptible_gpus", "multiple of 8", ""),
    (
        f"clusters: [{{{GROUP}, cluster_type: SLURM, num_preemptible_gpus: 8}}]",
        "clusters[0].num_preemptible_gpus", "SLURM", "",
    ),
    (f"clusters: [{{{GROUP}, billing_type: RESERVED}}]", "clusters[0].billing_type", "duration_days", ""),
    (
        f"volumes: [{{{VOLUME}}}]\nclusters: [{{{GROUP}, volume: v}}, {{{GROUP}, volume: v}}]",
        "clusters[1].volume", "another cluster", "",
    ),
    (
        f"volumes: [{{{VOLUME}, status: failed}}]\nclusters: [{{{GROUP}, volume: v}}]",
        "clusters[0].volume", "cannot be attached", "",
    ),
    ("account: {project_slug: ''}", "account.project_slug", "at least 1 character", ""),
    ("uploads: [{model_name: m, model_source: nowhere}]", "uploads[0].model_source", "Hugging Face", ""),
    ("uploads: [{model_name: a b, model_source: a/b}]", "uploads[0].model_name", "letters", ""),
    (
        "uploads: [{model_name: m, model_source: a/b}, {model_name: devuser/m, model_source: a/b}]",
        "uploads[1].model_name", "another model has this name", "name it otherwise",
    ),
    (
        "uploads: [{model_name: m, model_source: a/b, status: Completed}]",
        "uploads[0].status", "there is no status called Completed", "did you mean Complete?",
    ),
    ("models: [{id: a/b, params_b: 1, type: speech}]", "models[0].type", "'chat'", ""),
    ("chances: {import_faild: 1}", "chances.import_faild", "unlucky move", "did you mean import_failed?"),
    ("account: {owner: ''}", "account.owner", "at least 1 character", ""),
    ("account: {api_keys: secret}", "account.api_keys", "", ""),
    ("faults: [{}]", "faults[0].fault", "missing", "add it"),
    ("faults: [{fault: boom}]", "faults[0].fault", "'latency', 'status'", ""),
    ("faults: [{fault: status}]", "faults[0].fault", "needs the field status", "add it"),
    ("faults: [{fault: status, status: 200}]", "faults[0].status", "greater than or equal to 400", ""),
    ("faults: [{fault: status, status: 500, dely: 1}]", "faults[0].dely", "no such field", "did you mean delay?"),
    ("faults: [{fault: status, status: 500, delay: 1}]", "faults[0].delay", "not a field of the fault status", "code"),
    ("faults: [{fault: latency, delay: soon}]", "faults[0].delay", "not a duration", ""),
    ("faults: [{fault: latency, delay: 61m}]", "faults[0].delay", "longer than an hour", "shorten it"),
    ("faults: [{fault: malformed_json, nth: 0}]", "faults[0].nth[0]", "greater than or equal to 1", ""),
    ("faults: [{fault: malformed_json, probability: 2}]", "faults[0].probability", "less than or equal to 1", ""),
    ("faults: [{fault: slow_body, over: 1}]\nrate_limits: [{requests: 1}]", "rate_limits[0].per", "missing", "add it"),
    ("rate_limits: [{requests: 0, per: 1s}]", "rate_limits[0].requests", "greater than or equal to 1", ""),
    ("rate_limits: [{requests: 1, per: 2d}]", "rate_limits[0].per", "less than or equal to", ""),
    ("rate_limits: {requests: 1}", "rate_limits", "list", ""),
    ("extends: nowhere", "extends", "nowhere", "default"),
    ("extends: defualt", "extends", "defualt", "did you mean default?"),
    ("extends: mine.yaml", "extends", "circle", ""),
    ("extends: [default]", "extends", "", ""),
    ("extends: null", "extends", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "told", "hint"), MISTAKES, ids=[one[0][:60] for one in MISTAKES])
def test_a_mistake_is_told_with_file_line_field_and_hint(write, text, field, told, hint):
    first, *rest = text.split("\n")
    path = write("description: x\n\n# a comment\n" + "\n".join([first, *rest]) + "\n")
    error = refused(path)
    line = 5 if rest else 4
    assert error.place == f"{path}:{line}: {field}"
    assert told in error.problem
    assert hint in error.hint
    assert str(error).startswith(f"{error.place}: {error.problem}")


SPREAD = """\
description: x

endpoints:
  - model: deepseek-ai/DeepSeek-R1
    hardware: 8x_nvidia_h200_140gb_sxm
  - model: deepseek-ai/DeepSeek-R1
    hardware: 8x_nvidia_h200_140gb_sxm
    state: RUNNING

durations:
  endpoint:
    allocated: 5s
    # not the right one
    booted: soon
"""


def test_the_line_is_that_of_the_deepest_part_that_is_written(write):
    assert refused(write(SPREAD)).place.endswith("mine.yaml:14: durations.endpoint.booted")
    assert refused(write(SPREAD.replace("soon", "5s"))).place.endswith("mine.yaml:8: endpoints[1].state")
    missing = SPREAD.replace("soon", "5s").replace("    hardware: 8x_nvidia_h200_140gb_sxm\n    state: RUNNING\n", "")
    assert refused(write(missing)).place.endswith("mine.yaml:6: endpoints[1].hardware")


def test_a_mistake_in_a_lower_layer_is_told_there(write):
    below = write("description: x\nchances: {boot_failed: 7}\n", "below.yaml")
    error = refused(write("extends: below.yaml\ndescription: y\nchances: {tests_failed: 1}\n"))
    assert error.place == f"{below}:2: chances.boot_failed"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("description: x\na: [\n", 3, "is not valid YAML"),
        ("description: x\n  a: 1\n", 2, "is not valid YAML"),
        ("a: b: c\n", 1, "is not valid YAML"),
        ("\tdescription: x\n", 1, "is not valid YAML"),
        ("description: x\nb: *nobody\n", 2, "is not valid YAML"),
        ("description: x\n? [a, b]\n: 1\n", 2, "is not valid YAML"),
        ("- a\n", 1, "not a mapping"),
        ("just text\n", 1, "not a mapping"),
        ("", 1, "not a mapping"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(write, text, line, told):
    path = write(text)
    error = refused(path)
    assert error.place == f"{path}:{line}"
    assert told in error.problem


def test_files_that_cannot_be_read(tmp_path):
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (binary, tmp_path, tmp_path / "nothing.yaml"):
        error = refused(path)
        assert error.place.startswith(str(path))
        assert "cannot be read" in error.problem


@pytest.mark.parametrize("way", ["{0}.yaml", "./{0}.yaml", "../{1}/{0}.yaml"])
def test_a_circle_is_noticed_however_it_is_written(tmp_path, write, way):
    write(f"description: x\nextends: {way.format('b', tmp_path.name)}\n", "a.yaml")
    write(f"description: x\nextends: {way.format('c', tmp_path.name)}\n", "b.yaml")
    path = write(f"extends: {way.format('a', tmp_path.name)}\ndescription: x\n", "c.yaml")
    error = refused(path)
    assert "circle" in error.problem
    assert re.search(r"[abc]\.yaml:[12]: extends$", error.place)


def test_an_unknown_name_is_told_with_those_there_are():
    for name, hint in (("defalt", "did you mean default?"), ("zzz", "choose one of bench,")):
        with pytest.raises(ConfigError, match="no such scenario or file") as caught:
            find_scenario(FIXTURES, name)
        assert hint in caught.value.hint


def test_a_file_may_have_the_name_of_one_that_ships(write, monkeypatch, tmp_path):
    path = write("extends: default\ndescription: mine\n", "default.yaml")
    monkeypatch.chdir(tmp_path)
    assert find_scenario(FIXTURES, "default") == FIXTURES / "scenarios" / "default.yaml"
    assert find_scenario(FIXTURES, str(path)) == path
    assert load(path).seeds() == load(FIXTURES / "scenarios" / "default.yaml").seeds()


def test_the_catalogue_that_ships_has_the_types_it_says():
    raw = yaml.safe_load((FIXTURES / "catalog.yaml").read_text(encoding="utf-8"))
    assert TypeAdapter(Catalog).validate_python(raw) == CATALOG
