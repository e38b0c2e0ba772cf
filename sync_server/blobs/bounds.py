"""Decides how much a tablet may send and how long an unfinished upload is kept."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

QUOTA_WINDOW: Final = timedelta(days=1)

QUOTA_BLOBS: Final = 2_000
"""New blobs of one tablet per day: a crew that takes a photo every half minute of a shift makes
1,000, and each has a thumb."""

QUOTA_BYTES: Final = 4 * 1024 * 1024 * 1024
"""New bytes of one tablet per day: 2,000 photos of 2 MB, or 340 of the largest."""

SEALED_BYTES: Final = 256 * 1024 * 1024
"""New bytes of one tablet per day that stay in the database as they came sealed: the 60 photos of
2 MB of three days offline are 160 MB of base64."""

OPEN_PARTIALS: Final = 50
"""Unfinished uploads of one tablet at a time; a tablet sends one after the other."""

KEEP_PARTIAL: Final = timedelta(days=14)
"""An unfinished upload that did not grow for so long is dropped; it is asked for again when its
record is still known. Longer than any shift, shorter than the disk's patience."""

SPARE_BYTES: Final = 512 * 1024 * 1024
"""What must stay free on the disk: the database needs room to commit readings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one tablet has delivered inside the window, with what is unfinished now."""

    blobs: int
    size_bytes: int
    open_partials: int


def check_quota(used: Used, size_bytes: int) -> None:
    """Return when one more blob of this size is within the tablet's share.

    Raises:
        ContractError: The tablet must wait; what it has stays with it.
    """
    if used.blobs >= QUOTA_BLOBS or used.size_bytes + size_bytes > QUOTA_BYTES:
        problem = f"this tablet sent {used.blobs} blobs, {used.size_bytes} bytes in a day"
        raise _wait(problem, "wait; what is not sent yet stays on the tablet")
    if used.open_partials >= OPEN_PARTIALS:
        problem = f"{used.open_partials} uploads of this tablet are unfinished"
        raise _wait(problem, "finish one of them first")


def check_sealed_quota(used_bytes: int, size_bytes: int) -> None:
    """Return when one more sealed thing of this size may be kept as it came.

    Raises:
        ContractError: The tablet must wait; what it has stays with it.
    """
    if used_bytes + size_bytes > SEALED_BYTES:
        problem = f"this tablet left {used_bytes} sealed bytes here in a day"
        raise _wait(problem, "put the sealing keys back, or wait; the tablet keeps the rest")


def check_room(free_bytes: int, size_bytes: int) -> None:
    """Return when the disk has room for the blob and for everything else.

    Raises:
        ContractError: It has not; nothing was taken.
    """
    if free_bytes - size_bytes < SPARE_BYTES:
        raise ContractError(
            place="blobs",
            field="disk",
            problem=f"{free_bytes} bytes are free, {SPARE_BYTES} must stay free",
            remedy="make room on the server's disk; the tablet keeps the photo meanwhile",
            code=Code.DISK_FULL,
        )


def _wait(problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="blobs", field="quota", problem=problem, remedy=remedy, code=Code.BLOB_QUOTA
    )
