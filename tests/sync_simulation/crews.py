"""What a crew does on its tablet: steps, remarks, findings, corrections, facts, and poison."""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from field_app.orders.next_action import next_event, side_events
from field_app.orders.seen_order_store import OrderGoneError
from field_app.store.outbox_store import NewOperation
from tests.sync_simulation.photo_line import PICTURES, picture
from tests.sync_simulation.tablets import SimulatedTablet
from wire_contracts.fields import JsonValue
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import OperationKind
from wire_contracts.orders import ENTITY, FactType, OrderType, SafetyClass, order_json
from wire_contracts.patrol_facts import OrderRequest, order_request_json
from wire_contracts.quantities import Medium
from wire_contracts.sync import Feature, has_feature
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

TOO_DEEP_MARK = "deeper than any server reads"

FINDINGS = (("leak", "joint"), ("other", "see_note"))
"""Results that a crew finds, each with a cause of it."""

TOO_DEEP = 40
"""Levels of an operation that no server takes (`sync_server.sync.inbox.DEEPEST` is 32)."""


@dataclass(slots=True, kw_only=True)
class Crews:
    """The hands on the tablets; `notes` are the remarks they wrote."""

    rng: random.Random
    notes: dict[str, str] = field(default_factory=dict)
    poisons: set[str] = field(default_factory=set)
    last_fact: dict[str, str] = field(default_factory=dict)
    hands_off: set[str] = field(default_factory=set)

    def work(self, tablet: SimulatedTablet) -> None:
        """Do one thing on one order of the list; what the tablet refuses at once is not done."""
        tablet.take_its_place()
        orders = [each for each in tablet.orders() if each[0] not in self.hands_off]
        if not orders or self.rng.random() < 0.04:
            self._write_fact(tablet, f"no-such-order-{self.rng.randrange(3)}")
            return
        order_id, state = self.rng.choice(orders)
        deeds: list[tuple[int, Callable[[], None]]] = [
            (45, lambda: self._step(tablet, order_id, WorkOrderState(state))),
            (4, lambda: self._step_aside(tablet, order_id, WorkOrderState(state))),
            (18, lambda: self._remark(tablet, order_id)),
            (14, lambda: self._correct(tablet, order_id)),
            (12, lambda: self._write_fact(tablet, order_id)),
            (16, lambda: self._take_photo(tablet, order_id)),
            (6, lambda: self._poison(tablet, order_id)),
        ]
        weights = [weight for weight, _ in deeds]
        try:
            self.rng.choices([deed for _, deed in deeds], weights)[0]()
        except (RefusedTransition, OrderGoneError):
            return

    def step_on(self, tablet: SimulatedTablet, order_id: str) -> None:
        """Take the next step of an order, if the tablet shows it and there is one."""
        for shown_id, state in tablet.orders():
            if shown_id == order_id:
                self._step(tablet, order_id, WorkOrderState(state))

    def _step(self, tablet: SimulatedTablet, order_id: str, state: WorkOrderState) -> None:
        event = next_event(state)
        if event is WorkOrderEvent.FINISH:
            result, cause = self.rng.choice(FINDINGS)
            answers = {"result": result, "cause": cause, "note": f"v{self._number()}"}
            tablet.real.desk.save_answers(order_id, answers)
            tablet.real.desk.finish(order_id)
        elif event is not None:
            tablet.real.desk.tap(order_id, event)

    def _step_aside(self, tablet: SimulatedTablet, order_id: str, state: WorkOrderState) -> None:
        for event in side_events(state)[:1]:
            tablet.real.desk.tap(order_id, event)

    def _remark(self, tablet: SimulatedTablet, order_id: str) -> None:
        note = f"crew {self._number()}."
        before = tablet.last_n()
        tablet.real.desk.add_note(order_id, note)
        for made in tablet.made_after(before):
            self.notes[note] = made.op_id

    def _correct(self, tablet: SimulatedTablet, order_id: str) -> None:
        """Write a field outright, one of the office's among them."""
        name = self.rng.choice(["diagnosis", "diagnosis", "cause", "address"])
        self.correct(tablet, order_id, name)

    def correct(self, tablet: SimulatedTablet, order_id: str, name: str) -> None:
        """Write another value into a field of an order that the tablet shows."""
        seen = tablet.real.desk.order(order_id)
        if seen is None or seen.document is None:
            return
        old = order_json(seen.document)[name]
        self._seal(tablet, order_id, [_set(order_id, name, old, f"v{self._number()}")])

    def _write_fact(self, tablet: SimulatedTablet, order_id: str) -> None:
        """Write a fact; some correct an earlier one, some are of orders that nobody knows yet."""
        payload: dict[str, JsonValue] = {"order_id": order_id, "value": self._number()}
        earlier = self.last_fact.get(order_id)
        if earlier is not None and self.rng.random() < 0.3:
            payload["supersedes"] = earlier
        fact_type = self.rng.choice([FactType.METER_READING, FactType.COMMENT, FactType.CHECK_IN])
        fact_id = f"fact-{self.rng.getrandbits(64):016x}"
        self.last_fact[order_id] = fact_id
        self._seal(tablet, order_id, [_fact(order_id, str(fact_type), fact_id, payload)])

    def ask_for_order(self, tablet: SimulatedTablet) -> str:
        """Ask for an order, as an inspector does; return the id that the tablet drew for it."""
        tablet.take_its_place()
        order_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        request = OrderRequest(
            order_id=order_id,
            order_type=OrderType.METER_CHECK,
            medium=Medium.WATER,
            safety_class=SafetyClass.A,
            title=BilingualText(en="Water in cellar", zh="地下室积水"),
            address="Lamp street 2",
            note="",
            about="",
        )
        fact_id = f"fact-{self.rng.getrandbits(64):016x}"
        kind, payload = str(FactType.ORDER_REQUEST), order_request_json(request)
        self._seal(tablet, order_id, [_fact(order_id, kind, fact_id, dict(payload))])
        return order_id

    def _take_photo(self, tablet: SimulatedTablet, order_id: str) -> None:
        if has_feature(tablet.seat.protocol, Feature.BLOBS):
            content = picture(self.rng.randrange(PICTURES))
            tablet.real.photos.add(order_id, content)

    def _poison(self, tablet: SimulatedTablet, order_id: str) -> None:
        """Seal what no server can apply, as a broken app would: it must be in nobody's way."""
        deep: JsonValue = TOO_DEEP_MARK
        for _ in range(TOO_DEEP):
            deep = [deep]
        poisons = [
            _change(OperationKind.GO, order_id, str(WorkOrderEvent.CLOSE)),
            _set(order_id, "no_such_field", "", "v"),
            _set("no-such-order", "diagnosis", "", "v"),
            _fact(order_id, "no_such_type", f"fact-{self._number()}", {"order_id": order_id}),
            _fact(order_id, "comment", f"fact-{self._number()}", {"order_id": "x" * 80}),
            _fact(order_id, "comment", f"fact-{self._number()}", {"nul": "\0", "big": 10**40}),
            *[_fact(order_id, "comment", f"fact-{self._number()}", {"deep": deep})] * 3,
        ]
        before = tablet.last_n()
        self._seal(tablet, order_id, [self.rng.choice(poisons)])
        self.poisons |= {made.op_id for made in tablet.made_after(before)}

    def _seal(
        self, tablet: SimulatedTablet, order_id: str, changes: Sequence[NewOperation]
    ) -> None:
        def work(connection: Connection) -> None:
            tablet.real.desk._append(connection, order_id, changes)

        tablet.real.database.write(work)

    def _number(self) -> int:
        return self.rng.randrange(10**9)


def _set(order_id: str, name: str, old: JsonValue, new: JsonValue) -> NewOperation:
    return NewOperation(
        kind=OperationKind.SET,
        entity=ENTITY,
        entity_id=order_id,
        order_id=order_id,
        field=name,
        old=old,
        new=new,
    )


def _change(kind: OperationKind, order_id: str, name: str) -> NewOperation:
    return NewOperation(kind=kind, entity=ENTITY, entity_id=order_id, order_id=order_id, field=name)


def _fact(
    order_id: str, fact_type: str, fact_id: str, payload: dict[str, JsonValue]
) -> NewOperation:
    return NewOperation(
        kind=OperationKind.FACT,
        entity=fact_type,
        entity_id=fact_id,
        order_id=order_id,
        field=fact_type,
        payload=payload,
    )
