"""What the reports make of a verdict: nothing lost, nothing that was not measured, and nothing that breaks out."""

import base64
import hashlib
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import combinations, pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from contract_tests.reports import finding_lines, html, junit, terminal
from contract_tests.reports.lifecycle_graph import drawing
from contract_tests.reports.lifecycle_graph.layout import ranks
from contract_tests.reports.lifecycle_graph.rails import planned
from tests.contract_kit import verdicts

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "\"'><script>alert(1)</script>",
    "--><svg onload=alert(1)>]]></failure></style>",
    "[red]bold[/red] [link=http://evil.example]x[/link] :smile:",
    "\u2066\u2069\u061c\u200f\u202a",
    "\x1b[2J\x1b]8;;http://evil.example\x07\x00\x9b31m\r\u202e\ud800\uffff",
]
VOID = {"meta", "input"}
WIDTHS = (60, 80, 120)


class Parsed(HTMLParser):
    """The page as its elements; fails on a tag that is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def text(self) -> str:
        return "".join(data for tag, data in self.texts if tag not in ("script", "style"))

    def inside(self, tag: str) -> str:
        return "".join(data for at, data in self.texts if at == tag)


def on_terminal(verdict: Any, width: int = 80, colours: bool = False) -> str:
    written = io.StringIO()
    console = Console(file=written, width=width, force_terminal=colours, color_system="truecolor" if colours else None)
    terminal.render(verdict, console)
    return written.getvalue()


def replaced(node: Any, text: Callable[[str], str]) -> Any:
    """The verdict with every text in it replaced; the names of its fields stay."""
    if isinstance(node, dict):
        return {key: replaced(value, text) for key, value in node.items()}
    if isinstance(node, list):
        return [replaced(value, text) for value in node]
    return text(node) if isinstance(node, str) else node


@cache
def small(side: str = "server") -> Any:
    """A broken verdict with a little of everything."""
    whole = verdicts.broken() if side == "server" else verdicts.client_broken()
    return {
        **whole,
        "operations": whole["operations"][:5],
        "lifecycles": [one for one in whole["lifecycles"] if one["name"] in ("endpoint", "volume")],
    }


@pytest.fixture(params=verdicts.ALL)
def verdict(request: pytest.FixtureRequest) -> Any:
    return verdicts.ALL[request.param]()


# The page.


def test_the_page_is_whole_and_asks_for_nothing(verdict: Any) -> None:
    text = html.render(verdict)
    parsed = Parsed(text)
    assert text.startswith("<!doctype html>\n<html lang=")
    tags = Counter(tag for tag, _ in parsed.elements)
    assert (tags["html"], tags["head"], tags["body"], tags["h1"], tags["script"], tags["style"]) == (1,) * 6
    assert not {"img", "link", "iframe", "object", "embed", "base", "audio", "video", "use", "image"} & set(tags)
    for _, attributes in parsed.elements:
        assert attributes.get("href", "#").startswith("#")
        assert not {"src", "srcset", "style", "action", "xlink:href"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"@import|url\(|https?:", parsed.inside("style") + parsed.inside("script"))


def test_only_the_page_s_own_style_and_script_may_run(verdict: Any) -> None:
    parsed = Parsed(html.render(verdict))
    (policy,) = (found["content"] for _, found in parsed.elements if found.get("http-equiv"))
    said = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(parsed.inside(tag).encode()).digest()).decode()
        assert said.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert said == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}


def test_links_and_copy_buttons_lead_somewhere(verdict: Any) -> None:
    elements = Parsed(html.render(verdict)).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        assert attributes.get("href", "#report").removeprefix("#") in ids
        assert attributes.get("data-copies", "report") in ids


def test_the_page_holds_all_that_was_found() -> None:
    whole = verdicts.broken()
    parsed = Parsed(html.render(whole))
    text = parsed.text()
    for finding in whole["findings"]:
        for part in ("rule", "message", "reason", "source", "test", "answer", "path", "operation"):
            assert finding[part] in text
        assert "\n".join(finding["curl"]) in text
    for rule in whole["rules"]:
        assert rule["name"] in text
        assert rule["reason"] in text
    for entry in whole["not_judged"]:
        assert entry["what"] in text
        assert entry["why"] in text
    cells = {attributes["title"] for tag, attributes in parsed.elements if tag == "td" and "title" in attributes}
    for operation in whole["operations"]:
        assert operation["operation"] in text
        for one in operation["statuses"]:
            told = f"seen {one['seen']:,} time" if one["seen"] else "never seen"
            assert any(
                cell.startswith(f"{operation['operation']}, {one['status']}: {one['grade']}, {told}") for cell in cells
            )
    assert "The contract is broken" in text
    assert "the server hung up" in text
    assert whole["command"] in text


def test_every_state_and_move_is_drawn_and_lit_if_it_was_seen() -> None:
    for lifecycle in verdicts.broken()["lifecycles"]:
        root = ET.fromstring(drawing.draw(lifecycle))
        groups = [(group.get("class", ""), group.findtext("title") or "", group) for group in root.iter("g")]
        for state in lifecycle["states"]:
            (classes,) = (
                found for found, title, _ in groups if "state" in found and title.startswith(f"{state['name']}: ")
            )
            assert ("lit" in classes) == bool(state["seen"])
            assert ("unmodelled" in classes.split()) == (bool(state["unmodelled"]) and not state["seen"])
        for move in lifecycle["moves"]:
            start = f"{move['name']}: {move['from']} → {move['to']}, by "
            drawn = [
                classes
                for classes, title, group in groups
                if title.startswith(start) and group.find("path") is not None
            ]
            assert len(drawn) == 1, start
            assert ("lit" in drawn[0]) == bool(move["seen"])


def test_states_do_not_overlap_and_moves_down_go_down() -> None:
    for lifecycle in verdicts.broken()["lifecycles"]:
        plan = planned(lifecycle)
        boxes = list(plan.boxes.values())
        for index, (left, top, width, height) in enumerate(boxes):
            for other_left, other_top, other_width, other_height in boxes[index + 1 :]:
                aside = left + width < other_left or other_left + other_width < left
                assert aside or top + height < other_top or other_top + other_height < top
        for source, target in plan.pairs:
            assert plan.boxes[source][1] < plan.boxes[target][1]
        for one in plan.rails:
            beam = plan.beam(one)
            assert all(beam < left or beam > left + width for left, _, width, _ in boxes)
            for other in plan.rails:
                if other is not one and (other.side, other.lane) == (one.side, one.lane):
                    spans = [sorted(y for _, y in rail.ports.values()) for rail in (one, other)]
                    assert spans[0][-1] < spans[1][0] or spans[1][-1] < spans[0][0]


def test_stubs_pass_beside_the_states() -> None:
    for lifecycle in verdicts.lifecycles():
        plan = planned(lifecycle)
        for rail in plan.rails:
            for at, ends in rail.stubs():
                x, y = plan.stub(rail, at, ends)[-1]
                low, high = sorted((x, plan.beam(rail)))
                for state, (left, top, width, height) in plan.boxes.items():
                    if state != at:
                        assert not (top <= y <= top + height and low < left + width and left < high), (at, state)


def test_lines_cross_as_little_as_they_can() -> None:
    for lifecycle in verdicts.lifecycles():
        legs = [
            (above, below) for chain in planned(lifecycle).placed.chains.values() for above, below in pairwise(chain)
        ]
        crossings = sum(
            a.layer == c.layer and (a.x - c.x) * (b.x - d.x) < 0 for (a, b), (c, d) in combinations(legs, 2)
        )
        # Both states that a cluster is paused from lead to both that it is paused in.
        assert crossings == (1 if lifecycle["name"] == "cluster" else 0), lifecycle["name"]


def test_many_sources_of_one_move_are_bundled() -> None:
    (cluster,) = (one for one in verdicts.lifecycles() if one["name"] == "cluster")
    plan = planned(cluster)
    bundled = {rail.rows[0]["name"]: rail for rail in plan.rails}
    assert len(bundled["delete"].rows) == len(bundled["reservation_ended"].rows) == 16
    assert all(row["name"] not in ("delete", "reservation_ended") for rows in plan.pairs.values() for row in rows)


def test_loops_do_not_decide_how_deep_a_state_stands() -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "c"), ("a", "c")]
    assert ranks(["c", "b", "a", "alone"], ["a"], pairs) == {"a": 0, "b": 1, "c": 2, "alone": 3}


# The terminal.


@pytest.mark.parametrize("width", WIDTHS)
def test_the_terminal_says_it_in_its_width(width: int) -> None:
    whole = verdicts.broken()
    text = on_terminal(whole, width)
    raw = {line for finding in whole["findings"] for line in finding["curl"]} | {whole["command"]}
    lines = text.splitlines()
    assert raw <= set(lines), "a line to paste stands alone and whole"
    assert max(len(line) for line in lines if line not in raw) <= width
    for finding in whole["findings"]:
        assert finding["rule"] in text
    for operation in whole["operations"]:
        assert operation["operation"] in re.sub(r"\s+", "", text)
    assert "\x1b" not in text


def test_the_first_line_is_the_verdict() -> None:
    kept = on_terminal(verdicts.kept()).splitlines()[0]
    assert kept == "The contract is kept: 15 rules judged, 5,123 requests in 41 s"
    found = verdicts.findings()[:5]
    broken = verdicts.verdict("broken", findings=[*found, found[0]], rules=verdicts.rules({}, set()))
    assert on_terminal(broken).splitlines()[0] == "The contract is broken: 5 rules by 6 findings"
    assert on_terminal(verdicts.empty(), 120).splitlines()[0] == (
        "The contract could not be judged: http://127.0.0.1:8080 does not answer: connection refused"
    )


def test_holes_are_told_and_filled_ones_are_not() -> None:
    text = " ".join(on_terminal(verdicts.broken(), 200).split())
    assert "Never called: 3 operations chat-completions" in text
    assert "declared, but seen from no operation: 429, 500, 503, 504" in text
    assert "updateEndpoint: display_name" in text
    assert "listHardware: model" in text
    assert "2!" in text
    assert "chat-completions:" not in text, "what was never called is told once"
    assert "moves never seen: allocated (time) from PENDING" in text
    assert "give_up (updateEndpoint) from ERROR" in text


def test_what_was_not_measured_is_not_shown() -> None:
    never_ran = on_terminal(verdicts.empty()) + Parsed(html.render(verdicts.empty())).text()
    for part in ("Lifecycles", "Operations", "Parameters", "never seen", "Answers seen"):
        assert part not in never_ran
    assert "No rule was broken" not in never_ran
    bare = verdicts.verdict("kept", operations=[], lifecycles=[], rules=[], tests=[])
    shown = on_terminal(bare) + Parsed(html.render(bare)).text()
    for part in ("Lifecycles", "Operations", "Parameters", "Not judged", "Rules judged 0"):
        assert part not in shown


def test_a_run_that_stopped_short_shows_how_far_it_came() -> None:
    short = verdicts.verdict("could not run", problem="the server went away", findings=verdicts.findings()[:1])
    name = short["findings"][0]["rule"]
    for shown in (on_terminal(short), Parsed(html.render(short)).text()):
        assert "the server went away" in shown
        assert name in shown
        assert "Lifecycles" in shown
    root = junit_of(short)
    assert cases(root)[name].find("failure") is not None
    assert int(root.attrib["errors"]) == 1


def test_markup_of_the_terminal_is_shown_as_it_is() -> None:
    whole = replaced(small(), lambda text: "[red]x[/red] :smile: [/]")
    assert "[red]x[/red] :smile: [/]" in on_terminal(whole, 120)
    assert "[red]x[/red] :smile: [/]" in on_terminal(whole, 120, colours=True)


# JUnit.

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}
ATTRIBUTES = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, set()),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "timestamp"}, {"time"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "classname"}, {"time"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}


def junit_of(verdict: Any) -> ET.Element:
    """The document, read strictly, after its structure and counts were looked at."""
    text = junit.render(verdict)
    root = ET.fromstring(text.encode())
    for node in root.iter():
        assert {child.tag for child in node} <= CHILDREN.get(node.tag, set())
        needed, allowed = ATTRIBUTES.get(node.tag, (set(), set()))
        assert needed <= set(node.keys()) <= needed | allowed, node.tag
    for node in (root, *root.iter("testsuite")):
        cases = list(node.iter("testcase"))
        assert int(node.attrib["tests"]) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(node.attrib[attribute]) == sum(1 for case in cases if case.find(tag) is not None)
    for case in root.iter("testcase"):
        assert len({child.tag for child in case}) == len(case)
    return root


def cases(root: ET.Element) -> dict[str, ET.Element]:
    return {case.attrib["name"]: case for case in root.iter("testcase")}


def test_a_broken_rule_is_a_failed_test_case() -> None:
    whole = verdicts.broken()
    root = junit_of(whole)
    found = cases(root)
    broken = {finding["rule"] for finding in whole["findings"] if finding["severity"] == "error"}
    assert {name for name, case in found.items() if case.find("failure") is not None} == broken
    for finding in whole["findings"]:
        case = found[finding["rule"]]
        told = case.findtext("failure" if finding["severity"] == "error" else "system-out") or ""
        for part in (finding["message"], finding["reason"], finding["answer"], *finding["curl"]):
            assert part in told
    assert len(found["retry-after-told"]) == 1
    skipped = {
        name: case.find("skipped").attrib["message"] for name, case in found.items() if case.find("skipped") is not None
    }  # type: ignore[union-attr]
    assert skipped == {entry["what"]: entry["why"] for entry in whole["not_judged"]}
    assert found["contract_tests/lists/test_lists.py::test_pages"].find("error") is not None
    assert {suite.attrib["name"] for suite in root} == {rule["suite"] for rule in whole["rules"]} | {"not judged"}


def test_all_findings_of_a_rule_stand_in_its_failure() -> None:
    one, two = verdicts.findings()[3:5]
    failed = cases(junit_of(verdicts.verdict("broken", findings=[one, {**two, "rule": one["rule"]}])))[one["rule"]]
    (failure,) = failed.findall("failure")
    assert "and 1 finding more" in failure.attrib["message"]
    assert one["message"] in (failure.text or "")
    assert two["message"] in (failure.text or "")


def test_a_kept_contract_is_green_and_only_that() -> None:
    kept = junit_of(verdicts.kept())
    assert (kept.attrib["failures"], kept.attrib["errors"], kept.attrib["tests"]) == ("0", "0", "15")
    for red in (verdicts.empty(), verdicts.verdict("broken"), verdicts.verdict("something else")):
        root = junit_of(red)
        assert int(root.attrib["failures"]) + int(root.attrib["errors"]) == 1
    stray = {**verdicts.findings()[0], "rule": "a rule that nobody registered"}
    assert cases(junit_of(verdicts.verdict("broken", findings=[stray])))[stray["rule"]].find("failure") is not None


# Hostile answers.


def unshowable(text: str) -> Iterator[str]:
    """Characters that drive a terminal or turn text around; Unicode's own classes say which."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t":
            yield character
        if character in "\u061c\u200e\u200f":
            yield character
        if unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"):
            yield character


