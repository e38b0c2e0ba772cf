"""Makes a file of the present schema with words in every state, to be frozen with a release.

python -m tests.field_app.freeze_store tests/data/tablet/store-vN.sqlite3.z
"""

import sqlite3
import sys
import tempfile
import zlib
from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from field_app.crew import HeadlessCrew
from field_app.store import outbox_store, outgoing_store
from field_app.store.identity_io import save_identity
from field_app.store.record_states import OpStatus
from field_app.store.tables import outbox_op
from field_app.sync.pushing import Pusher
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from field_app.tablet import STORE_FILE
from tests.field_app.office_parts import BadNetwork, Fate, Office, found_office
from tests.sync_server.real_parts import HandClock
from wire_contracts.findings import Cause
from wire_contracts.kinds import FindingResult
from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.pulls import PullAnswer
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.work_order_states import WorkOrderEvent


class ReadsNothing:
    """A server that understands no push at all."""

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        raise SyncProblem(Reason.SERVER, f"pull of {limit} after {token}")

    def push(self, push: WrittenPush) -> PushAnswer:
        raise RequestRefused(f"push: ops: {len(push.bodies)} are not known; update")


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        founded = found_office(root / "template.sqlite3")
        engine = founded.copy_to(root / "server.sqlite3")
        store = _live(root / "tablet", founded.office(engine, HandClock()))
        engine.dispose()
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        target.write_bytes(zlib.compress(store.read_bytes(), 9))


def _live(folder: Path, office: Office) -> Path:
    save_identity(folder, office.identity())
    network = BadNetwork(office.api())
    crew = HeadlessCrew(folder, office.clock, connect=lambda _identity: network)
    with closing(crew):
        water, gas, heat = (
            office.new_order(each) for each in (Medium.WATER, Medium.GAS, Medium.HEAT)
        )
        crew.sync_now()
        _make_shown_and_refused(crew, office, water, heat)
        network.fates = iter([Fate.WELL, Fate.WELL, Fate.REQUEST_LOST])
        crew.accept(gas)
        crew.sync_now()
        _make_held(crew, office, gas)
        _make_sending(crew, water)
        measured = {Quantity.FLOW_M3H: 0.9}
        crew.finish(
            water, FindingResult.LEAK, Cause.JOINT, note="第三节接头 third joint", measured=measured
        )
        crew.depart(gas)
        half = {"result": "normal", "note": "半句话 half a sen", "measured.flow_m3h": "0,25"}
        crew.answer(gas, half)
        crew.tablet.database.write(partial(_add_photos, done=water, half=gas))
    return folder / STORE_FILE


def _make_shown_and_refused(crew: HeadlessCrew, office: Office, shown: str, refused: str) -> None:
    crew.go_to_work(shown)
    crew.tablet.desk.add_note(shown, "阀门已关 valve closed")
    crew.sync_now()
    crew.accept(refused)
    office.act(refused, WorkOrderEvent.CANCEL)
    crew.sync_now()


def _make_held(crew: HeadlessCrew, office: Office, order_id: str) -> None:
    crew.tablet.desk.add_note(order_id, "held words")
    Pusher(crew.tablet.database, ReadsNothing(), office.clock, lambda _connection: None).push_all()


def _make_sending(crew: HeadlessCrew, order_id: str) -> None:
    crew.tablet.desk.add_note(order_id, "on its way")

    def work(connection: Connection) -> None:
        queued = outbox_store.load_entries(connection, outbox_op.c.status == OpStatus.QUEUED)
        op_ids = [entry.operation.op_id for entry in queued]
        outgoing_store.mark_status(connection, op_ids, OpStatus.SENDING)

    crew.tablet.database.write(work)


def _add_photos(connection: Connection, *, done: str, half: str) -> None:
    statement = (
        "INSERT INTO photo_job (sha256, order_id, size_bytes, sent_bytes, is_done)"
        " VALUES (?, ?, ?, ?, ?)"
    )
    connection.exec_driver_sql(statement, ("a" * 64, done, 1_900_000, 1_900_000, 1))
    connection.exec_driver_sql(statement, ("b" * 64, half, 2_000_000, 65_536, 0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
