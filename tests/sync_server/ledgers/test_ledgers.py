"""Ledgers: which period, what is counted, and that each figure has its rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from sync_server.complaints.complaint import Cause, Judgement, Violation
from sync_server.complaints.complaint_store import add_measure, judge, verify
from sync_server.customers.customer import Customer, CustomerClass
from sync_server.customers.customer_store import put_customers
from sync_server.ledgers.books_store import Figure, Wanted, ledger_of
from sync_server.ledgers.figures import is_late_entry
from sync_server.ledgers.ledger import Book, Cell, LedgerRow, Share, Term
from sync_server.ledgers.period import Span, days_of, neighbours, parse_period, period_of
from sync_server.service_desk.call_store import called_back, note_call
from sync_server.service_desk.calls import CallEvent, CallNotice
from sync_server.service_desk.request import Caller, NoteKind, RequestClass, RequestRecord
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_store import (
    add_note,
    record_request,
    send_slip,
    take_step,
)
from sync_server.work_orders.policy_store import PolicyRow, set_policy
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import DeskTown, found_desk_town, wanted
from wire_contracts.errors import ContractError
from wire_contracts.request_states import RequestEvent

_C = RequestClass
_E = RequestEvent
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER = parse_period("2026-11", SHANGHAI)


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [
        ("2026-11-02", date(2026, 11, 2), date(2026, 11, 3)),
        ("2026-W45", date(2026, 11, 2), date(2026, 11, 9)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_period_is_a_day_a_week_a_month_or_a_year_of_the_site(
    text: str, first: date, end: date
) -> None:
    found = parse_period(text, SHANGHAI)

    assert (found.first_day, found.end_day, found.text) == (first, end, text)
    assert found.from_utc == datetime(first.year, first.month, first.day, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-02-30", "2026-W54", "soon", "1999", "2026-1"]
)
def test_what_is_no_period_is_refused_with_the_four_that_are(text: str) -> None:
    with pytest.raises(ContractError, match="write a day 2026-11-02, a week 2026-W45"):
        parse_period(text, SHANGHAI)


@given(st.dates(date(2001, 1, 1), date(2098, 12, 31)), st.sampled_from(Span))
def test_periods_follow_each_other_without_gap_or_overlap(day: date, span: Span) -> None:
    found = period_of(span, day, SHANGHAI)
    before, behind = neighbours(found, SHANGHAI)

    assert found.first_day <= day < found.end_day
    assert (before.end_day, behind.first_day) == (found.first_day, found.end_day)
    assert parse_period(found.text, SHANGHAI) == found
    assert day in days_of(found)


@pytest.mark.parametrize(
    ("days", "is_late"), [(0, False), (6, False), (7, True)], ids=["at once", "Sunday", "Monday"]
)
def test_a_slip_of_a_week_is_entered_in_that_week(days: int, is_late: bool) -> None:  # noqa: FBT001  # a row
    """Rule C-29, policy K15."""
    assert is_late_entry(NOON, NOON + timedelta(days=days), SHANGHAI) is is_late


def rows_of(
    connection: Connection, book: Book, town: DeskTown, minutes: float = 300
) -> list[LedgerRow]:
    office = town.office(minutes=minutes)
    return list(ledger_of(connection, Wanted(book=book, period=NOVEMBER), office))


def plain(cells: Sequence[Cell]) -> list[object]:
    return [
        each.code
        if isinstance(each, Term)
        else round(each.value, 3)
        if isinstance(each, Share)
        else each
        for each in cells
    ]


def done_by_leader(
    connection: Connection, town: DeskTown, minutes: float, *steps: tuple[RequestEvent, str]
) -> RequestRecord:
    record = record_request(connection, wanted(_C.NO_WATER), (), town.office())
    send_slip(connection, record, "crew-1", town.office())
    for event, text in steps:
        said = Attempt(event=event, actor=town.leader, text=text)
        record = take_step(connection, record.request_id, said, town.office(town.leader, minutes))
    return record


_ALL = ((_E.ACCEPT, ""), (_E.START, ""), (_E.FINISH, "opened"), (_E.REPLY, "told"))


def test_clocks_kept_and_missed_are_counted_and_the_missed_ones_listed(engine: Engine) -> None:
    """Rules C-08, A-18, A-39: the month's figures, each with its rows."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        quick = done_by_leader(connection, town, 5, *_ALL)
        slow = done_by_leader(connection, town, 50, *_ALL)
        waits = done_by_leader(connection, town, 5)
        counts = {
            row.cells[0]: plain(row.cells)[2:] for row in rows_of(connection, Book.CLOCKS, town)
        }
        hrefs = [row.href for row in rows_of(connection, Book.CLOCKS, town)]
        late = [
            (row.cells[0], row.cells[2], row.cells[6])
            for row in rows_of(connection, Book.LATE, town)
        ]
        october = Wanted(book=Book.CLOCKS, period=parse_period("2026-10", SHANGHAI))
        before = ledger_of(connection, october, town.office())

    assert counts["CL6"] == [3, 1, 2, 0, 0.333]
    assert counts["CL7"] == [2, 2, 0, 0, 1.0]
    assert "/reports/late?period=2026-11&clock=CL6" in hrefs
    assert late == [
        (waits.number, "CL6", 290),
        (waits.number, "CL5", 270),
        (slow.number, "CL6", 40),
        (slow.number, "CL5", 20),
    ]
    assert quick.number not in {each[0] for each in late}
    assert list(before) == []


