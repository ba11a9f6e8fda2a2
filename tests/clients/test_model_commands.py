"""The console scripts: models and uploads of 1.x and 2.x, and what 2.42 and 3.x ask of the account by themselves."""

import re

from tests.clients.matrix import clients

WISH = ("--model-name", "tuned-7b", "--model-source", "acme/tuned-7b", "--hf-token", "hf_story")
JOB_ID = r"job-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

since_2_42 = clients("2.42.0", "3.1.1")


def test_1x_lists_and_uploads_models(user_of):
    user = user_of("1.5.35")
    everything = user.types("models", "list", "--json").json
    dedicated = user.types("models", "list", "--type", "dedicated", "--json").json
    assert {one["ID"] for one in dedicated} < {one["ID"] for one in everything}
    made = user.types("models", "upload", *WISH).out
    assert re.search(rf"Job ID: {JOB_ID}", made)
    assert "Model Name: devuser/tuned-7b" in made
    user.waits()
    assert "devuser/tuned-7b" in user.types("models", "list", "--type", "dedicated").out
    again = user.types("models", "upload", *WISH, status=1)
    assert "already" in again.out + again.err


@clients("2.15.0", "2.42.0")
def test_2x_lists_and_uploads_models(user_of, version):
    user = user_of(version)
    made = user.types("models", "upload", *WISH).out
    assert "Model upload job created successfully!" in made
    assert re.search(JOB_ID, made)
    assert "devuser/tuned-7b" in made
    told = user.types("models", "upload", "--model-name", "other", *WISH[2:], "--json").json
    assert told["data"]["model_name"] == "devuser/other"
    user.waits()
    pages, after = [], ()
    while True:
        page = user.types("models", "list", "--type", "dedicated", "--json", *after).json
        pages += [one["id"] for one in page["data"]]
        if not page["next_cursor"]:
            break
        after = ("--after", page["next_cursor"])
    assert pages[-2:] == ["devuser/tuned-7b", "devuser/other"]
    assert "deepseek-ai/DeepSeek-R1" in user.types("models", "list").out
    again = user.types("models", "upload", *WISH, status=1)
    assert "already" in again.out + again.err
    assert "hf_story" not in again.out + again.err


@since_2_42
def test_it_asks_who_is_asking_by_itself(user_of, version):
    """Without TOGETHER_PROJECT_ID it asks for whoami before each command, and a refusal would be its end."""
    tg = user_of(version).types
    assert "Default Project" in tg("whoami").out
    assert "Dev Organization" in tg("whoami").out
    assert tg("whoami", "--json").json["project"]["id"] == "proj-9b6f2f53"
    listed = tg("projects", "list").out
    assert "proj-9b6f2f53" in listed
    assert "Default Project" in listed
    assert "training" in tg("clusters", "list").out
    if version == "2.42.0":  # which still speaks of the endpoints of v1
        assert "Started" in tg("endpoints", "list").out


@since_2_42
def test_a_cluster_made_without_a_project_is_in_the_keys(user_of, version):
    tg = user_of(version).types
    wish = ("--non-interactive", "--name", "story", "--region", "us-central-8", "--gpu-type", "H100_SXM")
    more = (
        "--num-gpus",
        "8",
        "--billing-type",
        "ON_DEMAND",
        "--cuda-version",
        "12.6",
        "--nvidia-driver-version",
        "560",
    )
    assert "Clusters: Cluster created successfully" in tg("clusters", "create", *wish, *more).out
    made = [one for one in tg("clusters", "list", "--json").json["clusters"] if one["cluster_name"] == "story"]
    assert [one["project_id"] for one in made] == ["proj-9b6f2f53"]
