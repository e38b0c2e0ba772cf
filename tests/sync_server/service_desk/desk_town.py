"""A small town with customers, an office and a crew that desk tests start from."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from sync_server.access.account_store import Crew, create_crew
from sync_server.access.roles import Role
from sync_server.assets.asset_store import add_community
from sync_server.assets.assets import NewCommunity
from sync_server.customers.customer import Customer, Flag, Premises
from sync_server.customers.customer_store import put_customers, put_premises
from sync_server.service_desk.catalogue import RULES
from sync_server.service_desk.request import Caller, NewRequest, RequestClass
from sync_server.service_desk.request_store import Office
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import found_town, new_meter
from wire_contracts.quantities import Medium

SHANGHAI = ZoneInfo("Asia/Shanghai")
PHONE = "155 0101 2890"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTown:
    """The people of the desk, by account id."""

    agent: str
    quality: str
    leader: str
    dispatcher: str
    auditor: str

    def office(self, actor: str = "", minutes: float = 0) -> Office:
        return Office(
            actor=actor or self.agent,
            now_utc=NOON + timedelta(minutes=minutes),
            zone=SHANGHAI,
        )


def found_desk_town(connection: Connection) -> DeskTown:
    """Add three homes of one community, two customers, a crew and five people."""
    found_town(
        connection,
        [new_meter("M-1"), new_meter("M-2", Medium.GAS), new_meter("M-3", Medium.HEAT)],
    )
    add_community(
        connection,
        NewCommunity(
            community_id="c-north", name_en="Beiyuan", name_zh="北苑小区", area_id="north"
        ),
    )
    create_crew(connection, Crew(crew_id="crew-1", name="Repair 1", area_ids=("north",)), NOON)
    put_customers(
        connection,
        [
            Customer(
                customer_id="c-1",
                name="陈桂芳",
                phone=PHONE,
                flags=frozenset({Flag.ELDERLY_ALONE}),
            ),
            Customer(customer_id="c-2", name="李静", phone="+86 138 0101 7745"),
        ],
        NOON,
    )
    put_premises(
        connection,
        [
            home("p-1", "北苑街12号3号楼2单元1102室", "c-1", ("M-2", "M-3")),
            home("p-2", "北苑街12号3号楼2单元1101室", "c-2", ()),
            home("p-3", "北苑街12号3号楼1单元0301室", None, ()),
            home("p-4", "北苑街12号4号楼1单元0301室", None, ()),
        ],
        NOON,
    )
    return DeskTown(
        agent=person(connection, "liu", Role.HOTLINE_AGENT).account_id,
        quality=person(connection, "he", Role.QUALITY_OFFICER).account_id,
        leader=person(connection, "wei", Role.TEAM_LEADER).account_id,
        dispatcher=person(connection, "zhou", Role.DISPATCHER).account_id,
        auditor=person(connection, "audit", Role.AUDITOR).account_id,
    )


def home(
    premises_id: str, address: str, customer_id: str | None, meter_ids: tuple[str, ...]
) -> Premises:
    return Premises(
        premises_id=premises_id,
        address=address,
        community_id="c-north",
        customer_id=customer_id,
        meter_ids=meter_ids,
    )


def wanted(request_class: RequestClass, premises_id: str = "p-1", minutes: float = 0) -> NewRequest:
    rule = RULES[request_class]
    return NewRequest(
        kind=rule.kind,
        request_class=request_class,
        medium=rule.medium,
        safety_class=rule.safety_class,
        priority=rule.priority,
        caller=Caller(name="陈桂芳", phone=PHONE, words="厨房有味"),
        premises_id=premises_id,
        community_id="c-north",
        address="北苑街12号3号楼2单元1102室",
        received_at_utc=NOON + timedelta(minutes=minutes),
    )
