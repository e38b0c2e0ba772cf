"""The server's rules, each switched off as a team in a hurry would have built it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection, Engine, Row, delete, update
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from field_app.store import sealed_sending_store
from field_app.store.sealed_sending_store import SealedItem
from sync_server.blobs import files_io
from sync_server.blobs.files_io import BlobFiles
from sync_server.db import change_store
from sync_server.db.sync_tables import CHANGE_HEAD, OP_LEDGER
from sync_server.sync import (
    apply,
    facts,
    forgotten_steps,
    inbox,
    ledger_store,
    lost_orders,
    poke_io,
    poke_store,
    pull,
    push,
    push_job,
    questions,
    retelling,
    sealed_room,
    service,
    word_store,
)
from sync_server.sync.effects import Effect, refused
from sync_server.sync.event_time import EventTime
from sync_server.sync.inbox import Broken, Entry, ReadPush, payload_hash
from sync_server.sync.ledger_store import KnownOperation, LedgerEntry, LedgerRow
from sync_server.sync.merge import Merged, Owner
from sync_server.sync.push_job import PushJob
from sync_server.sync.review_store import ReviewKind
from sync_server.sync.senders import PushOutcome
from sync_server.sync.tokens import Position
from sync_server.work_orders import order_rows_store, person_store
from tests.sync_simulation import server_memory, world
from tests.sync_simulation.office import UNKNOWN_ENTITY, Act, Office
from wire_contracts.codes import Code
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import DeviceTime, OperationResult, Outcome
from wire_contracts.pulls import BucketPage
from wire_contracts.sync import PROTOCOL
from wire_contracts.work_order_states import WORK_ORDER

Patch = pytest.MonkeyPatch
Reading = pull._Reading[BucketPage]

_TARGET = {event: target for (_, event), target in WORK_ORDER.table.items()}


def sequence_before_the_commit(patch: Patch) -> None:
    """T1: the sequence is handed out when the transaction begins; a reader passes the hole."""

    def begin(office: Office, one: Act) -> None:
        with office.engine.begin() as connection:
            seq = change_store.commit_seq(connection)

        def with_old_sequence(connection: Connection) -> None:
            transaction = connection.get_transaction()
            connection.info[change_store._SEQ_OF_TRANSACTION] = (transaction, seq)
            one(connection)

        office.open_acts.append(with_old_sequence)

    patch.setattr(Office, "begin", begin)


def sequence_of_a_counter(patch: Patch) -> None:
    """T1 on PostgreSQL: a counter that nobody's commit waits for, as a sequence is there."""

    def by_counter(connection: Connection) -> int:
        transaction = connection.get_transaction()
        known = connection.info.get(change_store._SEQ_OF_TRANSACTION)
        if known is not None and known[0] is transaction:
            return int(known[1])
        with connection.engine.begin() as other:
            other.execute(update(CHANGE_HEAD).values(seq=CHANGE_HEAD.c.seq + 1))
            seq, _ = change_store.head_and_horizon(other)
        connection.info[change_store._SEQ_OF_TRANSACTION] = (transaction, seq)
        return seq

    patch.setattr(change_store, "commit_seq", by_counter)


def clock_as_the_cursor(patch: Patch) -> None:
    """T2: the cursor is the time of one of two servers whose clocks differ."""
    ticks = count(1)

    def by_clock(connection: Connection) -> int:
        transaction = connection.get_transaction()
        known = connection.info.get(change_store._SEQ_OF_TRANSACTION)
        if known is not None and known[0] is transaction:
            return int(known[1])
        tick = next(ticks)
        at = 1000 + tick * 3 - (17 if tick % 3 == 0 else 0)
        connection.execute(update(CHANGE_HEAD).values(seq=at))
        connection.info[change_store._SEQ_OF_TRANSACTION] = (transaction, at)
        return at

    patch.setattr(change_store, "commit_seq", by_clock)


