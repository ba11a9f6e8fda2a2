"""The findings of a verdict on a client: one for each thing that is wrong, with the requests that show it."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

from contract_tests.model.exchange import curl_lines
from mockserver.audit import rules_routing
from mockserver.audit.decoding import DecodedExchange
from mockserver.audit.registry import ERROR, Breach, ClientRule

MOST_EVIDENCE = 6
"""How many requests a finding shows as curl lines."""
MOST_NUMBERS = 50
"""How many requests a finding names."""
LONGEST_ANSWER = 400
LOOPBACK = ("127.0.0.1", "localhost", "::1")
INLINE = "inline"
"""The scenario of a world that was given as a mapping: no option of `serve` names it."""


def findings_of(breaches: Iterable[tuple[ClientRule, Breach]], restart: str = "") -> list[dict[str, Any]]:
    """One finding for each thing that is wrong, however often it was met; errors first.

    `restart` is a comment to put above the curl lines of each.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for rule, breach in breaches:
        one = breach.exchanges[-1]
        path = one.operation.path if one.operation else one.path
        which = (breach.place or breach.message) if rule.suite == "request" else breach.message
        # One cause is one finding: what is wrong with a key is so wherever it is sent.
        key = (
            (rule.name, which, "")
            if rule.source == rules_routing.THE_KEY
            else (rule.name, which, one.method, path, breach.near)
        )
        known = found.setdefault(key, _finding(rule, breach, one, path))
        known["count"] += 1
        for other in breach.exchanges:
            if other.number not in known["exchanges"] and len(known["exchanges"]) < MOST_NUMBERS:
                known["exchanges"].append(other.number)
    for finding in found.values():
        if restart and finding["curl"]:
            finding["curl"] = [restart, *finding["curl"]]
    return sorted(found.values(), key=lambda one: (one["severity"] != ERROR, one["exchanges"], one["rule"]))


def restart_line(base_url: str, scenario: str, seed: int | str, clock: str) -> str:
    """A comment above curl lines: how to start the server again that they name. Empty for a server that is not ours."""
    parts = urlsplit(base_url)
    if parts.hostname not in LOOPBACK or not parts.port or scenario in ("", INLINE):
        return ""
    options = f"--port {parts.port} --scenario {quote(scenario)} --seed {seed} --clock {clock}"
    return f"# the server, should it have ended: mockserver serve {options}"


def _finding(rule: ClientRule, breach: Breach, one: DecodedExchange, path: str) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "severity": rule.severity,
        "reason": rule.reason,
        "source": breach.place or rule.source,
        "document": one.document.name if one.document else "",
        "operation": one.operation.operation_id if one.operation else "",
        "method": one.method,
        "path": path,
        "message": breach.message,
        "near": breach.near,
        "count": 0,
        "exchanges": [],
        "test": "",
        "requests": len(breach.exchanges),
        "curl": curl_lines(breach.exchanges[-MOST_EVIDENCE:]),
        "status": one.status,
        "answer": one.answer[:LONGEST_ANSWER].decode("utf-8", "replace"),
    }
