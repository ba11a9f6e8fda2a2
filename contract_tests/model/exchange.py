"""One request and its answer, and how to show it to somebody who wants to send it again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from contract_tests.model.document import ApiDocument, ApiOperation
from contract_tests.model.json_values import ABSENT, decode
from contract_tests.model.redaction import mask_secret_fields

OURS, NONE, WRONG, OTHER = "ours", "none", "wrong", "other"
BARE, BASIC, EMPTY = "bare", "basic", "empty"
"""The key a request is sent with: the account's, none, one that nobody has, another account's; or the account's
without its scheme or with another, or none with it."""


@dataclass(eq=False)
class Exchange:
    """A request and what came back. `path` is what was asked, under the document's base; `at_ms` the target's time."""

    number: int
    method: str
    path: str
    query: Sequence[tuple[str, str]]
    body: bytes | None
    content_type: str | None
    auth: str
    operation: ApiOperation | None
    path_parameters: Mapping[str, str]
    document: ApiDocument | None = None
    base: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: bytes = b""
    at_ms: int = 0
    repeats_secret: bool = False
    """Whether the answer held the key or a token that was sent; in `answer` it is hidden."""
    response: Any = None
    """What `requests` gave back, for judges that want that."""

    @cached_property
    def sent(self) -> Any:
        """The body as a value; ABSENT where there is none, or none that is JSON."""
        return decode(self.body or b"")

    @cached_property
    def shown(self) -> Any:
        """The answer as a value; ABSENT where there is none, or none that is JSON."""
        return decode(self.answer)

    @property
    def ok(self) -> bool:
        """Whether it was accepted."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The answer's media type without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def operation_id(self) -> str:
        """The operation's name."""
        return self.operation.operation_id if self.operation else "no operation"

    @property
    def answered(self) -> str:
        """The status, with what the error says."""
        error = self.shown.get("error") if isinstance(self.shown, dict) else None
        return f"{self.status}" + (f" ({error.get('message')})" if isinstance(error, dict) else "")

    @cached_property
    def text(self) -> str:
        """All of the request that may name a resource."""
        return f"{self.path} {self.query} {(self.body or b'').decode('utf-8', 'replace')}"


# ---- as curl lines ---------------------------------------------------------------------------------------------------

ID_FIELDS = {
    "createEndpoint": ("endpoint", "id"),
    "guide2024CreateEndpoint": ("endpoint", "id"),
    "GPUClusterService_Create": ("cluster", "cluster_id"),
    "SharedVolumeService_Create": ("volume", "volume_id"),
    "RemediationService_CreateRemediation": ("remediation", "id"),
    "uploadModel": ("job", "data.job_id"),
    "guide2024CreateModel": ("job", "data.job_id"),
}
"""What makes something: what to call it, and where the answer says its id."""

AUTHORIZATION = {
    OURS: '-H "Authorization: Bearer $TOGETHER_API_KEY"',
    WRONG: "-H 'Authorization: Bearer not-a-key-of-anybody'",
    OTHER: '-H "Authorization: Bearer $ANOTHER_API_KEY"',
    BARE: '-H "Authorization: $TOGETHER_API_KEY"',
    BASIC: '-H "Authorization: Basic $TOGETHER_API_KEY"',
    EMPTY: "-H 'Authorization: Bearer '",
    NONE: "",
}


def made_id(exchange: Exchange) -> str | None:
    """The id of what this request made, or None."""
    named = ID_FIELDS.get(exchange.operation_id)
    if named is None or not exchange.ok:
        return None
    value = exchange.shown
    for step in named[1].split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def relevant(trail: Sequence[Exchange], last: Exchange) -> list[Exchange]:
    """The requests that it takes to come to `last`: what made the things it is about, and what was done to them."""
    made = {found: exchange for exchange in trail if (found := made_id(exchange)) is not None}
    about = set(_mentioned(last, made))
    # What a list shows may be any of them; its last line alone tells nothing then.
    if not about and last.method == "GET":
        about = {found for found in made if found.encode() in last.answer}
    waiting = list(about)
    while waiting:
        for found in _mentioned(made[waiting.pop()], made):
            if found not in about:
                about.add(found)
                waiting.append(found)
    kept = [
        exchange
        for exchange in trail
        if exchange is not last
        and exchange.number < last.number
        and (
            (made_id(exchange) in about)
            or (_writes(exchange) and exchange.operation is not None and _names(exchange, about))
            or _moves_time(exchange)
        )
    ]
    if not about:
        kept = [exchange for exchange in kept if not _moves_time(exchange)]
    return [*_joined_time(kept), last]


