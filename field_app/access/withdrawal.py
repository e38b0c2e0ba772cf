"""Owns what happens when the office withdraws this tablet: what was received goes, no word is lost.

In one transaction everything unsent is left in sealed form only, and everything received is
removed; what could not be sealed stays as it is. A watch that runs goes on, without names. The
sealed things are sent with the token that was revoked, and forgotten when the server holds them.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Protocol, runtime_checkable

from sqlalchemy import Connection, delete

from field_app.orders import order_store
from field_app.orders.kept_calls import keep_calls
from field_app.photos.photo_files_io import PhotoFiles
from field_app.photos.sealed_scrap_io import forget_scraps
from field_app.platform.ports import VaultTamperedError
from field_app.store import (
    lease_store,
    order_copy_store,
    outcome_store,
    sealed_alone_store,
    sealed_sending_store,
    sealed_store,
    settings_store,
    upload_store,
)
from field_app.store.database_io import Database
from field_app.store.sealed_sending_store import SealedItem
from field_app.store.sealed_store import Seal
from field_app.store.settings_store import Key
from field_app.store.tables import base_row, bucket, order_view, sync_report
from field_app.store.upload_store import PhotoJob, PhotoStatus
from field_app.sync import epochs, sync_store
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from field_app.sync.uploading import server_now_ms
from wire_contracts.blobs import MAX_THUMB_BYTES
from wire_contracts.clock import Clock
from wire_contracts.sealed import (
    MAX_ENVELOPES,
    MAX_SEALED_BYTES,
    TAG_BYTES,
    Envelope,
    SealedAnswer,
    SealedKind,
    SealedRequest,
)
from wire_contracts.sync import PROTOCOL

_log = logging.getLogger(__name__)


@runtime_checkable
class SealedApi(Protocol):
    """A way to the server that takes sealed things."""

    def send_sealed(self, request: SealedRequest) -> SealedAnswer:
        """Return what the server holds now; raise SyncProblem without a usable answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """How a withdrawn tablet stands.

    Attributes:
        is_withdrawn: The office has withdrawn it; received data is gone.
        sealed_waiting: Sealed things that the server does not hold yet.
        readable_waiting: Unsent operations that could not be sealed: a new enrolment sends them.
        photos_waiting: Photos that are nowhere but here; large ones wait for a free network.
    """

    is_withdrawn: bool
    sealed_waiting: int
    readable_waiting: int
    photos_waiting: int


def load_withdrawal(connection: Connection) -> Withdrawal:
    """Return how the tablet stands."""
    return Withdrawal(
        is_withdrawn=lease_store.is_withdrawn(connection),
        sealed_waiting=sealed_sending_store.count_alone(connection),
        readable_waiting=sync_store.load_status(connection).outbox.waiting,
        photos_waiting=upload_store.waiting(connection)[0],
    )


def withdraw(connection: Connection, seal: Seal, at_ms: int) -> None:
    """Leave what is unsent in sealed form and remove what was received; twice is once."""
    if not lease_store.is_withdrawn(connection):
        settings_store.save(connection, Key.WITHDRAWN_MS, at_ms)
    sealed_store.seal_missing(connection, seal)
    sealed_store.seal_history(connection, seal)
    keep_calls(connection)
    sealed_alone_store.leave_sealed_only(connection)
    for table in (base_row, bucket, order_view, sync_report):
        connection.execute(delete(table))
    order_copy_store.forget_all(connection)
    settings_store.save(connection, Key.PULL_TOKEN, None)
    settings_store.save(connection, Key.LEASE_UNTIL_MS, None)
    order_store.rebuild_all(connection)


def readmit(connection: Connection) -> None:
    """Forget the withdrawal: the office has enrolled the tablet anew."""
    settings_store.save(connection, Key.WITHDRAWN_MS, None)
    sealed_sending_store.release_held(connection)


