"""A model's way from an upload to an endpoint, told with each client library that has models; and who is asking."""

from tests.clients.matrix import both_clocks, clients, leads_along

WHO = {
    "project_id": "proj-9b6f2f53",
    "project_name": "Default Project",
    "project_slug": "default-project",
    "organization_id": "org-e84d13b6",
    "organization_name": "Dev Organization",
}


def test_1x_uploads_a_model_and_finds_it(user_of):
    facts = user_of("1.5.35").tells("models_1x")
    assert set(facts["deployable"]) < set(facts["everything"])
    made = facts["made"]
    assert made["model_name"] == "devuser/tuned-7b"
    assert made["model_source"] == "huggingface"
    assert made["job_id"]
    assert made["model_id"]
    assert made["message"]
    assert facts["at_once"] is False
    assert facts["deployable_then"] is True
    status, text = facts["again"]
    assert status == 400
    assert "already" in text


@both_clocks
@clients("2.15.0", "2.42.0", "typescript")
def test_an_upload_is_followed_until_it_can_be_deployed(user_of, version, clock):
    user = user_of(version, clock)
    facts = user.tells("models" if version == "typescript" else "models_2x")
    assert set(facts["deployable"]) < set(facts["everything"])
    assert facts["made"]["message"]
    assert facts["made"]["name"] == "devuser/tuned-7b"
    assert facts["made"]["source"] == "huggingface"
    assert facts["made"]["id"].startswith("model-")
    assert facts["refused_early"] == 404
    assert leads_along(["Queued", "Running", "Complete"], facts["seen"])
    if clock == "step":
        assert facts["seen"] == ["Queued", "Running", "Complete"]
    assert facts["updates"] == ["Queued", "Running", "Complete"]
    assert facts["args"] == ["tuned-7b", "acme/tuned-7b", "ours"]
    assert facts["deployable_then"] is True
    assert facts["endpoint"].startswith("devuser/tuned-7b-")
    assert facts["state"] == "STARTED"
    assert facts["again"] == 400
    assert facts["unknown_job"] == 404
    if version == "typescript":
        assert facts["whoami"].items() >= WHO.items()
    assert "hf_story" not in user.server.log.read_text()


@clients("2.42.0", "3.1.1")
def test_both_forms_of_whoami_tell_of_one_project(user_of, version):
    facts = user_of(version).tells("account")
    who = facts["whoami"]
    if version == "3.1.1":
        assert who["type"] == "project_api_key"
        told = {f"{part}_{name}": value for part in ("project", "organization") for name, value in who[part].items()}
        assert told == WHO
        assert who["api_key"]["id"]
    else:
        assert who.items() >= WHO.items()
        assert who["api_key_id"]
        assert who["user_id"]
    (project,) = facts["projects"]
    assert project == {
        "id": WHO["project_id"],
        "name": WHO["project_name"],
        "slug": WHO["project_slug"],
        "organization_id": WHO["organization_id"],
        "organization_name": WHO["organization_name"],
    }
