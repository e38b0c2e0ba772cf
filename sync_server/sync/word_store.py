"""The words that the crews' fields took, and what the office decided about them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from sync_server.db.access_tables import TABLET
from sync_server.db.bulk_io import find_among
from sync_server.db.sync_tables import OP_LEDGER, REVIEW_ITEM, SYNC_CONFLICT, TOLD_BEFORE
from sync_server.sync.event_time import EventTime
from sync_server.sync.merge import FieldWord, is_overtaken
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.operations import Operation, OperationKind, Outcome
from wire_contracts.orders import ENTITY, FIELD_OWNED
from wire_contracts.review_outcomes import Choice

_TAKEN = frozenset({Outcome.APPLIED, Outcome.MERGED, Outcome.NOOP})
"""Outcomes after which the field says what the crew wrote."""


def field_taken(operation: Operation, outcome: Outcome) -> str | None:
    """Return which of the crews' fields took the operation's word, None when none did."""
    is_word = operation.kind is OperationKind.SET and operation.entity == ENTITY
    is_taken = is_word and operation.field in FIELD_OWNED and outcome in _TAKEN
    return operation.field if is_taken else None


class FieldWords:
    """What a push must know to put no earlier word over a later one."""

    def __init__(self, connection: Connection, replica_id: str) -> None:
        """Work in the caller's transaction for what one copy of a store sends."""
        self._connection = connection
        self._replica_id = replica_id
        self._is_counted = True
        self._words: dict[tuple[str, str], list[FieldWord]] = {}

    def of_store(self, replica_id: str) -> "FieldWords":
        """Return the same words for what another copy of a store sends."""
        beside = FieldWords(self._connection, replica_id)
        beside._words = self._words
        return beside

    def doubt_numbers(self) -> None:
        """Go by the clocks: this store is a copy of another, or was put back from one."""
        self._is_counted = False

    def load(self, operations: Iterable[Operation]) -> None:
        """Read the words that were taken of these operations' fields."""
        order_ids: dict[str, set[str]] = {}
        for each in operations:
            if each.kind is OperationKind.SET and each.field in FIELD_OWNED:
                order_ids.setdefault(each.field, set()).add(each.entity_id)
        for field, wanted in order_ids.items():
            rows = find_among(
                self._connection, OP_LEDGER, _COLUMNS, "entity_id", wanted, field=field
            )
            for row in rows:
                is_old = row.is_time_doubtful is None
                is_doubtful = bool(row.is_clock_suspect if is_old else row.is_time_doubtful)
                word = FieldWord(row.replica_id, int(row.n), int(row.happened_at_ms), is_doubtful)
                self._words.setdefault((row.entity_id, field), []).append(word)

    def note(self, operation: Operation, time: EventTime, outcome: Outcome) -> None:
        """Remember a word that was taken just now."""
        field = field_taken(operation, outcome)
        if field is not None:
            key = operation.entity_id, field
            self._words.setdefault(key, []).append(self._word(operation, time))

    def give_up(self, order_id: str, crew_id: str, since_utc: datetime) -> None:
        """Let no word of other crews be later than a crew's that had the order after them.

        Of those that this server took since it was restored, and no former one: what was taken
        before was of who had it.
        """
        asked = {
            "of_order": order_id,
            "of_crew": crew_id,
            "since_ms": ms_from_utc(since_utc),
        }
        gone = {(row.replica_id, row.n) for row in self._connection.execute(_GIVE_UP, asked)}
        for key, words in self._words.items():
            if gone and key[0] == order_id:
                words[:] = [each for each in words if (each.replica_id, each.n) not in gone]

    def is_overtaken(
        self, operation: Operation, time: EventTime, current: JsonValue, told_ms: int | None
    ) -> bool:
        """Return whether a later word stands: of a crew, or of who settled what crews had written.

        Who saw the settled value and wrote another one knew what was decided. `told_ms`: when a
        former server had the operation, None where nobody told.
        """
        has_seen = operation.old == current
        taken = self._words.get((operation.entity_id, operation.field))
        if taken:
            mine = self._word(operation, time)._replace(until_ms=told_ms or 0)
            if is_overtaken(mine, taken, has_seen=has_seen, is_counted=self._is_counted):
                return True
        if has_seen or time.is_doubtful:
            return False
        decided_at_utc = _decided_at(self._connection, operation.entity_id, operation.field)
        return decided_at_utc is not None and decided_at_utc > time.at_utc

    def _word(self, operation: Operation, time: EventTime) -> FieldWord:
        return FieldWord(self._replica_id, operation.n, time.at_ms, time.is_doubtful)


_GIVE_UP = (
    update(OP_LEDGER)
    .where(
        OP_LEDGER.c.entity_id == bindparam("of_order"),
        OP_LEDGER.c.field.is_not(None),
        OP_LEDGER.c.received_at_ms >= bindparam("since_ms"),
        OP_LEDGER.c.tablet_id.not_in(
            select(TABLET.c.tablet_id).where(TABLET.c.crew_id == bindparam("of_crew"))
        ),
        OP_LEDGER.c.op_id.not_in(select(TOLD_BEFORE.c.op_id).where(TOLD_BEFORE.c.told_ms > 0)),
    )
    .values(field=None)
    .returning(OP_LEDGER.c.replica_id, OP_LEDGER.c.n)
)
"""The outcomes stay: both values are kept with the conflict of the word that takes their place."""


_COLUMNS = (
    "entity_id",
    "replica_id",
    "n",
    "happened_at_ms",
    "is_clock_suspect",
    "is_time_doubtful",
)


def _decided_at(connection: Connection, order_id: str, field: str) -> datetime | None:
    """Return when a person last chose what a field says, None when nobody did."""
    asked = {"order": order_id, "of_field": field}
    at_ms = connection.execute(_DECIDED, asked).scalar_one_or_none()
    return None if at_ms is None else utc_from_ms(at_ms)


_DECIDED = (
    select(func.max(REVIEW_ITEM.c.resolved_at_ms))
    .join(SYNC_CONFLICT, SYNC_CONFLICT.c.op_id == REVIEW_ITEM.c.op_id)
    .where(
        REVIEW_ITEM.c.entity == ENTITY,
        REVIEW_ITEM.c.entity_id == bindparam("order"),
        REVIEW_ITEM.c.choice.in_([str(Choice.OFFICE), str(Choice.CREW), str(Choice.OTHER)]),
        SYNC_CONFLICT.c.field == bindparam("of_field"),
    )
)
