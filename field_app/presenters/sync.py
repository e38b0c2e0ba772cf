"""SyncPresenter: the pill on every screen, and the page behind it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from field_app.patrols.noted import noted_homes
from field_app.platform.ports import Availability, Hardware
from field_app.presenters.dates import time_text
from field_app.presenters.details import look_here
from field_app.presenters.outcome_words import operation_text
from field_app.presenters.photos import size_text
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.stage import Stage
from field_app.presenters.views import LabelledText, SyncView, Tone, WaitingRow
from field_app.presenters.wording import (
    banner_text,
    mark_view,
    no_room_text,
    reason_text,
    since_text,
)
from field_app.store import mismatch_reports, passed_over_store, upload_store
from field_app.store.outbox_store import OutboxEntry
from field_app.store.record_states import OpStatus, RecordState
from field_app.sync.reasons import Reason
from field_app.sync.sync_store import SyncStatus, seconds_until_due
from field_app.tablet import Tablet

_STATES = {
    OpStatus.QUEUED: RecordState.QUEUED,
    OpStatus.SENDING: RecordState.SENDING,
    OpStatus.HELD: RecordState.LOOK_HERE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSnapshot:
    """What the page needs, read at one moment; `numbers` maps order ids to printed numbers."""

    status: SyncStatus
    waiting: tuple[OutboxEntry, ...]
    look_here: tuple[OutboxEntry, ...]
    numbers: dict[str, str]
    is_syncing: bool
    damaged_count: int
    saved_count: int
    has_room: bool
    photos_left: tuple[int, int]
    noted_count: int
    passed_over: frozenset[str]
    differing_count: int


class SyncPresenter:
    """The sync state of the tablet."""

    def __init__(self, tablet: Tablet, context: PresenterContext, hardware: Hardware) -> None:
        """Show how the words of `tablet` reach the server, and what `hardware` cannot do."""
        self._tablet = tablet
        self._context = context
        self._hardware = hardware
        self._stage = Stage(context.worker, _blank())
        self._known: SyncSnapshot | None = None

    @property
    def view(self) -> SyncView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[SyncView], None]) -> None:
        """Show every view with `show`, and read the state."""
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more."""
        self._stage.detach()

    def refresh(self) -> None:
        """Read the state again; call it every few seconds, since times grow old."""
        self._stage.read(self._snapshot, self._draw)

    def sync_now(self) -> None:
        """Make the next contact due at once; the background sync takes it."""
        self._stage.act(self._tablet.ask_sync, self._done)

    def set_online(self, is_online: bool) -> None:  # noqa: FBT001  # called from kv with a switch
        """Switch the tablet to offline or back."""
        self._stage.act(lambda: self._tablet.set_online(is_on=is_online), self._done)

    def mark_seen(self, op_id: str) -> None:
        """Note that the crew has seen what became of one operation."""
        self._stage.act(lambda: self._tablet.mark_seen(op_id), self._done)

    def try_held_again(self) -> None:
        """Send again what the server could not read."""
        self._stage.act(self._tablet.try_held_again, self._done)

    def _done(self, _nothing: None) -> None:
        self.refresh()

    def _snapshot(self) -> SyncSnapshot:
        """Return what the page needs; as last known, where a page of the file cannot be read."""
        known = self._known = self._tablet.read_or_last(self._look, self._known)
        if self._tablet.database.damage is None:
            return known
        return replace(known, status=self._tablet.status())

    def _look(self) -> SyncSnapshot:
        waiting = self._tablet.waiting()
        looks = self._tablet.look_here()
        return SyncSnapshot(
            status=self._tablet.status(),
            waiting=waiting,
            look_here=looks,
            numbers=self._tablet.order_numbers({entry.order_id for entry in (*waiting, *looks)}),
            is_syncing=self._tablet.is_syncing,
            damaged_count=self._tablet.damaged_files_count(),
            saved_count=self._tablet.rescued_count(),
            has_room=self._tablet.database.has_room,
            photos_left=self._tablet.database.read(upload_store.waiting),
            noted_count=self._tablet.database.read(noted_homes),
            passed_over=self._tablet.database.read(passed_over_store.load),
            differing_count=self._tablet.database.read(mismatch_reports.count_lasting),
        )

    def _draw(self, snapshot: SyncSnapshot) -> None:
        t = self._context.words
        now_utc = self._context.clock.now_utc()
        status = snapshot.status
        reason = shown_reason(status)
        last_contact = self._last_contact(status, now_utc)
        oldest = since_text(t, status.outbox.oldest_at_ms, now_utc)
        self._stage.draw(
            SyncView(
                pill_text=_pill_text(t, reason, status, snapshot.noted_count),
                pill_tone=_pill_tone(reason, status, snapshot.noted_count),
                line_text=_line_text(t, status, last_contact, oldest),
                is_online=reason is Reason.NONE,
                is_switched_off=status.is_switched_off,
                is_syncing=snapshot.is_syncing,
                waiting_count=status.outbox.waiting,
                look_here_count=status.outbox.needs_look,
                last_contact_text=last_contact,
                oldest_text=oldest,
                reason_text=reason_text(t, reason),
                next_try_text=self._next_try(snapshot, reason),
                banner=banner_text(t, reason) if snapshot.has_room else no_room_text(t),
                waiting=tuple(self._row(entry, snapshot, now_utc) for entry in snapshot.waiting),
                look_here=tuple(
                    look_here(t, entry, snapshot.numbers.get(entry.order_id, ""))
                    for entry in snapshot.look_here
                ),
                held_count=status.outbox.held,
                noted_count=snapshot.noted_count,
                capabilities=(
                    *_capabilities(t, self._hardware),
                    *_damage(t, snapshot.damaged_count, snapshot.saved_count),
                    *_differing(t, snapshot.differing_count),
                ),
            )
        )

    def _row(self, entry: OutboxEntry, snapshot: SyncSnapshot, now_utc: datetime) -> WaitingRow:
        t = self._context.words
        text = operation_text(t, entry.operation)
        if entry.operation.group in snapshot.passed_over:
            text = f"{text} · {reason_text(t, Reason.SERVER)}"
        return WaitingRow(
            op_id=entry.operation.op_id,
            text=text,
            order_number=snapshot.numbers.get(entry.order_id, ""),
            at_text=time_text(self._context.words, entry.made_at_ms, now_utc, self._context.zone),
            mark=mark_view(t, _STATES.get(entry.status, RecordState.QUEUED)),
        )

    def _last_contact(self, status: SyncStatus, now_utc: datetime) -> str:
        if status.last_contact_ms is None:
            return self._context.words("never")
        return time_text(self._context.words, status.last_contact_ms, now_utc, self._context.zone)

    def _next_try(self, snapshot: SyncSnapshot, reason: Reason) -> str:
        """Return how far pull and photos are and when it goes on, empty with nothing to say."""
        words, status = self._context.words, snapshot.status
        parts: list[str] = []
        if status.progress is not None:
            rows, total = status.progress.rows, status.progress.total
            parts.append(words("{rows} of {total} rows loaded").format(rows=rows, total=total))
        if status.progress is not None and status.progress.received_bytes:
            size = size_text(status.progress.received_bytes)
            parts.append(words("{size} received").format(size=size))
        count, left_bytes = snapshot.photos_left
        if count:
            left = words("files to send: {count} ({size})")
            parts.append(left.format(count=count, size=size_text(left_bytes)))
        if reason not in {Reason.NONE, Reason.SWITCHED_OFF, Reason.NOT_ENROLLED}:
            wait_s = int(seconds_until_due(status, self._context.clock))
            parts.append(words("next try in {seconds} s").format(seconds=wait_s))
        return " · ".join(parts)