def _writes(exchange: Exchange) -> bool:
    return exchange.method != "GET" and exchange.ok


def _moves_time(exchange: Exchange) -> bool:
    return exchange.path == "/_mock/clock" and exchange.method == "POST"


def _joined_time(kept: list[Exchange]) -> list[Exchange]:
    """Without the moves of the clock that come before anything was made."""
    first = next((index for index, exchange in enumerate(kept) if not _moves_time(exchange)), len(kept))
    return kept[first:]


def _names(exchange: Exchange, ids: Iterable[str]) -> bool:
    return any(found in exchange.text for found in ids)


def _mentioned(exchange: Exchange, made: Mapping[str, Exchange]) -> list[str]:
    return [found for found, origin in made.items() if origin is not exchange and found in exchange.text]


def curl_lines(exchanges: Sequence[Exchange]) -> list[str]:
    """Shell lines that send these requests again; ids that the first of them made are kept in variables."""
    names: dict[str, str] = {}
    lines: list[str] = []
    waited: list[float] = []
    for exchange in exchanges:
        if (
            _moves_time(exchange)
            and isinstance(exchange.sent, dict)
            and isinstance(exchange.sent.get("advance"), int | float)
        ):
            waited.append(exchange.sent["advance"])
            continue
        if waited:
            lines.append(_wait_line(sum(waited), exchange.base))
            waited.clear()
        line = _curl(exchange, names)
        found = made_id(exchange)
        if found is not None and exchange is not exchanges[-1]:
            noun, where = ID_FIELDS[exchange.operation_id]
            name = f"{noun}_{sum(other.startswith(noun) for other in names.values()) + 1}"
            names[found] = name
            line = f"{name}=$({line} | jq -r .{where})"
        lines.append(line)
    return lines


def _wait_line(seconds: float, base: str) -> str:
    origin = re.sub(r"(https?://[^/]+).*", r"\1", base)
    body = json.dumps({"advance": round(seconds, 3)})
    return f"curl -sS -X POST {shlex.quote(f'{origin}/_mock/clock')} {AUTHORIZATION[OURS]} -d {shlex.quote(body)}"


def _curl(exchange: Exchange, names: Mapping[str, str]) -> str:
    url = f"{exchange.base}{exchange.path}" + (f"?{urlencode(exchange.query)}" if exchange.query else "")
    parts = [
        "curl -sS",
        *(["-i"] if exchange.status >= 400 else []),
        *([f"-X {exchange.method}"] if exchange.method != "GET" else []),
    ]
    parts += [_quoted(url, names), AUTHORIZATION[exchange.auth]]
    if exchange.body is not None:
        if exchange.content_type:
            parts.append(f"-H {shlex.quote(f'Content-Type: {exchange.content_type}')}")
        sent = (
            exchange.body.decode("utf-8", "replace")
            if exchange.sent is ABSENT
            else json.dumps(mask_secret_fields(exchange.sent))
        )
        parts.append(f"--data-raw {_quoted(sent, names)}")
    return " ".join(part for part in parts if part)


def _quoted(text: str, names: Mapping[str, str]) -> str:
    """The text for a shell, with variables in the place of known ids."""
    quoted = shlex.quote(text)
    for found, name in names.items():
        if found in quoted:
            quoted = quoted if quoted.startswith("'") else f"'{quoted}'"
            quoted = quoted.replace(found, f"'\"${name}\"'")
    return quoted.removeprefix("''").removesuffix("''") if quoted != "''" else quoted
