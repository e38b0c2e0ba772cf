"""Draws secrets (tokens, codes) and row ids from the operating system's randomness."""

import hashlib
import os
import secrets
import uuid
from datetime import datetime

from wire_contracts.frames import ms_from_utc

TOKEN_BYTES = 32
"""256 bits: guessing is hopeless, so a plain SHA-256 is enough to store it."""

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32 symbols: no I, L, O or U, so that a code survives being read aloud."""

CODE_LENGTH = 8

_LOOK_ALIKES = str.maketrans("OIL", "011")


def new_token() -> str:
    """Return an opaque random token of 256 bits, safe in a URL and a header."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def new_code() -> str:
    """Return an enrolment code such as `7KQ2-M9TX`: 40 random bits."""
    symbols = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return f"{symbols[:4]}-{symbols[4:]}"


def plain_code(typed: str) -> str:
    """Return a typed code as it was issued: upper case, look-alikes mapped, separators gone."""
    upper = typed.upper().translate(_LOOK_ALIKES)
    return "".join(symbol for symbol in upper if symbol in CODE_ALPHABET)


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of a secret as 64 hex digits: what the database keeps of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_id(now_utc: datetime) -> str:
    """Return a UUIDv7 (RFC 9562): 48 bits of milliseconds, then randomness; sorts by time."""
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (ms_from_utc(now_utc) & (2**48 - 1)) << 80 | random_bits
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def new_secret_bytes(count: int) -> bytes:
    """Return so many random bytes: a key that both sides keep."""
    return secrets.token_bytes(count)


def new_salt() -> str:
    """Return 128 random bits as hexadecimal digits, to be hashed along with what can be guessed."""
    return secrets.token_hex(16)
