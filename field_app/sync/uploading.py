"""Sends photos: small ones at once, originals where bytes cost nothing, each from its offset on."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final, Protocol, runtime_checkable

from sqlalchemy import Connection

from field_app.clock_io import monotonic_s
from field_app.orders import order_store
from field_app.photos.photo_files_io import PhotoFileError, PhotoFiles, PhotoUnreadableError
from field_app.platform.network import NetworkKind
from field_app.platform.ports import VaultLockedError, VaultTamperedError
from field_app.store import settings_store, upload_store
from field_app.store.database_io import Database
from field_app.store.settings_store import Key
from field_app.store.upload_store import PhotoJob, PhotoStatus
from field_app.sync.chunks import chunk_after_failure, next_chunk
from field_app.sync.reasons import Reason, SyncProblem
from wire_contracts.blobs import BlobAnswer, BlobOffer
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc

TRIES_WITHOUT_PROGRESS: Final = 3
"""Requests that may fail one after the other without one more byte arriving; then the network is
given up until the next contact is due."""

_ELSEWHERE: Final = frozenset({Code.BLOB_OFFSET, Code.NOT_FOUND})
"""Refusals that only say where the upload stands."""


_HOPELESS: Final = frozenset({Reason.LOGIN, Reason.TOO_OLD, Reason.CAPTIVE_PORTAL})
"""Asking again at once cannot help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an upload stands: `is_had` once the server has the whole and its hash is right."""

    is_had: bool
    offset: int


class BlobRefused(Exception):  # noqa: N818  # an answer, not a bug
    """The server does not take this blob as it is; the code says why."""

    def __init__(self, code: Code, detail: str, offset: int | None = None) -> None:
        """Keep the code, the text for a person, and where the upload stands if it was said."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.offset = offset


class BlobApi(Protocol):
    """What a tablet asks of the server about blobs."""

    def offer(self, offer: BlobOffer) -> BlobAnswer:
        """Return whether the server has the blob, else from which byte on it wants it."""
        ...

    def standing(self, sha256: str) -> Standing | None:
        """Return where the upload stands, None when it must be offered first."""
        ...

    def append(self, sha256: str, offset: int, data: bytes) -> Standing:
        """Send bytes from an offset on; return where the upload stands then."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


@runtime_checkable
class CarriesBlobs(Protocol):
    """A way to the server that carries blobs, too."""

    def blobs(self) -> BlobApi:
        """Return the blobs' part of the conversation."""
        ...


class PhotoWait(StrEnum):
    """Why photos wait; NONE when none does."""

    NONE = "none"
    FREE_NETWORK = "free_network"
    VAULT_LOCKED = "vault_locked"
    SERVER = "server"
    SHARE = "share"
    NETWORK = "network"
    DISK = "disk"


_LATER: Final = {Code.BLOB_QUOTA: PhotoWait.SHARE, Code.DISK_FULL: PhotoWait.SERVER}
"""Refusals that pass by themselves."""

