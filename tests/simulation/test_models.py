"""Uploads and their jobs: where a model is there, what its size is, and that nothing secret is kept."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.lifecycles import TIME
from mockserver.errors import Invalid
from mockserver.simulation import schedule
from mockserver.simulation.kernel.timeline import observe
from mockserver.simulation.kernel.transaction import View
from mockserver.simulation.models import jobs, uploads
from mockserver.simulation.models import record as model_record
from mockserver.simulation.models.sources import read_source
from mockserver.simulation.models.uploads import NewUpload
from tests.simulation.worlds import LIFECYCLES, MINUTE, World, rules, with_chances

SETTLED = settings(derandomize=True, database=None, deadline=None, max_examples=60)
NAMES = st.lists(st.sampled_from(["a-7b", "b-70b", "c", "d-8x7B", "e-1b-fp8"]), min_size=1, max_size=5)
WAITS = st.integers(0, 60 * MINUTE)
CHANCES = st.sampled_from([0.0, 0.5, 1.0])


def upload(world: World, name: str, **more: Any) -> jobs.Job | None:
    """The new job, or None where the upload is refused."""
    try:
        return world.run(lambda transaction: uploads.upload(transaction, NewUpload(name, f"acme/{name}", **more)))[1]
    except Invalid:
        return None


def seen(world: World, at_ms: int) -> Any:
    """All that a reader sees at an instant."""
    view = View(world.setup, world.rows, at_ms)
    every = [(job.id, jobs.status(job, at_ms)) for job in view.scan(jobs.KIND).values()]
    return (
        every,
        [model.id for model in model_record.listing(view)],
        [model.id for model in model_record.deployable(view)],
    )


@given(NAMES, WAITS, CHANCES, st.integers(0, 99))
@SETTLED
def test_every_move_of_a_job_is_legal_and_ends_at_rest(names: list[str], wait: int, chance: float, seed: int) -> None:
    world = World(rules_=with_chances(rules(), import_failed=chance), seed=seed)
    lifecycle = LIFECYCLES[jobs.KIND]
    for name in names:
        job = upload(world, name)
        world.wait(wait)
        if job is None:
            continue
        assert job.line[0].phase in lifecycle.initial
        for before, after in zip(job.line, job.line[1:], strict=False):
            assert lifecycle.legal(before.phase, after.phase, after.cause)
            assert TIME in lifecycle.by_name[after.cause].by
            assert before.at_ms <= after.at_ms
        assert lifecycle.states[job.line[-1].phase].rests
        assert chance or job.line[-1].phase == jobs.COMPLETE
        assert chance < 1 or job.line[-1].phase == jobs.FAILED


@given(NAMES, st.lists(WAITS, min_size=1, max_size=4), CHANCES)
@SETTLED
def test_reads_write_nothing_and_nothing_changes_before_the_next_change(
    names: list[str], waits: list[int], chance: float
) -> None:
    world = World(rules_=with_chances(rules(), import_failed=chance))
    for name in names:
        upload(world, name)
    written = world.rows.written_out()
    for wait in waits:
        world.wait(wait)
        now = seen(world, world.at_ms)
        coming = schedule.next_of_world(world.view())
        listing = model_record.next_listing_change(world.view())
        assert coming == listing
        assert coming is None or coming > world.at_ms
        assert seen(world, world.at_ms if coming is None else coming - 1) == now
    assert world.rows.written_out() == written


@given(NAMES, st.integers(0, 99))
@SETTLED
def test_other_traffic_does_not_disturb_a_job(names: list[str], seed: int) -> None:
    """The n-th upload goes the same way whatever endpoints and volumes come between."""
    quiet, busy = World(seed=seed), World(seed=seed)
    for name in names:
        busy.create(1)
        busy.create_volume(1)
        assert upload(quiet, name) == upload(busy, name)


@given(NAMES, CHANCES)
@SETTLED
def test_a_model_exists_exactly_from_the_instant_its_job_is_complete(names: list[str], chance: float) -> None:
    world = World(rules_=with_chances(rules(), import_failed=chance))
    for name in dict.fromkeys(names):
        job = upload(world, name)
        assert job is not None
        for mark in job.line:
            for at_ms in (mark.at_ms - 1, mark.at_ms, mark.at_ms + 1):
                view = View(world.setup, world.rows, max(at_ms, world.at_ms))
                there = observe(job.line, view.at_ms).phase == jobs.COMPLETE
                assert (model_record.find(view, f"devuser/{name}") is not None) == there
                assert (f"devuser/{name}" in [model.id for model in model_record.listing(view)]) == there


def test_a_failed_import_can_be_tried_again_and_its_job_stays() -> None:
    world = World(rules_=with_chances(rules(), import_failed=1))
    first = upload(world, "m")
    assert upload(world, "m") is None
    world.wait(60 * MINUTE)
    second = upload(world, "m")
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert list(world.view().scan(jobs.KIND)) == [first.id, second.id]


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("llama-7b", 7), ("Llama-3-70B", 70), ("x-8x7B", 56), ("q-235B-A22B", 235), ("tiny-350M", 0.35),
        ("v1.5-13b", 13), ("a-0.5b", 0.5), ("plain", 8), ("b2b", 8), ("abc7b", 8), ("7bit", 8), ("v3", 8), ("x_7b", 7),
        ("model-99999b", 99999), ("123456b", 8), ("Q-7B-1M", 7),
    ],
)  # fmt: skip
def test_the_size_mentioned_by_a_name(name: str, billions: float) -> None:
    world = World()
    assert world.run(lambda transaction: uploads.upload(transaction, NewUpload(name, "acme/m")))[0].params_b == billions


SECRET = st.text(ascii_letters + digits, min_size=12, max_size=20)


@given(st.sampled_from(["http", "https"]), SECRET, st.sampled_from([".zip", ".tar.gz", ".bin", ""]), st.booleans())
@SETTLED
def test_secrets_in_a_url_are_not_kept(scheme: str, secret: str, suffix: str, hugging: bool) -> None:
    host = "huggingface.co/acme/m" if hugging else f"b.example.com:8443/w{suffix}"
    url = f"{scheme}://u:{secret}@{host}?X-Amz-Signature={secret}&y={secret}#{secret}"
    try:
        told = repr(read_source(url))
    except Invalid as invalid:
        told = repr((invalid.message, invalid.param, invalid.code))
    assert secret not in told
