"""Owns what the app asks of a tablet's hardware; every port can say that it is not there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wire_contracts.operations import DeviceTime
from wire_contracts.sealed import Envelope, SealedKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether a port can be used; `reason` is the English msgid of why not, empty when it can."""

    is_available: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A position in WGS 84 with its accuracy in metres."""

    latitude_deg: float
    longitude_deg: float
    accuracy_m: float


class Camera(Protocol):
    """Takes a photo."""

    def availability(self) -> Availability:
        """Return whether photos can be taken."""
        ...

    def take_photo(self) -> bytes | None:
        """Return a JPEG, or None when none was taken."""
        ...


class TagReader(Protocol):
    """Reads the tag of a checkpoint or a meter."""

    def availability(self) -> Availability:
        """Return whether tags can be read."""
        ...

    def read_tag(self) -> str | None:
        """Return the tag's id in hexadecimal, or None when no tag was held near."""
        ...


class Locator(Protocol):
    """Tells where the tablet is."""

    def availability(self) -> Availability:
        """Return whether the position can be known."""
        ...

    def fix(self) -> Fix | None:
        """Return the last position, or None without one."""
        ...


class PinOutcome(StrEnum):
    """What became of a PIN."""

    OPENED = "opened"
    WRONG = "wrong"
    WAIT = "wait"
    WIPED = "wiped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinVerdict:
    """The answer to a PIN; only after OPENED is the vault open.

    Attributes:
        outcome: WAIT: it was not looked at. WIPED: the person's key is gone. UNKNOWN: none was set.
        tries_left: How many wrong ones remain before the key is wiped.
        wait_ms: How long until the next one is looked at.
    """

    outcome: PinOutcome
    tries_left: int = 0
    wait_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a secret belongs to: it opens nowhere else, so rows cannot be swapped."""

    entity: str
    entity_id: str
    column: str


class VaultLockedError(RuntimeError):
    """Nobody has given a PIN: what is kept cannot be read now."""


class VaultTamperedError(ValueError):
    """The bytes are not what was put here: changed, or moved from another row."""


class Vault(Protocol):
    """Encrypts personal data at rest (RULINGS R23); the key is in memory while unlocked only."""

    def availability(self) -> Availability:
        """Return whether personal data and photos may be kept on this tablet."""
        ...

    def is_open(self) -> bool:
        """Return whether the key is in memory."""
        ...

    def has_key(self) -> bool:
        """Return whether a PIN protects a key here: then `encrypt` works, locked or not."""
        ...

    def people(self) -> frozenset[str]:
        """Return the accounts that have a PIN."""
        ...

    def wiped_people(self) -> frozenset[str]:
        """Return the accounts whose PIN was wrong too often and was not set anew."""
        ...

    def set_pin(self, account_id: str, pin: str) -> None:
        """Give a person a PIN; the first one makes the key, every other needs the vault open.

        Raises:
            VaultLockedError: There is a key and nobody has opened it, or it was wiped by wrong
                tries and the office has not let the tablet in again.
            ValueError: `pin_rules.is_good_pin` refuses it.
        """
        ...

    def unlock(self, account_id: str, pin: str, now: DeviceTime) -> PinVerdict:
        """Open the vault with a person's PIN; every try is counted on disk before it is looked at.

        Takes a good part of a second on purpose: call it away from the screen's thread.
        """
        ...

    def lock(self) -> None:
        """Take the key out of memory."""
        ...

    def encrypt(self, plain: bytes, bound: Bound) -> bytes | None:
        """Return what may be kept instead, None without a key: then nothing may be kept."""
        ...

    def decrypt(self, kept: bytes, bound: Bound) -> bytes:
        """Return what was encrypted.

        Raises:
            VaultLockedError: Nobody has opened the vault.
            VaultTamperedError: It is not what was encrypted for this place.
        """
        ...

    def seal(
        self, public_key: bytes, kind: SealedKind, about: str, plain: bytes
    ) -> Envelope | None:
        """Return what only the server can open, None when this machine or that key cannot."""
        ...

    def forget(self) -> None:
        """Destroy the key and every PIN: what was encrypted is unreadable for ever."""
        ...

    def admit(self) -> None:
        """Let a key be made again: the office has enrolled this tablet anew."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The ports of one tablet."""

    camera: Camera
    tag_reader: TagReader
    locator: Locator
    vault: Vault


"""The app works without every one of them: by hand, by typing, without photos."""
