"""The desk's weeks before the town is shown: lived by the server's rules, the same twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from demo.accounts import plan_accounts
from demo.desk_past import DAYS, MATTERS, plan_calls
from demo.seed_desk_io import DeskPast
from demo.seed_server_io import seed_assets, seed_customers, seed_people
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from sync_server.access.audit_store import verify_audit
from sync_server.aftercare.callback_store import callbacks_between
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.work_orders.order_store import list_orders
from wire_contracts.request_states import RequestState
from wire_contracts.work_order_states import WorkOrderState

LIVED = timedelta(days=4)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Iterator[Engine]:
    """Four days of calls of two hundred homes."""
    folder: Path = tmp_path_factory.mktemp("desk")
    engine = open_engine(f"sqlite:///{folder / 'server.sqlite3'}")
    migrate(engine)
    small = replace(town, households=town.households[:200])
    with engine.begin() as connection:
        seed_assets(connection, small, DEFAULT_START_UTC)
        seed_customers(connection, small, DEFAULT_START_UTC)
        accounts = [(account, "hash") for account in plan_accounts(town)]
        seed_people(connection, small, accounts, DEFAULT_START_UTC)
        past = DeskPast(connection, small.seed)
        past.live(plan_calls(small, DEFAULT_START_UTC, days=4), DEFAULT_START_UTC)
    yield engine
    engine.dispose()


def test_five_weeks_of_calls_follow_from_the_seed_and_nobody_calls_from_the_future(
    town: Town,
) -> None:
    calls = plan_calls(town, DEFAULT_START_UTC)
    classes = Counter(each.matter.request_class for each in calls if each.matter)

    assert calls == plan_calls(town, DEFAULT_START_UTC)
    assert DEFAULT_START_UTC - timedelta(days=DAYS + 1) < calls[0].at_utc
    assert calls[-1].at_utc < DEFAULT_START_UTC
    assert [each.number for each in calls] == list(range(1, len(calls) + 1))
    assert set(classes) == {each.request_class for each in MATTERS}


def test_what_was_not_done_by_the_evening_stands_open_and_the_rest_has_its_answer(
    lived: Engine,
) -> None:
    with lived.connect() as connection:
        states = Counter(connection.execute(select(SERVICE_REQUEST.c.state)).scalars())
        asked = callbacks_between(connection, DEFAULT_START_UTC - LIVED, DEFAULT_START_UTC)
        orders = Counter(each.state for each in list_orders(connection))
        audit = verify_audit(connection)

    assert states[RequestState.CLOSED] > 0
    assert states.total() > states[RequestState.CLOSED]
    assert asked
    assert orders[WorkOrderState.CLOSED] > 0
    assert audit.broken_at is None