def test_a_limit_that_changes_later_does_not_judge_what_came_before(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        done_by_leader(connection, town, 8, *_ALL)
        row = PolicyRow(
            name="sla.CL6",
            valid_from_utc=NOON + timedelta(days=3),
            value=1,
            source="decision 9",
            approved_by="boss",
        )
        set_policy(connection, row, NOON)
        found = rows_of(connection, Book.CLOCKS, town, minutes=7 * 1440)
        kept = next(plain(each.cells)[3] for each in found if each.cells[0] == "CL6")

    assert kept == 1


def call(
    connection: Connection, name: str, *events: tuple[CallEvent, float], number: str = "400"
) -> None:
    for event, seconds in events:
        notice = CallNotice(
            call_id=name,
            event=event,
            at_utc=NOON + timedelta(seconds=seconds),
            number=number,
            caller="15501012890",
            seat="liu" if event is CallEvent.ANSWERED else "",
            hung_up_by="agent" if event is CallEvent.ENDED else "",
        )
        note_call(connection, notice, notice.at_utc)


def test_the_weekly_report_has_loss_rate_rings_and_who_hung_up(sqlite_engine: Engine) -> None:
    """Rules C-52, C-45, D-08, B-09."""
    ringing, answered, ended = CallEvent.RINGING, CallEvent.ANSWERED, CallEvent.ENDED
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        call(connection, "quick", (ringing, 0), (answered, 10), (ended, 60))
        call(connection, "slow", (ringing, 0), (answered, 30))
        call(connection, "lost", (ringing, 0), (CallEvent.MISSED, 40))
        call(connection, "back", (ringing, 0), (CallEvent.MISSED, 40), number="401")
        called_back(connection, "back", town.agent, NOON + timedelta(minutes=30))
        days = [plain(row.cells) for row in rows_of(connection, Book.CALLS, town)]
        numbers = [plain(row.cells) for row in rows_of(connection, Book.NUMBERS, town)]

    figures = [4, 2, 0.5, 2, 1, 0, 1, 0.5, 1]
    assert days == [["2026-11-02", *figures], ["total", *figures]]
    assert [(each[0], each[1], each[-1]) for each in numbers] == [
        ("400", 3, 0.75),
        ("401", 1, 0.25),
    ]


def test_calls_by_number_show_how_the_load_is_spread(sqlite_engine: Engine) -> None:
    """Rule C-10."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        for name, number in (("a", "400-1"), ("b", "400-2"), ("c", "400-2")):
            call(connection, name, (CallEvent.RINGING, 0), number=number)
        found = [plain(row.cells)[:2] for row in rows_of(connection, Book.NUMBERS, town)]

    assert found == [["400-2", 2], ["400-1", 1]]


def test_the_hotlines_ledger_has_every_request_once_with_both_times(sqlite_engine: Engine) -> None:
    """Rules D-31, C-29: normalised, complete, late entries named."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record_request(connection, wanted(_C.NO_GAS), (), town.office())
        paper = wanted(_C.NO_WATER, minutes=-3 * 1440)
        record_request(connection, paper, (), town.office())
        found = [plain(row.cells) for row in rows_of(connection, Book.REQUESTS, town)]
        month = [Wanted(book=Book.REQUESTS, period=parse_period("2026-10", SHANGHAI))]
        october = [plain(row.cells) for row in ledger_of(connection, month[0], town.office())]

    assert [(each[3], each[6], each[8]) for each in found] == [("no", "no_gas", town.agent)]
    assert [(each[1], each[2], each[3]) for each in october] == [
        (NOON - timedelta(days=3), NOON, "yes")
    ]


def test_the_register_of_slips_counts_each_day_by_class_warranty_and_reply(
    sqlite_engine: Engine,
) -> None:
    """Rules E-14, C-16: three classes, warranty, daily and together."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        home = done_by_leader(connection, town, 5, *_ALL)
        add_note(connection, home.request_id, NoteKind.IN_WARRANTY, "2 years", town.office())
        street = replace(wanted(_C.WATER_BURST), premises_id=None)
        record = record_request(connection, street, (), town.office())
        send_slip(connection, record, None, town.office())
        add_note(connection, record.request_id, NoteKind.REMINDER, "?", town.office())
        record_request(connection, wanted(_C.BILLING), (), town.office())
        record_request(connection, wanted(_C.OPEN_ACCOUNT), (), town.office())
        found = [plain(row.cells) for row in rows_of(connection, Book.SLIPS, town)]

    figures = [1, 1, 1, 1, 1, 0, 0, 2, 1, 1]
    assert found == [["2026-11-02", *figures], ["total", *figures]]


def test_crews_are_ranked_by_what_is_late(sqlite_engine: Engine) -> None:
    """Rules C-15, C-22: sent, bounced, done, replied, open, late of each crew."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        done_by_leader(connection, town, 5, *_ALL)
        done_by_leader(connection, town, 5)
        record = record_request(connection, wanted(_C.NO_GAS), (), town.office())
        send_slip(connection, record, "crew-2", town.office())
        found = [plain(row.cells) for row in rows_of(connection, Book.TEAMS, town, minutes=15)]

    assert found == [
        ["crew-1", 2, 0, 1, 1, 2, 0, 1, 0.5],
        ["crew-2", 1, 0, 0, 0, 1, 0, 1, 0.0],
    ]


def test_each_person_has_figures_of_calls_requests_and_lateness(sqlite_engine: Engine) -> None:
    """Rules B-10, C-45, A-18, C-08: monthly figures for the assessment."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        call(connection, "quick", (CallEvent.RINGING, 0), (CallEvent.ANSWERED, 10))
        done = done_by_leader(connection, town, 50, *_ALL)
        asked = record_request(connection, wanted(_C.HOW_TO), (), town.office())
        solved = Attempt(event=_E.SOLVE, actor=town.agent, text="turn it left")
        take_step(connection, asked.request_id, solved, town.office())
        fine = Attempt(event=_E.CONFIRM, actor=town.agent, text="fine", is_satisfied=True)
        take_step(connection, done.request_id, fine, town.office(minutes=60))
        found = {
            plain(row.cells)[0]: plain(row.cells)[1:]
            for row in rows_of(connection, Book.PEOPLE, town)
        }

    assert found == {
        town.agent: [1, 1.0, 2, 0.5, 0, 1, None, 0, 0],
        town.leader: [0, None, 0, None, 1, 0, 1.0, 2, 0],
    }


def test_complaints_are_analysed_by_class_verdict_and_cause(sqlite_engine: Engine) -> None:
    """Rules B-08, C-14, C-22: causes with the measures that were agreed."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        first = record_request(connection, wanted(_C.CONDUCT), (), town.office())
        new = replace(wanted(_C.CONDUCT), repeat_of=first.request_id)
        record_request(connection, new, (), town.office())
        record_request(connection, wanted(_C.BILLING), (), town.office())
        verify(connection, first.request_id, "facts", town.office())
        judgement = Judgement(
            is_responsible=True,
            reason="proof",
            judge=town.quality,
            violation=Violation.RUDE,
            cause=Cause.PEOPLE,
        )
        office = town.office(town.quality, 10)
        judge(connection, first.request_id, judgement, office)
        add_measure(connection, first.request_id, "train", town.leader, date(2026, 11, 9), office)
        classes = [plain(row.cells) for row in rows_of(connection, Book.COMPLAINTS, town)]
        causes = [plain(row.cells) for row in rows_of(connection, Book.CAUSES, town)]

    assert classes == [
        ["billing", 1, 0, 0, 0, 0, 1, 0, 0.0, None],
        ["conduct", 2, 0, 1, 1, 0, 1, 0, 0.0, None],
        ["total", 3, 0, 1, 1, 0, 2, 0, 0.0, None],
    ]
    assert causes == [["people", 1, 1.0, 1, 0]]


def test_own_people_on_the_hotline_are_listed(sqlite_engine: Engine) -> None:
    """Rule C-34: staff use the internal channel."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        staff = Customer(customer_id="s-1", name="王", customer_class=CustomerClass.INTERNAL)
        put_customers(connection, [staff], NOON)
        new = replace(wanted(_C.CONDUCT), caller=Caller(name="王", customer_id="s-1"))
        own = record_request(connection, new, (), town.office())
        record_request(connection, wanted(_C.NO_GAS), (), town.office())
        found = [row.cells[0] for row in rows_of(connection, Book.INTERNAL, town)]

    assert found == [own.number]


def test_customers_are_counted_by_community_and_class(engine: Engine) -> None:
    """Rule E-03."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        found = [plain(row.cells) for row in rows_of(connection, Book.CUSTOMERS, town)]

    figures = [4, 2, 0, 0, 0, 0, 2]
    assert found == [["c-north", *figures], ["total", *figures]]


def test_each_figure_of_a_community_leads_to_its_homes(engine: Engine) -> None:
    """Rule C-08: no figure without its rows; the list holds no name and no address."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        found = [behind(connection, Book.CUSTOMERS, town, "c-north", each) for each in range(1, 8)]
        nowhere = behind(connection, Book.CUSTOMERS, town, "", 1)
        together = [behind(connection, Book.CUSTOMERS, town, "total", each) for each in range(1, 8)]

    assert together == found
    homes = ["p-1", "p-2", "p-3", "p-4"]
    assert found == [homes, homes[:2], [], [], [], [], homes[:1]]
    assert nowhere == []


def test_the_homes_of_a_town_come_in_pages_from_behind_a_key(engine: Engine) -> None:
    figure = Figure(row="total", column=1)
    with engine.begin() as connection:
        town = found_desk_town(connection)
        pages = [
            [
                row.cells[0]
                for row in ledger_of(
                    connection,
                    Wanted(
                        book=Book.CUSTOMERS, period=NOVEMBER, figure=figure, after=after, most=3
                    ),
                    town.office(),
                )
            ]
            for after in ("", "p-3", "p-4")
        ]

    assert pages == [["p-1", "p-2", "p-3"], ["p-4"], []]


def test_an_empty_month_has_empty_ledgers(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        found = {
            book: rows_of(connection, book, town)
            for book in Book
            if book not in {Book.CUSTOMERS, Book.RATES}
        }

    assert found == {book: [] for book in found}
    assert NOVEMBER.from_utc.astimezone(UTC).hour == 16


def behind(
    connection: Connection, book: Book, town: DeskTown, row: str, column: int
) -> list[object]:
    asked = Wanted(book=book, period=NOVEMBER, figure=Figure(row=row, column=column))
    found = ledger_of(connection, asked, town.office(minutes=300))
    return sorted((plain(each.cells)[0] for each in found), key=str)


def test_every_figure_leads_to_the_rows_it_is_made_of(sqlite_engine: Engine) -> None:
    """Rule C-08: no figure without its rows."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        quick = done_by_leader(connection, town, 5, *_ALL)
        slow = done_by_leader(connection, town, 50, *_ALL)
        call(connection, "lost", (CallEvent.RINGING, 0), (CallEvent.MISSED, 40))
        found = {
            "late CL6": behind(connection, Book.CLOCKS, town, "CL6", 4),
            "kept CL6": behind(connection, Book.CLOCKS, town, "CL6", 6),
            "in homes": behind(connection, Book.SLIPS, town, "total", 1),
            "lost calls": behind(connection, Book.CALLS, town, "2026-11-02", 4),
            "replies": behind(connection, Book.PEOPLE, town, town.leader, 5),
            "missed clocks": behind(connection, Book.PEOPLE, town, town.leader, 8),
            "no such row": behind(connection, Book.SLIPS, town, "x", 1),
            "no such column": behind(connection, Book.SLIPS, town, "total", 99),
        }

    assert found == {
        "late CL6": [slow.number],
        "kept CL6": [quick.number],
        "in homes": [quick.number, slow.number],
        "lost calls": [NOON],
        "replies": [quick.number, slow.number],
        "missed clocks": [slow.number, slow.number],
        "no such row": [],
        "no such column": [],
    }
