"""Looks into the archive that a stranger's XLSX is: bounded, and without any document type."""

import re
import zipfile
from io import BytesIO
from typing import Final

MOST_INFLATED_BYTES: Final = 24 * 1024 * 1024
MOST_PARTS: Final = 200
_READ_STEP: Final = 64 * 1024


class ArchiveRefusedError(ValueError):
    """The archive is not taken; `problem` says why, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        """Keep both parts, so that a caller can say which file it was."""
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


def check_archive(content: bytes) -> None:
    """Inflate every part once, bounded, and refuse what an XML parser would go and fetch.

    Raises:
        ArchiveRefusedError: It holds too much, is locked, or has a document type.
        zipfile.BadZipFile: It is no archive.
    """
    with zipfile.ZipFile(BytesIO(content)) as archive:
        _check_parts(archive)


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    left = MOST_INFLATED_BYTES
    if len(parts) > MOST_PARTS:
        raise ArchiveRefusedError(f"holds {len(parts)} parts", "save it anew without pictures")
    for part in parts:
        if part.flag_bits & 1:
            raise ArchiveRefusedError("is locked by a password", "save it without one")
        with archive.open(part) as stream:
            head = b""
            while piece := stream.read(_READ_STEP):
                left -= len(piece)
                if left < 0:
                    raise ArchiveRefusedError(
                        "is far larger when unpacked", "take unused sheets out of it"
                    )
                _check_piece(part.filename, head[-16:] + piece)
                head = piece


def _check_piece(name: str, piece: bytes) -> None:
    if not name.lower().endswith((".xml", ".rels", ".vml")):
        return
    if piece[:2] in {b"\xff\xfe", b"\xfe\xff"} or re.search(
        rb"<\?xml[^>]*encoding=[\"'](?!utf-8|us-ascii)", piece, re.IGNORECASE
    ):
        raise ArchiveRefusedError(f"has a part in another encoding: {name}", "save it anew")
    if re.search(rb"<!(DOCTYPE|ENTITY)", piece, re.IGNORECASE):
        raise ArchiveRefusedError(
            f"has a document type in {name}", "save it anew with a spreadsheet program"
        )
