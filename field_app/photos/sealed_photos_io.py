"""Owns the sealed copies of photos: what is left when the tablet's own key is wiped (R4)."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wire_contracts.blobs import is_sha256
from wire_contracts.sealed import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Envelope, SealedKind

_SEALED: Final = ".sealed"
_KEY_ID_BYTES: Final = 16
_HEAD_BYTES: Final = _KEY_ID_BYTES + KEY_BYTES + NONCE_BYTES

SealPhoto = Callable[[str, bytes], Envelope | None]
"""(sha256, bytes) -> the envelope, None when it cannot be made."""


def _no_key() -> str:
    """Return that no key of the server is known."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPhotos:
    """The sealed copies in the photos' folder: the parts of an envelope, one after the other.

    `key_id` names the key that the server was last heard to open with.
    """

    folder: Path
    seal: SealPhoto
    key_id: Callable[[], str] = _no_key

    def save(self, sha256: str, plain: bytes) -> None:
        """Seal the bytes to the server and keep them; without a key nothing is kept."""
        envelope = self.seal(sha256, plain)
        if envelope is None:
            return
        head = envelope.key_id.encode() + envelope.ephemeral + envelope.nonce
        fresh = self.folder / f"{sha256}{_SEALED}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(head + envelope.box)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._path(sha256))

    def load(self, sha256: str) -> Envelope | None:
        """Return the envelope, None when there is none, it is torn or the disk does not give it."""
        try:
            content = self._path(sha256).read_bytes()
        except OSError:
            return None
        if len(content) < _HEAD_BYTES + TAG_BYTES:
            return None
        ephemeral_at = _KEY_ID_BYTES + KEY_BYTES
        return Envelope(
            kind=SealedKind.BLOB,
            about=sha256,
            key_id=content[:_KEY_ID_BYTES].decode(errors="replace"),
            ephemeral=content[_KEY_ID_BYTES:ephemeral_at],
            nonce=content[ephemeral_at:_HEAD_BYTES],
            box=content[_HEAD_BYTES:],
        )

    def names(self) -> list[str]:
        """Return the names of the photos that have a sealed copy."""
        found = self.folder.glob(f"*{_SEALED}")
        return sorted(path.stem for path in found if is_sha256(path.stem))

    def has(self, sha256: str) -> bool:
        """Return whether there is a copy."""
        return self._path(sha256).exists()

    def is_current(self, sha256: str) -> bool:
        """Return whether there is a copy to the server's present key: a former one may be lost."""
        try:
            with self._path(sha256).open("rb") as stream:
                return stream.read(_KEY_ID_BYTES) == self.key_id().encode()
        except OSError:
            return False

    def remove(self, sha256: str) -> None:
        """Take the copy away: the server has the photo."""
        self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}{_SEALED}"
