"""Shows the pictures of a record to people: derivatives without metadata, never the evidence."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Engine

from sync_server.blobs.blob_store import BlobState, find_blob
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.pictures_io import NotAPictureError, render
from sync_server.blobs.ref_store import BlobRef, records_of, refs_of_record
from sync_server.db.engine_io import reading
from wire_contracts.blobs import BlobRole, WantReason
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.orders import ENTITY


class Size(StrEnum):
    """How large a picture is shown."""

    SMALL = "small"
    LARGE = "large"


LONGEST_PX: Final = {Size.SMALL: 320, Size.LARGE: 1600}
"""A row of thumbs on a desk's screen; a picture that fills one of 1920 x 1080."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One photo or signature of a record.

    Attributes:
        preview: Name of what can be shown in its place: itself, its thumb, or None.
        is_refused: The bytes that came are no picture.
        wanted: Why the tablet was asked for it, None when it was not.
    """

    sha256: str
    role: BlobRole
    is_here: bool
    is_refused: bool
    size_bytes: int
    preview: str | None
    wanted: WantReason | None


def pictures_of(connection: Connection, entity: str, entity_id: str) -> list[Shown]:
    """Return the photos and signatures of a record in the order they were taken down."""
    refs = refs_of_record(connection, entity, entity_id)
    thumbs = {ref.fact_id: ref for ref in refs if ref.role is BlobRole.THUMB}
    seen: dict[str, Shown] = {}
    for ref in refs:
        if ref.role is not BlobRole.THUMB:
            seen.setdefault(ref.sha256, _shown(ref, thumbs.get(ref.fact_id)))
    return list(seen.values())


def _shown(ref: BlobRef, thumb: BlobRef | None) -> Shown:
    is_here = ref.state is BlobState.HAVE
    preview = ref.sha256 if is_here else None
    if preview is None and thumb is not None and thumb.state is BlobState.HAVE:
        preview = thumb.sha256
    return Shown(
        sha256=ref.sha256,
        role=ref.role,
        is_here=is_here,
        is_refused=ref.state is BlobState.REFUSED,
        size_bytes=ref.size_bytes,
        preview=preview,
        wanted=ref.wanted,
    )


class Gallery:
    """The derivatives, made once and kept beside the blobs."""

    def __init__(self, engine: Engine, files: BlobFiles) -> None:
        """Show the blobs of `files`."""
        self._engine = engine
        self._files = files

    def derivative(self, sha256: str, size: Size) -> bytes:
        """Return a JPEG of a blob that belongs to an order, without metadata.

        Raises:
            ContractError: It belongs to no order, is not here, or cannot be decoded.
        """
        with reading(self._engine) as connection:
            known = find_blob(connection, sha256)
            is_of_order = any(entity == ENTITY for entity, _ in records_of(connection, sha256))
        if known is None or known.state is not BlobState.HAVE or not is_of_order:
            raise _not_shown(sha256, "is not here", "wait until the tablet has sent it")
        kept = self._files.shown(sha256, LONGEST_PX[size])
        if kept is not None:
            return kept
        try:
            made = render(self._files.path_of(sha256), LONGEST_PX[size])
        except NotAPictureError as error:
            raise _not_shown(sha256, str(error), "ask the crew for another photo") from error
        self._files.keep_shown(sha256, LONGEST_PX[size], made)
        return made


def _not_shown(sha256: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"photo {sha256[:12]}",
        field="content",
        problem=problem,
        remedy=remedy,
        code=Code.NOT_FOUND,
    )
