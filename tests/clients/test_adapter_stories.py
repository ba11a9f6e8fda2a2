"""LoRA adapters, told with each client library that has them."""

from tests.clients.matrix import clients


@clients("2.42.0", "typescript")
def test_an_adapter_is_bound_and_taken_away(user_of, version):
    facts = user_of(version, "step").tells("adapters")
    model_id, name = facts["model_id"], facts["name"]
    assert facts["added"] == model_id
    assert facts["listed"] == [[model_id, "devuser/haiku-lora", name]]
    assert "with devuser/haiku-lora" in facts["answer"]
    assert facts["refused"] == [400, 403, 404, 400]
    assert facts["removed"] == [model_id, True]
    assert facts["left"] == 0
