"""Owns what the app asks of a tablet's hardware; every port can say that it is not there."""

from collections.abc import Callable, Sequence
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
    """A position in WGS 84 with its accuracy in metres.

    Attributes:
        is_mock: The machine says that the position was made up by another app; it is kept with
            every check-in, never hidden.
        at_ms: When it was measured by the tablet's wall clock, milliseconds since 1970; None when
            the machine does not tell.
    """

    latitude_deg: float
    longitude_deg: float
    accuracy_m: float
    is_mock: bool = False
    at_ms: int | None = None


class TagWay(StrEnum):
    """How a tag was read; typed is a weaker proof of having been there."""

    NFC = "nfc"
    QR = "qr"
    TYPED = "typed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """What a tag says: the id of an NFC tag in lower-case hexadecimal, or the text of a code."""

    text: str
    way: TagWay


class Sound(StrEnum):
    """What a sound is for; which tones it has is the machine's business."""

    URGENT = "urgent"
    DONE = "done"
    WRONG = "wrong"


Stop = Callable[[], None]
"""Ends what was begun; calling it twice does nothing."""


class Camera(Protocol):
    """Takes a photo."""

    def availability(self) -> Availability:
        """Return whether photos can be taken."""
        ...

    def take_photo(self, taken: Callable[[bytes | None], None]) -> None:
        """Take a photo and hand over its JPEG or PNG, None when none was taken.

        `taken` is called once, on any thread, also before this returns.
        """
        ...


class TagReader(Protocol):
    """Reads the NFC tag of a checkpoint or a meter."""

    def availability(self) -> Availability:
        """Return whether tags can be read."""
        ...

    def listen(self, found: Callable[[Tag], None]) -> Stop:
        """Hand over every tag that is held near, on any thread, until it is stopped."""
        ...


class CodeScanner(Protocol):
    """Reads a printed code: the label of a checkpoint, the enrolment code of the control room."""

    def availability(self) -> Availability:
        """Return whether codes can be read."""
        ...

    def scan(self, scanned: Callable[[Tag | None], None]) -> None:
        """Read one code; None when it was given up. Called once, on any thread."""
        ...


class Locator(Protocol):
    """Tells where the tablet is, between `start` and `stop`: measuring it empties the battery."""

    def availability(self) -> Availability:
        """Return whether the position can be known."""
        ...

    def start(self) -> None:
        """Begin to measure; once more does nothing."""
        ...

    def stop(self) -> None:
        """Measure no more."""
        ...

    def fix(self) -> Fix | None:
        """Return the last position, or None without one."""
        ...


class Vibrator(Protocol):
    """Shakes the tablet."""

    def availability(self) -> Availability:
        """Return whether the tablet can vibrate."""
        ...

    def vibrate(self, pattern_ms: Sequence[int]) -> None:
        """Vibrate: milliseconds on, off, on and so on. Returns at once; quiet where it cannot."""
        ...


class Sounder(Protocol):
    """Makes a sound."""

    def availability(self) -> Availability:
        """Return whether the tablet can be heard."""
        ...

    def play(self, sound: Sound) -> None:
        """Play a sound once. Returns at once; quiet where it cannot."""
        ...


class Dialler(Protocol):
    """Begins a telephone call: the person sees the number and presses call."""

    def dial(self, number: str) -> None:
        """Show the number in the machine's telephone."""
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
    """The ports of one tablet; without a `dialler` it cannot telephone."""

    camera: Camera
    tag_reader: TagReader
    code_scanner: CodeScanner
    locator: Locator
    vibrator: Vibrator
    sounder: Sounder
    vault: Vault
    dialler: Dialler | None = None


"""The app works without every one of them: by hand, by typing, without photos."""