def send_sealed(database: Database, api: SealedApi, clock: Clock) -> int:
    """Send what is left in sealed form only; return how many things the server holds now.

    What the server cannot even read is set aside, with its group, and stops nothing behind it.

    Raises:
        SyncProblem: No usable answer; what was not confirmed stays.
    """
    sent = 0
    choose = _next_batch
    now_ms = database.read(partial(server_now_ms, clock=clock))
    closed = database.read(partial(sealed_sending_store.first_closed, server_now_ms=now_ms))
    if closed is not None:
        database.write(partial(sealed_sending_store.ask_again, key=closed))
    if database.read(sealed_sending_store.is_any_waiting):
        database.write(sealed_sending_store.hold_unreadable)
    while batch := database.read(choose):
        request = SealedRequest(
            replica_id=database.read(_replica_id),
            envelopes=[item.envelope for item in batch],
            protocol=PROTOCOL,
            told={item.envelope.about: item.told_ms for item in batch if item.told_ms is not None},
        )
        try:
            answer = api.send_sealed(request)
        except RequestRefused as refused:
            if choose is _first_group:
                _log.warning("sealed things are set aside: %s", refused.detail)
                keys = [item.key for item in batch]
                if database.write(partial(sealed_sending_store.hold, keys=keys)) == 0:
                    break
            choose = _first_group  # one of them may be the poison: one by one
            continue
        settled = database.write(_settle(batch, answer, clock))
        sent += settled
        if settled == 0:
            break
    return sent


def ask_for_the_epoch(database: Database, api: SealedApi, clock: Clock) -> None:
    """Ask a server that answers nothing else whether it was restored; then all is sent again.

    Raises:
        SyncProblem: No usable answer.
    """
    if database.read(sealed_sending_store.has_acked) or database.read(outcome_store.has_history):
        question = SealedRequest(
            replica_id=database.read(_replica_id), envelopes=(), protocol=PROTOCOL
        )
        database.write(_settle((), api.send_sealed(question), clock))


def leave_sealed_photos(database: Database, files: PhotoFiles) -> bool:
    """Leave of unsent photos the sealed copies only; return whether the key may go, too.

    What the server has stays sealed for as long as in service: it may be restored from an older
    backup (RULINGS R1). Of such a photo nothing is left when the vault is locked and it was not
    sealed. An unsent photo without a copy sealed to the present key stays, and its key with it.
    Signatures that nobody finished go.
    """
    forget_scraps(files.folder)
    has_arrived = database.read(upload_store.done_names)
    for sha256 in {*has_arrived, *files.names()}:
        with suppress(VaultTamperedError, OSError):  # no full disk keeps the key here
            files.seal_missing([sha256])
    for sha256 in has_arrived:
        if not files.has_sealed(sha256):
            files.remove(sha256)
            database.write(partial(upload_store.mark_file_gone, sha256=sha256))
    return not files.forget_readable(has_arrived)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoWay:
    """What photos may go: over a network that costs nothing; all of them from a withdrawn tablet.

    In service only those go sealed that are not here in any other form.
    """

    is_free: bool
    is_withdrawn: bool


def send_sealed_photos(
    database: Database, files: PhotoFiles, api: SealedApi, clock: Clock, way: PhotoWay
) -> int:
    """Send the photos of which only the sealed copy is left; return how many the server has now.

    The copies stay for the week of `upload_store.KEEP`: a server that was restored asks again. What
    the server keeps and cannot open has not arrived: it is asked for again after a day. As of any
    photo, what is large waits for a network that costs nothing, unless it was asked for.

    One that is not answered well lets the others go first (trap T11); after the second in a row it
    is the server that is not well.

    Raises:
        SyncProblem: No usable answer; what was not confirmed stays.
    """
    sent, failed_in_a_row = 0, 0
    for sha256, job in _due_photos(database, files, clock, way):
        envelope = None if files.sealed is None else files.sealed.load(sha256)
        if envelope is None or not (way.is_free or _is_for_any_network(job, envelope)):
            continue
        try:
            sent += _send_photo(database, files, api, envelope)
        except SyncProblem as problem:
            if job is not None:
                note = partial(upload_store.note_failure, job=job, error=problem.detail)
                database.write(partial(note, may_pass=False))
            failed_in_a_row += not isinstance(problem, RequestRefused)
            if problem.reason is not Reason.SERVER or failed_in_a_row == _ENOUGH:
                raise
            continue
        failed_in_a_row = 0
    return sent


_ENOUGH: Final = 2
"""Photos in a row that the server does not answer well: the others wait for the next contact."""