def shown_reason(status: SyncStatus) -> Reason:
    """Return the reason to show: the person's own switch stands before any other."""
    if status.is_switched_off and status.reason is not Reason.NOT_ENROLLED:
        return Reason.SWITCHED_OFF
    return status.reason


def _pill_text(t: Words, reason: Reason, status: SyncStatus, noted_count: int) -> str:
    """Return where the tablet is, and what has not gone through: trouble before what waits."""
    where = t("Online") if reason is Reason.NONE else t("Offline")
    if noted_count:
        return f"{where} · " + t("Hazard not finished")
    if status.outbox.needs_look:
        return f"{where} · " + t("Look here")
    if not status.outbox.waiting:
        return where
    return f"{where} · " + t("{count} waiting").format(count=status.outbox.waiting)


def _pill_tone(reason: Reason, status: SyncStatus, noted_count: int) -> Tone:
    if noted_count or status.outbox.needs_look or needs_person(reason):
        return Tone.DANGER
    if reason is Reason.NONE:
        return Tone.INFO if status.outbox.waiting else Tone.OK
    return Tone.WARN


def needs_person(reason: Reason) -> bool:
    """Return whether a person must act before there can be contact again."""
    return reason in {
        Reason.LOGIN,
        Reason.TOO_OLD,
        Reason.CAPTIVE_PORTAL,
        Reason.WITHDRAWN,
        Reason.NO_ROOM,
        Reason.DAMAGED,
    }


