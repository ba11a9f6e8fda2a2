"""Credentials: a bearer's token, basic authentication, and keys in a header, the query or a cookie."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from mockserver.openapi import Credentials


def token_of(authorization: bytes) -> bytes:
    """The token of an Authorization header, or nothing where it does not hold one."""
    scheme, _, token = authorization.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def credential(wanted: Credentials, headers: Mapping[bytes, bytes], query: bytes) -> bytes:
    """The credential that a request carries where an operation's security schemes look for one; empty without one.

    Of basic authentication the user is taken, or the password where there is no user.
    """
    for where, name in wanted.places:
        if where == "header":
            found = headers.get(name.encode("latin-1", "replace"), b"").strip()
        elif where == "query":
            found = _of_pairs(query.split(b"&"), name, is_query=True)
        else:
            found = _of_pairs(headers.get(b"cookie", b"").split(b";"), name, is_query=False)
        if found:
            return found
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    if wanted.is_basic and scheme.lower() == b"basic":
        try:
            user, _, password = b64decode(given.strip(), validate=True).partition(b":")
        except binascii.Error:
            return b""
        return user or password
    return given.strip() if wanted.is_open else b""


def _of_pairs(pairs: list[bytes], name: str, *, is_query: bool) -> bytes:
    for pair in pairs:
        key, _, value = pair.strip().partition(b"=")
        if key in (name.encode("latin-1", "replace"), quote(name).encode()):
            return unquote_to_bytes(value.replace(b"+", b" ")) if is_query else value.strip(b'"')
    return b""
