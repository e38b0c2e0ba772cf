"""The office says whom a crew meets; only who may change orders sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.access.roles import Role
from sync_server.db.engine_io import reading
from sync_server.work_orders.order_store import create_from_alert
from sync_server.work_orders.person_store import person_of
from tests.sync_server.people_parts import PASSWORD, found_utility, person, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import SITE, Served, served
from wire_contracts.order_person import OrderPerson

CONTACT = {
    "name": "Mrs. Chen",
    "phone": "139 0000",
    "note": "ring twice",
    "appointment": "2026-11-02 14:00",
}


@contextmanager
def entered(web: Served, login: str) -> Iterator[Client]:
    with Client(base_url=web.base_url, headers={"Origin": web.base_url}) as client:
        client.post("/login", data={"login": login, "password": PASSWORD})
        client.post("/me/language", data={"language": "en"})
        yield client


@pytest.fixture
def order_id(sqlite_engine: Engine, clock: HandClock) -> str:
    utility = found_utility(sqlite_engine, clock)
    with sqlite_engine.begin() as connection:
        person(connection, "auditor", Role.AUDITOR)
        actor, alert_id = utility.dispatcher.account_id, raise_leak(connection)
        return create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id


def test_a_contact_is_entered_seen_by_the_office_alone_and_erased(
    sqlite_engine: Engine, clock: HandClock, order_id: str
) -> None:
    with served(sqlite_engine, clock, SITE) as web, entered(web, "dispatch") as office:
        saved = office.post(f"/orders/{order_id}/contact", data=CONTACT)
        with reading(sqlite_engine) as connection:
            kept = person_of(connection, order_id)
        shown = unescape(office.get(f"/orders/{order_id}").text)
        with entered(web, "auditor") as auditor:
            hidden = auditor.get(f"/orders/{order_id}").text
        wrong = office.post(f"/orders/{order_id}/contact", data={**CONTACT, "appointment": "soon"})
        office.post(f"/orders/{order_id}/contact/erase")

    assert (saved.status_code, wrong.status_code) == (303, 400)
    assert kept == OrderPerson(
        name="Mrs. Chen",
        phone="139 0000",
        note="ring twice",
        appointment_at_utc=NOON.replace(hour=6),
    )
    assert "Mrs. Chen" in shown
    assert "2026-11-02 14:00" in shown
    assert "Chen" not in hidden
    with reading(sqlite_engine) as connection:
        assert person_of(connection, order_id) is None
