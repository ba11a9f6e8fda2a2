"""A volume's life, told with each client library that has volumes."""

from tests.clients.matrix import both_clocks, clients, leads_along


@both_clocks
@clients("2.15.0", "2.42.0", "3.1.1", "typescript")
def test_a_volume_outlives_the_cluster_it_was_lent_to(user_of, version, clock):
    facts = user_of(version, clock).tells("volumes")

    assert facts["created"] == ["attic", 1]
    assert leads_along(["provisioning", "available"], facts["making"])
    assert facts["listed"] == [1]
    assert facts["enlarged"] == 3
    assert facts["shrinking"][0] == 400

    assert facts["of_the_cluster"] == [[True, 3]]
    assert facts["attached"] == ["bound", 3]
    status, text = facts["deleting_attached"]
    assert status == 400
    assert facts["cluster"] in text

    assert leads_along(["bound", "available"], facts["returning"])
    assert facts["deleted"] is True
    assert set(facts["falling"]) <= {"deleting"}
    assert facts["gone"][0] == 404
    assert facts["left"] == []