_OF_ONE: Final = frozenset({PhotoWait.SHARE, PhotoWait.DISK})
"""What keeps one blob back and not the others: its file cannot be read now, or the tablet's share
is used up, which an upload that was begun already does not need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shore:
    """What the uploads stand on: files, network, clocks."""

    files: PhotoFiles
    network: Callable[[], NetworkKind]
    clock: Clock


class Uploader:
    """Empties the queue of photos of one tablet."""

    def __init__(self, database: Database, api: BlobApi, shore: Shore) -> None:
        """Send the photos of `database` to `api`."""
        self._database = database
        self._api = api
        self._shore = shore

    def send_all(self, between: Callable[[], None]) -> int:
        """Send until nothing may go over this network; return how many blobs the server has now.

        `between` is called between two requests: taps never wait for photos. Why the rest waits is
        kept in the file. One photo that the server does not answer well lets the others pass; after
        the second in a row it is the server that is not well.

        Raises:
            SyncProblem: The network or the log-in is gone, or a photo failed: then at the end.
        """
        if not self._database.write(_prepare):
            return 0
        try:
            return self._send_each(_Meanwhile(between))
        except SyncProblem:
            self._note_wait(PhotoWait.NETWORK)
            raise

    def _send_each(self, meanwhile: "_Meanwhile") -> int:
        done, turn = 0, _Turn()
        while (job := self._next(turn)) is not None:
            try:
                wait = self._send(job, meanwhile)
            except SyncProblem as problem:
                if not meanwhile.is_broken:
                    self._note_failure(job, problem.detail, may_pass=not _is_of_one(problem))
                turn.take(job, problem)
                if meanwhile.is_broken or not turn.may_go_on():
                    raise
                continue
            if wait in _OF_ONE:
                turn.pass_over(job, wait)
                continue
            if wait is not PhotoWait.NONE:
                turn.wait = wait
                break
            done, turn.failed_in_a_row = done + 1, 0
        for first in turn.problems:
            raise first
        self._note_wait(turn.wait if turn.wait is not PhotoWait.NONE else self._why_left())
        return done

    def _why_left(self) -> PhotoWait:
        """Return why photos are left although nothing more may go now."""
        if not self._database.read(upload_store.waiting)[0]:
            return PhotoWait.NONE
        return PhotoWait.SERVER if self._is_free() else PhotoWait.FREE_NETWORK

    def _next(self, turn: "_Turn") -> PhotoJob | None:
        is_free = self._is_free()
        return self._database.read(
            lambda connection: upload_store.next_job(
                connection, is_free=is_free, tried=turn.tried, only_begun=turn.only_begun
            )
        )

    def _note_failure(self, job: PhotoJob, detail: str, *, may_pass: bool) -> None:
        """Let the others go first at the next contacts, unless a weak network is to blame."""
        self._database.write(
            lambda connection: upload_store.note_failure(connection, job, detail, may_pass=may_pass)
        )

    def _is_free(self) -> bool:
        """Return whether the network costs nothing: what waits on one is sealed to a lost key."""
        return self._shore.network() is NetworkKind.FREE

    def _send(self, job: PhotoJob, between: Callable[[], None]) -> PhotoWait:
        """Send one blob to its end, or set it aside; return why it and the others must wait."""
        try:
            content = self._shore.files.load(job.sha256)
        except VaultLockedError:
            return PhotoWait.VAULT_LOCKED
        except (PhotoFileError, VaultTamperedError) as error:
            return self._go_sealed(job, error)
        if hashlib.sha256(content).hexdigest() != job.sha256:
            self._set_aside(job, PhotoStatus.GONE, "the file is not what was written")
            return PhotoWait.NONE
        try:
            _Way(self._database, self._api, self._shore, job, content).go(between)
        except BlobRefused as refused:
            return self._take_refusal(job, refused)
        self._database.write(partial(_finish, job=job, clock=self._shore.clock))
        return PhotoWait.NONE

    def _go_sealed(self, job: PhotoJob, error: Exception) -> PhotoWait:
        """Let the sealed copy go in place of a file that cannot be read; else say what is lost.

        The file stays until the server has the photo: what a disk does not give now it may give
        later, and then it is sealed to the present key, too.
        """
        if self._shore.files.has_sealed(job.sha256):
            self._set_aside(job, PhotoStatus.SEALED, str(error))
        elif isinstance(error, PhotoUnreadableError):
            self._note_failure(job, str(error), may_pass=False)
            return PhotoWait.DISK
        else:
            self._set_aside(job, PhotoStatus.GONE, str(error))
        return PhotoWait.NONE

    def _take_refusal(self, job: PhotoJob, refused: BlobRefused) -> PhotoWait:
        if refused.code in _LATER:
            self._database.write(
                lambda connection: upload_store.note_error(connection, job.sha256, refused.detail)
            )
            return _LATER[refused.code]
        self._set_aside(job, PhotoStatus.HELD, refused.detail)
        return PhotoWait.NONE

    def _set_aside(self, job: PhotoJob, status: PhotoStatus, error: str) -> None:
        def work(connection: Connection) -> None:
            records = upload_store.hold(connection, job.sha256, status, error)
            order_store.rebuild_lines(connection, records)

        self._database.write(work)

    def _note_wait(self, wait: PhotoWait) -> None:
        self._database.write(
            lambda connection: settings_store.save(connection, Key.PHOTO_WAIT, str(wait))
        )


def _is_of_one(problem: SyncProblem) -> bool:
    """Return whether the trouble may be of one blob alone: the others are tried."""
    return problem.reason is Reason.SERVER


_ENOUGH: Final = 2
"""Blobs in a row that the server does not answer well: the others wait for the next contact."""


@dataclass(slots=True)
class _Turn:
    """What one contact has tried in vain, and why photos are left."""

    tried: set[str] = field(default_factory=set)
    problems: list[SyncProblem] = field(default_factory=list)
    failed_in_a_row: int = 0
    wait: PhotoWait = PhotoWait.NONE

    @property
    def only_begun(self) -> bool:
        """Return whether no upload may be begun: the tablet's share is used up."""
        return self.wait is PhotoWait.SHARE

    def take(self, job: PhotoJob, problem: SyncProblem) -> None:
        """Keep that one was not answered well."""
        self.tried.add(job.sha256)
        self.problems.append(problem)
        self.failed_in_a_row += 1

    def may_go_on(self) -> bool:
        """Return whether the trouble may still be of some blobs alone."""
        return _is_of_one(self.problems[-1]) and self.failed_in_a_row < _ENOUGH

    def pass_over(self, job: PhotoJob, wait: PhotoWait) -> None:
        """Leave one for another contact; a used-up share says more than a bad file."""
        self.tried.add(job.sha256)
        if not self.only_begun:
            self.wait = wait


