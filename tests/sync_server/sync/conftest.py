"""The town that the tests of a push work on; other tests here found their own."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncService, SyncTerms
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.people_parts import Pen, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock


@pytest.fixture
def utility(sqlite_engine: Engine, clock: HandClock) -> Utility:
    return found_utility(sqlite_engine, clock)


@pytest.fixture
def pen(utility: Utility) -> Pen:
    return Pen(actor=utility.member.account_id, clock=utility.clock)


@pytest.fixture
def order_id(utility: Utility) -> str:
    with utility.engine.begin() as connection:
        alert_id = raise_leak(connection)
        actor = utility.dispatcher.account_id
        return create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id


@pytest.fixture
def keys(tmp_path: Path) -> SealingKeys:
    found = SealingKeys(tmp_path / "sealing_keys")
    found.ensure(NOON)
    return found


@pytest.fixture
def service(utility: Utility, keys: SealingKeys, tmp_path: Path) -> SyncService:
    intake = Intake(utility.engine, BlobFiles(tmp_path / "blobs"), utility.clock)
    return SyncService(utility.engine, utility.clock, SyncTerms(keys=keys, intake=intake))