KNOWN = Parsed(html.render(verdicts.broken()))
KNOWN_ELEMENTS = [*KNOWN.elements, *Parsed(html.render(verdicts.client_broken())).elements]
KNOWN_TAGS = {tag for tag, _ in KNOWN_ELEMENTS}
KNOWN_ATTRIBUTES = {name for _, attributes in KNOWN_ELEMENTS for name in attributes}


def judged_harmless(whole: Any, widths: tuple[int, ...] = WIDTHS) -> None:
    """Raise unless all three reports show this verdict without a part of it acting."""
    text = html.render(whole)
    parsed = Parsed(text)
    assert {tag for tag, _ in parsed.elements} <= KNOWN_TAGS
    assert {name for _, attributes in parsed.elements for name in attributes} <= KNOWN_ATTRIBUTES
    assert parsed.inside("script") == KNOWN.inside("script")
    assert parsed.inside("style") == KNOWN.inside("style")
    assert [tag for tag, _ in parsed.elements].count("script") == 1
    assert not list(unshowable(text))
    assert not list(unshowable(junit.render(whole)))
    junit_of(whole)
    assert not list(unshowable(finding_lines.findings_text(whole)))
    for width in widths:
        assert not list(unshowable(on_terminal(whole, width)))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("side", ["server", "client"])
