"""Makes what the sync benchmark works on: orders of 1 kB in the server's file, and tablets."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from sync_server.access.account_store import Crew, NewAccount, create_account, create_crew
from sync_server.access.roles import Role
from sync_server.access.secrets_io import new_id
from sync_server.access.tablet_store import enrol_tablet, issue_enrolment_code, tablet_of_token
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.order_tables import WORK_ORDER
from sync_server.sync.service import SyncService
from sync_server.work_orders.order import Mover, NewOrder
from sync_server.work_orders.order_rows_store import (
    change_order,
    insert_order,
    move_order,
    show_order,
)
from wire_contracts.enrolment import EnrolAnswer, EnrolRequest
from wire_contracts.evidence import ChartPoint, Evidence
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.pulls import MAX_ROWS
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent

ORDERS = 10_000
ORDERS_PER_COMMIT = 20
"""A page never splits a transaction, and a real one makes one order."""

CREW = "crew-0001"

AREAS = ("north", "south", "east", "west", "centre", "harbour")
MEMBERS = 6
"""An ordinary crew: each area and each person is a bucket of its own to its tablets."""
CREWS = 100
TABLETS_PER_CREW = 5
CHANGED_ORDERS = 50
"""The morning: 500 tablets, each with so many orders that changed over night."""

NOW = datetime.now(UTC).replace(microsecond=0)
_MADE = NOW - timedelta(days=2)
_STREETS = ("Renmin", "Jiefang", "Zhongshan", "Heping", "Jianshe", "Xinhua", "Wenhua", "Qingnian")
_TITLES = (
    ("Night flow above the limit", "夜间流量超限"),
    ("Return temperature too high", "回水温度过高"),
    ("Meter reports a fault", "表计报故障"),
    ("No readings for two days", "两天没有读数"),
)
_ENDS = ("a", "ei", "in", "ong", "u")
_SYLLABLES = [first + last for first in "bdfghjklmnprstwz" for last in _ENDS]
_WORDS_PER_ORDER = 27
"""Free text of words that hardly repeat: ten thousand orders deflate like the ones of the sync
specification (2.4 MB as plain objects), not like one order ten thousand times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A tablet and who works on it."""

    enrolled: EnrolAnswer
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTown:
    """A migrated server file with 10,000 orders of one crew, and that crew's tablet."""

    template: Path
    person: Person
    documents: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MorningTown:
    """A server file on the morning after 50 orders of each crew changed.

    Attributes:
        tablets: Bearer token and pull token of each tablet as it went to sleep.
    """

    template: Path
    tablets: Sequence[tuple[str, str]]


def found_order_town(folder: Path) -> OrderTown:
    """Return the town of the pull and the push."""
    path = folder / "orders.sqlite3"
    engine = _engine(path)
    with engine.begin() as connection:
        person = _found_crew(connection, CREW, 1)[0]
    _add_orders(engine, CREW, ORDERS)
    with engine.connect() as connection:
        rows = connection.execute(
            select(WORK_ORDER.c.order_id, WORK_ORDER.c.document).order_by(WORK_ORDER.c.order_id)
        )
        documents = [(row.order_id, row.document) for row in rows]
    engine.dispose()
    return OrderTown(template=path, person=person, documents=documents)


def found_morning_town(folder: Path) -> MorningTown:
    """Return the town of the 500 tablets."""
    path = folder / "morning.sqlite3"
    engine = _engine(path)
    service = SyncService(engine, _Now())
    tablets: list[tuple[str, str]] = []
    for number in range(1, CREWS + 1):
        crew_id = f"crew-{number:04d}"
        with engine.begin() as connection:
            people = _found_crew(connection, crew_id, TABLETS_PER_CREW)
        order_ids = _add_orders(engine, crew_id, CHANGED_ORDERS)
        tablets += [(each.enrolled.token, _asleep(engine, service, each)) for each in people]
        with engine.begin() as connection:
            for order_id in order_ids:
                change_order(connection, order_id, {"address": "moved over night"}, NOW)
                show_order(connection, order_id, NOW)
    engine.dispose()
    return MorningTown(template=path, tablets=tablets)


class _Now:
    def now_utc(self) -> datetime:
        return NOW

    def wall_seconds(self, seconds: float) -> float:
        return seconds


