"""Owns what the app asks of a tablet's hardware; every port can say that it is not there."""

from dataclasses import dataclass
from typing import Protocol


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


class Vault(Protocol):
    """Encrypts personal data at rest (RULINGS R23)."""

    def availability(self) -> Availability:
        """Return whether personal data and photos may be kept on this tablet."""
        ...

    def seal(self, plain: bytes) -> bytes | None:
        """Return the encrypted bytes, or None when there is no vault: then nothing is kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The ports of one tablet."""

    camera: Camera
    tag_reader: TagReader
    locator: Locator
    vault: Vault


"""The app works without every one of them: by hand, by typing, without photos."""
