"""Takes photos into the store, each one user action; answers what the screens ask about them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.orders.stamps import Stamps
from field_app.photos.glass_io import Glass
from field_app.photos.marks_io import PhotoMarks
from field_app.photos.photo_files_io import NoVaultError, PhotoFileError, PhotoFiles
from field_app.photos.pictures_io import Prepared, prepare
from field_app.photos.sealed_scrap_io import SealedScrap
from field_app.platform.fix_age import fresh_fix
from field_app.platform.ports import (
    Availability,
    Bound,
    Locator,
    VaultLockedError,
    VaultTamperedError,
)
from field_app.store import outbox_store, photo_store, settings_store, upload_store
from field_app.store.database_io import Database, StoreFullError
from field_app.store.ids_io import draw_uuid7
from field_app.store.outbox_store import NewOperation, TapStamp
from field_app.store.photo_store import NO_PHOTOS, NewPhoto, PhotoCount
from field_app.store.upload_store import PhotoJob
from wire_contracts.blobs import BlobRole, PhotoRef, Position, ThumbRef, photo_ref_json
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, utc_from_ms
from wire_contracts.operations import OperationKind
from wire_contracts.orders import FactType

_FACT_OF: Final = {
    BlobRole.PHOTO: FactType.PHOTO_REF,
    BlobRole.SIGNATURE: FactType.SIGNATURE,
}
"""A signature is a fact of its own type: it is no evidence of what was found (RULINGS R6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoLine:
    """One photo of a record as a screen shows it; `thumb_sha256` is itself when it is small."""

    sha256: str
    thumb_sha256: str
    job: PhotoJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a photo belongs to when that is no order: a checkpoint, a home, a meter."""

    entity: str
    entity_id: str


class PhotoAlbum:
    """The photos of one tablet."""

    def __init__(
        self, database: Database, files: PhotoFiles, stamps: Stamps, locator: Locator
    ) -> None:
        """Keep photos in `files`, known in `database`."""
        self._database = database
        self._files = files
        self._stamps = stamps
        self._locator = locator

    def availability(self) -> Availability:
        """Return whether photos can be kept here, and why not (RULINGS R23)."""
        found = self._files.vault.availability()
        if found.is_available and not self._files.vault.has_key():
            return Availability(
                is_available=False, reason=_("Set a PIN first: it protects photos.")
            )
        return found

    def glass(self, record: str) -> Glass:
        """Return where a signature about a record stands until it is finished."""
        return Glass(
            folder=self._files.folder,
            vault=self._files.vault,
            record=record,
            now_ms=self._stamps.wall_ms,
        )

    def marks(self, sha256: str) -> PhotoMarks:
        """Return where the lines on a photo stand until a copy with them is kept."""
        bound = Bound(entity="marks", entity_id=sha256, column="strokes")
        scrap = SealedScrap(folder=self._files.folder, vault=self._files.vault, bound=bound)
        return PhotoMarks(scrap=scrap)

    def needs_pin(self) -> bool:
        """Return whether a PIN is all that is missing to keep photos here."""
        vault = self._files.vault
        return vault.availability().is_available and not vault.has_key()

    def add(
        self,
        order_id: str,
        content: bytes,
        role: BlobRole = BlobRole.PHOTO,
        *,
        beside: Beside | None = None,
    ) -> str:
        """Keep a photo or a signature of an order; return its name once all of it is committed.

        With `beside` it belongs to that thing, and `order_id` is only the record it is kept under.

        The picture is stripped and made small enough, its files are written, then one transaction
        keeps the operation and the uploads. A stop before that leaves nothing that was promised.

        Raises:
            PictureError: It is no picture that can be used.
            NoVaultError: This tablet keeps no photos.
            StoreFullError: The disk is full; nothing of the photo is kept.
        """
        if not self.availability().is_available:
            message = f"photos are not kept: {self.availability().reason}"
            raise NoVaultError(message)
        prepared = prepare(content, role)
        sha256 = _name(prepared.content)
        thumb = None if prepared.thumb is None else _thumb_ref(prepared.thumb)
        shot = _Shot(
            order_id=order_id,
            role=role,
            prepared=prepared,
            thumb=thumb,
            position=prepared.position or self._position(),
            beside=beside,
        )

        try:
            self._keep_whole(shot)
        except StoreFullError:
            self._forget_unknown([sha256] if thumb is None else [sha256, thumb.sha256])
            raise
        return sha256

    def _keep_whole(self, shot: "_Shot") -> None:
        """Write the files, then keep operation and uploads in one transaction."""
        if shot.thumb is not None and shot.prepared.thumb is not None:
            self._files.save(shot.thumb.sha256, shot.prepared.thumb)
        self._files.save(_name(shot.prepared.content), shot.prepared.content)
        self._database.write(
            lambda connection: _keep(connection, shot, self._stamps.stamp(connection))
        )

    def _forget_unknown(self, names: Sequence[str]) -> None:
        """Take away the files of a photo that no record names: they only fill the disk."""
        for sha256 in names:
            if self._database.read(partial(upload_store.find_job, sha256=sha256)) is None:
                self._files.remove(sha256)

    def photos(self, order_id: str) -> tuple[PhotoLine, ...]:
        """Return the photos and signatures of an order, the oldest first."""
        jobs = self._database.read(lambda connection: photo_store.jobs_of(connection, order_id))
        return tuple(
            PhotoLine(sha256=job.sha256, thumb_sha256=thumb or job.sha256, job=job)
            for job, thumb in jobs
        )

    def count(self, order_id: str) -> PhotoCount:
        """Return how many photos an order has and how many the server has."""
        found = self._database.read(
            lambda connection: photo_store.count_by_order(connection, [order_id])
        )
        return found.get(order_id, NO_PHOTOS)

    def picture(self, sha256: str) -> bytes | None:
        """Return the bytes to show, None when the file has gone or the vault is locked."""
        try:
            return self._files.load(sha256)
        except (PhotoFileError, VaultLockedError, VaultTamperedError):
            return None

    def send_now(self, order_id: str) -> None:
        """Let the originals of an order go over any network."""

        def work(connection: Connection) -> None:
            upload_store.want_order_now(connection, order_id)
            settings_store.ask_contact(connection)

        self._database.write(work)

    def try_held_again(self) -> None:
        """Queue again what the server would not take."""

        def work(connection: Connection) -> None:
            order_store.rebuild_lines(connection, upload_store.release_held(connection))
            settings_store.ask_contact(connection)

        self._database.write(work)

    def tidy(self, server_now_ms: int) -> int:
        """Take away the files that the server has had for a week; return how many."""
        names = self._database.read(
            lambda connection: upload_store.deletable(connection, server_now_ms=server_now_ms)
        )
        for sha256 in names:
            self._files.remove(sha256)
            self._database.write(partial(upload_store.mark_file_gone, sha256=sha256))
        return len(names)

    def locate_with(self, locator: Locator) -> None:
        """Ask `locator` where photos are taken from now on."""
        self._locator = locator

    def _position(self) -> Position | None:
        fix = fresh_fix(self._locator, utc_from_ms(self._stamps.wall_ms()))
        if fix is None:
            return None
        return Position(
            latitude_deg=fix.latitude_deg,
            longitude_deg=fix.longitude_deg,
            accuracy_m=fix.accuracy_m,
        )


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


def _name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _thumb_ref(thumb: bytes) -> ThumbRef:
    return ThumbRef(sha256=_name(thumb), size_bytes=len(thumb))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shot:
    """A picture whose files are written."""

    order_id: str
    role: BlobRole
    prepared: Prepared
    thumb: ThumbRef | None
    position: Position | None
    beside: Beside | None

    def ref(self, stamp: TapStamp) -> PhotoRef:
        """Return what the photo says of itself, taken at the tap unless the camera knew better."""
        content = self.prepared.content
        return PhotoRef(
            order_id=self.order_id if self.beside is None else None,
            sha256=_name(content),
            size_bytes=len(content),
            mime=self.prepared.mime,
            role=self.role,
            thumb=self.thumb,
            taken_at_utc=self.prepared.taken_at_utc or _tap_time(stamp),
            position=self.position,
        )


def _tap_time(stamp: TapStamp) -> datetime | None:
    """Return the server's time at the tap as far as known, None when the clock makes no sense."""
    at_ms = stamp.at.wall_ms + stamp.at.offset_ms
    return utc_from_ms(at_ms) if EARLIEST_MS <= at_ms <= LATEST_MS else None


def _change(shot: _Shot, ref: PhotoRef, fact_id: str) -> NewOperation:
    """Return the operation that names the photo: a fact of the order, or beside another thing."""
    fact_type = str(_FACT_OF[ref.role])
    beside = shot.beside
    return NewOperation(
        kind=OperationKind.FACT if beside is None else OperationKind.ATTACH,
        entity=fact_type if beside is None else beside.entity,
        entity_id=fact_id if beside is None else beside.entity_id,
        order_id=shot.order_id,
        field=fact_type if beside is None else "",
        payload=photo_ref_json(ref),
    )


def _keep(connection: Connection, shot: _Shot, stamp: TapStamp) -> None:
    """Keep operation, uploads and record in one transaction; the same photo twice is once."""
    ref, order_id = shot.ref(stamp), shot.order_id
    if photo_store.is_linked(connection, order_id, ref.sha256):
        return
    fact_id = draw_uuid7(utc_from_ms(stamp.at.wall_ms))
    change = _change(shot, ref, fact_id)
    outbox_store.append_group(connection, [change], stamp)
    new = NewPhoto(
        fact_id=fact_id,
        order_id=order_id,
        role=ref.role,
        sha256=ref.sha256,
        mime=ref.mime,
        size_bytes=ref.size_bytes,
        thumb_sha256=None if ref.thumb is None else ref.thumb.sha256,
        thumb_bytes=0 if ref.thumb is None else ref.thumb.size_bytes,
        made_at_ms=stamp.at.wall_ms,
    )
    photo_store.add_photo(connection, new)
    settings_store.ask_contact(connection)
    order_store.rebuild_lines(connection, [order_id])
