"""Looks at every step while it happens: what must hold at every moment, not only at rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine

from sync_server.db.engine_io import reading
from sync_server.sync.poke_io import PokeHub
from sync_server.sync.poke_store import heads_of
from sync_server.sync.scope import buckets_of_tablet
from sync_server.sync.tokens import Cursor, mark_of, parse_token
from tests.sync_simulation.server_look import look
from tests.sync_simulation.tablets import SimulatedTablet
from wire_contracts.orders import APPENDED, FIELD_OWNED, order_json
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

EVERYTHING = "everything"
"""What a tablet without a token of this server has not read."""

_EPOCH = "SELECT number FROM server_state WHERE name = 'epoch'"
_ENTRIES = "SELECT entity, entity_id, seq, is_gone, row_hash FROM change WHERE bucket = ?"

ONE_IN = 3
"""Steps after which the newest order is read as the crew reads it: that is half a sync's work."""


@dataclass(slots=True)
class Seen:
    """What a tablet has shown so far; a copy that comes back older begins anew."""

    cursor: Cursor | None = None
    epoch: str = ""
    seqs: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Watch:
    """Collects what broke, with the invariant's number in front."""

    engine: Engine
    seen: dict[str, Seen] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    views: int = 0

    def _of(self, tablet: SimulatedTablet) -> Seen:
        return self.seen.setdefault(tablet.name, Seen())

    def of(self, invariant: str) -> list[str]:
        """Return what broke one invariant on the way, each thing once."""
        mark = f"{invariant} "
        return [
            *dict.fromkeys(each.removeprefix(mark) for each in self.broken if each.startswith(mark))
        ]

    def forget(self, tablet: SimulatedTablet) -> None:
        self.seen.pop(tablet.name, None)

    def ledger_ids(self) -> set[str]:
        return {str(op_id) for (op_id,) in look(self.engine, "SELECT op_id FROM op_ledger")}

    def _has_other_epoch(self, cursor: Cursor) -> bool:
        """Say whether the server was replaced by its backup since: then positions mean nothing."""
        return look(self.engine, _EPOCH) != [(cursor.server_epoch,)]

    # --- I5

    def pulled(self, tablet: SimulatedTablet) -> None:
        """I5: a token never moves back; what it covers is there. I4: a withdrawn one has none."""
        found = tablet.rows("SELECT value FROM setting WHERE key = 'pull_token'")
        if not found:
            return
        if tablet.is_withdrawn():
            self.broken.append(f"I4 {tablet.name} was withdrawn and has received again")
        cursor = parse_token(str(found[0][0]))
        before = self._of(tablet).cursor
        if before is not None and before.server_epoch == cursor.server_epoch:
            for bucket, position in cursor.positions.items():
                was = before.positions.get(bucket)
                if was is not None and position.known < was.known:
                    self.broken.append(f"I5 {tablet.name}: {bucket} went back")
        self._of(tablet).cursor = cursor
        self._covered(tablet, cursor)

    def _covered(self, tablet: SimulatedTablet, cursor: Cursor) -> None:
        held: Mapping[tuple[str, str, str], tuple[int, int]] = {
            (str(bucket), str(entity), str(entity_id)): (int(str(seq)), int(str(row_hash)))
            for bucket, entity, entity_id, seq, row_hash in tablet.rows(
                "SELECT bucket, entity, entity_id, seq, row_hash FROM base_row WHERE is_stale = 0"
            )
        }
        if self._has_other_epoch(cursor):
            return
        for (name,) in tablet.rows("SELECT name FROM bucket"):
            bucket = str(name)
            position = cursor.positions.get(mark_of(bucket))
            if position is None:
                continue
            for entity, entity_id, seq, is_gone, row_hash in look(self.engine, _ENTRIES, bucket):
                if int(str(seq)) > position.pos:
                    continue
                wanted = None if is_gone else (seq, row_hash)
                if held.get((bucket, str(entity), str(entity_id))) != wanted:
                    self.broken.append(f"I5 {tablet.name}: {bucket} lacks {entity_id} at {seq}")

    def poke_of(self, tablet: SimulatedTablet) -> int:
        """Return what the server's stream of pokes says to the tablet first."""
        return PokeHub(self.engine)._open(tablet.seat.identity).seq

    def not_poked(self, tablet: SimulatedTablet) -> None:
        """I13: nobody poked the tablet since it had everything, so nothing of its own is new."""
        self.broken += [
            f"I13 {tablet.name}: {each} came unheard"
            for each in self.unread(tablet)
            if each != EVERYTHING  # it began anew by itself
        ]

    def unread(self, tablet: SimulatedTablet) -> list[str]:
        """Return the buckets that the tablet reads and has not read to their last change."""
        found = tablet.rows("SELECT value FROM setting WHERE key = 'pull_token'")
        if not found:
            return [EVERYTHING]
        cursor = parse_token(str(found[0][0]))
        if self._has_other_epoch(cursor):
            return [EVERYTHING]
        with reading(self.engine) as connection:
            buckets = buckets_of_tablet(connection, tablet.seat.identity)
            heads = heads_of(connection, buckets)
        return [
            f"{bucket} at {seq}"
            for bucket, seq in heads.items()
            if (position := cursor.positions.get(mark_of(bucket))) is not None
            and position.pos < seq
        ]

    # --- I9

    def view(self, tablet: SimulatedTablet) -> None:
        """I9: a tablet always reads its own pending writes, and no older version of a row."""
        self._not_older(tablet)
        self._shown_is_echoed(tablet)
        self.views += 1
        if self.views % ONE_IN:
            return
        last = tablet.rows(
            "SELECT order_id FROM outbox_op WHERE status IN ('queued', 'sending', 'received')"
            " AND is_repeat = 0 AND entity = 'work_order' ORDER BY n DESC LIMIT 1"
        )
        for (order_id,) in last:
            self._own_words_are_read(tablet, str(order_id))

    def _shown_is_echoed(self, tablet: SimulatedTablet) -> None:
        """What the overlay does not hold any more is in the row that is shown."""
        for (op_id,) in tablet.rows(
            "SELECT op_id FROM outbox_op o JOIN base_row b ON b.entity = o.entity"
            " AND b.entity_id = o.entity_id WHERE b.bucket != '' AND b.is_stale = 0"
            " AND o.status = 'shown' GROUP BY op_id HAVING max(b.seq) < max(o.ack_seq)"
        ):
            self.broken.append(f"I9 {tablet.name}: {op_id} is not in the row that is shown")

    def _own_words_are_read(self, tablet: SimulatedTablet, order_id: str) -> None:
        seen = tablet.real.desk.order(order_id)
        if seen is None or seen.document is None:
            if tablet.rows("SELECT 1 FROM base_row WHERE entity_id = ?", order_id):
                self.broken.append(f"I9 {tablet.name}: {order_id} is not shown any more")
            return
        shown = order_json(seen.document)
        if shown["state"] != _expected_state(tablet, order_id):
            self.broken.append(f"I9 {tablet.name}: {order_id} is shown as {shown['state']}")
        for name, wanted in _last_words(tablet, order_id).items():
            is_read = wanted in str(shown[name]) if name in APPENDED else shown[name] == wanted
            if not is_read:
                self.broken.append(f"I9 {tablet.name}: {name} of {order_id} is not {wanted!r}")

    def _not_older(self, tablet: SimulatedTablet) -> None:
        seen = self._of(tablet)
        epoch = str(tablet.rows("SELECT max(value) FROM setting WHERE key = 'server_epoch'"))
        if epoch != seen.epoch:
            seen.epoch = epoch
            seen.seqs.clear()
        for entity_id, newest in tablet.rows(
            "SELECT entity || ' ' || entity_id, max(seq) FROM base_row"
            " WHERE bucket != '' AND is_stale = 0 GROUP BY entity, entity_id"
        ):
            name, seq = str(entity_id), int(str(newest))
            if seq < seen.seqs.get(name, 0):
                self.broken.append(f"I9 {tablet.name}: {name} is older than before")
            seen.seqs[name] = seq


