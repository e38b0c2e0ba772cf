"""Maps the state of the contact: reason, next try, last contact, offset; all kept in the file."""

from dataclasses import dataclass

from sqlalchemy import Connection

from field_app.clock_io import TapClock
from field_app.store import lease_store, look_store, passed_over_store, settings_store
from field_app.store.look_store import OutboxSummary
from field_app.store.settings_store import Key
from field_app.sync.reasons import STOPPED_WAIT_S, Reason, SyncProblem, wait_after
from field_app.sync.turns_io import take_turn
from wire_contracts.clock import Clock
from wire_contracts.frames import ms_from_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """Rows that a first pull has brought, of about how many, and bytes over the network so far."""

    rows: int
    total: int
    received_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """The overall line of sync spec 1.5, as it stands in the file.

    Attributes:
        reason: Why there is no contact, NONE while there is.
        detail: The full text of the last failure.
        last_contact_ms: The tablet's clock at the last answer of the server, None before any.
        next_try_ms: The tablet's clock at which the next try is due, None: at once.
        offset_ms: Server clock minus tablet clock at the last contact.
        outbox: What waits.
        protocol: Version of the last conversation, None before any.
        progress: How far a first pull has come, None while none is under way.
    """

    reason: Reason
    detail: str
    last_contact_ms: int | None
    next_try_ms: int | None
    failed_tries: int
    is_switched_off: bool
    offset_ms: int
    outbox: OutboxSummary
    protocol: int | None = None
    progress: PullProgress | None = None


def load_status(connection: Connection) -> SyncStatus:
    """Return the state of the contact."""
    last_contact = settings_store.load_text(connection, Key.LAST_CONTACT_MS)
    next_try = settings_store.load_text(connection, Key.NEXT_TRY_MS)
    return SyncStatus(
        reason=load_reason(connection),
        detail=settings_store.load_text(connection, Key.REASON_DETAIL) or "",
        last_contact_ms=None if last_contact is None else int(last_contact),
        next_try_ms=None if next_try is None else int(next_try),
        failed_tries=settings_store.load_integer(connection, Key.FAILED_TRIES),
        is_switched_off=is_switched_off(connection),
        offset_ms=settings_store.load_integer(connection, Key.OFFSET_MS),
        outbox=look_store.summarise(connection),
        protocol=settings_store.load_integer(connection, Key.PROTOCOL) or None,
        progress=load_progress(connection),
    )


def load_reason(connection: Connection) -> Reason:
    """Return why there is no contact, NONE while there is."""
    reason = settings_store.load_text(connection, Key.REASON)
    return Reason.NEVER_TRIED if reason is None else Reason(reason)


def is_switched_off(connection: Connection) -> bool:
    """Return whether a person has switched the contact off."""
    return settings_store.load_text(connection, Key.SWITCHED_OFF) is not None


def seconds_until_due(status: SyncStatus, clock: Clock) -> float:
    """Return the wall seconds until the next try, 0 when it is due.

    A next try further away than any wait means that the clock was set back: it is due.
    """
    if status.next_try_ms is None:
        return 0.0
    ahead_s = (status.next_try_ms - ms_from_utc(clock.now_utc())) / 1000
    wall_s = clock.wall_seconds(ahead_s)
    return 0.0 if wall_s <= 0 or wall_s > 2 * STOPPED_WAIT_S else wall_s


def load_progress(connection: Connection) -> PullProgress | None:
    """Return how far a first pull has come, None while none is under way."""
    total = settings_store.load_integer(connection, Key.PULL_TOTAL)
    rows = settings_store.load_integer(connection, Key.PULL_ROWS)
    received = settings_store.load_integer(connection, Key.PULL_BYTES)
    if not total:
        return None
    return PullProgress(rows=min(rows, total), total=total, received_bytes=received)


def note_progress(connection: Connection, progress: PullProgress | None) -> None:
    """Keep how far a first pull has come, in the transaction of its page; None: it is over."""
    settings_store.save(connection, Key.PULL_ROWS, None if progress is None else progress.rows)
    settings_store.save(connection, Key.PULL_TOTAL, None if progress is None else progress.total)
    received = None if progress is None else progress.received_bytes
    settings_store.save(connection, Key.PULL_BYTES, received)


def begin_contact(connection: Connection, clock: Clock) -> bool:
    """Return whether this process may sync now; from here on, who asks wants one contact more."""
    is_ours = take_turn(connection, clock)
    if is_ours:
        settings_store.save(connection, Key.ASKED_MEANWHILE, None)
    return is_ours


def note_contact(connection: Connection, clock: Clock, server_now_ms: int) -> None:
    """Keep when the server answered, how far its clock is from ours, and that we go on."""
    take_turn(connection, clock)
    now_ms = ms_from_utc(clock.now_utc())
    settings_store.save(connection, Key.LAST_CONTACT_MS, now_ms)
    settings_store.save(connection, Key.OFFSET_MS, server_now_ms - now_ms)
    lease_store.note_server_time(connection, server_now_ms, TapClock(clock).stamp(0))


def note_success(connection: Connection, clock: Clock) -> None:
    """Keep that all is well and when to ask again: at once when a tap or a poke came meanwhile."""
    _note(connection, clock, Reason.NONE, "")
    settings_store.save(connection, Key.FAILED_TRIES, 0)
    outbox = look_store.summarise(connection)
    is_asked = settings_store.load_text(connection, Key.ASKED_MEANWHILE) is not None
    resting = outbox.held + passed_over_store.count_left(connection)
    if is_asked or outbox.waiting > resting:
        settings_store.save(connection, Key.NEXT_TRY_MS, None)


def note_failure(connection: Connection, clock: Clock, problem: SyncProblem) -> None:
    """Keep why there is no contact and when to try again, longer with every failure."""
    settings_store.count_up(connection, Key.FAILED_TRIES)
    _note(connection, clock, problem.reason, problem.detail[:2000])


def _note(connection: Connection, clock: Clock, reason: Reason, detail: str) -> None:
    tries = settings_store.load_integer(connection, Key.FAILED_TRIES)
    wall_s = wait_after(reason, tries)
    rate = clock.wall_seconds(1.0)
    ahead_ms = int(wall_s * 1000 / rate) if rate > 0 else 0
    settings_store.save(connection, Key.REASON, str(reason))
    settings_store.save(connection, Key.REASON_DETAIL, detail)
    settings_store.save(connection, Key.NEXT_TRY_MS, ms_from_utc(clock.now_utc()) + ahead_ms)


def try_at_once(connection: Connection) -> None:
    """Make the next try due and forget the failures: a person, or the network, says it is time.

    Said while a contact is under way, another one follows it: this one may have looked already.
    """
    settings_store.save(connection, Key.FAILED_TRIES, 0)
    settings_store.save(connection, Key.NEXT_TRY_MS, None)
    settings_store.save(connection, Key.ASKED_MEANWHILE, 1)


def switch(connection: Connection, *, is_on: bool) -> None:
    """Keep the person's choice; switched on, the next try is due."""
    settings_store.save(connection, Key.SWITCHED_OFF, None if is_on else 1)
    if is_on:
        try_at_once(connection)
