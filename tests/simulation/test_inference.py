"""Inference: who answers, what it does to the idle timer, and what is said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import Invalid
from mockserver.simulation.endpoints import adapters
from mockserver.simulation.inference import completions
from mockserver.simulation.inference import requests as inference_requests
from mockserver.simulation.inference.completions import CompletionOptions, checked_request, complete, tokens
from mockserver.simulation.kernel.catalog import AdapterModel
from mockserver.simulation.kernel.timeline import facts
from tests.simulation.histories import LAW
from tests.simulation.worlds import CATALOG, HOUR, MINUTE, SMALL, World, rules, with_pools

TUNABLE = "mistralai/Mistral-7B-Instruct-v0.3"


def use(world, model):
    return world.run(lambda transaction: inference_requests.use(transaction, model))


def started(world, **wanted):
    endpoint = world.create(**wanted)
    world.until(endpoint.line[2].at_ms)
    assert world.state(endpoint) == "STARTED"
    return endpoint


def idles_at(world, endpoint):
    return next((mark.at_ms for mark in world.endpoint(endpoint).line if mark.cause == "idled"), None)


# ---- who answers ----------------------------------------------------------------------------------------------------


def test_an_endpoint_answers_to_its_name_and_id():
    world = World()
    endpoint = started(world)
    assert use(world, endpoint.name) == use(world, endpoint.id) == SMALL


def test_an_endpoint_answers_only_while_it_is_started():
    world = World()
    endpoint = world.create()
    for wanted in ("PENDING", "STARTING", "STARTED", "STOPPING", "STOPPED"):
        while world.state(endpoint) != wanted:
            ahead = [mark.at_ms for mark in world.endpoint(endpoint).line if mark.at_ms > world.at_ms]
            if ahead:
                world.until(ahead[0])
            else:
                world.stop(endpoint)
        if wanted == "STARTED":
            use(world, endpoint.name)
            continue
        with pytest.raises(Invalid) as refused:
            use(world, endpoint.name)
        assert refused.value.code == "dedicated_endpoint_not_running"
        assert wanted in refused.value.message
        assert "not found" not in refused.value.message
    world.delete(endpoint)
    with pytest.raises(Invalid) as refused:
        use(world, endpoint.name)
    assert refused.value.code == "model_not_available"


def test_serverless_models_answer_and_others_do_not():
    world = World("default", lived_in=True)
    assert use(world, "openai/gpt-oss-20b") == "openai/gpt-oss-20b"
    for model in ("deepseek-ai/DeepSeek-R1", "", ":", "a:b", "nobody/nothing"):
        with pytest.raises(Invalid) as refused:
            use(world, model)
        assert refused.value.code == "model_not_available"


def test_a_bound_adapter_answers_with_and_without_its_endpoint():
    catalog = replace(CATALOG, adapters=(AdapterModel("me/a:b", TUNABLE), AdapterModel("me/other", TUNABLE)))
    world = World(catalog=catalog)
    endpoint = started(world, model=TUNABLE)
    named = f"{endpoint.name}:me/a:b"
    for model in (named, "me/a:b"):
        with pytest.raises(Invalid):
            use(world, model)
    world.run(lambda transaction: adapters.bind(transaction, endpoint.id, named))
    assert use(world, named) == use(world, "me/a:b") == f"{TUNABLE} with me/a:b"
    for model in ("somebody:me/a:b", f"{endpoint.name}:me/other", "me/other"):
        with pytest.raises(Invalid) as refused:
            use(world, model)
        assert refused.value.code == "model_not_available"
    world.stop(endpoint)
    with pytest.raises(Invalid) as refused:
        use(world, named)
    assert refused.value.code == "dedicated_endpoint_not_running"


# ---- the idle timer -------------------------------------------------------------------------------------------------


@LAW
@given(
    st.integers(0, 2**16),
    st.sampled_from([1, 5, 60]),
    st.lists(st.floats(0, 0.999, allow_nan=False), min_size=1, max_size=6),
)
def test_an_endpoint_used_at_t_idles_one_timeout_after_t_and_nothing_else_changes(seed, minutes, gaps):
    world = World(seed=seed)
    endpoint = started(world, inactive_timeout=minutes)
    begun = world.endpoint(endpoint)
    assert idles_at(world, endpoint) == world.at_ms + minutes * MINUTE
    stopping_ms = begun.line[4].at_ms - begun.line[3].at_ms
    for gap in gaps:
        world.wait(int(gap * minutes * MINUTE))
        use(world, endpoint.name)
        after = world.endpoint(endpoint)
        assert idles_at(world, endpoint) == world.at_ms + minutes * MINUTE
        assert after.line[:3] == begun.line[:3] == facts(after.line, world.at_ms)
        assert [mark.phase for mark in after.line[3:]] == ["STOPPING", "STOPPED"]
        assert after.line[4].at_ms - after.line[3].at_ms == stopping_ms
        assert after._replace(line=begun.line, touched_ms=begun.touched_ms) == begun
    world.wait(minutes * MINUTE)
    with pytest.raises(Invalid):
        use(world, endpoint.name)


@pytest.mark.parametrize("timeout", [None, 0])
def test_an_endpoint_without_a_timeout_is_not_written(timeout):
    world = World()
    endpoint = started(world, inactive_timeout=timeout)
    world.wait(HOUR)
    written = world.rows.written_out()
    use(world, endpoint.name)
    assert world.rows.written_out() == written


def test_used_twice_at_one_instant_is_written_once():
    world = World()
    endpoint = started(world, inactive_timeout=5)
    world.wait(MINUTE)
    use(world, endpoint.name)
    written = world.rows.written_out()
    use(world, endpoint.id)
    assert world.rows.written_out() == written


def test_using_an_idle_endpoint_postpones_the_grant_of_a_waiting_one():
    pools = {"hardware/h100_80gb_sxm": {"us-central-4b": (2, 0, 0)}}
    world = World(rules_=with_pools(rules(), pools))
    first = started(world, inactive_timeout=60)
    second = world.create(low=2)
    promised = world.endpoint(second).claims[0].granted_ms
    assert promised == world.endpoint(first).line[-1].at_ms
    world.wait(30 * MINUTE)
    use(world, first.name)
    assert world.endpoint(second).claims[0].granted_ms == world.endpoint(first).line[-1].at_ms == promised + 30 * MINUTE


def test_being_used_does_not_undo_a_change_of_the_timeout():
    world = World()
    endpoint = started(world, inactive_timeout=60)
    world.wait(MINUTE)
    use(world, endpoint.name)
    world.wait(MINUTE)
    world.patch(endpoint, inactive_timeout=None)
    use(world, endpoint.name)
    assert idles_at(world, endpoint) is None


# ---- what is said ---------------------------------------------------------------------------------------------------

texts = st.text(max_size=200)


@LAW
@given(texts)
def test_the_tokens_of_a_text_are_the_text(text):
    assert "".join(tokens(text)) == text
    assert len(tokens(text)) == completions.count_tokens(text)
    assert all(tokens(text))


@LAW
@given(
    texts,
    st.integers(0, 5),
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(0, 40)),
    st.lists(st.sampled_from(["", "simulated", " ", '"', "zzz", "e"]), max_size=3),
)
def test_a_limit_and_stop_sequences_only_cut_the_answer(prompt, seed, n, limit, stops):
    setup = World().setup

    def answer(**more):
        request = checked_request("This is", [prompt], prompt, CompletionOptions(n=n, seed=seed, **more))
        return complete(setup, "a/model", request, 5).choices

    whole, cut = answer(), answer(max_tokens=limit, stop=tuple(stops))
    assert answer(max_tokens=limit, stop=tuple(stops)) == cut
    assert len({choice.tokens for choice in whole}) == len(whole) == n, "each choice is another"
    for full, short in zip(whole, cut, strict=True):
        text, said = "".join(full.tokens), "".join(short.tokens)
        assert full.finish_reason == "stop"
        assert "a/model" in text
        assert text.startswith(said)
        until = min([text.find(stop) for stop in stops if stop and stop in text], default=len(text))
        if short.finish_reason == "length":
            assert len(short.tokens) == limit
            assert len(said) < until
        else:
            assert said == text[:until]
            assert limit is None or len(short.tokens) <= limit


def test_what_an_answer_depends_on():
    def said(*, seed=1, model="m", prompt="p", own=None):
        setup = World(seed=seed).setup
        (choice,) = complete(
            setup, model, checked_request("Said by", ["q"], prompt, CompletionOptions(seed=own)), 0
        ).choices
        return "".join(choice.tokens)

    assert said() == said()
    assert len({said(), said(seed=2), said(model="n"), said(prompt="o"), said(own=1), said(own=2)}) == 6


def test_an_answer_repeats_the_prompt_in_short():
    setup = World().setup
    (choice,) = complete(setup, "m", checked_request("By", ["a  long\n" * 100], "", CompletionOptions()), 0).choices
    text = "".join(choice.tokens)
    assert '"a long a long' in text
    assert '…"' in text
    assert len(text) < 110


@pytest.mark.parametrize(
    ("given_", "param"),
    [({"n": 0}, "n"), ({"n": 129}, "n"), ({"max_tokens": -1}, "max_tokens"), ({"seed": 2**63}, "seed")],
)
def test_numbers_out_of_bounds(given_, param):
    with pytest.raises(Invalid) as refused:
        checked_request("By", ["q"], "", CompletionOptions(**given_))
    assert refused.value.param == param
