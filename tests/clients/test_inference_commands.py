"""The console scripts: 1.x talks, 2.42 binds adapters."""

MODEL = "openai/gpt-oss-20b"
ADAPTED = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
ADAPTER = "devuser/support-german-lora"


def test_1x_talks(user_of):
    user = user_of("1.5.35")
    together = user.types
    said = ("--message", "user", "Why is the sky blue?", "--model", MODEL)
    streamed = together("chat.completions", *said).out.strip()
    assert streamed.startswith(f'This is a simulated answer of {MODEL} to: "Why is the sky blue?"')
    assert together("chat.completions", *said, "--no-stream").out.strip() == streamed
    assert together("completions", "The sky is", "--model", MODEL).out.strip().startswith("This is a simulated answer")
    assert '"finish_reason": "length"' in together("chat.completions", *said, "--max-tokens", "3", "--raw").out

    name = next(one["name"] for one in together("endpoints", "list", "--json").json if one["state"] == "STOPPED")
    refused = together("chat.completions", "--message", "user", "Hello", "--model", name, status=1)
    assert "not running" in refused.err + refused.out


def test_2x_binds_an_adapter(user_of):
    tg = user_of("2.42.0", TOGETHER_PROJECT_ID="proj-9b6f2f53").types
    endpoints = tg("endpoints", "list", "--json").json
    here = next(one for one in endpoints if one["model"] == ADAPTED)
    model_id = f"{here['name']}:{ADAPTER}"
    before = tg("endpoints", "adapters", "list", here["id"]).out
    assert ADAPTER not in before
    assert tg("endpoints", "adapters", "add", here["id"], model_id, "--json").json == {"model_id": model_id}
    assert ADAPTER in tg("endpoints", "adapters", "list", here["id"], "--json").out
    assert "already" in tg("endpoints", "adapters", "add", here["id"], model_id, status=1).out
    gone = tg("endpoints", "adapters", "remove", here["id"], model_id, "--json").json
    assert gone == {"model_id": model_id, "deleted": True}
    assert tg("endpoints", "adapters", "list", here["id"]).out == before
