"""The figures as a plain table, ready to be put into a README, and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.measure import ONCE, OURS, READING, REFERENCE, ROWS, Options, Result, middle
from benchmarks.peers import Peer

PACKAGES = ("starlette", "uvicorn", "uvloop", "httptools", "orjson", "pydantic")
TARGETS = {"read": 1.5, "create": 0.8, "launch": 2.0}


def table(result: Result, options: Options, peers: Sequence[Peer]) -> str:
    """All figures, for people."""
    parts = [
        [
            "One process serves, another asks over "
            f"{options.connections} connections; both share this machine's {os.cpu_count()} CPUs.",
            f"The client used {result.client_busy:.0%} of one of them. Ratios are of two rates of the same round:",
            f"the median of {options.rounds} rounds of {options.seconds:g} s, then the lowest and the highest.",
            _versions(peers),
        ],
        _rates(result),
        _cpu(result),
        _beside(result),
        _held(result),
        _launches(result),
        _memory(result, options),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def verdict(result: Result) -> str:
    """Whether the project's own targets were reached in this run."""
    missed = []
    for row in ROWS:
        name = "create" if row.method == "POST" else "read"
        ratio = _ratio(result, row.name, REFERENCE)
        if ratio < TARGETS[name]:
            missed.append(f"{row.name} {ratio:.2f} (at least {TARGETS[name]})")
    launch = middle(_launch_ratios(result, OURS))
    if launch > TARGETS["launch"]:
        missed.append(f"launch {launch:.2f} (at most {TARGETS['launch']})")
    return f"targets missed: {', '.join(missed)}" if missed else "all targets reached"


def figures(result: Result, options: Options, peers: Sequence[Peer]) -> dict[str, Any]:
    """All figures, for programs."""
    rows = {
        name: {
            "bytes": result.bytes_of[name],
            "per_second": {who: one.rates for who, one in row.items()},
            "cpu_us": {who: one.cpu_us for who, one in row.items()},
            "ratios": {who: row[OURS].ratios(one) for who, one in row.items() if who != OURS},
        }
        for name, row in result.rows.items()
    }
    before, after = result.tokens_kb
    return {
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.platform()},
        "versions": {**{name: _version(name) for name in PACKAGES}, **{peer.name: peer.version for peer in peers}},
        "seconds": options.seconds,
        "rounds": options.rounds,
        "rows": rows,
        "creates_per_second_by_number_held": {str(held): rates for held, rates in result.held.items()},
        "launch_s": result.launches,
        "peak_kb": result.peaks_kb,
        "creates": result.creates,
        "tokens": {"number": options.tokens, "before_kb": before, "after_kb": after},
        "client_busy": result.client_busy,
    }


def _rates(result: Result) -> list[str]:
    head = ["answers per second", "bytes", "ours", "constant", "ratio", "", "rendered once", "reading the body"]
    lines = [head]
    for name, row in result.rows.items():
        ours, constant = row[OURS], row[REFERENCE]
        cells = [name, f"{result.bytes_of[name]:,}", f"{middle(ours.rates):,.0f}", f"{middle(constant.rates):,.0f}"]
        cells += [*_spread(ours.ratios(constant))]
        cells += [f"{_ratio(result, name, rival):.2f}" if rival in row else "" for rival in (ONCE, READING)]
        lines.append(cells)
    note = [
        "constant: a Starlette route that answers JSONResponse(our own answer's value). The last columns are our ratio",
        "to such a route with a response rendered once and for all, and to one that parses the request's body first.",
    ]
    return [*_aligned(lines), *note]


def _cpu(result: Result) -> list[str]:
    lines = [["processor time per request", "ours", "constant", "ratio"]]
    for name, row in result.rows.items():
        ours, constant = middle(row[OURS].cpu_us), middle(row[REFERENCE].cpu_us)
        if ours and constant:
            lines.append([name, f"{ours:.1f} us", f"{constant:.1f} us", f"{constant / ours:.2f}"])
    return _aligned(lines) if len(lines) > 1 else []


def _beside(result: Result) -> list[str]:
    lines = [["ratio to the same constant", "", ""]]
    for name, row in result.rows.items():
        for who, one in row.items():
            if who not in (REFERENCE, READING, ONCE) and len(row) > 3:
                lines.append([f"{name}, {who}", *_spread(one.ratios(row[REFERENCE]))])
    shown = any(who not in (OURS, REFERENCE, READING, ONCE) for row in result.rows.values() for who in row)
    return _aligned([line for line in lines if not line[0].startswith("POST")]) if shown else []


def _held(result: Result) -> list[str]:
    lines = [["POST /endpoints in a world that holds", "per second", "ratio to the first", ""]]
    base = next(iter(sorted(result.held)))
    for held in sorted(result.held):
        rates = result.held[held]
        ratios = [mine / first for mine, first in zip(rates, result.held[base], strict=True)]
        lines.append([f"{held:,} endpoints", f"{middle(rates):,.0f}", *_spread(ratios)])
    return _aligned(lines)


def _launches(result: Result) -> list[str]:
    lines = [["from launch to the first 200", "median", "ratio", ""]]
    for who, times in result.launches.items():
        shown = ["", ""] if who == REFERENCE else list(_spread(_launch_ratios(result, who)))
        lines.append([who, f"{middle(times) * 1000:.0f} ms", *shown])
    return _aligned(lines)


def _memory(result: Result, options: Options) -> list[str]:
    lines = [["peak memory", "ours", "constant", "ratio"]]
    for when, peaks in result.peaks_kb.items():
        ours, constant = peaks[OURS], peaks[REFERENCE]
        what = f"{when}, {result.creates:,} endpoints held" if "creates" in when else when
        if ours is None or constant is None:
            return ["peak memory: this system does not tell"]
        lines.append([what, f"{ours / 1024:.1f} MB", f"{constant / 1024:.1f} MB", f"{ours / constant:.2f}"])
        for who, peak in peaks.items():
            if who not in (OURS, REFERENCE) and peak is not None:
                lines.append([f"{when}, {who}", f"{peak / 1024:.1f} MB", "", f"{peak / constant:.2f}"])
    before, after = result.tokens_kb
    shown = _aligned(lines)
    if before is not None and after is not None:
        shown.append(
            f"{options.tokens:,} tokens that only read (GET /hardware, GET /endpoints): {before / 1024:.1f} MB before, "
            f"{after / 1024:.1f} MB after, {(after - before) / options.tokens * 1024:,.0f} bytes per token"
        )
    return shown


def _ratio(result: Result, name: str, rival: str) -> float:
    row = result.rows[name]
    return middle(row[OURS].ratios(row[rival]))


def _launch_ratios(result: Result, who: str) -> list[float]:
    pairs = zip(result.launches[who], result.launches[REFERENCE], strict=True)
    return [mine / constant for mine, constant in pairs]


def _spread(ratios: Sequence[float]) -> tuple[str, str]:
    return f"{middle(ratios):.2f}", f"{min(ratios):.2f}..{max(ratios):.2f}"


def _aligned(lines: list[list[str]]) -> list[str]:
    """Cells in columns: the first to the left, numbers to the right."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    shown = []
    for line in lines:
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        shown.append("  ".join(cells).rstrip())
    return shown


def _versions(peers: Sequence[Peer]) -> str:
    named = [f"{name} {_version(name)}" for name in PACKAGES]
    named += [f"{peer.name} {peer.version}" for peer in peers]
    return f"{platform.python_implementation()} {platform.python_version()}, {', '.join(named)}."


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
