"""The list of orders pages by the order it ended with, whatever their number."""

from functools import partial

from sqlalchemy import Engine

from sync_server.db.order_tables import WORK_ORDER
from sync_server.web.order_views import STATES_IN_TAB
from sync_server.work_orders.order import OrderFilter
from sync_server.work_orders.order_store import create_from_alert, list_orders
from tests.sync_server.long_lists import LONG, grow, steps_of
from tests.sync_server.people_parts import found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock

MOST_STEPS = 10_000
"""Steps of SQLite's machine for a page of 51: 2300, 6300 of what is open; all rows: 700,000."""


def test_the_last_page_of_100000_orders_costs_what_the_first_costs(
    sqlite_engine: Engine, clock: HandClock
) -> None:
    actor = found_utility(sqlite_engine, clock).dispatcher.account_id
    differing = {
        "order_id": "printf('f%035d', i)",  # behind every id of our own
        "number": "printf('WO-%06d', i + 1)",
        "state": "CASE WHEN i % 1000 THEN 'closed' ELSE o.state END",
        "evidence": "NULL",
        "document": "NULL",
    }
    with sqlite_engine.begin() as connection:
        create_from_alert(connection, raise_leak(connection, "M-1"), actor, "crew-1", NOON)
        grow(connection, WORK_ORDER, "order_id", differing)

    costs = {}
    with sqlite_engine.connect() as connection:
        for tab, states in STATES_IN_TAB.items():
            for number in (LONG, 70_000, 60_000 if tab == "open" else 90):
                before = f"f{number:035d}"
                wanted = OrderFilter(states=states, before=before, has_evidence=False, limit=51)
                work = partial(list_orders, connection, wanted)
                costs[tab, number] = steps_of(connection, work)

    assert {key: len(found) for key, (_, found) in costs.items()} == dict.fromkeys(costs, 51)
    assert max(steps for steps, _ in costs.values()) < MOST_STEPS
