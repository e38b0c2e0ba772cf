"""The routes of the hall: numbers, who is called to which window, the cash of a clerk's day."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.hall.queue import LAST_COUNTER, HallEvent, Need
from sync_server.hall.queue_store import call_next, give_number, move_visit, visits_here
from sync_server.sales.cash_store import bank_cash, cash_between, close_cash, unbanked
from sync_server.sales.sale_store import cash_taken_cents
from sync_server.service_desk.request_store import Office
from sync_server.web.attempts_io import attempt
from sync_server.web.guarded_io import KeepCash, TakeRequest
from sync_server.web.hall_views import cash_views, hall_rows
from sync_server.web.intake_io import office_of
from sync_server.web.labels import label
from sync_server.web.office_labels import HALL_NEEDS
from sync_server.web.page_queries_store import account_names
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.row_numbers import RowNumber
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

_SHOWN = timedelta(days=31)
_MOST_YUAN = Decimal(100_000_000)

Counter = Annotated[int, Form(ge=1, le=LAST_COUNTER)]


def hall_router(pages: Pages) -> APIRouter:
    """Return the routes of the queue."""
    router = APIRouter()

    @router.get("/hall")
    def hall(request: Request, person: TakeRequest, counter: int = 1) -> Response:
        """Show who waits, and who is at which window."""
        return _hall(pages, request, pages.reader(person), counter)

    @router.post("/hall/numbers")
    def number(
        person: TakeRequest,
        need: Annotated[Need, Form()],
        first: Annotated[str, Form(max_length=3)] = "",
        counter: Counter = 1,
    ) -> Response:
        """Give the next number."""
        with pages.engine.begin() as connection:
            office = office_of(pages, pages.reader(person))
            give_number(connection, need, office, is_first=bool(first))
        return see_other(f"/hall?counter={counter}")

    @router.post("/hall/next")
    def call(person: TakeRequest, counter: Counter) -> Response:
        """Call whoever is next to a window."""
        with pages.engine.begin() as connection:
            call_next(connection, counter, office_of(pages, pages.reader(person)))
        return see_other(f"/hall?counter={counter}")

    @router.post("/hall/{hall_visit_id}")
    def move(
        request: Request,
        person: TakeRequest,
        hall_visit_id: RowNumber,
        event: Annotated[HallEvent, Form()],
        counter: Counter = 1,
    ) -> Response:
        """Call again, note that it was served, or that nobody came."""
        reader = pages.reader(person)

        def change(connection: Connection, office: Office) -> None:
            move_visit(connection, hall_visit_id, event, office, counter=counter)

        problem = attempt(pages, reader, change)
        if problem is not None:
            return _hall(pages, request, reader, counter, problem)
        return see_other(f"/hall?counter={counter}")

    return router


def cash_router(pages: Pages) -> APIRouter:
    """Return the routes of the cash of a day."""
    router = APIRouter()

    @router.get("/cash")
    def cash(request: Request, person: KeepCash, day: str = "") -> Response:
        """Show the own day and what is not at the bank yet."""
        return _cash(pages, request, pages.reader(person), day)

    @router.post("/cash")
    def close(
        request: Request,
        person: KeepCash,
        day: Annotated[str, Form(max_length=10)],
        counted: Annotated[str, Form(max_length=20)],
        reason: Annotated[str, Form(max_length=400)] = "",
    ) -> Response:
        """Close the own day with what was counted."""
        reader = pages.reader(person)

        def change(connection: Connection, office: Office) -> None:
            close_cash(connection, _day(day), _cents(counted), reason, office)

        problem = attempt(pages, reader, change)
        return (
            see_other("/cash") if problem is None else _cash(pages, request, reader, day, problem)
        )

    @router.post("/cash/{day}/{account_id}/bank")
    def bank(
        request: Request,
        person: KeepCash,
        day: str,
        account_id: str,
        bank_slip: Annotated[str, Form(max_length=80)] = "",
    ) -> Response:
        """Note the bank's slip."""
        reader = pages.reader(person)

        def change(connection: Connection, office: Office) -> None:
            bank_cash(connection, day, account_id, bank_slip, office)

        problem = attempt(pages, reader, change)
        return see_other("/cash") if problem is None else _cash(pages, request, reader, "", problem)

    return router


def _hall(
    pages: Pages, request: Request, reader: Reader, counter: int, problem: str = ""
) -> Response:
    now_utc = pages.clock.now_utc()
    with reading(pages.engine) as connection:
        found = visits_here(connection, office_of(pages, reader))
    waiting, called = hall_rows(found, reader.words, now_utc)
    return pages.page(
        request,
        reader,
        "hall.html",
        "hall",
        waiting=waiting,
        called=called,
        needs=[(str(each), label(reader.words, HALL_NEEDS, each)) for each in Need],
        counter=min(max(counter, 1), LAST_COUNTER),
        last_counter=LAST_COUNTER,
        can_cash=may(reader.person.role, Action.KEEP_CASH),
        problem_text=problem,
        status=409 if problem else 200,
    )


def _cash(pages: Pages, request: Request, reader: Reader, day: str, problem: str = "") -> Response:
    office = office_of(pages, reader)
    today = office.now_utc.astimezone(office.zone).date()
    try:
        shown = date.fromisoformat(day) if day else today
    except ValueError:
        shown = today
    with reading(pages.engine) as connection:
        names = account_names(connection)
        sold_cents = cash_taken_cents(connection, shown.isoformat(), reader.person.login)
        recent = cash_between(
            connection, (today - _SHOWN).isoformat(), (today + timedelta(days=1)).isoformat()
        )
        waiting = unbanked(connection)
    return pages.page(
        request,
        reader,
        "cash.html",
        "hall",
        waiting=cash_views(waiting, office, reader.words, names),
        recent=cash_views(recent[::-1], office, reader.words, names),
        day=shown.isoformat(),
        today=today.isoformat(),
        sold=f"{sold_cents / 100:.2f}",
        problem_text=problem,
        status=409 if problem else 200,
    )


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise _refused("day", text, "write a day such as 2026-11-02") from None


def _cents(text: str) -> int:
    try:
        yuan = Decimal(text.strip())
    except InvalidOperation:
        raise _refused("counted", text, "write yuan such as 1250.50") from None
    if not yuan.is_finite() or abs(yuan) > _MOST_YUAN:
        raise _refused("counted", text, "write yuan such as 1250.50")
    return round(yuan * 100)


def _refused(field: str, text: str, remedy: str) -> ContractError:
    return ContractError(
        place="cash",
        field=field,
        problem=f"{text!r} cannot be used",
        remedy=remedy,
        code=Code.STATE,
    )
