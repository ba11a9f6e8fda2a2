"""What a client does wrong over time: the rules of the suite `conduct`, judged from one session's exchanges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from contract_tests.model.exchange import made_id
from contract_tests.model.resources import GETS
from mockserver.audit.decoding import BAD, DecodedExchange, pause_ms
from mockserver.audit.registry import ACCEPTED, OVERLOADS, Breach, rule
from mockserver.audit.sessions import ClientSession
from mockserver.errors import WrongState

FAST_MS = 250
"""Nobody needs to look at a resource more often: it takes minutes."""
MANY_LOOKS = 8
"""So many looks in a row at what is on its way, each too soon after the last, are polling; fewer may be a test."""
MANY_READS = 30
"""So many are with what does not change, such as a list: many tasks may each read it once."""
STORM = 4
"""So many failures in a row with hardly a pause are a storm."""
HARDLY_MS = 100
LONG_STORM = 12
"""So many are one with any pause below `SHORT_MS`."""
SHORT_MS = 1000
IN_VAIN = 3
"""So often the same is refused before it counts as asked again and again."""
AFTER_ERROR = 3
"""So many further looks at what has failed are in vain."""
LOST = frozenset({"truncated body", "malformed json", "wrong content type"})
"""The faults by which the answer to what was carried out is lost, whatever its status."""
TOLERANCE = 0.95
"""How much of a Retry-After must have passed: clocks are read, and rounded, on both sides."""
LATER_MS = 60_000
"""After so long a thing that was not there may be asked for again."""
LOOKS_IN_VAIN = 6
"""So often, where it is looked whether a thing is there."""
REFUSALS = frozenset({400, 401, 403, 404, 405, 413, 415, 422})
"""The statuses that the same request gets again, however often it is sent."""
GET_ONE = frozenset(operation_id for operation_id, _ in GETS.values())
KINDS_OF_COST = frozenset({"endpoint", "cluster", "volume"})


def any_failed(session: ClientSession) -> bool:
    """Sessions in which something failed that may succeed later are judged."""
    return any(one.failed for one in session.exchanges)


def any_refused(session: ClientSession) -> bool:
    """Sessions in which something was refused are judged."""
    return any(one.status in REFUSALS for one in session.exchanges)


def any_polled(session: ClientSession) -> bool:
    """Sessions in which a resource was looked at twice are judged."""
    return any(len(group) > 1 and group[0].method == "GET" for group in session.attempts)


def any_made(session: ClientSession) -> bool:
    """Sessions in which something was made are judged."""
    return bool(session.made)


def any_acted(session: ClientSession) -> bool:
    """Sessions in which something was asked of a resource are judged."""
    return any(one.method != "GET" and one.operation is not None for one in session.exchanges)


# ---- asking again ----------------------------------------------------------------------------------------------------


@rule("ignores-retry-after", suite="conduct", applies=any_failed, source="RFC 9110, 10.2.3",
      reason="The answer said how long to wait; asking sooner is refused again.")  # fmt: skip
def ignores_retry_after(session: ClientSession) -> Iterator[Breach]:
    """The same again before the time that the answer named."""
    for flow in session.flows:
        if _each_waited(flow):
            continue
        for earlier, later in pairwise(flow):
            wanted = earlier.retry_after_ms
            waited = pause_ms(earlier, later)
            if earlier.failed and wanted and waited < wanted * TOLERANCE:
                message = (
                    f"the answer {earlier.status} asked to wait {_seconds(wanted)}; the same request came again after "
                    f"{_seconds(waited)}"
                )
                yield Breach([earlier, later], message, f"wait {_seconds(wanted)}")


def _each_waited(flow: Sequence[DecodedExchange]) -> bool:
    """Whether requests with a connection each may be those of several tasks, of which each waited as it was asked to.

    So it is where every failure has a later request of its own that came late enough.
    """
    if len({one.connection for one in flow}) < len(flow):
        return False  # one connection is one task's
    free = list(flow)
    for failed in (one for one in flow if one.failed and one.retry_after_ms):
        wanted = (failed.retry_after_ms or 0) * TOLERANCE
        again = next((one for one in free if one.wall_ms > failed.wall_ms and pause_ms(failed, one) >= wanted), None)
        if again is None:
            return False
        free.remove(again)
    return True


@rule("gives-up-at-once", suite="conduct", applies=any_failed, consequence=ACCEPTED,
      source="the official clients' retries",
      reason="Such failures pass: the official clients ask again by themselves, twice or more.")  # fmt: skip
def gives_up_at_once(session: ClientSession) -> Iterator[Breach]:
    """A passing failure after which the same was never asked again."""
    for group in session.attempts:
        last = group[-1]
        worth_it = last.retry_after_ms is not None or last.headers.get("x-should-retry") == "true"
        alone = len(group) == 1 or not group[-2].failed
        if last.failed and alone and (worth_it or (last.status == 0 and last.method == "GET")):
            what = f"the answer {last.status}" if last.status else "a connection that broke"
            yield Breach([last], f"after {what} the request was never sent again", "ask again, after a pause")


@rule("retries-a-refusal", suite="conduct", applies=any_refused, source="the meaning of 4xx (RFC 9110, 15.5)",
      reason="What was refused for what it says is refused again: the request has to change first.")  # fmt: skip
def retries_a_refusal(session: ClientSession) -> Iterator[Breach]:
    """The same again and again, though it cannot succeed."""
    for group in session.flows:
        in_a_row: list[DecodedExchange] = []
        for one in [*group, None]:
            if (
                one is not None
                and one.status in REFUSALS
                and not one.failed
                and not isinstance(one.refusal, WrongState)
            ):
                if in_a_row and one.method == "GET" and one.status == 404 and pause_ms(in_a_row[-1], one) >= LATER_MS:
                    in_a_row = []  # it is asked again later whether it is there by now
                in_a_row.append(one)
                continue
            retried = len(in_a_row) > 1 and any(_says_retry(again) for again in in_a_row[1:])
            looks = bool(in_a_row) and in_a_row[0].method == "GET" and in_a_row[0].status == 404
            if len(in_a_row) >= (LOOKS_IN_VAIN if looks else IN_VAIN) or retried:
                status = in_a_row[0].status
                yield Breach(in_a_row, f"refused with {status}, the same request was sent {len(in_a_row)} times")
            in_a_row = []


def _says_retry(one: DecodedExchange) -> bool:
    """Whether the client itself says that it tries again."""
    return one.nth_try not in ("", "0")


@rule("retry-storm", suite="conduct", applies=any_failed, consequence=OVERLOADS, source="the official clients' retries",
      reason="Without pauses that grow, retries keep a service down that is overloaded already.")  # fmt: skip
def retry_storm(session: ClientSession) -> Iterator[Breach]:
    """Many failures in a row, with hardly a pause between them."""
    for group in session.flows:
        for most_ms, fewest in ((HARDLY_MS, STORM), (SHORT_MS, LONG_STORM)):
            storm = max(_chains(group, most_ms), key=len, default=[])
            if len(storm) >= fewest:
                message = f"{len(storm)} failures in a row, none more than {_seconds(most_ms)} after the last"
                yield Breach(storm, message, "wait longer each time, and give up in the end")
                break


def _chains(group: Sequence[DecodedExchange], most_ms: int) -> Iterator[list[DecodedExchange]]:
    """The stretches of failures that follow each other so closely."""
    chain: list[DecodedExchange] = []
    for one in group:
        if chain and (not one.failed or pause_ms(chain[-1], one) >= most_ms):
            yield chain
            chain = []
        if one.failed:
            chain.append(one)
    yield chain


@rule("duplicates-on-retry", suite="conduct", applies=any_made, consequence=ACCEPTED,
      source="the API: creates have no idempotency key",
      reason="The first request was carried out, only its answer was lost: the second made another.")  # fmt: skip
def duplicates_on_retry(session: ClientSession) -> Iterator[Breach]:
    """Made twice, since the answer to the first request was lost."""
    makers = [one for one in session.exchanges if one.method == "POST" and one.operation is not None]
    for number, earlier in enumerate(makers):
        is_lost = earlier.faults and (not earlier.ok or LOST & set(earlier.faults))
        if not (earlier.carried_out and is_lost):
            continue
        alike = (one for one in makers[number + 1 :] if _wish(one) == _wish(earlier) and one.run == earlier.run)
        later = next(alike, None)
        if later is not None and made_id(later) is not None:
            message = f"{earlier.path} was asked for twice: the first was made too, though its answer was lost"
            yield Breach([earlier, later], message, "look at the list before making it again")


def _wish(one: DecodedExchange) -> tuple[str, str]:
    """What is asked to be made, whatever its name."""
    fields = one.sent.items() if isinstance(one.sent, dict) else ()
    return one.operation_id, repr(sorted((name, repr(value)) for name, value in fields if "name" not in str(name)))


# ---- looking ---------------------------------------------------------------------------------------------------------


@rule("polls-too-fast", suite="conduct", applies=any_polled, consequence=ACCEPTED,
      source="the official clients' own pace",
      reason="Nothing changes so fast: the official clients look once a second at most.")  # fmt: skip
def polls_too_fast(session: ClientSession) -> Iterator[Breach]:
    """The same look again and again, with hardly a pause."""
    for group in session.flows:
        if not group or group[0].method != "GET":
            continue
        waited_for = group[0].operation_id in GET_ONE
        looks = [one for one in group if not waited_for or one.state not in session.resting]
        fast = max(_quick(looks), key=len, default=[])
        if len(fast) > (MANY_LOOKS if waited_for else MANY_READS):
            spent = pause_ms(fast[0], fast[-1])
            message = f"{len(fast)} looks at the same within {_seconds(spent)}"
            yield Breach(fast, message, "look once a second, or less often")


def _quick(group: Sequence[DecodedExchange]) -> Iterator[list[DecodedExchange]]:
    """The stretches of looks with hardly a pause between them, in either clock."""
    stretch: list[DecodedExchange] = []
    for one in group:
        last = stretch[-1] if stretch else one
        if one.failed or max(pause_ms(last, one), one.at_ms - last.at_ms) >= FAST_MS:
            yield stretch
            stretch = []
        if not one.failed:
            stretch.append(one)
    yield stretch


@rule("polls-after-error", suite="conduct", applies=any_polled, consequence=ACCEPTED, source="spec/lifecycles.yaml",
      reason="What has failed stays so until somebody acts: waiting for it has no end.")  # fmt: skip
def polls_after_error(session: ClientSession) -> Iterator[Breach]:
    """Further looks at a resource that was seen to have failed, and nothing else."""
    for run in session.runs:
        failed: dict[str, list[DecodedExchange]] = {}
        ended: list[list[DecodedExchange]] = []
        for one in run:
            looked = one.operation_id in GET_ONE and one.ok
            if one.method != "GET" or (looked and not BAD.search(one.state)):
                ended.append(failed.pop(one.about, []))
            elif looked:
                failed.setdefault(one.about, []).append(one)
        for looks in [*ended, *failed.values()]:
            if len(looks) > AFTER_ERROR:
                message = f"{looks[0].about} was seen to be {looks[0].state}, and looked at {len(looks) - 1} times more"
                yield Breach(looks, message, "stop waiting when it has failed")


@rule("ignores-error-state", suite="conduct", applies=any_made, consequence=ACCEPTED, source="spec/lifecycles.yaml",
      reason="What was asked for never came, and the client goes on as if it had.")  # fmt: skip
def ignores_error_state(session: ClientSession) -> Iterator[Breach]:
    """A resource of the client's has failed, and it never looked."""
    for found, made in session.made.items():
        present = session.present.get(found)
        if present is None or not present.failed:
            continue
        looks = [
            one
            for one in session.runs[-1]
            if one.ok and any(seen.id == found and BAD.search(_text(seen.view)) for seen in one.seen)
        ]
        if not looks:
            message = f"the {present.kind} {found} came to {present.failed}, which the client never saw"
            yield Breach([made], message, "look until it rests, and at what it rests in")


