"""Send the steps of sessions and write each exchange as a line of JSON, without what differs from run to run."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.corpus.reports import timeless
from tests.corpus.serving import serving
from tests.corpus.steps import Session, Step, filled, value_at
from tests.corpus.wire import RawResponse, exchange

# Different in each run by design: DESIGN has request ids and the Date header outside the law of determinism.
VOLATILE_HEADERS = {"date", "x-request-id", "cf-ray"}


def record(sessions: Iterable[Session], root: Path, python: str, out: Path) -> int:
    """Record each session into `out`/SESSION.jsonl; returns the number of exchanges."""
    out.mkdir(parents=True, exist_ok=True)
    total = 0
    for session in sessions:
        with serving(root, python, session.options, session.files) as port:
            lines = exchanges(session, port)
        (out / f"{session.name}.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        total += len(lines)
    return total


def exchanges(session: Session, port: int) -> list[str]:
    saved: dict[str, str] = {}
    lines = []
    for number, step in enumerate(session.steps, start=1):
        path = filled(step.path, saved)
        content = (
            step.content() if isinstance(step.body, bytes | None) else json.dumps(filled(step.body, saved)).encode()
        )
        response = exchange(port, step.method, path, headers_of(step), content)
        remember(step, response, saved)
        lines.append(
            json.dumps({"step": number, "request": request_row(step, path, content)} | row(response, path, port))
        )
    return lines


def headers_of(step: Step) -> list[tuple[str, str]]:
    """The headers of the request: those of the step, and the usual ones where it has none of that name."""
    given = {name.lower() for name, _ in step.headers}
    headers = [(name, value) for name, value in step.headers if value]
    if step.key is not None and "authorization" not in given:
        headers.append(("Authorization", f"Bearer {step.key}"))
    if step.body is not None and "content-type" not in given:
        headers.append(("Content-Type", "application/json"))
    return headers


def remember(step: Step, response: RawResponse, saved: dict[str, str]) -> None:
    if not step.save:
        return
    try:
        document = json.loads(response.body)
    except ValueError:
        return
    for name, place in step.save.items():
        if (value := value_at(document, place)) is not None:
            saved[name] = value


def request_row(step: Step, path: str, content: bytes | None) -> dict[str, Any]:
    long = content is not None and len(content) > 4000
    text = None if content is None else f"{len(content)} bytes" if long else as_text(content)
    return {"method": step.method, "path": path, "headers": headers_of(step), "body": text}


def row(response: RawResponse, path: str, port: int) -> dict[str, Any]:
    """The answer as it is kept: without request ids, times of day and the port."""
    body = response.body.replace(f"127.0.0.1:{port}".encode(), b"127.0.0.1:PORT")
    body = body.replace(f"--port {port} ".encode(), b"--port PORT ")
    dropped = VOLATILE_HEADERS
    if path.startswith("/_mock/report"):
        dropped = dropped | {"content-length"}
        body = timeless(body)
    headers = [
        (name, value.replace(f"127.0.0.1:{port}", "127.0.0.1:PORT"))
        for name, value in response.headers
        if name not in dropped
    ]
    return {"status": response.status, "ending": response.ending, "headers": headers, "body": as_text(body)}


def as_text(content: bytes) -> str:
    """UTF-8 as it is, any other bytes as `base64:...`."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(content).decode()