class _Meanwhile:
    """What is done between two requests; `is_broken` once it had no contact itself."""

    def __init__(self, between: Callable[[], None]) -> None:
        self._between = between
        self.is_broken = False

    def __call__(self) -> None:
        try:
            self._between()
        except SyncProblem:
            self.is_broken = True
            raise


class _Way:
    """The way of one blob: offer, chunks, and HEAD after whatever went wrong."""

    def __init__(
        self, database: Database, api: BlobApi, shore: Shore, job: PhotoJob, content: bytes
    ) -> None:
        self._database = database
        self._api = api
        self._shore = shore
        self._job = job
        self._content = content
        self._chunk_bytes = job.chunk_bytes
        self._failures = 0
        self._hash_failures = 0

    def go(self, between: Callable[[], None]) -> None:
        """Return once the server has the whole blob.

        Raises:
            SyncProblem: The network is gone, or the log-in.
            BlobRefused: The server does not take the blob.
        """
        standing = self._ask(self._stand_or_offer)
        best = standing.offset
        while not standing.is_had:
            between()
            failures = self._failures
            standing = self._ask(partial(self._append, standing.offset))
            if standing.is_had or standing.offset > best:
                best = standing.offset
                self._failures = 0
            elif self._failures == failures:
                self._count_failure("the server keeps nothing of what is sent")
            self._note(standing.offset)

    def _ask(self, request: Callable[[], Standing]) -> Standing:
        """Return the answer; after a failure the answer to the question where the upload stands."""
        while True:
            try:
                return request()
            except SyncProblem as problem:
                self._chunk_bytes = chunk_after_failure(self._chunk_bytes)
                self._count_failure(problem.detail, problem.reason)
                request = self._stand_or_offer

    def _count_failure(self, detail: str, reason: Reason = Reason.SERVER) -> None:
        self._failures += 1
        if self._failures >= TRIES_WITHOUT_PROGRESS or reason in _HOPELESS:
            self._note(None)
            raise SyncProblem(reason, detail)

    def _stand_or_offer(self) -> Standing:
        if self._job.sent_bytes or self._failures:
            standing = self._api.standing(self._job.sha256)
            if standing is not None:
                return standing
        answer = self._api.offer(
            BlobOffer(
                sha256=self._job.sha256,
                size_bytes=self._job.size_bytes,
                mime=self._job.mime,
                role=self._job.role,
            )
        )
        return Standing(is_had=answer.is_had, offset=answer.offset)

    def _append(self, offset: int) -> Standing:
        data = self._content[offset : offset + self._chunk_bytes]
        began_s = monotonic_s()
        try:
            standing = self._api.append(self._job.sha256, offset, data)
        except BlobRefused as refused:
            return self._stands_elsewhere(refused)
        if len(data) == self._chunk_bytes:
            took_s = monotonic_s() - began_s
            self._chunk_bytes = next_chunk(self._chunk_bytes, took_s)
        return standing

    def _stands_elsewhere(self, refused: BlobRefused) -> Standing:
        """Return where to go on; what was torn on its way begins anew, but not for ever."""
        if refused.code is Code.BLOB_HASH:
            self._hash_failures += 1
            if self._hash_failures < TRIES_WITHOUT_PROGRESS:
                return self._stand_or_offer()
        if refused.code in _ELSEWHERE:
            return self._stand_or_offer()  # no progress counts as a failure there
        raise refused

    def _note(self, offset: int | None) -> None:
        sha256, chunk_bytes = self._job.sha256, self._chunk_bytes

        def work(connection: Connection) -> None:
            known = upload_store.find_job(connection, sha256)
            sent = offset if offset is not None else (0 if known is None else known.sent_bytes)
            upload_store.note_progress(connection, sha256, sent, chunk_bytes)

        self._database.write(work)


def _finish(connection: Connection, job: PhotoJob, clock: Clock) -> None:
    records = upload_store.mark_done(connection, job, server_now_ms(connection, clock))
    order_store.rebuild_lines(connection, records)


def _prepare(connection: Connection) -> bool:
    """Take up what the server asks for; return whether anything waits to be sent."""
    order_store.rebuild_lines(connection, upload_store.take_wants(connection))
    is_any_waiting = upload_store.waiting(connection)[0] > 0
    if not is_any_waiting:
        settings_store.save(connection, Key.PHOTO_WAIT, str(PhotoWait.NONE))
    return is_any_waiting


def photo_wait(connection: Connection) -> PhotoWait:
    """Return why photos wait, as the last contact left it."""
    text = settings_store.load_text(connection, Key.PHOTO_WAIT)
    return PhotoWait.NONE if text is None else PhotoWait(text)


def server_now_ms(connection: Connection, clock: Clock) -> int:
    """Return the server's time as far as the tablet knows it."""
    offset_ms = settings_store.load_integer(connection, Key.OFFSET_MS)
    return ms_from_utc(clock.now_utc()) + offset_ms