def _line_text(t: Words, status: SyncStatus, last_contact: str, oldest: str) -> str:
    parts = [t("last contact {time}").format(time=last_contact)]
    if status.outbox.waiting:
        parts.append(t("{count} waiting").format(count=status.outbox.waiting))
        parts.append(t("oldest {duration}").format(duration=oldest))
    reason = shown_reason(status)
    if reason is not Reason.NONE:
        parts.append(t("reason: {reason}").format(reason=reason_text(t, reason)))
    return t(", ").join(parts)


def _capabilities(t: Words, hardware: Hardware) -> tuple[LabelledText, ...]:
    ports = (
        (t("Camera"), "camera", hardware.camera.availability()),
        (t("Tags"), "tag", hardware.tag_reader.availability()),
        (t("Codes"), "code", hardware.code_scanner.availability()),
        (t("Position"), "position", hardware.locator.availability()),
        (t("Sound"), "sound", hardware.sounder.availability()),
        (t("Vibration"), "vibration", hardware.vibrator.availability()),
        (t("Vault"), "vault", hardware.vault.availability()),
    )
    return tuple(
        LabelledText(label=label, text=_available(t, port), icon=icon)
        for label, icon, port in ports
    )


def _damage(t: Words, count: int, saved_count: int) -> tuple[LabelledText, ...]:
    """Return the line about damaged files that were kept and what to do, none without any."""
    if not count:
        return ()
    text = t(
        "{count} kept; {saved} entries were read out and are sent. Look through today's orders"
        " and show the office this tablet"
    ).format(count=count, saved=saved_count)
    return (LabelledText(label=t("Damaged files"), text=text, icon="vault"),)


def _differing(t: Words, count: int) -> tuple[LabelledText, ...]:
    """Return the line about lists that are not as the office gave them, none while all are."""
    if not count:
        return ()
    text = t(
        "{count} not as the office has them, also after everything was loaded anew. The office is"
        " told; compare today's orders with it by telephone"
    ).format(count=count)
    return (LabelledText(label=t("Lists"), text=text, icon="vault"),)


def _available(t: Words, port: Availability) -> str:
    if port.is_available:
        return t("ready")
    return t(port.reason) if port.reason else t("not on this tablet")


def _blank() -> SyncView:
    return SyncView(
        pill_text="",
        pill_tone=Tone.PLAIN,
        line_text="",
        is_online=False,
        is_switched_off=False,
        is_syncing=False,
        waiting_count=0,
        look_here_count=0,
        last_contact_text="",
        oldest_text="",
        reason_text="",
        next_try_text="",
        banner="",
        waiting=(),
        look_here=(),
        held_count=0,
        capabilities=(),
    )