def test_hostile_text_is_shown_everywhere_and_acts_nowhere(text: str, side: str) -> None:
    judged_harmless({**replaced(small(side), lambda _: text), "side": side})
    judged_harmless({**replaced(small(side), lambda kept: kept + text), "side": side})


def test_hostile_text_is_still_readable() -> None:
    (finding,) = verdicts.findings()[:1]
    finding["answer"] = HOSTILE[0] + "\x1b[2J\u202e"
    whole = verdicts.verdict("broken", findings=[finding])
    for shown in (
        Parsed(html.render(whole)).text(),
        on_terminal(whole),
        cases(junit_of(whole))[finding["rule"]][0].text,
    ):
        assert HOSTILE[0] + "\\x1b[2J\\u202e" in (shown or "")


TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("<>&\"'[]\\/\x1b\x00\r\n\t\ud800\u202e_-=")), max_size=24
) | st.sampled_from(HOSTILE)


@settings(derandomize=True, max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=6), keep=st.integers(0, 3), side=st.sampled_from(["server", "client"])
)
def test_no_text_in_any_field_raises_or_breaks_out(texts: list[str], keep: int, side: str) -> None:
    count = 0

    def text(kept: str) -> str:
        nonlocal count
        count += 1
        return kept if keep and count % (keep + 1) == 0 else texts[count % len(texts)]

    judged_harmless({**replaced(small(side), text), "side": side}, widths=(80,))


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    moves=st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from("pqr"), st.integers(0, 1500)), max_size=25
    ),
    initial=st.sets(st.integers(0, 5), max_size=2),
)
def test_any_lifecycle_can_be_drawn(moves: list[tuple[int, int, str, int]], initial: set[int]) -> None:
    states = [
        {"name": f"S_{n}", "initial": n in initial, "rests": n % 2 == 0, "gone": n == 5, "unmodelled": "", "seen": n}
        for n in range(6)
    ]
    rows = [
        {"name": name, "from": f"S_{source}", "to": f"S_{target}", "by": ["time"], "seen": seen}
        for source, target, name, seen in moves
    ]
    lifecycle = {"name": "any", "states": states, "moves": rows}
    drawn = drawing.draw(lifecycle)
    root = ET.fromstring(drawn)
    paths = [node.get("d", "") for node in root.iter("path") if node.get("class") == "line"]
    assert len(paths) == sum(1 for source, target, _, _ in moves if source < 6 and target < 6)
    assert not re.search("nan|inf", "".join(paths))
    assert drawing.draw(json.loads(json.dumps(lifecycle))) == drawn


def test_a_report_leaves_the_verdict_as_it_was_and_is_always_the_same(verdict: Any) -> None:
    before = json.dumps(verdict)
    for render in (html.render, junit.render, on_terminal):
        assert render(verdict) == render(json.loads(before))
    assert json.dumps(verdict) == before