def _last_words(tablet: SimulatedTablet, order_id: str) -> dict[str, str]:
    """Return what the crew wrote last into each field, as far as it still awaits its echo."""
    words: dict[str, str] = {}
    for (body,) in tablet.rows(
        "SELECT body FROM outbox_op WHERE status IN ('queued', 'sending', 'received', 'held')"
        " AND is_repeat = 0 AND entity_id = ? ORDER BY n",
        order_id,
    ):
        operation = json.loads(str(body))
        name = str(operation.get("field"))
        if operation["kind"] == "set" and name in FIELD_OWNED:
            words[name] = operation["new"]
        elif operation["kind"] == "set" and name in APPENDED:
            words[name] = operation["new"].removeprefix(operation["old"]).strip("\n")
    return words


def _expected_state(tablet: SimulatedTablet, order_id: str) -> str:
    """Return the newest row's state with the crew's own steps taken as far as they are possible."""
    newest = tablet.rows(
        "SELECT document FROM base_row WHERE entity = 'work_order' AND entity_id = ?"
        " ORDER BY bucket != '' DESC, seq DESC LIMIT 1",
        order_id,
    )
    state = WorkOrderState(json.loads(str(newest[0][0]))["state"])
    for (event,) in tablet.rows(
        "SELECT json_extract(body, '$.field') FROM outbox_op WHERE entity_id = ? AND is_repeat = 0"
        " AND json_extract(body, '$.kind') = 'go'"
        " AND status IN ('queued', 'sending', 'received', 'held') ORDER BY n",
        order_id,
    ):
        state = WORK_ORDER.table.get((state, WorkOrderEvent(str(event))), state)
    return str(state)
