"""The hall's queue: a number, the right window, called, served or left."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from sync_server.hall.queue import HallEvent, HallState, Need
from sync_server.hall.queue_store import call_next, give_number, move_visit, visits_here
from sync_server.ledgers.books_store import Figure, Wanted, ledger_of
from sync_server.ledgers.ledger import Book, Share
from sync_server.ledgers.period import parse_period
from tests.sync_server.service_desk.desk_town import SHANGHAI, found_desk_town
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition


def test_a_window_calls_who_was_guided_to_it_and_then_whoever_is_next(engine: Engine) -> None:
    """Rule B-01: the need is asked and the customer guided to the right window."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        office = town.office()
        for need in (Need.ASK, Need.PAY, Need.PAY):
            give_number(connection, need, office)
        give_number(connection, Need.APPLY, office, is_first=True)
        called = [call_next(connection, 1, town.office(minutes=each)) for each in (2, 4, 6, 8, 9)]
        nobody = call_next(connection, 1, office)
        with pytest.raises(ContractError, match="is no window"):
            call_next(connection, 0, office)
        with pytest.raises(ContractError, match="may not"):
            give_number(connection, Need.ASK, town.office(town.auditor))

    assert [None if each is None else each.number for each in called] == [2, 3, 4, 1, None]
    assert [each.waited for each in called if each] == [
        timedelta(minutes=each) for each in (2, 4, 6, 8)
    ]
    assert nobody is None


def test_a_day_ends_with_who_came_was_served_and_left(engine: Engine) -> None:
    """Rule B-01: waiting time of the hall."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        first, second, _ = (give_number(connection, Need.PAY, town.office()) for _ in range(3))
        call_next(connection, 1, town.office(minutes=10))
        again = move_visit(connection, first.hall_visit_id, HallEvent.CALL, town.office(minutes=15))
        with pytest.raises(RefusedTransition, match="possible now: call, leave"):
            move_visit(connection, second.hall_visit_id, HallEvent.SERVE, town.office())
        move_visit(connection, first.hall_visit_id, HallEvent.SERVE, town.office(minutes=20))
        move_visit(connection, second.hall_visit_id, HallEvent.LEAVE, town.office(minutes=20))
        left = [each.number for each in visits_here(connection, town.office(minutes=30))]
        tomorrow = give_number(connection, Need.ASK, town.office(minutes=1440)).number
        with pytest.raises(ContractError, match="does not exist"):
            move_visit(connection, 99, HallEvent.CALL, town.office())
        asked = Wanted(book=Book.HALL, period=parse_period("2026-11-02", SHANGHAI))
        rows = [list(each.cells) for each in ledger_of(connection, asked, town.office())]
        behind = {
            (row, column): [
                each.cells[1]
                for each in ledger_of(
                    connection, replace(asked, figure=Figure(row=row, column=column)), town.office()
                )
            ]
            for row in ("2026-11-02", "total")
            for column in range(1, 7)
        }

    assert (again.waited, again.state) == (timedelta(minutes=10), HallState.CALLED)
    assert (left, tomorrow) == ([3], 1)
    assert rows[0] == ["2026-11-02", 3, 1, 1, Share(value=1 / 3), 10.0, 10.0]
    assert rows[1][1:] == rows[0][1:]
    assert {column: behind["2026-11-02", column] for column in range(1, 7)} == {
        1: [1, 2, 3],
        2: [1],
        3: [2],
        4: [2],
        5: [1],
        6: [1],
    }
    assert all(behind["total", each] == behind["2026-11-02", each] for each in range(1, 7))
