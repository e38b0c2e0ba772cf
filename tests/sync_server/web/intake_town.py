"""Homes, a customer and the people of the desk, on top of a desk's morning."""

from sqlalchemy import Connection

from sync_server.access.roles import Role
from sync_server.customers.customer import Customer, Flag, Premises
from sync_server.customers.customer_store import put_customers, put_premises
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import add_person

PHONE = "155 0101 2890"


def seed_homes(connection: Connection) -> dict[str, str]:
    """Add four homes in Binhe East and five people; return login -> account id."""
    put_customers(
        connection,
        [
            Customer(
                customer_id="c-1",
                name="陈桂芳",
                phone=PHONE,
                flags=frozenset({Flag.ELDERLY_ALONE}),
            )
        ],
        NOON,
    )
    put_premises(
        connection,
        [
            Premises(
                premises_id=f"p-{number}",
                address=f"滨河东路46号3号楼2单元110{number}室",
                community_id="binhe",
                customer_id="c-1" if number == 1 else None,
                meter_ids=("GM-031207",) if number == 1 else (),
            )
            for number in range(1, 5)
        ],
        NOON,
    )
    return {
        login: add_person(connection, login, role)
        for login, role in (
            ("liu", Role.HOTLINE_AGENT),
            ("he", Role.QUALITY_OFFICER),
            ("wei", Role.DISPATCHER),
            ("boss", Role.DIRECTOR),
            ("audit", Role.AUDITOR),
        )
    }
