"""Keeps, beside the queue file, which numbers were given: a file that comes back shorter is seen.

The mark is written after each commit and left to the kernel: it outlives a killed process, and
costs no flash worth counting. Every `RESERVED_AT_ONCE` numbers it is brought to the disk with a
bound that no number passes before the next time: that holds after a power cut too.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import structlog
from structlog.typing import FilteringBoundLogger

RESERVED_AT_ONCE = 1000
"""Numbers between two flushes of the mark: judgement, one flush in twenty full commits."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_RECORD = struct.Struct(">QQQQ16s")
"""Which record it is, epoch, last, reserved, start of the machine; its CRC-32 follows."""

_LENGTH = _RECORD.size + 4

_PLACES = (0, 512)
"""Written in turn, each within a sector of its own: one of the two is always whole."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Which numbers were given.

    Attributes:
        epoch: Their epoch.
        last: So many certainly.
        reserved: None above it.
        boot_id: The start of the machine in which this was written, as 16 bytes.
        count: Which record this is.
    """

    epoch: int
    last: int
    reserved: int
    boot_id: bytes
    count: int = 0

    def highest(self) -> int:
        """Return the number above which none was given: `last` itself while the machine runs."""
        return self.last if self.is_of_this_start() else self.reserved

    def is_of_this_start(self) -> bool:
        """Return whether the machine was not started since: then nothing newer was lost."""
        return self.boot_id == _boot_id() != bytes(16)


class GivenFile:
    """Writes the mark of one queue file; a disk that refuses it stops no frame."""

    def __init__(self, base: Path, epoch: int, last: int) -> None:
        """Begin with the numbers that the queue file of that path has given."""
        known = read_given(base)
        self._path = given_file(base)
        self._now = Given(
            epoch=epoch,
            last=last,
            reserved=last + RESERVED_AT_ONCE,
            boot_id=_boot_id(),
            count=known.count if known else 0,
        )
        self._write(self._now, is_flushed=True)
        _flush_folder(base.parent)

    def reserve(self, last: int) -> None:
        """Raise the bound before numbers up to `last` are committed."""
        if last > self._now.reserved:
            self._write(replace(self._now, reserved=last + RESERVED_AT_ONCE), is_flushed=True)

    def note(self, last: int) -> None:
        """Remember that the numbers up to `last` are committed."""
        if last > self._now.last:
            self._write(replace(self._now, last=last), is_flushed=False)

    def _write(self, given: Given, *, is_flushed: bool) -> None:
        given = replace(given, count=given.count + 1)
        numbers = given.count, given.epoch, given.last, given.reserved
        content = _RECORD.pack(*numbers, given.boot_id)
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(handle, content + crc32(content).to_bytes(4), _PLACES[given.count % 2])
                if is_flushed:
                    os.fdatasync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            _LOG.warning("queue.given_not_noted", last=given.last, error=str(error))
        self._now = given


def given_file(base: Path) -> Path:
    """Return the file of the mark beside a queue file."""
    return base.with_name(f"{base.name}.given")


def read_given(base: Path) -> Given | None:
    """Return which numbers were given in a queue file, None when nothing is known of it."""
    with suppress(OSError):
        return max(
            _records(given_file(base).read_bytes()), key=lambda each: each.count, default=None
        )
    return None


def _records(content: bytes) -> Iterator[Given]:
    for place in _PLACES:
        record = content[place : place + _LENGTH]
        if len(record) == _LENGTH and crc32(record[:-4]) == int.from_bytes(record[-4:]):
            count, epoch, last, reserved, boot_id = _RECORD.unpack(record[:-4])
            yield Given(epoch=epoch, last=last, reserved=reserved, boot_id=boot_id, count=count)


def _boot_id() -> bytes:
    """Return which start of the machine this is; zeroes where the kernel does not tell."""
    with suppress(OSError, ValueError):
        return bytes.fromhex(_BOOT_ID.read_text(encoding="ascii").strip().replace("-", ""))
    return bytes(16)


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
