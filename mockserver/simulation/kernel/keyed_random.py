"""Keyed randomness: every number is a pure function of its key, so other requests cannot disturb it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.contract.lifecycles import Move
    from mockserver.simulation.kernel.rules import Pace


def number(*key: object) -> int:
    """A 64-bit number for this key."""
    return int.from_bytes(blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest(), "big")


def hexadecimal(length: int, *key: object) -> str:
    """`length` (at most 64) hexadecimal digits for this key."""
    return blake2b("\x1f".join(map(str, key)).encode(), digest_size=32).hexdigest()[:length]


def identifier(*key: object) -> str:
    """A string in the shape of a version 4 UUID for this key."""
    return in_uuid_shape(hexadecimal(32, *key))


def in_uuid_shape(digits: str) -> str:
    """32 hexadecimal digits, made to look like a version 4 UUID."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


class KeyedRandom:
    """The numbers of one resource after its n-th accepted command: f(seed, id, n, name of the move)."""

    __slots__ = ("_key",)

    def __init__(self, seed: int, resource_id: str, accepted: int) -> None:
        self._key = f"{seed}\x1f{resource_id}\x1f{accepted}"

    def between(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        if high <= low:
            return low
        return low + self._number(name) % (high - low + 1)

    def _number(self, name: str) -> int:
        return int.from_bytes(blake2b(f"{self._key}\x1f{name}".encode(), digest_size=8).digest(), "big")

    def choose_move(self, phase: str, moves: Sequence[Move], pace: Pace) -> Move:
        """One of several moves out of a phase: an unlucky one with its chance, else the usual one."""
        usual = moves[0]
        lot = None
        for move in moves:
            chance = pace.chance(move)
            if chance is None:
                usual = move
            elif chance:
                lot = self._number(f"{phase} way") / 2**64 if lot is None else lot
                if lot < chance:
                    return move
                lot -= chance
        return usual


@lru_cache(maxsize=65_536)
def demand(seed: int, pool: str, place: str, bucket: int, low: int, high: int) -> int:
    """How many GPUs the rest of the world uses in this bucket of time: a pure function of its arguments."""
    return low + number(seed, "demand", pool, place, bucket) % (high - low + 1)