def no_ledger(patch: Patch) -> None:
    """T3: an operation that comes again is applied again."""
    known_operations = ledger_store.known_operations

    def nothing(_connection: Connection, _op_ids: Iterable[str]) -> dict[str, KnownOperation]:
        return {}

    def write_what_is_new(
        connection: Connection,
        replica_id: str,
        tablet: object,
        entries: Iterable[LedgerEntry],
        *rest: object,
    ) -> None:
        lines = list(entries)
        known = known_operations(connection, [line.operation.op_id for line in lines])
        new = [line for line in lines if line.operation.op_id not in known]
        real(connection, replica_id, tablet, new, *rest)  # type: ignore[arg-type]  # passed on

    real = ledger_store.write_ledger
    patch.setattr(push_job, "known_operations", nothing)
    patch.setattr(push_job, "write_ledger", write_what_is_new)


def no_tombstones(patch: Patch) -> None:
    """T6: a row that leaves the bucket is simply not mentioned any more."""
    patch.setattr(change_store._Writer, "leave", lambda *_arguments: None)


def counter_as_the_identity(patch: Patch) -> None:
    """T7: an operation is its number on its device; a restored tablet uses numbers again."""
    real = PushJob._is_fresh

    def by_number(job: PushJob, entry: Entry) -> bool:
        is_used = not isinstance(entry, Broken) and bool(job._copies.numbers.get(entry.n))
        if is_used and entry.op_id not in job._known:
            result = OperationResult(op_id=entry.op_id, outcome=Outcome.APPLIED)
            job._known[entry.op_id] = KnownOperation(
                payload_hash=payload_hash(entry), result=result
            )
        return real(job, entry)

    patch.setattr(PushJob, "_is_fresh", by_number)


def last_write_wins(patch: Patch) -> None:
    """T8: the crew's value replaces whatever is there."""

    def overwrite(_owner: Owner, _now: JsonValue, _seen: JsonValue, wanted: JsonValue) -> Merged:
        return Merged(outcome=Outcome.APPLIED, value=wanted)

    patch.setattr(apply, "merge_field", overwrite)


def no_state_guard(patch: Patch) -> None:
    """T9: a step is taken from whatever state the order is in."""
    any_way = SimpleNamespace(
        table=WORK_ORDER.table, next_state=lambda _state, event: _TARGET[event]
    )
    patch.setattr(order_rows_store, "LIFE_CYCLE", any_way)
    patch.setattr(apply, "_refusal", lambda *_arguments: None)
    patch.setattr(apply, "is_there", lambda *_arguments: False)


def refusal_without_an_answer(patch: Patch) -> None:
    """T11: one operation that is refused makes the whole request fail."""
    real = PushJob._judge

    def demand(job: PushJob, entry: Entry, *rest: object) -> None:
        real(job, entry, *rest)  # type: ignore[arg-type]  # passed on as it came
        if job._judged[entry.op_id].effect.outcome is Outcome.REFUSED:
            raise PoolTimeoutError(entry.op_id)

    patch.setattr(PushJob, "_judge", demand)


def actor_at_push(patch: Patch) -> None:
    """T12: work is attributed to whoever is logged in when it is sent."""
    real = ledger_store._ledger_row

    def by_tablet(*arguments: object) -> LedgerRow:
        row = real(*arguments)  # type: ignore[arg-type]  # passed on
        return row._replace(actor="whoever")

    patch.setattr(ledger_store, "_ledger_row", by_tablet)


def no_horizon(patch: Patch) -> None:
    """T13: a tablet older than the purged tombstones goes on as if nothing had happened."""
    real = change_store.head_and_horizon
    patch.setattr(service, "head_and_horizon", lambda connection: (real(connection)[0], 0))


def no_floor(patch: Patch) -> None:
    """T14: a first pass below the horizon is reset again and again."""
    patch.setattr(Position, "known", property(lambda position: position.pos))


def facts_refused_for_their_order(patch: Patch) -> None:
    """T15: a fact that comes before what it belongs to is refused."""
    real = facts.keep_fact

    def demand(*arguments: object, **names: object) -> Effect:
        effect = real(*arguments, **names)  # type: ignore[arg-type]  # passed on as it came
        is_early = effect.review is ReviewKind.ORPHAN_FACT
        return refused(Code.GONE, "no such order") if is_early else effect

    patch.setattr(apply, "keep_fact", demand)


