"""A small client of the API, sound unless it is told to have a fault: `client.py [FAULT]`."""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

BASE_URL, API_KEY = os.environ["TOGETHER_BASE_URL"], os.environ["TOGETHER_API_KEY"]
FAULT = sys.argv[1] if len(sys.argv) > 1 else ""
OPEN = build_opener(ProxyHandler({})).open
MODEL = "Qwen/Qwen3.5-9B-FP8"
HARDWARE = "1x_nvidia_h100_80gb_sxm"
PAUSE_S = 0.01


STATES = {"PENDING": "waits", "STARTING": "starts", "STARTED": "runs", "ERROR": "is broken"}


def call(method: str, path: str, body: Any = None) -> Any:
    for _ in range(5):
        request = Request(
            BASE_URL + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"},
        )
        try:
            with OPEN(request, timeout=0.5 if FAULT == "impatient" else 20) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except HTTPError as error:
            if error.code not in (429, 503) or f"no retry after {error.code}" == FAULT:
                raise
            time.sleep(float(error.headers.get("retry-after", "1")))
        except (URLError, OSError, HTTPException):
            if FAULT in ("no retry after a reset", "impatient"):
                raise
    sys.exit("gave up")


def instant(text: str) -> datetime:
    if FAULT == "one format of instants":
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass
class Listed:
    object: str
    id: str
    name: str
    model: str
    type: str
    owner: str
    state: str
    created_at: str


def show_hardware() -> None:
    hardware = call("GET", f"/hardware?model={MODEL}")["data"]
    wanted = next((one for one in hardware if one["id"] == HARDWARE), None)
    status = {} if wanted is None else wanted.get("availability", {})
    if status.get("status") in ("unavailable", "insufficient") and FAULT != "an enum value forgotten":
        sys.exit("the hardware is not to be had")
    words = {"available": "now", "unavailable": "never", "insufficient": "later"}
    if FAULT == "an enum value forgotten":
        del words["unavailable"]
    for one in hardware:
        if FAULT == "needs an optional field":
            status = one["availability"]["status"]
        else:
            status = one.get("availability", {}).get("status", "")
        word = words[status] if FAULT in ("an enum value forgotten", "no default") else words.get(status, status)
        price = one["pricing"]["cents_per_minute"]
        if FAULT == "whole prices":
            price = int(str(price).removesuffix(".0"))
        if FAULT == "floats only":
            assert isinstance(price, float)
        if FAULT == "small numbers":
            struct.pack("<h", one["specs"]["gpu_count"])
        print(one["id"], word, price)
    every = call("GET", "/hardware")["data"]
    if FAULT == "trusts the order":
        assert every[0]["id"] == "1x_nvidia_h100_80gb_sxm"
    if FAULT == "few entries":
        assert len(every) < 80


def show_endpoints() -> None:
    listed = call("GET", "/endpoints?type=dedicated")["data"]
    if FAULT == "indexes the first":
        print(listed[0]["name"])
    if FAULT == "few endpoints":
        assert len(listed) < 50
    for one in listed:
        if FAULT == "unknown fields":
            Listed(**one)
        if FAULT == "ASCII":
            one["owner"].encode("ascii")
        if FAULT == "short texts":
            assert len(one["name"]) < 256
        print(one["name"], one["owner"].encode(), instant(one["created_at"]))


def deploy() -> None:
    endpoint = call(
        "POST",
        "/endpoints",
        {
            "model": MODEL,
            "hardware": HARDWARE,
            "autoscaling": {"min_replicas": 1, "max_replicas": 1},
            "display_name": "exercised",
        },
    )
    assert endpoint["display_name"] == "exercised"
    if FAULT == "breaks on null":
        print(endpoint.get("availability_zone", "anywhere").upper())
    if FAULT == "expects to wait":
        assert endpoint["state"] != "STARTED"
    if FAULT == "a state forgotten":
        del STATES["ERROR"]
    path = f"/endpoints/{endpoint['id']}"
    for looks in range(1_000_000):
        state = call("GET", path)["state"]
        print(STATES[state] if FAULT == "a state forgotten" else STATES.get(state, state))
        if state == "STARTED":
            break
        if state == "ERROR" and FAULT != "waits for ever":
            sys.exit("the endpoint has failed")
        if FAULT == "few looks" and looks > 6:
            sys.exit("not started in time")
        time.sleep(PAUSE_S)
    call("DELETE", path)


if FAULT == "fails anyway":
    sys.exit(3)
if FAULT != "asks nothing":
    show_hardware()
    show_endpoints()
    deploy()
