"""Open requests page along an index: each once, class A first, whatever their number."""

from sqlalchemy import Connection, Engine, insert, text

from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.service_desk.request_rows_store import OPEN, key_of, open_page
from wire_contracts.request_states import RequestState

_S = RequestState
COUNT = 60


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
