"""--reload: what has changed is taken up, what cannot be used is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mockserver.server.app import create_app
from mockserver.server.reloading import Reloader
from mockserver.settings import Settings
from tests.server.asgi import Client, Wall

GOOD = """\
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /things:
    get: {operationId: listThings, responses: {"200": {description: ok, content: {application/json: {schema: LIST}}}}}
    post: {operationId: makeThing, responses: {"200": {description: ok, content: {application/json: {schema: ONE}}}}}
"""
ONE = "{type: object, required: [id], properties: {id: {type: string}, size: {type: integer}}}"
LIST = f"{{type: array, items: {ONE}}}"


def write(path: Path, text: str) -> None:
    """Write a file so that it is seen to be another, however coarse the file system's clock."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text.replace("LIST", LIST).replace("ONE", ONE), encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    write(path, GOOD)
    return path


@pytest.fixture
def served(document: Path) -> tuple[Client, Reloader]:
    app = create_app(Settings(clock="manual", specs=(document,), reload=True), wall=Wall())
    return Client(app), Reloader(app)


def reload(reloader: Reloader) -> None:
    """What the watcher does each time it looks."""
    if reloader.changed and (reading := reloader.read()):
        reloader.take_up(reading)


def test_a_good_change_is_taken_up_and_worlds_stay(served: tuple[Client, Reloader], document: Path) -> None:
    client, reloader = served
    assert not reloader.changed
    made, endpoint = client.post("/things"), client.create_endpoint()
    client.advance("30m")
    now = client.now_ms
    text = GOOD.replace(
        "/things:", "/others: {get: {operationId: others, responses: {'204': {description: ok}}}}\n  /things:"
    )
    write(document, text)
    reload(reloader)
    client.call("GET", "/others").ok(204)
    assert client.get("/things") == [made]
    assert client.get(f"/v1/endpoints/{endpoint['id']}")["state"] == "STARTED"
    assert client.now_ms == now
    assert "/others" in client.get("/openapi.json")["paths"]
    assert not reloader.changed


def test_what_was_rendered_is_rendered_anew(served: tuple[Client, Reloader], document: Path) -> None:
    client, reloader = served
    made = client.post("/things")
    assert client.get("/things") == [made]
    write(document, GOOD.replace("LIST", "{type: array, items: {type: object, properties: {id: {type: string}}}}"))
    reload(reloader)
    assert client.get("/things") == [{"id": made["id"]}]


@pytest.mark.parametrize("bad", ["paths: [", GOOD.replace("/things:", "things:"), ""])
def test_a_bad_change_is_refused_in_one_line(
    served: tuple[Client, Reloader], document: Path, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    client, reloader = served
    made = client.post("/things")
    write(document, bad)
    reload(reloader)
    (record,) = [record for record in caplog.records if "not reloaded" in record.message]
    assert "own.yaml" in record.message
    assert "\n" not in record.message
    assert client.get("/things") == [made]
    assert not reloader.changed, "it says so once"
    write(document, GOOD)
    reload(reloader)
    assert client.get("/things") == [made]


def test_a_document_that_goes_away_is_missed(
    served: tuple[Client, Reloader], document: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client, reloader = served
    document.unlink()
    reload(reloader)
    assert any("own.yaml" in record.message for record in caplog.records)
    client.get("/things")


def test_files_that_a_document_refers_to_are_watched(tmp_path: Path) -> None:
    path, part = tmp_path / "own.yaml", tmp_path / "part.yaml"
    write(part, ONE)
    write(path, GOOD.replace("ONE", "{$ref: part.yaml}"))
    app = create_app(Settings(clock="manual", specs=(path,), reload=True), wall=Wall())
    client, reloader = Client(app), Reloader(app)
    assert "colour" not in client.post("/things")
    write(part, ONE.replace("size", "colour"))
    reload(reloader)
    assert "colour" in client.post("/things")


def test_a_scenario_is_taken_up_at_birth_and_reset(tmp_path: Path, scenario: Callable[..., str]) -> None:
    """A world that is there goes on by the rules that it was born with."""
    path = Path(scenario(extends="empty", starts_at="2030-01-01T00:00:00Z"))
    app = create_app(Settings(clock="manual", scenario=str(path), reload=True), wall=Wall())
    client, reloader = Client(app), Reloader(app)
    client.create_endpoint()
    write(path, yaml.safe_dump({"description": "a test's", "extends": "empty", "starts_at": "2031-01-01T00:00:00Z"}))
    reload(reloader)
    assert client.get("/_mock/clock")["now"].startswith("2030")
    assert client.as_("newcomer").get("/_mock/clock")["now"].startswith("2031")
    client.post("/_mock/reset")
    assert client.get("/_mock/clock")["now"].startswith("2031")


def test_a_file_that_was_missing_is_waited_for(served: tuple[Client, Reloader], document: Path) -> None:
    client, reloader = served
    parts = document.parent / "parts"
    parts.mkdir()
    write(document, GOOD.replace("LIST", "{type: array, items: {$ref: parts/thing.yaml}}"))
    reload(reloader)
    assert not reloader.changed
    write(parts / "thing.yaml", ONE)
    assert reloader.changed
    reload(reloader)
    assert not reloader.changed
    assert parts / "thing.yaml" in client.app.reading.files


def test_whatever_breaks_the_reading_the_next_change_is_seen(
    served: tuple[Client, Reloader], document: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client, reloader = served

    def breaks() -> None:
        raise RuntimeError("odd")

    read = client.app.read
    monkeypatch.setattr(client.app, "read", breaks)
    write(document, GOOD + "# changed\n")
    reload(reloader)
    assert "not reloaded" in caplog.text
    monkeypatch.setattr(client.app, "read", read)
    write(document, GOOD.replace("makeThing", "createThing"))
    reload(reloader)
    assert "createThing" in client.send("GET", "/openapi.json").body.decode()
