"""One HTTP/1.1 exchange over a socket of its own, as bytes: also what no client library sends or reads."""

import socket
from dataclasses import dataclass

PATIENCE_S = 30


@dataclass(frozen=True)
class RawResponse:
    """What came back. `ending` is "" for a whole answer, else "reset", "closed" or "cut short"."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    ending: str


def exchange(port: int, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None) -> RawResponse:
    """Send a request to this port of the loopback interface and read until the server closes the connection."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers]
    message = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
    received = bytearray()
    ending = ""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(message)
            while piece := connection.recv(65536):
                received += piece
        except ConnectionError:
            ending = "reset"
    return parsed(bytes(received), ending, method)


def parsed(received: bytes, ending: str, method: str) -> RawResponse:
    head, _, body = received.partition(b"\r\n\r\n")
    if not head:
        return RawResponse(0, (), b"", ending or "closed")
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest))
    fields = dict(pairs)
    if fields.get("transfer-encoding") == "chunked":
        body, whole = unchunked(body)
        ending = ending or ("" if whole else "cut short")
    elif method != "HEAD" and int(fields.get("content-length", 0)) > len(body):
        ending = ending or "cut short"
    return RawResponse(int(first.split(" ")[1]), pairs, body, ending)


def unchunked(body: bytes) -> tuple[bytes, bool]:
    """The content of a chunked body, and whether its last chunk arrived."""
    content = bytearray()
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if length == 0:
            return bytes(content), True
        content += body[:length]
        body = body[length + 2 :]
    return bytes(content), False
