"""Takes blobs in: offer, offset, append; acknowledged only when hash, disk and database agree."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine

from sync_server.access.tablet_store import TabletIdentity
from sync_server.blobs.blob_store import (
    BlobRecord,
    BlobState,
    NewBlob,
    WholeBlob,
    find_blob,
    mark_have,
    mark_state,
    note_blob,
    taken_since,
)
from sync_server.blobs.bounds import QUOTA_WINDOW, Used, check_quota, check_room
from sync_server.blobs.files_io import BlobFiles, HashError, OffsetError, Partial
from sync_server.blobs.pictures_io import NotAPictureError, measure
from sync_server.blobs.ref_store import records_of
from sync_server.blobs.store_files_io import StoreFiles
from sync_server.blobs.want_store import stop_wanting
from sync_server.db.engine_io import reading
from sync_server.db.feed_store import Topic, append_feed
from wire_contracts.blobs import BlobAnswer, BlobOffer
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.orders import ENTITY

_LOG = structlog.get_logger("sync_server.blobs")


class MisplacedError(Exception):
    """The upload stands at `offset`, elsewhere than the sender thought (tus: 409)."""

    def __init__(self, offset: int) -> None:
        """Keep where it stands."""
        super().__init__(f"the upload stands at {offset}")
        self.offset = offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an upload stands: `is_had` once the whole blob is safe."""

    is_had: bool
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPhoto:
    """A photo that cannot be taken, and why: no picture, another hash, too large."""

    sha256: str
    code: Code


Refusal = Callable[[Connection, RefusedPhoto, datetime], None]
"""Is told of a photo that cannot be taken, in a transaction."""

TORN_OFTEN = 3
"""Uploads of one photo that end with another hash before a person hears of it. A tablet gives up
after as many; one may be a broken network."""


def tell_nobody(connection: Connection, photo: RefusedPhoto, now_utc: datetime) -> None:
    """Tell nobody."""
    del connection, photo, now_utc


