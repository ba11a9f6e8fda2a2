"""What a handler is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from mockserver.server.http.responses import Response
from mockserver.server.response_cache import CachedResponse
from mockserver.server.worlds import World
from mockserver.simulation.kernel.transaction import Transaction, View


class HandlerRequest(NamedTuple):
    """One decoded request: the caller's world, the one instant that counts for it, and what it asks for."""

    world: World
    at_ms: int
    parameters: Mapping[str, Any]
    body: Any
    path: bytes = b""
    headers: Mapping[bytes, bytes] = MappingProxyType({})


Reader = Callable[[HandlerRequest, View], CachedResponse]
Writer = Callable[[HandlerRequest, Transaction], Response]
BodyNormalizer = Callable[[View, Mapping[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class Handler:
    """What answers an operation: a reader, or a writer whose draft is committed once it has answered.

    `normalize_body` changes a body before it is validated, where the live service is known to be more lenient than its
    document. `varies`: the answer to a read depends on the headers Accept and Host too.
    """

    read: Reader | None = None
    write: Writer | None = None
    normalize_body: BodyNormalizer | None = None
    varies: bool = False
