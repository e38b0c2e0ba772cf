"""The tablet's rules, each switched off as a team in a hurry would have built it."""

from collections.abc import Iterator, Sequence
from itertools import count

import pytest
from sqlalchemy import Connection, delete, update

from field_app.access.personal_data import PersonalData
from field_app.orders import seen_order_store
from field_app.store import (
    base_store,
    order_copy_store,
    outcome_store,
    outgoing_store,
    sealed_alone_store,
    settings_store,
)
from field_app.store.base_store import Thing
from field_app.store.outbox_store import OutboxEntry
from field_app.store.outcome_store import Settled
from field_app.store.settings_store import Key
from field_app.store.tables import base_row, outbox_op, sealed_item
from field_app.sync import client_io, pulling, pushing, uploading
from field_app.sync.engine import SyncEngine
from field_app.sync.pushing import Pusher
from field_app.sync.reasons import RequestRefused
from sync_server.sync.tokens import Cursor, Position, dump_token, parse_token
from wire_contracts.fields import JsonObject
from wire_contracts.operations import Operation, PushAnswer
from wire_contracts.pulls import EntityRow

Patch = pytest.MonkeyPatch


def token_without_its_rows(patch: Patch) -> None:
    """T4: now and then the token is kept and the rows are not."""
    real, calls = pulling._take_rows, count(1)

    def lose_some(*arguments: object, **names: object) -> set[Thing]:
        if next(calls) % 5 == 0:
            return set()
        return real(*arguments, **names)  # type: ignore[arg-type]  # passed on as it came

    patch.setattr(pulling, "_take_rows", lose_some)


def acknowledgement_moves_the_token(patch: Patch) -> None:
    """T5: the tablet's own push moves its cursor past the changes of others."""
    real = Pusher._take_answer

    def take(pusher: Pusher, answer: PushAnswer, *rest: object) -> object:
        batch = real(pusher, answer, *rest)  # type: ignore[arg-type]  # passed on
        connection = rest[-1]
        assert isinstance(connection, Connection)
        token = settings_store.load_text(connection, Key.PULL_TOKEN)
        newest = max((result.seq for result in answer.results), default=0)
        if token is not None:
            cursor = parse_token(token)
            positions = {
                bucket: Position(pos=max(position.pos, newest), floor=position.floor)
                for bucket, position in cursor.positions.items()
            }
            moved = Cursor(server_epoch=cursor.server_epoch, positions=positions)
            settings_store.save(connection, Key.PULL_TOKEN, dump_token(moved))
        return batch

    patch.setattr(Pusher, "_take_answer", take)


def outbox_goes_with_the_row(patch: Patch) -> None:
    """T10: unsent work on a row that leaves the tablet's scope goes with the row."""

    def purge(connection: Connection, things: set[Thing], _name: str | None) -> None:
        ids = [entity_id for _, entity_id in things]
        connection.execute(delete(outbox_op).where(outbox_op.c.order_id.in_(ids)))

    patch.setattr(base_store, "_keep_needed", purge)


def unknown_fields_dropped(patch: Patch) -> None:
    """T19: what today's app does not know is not kept for tomorrow's."""
    real = base_store._put

    def strip(
        connection: Connection, name: str, rows: Sequence[EntityRow], *rest: object
    ) -> set[Thing]:
        touched = real(connection, name, rows, *rest)  # type: ignore[arg-type]  # passed on
        unknown = base_row.c.entity == "van_stock"
        connection.execute(update(base_row).where(unknown).values(document="{}"))
        return touched

    patch.setattr(base_store, "_put", strip)


def overlay_ends_with_the_acknowledgement(patch: Patch) -> None:
    """Complaint 1: the own word is not shown any more before the server's row shows it."""
    real = outcome_store.settle

    def settle(connection: Connection, *arguments: object, **names: object) -> Settled:
        settled = real(connection, *arguments, **names)  # type: ignore[arg-type]  # passed on
        received = outbox_op.c.status == "received"
        connection.execute(update(outbox_op).where(received).values(status="shown"))
        return settled

    patch.setattr(outcome_store, "settle", settle)


def own_words_not_laid_over(patch: Patch) -> None:
    """I9: the crew sees the server's row, whatever it has written itself."""

    def nothing(_entries: Iterator[OutboxEntry]) -> list[Operation]:
        return []

    patch.setattr(seen_order_store, "_overlay", nothing)


def gone_rows_stay(patch: Patch) -> None:
    """I4: a row that was kept for the crew's words stays when they have arrived."""
    patch.setattr(base_store, "forget_kept", lambda *_arguments: None)


def sums_not_kept(patch: Patch) -> None:
    """I12: the tablet's sum of a bucket is not kept in step with its rows."""
    real, calls = base_store._change_tally, count(1)

    def now_and_then(connection: Connection, *arguments: object) -> None:
        if next(calls) % 4:
            real(connection, *arguments)  # type: ignore[arg-type]  # passed on as it came

    patch.setattr(base_store, "_change_tally", now_and_then)


def nothing_sent_again(patch: Patch) -> None:
    """R1: what the former server had confirmed is not sent to the restored one."""
    patch.setattr(outcome_store, "queue_all_again", lambda _connection: set())


def sending_is_forgotten(patch: Patch) -> None:
    """Complaint 2: what was on its way when the app died is never sent again."""
    patch.setattr(outgoing_store, "recover_sending", lambda _connection: set())


def poison_stands_in_front(patch: Patch) -> None:
    """T11: what the server cannot read ends the contact, again and again."""

    def give_up(_batch: object, detail: str, _connection: Connection) -> None:
        raise RequestRefused(detail)

    patch.setattr(pushing, "_set_aside", give_up)


def photo_let_go_too_early(patch: Patch) -> None:
    """T23: a photo counts as sent when it was offered."""
    patch.setattr(uploading._Way, "go", lambda *_arguments: None)


def any_page_is_an_answer(patch: Patch) -> None:
    """T24: status 200 is success, whoever answered."""
    patch.setattr(client_io, "_demand_our_server", lambda *_arguments: None)


def customers_in_words(patch: Patch) -> None:
    """R23: who is to be met is kept as it came."""

    def as_it_came(
        _self: PersonalData, _entity: str, _entity_id: str, document: JsonObject
    ) -> JsonObject:
        return document

    patch.setattr(PersonalData, "keep", as_it_came)


def withdrawn_means_wiped(patch: Patch) -> None:
    """R4: a tablet that the office withdraws forgets everything, sent or not."""
    real = sealed_alone_store.leave_sealed_only

    def wipe(connection: Connection) -> int:
        real(connection)
        connection.execute(delete(sealed_item))
        connection.execute(delete(outbox_op))
        return 0

    patch.setattr(sealed_alone_store, "leave_sealed_only", wipe)


def sealed_after_the_rest(patch: Patch) -> None:
    """I16: what a withdrawal left sealed goes out after what was done since."""
    patch.setattr(SyncEngine, "send_older", lambda _engine: None)


def orders_go_with_the_restored_server(patch: Patch) -> None:
    """R1: what a restored server does not show is forgotten, as anything that leaves."""
    patch.setattr(order_copy_store, "keep_leaving", lambda *_arguments: None)


def unheard_work_counts_from_the_restore(patch: Patch) -> None:
    """R1: a restored server that takes work of before by its words proves by that whose it was."""
    patch.setattr(outcome_store, "BY_ITS_WORDS", 0)
