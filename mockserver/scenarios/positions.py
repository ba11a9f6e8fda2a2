"""Where in its files a scenario's field stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from mockserver.errors import ConfigError
from mockserver.scenarios.building import INLINE

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def at_field(field: tuple[int | str, ...], problem: str, hint: str, paths: Sequence[Path]) -> ConfigError:
    """The error at a field, in the first of the files (the topmost layer) that has it.

    Without files the scenario is an inline one, a mapping, and its name stands where the file and line would.
    """
    written = ""
    for part in field:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else str(part)
    if not paths:
        return ConfigError(f"{INLINE}: {written}" if written else INLINE, problem, hint)
    best = (0, paths[0], 1)
    for path in paths:
        depth, line = line_of(path, field)
        if depth > best[0]:
            best = (depth, path, line)
    return ConfigError(f"{best[1]}:{best[2]}: {written}", problem, hint)


def line_of(path: Path, field: tuple[int | str, ...]) -> tuple[int, int]:
    """How much of the path of fields the file has, and the line (from 1) of the deepest part."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    line, depth = 1, 0
    for part in field:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
        depth += 1
    return depth, line
