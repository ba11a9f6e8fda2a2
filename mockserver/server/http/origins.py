"""Who asks from this machine: peers, and the pages of browsers."""

from __future__ import annotations

import re
from ipaddress import ip_address

LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")
"""The Origin of a page that this machine itself serves."""


def is_loopback(host: str) -> bool:
    """Whether a peer is this machine."""
    try:
        address = ip_address(host)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback
    except ValueError:  # a transport without addresses, such as a test client's
        return True
