"""What the reports make of the verdict on a client: who is judged, the near misses, and the timeline."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.reports import finding_lines, html
from contract_tests.reports.client_timeline.moments import WIDTH, bands, passed
from tests.contract_kit import verdicts
from tests.contract_kit.test_reports import Parsed, cases, junit_of, on_terminal


def dots(parsed: Parsed) -> list[str]:
    return [found["href"].removeprefix("#") for tag, found in parsed.elements if found.get("class") == "dot"]


def test_the_first_line_speaks_of_the_client() -> None:
    assert on_terminal(verdicts.client_kept()).splitlines()[0] == (
        "The client keeps the contract: 4 rules judged, 21 requests in 4.2 s, 1 warning"
    )
    assert on_terminal(verdicts.client_broken(), 120).splitlines()[0] == (
        "The client broke the contract: 4 rules by 4 findings, 1 warning; its command exited with 1"
    )
    assert on_terminal(verdicts.client_empty()).splitlines()[0] == (
        "There is nothing to judge: the client sent no request"
    )


PRAISE = re.compile("keeps the contract|contract is kept|No rule was broken")


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    word=st.sampled_from(["kept", "broken", "could not run", "fine"]),
    side=st.sampled_from(["client", "server"]),
    severities=st.lists(st.sampled_from(["error", "warning"]), max_size=4),
    broken_rule=st.sampled_from(["", "error", "warning"]),
    test_failed=st.booleans(),
)
def test_no_verdict_with_an_error_says_that_the_contract_is_kept(
    word: str, side: str, severities: list[str], broken_rule: str, test_failed: bool
) -> None:
    """Whatever its `verdict` says, and in every form of report."""
    template = verdicts.client_one() if side == "client" else verdicts.kept()
    findings = [{**verdicts.client_findings()[0], "severity": severity, "test": ""} for severity in severities]
    rules = [{**rule} for rule in template["rules"]]
    if broken_rule:
        rules[0] |= {"severity": broken_rule, "breaches": 1}
    failed = {"id": "t", "suite": "s", "outcome": "failed", "seconds": 0.0, "message": "nothing"}
    verdict = {
        **template, "verdict": word, "findings": findings, "rules": rules, "tests": [failed] if test_failed else [],
        "operations": [], "lifecycles": [], "timeline": {"resources": [], "exchanges": [], "left_out": 0},
    }  # fmt: skip
    has_error = "error" in severities or broken_rule == "error" or test_failed
    root = junit_of(verdict)
    is_red = root.attrib["failures"] != "0" or root.attrib["errors"] != "0"
    reports = (on_terminal(verdict), Parsed(html.render(verdict)).text(), finding_lines.findings_text(verdict))
    for report in reports:
        assert not (has_error and PRAISE.search(report)), report
        assert bool(PRAISE.search(report.split("No rule")[0])) == (word == "kept" and not has_error)
    assert is_red == (has_error or word != "kept")


def test_a_verdict_that_only_warnings_break_says_so() -> None:
    strict = {**verdicts.client_kept(), "verdict": "broken"}
    assert on_terminal(strict).splitlines()[0] == (
        "The client broke the contract: warnings count as errors here, 1 warning"
    )


def test_a_green_run_is_short_on_the_terminal() -> None:
    headline, coverage, unjudged = on_terminal(verdicts.client_one(), 200).splitlines()
    assert headline.startswith("The client keeps the contract: ")
    assert re.fullmatch(r"met: 4 of \d+ operations, .* of \d+ parameters, 4 of 10 enum values, .* moves", coverage)
    assert unjudged == "not judged: 4 rules (nothing of the sort was sent)"


def test_a_broken_run_names_place_nearest_and_requests() -> None:
    text = on_terminal(verdicts.client_broken(), 200)
    for line in (
        "nearest: displayName -> display_name",
        "requests: #2, #3",
        "source: v1#/paths/~1endpoints/post/requestBody",
        "GET /endpoint\n",
        "mockserver run --clock step -- python deploy.py",
        "not judged: gives-up-at-once, retry-storm (the clock is step: it jumps at each read); 1 rule (",
        "command's exit 1",
    ):
        assert line in text
    assert "test:" not in text
    assert text.count("seed") == 1
    assert text.index("polls-too-fast") < text.index("met: ")


def test_a_suite_of_client_rules_is_a_suite_of_junit() -> None:
    root = junit_of(verdicts.client_broken())
    assert root.attrib["name"] == "client"
    assert {suite.attrib["name"] for suite in root} == {"request", "conduct", "not judged"}
    case = cases(root)["misspelt-field"]
    assert case.attrib["classname"] == "client.request"
    assert "Nearest: displayName -> display_name" in (case.findtext("failure") or "")
    assert "Test:" not in (case.findtext("failure") or "")
    assert cases(root)["polls-too-fast"].find("system-out") is not None
    assert junit_of(verdicts.client_kept()).attrib["failures"] == "0"
    assert junit_of(verdicts.client_empty()).attrib["errors"] == "1"


def test_plain_lines_hold_what_a_failed_test_has_to_say() -> None:
    whole = verdicts.client_broken()
    text = finding_lines.findings_text(whole)
    for finding in whole["findings"]:
        for part in ("rule", "message", "near", "source", "answer", "path"):
            assert finding[part] in text
        assert finding["curl"][0] in text
    short = finding_lines.findings_text(whole, limit=1)
    assert short.startswith("The client broke the contract: ")
    assert short.endswith("and 4 findings more")
    warned = {**whole, "findings": [*reversed(whole["findings"])]}
    assert "polls-too-fast" not in finding_lines.findings_text(warned, limit=4), "what breaks the contract comes first"
    assert len(finding_lines.findings_text(verdicts.client_empty()).splitlines()) == 1


@pytest.mark.parametrize("name", verdicts.CLIENT)
def test_every_request_is_drawn_and_listed_once(name: str) -> None:
    whole = verdicts.CLIENT[name]()
    parsed = Parsed(html.render(whole))
    wanted = [f"exchange-{one['run']}-{one['ordinal']}" for one in whole["timeline"]["exchanges"]]
    listed = [found["id"] for tag, found in parsed.elements if found.get("id", "").startswith("exchange-")]
    assert listed == wanted, "each has a row of its own, or is named in the row of its equals"
    rows = [found["id"] for tag, found in parsed.elements if tag == "tr" and "id" in found]
    assert dots(parsed) == rows
    assert ("Timeline" in parsed.text()) == bool(wanted)
    polls = sum(int(count) - 1 for count in re.findall(r"; (\d+)x, the last #\d+", parsed.text()))
    assert len(rows) + polls == len(wanted)
    for one in whole["timeline"]["exchanges"]:
        if f"exchange-{one['run']}-{one['ordinal']}" in rows:
            assert f"#{one['ordinal']} {one['method']} {one['path']}" in parsed.text()


def poll(ordinal: int, at_ms: int, wall_ms: int, state: str = "PENDING", **fields: Any) -> Any:
    told = verdicts.exchange(ordinal, at_ms, "GET", "/endpoints/e-1", 200, resource="e-1", shown=state, **fields)
    return {**told, "wall_ms": verdicts.BEGUN_MS + wall_ms}


def rows_of(exchanges: list[Any], clock: str = "real", *marks: tuple[int, str, str]) -> list[str]:
    timeline = {"resources": [verdicts.resource("endpoint", "e-1", *marks)], "exchanges": exchanges, "left_out": 0}
    whole = verdicts.client("kept", [], timeline=timeline)
    whole["target"]["clock"] = clock
    return re.findall(r'<b class="polls">(.*?)</b>', html.render(whole))


def test_equal_polls_are_one_row() -> None:
    polls = [poll(number, 250 * number, 250 * number) for number in range(1, 302)]
    assert rows_of(polls) == ["301x getEndpoint, PENDING, 0.25 s"]
    assert rows_of(polls[:1]) == []
    assert rows_of([*polls[:5], poll(6, 1500, 1500, "STARTING"), *polls[6:9]]) == [
        "5x getEndpoint, PENDING, 0.25 s", "3x getEndpoint, PENDING, 0.25 s",
    ]  # fmt: skip
    assert rows_of([polls[0], {**polls[1], "faults": ["latency"]}, polls[2]]) == [], "a fault has a row of its own"
    assert rows_of([{**one, "method": "PATCH"} for one in polls[:3]]) == [], "only reads are polls"
    assert rows_of(polls[:4], "real", (600, "STARTING", "allocated")) == [
        "2x getEndpoint, PENDING, 0.25 s", "2x getEndpoint, PENDING, 0.25 s",
    ], "what a resource did stands between"  # fmt: skip


def test_the_interval_of_polls_is_the_median_and_the_longer_of_both_clocks() -> None:
    polls = [poll(1, 0, 0), poll(2, 10_000, 1), poll(3, 20_000, 2), poll(4, 140_000, 3)]
    assert rows_of(polls, "step") == ["4x getEndpoint, PENDING, 10 s"]
    assert rows_of(polls, "real") == ["4x getEndpoint, PENDING, 0.001 s"]


def test_findings_and_requests_lead_to_each_other() -> None:
    whole = verdicts.client_broken()
    parsed = Parsed(html.render(whole))
    links = [found["href"] for tag, found in parsed.elements if tag == "a" and found.get("class") != "dot"]
    for ordinal in (2, 3, 11, 12, 15, 5, 10):
        assert f"#exchange-0-{ordinal}" in links
    assert "#exchange-0-400" not in links, "what is no longer known is named, and leads nowhere"
    assert "#400" in parsed.text()
    assert {f"#finding-{number}" for number in range(5)} <= set(links)


def test_of_many_requests_some_are_named() -> None:
    polls = verdicts.client_finding("polls-too-fast", "again and again", list(range(1, 2001)))
    whole = verdicts.client("kept", [polls])
    assert "requests: #1, #2, #3, #4, #5, #6, #7, #8, #9, #10, #11, #12 and 1,988 more" in on_terminal(whole, 200)
    text = Parsed(html.render(whole)).text()
    assert "#39, #40 and 1,960 more" in text
    assert "#41," not in text


def test_the_values_of_an_enum_are_shown_as_they_were_sent() -> None:
    parsed = Parsed(html.render(verdicts.client_broken()))
    titles = {found["title"]: found.get("class") for tag, found in parsed.elements if "title" in found}
    assert titles["state: STARTED: sent 3 times"] is None
    assert titles["state: STOPPED: never sent"] == "unsent"
    assert "So were 4 of 10 enum values." in parsed.text()
    assert "enum value" not in Parsed(html.render(verdicts.broken())).text()


def test_states_are_drawn_from_mark_to_mark() -> None:
    parsed = Parsed(html.render(verdicts.client_broken()))
    text = parsed.text()
    assert "STARTING from 2025-11-21 15:30:09, by allocated" in text
    assert "GONE from 2025-11-22 22:31:30, by deleted" in text
    assert "available from 2025-11-19 23:30:00, by create" in text, "what was before the first request is there too"
    assert "node-9" not in text, "to which nothing happened"
    classes = {found.get("class") for tag, found in parsed.elements if tag == "g"}
    assert {"span moving", "span rests", "span failed", "span gone"} <= classes


def test_a_clock_that_was_put_back_begins_a_new_band() -> None:
    story = verdicts.story()
    again = [{**one, "run": 1, "ordinal": one["ordinal"] + 21} for one in story["exchanges"]]
    story["exchanges"] = [*story["exchanges"], *again]
    first, second = bands(story)
    assert {moment.run for moment in first.moments} == {0}
    assert {moment.run for moment in second.moments} == {1}
    assert not first.before
    assert not any(moment.marks for moment in first.moments), "the resources are those of the last run"
    assert set(second.before) == {"vol-1", "node-9"}
    assert "run 1, " in Parsed(html.render(verdicts.client("kept", [], timeline=story))).text()


@pytest.mark.parametrize(
    ("ms", "told"),
    [(0, "0 s"), (61_000, "1 min 1 s"), (7_200_000, "2 h"), (97_200_000, "1 d 3 h"), (3_601_000, "1 h")],
)
def test_times_are_told_in_their_two_largest_units(ms: int, told: str) -> None:
    assert passed(ms) == told


TIMES = st.integers(0, 4) | st.integers(0, 10**11)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    times=st.lists(TIMES, min_size=1, max_size=80),
    marks=st.lists(st.lists(TIMES, max_size=5), max_size=8),
)
def test_any_times_can_be_laid_out(times: list[int], marks: list[list[int]]) -> None:
    exchanges = [verdicts.exchange(n + 1, at, "GET", "/x", 200) for n, at in enumerate(sorted(times))]
    resources: list[Any] = [
        verdicts.resource("endpoint", f"e-{n}", *((at, "PENDING", "time") for at in sorted(of)))
        for n, of in enumerate(marks)
    ]
    parts = bands({"exchanges": exchanges, "resources": resources})
    assert [one["ordinal"] for band in parts for one in band.exchanges] == [one["ordinal"] for one in exchanges]
    moments = [moment for band in parts for moment in band.moments]
    begun = exchanges[0]["at_ms"]
    drawn = sorted((mark.resource, mark.at_ms) for moment in moments for mark in moment.marks)
    assert drawn == sorted(
        (resource["id"], mark["at_ms"])
        for resource in resources
        for mark in resource["marks"]
        if mark["at_ms"] >= begun
    )
    assert all(mark.at_ms == moment.at_ms for moment in moments for mark in moment.marks)
    assert not any(moment.polls for moment in moments if moment.exchange is None)
    for band in parts:
        assert band.width < WIDTH + 1
        for one, other in pairwise(band.moments):
            assert one.x + 10 <= other.x
            assert one.at_ms <= other.at_ms
        for gap in band.gaps:
            assert gap.left < gap.right
            assert not any(gap.left < moment.x < gap.right for moment in band.moments)


def test_two_thousand_requests_about_sixty_resources_fit_bands() -> None:
    whole = verdicts.client("broken", verdicts.client_findings(), timeline=verdicts.long_story(2000, 60))
    parsed = Parsed(html.render(whole))
    assert len(dots(parsed)) == 2000
    assert "2,000 requests beside 60 resources. 17 requests more are not shown." in parsed.text()
    widths = {
        float(found["width"]) for _, found in parsed.elements if found.get("class") == "lanes" and "width" in found
    }
    assert max(widths) <= WIDTH + 62
