"""The verdict for people at a terminal: what is broken and how to see it, then what was and was not looked at."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from contract_tests.reports.text import (
    Verdict,
    briefly,
    causes,
    client_side,
    counted,
    coverage,
    details,
    expected_states,
    first_line,
    headline,
    measured,
    outcome,
    place,
    prefix_of,
    run_facts,
    shown,
    silent_rules,
    unexplained,
    unjudged,
    whose,
)

MIN_NAME_WIDTH = 20
MAX_SOURCES = 2
COLOURS = {"kept": "green", "broken": "red", "could not run": "yellow"}


def render(verdict: Verdict, console: Console, *, brief: bool = False) -> None:
    """Print the verdict, `brief` without all that was met. Lines to paste are raw: never wrapped, cut or indented."""
    what, by = headline(verdict)
    colour = COLOURS[outcome(verdict)]
    _say(console, Text.assemble((f"{what}:", f"bold {colour}"), f" {by}"))
    client = client_side(verdict)
    if not (client and outcome(verdict) == "kept"):
        _say(console, Text(" · ".join(f"{name.lower()} {value}" for name, value in run_facts(verdict)), "dim"))
    for number, finding in enumerate(verdict["findings"], 1):
        _finding(console, number, finding, verdict)
    _unexplained(console, unexplained(verdict))
    if client or brief:
        _met_in_brief(console, verdict)
        return
    _not_judged(console, verdict)
    if measured(verdict):
        _operations(console, verdict["operations"])
        _parameters(console, verdict["operations"])
        _lifecycles(console, verdict["lifecycles"])
    _heading(console, "To run this again")
    _raw(console, verdict["command"])


def _met_in_brief(console: Console, verdict: Verdict) -> None:
    """What was met, in a line, and what could not be judged, in another: the page has the whole of both."""
    if verdict["findings"]:
        console.print()
    met = ", ".join(f"{seen:,} of {of:,} {name}" for name, seen, of in coverage(verdict))
    if measured(verdict) and met:
        _say(console, Text.assemble(("met: ", "dim"), met))
    whys: dict[str, list[str]] = {}
    for entry in verdict["not_judged"]:
        whys.setdefault(shown(entry["why"]), []).append(shown(entry["what"]))
    lines = [f"{', '.join(whats)} ({why})" for why, whats in whys.items()]
    if silent := silent_rules(verdict):
        lines.append(f"{counted(len(silent), 'rule')} ({unjudged(verdict)})")
    if lines:
        _say(console, Text.assemble(("not judged: ", "dim"), "; ".join(lines)))
    if outcome(verdict) != "kept" and verdict["command"]:
        _heading(console, "To run this again")
        _raw(console, verdict["command"])


def _say(console: Console, text: Text, indent: int = 0) -> None:
    text.overflow = "fold"
    console.print(Padding(text, (0, 0, 0, indent), expand=False) if indent else text)


def _raw(console: Console, line: str) -> None:
    console.out(shown(line), highlight=False)


def _heading(console: Console, title: str, style: str = "bold") -> None:
    console.print()
    _say(console, Text(title, style))


def _finding(console: Console, number: int, finding: Mapping[str, Any], verdict: Verdict) -> None:
    colour = "yellow" if finding["severity"] == "warning" else "red"
    console.print()
    _say(
        console,
        Text.assemble(
            (f"{number}. {shown(finding['rule'])}", f"bold {colour}"),
            f"  {shown(finding['severity'])}, {counted(finding['count'], 'time')}",
        ),
    )
    of = f"  ({whose(finding)})" if whose(finding) else ""
    _say(console, Text(f"{place(finding)}{of}", "bold"), 3)
    _say(console, Text(shown(finding["message"])), 3)
    if finding.get("near"):
        _say(console, Text.assemble(("nearest: ", "dim"), shown(finding["near"])), 3)
    for name, value in (("why", shown(finding["reason"])), *details(finding, verdict)):
        _say(console, Text.assemble((f"{name.lower()}: ", "dim"), value), 3)
    if finding["answer"]:
        _say(console, Text.assemble((f"answer {finding['status']}: ", "dim"), shown(finding["answer"])), 3)
    for line in finding["curl"]:
        _raw(console, line)


def _unexplained(console: Console, tests: Iterable[Mapping[str, Any]]) -> None:
    tests = list(tests)
    if tests:
        _heading(console, "Tests that went wrong without a finding", "bold red")
    for test in tests:
        _say(console, Text.assemble((f"{shown(test['id'])}: ", "bold"), first_line(test["message"])), 2)


def _not_judged(console: Console, verdict: Verdict) -> None:
    silent = silent_rules(verdict)
    if verdict["not_judged"] or silent:
        _heading(console, "Not judged")
    for entry in verdict["not_judged"]:
        _say(console, Text.assemble((f"{shown(entry['what'])}: ", "bold"), shown(entry["why"])), 2)
    if silent:
        names = ", ".join(map(shown, silent))
        _say(console, Text.assemble(("nothing in this run let them be judged: ", "dim"), names), 2)


def _operations(console: Console, operations: Iterable[Mapping[str, Any]]) -> None:
    called = [operation for operation in operations if operation["requests"]]
    uncalled = [operation for operation in operations if not operation["requests"]]
    if called:
        _heading(console, "Answers seen, by operation and status")
        legend = "- documented, never seen   · assumed, never seen   ! seen, not declared"
        _say(console, Text(legend, "dim"), 2)
        _matrix(console, called)
    if uncalled:
        _heading(console, f"Never called: {counted(len(uncalled), 'operation')}")
        _say(console, Text(", ".join(shown(one["operation"]) for one in uncalled)), 2)


def _cell(status: Mapping[str, Any]) -> tuple[str, str]:
    """What a status shows and its style."""
    if status["grade"] == "undeclared":
        return f"{briefly(status['seen'])}!", "bold red"
    if status["seen"]:
        return briefly(status["seen"]), "green"
    return ("-", "yellow") if status["grade"] == "documented" else ("·", "dim")


def _matrix(console: Console, operations: list[Mapping[str, Any]]) -> None:
    rows = [(shown(one["operation"]), {status["status"]: status for status in one["statuses"]}) for one in operations]
    declared = {status for _, row in rows for status in row}
    met = sorted(status for status in declared if any(status in row and row[status]["seen"] for _, row in rows))
    unmet = ", ".join(str(status) for status in sorted(declared - set(met)))
    if unmet:
        _say(console, Text.assemble(("declared, but seen from no operation: ", "dim"), unmet), 2)
    cells = [(name, {status: _cell(row[status]) for status in met if status in row}) for name, row in rows]
    room = max([3, *(len(text) for _, row in cells for text, _ in row.values())]) + 1
    longest = max([1, *(len(name) for name, _ in rows)])
    width = min(console.width - 2 - room * len(met), longest)
    if width < min(MIN_NAME_WIDTH, longest):
        for name, row in cells:
            line = Text(f"{name}:")
            for status, (text, style) in row.items():
                line.append(f" {status}:").append(text, style)
            _say(console, line, 2)
        return
    _say(console, Text(" " * width + "".join(f"{status:>{room}}" for status in met), "dim"), 2)
    for name, row in cells:
        *above, last = [name[at : at + width] for at in range(0, len(name), width)] or [""]
        for part in above:
            _say(console, Text(part), 2)
        line = Text(last.ljust(width))
        for status in met:
            text, style = row.get(status, ("", ""))
            line.append(" " * (room - len(text))).append(text, style)
        _say(console, line, 2)


def _parameters(console: Console, operations: Iterable[Mapping[str, Any]]) -> None:
    unsent = {
        shown(operation["operation"]): [shown(one["name"]) for one in operation["parameters"] if not one["seen"]]
        for operation in operations
        if operation["requests"]
    }
    if any(unsent.values()):
        _heading(console, "Parameters and fields never sent")
    for operation, names in unsent.items():
        if names:
            _say(console, Text.assemble((f"{operation}: ", "bold"), ", ".join(names)), 2)


def _lifecycles(console: Console, lifecycles: Iterable[Mapping[str, Any]]) -> None:
    seen = [lifecycle for lifecycle in lifecycles if lifecycle["states"]]
    if seen:
        _heading(console, "Lifecycles")
    for lifecycle in seen:
        _lifecycle(console, lifecycle)


def _lifecycle(console: Console, lifecycle: Mapping[str, Any]) -> None:
    prefix = prefix_of(lifecycle["states"])
    meant = expected_states(lifecycle)
    unseen = [shown(state["name"].removeprefix(prefix)) for state in meant if not state["seen"]]
    moves = lifecycle["moves"]
    met = sum(1 for move in moves if move["seen"])
    counts = (
        f"{len(meant) - len(unseen)} of {counted(len(meant), 'state')}, {met} of {counted(len(moves), 'move')} seen"
    )
    _say(console, Text.assemble((shown(lifecycle["name"]), "bold"), f": {counts}"), 2)
    grouped: dict[tuple[str, str], list[Any]] = {}
    for move in moves:
        grouped.setdefault((move["name"], move["to"]), []).append(move)
    lines = {"seen": [_move(rows) for rows in grouped.values() if any(row["seen"] for row in rows)]}
    lines["states never seen"] = unseen
    lines["moves never seen"] = [
        f"{shown(name)} ({causes(rows[0]['by'])})"
        + _sources([row for row in rows if not row["seen"]], len(rows), prefix)
        for (name, _), rows in grouped.items()
        if not all(row["seen"] for row in rows)
    ]
    for name, parts in lines.items():
        if parts:
            style = "green" if name == "seen" else "yellow"
            _say(console, Text.assemble((f"{name}: ", style), ", ".join(parts)), 4)


def _move(rows: list[Any]) -> str:
    met = [row for row in rows if row["seen"]]
    of = f" from {len(met)} of {len(rows)} states" if len(met) < len(rows) else ""
    return f"{shown(rows[0]['name'])} {briefly(sum(row['seen'] for row in met))}{of}"


def _sources(unseen: list[Any], num_rows: int, prefix: str) -> str:
    if len(unseen) > MAX_SOURCES:
        return f" from {len(unseen)} of its {num_rows} states"
    return " from " + " or ".join(shown(row["from"].removeprefix(prefix)) for row in unseen)
