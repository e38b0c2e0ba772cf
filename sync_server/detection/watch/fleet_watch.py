"""One look at the whole fleet: take what arrived, advance, decide, write; restart where it was."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import structlog
from sqlalchemy import Connection, Engine
from structlog.typing import FilteringBoundLogger

from sync_server.batch.runner import Done, InProcess, Runner, nobody_asks
from sync_server.db.arrival_rows import ArrivedRows, some_rows
from sync_server.db.engine_io import reading
from sync_server.db.feed_store import newest_feed_id
from sync_server.db.server_store import asset_version, versions
from sync_server.detection.advance import LateRow, advance
from sync_server.detection.alerting.alert_book import (
    AlertBook,
    AlertChange,
    Change,
    Lane,
    decide_alerts,
)
from sync_server.detection.alerting.said import Said
from sync_server.detection.alerting.thresholds import Learned, adapted
from sync_server.detection.fleet_state import FleetState, empty_state
from sync_server.detection.meters.candidates import RULES_VERSION, Candidate
from sync_server.detection.meters.columns import Ints
from sync_server.detection.meters.fleet import fleet_of, rows_of_fleet
from sync_server.detection.meters.intake import ReadingBatch, Surroundings
from sync_server.detection.meters.state_arrays import put_rows, take_rows
from sync_server.detection.watch.alert_changes_store import (
    AlertPage,
    Mended,
    return_unheld,
    write_changes,
    write_mended,
)
from sync_server.detection.watch.arrival_feed_store import (
    forget_arrivals,
    load_arrivals,
    load_new_arrivals,
    newest_arrival,
)
from sync_server.detection.watch.checkpoint_store import (
    Checkpoint,
    forget_checkpoints,
    list_checkpoints,
    load_book,
    load_parts,
    load_place,
    save_checkpoint,
    save_place,
)
from sync_server.detection.watch.fleet_memory import (
    FleetMemory,
    empty_memory,
    moved,
    pack_book,
    pack_parts,
    unpack_book,
    unpack_parts,
)
from sync_server.detection.watch.fleet_store import converting_meters, load_specs
from sync_server.detection.watch.history_run_store import PastWanted, live_fleet
from sync_server.detection.watch.learned_store import load_learned
from sync_server.detection.watch.reading_batches import (
    join_readings,
    of_rows,
    readings_of,
)
from sync_server.detection.watch.shared_silence_store import load_shared_silence, show_unshared
from sync_server.detection.watch.surroundings_window import SurroundingsWindow
from wire_contracts.frames import ms_from_utc, utc_from_ms

WATERMARK = timedelta(hours=48)
"""A reading may come so late and count as if it had come in time (METHODS 6.2)."""

CHECKPOINT_EVERY = timedelta(days=1)
HISTORY = timedelta(days=400)
"""How far back the memory is built from readings when there is none: a year and a month."""

OLD_NEWS = timedelta(days=7)
"""What was over before so long is no alert any more when it is found (METHODS 6.2)."""

_HOUR_MS = 3_600_000
_LOOK_AFTER_MS = 5 * 60_000
_LOG: FilteringBoundLogger = structlog.get_logger()


def next_look_ms(at_ms: int) -> int:
    """Return the first look after an instant: five minutes past each full hour."""
    return at_ms - (at_ms - _LOOK_AFTER_MS) % _HOUR_MS + _HOUR_MS


class FleetWatch:
    """Looks at all meters; what it remembers can be had again from the database at any time."""

    def __init__(
        self,
        engine: Engine,
        deaf_s: tuple[int, int] = (0, 0),
        by: tuple[Runner, Done] = (InProcess(), nobody_asks),
    ) -> None:
        """Take the database, and when the server itself was away; nothing is read yet.

        `by` is who lives the past where the memory must be built from it, and who is told of it.
        """
        self._engine = engine
        self._runner, self._done = by
        self._deaf_s = deaf_s
        self._memory: FleetMemory | None = None
        self._corrections = 0
        self._window = SurroundingsWindow()
        self._learned: tuple[int, int, Learned] = (-1, 0, Learned())
        self._said = Said()
        self._mended = Mended()
        self._with_base: frozenset[str] = frozenset()
        self._based_at_ms = 0

    def look(self, now_utc: datetime) -> int:
        """Return how many changes of alerts were written.

        What arrived since the last look is taken in. Alerts, the place up to which they are
        written and, once a day, the memory itself are one transaction.
        """
        now_ms = ms_from_utc(now_utc)
        with reading(self._engine) as connection:
            memory = self._present(connection, now_ms)
            if not memory.fleet.specs:
                return 0  # a site before its first meter: the detectors' arrays have no row
            arrived, upto = load_new_arrivals(connection, memory.arrival_id)
            changes = [
                change
                for look_ms, part in _by_look(arrived, now_ms)
                for change in self._take_in(connection, memory, part, look_ms)
            ]
        memory.arrival_id, memory.looked_at_ms = upto, now_ms
        told = _told(changes, now_ms)
        is_due = _is_checkpoint_due(memory, now_ms)
        mended, self._mended = self._mended, Mended()
        if told or mended.restated or mended.unsaid or is_due:
            with self._engine.begin() as connection:
                _write(connection, memory, told, mended, now_utc)
                save_place(connection, Checkpoint(at_ms=now_ms, arrival_id=upto))
                if is_due:
                    self._save(connection, memory, now_utc)
        return len(told)

    def _present(self, connection: Connection, now_ms: int) -> FleetMemory:
        """Return the memory, built anew where there is none or the assets have changed."""
        self._see_converting(connection, now_ms)
        now = versions(connection)
        assets, corrections = now.assets, now.corrections
        memory = self._memory
        if memory is None or corrections != self._corrections:
            memory = self._recall(connection, now_ms, is_corrected=memory is not None)
            self._corrections = corrections
        elif memory.asset_version != assets:
            memory = moved(memory, fleet_of(load_specs(connection)), assets)
            self._window.forget()
            self._relive_stale(connection, memory, memory.looked_at_ms)
        self._memory = memory
        return memory

    def _see_converting(self, connection: Connection, now_ms: int) -> None:
        """Notice once a day which gas meters convert; one that begins to is learned anew."""
        if 0 <= now_ms - self._based_at_ms < _HOUR_MS * 24:
            return
        found = converting_meters(connection)
        if self._memory is not None:
            self._memory.stale |= found - self._with_base
        self._with_base, self._based_at_ms = found, now_ms

    def _recall(self, connection: Connection, now_ms: int, *, is_corrected: bool) -> FleetMemory:
        """Return the memory from its newest checkpoint, or from the readings."""
        fleet = fleet_of(load_specs(connection))
        memory = empty_memory(fleet, asset_version(connection))
        place = load_place(connection)
        checkpoints = [] if is_corrected else list(list_checkpoints(connection, RULES_VERSION))
        self._window.forget()
        if not checkpoints:
            self._build(connection, memory, now_ms)
            return memory
        newest = checkpoints[-1]
        found = unpack_parts(
            fleet, memory.state, load_parts(connection, RULES_VERSION, newest.at_ms)
        )
        memory.book = unpack_book(fleet, load_book(connection, RULES_VERSION, newest.at_ms))
        memory.checkpoints = checkpoints
        memory.stale = set(fleet.row_of) - found
        self._relive_stale(connection, memory, newest.at_ms)
        memory.arrival_id, memory.looked_at_ms = newest.arrival_id, newest.at_ms
        self._load_recent(connection, memory)
        if place is not None and place.arrival_id >= newest.arrival_id:
            self._catch_up(connection, memory, place)
        return memory

    def _catch_up(self, connection: Connection, memory: FleetMemory, place: Checkpoint) -> None:
        """Advance from the checkpoint to where alerts are written already, and write none again."""
        arrived = load_arrivals(connection, memory.arrival_id, place.arrival_id)
        for look_ms, part in _by_look(arrived, place.at_ms):
            self._take_in(connection, memory, part, look_ms)
        self._mended = Mended()
        memory.arrival_id, memory.looked_at_ms = place.arrival_id, place.at_ms

    def _build(self, connection: Connection, memory: FleetMemory, now_ms: int) -> None:
        """Learn from all stored readings; then the list says what is abnormal still, no more."""
        upto = newest_arrival(connection)
        rows = np.arange(len(memory.fleet.specs), dtype=np.int64)
        changes = self._relive(connection, memory, rows, now_ms)
        memory.arrival_id, memory.looked_at_ms = upto, now_ms
        _LOG.info("detection.built", meters=len(rows), open=len(memory.book.alerts))
        told, now_utc = _told(changes, now_ms), utc_from_ms(now_ms)
        with self._engine.begin() as writing:
            _write(writing, memory, told, Mended(), now_utc)
            page = AlertPage(connection=writing, fleet=memory.fleet, now_utc=now_utc)
            return_unheld(page, memory.book)
            save_place(writing, Checkpoint(at_ms=now_ms, arrival_id=upto))

    def _relive_stale(self, connection: Connection, memory: FleetMemory, now_ms: int) -> None:
        rows = sorted(memory.fleet.row_of[name] for name in memory.stale)
        if rows:
            self._relive(connection, memory, np.array(rows, dtype=np.int64), now_ms)
        memory.stale = set()

    def _relive(
        self, connection: Connection, memory: FleetMemory, rows: Ints, now_ms: int
    ) -> Sequence[AlertChange]:
        """Build the state of some meters from their stored readings; return what is open still."""
        fleet = rows_of_fleet(memory.fleet, rows.tolist())
        put_rows(memory.state, rows, empty_state(fleet))
        wanted = PastWanted(
            fleet=fleet,
            with_base=self._with_base,
            from_ms=now_ms - HISTORY // timedelta(milliseconds=1),
            to_ms=now_ms,
            keeps_state=True,
        )
        past = live_fleet(self._engine, connection, wanted, (self._runner, self._done))
        for place, state in past.states:
            put_rows(memory.state, rows[place], state)
        memory.state.slots.slot[:] = memory.state.slots.slot.max(initial=0)
        renumbered = [replace(each, row=int(rows[each.row])) for each in past.candidates]
        learned = self._learned_now(connection, now_ms)
        found = adapted(memory.fleet, renumbered, learned)
        known = {place for place in memory.book.alerts if place[0] in set(rows.tolist())}
        book, changes = decide_alerts(AlertBook(), found, now_ms // 1000)
        kept = {place: alert for place, alert in memory.book.alerts.items() if place in known}
        memory.book = AlertBook(alerts={**memory.book.alerts, **book.alerts, **kept})
        self._said.note(found)
        return _still_open(changes, book)

    def _take_in(
        self, connection: Connection, memory: FleetMemory, arrived: ArrivedRows, now_ms: int
    ) -> Sequence[AlertChange]:
        """Advance the memory by what arrived and return what that changes."""
        fleet, now_s = memory.fleet, now_ms // 1000
        batch = readings_of(fleet, arrived, self._with_base)
        surroundings = replace(self._window.at(connection, fleet, now_ms), deaf_s=self._deaf_s)
        if len(batch.row):
            memory.recent.append((memory.arrival_id, batch))
        step = advance(fleet, memory.state, batch, surroundings, now_s)
        candidates = list(step.candidates)
        self._said.note(candidates)
        if step.late:
            replayed = self._replay(connection, memory, step.late, (surroundings, now_s))
            fresh = self._said.news(replayed, now_s)
            self._mended.restated += self._said.restated(replayed)
            self._note_unsaid(memory, replayed, step.late)
            self._said.note(fresh)
            candidates += fresh
        learned = self._learned_now(connection, now_ms)
        memory.book = _without_settled(memory, learned)
        memory.book, changes = decide_alerts(
            memory.book, adapted(fleet, candidates, learned), now_s
        )
        return changes

    def _note_unsaid(
        self, memory: FleetMemory, replayed: Sequence[Candidate], late: Sequence[LateRow]
    ) -> None:
        """Note alerts that a replay does not bear out; only what was said after its checkpoint."""
        for each in late:
            meter_id = memory.fleet.specs[each.row].meter_id
            before = [one.at_ms for one in memory.checkpoints if one.at_ms <= each.from_s * 1000]
            if before and meter_id not in memory.stale:
                self._mended.unsaid += self._said.unsaid(replayed, [meter_id], before[-1] // 1000)

    def _replay(
        self,
        connection: Connection,
        memory: FleetMemory,
        late: Sequence[LateRow],
        at: tuple[Surroundings, int],
    ) -> Sequence[Candidate]:
        """Advance the rows that got late readings from before these; return what they say."""
        by_checkpoint: dict[Checkpoint, list[int]] = {}
        for each in late:
            before = [one for one in memory.checkpoints if one.at_ms <= each.from_s * 1000]
            if before:
                by_checkpoint.setdefault(before[-1], []).append(each.row)
            else:
                memory.stale.add(memory.fleet.specs[each.row].meter_id)
        found: list[Candidate] = []
        for checkpoint, row_list in by_checkpoint.items():
            rows = np.array(sorted(row_list), dtype=np.int64)
            state, known = self._state_at(connection, memory, checkpoint, rows)
            if len(known) < len(rows):
                names = {memory.fleet.specs[row].meter_id for row in row_list}
                memory.stale |= names - known
                continue
            batch = _since(memory, checkpoint, rows)
            fleet = rows_of_fleet(memory.fleet, rows.tolist())
            surroundings = _of_rows(at[0], rows)
            step = advance(fleet, state, batch, surroundings, at[1])
            put_rows(memory.state, rows, step.state)
            found += [replace(each, row=int(rows[each.row])) for each in step.candidates]
        return found

    def _state_at(
        self, connection: Connection, memory: FleetMemory, checkpoint: Checkpoint, rows: Ints
    ) -> tuple[FleetState, frozenset[str]]:
        """Return the rows as they stood then, and which of them there were."""
        names = frozenset(memory.fleet.specs[row].meter_id for row in rows.tolist())
        state = empty_state(memory.fleet)
        parts = load_parts(connection, RULES_VERSION, checkpoint.at_ms, names)
        known = unpack_parts(memory.fleet, state, parts) & names
        return take_rows(state, rows), known

    def _learned_now(self, connection: Connection, now_ms: int) -> Learned:
        feed_id = newest_feed_id(connection)
        known_id, at_ms, learned = self._learned
        if feed_id != known_id or now_ms - at_ms >= _HOUR_MS * 24:
            learned = load_learned(connection, utc_from_ms(now_ms))
            self._learned = (feed_id, now_ms, learned)
        return learned

    def _load_recent(self, connection: Connection, memory: FleetMemory) -> None:
        """Bring back what arrived since the oldest checkpoint, for replays."""
        oldest = memory.checkpoints[0].arrival_id
        arrived = load_arrivals(connection, oldest, memory.arrival_id)
        memory.recent = [(oldest, readings_of(memory.fleet, arrived, self._with_base))]

    def _save(self, connection: Connection, memory: FleetMemory, now_utc: datetime) -> None:
        """Store the memory, and let go of what no reading inside the watermark can need."""
        now_ms = ms_from_utc(now_utc)
        if memory.stale:
            self._relive_stale(connection, memory, now_ms)
        checkpoint = Checkpoint(at_ms=now_ms, arrival_id=memory.arrival_id)
        book = pack_book(memory.fleet, memory.book)
        save_checkpoint(connection, RULES_VERSION, checkpoint, list(pack_parts(memory)), book)
        before_ms = ms_from_utc(now_utc - WATERMARK)
        forget_checkpoints(connection, RULES_VERSION, before_ms)
        memory.checkpoints = list(list_checkpoints(connection, RULES_VERSION))
        oldest = memory.checkpoints[0]
        forget_arrivals(connection, oldest.arrival_id, now_utc, WATERMARK)
        memory.recent = [lot for lot in memory.recent if lot[0] >= oldest.arrival_id]
        self._said.forget_before(oldest.at_ms // 1000)


def _write(
    connection: Connection,
    memory: FleetMemory,
    told: Sequence[AlertChange],
    mended: Mended,
    now_utc: datetime,
) -> None:
    """Write what a look tells; where meters are silent, one alert stands for a whole gateway."""
    silent = [
        memory.fleet.specs[row].meter_id
        for (row, lane), alert in memory.book.alerts.items()
        if lane is Lane.GAP and alert.is_open
    ]
    shared = load_shared_silence(connection, silent)
    page = AlertPage(connection=connection, fleet=memory.fleet, now_utc=now_utc, shared=shared)
    write_changes(page, told)
    write_mended(page, mended)
    if any(each.alert.lane is Lane.GAP for each in told):
        show_unshared(connection, shared, now_utc)


def _is_checkpoint_due(memory: FleetMemory, now_ms: int) -> bool:
    if not memory.checkpoints:
        return memory.arrival_id > 0
    return now_ms - memory.checkpoints[-1].at_ms >= CHECKPOINT_EVERY // timedelta(milliseconds=1)


def _by_look(arrived: ArrivedRows, upto_ms: int) -> Iterator[tuple[int, ArrivedRows]]:
    """Yield what had arrived by each hourly look up to an instant, at least once.

    A server that was away judges hour by hour what it would have judged had it been there.
    """
    received_ms = arrived.received_at_ms
    looks = received_ms - (received_ms - _LOOK_AFTER_MS) % _HOUR_MS + _HOUR_MS
    looks = np.minimum(looks, upto_ms)
    if len(looks) == 0 or looks.min() == upto_ms:
        yield upto_ms, arrived
        return
    for look_ms in np.union1d(looks, [upto_ms]):
        yield int(look_ms), some_rows(arrived, np.flatnonzero(looks == look_ms))


def _since(memory: FleetMemory, checkpoint: Checkpoint, rows: Ints) -> ReadingBatch:
    lots = [batch for before, batch in memory.recent if before >= checkpoint.arrival_id]
    return of_rows(join_readings(lots), rows)


def _of_rows(surroundings: Surroundings, rows: Ints) -> Surroundings:
    place: Mapping[int, int] = {row: at for at, row in enumerate(rows.tolist())}
    known = [replace(each, row=place[each.row]) for each in surroundings.known if each.row in place]
    return replace(surroundings, known=known)


def _told(changes: Sequence[AlertChange], now_ms: int) -> Sequence[AlertChange]:
    """Return the changes without alerts that were over long before they were found."""
    old_s = (now_ms - OLD_NEWS // timedelta(milliseconds=1)) // 1000
    over = {
        (each.alert.row, each.alert.lane, each.alert.raised_at_s)
        for each in changes
        if each.change is Change.CLEARED and each.at_s < old_s
    }
    return [
        each
        for each in changes
        if (each.alert.row, each.alert.lane, each.alert.raised_at_s) not in over
        or each.change is Change.CLEARED
    ]


def _still_open(changes: Sequence[AlertChange], book: AlertBook) -> Sequence[AlertChange]:
    """Return the newest raising of each alert of the book that is open still."""
    newest: dict[tuple[int, str], AlertChange] = {}
    for each in changes:
        alert = book.alerts.get((each.alert.row, each.alert.lane))
        if alert is not None and alert.is_open and each.change is Change.RAISED:
            newest[each.alert.row, each.alert.lane] = each
    return list(newest.values())


def _without_settled(memory: FleetMemory, learned: Learned) -> AlertBook:
    """Return the book without alerts that a crew's finding ended."""
    settled = {
        (memory.fleet.row_of[name], lane): at_s
        for (name, lane), at_s in learned.settled_s.items()
        if name in memory.fleet.row_of
    }
    return AlertBook(
        alerts={
            place: alert
            for place, alert in memory.book.alerts.items()
            if alert.raised_at_s > settled.get(place, -1)
        }
    )
