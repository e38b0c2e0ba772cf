"""Hashes and checks passwords with argon2id, few at a time: log-in cannot eat the machine."""

import base64
import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

MOST_AT_ONCE = 2
"""Hashes running at once: argon2-cffi's defaults take 64 MiB and 173 ms each (server notes 5)."""

LONGEST_WAIT_S = 5.0
"""Wall seconds a log-in waits for its turn before it is told to try again."""

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128
"""At least 8 is asked by ASVS 5.0 V6.2; ten leaves a margin, 128 bounds the work."""


class PasswordHasherIo:
    """One per process; owns the right to spend memory on hashing."""

    def __init__(
        self, hasher: PasswordHasher | None = None, most_at_once: int = MOST_AT_ONCE
    ) -> None:
        """Take argon2's defaults unless another cost is given (a test uses a small one)."""
        self._hasher = PasswordHasher() if hasher is None else hasher
        self._turns = threading.BoundedSemaphore(most_at_once)
        self._decoy = _hash_of_nothing(self._hasher)

    @contextmanager
    def _turn(self) -> Generator[None]:
        if not self._turns.acquire(timeout=LONGEST_WAIT_S):
            raise ContractError(
                place="log-in",
                field="password",
                problem="cannot be checked, too many log-ins at once",
                remedy="try again in a few seconds",
                code=Code.LOGIN_BUSY,
            )
        try:
            yield
        finally:
            self._turns.release()

    def hash(self, password: str) -> str:
        """Return the encoded argon2id hash; raise ContractError for a weak password."""
        check_password(password)
        with self._turn():
            return self._hasher.hash(password)

    def is_right(self, encoded: str | None, password: str) -> bool:
        """Return whether the password fits; None (no such account) costs the same time."""
        with self._turn():
            try:
                self._hasher.verify(encoded or self._decoy, password)
            except (VerificationError, InvalidHashError):
                return False
        return encoded is not None


def hasher_for_drawn_passwords() -> PasswordHasherIo:
    """Return argon2 at its smallest cost, for passwords that were drawn: a town of the demo.

    72 random bits are not guessed, whatever a guess costs; twenty at full cost took 3.5 s.
    """
    return PasswordHasherIo(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """Return an encoded hash that no password has and whose check costs as much as any other.

    It is drawn, not made: to hash a password for it took a server's start 173 ms.
    """
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2{hasher.type.name.lower()}$v={ARGON2_VERSION}${cost}${salt}${digest}"


def check_password(password: str) -> None:
    """Raise ContractError when a new password is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ContractError(
            place="account",
            field="password",
            problem=f"has {len(password)} characters",
            remedy=f"choose {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            code=Code.PASSWORD_WEAK,
        )
