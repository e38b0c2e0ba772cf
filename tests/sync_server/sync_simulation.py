"""The protocol's simulation, run against the real server functions on SQLite (sync spec 1.7)."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine, delete, insert, select

from sync_server.access.roles import Role
from sync_server.db.access_tables import CREW_AREA
from sync_server.db.change_store import broken_buckets, purge_tombstones
from sync_server.db.order_tables import FACT, WORK_ORDER_EVENT
from sync_server.db.sync_tables import REVIEW_ITEM, SYNC_CONFLICT
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.scope import buckets_of_tablet
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_rows_store import buckets_of, steps_of
from sync_server.work_orders.order_store import (
    OfficeChange,
    act,
    add_note,
    assign,
    change_fields,
    create_order,
    list_orders,
)
from tests.sync_server.people_parts import Pen, Utility, found_utility, person
from tests.sync_server.real_parts import HandClock
from tests.sync_server.tablet_model import Disk, ModelTablet
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import Outcome, PushRequest
from wire_contracts.orders import ENTITY, OrderType, SafetyClass, order_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

CREWS = ("crew-1", "crew-2")
AREAS = ("north", "south")
STEPS = 140
OFFICE = "office"

NEXT = {
    "released": WorkOrderEvent.ACCEPT,
    "accepted": WorkOrderEvent.DEPART,
    "en_route": WorkOrderEvent.ARRIVE,
    "on_site": WorkOrderEvent.BEGIN,
    "working": WorkOrderEvent.FINISH,
}


@dataclass
class Simulation:
    """A utility, its tablets, and a network that loses, repeats and delays."""

    utility: Utility
    tablets: list[ModelTablet]
    actors: dict[str, list[str]]
    rng: random.Random
    delayed: list[tuple[ModelTablet, PushRequest]] = field(default_factory=list)
    backups: dict[int, Disk] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        moves: list[tuple[int, Callable[[], None]]] = [
            (24, self.office_acts),
            (26, self.crew_works),
            (16, self.tablet_pushes),
            (16, self.tablet_pulls),
            (4, self.scope_changes),
            (3, self.tablet_is_copied),
            (2, self.tablet_comes_back_older),
            (4, self.late_request_arrives),
            (2, self.old_tombstones_go),
            (3, self.user_changes),
        ]
        weights = [weight for weight, _ in moves]
        for _ in range(STEPS):
            self.utility.clock.advance(minutes=7)
            self.rng.choices([move for _, move in moves], weights)[0]()
        self.come_to_rest()

    # --- the office

    def office_acts(self) -> None:
        engine, actor = self.utility.engine, self.utility.dispatcher.account_id
        now_utc = self.utility.clock.now_utc()
        with engine.connect() as connection:
            orders = [order.order_id for order in list_orders(connection)]
        try:
            with engine.begin() as connection:
                if not orders or self.rng.random() < 0.3:
                    create_order(connection, self._new_order(), actor, now_utc)
                    return
                order_id = self.rng.choice(sorted(orders))
                choice = self.rng.random()
                if choice < 0.3:
                    assign(connection, order_id, self.rng.choice(CREWS), actor, now_utc)
                elif choice < 0.5:
                    change = OfficeChange(priority=self.rng.randint(1, 4))
                    change_fields(connection, order_id, change, actor, now_utc)
                elif choice < 0.65:
                    note = f"office {self.rng.randrange(10**6)}"
                    add_note(connection, order_id, note, actor, now_utc)
                    self.notes[note] = OFFICE
                else:
                    event = self.rng.choice(
                        [
                            WorkOrderEvent.RELEASE,
                            WorkOrderEvent.CANCEL,
                            WorkOrderEvent.VERIFY,
                            WorkOrderEvent.CLOSE,
                            WorkOrderEvent.REOPEN,
                        ]
                    )
                    act(connection, order_id, event, actor, now_utc)
        except (RefusedTransition, ContractError):
            return

    def _new_order(self) -> NewOrder:
        return NewOrder(
            order_type=OrderType.METER_CHECK,
            medium=Medium.GAS,
            safety_class=SafetyClass.C,
            priority=3,
            title=BilingualText(en="Check", zh="核查"),
            address="Lamp street 1",
            area_id=self.rng.choice(AREAS),
            crew_id=self.rng.choice((*CREWS, None)),
        )

    # --- the crews

    def crew_works(self) -> None:
        tablet = self.rng.choice(self.tablets)
        orders = tablet.orders()
        if not orders:
            return
        order_id = self.rng.choice(sorted(orders))
        document, pen = orders[order_id], tablet.pen
        choice = self.rng.random()
        if choice < 0.15:
            note = f"crew {self.rng.randrange(10**6)}"
            old = str(document["note"])
            operation = pen.set(order_id, "note", old, f"{old}\n{note}".strip())
            self.notes[note] = operation.op_id
        elif choice < 0.35:
            name = self.rng.choice(["diagnosis", "cause", "priority"])
            value = self.rng.randint(1, 4) if name == "priority" else f"v{self.rng.random()}"
            operation = pen.set(order_id, name, document[name], value)
        elif choice < 0.45:
            operation = pen.set(order_id, "result", document["result"], "leak")
        elif choice < 0.6:
            operation = pen.answers(order_id)
        else:
            event = NEXT.get(str(document["state"]))
            if event is None:
                return
            operation = pen.go(order_id, event)
        tablet.write(operation)

    def user_changes(self) -> None:
        tablet = self.rng.choice(self.tablets)
        tablet.pen.actor = self.rng.choice(self.actors[tablet.identity.crew_id])

    # --- the network

    def tablet_pushes(self) -> None:
        tablet = self.rng.choice(self.tablets)
        request = tablet.request(self.rng.choice([1, 3, 50]))
        fate = self.rng.random()
        if not request.operations or fate < 0.2:
            return
        if fate < 0.35:
            self.delayed.append((tablet, request))
        answer = self.utility.service.for_tablet(tablet.identity).push(request)
        if fate < 0.55:
            return
        results = {result.op_id: result for result in answer.results}
        tablet.take_results(results, must_renew=answer.must_renew_replica)

    def late_request_arrives(self) -> None:
        if self.delayed:
            tablet, request = self.delayed.pop(self.rng.randrange(len(self.delayed)))
            self.utility.service.for_tablet(tablet.identity).push(request)

    def tablet_pulls(self) -> None:
        tablet = self.rng.choice(self.tablets)
        sync = self.utility.service.for_tablet(tablet.identity)
        for _ in range(8):
            answer = sync.pull(tablet.disk.token, 3)
            if self.rng.random() < 0.2:
                return
            tablet.take_page(answer)
            if not answer.has_more:
                return

    def scope_changes(self) -> None:
        crew_id, area_id = self.rng.choice(CREWS), self.rng.choice(AREAS)
        row = {"crew_id": crew_id, "area_id": area_id}
        with self.utility.engine.begin() as connection:
            gone = connection.execute(delete(CREW_AREA).filter_by(**row)).rowcount
            if not gone:
                connection.execute(insert(CREW_AREA).values(**row))

    def tablet_is_copied(self) -> None:
        number = self.rng.randrange(len(self.tablets))
        self.backups[number] = self.tablets[number].backup()

    def tablet_comes_back_older(self) -> None:
        number = self.rng.randrange(len(self.tablets))
        if number in self.backups:
            self.tablets[number].restore(self.backups[number])

    def old_tombstones_go(self) -> None:
        before_utc = self.utility.clock.now_utc() - timedelta(hours=2)
        with self.utility.engine.begin() as connection:
            purge_tombstones(connection, before_utc)

    def come_to_rest(self) -> None:
        for tablet, request in self.delayed:
            self.utility.service.for_tablet(tablet.identity).push(request)
        for tablet in self.tablets:
            tablet.push(self.utility.service)
        for tablet in self.tablets:
            tablet.pull(self.utility.service)


def simulate(engine: Engine, clock: HandClock, seed: int) -> Simulation:
    utility = found_utility(engine, clock)
    rng = random.Random(seed)  # a pinned seed, no secret
    with engine.begin() as connection:
        second = person(connection, "zhao", Role.CREW_MEMBER, "crew-1")
    actors = {
        "crew-1": [utility.member.account_id, second.account_id],
        "crew-2": [utility.other_member.account_id],
    }
    tablets = [
        ModelTablet(
            identity=identity,
            pen=Pen(actor=actors[identity.crew_id][0], clock=clock),
            rng=random.Random(seed * 10 + number),  # a pinned seed, no secret
        )
        for number, identity in enumerate((utility.tablet, utility.other_tablet))
    ]
    simulation = Simulation(utility=utility, tablets=tablets, actors=actors, rng=rng)
    simulation.run()
    return simulation


def violations(simulation: Simulation) -> list[str]:
    """Name every invariant of the sync spec that does not hold at rest."""
    engine = simulation.utility.engine
    return [
        *(f"I13 outbox of tablet {i}" for i, t in enumerate(simulation.tablets) if t.disk.outbox),
        *_ledger_violations(engine, simulation),
        *_scope_violations(engine, simulation),
        *_history_violations(engine),
        *_loss_violations(engine, simulation),
    ]


def _ledger_violations(engine: Engine, simulation: Simulation) -> list[str]:
    with engine.connect() as connection:
        ledger = {record.op_id: record for record in read_ledger(connection)}
        effects = Counter(connection.execute(select(WORK_ORDER_EVENT.c.op_id)).scalars())
        facts = Counter(connection.execute(select(FACT.c.op_id)).scalars())
        reviewed = set(connection.execute(select(REVIEW_ITEM.c.op_id)).scalars())
    found = []
    for tablet in simulation.tablets:
        for op_id, actor in tablet.made.items():
            if op_id not in ledger:
                found.append(f"I1 lost {op_id}")
            elif ledger[op_id].actor != actor:
                found.append(f"I10 actor of {op_id}")
        for op_id, result in tablet.told.items():
            if op_id in ledger and ledger[op_id].outcome is not result.outcome:
                found.append(f"I1 outcome of {op_id} changed")
    found += [f"I2 twice {op}" for op, count in (effects + facts).items() if op and count > 1]
    unseen = {Outcome.REFUSED, Outcome.CONFLICT}
    found += [
        f"I8 no review of {record.op_id}"
        for record in ledger.values()
        if record.outcome in unseen and record.op_id not in reviewed
    ]
    return found


def _scope_violations(engine: Engine, simulation: Simulation) -> list[str]:
    found = []
    with engine.connect() as connection:
        found += [f"I12 {bucket}" for bucket in broken_buckets(connection)]
        orders = list_orders(connection)
        for number, tablet in enumerate(simulation.tablets):
            allowed = set(buckets_of_tablet(connection, tablet.identity))
            wanted = {
                order.order_id: order_json(order.document)
                for order in orders
                if buckets_of(order) & allowed
            }
            got = {
                entity_id: row.document
                for bucket in tablet.disk.buckets.values()
                for (entity, entity_id), row in bucket.items()
                if entity == ENTITY
            }
            if set(got) - set(wanted):
                found.append(f"I4 phantom rows on tablet {number}")
            if set(wanted) - set(got):
                found.append(f"I3 missing rows on tablet {number}")
            shared = set(got) & set(wanted)
            found += [f"I3 stale row {each}" for each in shared if got[each] != wanted[each]]
            if set(tablet.disk.buckets) != allowed:
                found.append(f"I4 buckets of tablet {number}")
            sums = tablet.sums()
            found += [
                f"I12 sum of {bucket} on tablet {number}"
                for bucket, end in tablet.disk.ends.items()
                if sums[bucket] != end
            ]
    return found


def _history_violations(engine: Engine) -> list[str]:
    found = []
    with engine.connect() as connection:
        for order in list_orders(connection):
            state = WorkOrderState.PLANNED
            for step in steps_of(connection, order.order_id):
                is_edge = WORK_ORDER.table.get((state, step.event)) is step.to_state
                if step.from_state is not state or not is_edge:
                    found.append(f"I7 {order.document.number}: {step.event} from {state}")
                state = step.to_state
            if state is not order.state:
                found.append(f"I7 {order.document.number} is {order.state}, path ends {state}")
    return found


def _loss_violations(engine: Engine, simulation: Simulation) -> list[str]:
    """Every remark that reached the server is in a note, or kept in the conflict table."""
    with engine.connect() as connection:
        notes = "\n".join(order.document.note for order in list_orders(connection))
        kept = "\n".join(connection.execute(select(SYNC_CONFLICT.c.crew_value)).scalars())
        received = {record.op_id for record in read_ledger(connection)} | {OFFICE}
    return [
        f"I8 remark {note!r}"
        for note, source in simulation.notes.items()
        if source in received and note not in notes and note not in kept
    ]