class Intake:
    """The blobs of one server; every method is safe to call from several threads at once."""

    def __init__(
        self, engine: Engine, files: BlobFiles, clock: Clock, refusal: Refusal = tell_nobody
    ) -> None:
        """Take blobs into `files`, known in the database of `engine`; `refusal` hears the rest."""
        self._engine = engine
        self._files = files
        self._clock = clock
        self._refusal = refusal
        self._torn: Counter[str] = Counter()
        self.stores = StoreFiles(root=files.root)

    def check_room_for(self, size_bytes: int) -> None:
        """Return when the disk has room for so much more; raise ContractError when it has not."""
        check_room(self._files.free_bytes(), size_bytes)

    def refuse_offer(self, sha256: str) -> None:
        """Note that a tablet offered a photo that is larger than any that is taken."""
        with self._engine.begin() as connection:
            photo = RefusedPhoto(sha256=sha256, code=Code.PAYLOAD_TOO_LARGE)
            self._refusal(connection, photo, self._clock.now_utc())

    def offer(self, tablet: TabletIdentity, offer: BlobOffer) -> BlobAnswer:
        """Return whether the blob is here, else from which byte on it is wanted.

        Raises:
            ContractError: The tablet's share or the disk is used up, or the blob was refused.
        """
        known = self._known(offer.sha256)
        partial = self._files.find_partial(tablet.tablet_id, offer.sha256)
        if known is not None and self._has(known):
            if partial is not None:  # it came another way meanwhile
                partial.path.unlink(missing_ok=True)
            return BlobAnswer(is_had=True, offset=known.size_bytes)
        if known is None or partial is None or partial.size_bytes != offer.size_bytes:
            check_room(self._files.free_bytes(), offer.size_bytes)
            self._note_offer(tablet, offer)
        if self._files.size_of(offer.sha256) is not None:
            # whole, but a crash or a restored backup came before the database knew
            standing = self._adopt(offer.sha256)
            if standing is not None:
                return BlobAnswer(is_had=True, offset=standing.offset)
        partial = self._files.begin(tablet.tablet_id, offer.sha256, offer.size_bytes, offer.mime)
        if partial is None:
            return self.offer(tablet, offer)
        standing = self._finish_if_whole(partial)
        return BlobAnswer(is_had=standing.is_had, offset=standing.offset)

    def standing(self, tablet: TabletIdentity, sha256: str) -> Standing | None:
        """Return where the tablet's upload stands, None when it must be offered first."""
        known = self._known(sha256)
        if known is not None and self._has(known):
            return Standing(is_had=True, offset=known.size_bytes, size_bytes=known.size_bytes)
        partial = self._files.find_partial(tablet.tablet_id, sha256)
        return None if partial is None else self._finish_if_whole(partial)

    def upload(self, tablet: TabletIdentity, sha256: str, offset: int) -> "Upload | None":
        """Return the upload that continues at `offset`, None when it must be offered first.

        Raises:
            MisplacedError: It stands elsewhere, or is finished.
        """
        standing = self.standing(tablet, sha256)
        if standing is None:
            return None
        if standing.is_had or standing.offset != offset:
            raise MisplacedError(standing.offset)
        partial = self._files.find_partial(tablet.tablet_id, sha256)
        if partial is not None and partial.offset != offset:
            raise MisplacedError(partial.offset)
        return None if partial is None else Upload(self, self._files, partial)

    def take_whole(self, tablet: TabletIdentity, offer: BlobOffer, content: bytes) -> bool:
        """Take a blob that came in one piece (a sealed one); return whether it is safe now.

        `content` has the hash of its name: bytes that came before and were torn are dropped and it
        begins anew, once.
        """
        try:
            return self._take_at_once(tablet, offer, content)
        except ContractError as error:
            if error.code is not Code.BLOB_HASH:
                raise
            return self._take_at_once(tablet, offer, content)

    def _take_at_once(self, tablet: TabletIdentity, offer: BlobOffer, content: bytes) -> bool:
        answer = self.offer(tablet, offer)
        if answer.is_had:
            return True
        upload = self.upload(tablet, offer.sha256, answer.offset)
        if upload is None:
            return False
        upload.add(content[answer.offset :])
        return upload.finish().is_had

    def finish(self, partial: Partial) -> Standing:
        """Return where the upload stands after its bytes were added; a whole one is made safe.

        Raises:
            ContractError: The hash is not that of the name (the partial is dropped), or the bytes
                are not a picture of the stated type.
        """
        return self._finish_if_whole(partial)

    def adopt(self, sha256: str) -> bool:
        """Make a whole file known that the database awaits; return whether it is what it says.

        Raises:
            ContractError: The bytes are not a picture; they are kept aside.
        """
        return self._adopt(sha256) is not None

    def _finish_if_whole(self, partial: Partial) -> Standing:
        found = self._files.find_partial(partial.tablet_id, partial.sha256)
        offset = partial.size_bytes if found is None else found.offset
        if found is not None and found.offset < found.size_bytes:
            return Standing(is_had=False, offset=offset, size_bytes=partial.size_bytes)
        is_sealed = False
        try:
            if found is not None:
                is_sealed = self._files.seal(found) is not None
        except HashError as error:
            self._note_torn(partial.sha256)
            raise _refused(
                partial.sha256,
                "the bytes that came have another hash; all of them were dropped",
                "send it again from the first byte",
                Code.BLOB_HASH,
            ) from error
        standing = self._adopt(partial.sha256, is_secured=is_sealed)
        if standing is None:
            # dropped by somebody else meanwhile: offer it again
            return Standing(is_had=False, offset=0, size_bytes=partial.size_bytes)
        return standing

    def _note_torn(self, sha256: str) -> None:
        self._torn[sha256] += 1
        if self._torn[sha256] >= TORN_OFTEN:
            del self._torn[sha256]
            with self._engine.begin() as connection:
                photo = RefusedPhoto(sha256=sha256, code=Code.BLOB_HASH)
                self._refusal(connection, photo, self._clock.now_utc())

    def _adopt(self, sha256: str, *, is_secured: bool = False) -> Standing | None:
        """Make a whole file known; None when it is not there or not what its name says.

        `is_secured`: the caller has seen to it that it survives a power cut.
        """
        size_bytes = self._files.size_of(sha256)
        if size_bytes is None:
            return None
        if not self._files.is_intact(sha256):
            self._files.drop_broken(sha256)
            return None
        if not is_secured:
            self._files.secure(sha256)
        try:
            picture = measure(self._files.path_of(sha256))
        except NotAPictureError as error:
            self._refuse(sha256, str(error))
            raise _refused(sha256, str(error), "look at the file", Code.BLOB_CONTENT) from error
        whole = WholeBlob(
            sha256=sha256,
            size_bytes=size_bytes,
            mime=picture.mime,
            width_px=picture.width_px,
            height_px=picture.height_px,
        )
        now_utc = self._clock.now_utc()
        with self._engine.begin() as connection:
            mark_have(connection, whole, now_utc)
            tell_records(connection, sha256, now_utc)
            stop_wanting(connection, sha256, now_utc)
        return Standing(is_had=True, offset=size_bytes, size_bytes=size_bytes)

    def _refuse(self, sha256: str, reason: str) -> None:
        _LOG.warning("blob_refused", sha256=sha256, reason=reason)
        now_utc = self._clock.now_utc()
        with self._engine.begin() as connection:
            mark_state(connection, sha256, BlobState.REFUSED)
            tell_records(connection, sha256, now_utc)
            stop_wanting(connection, sha256, now_utc)
            self._refusal(connection, RefusedPhoto(sha256=sha256, code=Code.BLOB_CONTENT), now_utc)
        self._files.set_aside(sha256)

    def _note_offer(self, tablet: TabletIdentity, offer: BlobOffer) -> None:
        now_utc = self._clock.now_utc()
        new = NewBlob(
            sha256=offer.sha256,
            size_bytes=offer.size_bytes,
            mime=offer.mime,
            tablet_id=tablet.tablet_id,
        )
        unfinished = list(self._files.partials(tablet.tablet_id))
        with self._engine.begin() as connection:
            blobs, size_bytes = taken_since(connection, tablet.tablet_id, now_utc - QUOTA_WINDOW)
            used = Used(
                blobs=blobs,
                size_bytes=size_bytes + sum(partial.size_bytes for partial in unfinished),
                open_partials=len(unfinished),
            )
            check_quota(used, offer.size_bytes)
            note_blob(connection, new, now_utc)

    def _known(self, sha256: str) -> BlobRecord | None:
        with reading(self._engine) as connection:
            known = find_blob(connection, sha256)
        if known is not None and known.state is BlobState.REFUSED:
            problem = "these bytes came before and are not a picture"
            raise _refused(sha256, problem, "look at the file", Code.BLOB_CONTENT)
        return known

    def _has(self, known: BlobRecord) -> bool:
        if known.state is not BlobState.HAVE:
            return False
        if self._files.size_of(known.sha256) == known.size_bytes:
            return True
        with self._engine.begin() as connection:
            mark_state(connection, known.sha256, BlobState.AWAITING)
        _LOG.error("blob_lost", sha256=known.sha256)
        return False


