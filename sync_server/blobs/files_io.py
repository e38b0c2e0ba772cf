"""Owns the bytes of blobs on disk: partials that grow, whole files that never change.

<root>/ab/<sha256>                              whole, named only after its hash was verified
<root>/partial/<tablet>/<sha256>.<size>.<type>  what has come of an upload so far
<root>/refused/<sha256>                         whole, but not a picture: kept, never shown
"""

import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from wire_contracts.blobs import BlobMime, is_sha256

_READ_BYTES: Final = 1024 * 1024
_PRIVATE: Final = 0o600
_TYPES: Final = {"jpeg": BlobMime.JPEG, "png": BlobMime.PNG}
_PARTIAL_PARTS: Final = 3


class OffsetError(Exception):
    """The upload stands elsewhere: `offset` says where, None when there is none."""

    def __init__(self, offset: int | None) -> None:
        """Keep where the upload stands."""
        super().__init__(f"the upload stands at {offset}")
        self.offset = offset


class HashError(Exception):
    """What came does not have the hash that names it; the partial was dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """An unfinished upload of one tablet; `idle_s` has passed since its last byte."""

    tablet_id: str
    sha256: str
    size_bytes: int
    mime: BlobMime
    offset: int
    idle_s: float
    path: Path


def nothing_reached(_point: str) -> None:
    """Pass a named point without doing anything; tests stop the process there instead."""


class BlobFiles:
    """The folder of the blobs; several threads and processes may share it."""

    def __init__(self, root: Path, reached: Callable[[str], None] = nothing_reached) -> None:
        """Remember the folder; nothing is made yet."""
        self.root = root
        self._reached = reached

    def path_of(self, sha256: str) -> Path:
        """Return where the whole blob stands or will stand."""
        return self.root / sha256[:2] / sha256

    def size_of(self, sha256: str) -> int | None:
        """Return the size of the whole blob, None when it is not here."""
        try:
            return self.path_of(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def free_bytes(self) -> int:
        """Return what is free on the disk of the blobs."""
        self.root.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self.root).free

    def begin(self, tablet_id: str, sha256: str, size_bytes: int, mime: BlobMime) -> Partial | None:
        """Return the tablet's upload of a blob, an empty one when there was none.

        None when another request finished it at this very moment.
        """
        found = self.find_partial(tablet_id, sha256)
        if found is not None and found.size_bytes == size_bytes and found.mime is mime:
            return found
        if found is not None:
            found.path.unlink(missing_ok=True)
        folder = self._partial_folder(tablet_id)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{sha256}.{size_bytes}.{mime.name.lower()}"
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE))
        self._reached("blob.begun")
        return _partial(path)

    def find_partial(self, tablet_id: str, sha256: str) -> Partial | None:
        """Return the tablet's unfinished upload of a blob, None when there is none."""
        for path in self._partial_folder(tablet_id).glob(f"{sha256}.*"):
            partial = _partial(path)
            if partial is not None:
                return partial
        return None

    def partials(self, tablet_id: str | None = None) -> Iterator[Partial]:
        """Yield the unfinished uploads of one tablet, or of all."""
        pattern = "*/*" if tablet_id is None else f"{tablet_id}/*"
        for path in sorted((self.root / "partial").glob(pattern)):
            partial = _partial(path)
            if partial is not None:
                yield partial

    def append(self, partial: Partial, offset: int, data: bytes) -> int:
        """Add bytes at an offset; return the new offset.

        Raises:
            OffsetError: The upload stands elsewhere, or was finished or dropped meanwhile.
        """
        with _locked(partial.path) as file:
            if file is None:
                raise OffsetError(None)
            size = os.fstat(file.fileno()).st_size
            if size != offset or size + len(data) > partial.size_bytes:
                raise OffsetError(size)
            file.seek(offset)
            file.write(data)
            file.flush()
        self._reached("blob.appended")
        return offset + len(data)

    def settle(self, partial: Partial) -> None:
        """See to it that what has come survives a power cut."""
        with _locked(partial.path) as file:
            if file is not None:
                os.fsync(file.fileno())

    def seal(self, partial: Partial) -> Path | None:
        """Return the whole blob under its name; None when somebody else sealed or dropped it.

        Hash, fsync, rename, fsync of the folders, in this order: a name never stands for bytes
        that were not verified, and is never acknowledged before it would survive a power cut.

        Raises:
            HashError: The bytes are not what their name says; the partial is gone.
        """
        with _locked(partial.path) as file:
            if file is None:
                return None
            if _hash_of(file) != partial.sha256:
                partial.path.unlink()
                raise HashError(partial.sha256)
            self._reached("blob.hashed")
            os.fsync(file.fileno())
            self._reached("blob.synced")
            target = self.path_of(partial.sha256)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.path.rename(target)
            self._reached("blob.renamed")
        sync_folder(target.parent)
        sync_folder(self.root)
        self._reached("blob.named")
        return target

    def secure(self, sha256: str) -> None:
        """See to it that a whole blob that was found under its name survives a power cut.

        Whoever put it there may have died, or still be, between rename and fsync of the folder.
        """
        target = self.path_of(sha256)
        with target.open("rb") as file:
            os.fsync(file.fileno())
        sync_folder(target.parent)
        sync_folder(self.root)

    def set_aside(self, sha256: str) -> None:
        """Move a whole blob that is not a picture to where nobody is shown it."""
        folder = self.root / "refused"
        folder.mkdir(parents=True, exist_ok=True)
        self.path_of(sha256).rename(folder / sha256)
        sync_folder(folder)

    def is_intact(self, sha256: str) -> bool:
        """Return whether the whole blob is here and has the hash of its name."""
        try:
            with self.path_of(sha256).open("rb") as file:
                return _hash_of(file) == sha256
        except FileNotFoundError:
            return False

    def drop_broken(self, sha256: str) -> None:
        """Take away a whole file whose bytes are not those of its name any more."""
        self.path_of(sha256).unlink(missing_ok=True)

    def shown(self, sha256: str, longest_px: int) -> bytes | None:
        """Return the derivative that was made before, None when there is none."""
        try:
            return self._shown_path(sha256, longest_px).read_bytes()
        except FileNotFoundError:
            return None

    def keep_shown(self, sha256: str, longest_px: int, content: bytes) -> None:
        """Keep a derivative, so that it need not be made again; replaced in one step."""
        path = self._shown_path(sha256, longest_px)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
        fresh.write_bytes(content)
        fresh.replace(path)

    def names(self) -> Iterator[str]:
        """Yield the names of the whole blobs."""
        for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/*")):
            if is_sha256(path.name):
                yield path.name

    def _shown_path(self, sha256: str, longest_px: int) -> Path:
        return self.root / "shown" / f"{sha256}-{longest_px}.jpg"

    def _partial_folder(self, tablet_id: str) -> Path:
        return self.root / "partial" / tablet_id


def sync_folder(folder: Path) -> None:
    """See to it that a rename in a folder survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _partial(path: Path) -> Partial | None:
    parts = path.name.split(".")
    if len(parts) != _PARTIAL_PARTS or not parts[1].isdecimal() or parts[2] not in _TYPES:
        return None
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return Partial(
        tablet_id=path.parent.name,
        sha256=parts[0],
        size_bytes=int(parts[1]),
        mime=_TYPES[parts[2]],
        offset=stat.st_size,
        idle_s=time.time() - stat.st_mtime,
        path=path,
    )


@contextmanager
def _locked(path: Path) -> Generator[BinaryIO | None]:
    """Yield the file with nobody else writing to it, None when it is not there any more.

    A rename or an unlink between the opening and the lock is seen: the name must still lead to
    the very file that was opened.
    """
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        yield None
        return
    with file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield file if _is_still(path, file) else None


def _is_still(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _hash_of(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_READ_BYTES):
        digest.update(piece)
    return digest.hexdigest()
