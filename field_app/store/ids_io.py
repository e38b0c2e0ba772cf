"""Draws the random ids of operations, facts and replicas."""

import secrets
import uuid
from datetime import datetime

from wire_contracts.frames import LATEST_MS, ms_from_utc

_RANDOM_BITS_A = 12
_RANDOM_BITS_B = 62


def clamped_ms(moment: datetime) -> int:
    """Return the wire time, kept inside 1970..2100: a broken clock must not spoil an operation."""
    return min(max(ms_from_utc(moment), 0), LATEST_MS)


def draw_uuid7(now_utc: datetime) -> str:
    """Return a new UUIDv7 (RFC 9562 section 5.7): time first, 74 random bits behind."""
    value = clamped_ms(now_utc) << 80
    value |= 0x7 << 76 | secrets.randbits(_RANDOM_BITS_A) << 64
    value |= 0b10 << 62 | secrets.randbits(_RANDOM_BITS_B)
    return str(uuid.UUID(int=value))


def draw_replica_id() -> str:
    """Return a new random name for this copy of the store (trap T7)."""
    return str(uuid.uuid4())


def draw_session(*, has_pin: bool) -> str:
    """Return the name of a new log-in: whether a PIN was given, and 64 random bits."""
    return f"{'pin' if has_pin else 'open'}:{secrets.token_hex(8)}"