class Upload:
    """One request's way to add bytes; another request for the same blob may overtake it."""

    def __init__(self, intake: Intake, files: BlobFiles, partial: Partial) -> None:
        """Continue the partial where it stands."""
        self._intake = intake
        self._files = files
        self._partial = partial
        self.offset = partial.offset

    @property
    def room_bytes(self) -> int:
        """Return how many bytes are still missing."""
        return self._partial.size_bytes - self.offset

    def add(self, data: bytes) -> None:
        """Add the bytes that came next.

        Raises:
            MisplacedError: Another request was faster; nothing of these bytes was taken.
        """
        try:
            self.offset = self._files.append(self._partial, self.offset, data)
        except OffsetError as error:
            raise MisplacedError(error.offset or 0) from error

    def finish(self) -> Standing:
        """Return where the upload stands; what has come survives a power cut."""
        self._files.settle(self._partial)
        return self._intake.finish(self._partial)


def tell_records(connection: Connection, sha256: str, now_utc: datetime) -> None:
    """Tell live pages that a picture of their record has come or gone."""
    for entity, entity_id in records_of(connection, sha256):
        if entity == ENTITY:
            append_feed(connection, Topic.ORDER, entity_id, now_utc)


def _refused(sha256: str, problem: str, remedy: str, code: Code) -> ContractError:
    return ContractError(
        place=f"blob {sha256[:12]}", field="content", problem=problem, remedy=remedy, code=code
    )