def _due_photos(
    database: Database, files: PhotoFiles, clock: Clock, way: PhotoWay
) -> list[tuple[str, PhotoJob | None]]:
    """Return what the server has not, whatever failed at two contacts last."""
    has_arrived = set(database.read(upload_store.done_names))
    asked_before_ms = database.read(partial(server_now_ms, clock=clock)) - _ASK_AGAIN_MS
    due: list[tuple[str, PhotoJob | None]] = []
    for sha256 in files.sealed_names():
        job = database.read(partial(upload_store.find_job, sha256=sha256))
        is_set_aside = job is not None and job.status is PhotoStatus.SEALED
        is_mine = way.is_withdrawn or is_set_aside or not files.has(sha256)
        was_asked = job is not None and job.done_at_ms > asked_before_ms
        if is_mine and sha256 not in has_arrived and not was_asked:
            due.append((sha256, job))
    return sorted(due, key=lambda each: 0 if each[1] is None else each[1].failed_count // 2)


def _send_photo(database: Database, files: PhotoFiles, api: SealedApi, envelope: Envelope) -> int:
    """Send one sealed photo; return whether the server has it now, as a number."""
    request = SealedRequest(
        replica_id=database.read(_replica_id), envelopes=(envelope,), protocol=PROTOCOL
    )
    answer = api.send_sealed(request)
    sent = 0
    for each in answer.results:
        if (each.kind, each.about) == (SealedKind.BLOB, envelope.about):
            at_ms, is_had = answer.server_now_ms, each.is_opened
            _take_answer(database, files, envelope.about, at_ms, is_had=is_had)
            sent += is_had
    return sent


_ASK_AGAIN_MS = timedelta(days=1) // timedelta(milliseconds=1)
"""A key that the server lacks is put back by a person: no sooner than somebody comes to work."""


def _take_answer(
    database: Database, files: PhotoFiles, sha256: str, at_ms: int, *, is_had: bool
) -> None:
    """Keep that the server has a photo, or that it holds an envelope that it cannot open."""
    note = _photo_is_there if is_had else _photo_is_closed
    if not database.write(partial(note, sha256=sha256, at_ms=at_ms)):
        files.remove(sha256)  # of no record: nobody would ever ask for it again


def _is_for_any_network(job: PhotoJob | None, envelope: Envelope) -> bool:
    is_small = len(envelope.box) <= MAX_THUMB_BYTES + TAG_BYTES
    return is_small or (job is not None and job.is_wanted)


def _photo_is_there(connection: Connection, *, sha256: str, at_ms: int) -> bool:
    """Keep that the server has a photo; return whether it belongs to a record."""
    job = upload_store.find_job(connection, sha256)
    if job is None:
        return False
    order_store.rebuild_lines(connection, upload_store.mark_done(connection, job, at_ms))
    return True


def _photo_is_closed(connection: Connection, *, sha256: str, at_ms: int) -> bool:
    """Keep when the server could not open a photo; return whether it belongs to a record."""
    upload_store.note_closed(connection, sha256, at_ms)
    return upload_store.find_job(connection, sha256) is not None


def _settle(
    batch: Sequence[SealedItem], answer: SealedAnswer, clock: Clock
) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        sync_store.note_contact(connection, clock, answer.server_now_ms)
        epochs.take_epoch(connection, answer.server_epoch)
        return sealed_sending_store.settle_alone(
            connection, batch, answer.results, answer.server_now_ms
        )

    return work


def _next_batch(connection: Connection) -> list[SealedItem]:
    """Return what fits one request; the operations of one action go together, as in a push."""
    items = sealed_sending_store.next_alone(connection, MAX_ENVELOPES + 1)
    room = MAX_SEALED_BYTES * 3 // 4 - _ENVELOPE_ROOM * MAX_ENVELOPES
    count = 0
    for item in items[:MAX_ENVELOPES]:
        room -= len(item.envelope.box)
        if count and room < 0:
            break
        count += 1
    return items[: _whole(items, count)]


def _first_group(connection: Connection) -> list[SealedItem]:
    """Return the operations of the first action that waits, or one other thing alone."""
    items = _next_batch(connection)
    is_together = bool(items) and items[0].group != ""
    return [each for each in items if each.group == items[0].group] if is_together else items[:1]


def _whole(items: Sequence[SealedItem], count: int) -> int:
    """Return how many of the first `count` end with a whole action; one too large is split."""
    if count == len(items) or not items[count].group:
        return count
    whole = count
    while whole and items[whole - 1].group == items[count].group:
        whole -= 1
    return whole or count


_ENVELOPE_ROOM = 400
"""Bytes of an envelope around its box, generously."""


def _replica_id(connection: Connection) -> str:
    return settings_store.load_text(connection, Key.REPLICA_ID) or ""