def _text(view: object) -> str:
    """The words in a view that may tell its state."""
    if not isinstance(view, dict):
        return ""
    return " ".join(str(view.get(name)) for name in ("state", "status", "phase_transitions", "status_updates"))


# ---- acting ----------------------------------------------------------------------------------------------------------


@rule("acts-too-early", suite="conduct", applies=any_acted, source="spec/lifecycles.yaml",
      reason="The resource was not in a state for it: the client did not wait, or did not look.")  # fmt: skip
def acts_too_early(session: ClientSession) -> Iterator[Breach]:
    """A request that would have been right in another state."""
    for one in session.exchanges:
        if isinstance(one.refusal, WrongState):
            yield Breach([one], one.refusal.message, "look at its state first, and wait")


@rule("leaks", suite="conduct", applies=any_made, consequence=ACCEPTED, source="the API: what is there is paid for",
      reason="It goes on costing money until somebody deletes it.")  # fmt: skip
def leaks(session: ClientSession) -> Iterator[Breach]:
    """Made, never deleted, and still there."""
    for found, made in session.made.items():
        present = session.present.get(found)
        if present is None or present.is_gone or present.kind not in KINDS_OF_COST or found in session.deleted:
            continue
        if "delet" not in present.state.lower():  # else it goes with what it was made for
            message = f"the {present.kind} {found} was made and never deleted; it is in {present.state}"
            yield Breach([made], message, "delete what was made, also after a failure")


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s"
