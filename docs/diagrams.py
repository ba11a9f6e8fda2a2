"""Writes the generated parts of the pages in this folder: what the tables of `spec/` and `fixtures/` already say.

`python docs/diagrams.py` rewrites them in place; with `--check` it writes nothing, names the parts that are out of
date and exits with 1. A generated part lies between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from mockserver.contract.lifecycles import Lifecycle, Move, load_lifecycles
from mockserver.settings import data_folder

PAGES = Path(__file__).parent
PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def diagram(lifecycle: Lifecycle) -> str:
    """The lifecycle as a Mermaid state diagram, with the states' names shortened."""
    short = _shortener(lifecycle)
    edges: dict[tuple[str, str], list[str]] = {}
    for initial in lifecycle.initial:
        edges["[*]", short(initial)] = ["create"]
    for move in lifecycle.moves:
        target = "[*]" if lifecycle.states[move.target].gone else short(move.target)
        sources = ["any_other"] if _from_everywhere(lifecycle, move) else map(short, move.sources)
        for source in sources:
            edges.setdefault((source, target), []).append(f"{move.name} ({', '.join(move.by)})")
    lines = ["```mermaid", "stateDiagram-v2"]
    if any(source == "any_other" for source, _ in edges):
        lines.append('    state "every other state" as any_other')
    lines += [f"    {source} --> {target}: {', '.join(labels)}" for (source, target), labels in edges.items()]
    return "\n".join([*lines, "```"])


def states_table(lifecycle: Lifecycle) -> str:
    """What each state is: on its way or at rest, and what `status` says in it."""
    shown = any(state.shows for state in lifecycle.states.values())
    rows = []
    for state in lifecycle.states.values():
        kind = "gone: reads answer 404" if state.gone else "stays" if state.rests else "on its way"
        if state.unmodelled:
            kind = f"never made: {state.unmodelled}"
        rows.append([f"`{state.name}`", *([f"`{state.shows}`" if state.shows else ""] if shown else []), kind])
    return table(["State", *(["Shown as"] if shown else []), "What it is"], rows)


def moves_table(lifecycle: Lifecycle) -> str:
    """Every legal move: from, to, cause, by, grade."""
    rows = []
    for move in lifecycle.moves:
        sources = ", ".join(f"`{source}`" for source in move.sources)
        if _from_everywhere(lifecycle, move):
            sources = f"every state but {', '.join(f'`{name}`' for name in _ends(lifecycle, move))}"
        conditions = [f"if `{name}`" for name in sorted(move.when)]
        conditions += [f"unless `{name}`" for name in sorted(move.unless)]
        by = " or ".join(cause if cause in ("time", "event") else f"`{cause}`" for cause in move.by)
        rows.append([sources, f"`{move.target}`", f"`{move.name}`", ", ".join([by, *conditions]), move.grade])
    return table(["From", "To", "Move", "By", "Grade"], rows)


def lifecycle_part(lifecycle: Lifecycle) -> str:
    """The diagram and the tables of one kind of resource."""
    field = f"The states are the values of `{lifecycle.schema}` in `spec/v1.yaml`."
    return "\n\n".join([diagram(lifecycle), field, states_table(lifecycle), moves_table(lifecycle)])


def durations(base: dict[str, Any], lifecycles: dict[str, Lifecycle]) -> str:
    """How long each move takes unless a scenario says otherwise."""
    rows = []
    for kind, moves in base["durations"].items():
        for name, span in moves.items():
            move = lifecycles[kind].by_name[name]
            short = _shortener(lifecycles[kind])
            way = f"{', '.join(map(short, move.sources))} → {short(move.target)}"
            rows.append([f"`{kind}`", f"`{name}`", way, f"`{span}`"])
    return table(["Kind", "Move", "Way", "Default"], rows)


def stock(base: dict[str, Any]) -> str:
    """Which pools there are unless a scenario says otherwise."""
    rows = []
    for of in ("hardware", "clusters"):
        for gpu, places in base["stock"][of].items():
            for place, pool in places.items():
                rows.append([f"`{of}`", f"`{gpu}`", f"`{place}`", f"`{pool['capacity']}`", f"`{pool['demand']}`"])
    return table(["Under", "GPU", "Place", "`capacity`", "`demand`"], rows)


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])


def parts() -> dict[str, Callable[[], str]]:
    """What can be generated, by name."""
    lifecycles = load_lifecycles(data_folder("spec") / "lifecycles.yaml")
    base = yaml.safe_load((data_folder("fixtures") / "base.yaml").read_text(encoding="utf-8"))
    made: dict[str, Callable[[], str]] = {
        kind: (lambda lifecycle=lifecycle: lifecycle_part(lifecycle)) for kind, lifecycle in lifecycles.items()
    }
    return {**made, "durations": lambda: durations(base, lifecycles), "stock": lambda: stock(base)}


def renewed(text: str) -> str:
    """A page's text with its generated parts made anew. Raises KeyError for a part that nothing makes."""
    known = parts()
    return PART.sub(lambda found: f"{found[1]}\n{known[found['name']]()}\n\n{found[3]}", text)


def outdated(folder: Path) -> Iterator[tuple[Path, str]]:
    """The pages that differ from what would be written, each with what it should be."""
    for page in sorted(folder.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        wanted = renewed(text)
        if text != wanted:
            yield page, wanted


def main(arguments: list[str]) -> int:
    """Rewrite the pages, or with --check only say which need it."""
    stale = list(outdated(PAGES))
    for page, wanted in stale:
        if "--check" in arguments:
            print(f"{page.name} is out of date: run python docs/diagrams.py", file=sys.stderr)
        else:
            page.write_text(wanted, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


def _shortener(lifecycle: Lifecycle) -> Callable[[str], str]:
    prefix = {"cluster": "CLUSTER_PHASE_", "node": "NODE_PHASE_"}.get(lifecycle.kind, "")
    return lambda state: state.removeprefix(prefix)


def _ends(lifecycle: Lifecycle, move: Move) -> list[str]:
    """The states that the move does not leave."""
    return [state for state in lifecycle.states if state not in move.sources]


def _from_everywhere(lifecycle: Lifecycle, move: Move) -> bool:
    """Whether the move leaves every state but its own target and the last."""
    others = {state for state in _ends(lifecycle, move) if not lifecycle.states[state].gone}
    return len(move.sources) > 2 and others <= {move.target}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
