"""Open requests page along an index: each once, class A first, whatever their number."""

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection, Engine, insert, select, text

from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.service_desk.clocks import ENDED
from sync_server.service_desk.request import RequestRecord
from sync_server.service_desk.request_rows_store import OPEN, key_of, newest_page, open_page
from tests.sync_server.long_lists import LONG, grow, steps_of
from wire_contracts.request_states import RequestState

_S = RequestState
Page = Callable[[], Sequence[RequestRecord]]
COUNT = 60
MOST_STEPS = 5000
"""Steps of SQLite's machine for a page of 50: 2000 to 3000; a list read whole takes millions."""


def fill(connection: Connection) -> None:
    states = sorted(OPEN)
    rows = []
    for number in range(COUNT):
        is_danger, has_due = number % 20 == 0, number % 3 > 0
        due_ms = 1_760_000_000_000 + 1000 * (number * 37 % COUNT) if has_due else None
        sort_ms = (due_ms or 2**61) - (2**62 if is_danger else 0)
        rows.append(
            {
                "request_id": f"{number:036d}",
                "number": f"R-{number:06d}",
                "kind": "repair",
                "request_class": "no_water",
                "channel": "phone",
                "state": str(states[number % len(states)]),
                "priority": 2,
                "safety_class": "A" if is_danger else "C",
                "triage": "unknown",
                "is_major": False,
                "is_media": False,
                "address": "x",
                "first_contact": "a",
                "owner": "a",
                "received_at_ms": 1,
                "recorded_at_ms": 1,
                "due_from_ms": due_ms,
                "due_at_ms": due_ms,
                "due_clock": "CL5" if has_due else None,
                "sort_ms": sort_ms,
                "order_steps_seen": 0,
                "reopen_count": 0,
                "changed_at_ms": 1,
            }
        )
    connection.execute(insert(SERVICE_REQUEST), rows)


def paged(connection: Connection, states: frozenset[RequestState]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while page := open_page(connection, states, found[-1] if found else None, 7):
        found += [key_of(each) for each in page]
    return found


def test_every_open_request_stands_on_one_page_in_order(engine: Engine) -> None:
    with engine.begin() as connection:
        fill(connection)
        everything = paged(connection, OPEN)
        some = paged(connection, frozenset({_S.DONE, _S.REPLIED}))

    assert (everything, len(everything)) == (sorted(set(everything)), COUNT)
    assert some == [each for each in everything if each in set(some)]
    assert len(some) == sum(
        1 for number in range(COUNT) if sorted(OPEN)[number % len(OPEN)] in {_S.DONE, _S.REPLIED}
    )


def test_no_page_of_what_is_open_sorts_the_whole_list(sqlite_engine: Engine) -> None:
    query = (
        "EXPLAIN QUERY PLAN SELECT * FROM service_request WHERE {} "
        "AND sort_ms >= 5 AND (sort_ms > 5 OR request_id > 'x') ORDER BY sort_ms, request_id"
    )
    with sqlite_engine.connect() as connection:
        plans = [
            " ".join(row.detail for row in connection.execute(text(query.format(which))))
            for which in ("sort_ms IS NOT NULL", "state = 'done'")
        ]

    assert all("USING INDEX" in plan and "TEMP B-TREE" not in plan for plan in plans)


def test_the_last_page_of_100000_requests_costs_what_the_first_costs(sqlite_engine: Engine) -> None:
    ended = "CASE WHEN i % 2 THEN 'confirmed' ELSE o.state END"
    differing = {
        "request_id": "printf('%036d', i)",
        "number": "printf('R-%06d', i)",
        "state": ended,
        "sort_ms": "CASE WHEN i % 2 THEN NULL ELSE o.sort_ms + i END",
    }
    with sqlite_engine.begin() as connection:
        fill(connection)
        grow(connection, SERVICE_REQUEST, "request_id", differing)
    pages: dict[str, list[Page]] = {}
    with sqlite_engine.connect() as connection:
        order = (SERVICE_REQUEST.c.sort_ms, SERVICE_REQUEST.c.request_id)
        for name, states in (("open", OPEN), ("slips", frozenset({_S.DISPATCHED}))):
            which = SERVICE_REQUEST.c.state.in_([str(each) for each in states])
            rows = connection.execute(select(*order).where(which).order_by(*order)).all()
            keys = [None, *((rows[place][0], rows[place][1]) for place in (len(rows) // 2, -51))]
            pages[name] = [partial(open_page, connection, states, key, 50) for key in keys]
        for name, states in (("done", ENDED | {_S.CONFIRMED}), ("all", frozenset(RequestState))):
            ids = [None, f"{LONG // 2:036d}", f"{200:036d}"]
            pages[name] = [partial(newest_page, connection, states, each, 50) for each in ids]
        costs = {
            name: [steps_of(connection, each) for each in three] for name, three in pages.items()
        }

    assert {len(found) for three in costs.values() for _, found in three} == {50}
    assert max(steps for three in costs.values() for steps, _ in three) < MOST_STEPS