def entries_keep_their_place(patch: Patch) -> None:
    """T18: what changes again stays where readers have passed already."""
    real = change_store._Writer.put

    def in_place(
        writer: change_store._Writer,
        key: tuple[str, str],
        bucket: str,
        row_hash: int,
        old_hash: int | None,
    ) -> None:
        real(writer, key, bucket, row_hash, old_hash)
        if old_hash is not None:
            writer._entries[-1] = writer._entries[-1]._replace(seq=1)

    patch.setattr(change_store._Writer, "put", in_place)


def ledger_pruned(patch: Patch) -> None:
    """T20: what was settled long ago is forgotten, and a late repeat is news."""
    real = push.take_push

    def forgetful(engine: Engine, tablet: object, what: ReadPush, now_utc: datetime) -> PushOutcome:
        with engine.begin() as connection:
            before_ms = ms_from_utc(now_utc - timedelta(minutes=30))
            connection.execute(delete(OP_LEDGER).where(OP_LEDGER.c.received_at_ms < before_ms))
        return real(engine, tablet, what, now_utc)  # type: ignore[arg-type]  # passed on

    patch.setattr(service, "take_push", forgetful)


def times_as_the_tablet_says(patch: Patch) -> None:
    """T21: the tablet's wall clock is believed, wherever somebody has set it."""

    def believe(at: DeviceTime, **names: object) -> EventTime:
        del names
        return EventTime(at_ms=at.wall_ms, is_suspect=False)

    patch.setattr(push_job, "corrected_time", believe)


def nobody_is_told(patch: Patch) -> None:
    """Complaint 5: what is refused is dropped and nobody hears of it."""
    patch.setattr(questions, "add_review", lambda *_arguments: "")


def what_is_refused_is_dropped(patch: Patch) -> None:
    """Complaint 9: the words that did not win are not kept."""
    patch.setattr(push_job, "keep_operation", lambda *_arguments: True)


def sums_by_heart(patch: Patch) -> None:
    """I12: the sum of a bucket forgets what a row was before."""
    real = change_store._Writer._add

    def add(writer: change_store._Writer, bucket: str, rows: int, hash_change: int) -> None:
        real(writer, bucket, rows, hash_change if rows else 0)

    patch.setattr(change_store._Writer, "_add", add)


def same_epoch_after_a_restore(patch: Patch) -> None:
    """R1: a server that was put back to its backup goes on as the one before."""
    patch.setattr(server_memory, "draw_server_epoch", lambda _connection: 0)


def newest_version_for_everybody(patch: Patch) -> None:
    """I15: the server answers in its own version, whoever asks."""
    patch.setattr(service, "agreed_protocol", lambda _peer: PROTOCOL)


def page_cut_anywhere(patch: Patch) -> None:
    """I5: a page takes as many rows as fit and says that it has read to the head."""
    real = pull._read

    def to_the_head(connection: Connection, ask: pull._Ask, budget: pull._Budget) -> Reading:
        return replace(real(connection, ask, budget), end_pos=ask.head)

    patch.setattr(pull, "_read", to_the_head)


def photo_taken_unread(patch: Patch) -> None:
    """T23: a photo is acknowledged when its last byte has come, whatever the bytes are."""
    patch.setattr(files_io, "_hash_of", lambda file: Path(str(file.name)).name.split(".")[0])
    patch.setattr(BlobFiles, "is_intact", lambda *_arguments: True)


def page_moves_over_orders_alone(patch: Patch) -> None:
    """T16: a page that is full of what the tablet does not know does not move its token."""
    real = pull._read

    def to_the_last_order(connection: Connection, ask: pull._Ask, budget: pull._Budget) -> Reading:
        reading = real(connection, ask, budget)
        page = reading.page
        if page is None or page.end is not None:
            return reading
        orders = [row.seq for row in page.rows if row.entity != UNKNOWN_ENTITY]
        return replace(reading, end_pos=max(orders, default=ask.start.pos))

    patch.setattr(pull, "_read", to_the_last_order)