def _asleep(engine: Engine, service: SyncService, person: Person) -> str:
    """Return the pull token of a tablet that has everything."""
    with engine.connect() as connection:
        identity = tablet_of_token(connection, person.enrolled.token, NOW)
    token: str | None = None
    while True:
        answer = service.pull(identity, token, MAX_ROWS)
        token = answer.token
        if not answer.has_more:
            return token


def _engine(path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    return engine


def _found_crew(connection: Connection, crew_id: str, tablets: int) -> list[Person]:
    create_crew(connection, Crew(crew_id=crew_id, name=crew_id, area_ids=AREAS), _MADE)
    actor, *_ = [_found_member(connection, crew_id, number) for number in range(MEMBERS)]
    people: list[Person] = []
    for number in range(tablets):
        code = issue_enrolment_code(connection, crew_id, "bench", NOW).code
        request = EnrolRequest(code=code, name=f"tablet {number}")
        people.append(Person(enrolled=enrol_tablet(connection, request, NOW), actor=actor))
    return people


def _found_member(connection: Connection, crew_id: str, number: int) -> str:
    account = NewAccount(
        login=f"member {number} of {crew_id}",
        display_name="Wang",
        role=Role.CREW_MEMBER,
        password_hash="nobody logs in",  # noqa: S106  # and nothing matches it
        crew_id=crew_id,
    )
    return create_account(connection, account, _MADE).account_id


def _add_orders(engine: Engine, crew_id: str, count: int) -> list[str]:
    """Make the orders of a crew, in the order of their ids, as time draws them."""
    chance = random.Random(crew_id)
    numbered = list(enumerate(sorted(new_id(_MADE) for _ in range(count))))
    for first in range(0, count, ORDERS_PER_COMMIT):
        with engine.begin() as connection:
            for number, order_id in numbered[first : first + ORDERS_PER_COMMIT]:
                new = replace(_order(number, crew_id, chance), order_id=order_id)
                _add_order(connection, new)
    return [order_id for _, order_id in numbered]


def _add_order(connection: Connection, new: NewOrder) -> None:
    order = insert_order(connection, new, "bench", _MADE)
    mover = Mover(actor="bench", happened_at_utc=_MADE, crew_id=new.crew_id)
    move_order(connection, order, WorkOrderEvent.RELEASE, mover, _MADE)
    change_order(connection, order.order_id, {"crew_id": new.crew_id}, _MADE)
    show_order(connection, order.order_id, _MADE)


def _order(number: int, crew_id: str, chance: random.Random) -> NewOrder:
    title = _TITLES[chance.randrange(len(_TITLES))]
    street = _STREETS[chance.randrange(len(_STREETS))]
    hint = " ".join(_word(chance) for _ in range(_WORDS_PER_ORDER))
    return NewOrder(
        order_type=OrderType.METER_CHECK,
        medium=chance.choice(list(Medium)),
        safety_class=chance.choice(list(SafetyClass)),
        priority=chance.randint(1, 4),
        title=BilingualText(en=title[0], zh=title[1]),
        address=f"{street} Road {chance.randint(1, 900)}, flat {chance.randint(1, 99)}",
        meter_id=f"M-{number:06d}",
        device_serial=str(chance.randrange(10**9, 10**10)),
        evidence=_evidence(chance),
        instructions=(BilingualText(en=hint, zh="先关阀门"),),
        due_at_utc=NOW + timedelta(minutes=chance.randint(60, 10_000)),
        crew_id=crew_id,
    )


def _word(chance: random.Random) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(3))


def _evidence(chance: random.Random) -> Evidence:
    value = round(chance.uniform(0.2, 4.0), 3)
    return Evidence(
        sentence=BilingualText(
            en=f"{value} m³/h all night, limit 0.1", zh=f"整夜 {value} m³/h，限值 0.1"
        ),
        quantity="flow_m3h",
        unit="m³/h",
        rule_from_utc=_MADE - timedelta(hours=12),
        rule_to_utc=_MADE,
        points=tuple(
            ChartPoint(
                at_utc=_MADE - timedelta(hours=hour), observed=round(chance.uniform(0.2, 4.0), 2)
            )
            for hour in (2, 1)
        ),
    )
