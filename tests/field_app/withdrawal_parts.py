"""A tablet that the office withdraws, and what the server has of it, for tests."""

from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import select

from field_app.platform.ports import Vault
from field_app.tablet import Tablet, open_tablet
from sync_server.access.tablet_store import revoke_tablet
from sync_server.blobs.api_io import blobs_router
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.db.sync_tables import OP_LEDGER, SEALED_ITEM
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncTerms
from tests.field_app.office_parts import Office, office_app
from tests.field_app.vault_parts import quick_vault
from wire_contracts.work_order_states import WorkOrderEvent

PIN = "482916"
WORDS = "the valve behind the stairs 楼梯后面的阀门"


def app_with_keys(office: Office, folder: Path) -> FastAPI:
    keys = SealingKeys(folder)
    keys.ensure(office.clock.now_utc())
    intake = Intake(office.engine, BlobFiles(folder / "blobs"), office.clock)
    app = office_app(office, SyncTerms(keys=keys, intake=intake))
    app.include_router(blobs_router(intake))
    return app


def new_tablet(folder: Path, office: Office, server: str, vault: Vault | None = None) -> Tablet:
    tablet = open_tablet(folder, office.clock, vault=vault or quick_vault(folder))
    tablet.enrol(server, office.code(), "van 3")
    tablet.sync_now()
    return tablet


def work_offline(tablet: Tablet, order_id: str) -> list[str]:
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.desk.add_note(order_id, WORDS)
    tablet.desk.save_answers(order_id, {"note": f"draft of {WORDS}"})
    return [entry.operation.op_id for entry in tablet.waiting()]


def work_offline_after_accepting(tablet: Tablet, order_id: str) -> list[str]:
    tablet.desk.tap(order_id, WorkOrderEvent.DEPART)
    tablet.desk.add_note(order_id, WORDS)
    return [entry.operation.op_id for entry in tablet.waiting()]


def revoke(office: Office, tablet: Tablet) -> None:
    assert tablet.identity is not None
    tablet_id = tablet.identity.tablet_id
    actor = office.utility.dispatcher.account_id
    with office.engine.begin() as connection:
        revoke_tablet(connection, tablet_id, actor, office.clock.now_utc())


def ledger(office: Office) -> dict[str, str]:
    with office.engine.begin() as connection:
        rows = connection.execute(select(OP_LEDGER.c.op_id, OP_LEDGER.c.actor))
        return {row.op_id: row.actor for row in rows}


def kinds_kept(office: Office) -> list[tuple[str, bool]]:
    with office.engine.begin() as connection:
        rows = connection.execute(select(SEALED_ITEM.c.kind, SEALED_ITEM.c.is_opened))
        return sorted((str(row.kind), bool(row.is_opened)) for row in rows)


def files_with(folder: Path, words: str) -> list[str]:
    forms = (words.encode(), words.encode("ascii", "backslashreplace"))
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    )