def every_page_is_the_last(patch: Patch) -> None:
    """T17: a page says that the bucket is complete, though the next one is of another moment."""
    real = pull._read

    def with_an_end(connection: Connection, ask: pull._Ask, budget: pull._Budget) -> Reading:
        reading = real(connection, ask, budget)
        return replace(reading, page=reading.page and replace(reading.page, end=ask.look.end))

    patch.setattr(pull, "_read", with_an_end)


def customers_stay_on_the_tablet(patch: Patch) -> None:
    """R19: whoever was on a tablet once stays there, work or no work."""
    real = person_store._is_near
    seen: set[str] = set()

    def for_ever(row: Row[str], now_utc: datetime) -> bool:
        if real(row, now_utc):
            seen.add(row.order_id)
        return row.order_id in seen

    patch.setattr(person_store, "_is_near", for_ever)


def nothing_sealed_is_taken(patch: Patch) -> None:
    """R4: what a withdrawn tablet still has is confirmed, and dropped."""

    def dropped(_engine: object, _sender: object, entries: Sequence[Entry]) -> PushOutcome:
        results = [OperationResult(op_id=each.op_id, outcome=Outcome.APPLIED) for each in entries]
        return PushOutcome(results=results, must_renew_replica=False, server_epoch=1)

    patch.setattr(sealed_room, "take_sent", dropped)


def nobody_is_poked(patch: Patch) -> None:
    """The poke looks at the organisation's bucket alone: orders come with the next poll."""
    real = poke_store.heads_of

    def of_the_organisation(connection: Connection, buckets: Iterable[str]) -> dict[str, int]:
        return real(connection, set(buckets) & {change_store.ORG_BUCKET})

    patch.setattr(poke_io, "heads_of", of_the_organisation)


def sealed_as_it_comes(patch: Patch) -> None:
    """F1: sealed taps take effect in the order of their ids, which are drawn at random."""
    real = sealed_sending_store.next_alone

    def by_name(connection: Connection, limit: int) -> list[SealedItem]:
        return sorted(real(connection, limit), key=lambda item: item.envelope.about[::-1])

    patch.setattr(sealed_sending_store, "next_alone", by_name)
    patch.setattr(sealed_room, "_number", lambda _entry: 0)


def an_earlier_word_overwrites(patch: Patch) -> None:
    """R1: whichever word of a field comes last stands, also after a restore.

    Words that are judged anew in their true order (ADR 0037) would be right all the same.
    """
    patch.setattr(word_store, "is_overtaken", lambda *_arguments, **_names: False)
    patch.setattr(retelling, "_SEVERAL", 99)


def a_restore_is_not_noted(patch: Patch) -> None:
    """R1: a restored server takes what it has forgotten for what never was."""
    patch.setattr(world, "note_restored", lambda *_arguments: None)


def an_order_is_whose_the_backup_says(patch: Patch) -> None:
    """R1: whoever was given an order after the backup is a stranger to it."""
    patch.setattr(forgotten_steps, "_is_given", lambda *_arguments: False)


def a_colleagues_steps_are_waited_for(patch: Patch) -> None:
    """R1: after a restore a step is refused while the tablet with those before it is away."""
    patch.setattr(forgotten_steps, "_steps_between", lambda *_arguments: iter(()))


def what_a_former_server_said_is_forgotten(patch: Patch) -> None:
    """ADR 0033: repeats are judged by their words alone, whatever a server had said of them."""
    patch.setattr(inbox, "parse_told", lambda _root: {})


def nobody_is_asked_about_lost_orders(patch: Patch) -> None:
    """R1: what tablets tell of orders that are not here is not kept."""
    patch.setattr(push, "keep_copies", lambda *_arguments: None)


def an_order_made_again_counts_of_now(patch: Patch) -> None:
    """R1: whoever had the order after it was first made comes too late once it is made again."""
    patch.setattr(lost_orders, "_counts_of", lambda _document, now_utc: now_utc)


def remarks_of_a_copy_come_again(patch: Patch) -> None:
    """R18: what a crew noted stands in the copy of its order, and is noted once more."""
    patch.setattr(apply, "has_remark", lambda *_arguments: False)
