"""What the office does meanwhile: it begins, and commits later in any order."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection, Engine, delete, insert, select

from sync_server.db.access_tables import CREW_AREA
from sync_server.db.change_store import ORG_BUCKET, Publication, publish, purge_tombstones
from sync_server.db.engine_io import reading
from sync_server.db.order_tables import ORDER_PERSON
from sync_server.db.sync_tables import OP_LEDGER
from sync_server.sync.late_judgement import judge_late_work
from sync_server.sync.lost_orders import make_again
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.sync.upkeep import keep_current, keep_up
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import (
    OfficeChange,
    act,
    add_note,
    assign,
    change_fields,
    create_order,
)
from sync_server.work_orders.person_store import erase_persons, save_person
from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.server_look import look
from tests.sync_simulation.town import AREAS, CREWS
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import Outcome
from wire_contracts.order_person import OrderPerson
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent

Act = Callable[[Connection], None]

EVENTS = (
    WorkOrderEvent.RELEASE,
    WorkOrderEvent.CANCEL,
    WorkOrderEvent.VERIFY,
    WorkOrderEvent.CLOSE,
    WorkOrderEvent.REOPEN,
)

CUSTOMER = "Mrs. Chen"
"""Stands in every customer's name: no file of a tablet may hold it in words."""

_LOST = frozenset({ReviewKind.LOST_ORDER})

_ORDERS = "SELECT order_id FROM work_order ORDER BY number"

