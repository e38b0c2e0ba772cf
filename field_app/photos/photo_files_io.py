"""Owns the encrypted files beside the store: written whole or not at all, never in clear."""

import errno
import os
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from field_app.photos.sealed_photos_io import SealedPhotos
from field_app.platform.ports import Bound, Vault, VaultTamperedError
from field_app.store.database_io import StoreFullError
from wire_contracts.blobs import is_sha256

FOLDER: Final = "photos"
_ENCRYPTED: Final = ".vault"


class NoVaultError(RuntimeError):
    """There is no key: photos are not kept on this tablet (RULINGS R23)."""


class PhotoFileError(LookupError):
    """The file is gone or is not what was written."""


class PhotoUnreadableError(PhotoFileError):
    """The file is there, and the disk does not give it now; it may at another time."""


def nothing_reached(_point: str) -> None:
    """Pass a named point without doing anything; tests stop the app there instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFiles:
    """The folder of one tablet's photos; every file is encrypted for its own name."""

    folder: Path
    vault: Vault
    sealed: SealedPhotos | None = None
    reached: Callable[[str], None] = nothing_reached

    def save(self, sha256: str, plain: bytes) -> None:
        """Keep the bytes; they survive a power cut when this returns.

        Raises:
            NoVaultError: Nobody has set a PIN here; nothing was kept.
            StoreFullError: The disk is full; nothing was kept.
        """
        kept = self.vault.encrypt(plain, _bound(sha256))
        if kept is None:
            message = "photos are not kept: this tablet has no vault; set a PIN first"
            raise NoVaultError(message)
        self.folder.mkdir(parents=True, exist_ok=True)
        with _whole_or_nothing(self.folder, sha256):
            self._write(sha256, plain, kept)

    def _write(self, sha256: str, plain: bytes, kept: bytes) -> None:
        fresh = self.folder / f"{sha256}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(kept)
            stream.flush()
            self.reached("photo.written")
            os.fsync(stream.fileno())
        self.reached("photo.synced")
        if self.sealed is not None:
            self.sealed.save(sha256, plain)
        fresh.replace(self._path(sha256))
        self.reached("photo.renamed")
        _sync_folder(self.folder)
        self.reached("photo.kept")

    def load(self, sha256: str) -> bytes:
        """Return the bytes in clear.

        Raises:
            PhotoFileError: The file is gone.
            PhotoUnreadableError: The disk does not give it now.
            VaultLockedError: Nobody has opened the vault.
            VaultTamperedError: It is not what was written.
        """
        try:
            kept = self._path(sha256).read_bytes()
        except FileNotFoundError as error:
            message = f"photo {sha256[:12]}: the file is gone"
            raise PhotoFileError(message) from error
        except OSError as error:
            message = f"photo {sha256[:12]}: the disk does not give the file: {error.strerror}"
            raise PhotoUnreadableError(message) from error
        return self.vault.decrypt(kept, _bound(sha256))

    def has(self, sha256: str) -> bool:
        """Return whether the file is here."""
        return self._path(sha256).exists()

    def remove(self, sha256: str) -> None:
        """Take the file and its sealed copy away: the server has had it for long enough.

        Until then both stay: a locked tablet that is given on can seal nothing any more.
        """
        self._path(sha256).unlink(missing_ok=True)
        if self.sealed is not None:
            self.sealed.remove(sha256)

    def forget_readable(self, arrived: Collection[str]) -> list[str]:
        """Take away what has a sealed copy; return what has none and must stay with its key.

        A copy to a former key of the server is none, unless the photo has arrived.
        """
        if self.sealed is not None:
            for sha256 in self.sealed.names():
                if sha256 in arrived or self.sealed.is_current(sha256):
                    self._path(sha256).unlink(missing_ok=True)
        return list(self.names())

    def seal_missing(self, names: Sequence[str]) -> int:
        """Seal those of these photos that have no copy to the server's present key.

        Return how many. Nothing is done while the vault is locked. One that cannot be read, or
        has no room, stays as it is and keeps none of the others back.
        """
        if self.sealed is None or not self.vault.is_open():
            return 0
        here = [sha256 for sha256 in names if self.has(sha256)]
        done = 0
        for sha256 in here:
            if self.sealed.is_current(sha256):
                continue
            with suppress(PhotoFileError, VaultTamperedError, StoreFullError, OSError):
                with _whole_or_nothing(self.folder, sha256):
                    self.sealed.save(sha256, self.load(sha256))
                done += 1
        return done

    def has_sealed(self, sha256: str) -> bool:
        """Return whether there is a sealed copy."""
        return self.sealed is not None and self.sealed.has(sha256)

    def sealed_names(self) -> list[str]:
        """Return the photos that have a sealed copy."""
        return [] if self.sealed is None else self.sealed.names()

    def names(self) -> Iterator[str]:
        """Yield the names of the photos that are here."""
        for path in sorted(self.folder.glob(f"*{_ENCRYPTED}")):
            if is_sha256(path.stem):
                yield path.stem

    def clear_unfinished(self) -> None:
        """Take away what a stop left half written: no photo was promised yet."""
        for path in self.folder.glob("*.new"):
            path.unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}{_ENCRYPTED}"


_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def _whole_or_nothing(folder: Path, sha256: str) -> Generator[None]:
    """Take away what a full disk leaves half written, and say that it is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        for path in folder.glob(f"{sha256}*.new"):
            path.unlink(missing_ok=True)
        message = "photo: disk: is full; free some space and take it again, nothing of it was kept"
        raise StoreFullError(message) from error


def _bound(sha256: str) -> Bound:
    return Bound(entity="photo", entity_id=sha256, column="file")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
