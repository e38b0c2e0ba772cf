"""The routes of an order's contact: whom the crew meets, entered and erased by the office."""

from datetime import datetime, tzinfo
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from sync_server.web.guarded_io import ChangeOrder
from sync_server.web.pages_io import Pages, see_other
from sync_server.work_orders.person_store import erase_persons, save_person
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.order_person import OrderPerson

MAX_NAME = 200
MAX_PHONE = 80
MAX_NOTE = 4000
"""As `wire_contracts.order_person` reads them."""


def contacts_router(pages: Pages) -> APIRouter:
    """Return the routes by which the office says whom a crew meets."""
    router = APIRouter()

    @router.post("/orders/{order_id}/contact")
    def save(  # noqa: PLR0913, PLR0917  # the fields of the form
        person: ChangeOrder,
        order_id: str,
        name: Annotated[str, Form(min_length=1, max_length=MAX_NAME)],
        phone: Annotated[str, Form(max_length=MAX_PHONE)] = "",
        note: Annotated[str, Form(max_length=MAX_NOTE)] = "",
        appointment: Annotated[str, Form(max_length=40)] = "",
    ) -> Response:
        """Keep whom the crew meets; the crew's tablets learn of it two days before."""
        contact = OrderPerson(
            name=name.strip(),
            phone=phone.strip(),
            note=note.strip(),
            appointment_at_utc=_moment(appointment.strip(), pages.settings.zone),
        )
        with pages.engine.begin() as connection:
            save_person(connection, order_id, contact, person.account_id, pages.clock.now_utc())
        return see_other(f"/orders/{order_id}")

    @router.post("/orders/{order_id}/contact/erase")
    def erase(person: ChangeOrder, order_id: str) -> Response:
        """Erase whom the crew meets, here and on the tablets."""
        with pages.engine.begin() as connection:
            erase_persons(connection, [order_id], person.account_id, pages.clock.now_utc())
        return see_other(f"/orders/{order_id}")

    return router


def _moment(typed: str, zone: tzinfo) -> datetime | None:
    """Return the typed time, the site's zone unless it names one; None when nothing was typed."""
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError as error:
        raise ContractError(
            place="contact",
            field="appointment",
            problem=f"{typed!r} is no time",
            remedy="write it like 2026-11-22 16:00",
            code=Code.FIELD_RANGE,
        ) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