UNKNOWN_ENTITY = "van_stock"
"""A kind of thing that no tablet of today knows (trap T19): it must be kept as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenValue:
    """A value that the office wrote into a field."""

    order_id: str
    name: str
    value: str | int


@dataclass(slots=True)
class Memory:
    """What the office knows that it has done; a restored server takes it back to the backup."""

    notes: list[str] = field(default_factory=list)
    values: dict[tuple[str, str], str | int] = field(default_factory=dict)

    def copy(self) -> "Memory":
        return Memory(notes=list(self.notes), values=dict(self.values))


@dataclass(slots=True, kw_only=True)
class Office:
    """The dispatchers; an act that is begun is carried out when its transaction commits."""

    engine: Engine
    clock: HandClock
    dispatcher: str
    rng: random.Random
    open_acts: list[Act] = field(default_factory=list)
    begin_with: Callable[[Act], None] | None = None
    before_commit: Callable[[], None] = lambda: None
    memory: Memory = field(default_factory=Memory)
    hands_off: set[str] = field(default_factory=set)

    def begin(self, one: Act) -> None:
        """Begin an act; it is carried out when its transaction commits."""
        if self.begin_with is None:
            self.open_acts.append(one)
        else:
            self.begin_with(one)

    def begin_something(self) -> None:
        """Decide on an act; it is carried out by `commit_one`, maybe much later."""
        self.begin(self._choose())

    def commit_one(self) -> None:
        if self.open_acts:
            self.commit(self.open_acts.pop(self.rng.randrange(len(self.open_acts))))

    def commit(self, one: Act) -> None:
        try:
            with self.engine.begin() as connection:
                one(connection)
                self.before_commit()
        except (RefusedTransition, ContractError):
            return

    def abandon(self) -> None:
        """Forget what was begun: the server went down under it."""
        self.open_acts.clear()

    def commit_all(self) -> None:
        while self.open_acts:
            self.commit_one()

    def _choose(self) -> Act:
        order_ids = [
            str(each) for (each,) in look(self.engine, _ORDERS) if each not in self.hands_off
        ]
        choice = self.rng.random()
        if not order_ids or choice < 0.24:
            new = self.new_order(self.rng.choice((*CREWS, *CREWS, None)))
            return self.creating(new)
        if choice < 0.28:
            return self.take_stock()
        return self._on_order(self.rng.choice(order_ids))

    def create(self, connection: Connection, new: NewOrder) -> None:
        self.creating(new)(connection)

    def creating(self, new: NewOrder, made: list[str] | None = None) -> Act:
        """Return the act that makes an order; its id is added to `made`."""

        def create(connection: Connection) -> None:
            order = create_order(connection, new, self.dispatcher, self.clock.now_utc())
            if made is not None:
                made.append(order.order_id)

        return create

    def _on_order(self, order_id: str) -> Act:
        choice = self.rng.random()
        if choice < 0.25:
            return self.handing_over(order_id, self.rng.choice(CREWS))
        if choice < 0.35:
            return self._make_an_appointment(order_id)
        if choice < 0.5:
            return self._change(order_id)
        if choice < 0.7:
            return self._remark(order_id)
        return self.acting(order_id, self.rng.choice(EVENTS))

    def acting(self, order_id: str, event: WorkOrderEvent) -> Act:
        """Return the step of an order that an act of the office takes."""

        def take_it(connection: Connection) -> None:
            act(connection, order_id, event, self.dispatcher, self.clock.now_utc())

        return take_it

    def handing_over(self, order_id: str, crew_id: str) -> Act:
        """Return the act that gives an order to a crew."""

        def hand_over(connection: Connection) -> None:
            assign(connection, order_id, crew_id, self.dispatcher, self.clock.now_utc())

        return hand_over

    def _make_an_appointment(self, order_id: str) -> Act:
        """Agree with a customer on when the crew comes, some of them later than two days on."""
        number, hours = self.rng.randrange(10**6), self.rng.randint(-10, 60)

        def agree(connection: Connection) -> None:
            now_utc = self.clock.now_utc()
            person = OrderPerson(
                name=f"{CUSTOMER} {number}",
                phone=f"139 {number}",
                appointment_at_utc=now_utc + timedelta(hours=hours),
            )
            save_person(connection, order_id, person, self.dispatcher, now_utc)

        return agree

    def _change(self, order_id: str) -> Act:
        address = f"Lamp street {self.rng.randrange(10**6)}"
        change = OfficeChange(address=address, priority=self.rng.randint(1, 4))

        def change_it(connection: Connection) -> None:
            change_fields(connection, order_id, change, self.dispatcher, self.clock.now_utc())
            self.memory.values[order_id, "address"] = address
            self.memory.values[order_id, "priority"] = change.priority or 0

        return change_it

    def _remark(self, order_id: str) -> Act:
        note = f"office {self.rng.randrange(10**6)}."

        def remark(connection: Connection) -> None:
            add_note(connection, order_id, note, self.dispatcher, self.clock.now_utc())
            self.memory.notes.append(note)

        return remark

    def take_stock(self) -> Act:
        """Publish many things in one transaction, or take them away: no page may split it."""
        vans = self.rng.sample([f"van-{number}" for number in range(1, 13)], 4)
        count = self.rng.randrange(100)
        buckets = frozenset({ORG_BUCKET} if self.rng.random() < 0.6 else ())

        def publish_them(connection: Connection) -> None:
            for van in vans:
                document: JsonObject = {"van": van, "of a newer server": {"seals": [count]}}
                publication = Publication(
                    entity=UNKNOWN_ENTITY,
                    entity_id=van,
                    document=document,
                    buckets=buckets,
                )
                publish(connection, publication, self.clock.now_utc())

        return publish_them

    def new_order(self, crew_id: str | None) -> NewOrder:
        return NewOrder(
            order_type=OrderType.METER_CHECK,
            medium=Medium.WATER,
            safety_class=SafetyClass.C,
            priority=3,
            title=BilingualText(en="Check", zh="核查"),
            address="Lamp street 1",
            area_id=self.rng.choice(AREAS),
            crew_id=crew_id,
        )

    def has_taken(self, op_ids: Collection[str]) -> bool:
        """Return whether the server has taken all of these operations as they are."""
        mine = OP_LEDGER.c.op_id.in_(op_ids)
        with self.engine.begin() as connection:
            outcomes = connection.execute(select(OP_LEDGER.c.outcome).where(mine)).scalars().all()
        return len(outcomes) == len(op_ids) and set(outcomes) <= {Outcome.APPLIED, Outcome.NOOP}

    # --- what happens to everybody

    def change_scope(self) -> None:
        row = {"crew_id": self.rng.choice(CREWS), "area_id": self.rng.choice(AREAS)}
        with self.engine.begin() as connection:
            gone = connection.execute(delete(CREW_AREA).filter_by(**row)).rowcount
            if not gone:
                connection.execute(insert(CREW_AREA).values(**row))

    def forget_tombstones(self) -> None:
        with self.engine.begin() as connection:
            purge_tombstones(connection, self.clock.now_utc() - timedelta(hours=2))

    def move_the_window(self) -> None:
        """Do what the server does every few minutes, and what people are asked to do."""
        with self.engine.begin() as connection:
            keep_current(connection, self.clock.now_utc())
        self.make_lost_orders_again()

    def make_lost_orders_again(self) -> None:
        """Make every order again that tablets remember and the server does not."""
        with reading(self.engine) as connection:
            asked = [each for each in list_reviews(connection) if each.kind in _LOST]
        for item in asked:
            now_utc = self.clock.now_utc()
            with self.engine.begin() as connection:
                make_again(connection, item.review_id, "made again", self.dispatcher, now_utc)
        judge_late_work(self.engine, self.clock.now_utc())

    def erase_somebody(self) -> None:
        """Erase a customer who wants that."""
        with self.engine.begin() as connection:
            query = select(ORDER_PERSON.c.order_id).order_by(ORDER_PERSON.c.order_id)
            known = list(connection.execute(query).scalars())
            if known:
                now_utc = self.clock.now_utc()
                erase_persons(connection, [self.rng.choice(known)], self.dispatcher, now_utc)

    def do_the_daily_round(self) -> None:
        with self.engine.begin() as connection:
            keep_up(connection, self.clock.now_utc())
