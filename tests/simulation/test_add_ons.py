"""Add-ons of clusters: settings by name, which move nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import Invalid, NotFound
from mockserver.simulation.clusters import add_ons
from mockserver.simulation.clusters import record as cluster_record
from tests.server.contract import v1
from tests.simulation.histories import LAW
from tests.simulation.worlds import MINUTE, World

UI = {"name": "ui", "add_on_type": "dashboard"}


def test_the_types_are_those_of_the_document():
    assert set(add_ons.TYPES) == set(v1()["components"]["schemas"]["AddOnConfig"]["properties"])


@pytest.mark.parametrize("config", [None, {}, {"nobody": 5}])
def test_an_add_on_without_settings_is_switched_on(config):
    (made,) = add_ons.added((), {**UI, "config": config})
    assert made == {**UI, "config": {"dashboard": {"enabled": True}}, "state": {"dashboard": {}}}
    assert add_ons.enabled(made)


@pytest.mark.parametrize(
    "config", [{"dashboard": {"enabled": False}}, {"dashboard": {}}, {"ingress": {"enabled": True}}]
)
def test_only_its_own_type_switches_it_on(config):
    (made,) = add_ons.added((), {**UI, "config": config})
    assert not add_ons.enabled(made)


@pytest.mark.parametrize(
    ("change", "param"),
    [({}, "add_ons[1].name"), ({"name": " "}, "add_ons[1].name"), ({"add_on_type": "x"}, "add_ons[1].add_on_type")],
)
def test_a_cluster_is_not_created_with_a_bad_add_on(change, param):
    with pytest.raises(Invalid) as refused:
        World().create_cluster(add_ons=[UI, {**UI, **change}])
    assert refused.value.param == param


def test_commands_on_unknown_clusters_and_add_ons_are_refused():
    world = World()
    cluster = world.create_cluster()
    for command in (
        lambda transaction: add_ons.update(transaction, cluster.id, "ui", {}),
        lambda transaction: add_ons.remove(transaction, cluster.id, "ui"),
        lambda transaction: add_ons.create(transaction, "nobody", UI),
    ):
        with pytest.raises(NotFound):
            world.run(command)


commands = st.lists(
    st.tuples(
        st.integers(0, 4 * MINUTE),
        st.sampled_from(["create", "update", "remove"]),
        st.sampled_from(["a", "b"]),
        st.booleans(),
    ),
    max_size=8,
)


@LAW
@given(st.integers(0, 2**16), commands)
def test_commands_on_add_ons_change_only_the_add_ons(seed, steps):
    world, plain = World(seed=seed), World(seed=seed)
    cluster = world.create_cluster(16, num_preemptible_gpus=8, project_id="p")
    plain.create_cluster(16, num_preemptible_gpus=8, project_id="p")
    known = {}
    for wait_ms, command, name, on in steps:
        world.wait(wait_ms)
        config = {"headlamp": {"enabled": on}}
        wish = {"name": name, "add_on_type": "headlamp", "config": config}
        if command == "create" and name not in known:
            world.run(lambda transaction, wish=wish: add_ons.create(transaction, cluster.id, wish))
            known[name] = on
        elif command == "update" and name in known:
            world.run(
                lambda transaction, name=name, config=config: add_ons.update(transaction, cluster.id, name, config)
            )
            known[name] = on
        elif command == "remove" and name in known:
            world.run(lambda transaction, name=name: add_ons.remove(transaction, cluster.id, name))
            del known[name]
    after, untouched = world.cluster(cluster), plain.cluster(cluster)
    assert {one["name"]: add_ons.enabled(one) for one in after.terms.add_ons} == known
    assert after._replace(terms=untouched.terms) == untouched
    assert cluster_record.phase(after, world.at_ms) == cluster_record.phase(untouched, world.at_ms)
