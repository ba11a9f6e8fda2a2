"""The part of curl that the pages use, so that running them needs no curl: -s -i -X -H -d -o."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

FLAGS = frozenset("sSi")
VALUED = frozenset("XHdo")


def curl(arguments: list[str], folder: Path) -> str:
    """What `curl` prints to a terminal. Raises AssertionError for what is not known here."""
    given: dict[str, list[str]] = {name: [] for name in (*FLAGS, *VALUED)}
    urls: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-"):
            urls.append(word)
            continue
        names = word[1:]
        while names and names[0] in FLAGS:
            given[names[0]].append("")
            names = names[1:]
        if names:
            assert names[0] in VALUED, f"curl {word}: tests/documentation/curl.py does not know this option"
            given[names[0]].append(names[1:] or waiting.pop(0))
    assert len(urls) == 1, f"curl is given one URL, not {urls}"
    headers = {"Host": urlsplit(urls[0]).netloc, "User-Agent": "curl", "Accept": "*/*"}
    body = "&".join(_data(one, folder) for one in given["d"]).encode() if given["d"] else None
    if body is not None:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    for header in given["H"]:
        name, _, value = header.partition(":")
        headers = {known: kept for known, kept in headers.items() if known.lower() != name.lower()}
        headers[name] = value.strip()
    method = (given["X"] or ["GET" if body is None else "POST"])[-1]
    shown = _exchange(method, urls[0], headers, body, show_head=bool(given["i"]))
    if given["o"]:
        (folder / given["o"][-1]).write_text(shown)
        return ""
    return shown


def _data(value: str, folder: Path) -> str:
    return (folder / value[1:]).read_text().replace("\n", "") if value.startswith("@") else value


def _exchange(method: str, url: str, headers: dict[str, str], body: bytes | None, *, show_head: bool) -> str:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.putrequest(
            method,
            parts.path + (f"?{parts.query}" if parts.query else ""),
            skip_host=True,
            skip_accept_encoding=True,
        )
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        try:
            response = connection.getresponse()
        except http.client.RemoteDisconnected:
            return "curl: (52) Empty reply from server\n"
        except ConnectionResetError:
            return "curl: (56) Recv failure: Connection reset by peer\n"
        text = _text(response)
        if not show_head:
            return text
        head = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{k}: {v}" for k, v in response.getheaders())]
        return "\n".join([*head, "", text])
    finally:
        connection.close()


def _text(response: http.client.HTTPResponse) -> str:
    """The body; where it does not come whole, what came of it, and what curl has to say about that."""
    try:
        return response.read().decode()
    except http.client.IncompleteRead as error:
        complaint = f"curl: (18) transfer closed with {error.expected} bytes remaining to read"
        return f"{error.partial.decode()}\n{complaint}\n"
