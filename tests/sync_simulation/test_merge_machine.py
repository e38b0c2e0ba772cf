"""Any sequence of office acts and crews' operations ends as the tables of the rules say."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from sync_server.db.change_store import broken_buckets
from sync_server.db.sync_tables import REVIEW_ITEM, SYNC_CONFLICT
from sync_server.sync.service import SyncService
from sync_server.work_orders.order import NewOrder, OrderRecord
from sync_server.work_orders.order_rows_store import steps_of
from sync_server.work_orders.order_store import (
    OfficeChange,
    act,
    add_note,
    assign,
    change_fields,
    create_order,
    get_order,
)
from tests.sync_server.people_parts import Pen
from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.rules_of_server import last_write_wins
from tests.sync_simulation.server_memory import memory_server
from tests.sync_simulation.town import CREWS
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import Operation, OperationResult, Outcome, PushRequest, write_push
from wire_contracts.orders import OrderType, SafetyClass, order_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

WORDS = st.sampled_from(["", "crack", "joint", "rust"])
CREW_FIELDS = st.sampled_from(["diagnosis", "cause"])
STEPS = st.sampled_from(
    [
        WorkOrderEvent.ACCEPT,
        WorkOrderEvent.DEPART,
        WorkOrderEvent.ARRIVE,
        WorkOrderEvent.BEGIN,
        WorkOrderEvent.CANNOT_FINISH,
        WorkOrderEvent.NO_ACCESS,
    ]
)
ACTS = st.sampled_from([WorkOrderEvent.RELEASE, WorkOrderEvent.CANCEL])
TABLETS = st.sampled_from([0, 2])
"""One of each crew."""

ENDED = {WorkOrderState.VERIFIED, WorkOrderState.CLOSED}


@dataclass(slots=True)
class Model:
    """The order as the written rules have it."""

    state: WorkOrderState = WorkOrderState.RELEASED
    crew_id: str = CREWS[0]
    fields: dict[str, str] = field(default_factory=lambda: {"diagnosis": "", "cause": ""})
    remarks: list[str] = field(default_factory=list)

    def set(self, crew_id: str, name: str, old: str, new: str) -> Outcome:
        current = self.fields[name]
        if current == new:
            return Outcome.NOOP
        if crew_id != self.crew_id or self.state in ENDED:
            return Outcome.CONFLICT
        self.fields[name] = new
        return Outcome.APPLIED if current == old else Outcome.MERGED

    def go(self, crew_id: str, event: WorkOrderEvent) -> Outcome:
        is_mine = crew_id == self.crew_id
        target = WORK_ORDER.table.get((self.state, event))
        if is_mine and any(
            state is self.state for (_, each), state in WORK_ORDER.table.items() if each is event
        ):
            return Outcome.NOOP
        if not is_mine or target is None:
            return Outcome.REFUSED
        self.state = target
        return Outcome.APPLIED


class MergeMachine(RuleBasedStateMachine):
    """The real server beside the tables of the specification."""

    def __init__(self) -> None:
        super().__init__()
        server, self.town = memory_server()
        self.engine = server.engine
        self.clock = HandClock()
        self.service = SyncService(self.engine, self.clock)
        self.pens = {
            number: Pen(actor=self.town.seats[number].actors[0], clock=self.clock)
            for number in (0, 2)
        }
        self.model = Model()
        self.sent: list[tuple[int, Operation, OperationResult]] = []
        self.taken_ms: dict[str, int] = {}

    @initialize()
    def begin(self) -> None:
        new = NewOrder(
            order_type=OrderType.METER_CHECK,
            medium=Medium.WATER,
            safety_class=SafetyClass.C,
            priority=3,
            title=BilingualText(en="Check", zh="核查"),
            address="Lamp street 1",
            area_id="north",
            crew_id=CREWS[0],
        )
        now_utc = self.clock.now_utc()
        with self.engine.begin() as connection:
            self.order_id = create_order(connection, new, self.town.dispatcher, now_utc).order_id

    # --- the office

    @rule(event=ACTS)
    def office_acts(self, event: WorkOrderEvent) -> None:
        target = WORK_ORDER.table.get((self.model.state, event))
        try:
            with self.engine.begin() as connection:
                act(connection, self.order_id, event, self.town.dispatcher, self.clock.now_utc())
        except RefusedTransition:
            assert target is None
            return
        assert target is not None
        self.model.state = target

    @rule(crew_id=st.sampled_from(CREWS))
    def office_hands_over(self, crew_id: str) -> None:
        state = self.model.state
        is_possible = any(
            (state, event) in WORK_ORDER.table
            for event in (WorkOrderEvent.REASSIGN, WorkOrderEvent.RELEASE)
        )
        try:
            with self.engine.begin() as connection:
                assign(
                    connection, self.order_id, crew_id, self.town.dispatcher, self.clock.now_utc()
                )
        except RefusedTransition:
            assert not is_possible
            return
        assert is_possible
        self.model.state, self.model.crew_id = WorkOrderState.RELEASED, crew_id

    @rule(priority=st.integers(1, 4))
    def office_writes(self, priority: int) -> None:
        change = OfficeChange(priority=priority)
        with self.engine.begin() as connection:
            change_fields(
                connection, self.order_id, change, self.town.dispatcher, self.clock.now_utc()
            )

    @rule()
    def office_remarks(self) -> None:
        remark = f"office {len(self.model.remarks)}."
        with self.engine.begin() as connection:
            add_note(connection, self.order_id, remark, self.town.dispatcher, self.clock.now_utc())
        self.model.remarks.append(remark)

    # --- the crews

    def push(self, number: int, operation: Operation) -> OperationResult:
        sync = self.service.for_tablet(self.town.seats[number].identity)
        request = PushRequest(replica_id=f"replica-{number}", operations=[operation])
        result = sync.push(write_push(request)).results[0]
        self.sent.append((number, operation, result))
        self.taken_ms.setdefault(operation.op_id, ms_from_utc(self.clock.now_utc()))
        return result

    @rule(number=TABLETS, name=CREW_FIELDS, old=WORDS, new=WORDS)
    def crew_writes(self, number: int, name: str, old: str, new: str) -> None:
        crew_id = self.town.seats[number].identity.crew_id
        wanted = self.model.set(crew_id, name, old, new)

        result = self.push(number, self.pens[number].set(self.order_id, name, old, new))

        assert result.outcome is wanted

    @rule(number=TABLETS, value=st.integers(1, 4))
    def crew_writes_what_is_the_offices(self, number: int, value: int) -> None:
        current = self.document()["priority"]
        wanted = Outcome.NOOP if current == value else Outcome.CONFLICT

        result = self.push(number, self.pens[number].set(self.order_id, "priority", current, value))

        assert result.outcome is wanted

    @rule(number=TABLETS)
    def crew_remarks(self, number: int) -> None:
        old, remark = str(self.document()["note"]), f"crew {len(self.sent)}."
        new = f"{old}\n{remark}".strip("\n")
        result = self.push(number, self.pens[number].set(self.order_id, "note", old, new))
        if result.outcome is not Outcome.CONFLICT:
            self.model.remarks.append(remark)

    @rule(number=TABLETS, event=STEPS)
    def crew_steps(self, number: int, event: WorkOrderEvent) -> None:
        wanted = self.model.go(self.town.seats[number].identity.crew_id, event)

        result = self.push(number, self.pens[number].go(self.order_id, event))

        assert result.outcome is wanted

    @rule(data=st.data())
    def something_comes_again(self, data: st.DataObject) -> None:
        if self.sent:
            number, operation, result = data.draw(st.sampled_from(self.sent))

            self.clock.advance(seconds=1)
            again = self.push(number, operation)
            self.clock.advance(seconds=-1)  # the pens' taps stay in the order of their numbers

            assert again == replace(result, at_ms=self.taken_ms[operation.op_id])

    # --- what must hold

    def order(self) -> OrderRecord:
        with self.engine.connect() as connection:
            return get_order(connection, self.order_id)

    def document(self) -> JsonObject:
        return order_json(self.order().document)

    @invariant()
    def the_order_is_what_the_tables_say(self) -> None:
        document = self.document()

        assert document["state"] == self.model.state
        assert document["crew_id"] == self.model.crew_id
        assert {name: document[name] for name in self.model.fields} == self.model.fields
        assert str(document["note"]).split("\n") == (self.model.remarks or [""])

    @invariant()
    def the_history_is_a_path(self) -> None:
        state = WorkOrderState.PLANNED
        with self.engine.connect() as connection:
            for step in steps_of(connection, self.order_id):
                assert WORK_ORDER.table[state, step.event] is step.to_state
                state = step.to_state
            assert broken_buckets(connection) == []
        assert state is self.model.state

    @invariant()
    def whatever_did_not_stand_is_kept_for_a_person(self) -> None:
        with self.engine.connect() as connection:
            reviewed = set(connection.execute(select(REVIEW_ITEM.c.op_id)).scalars())
            kept = set(connection.execute(select(SYNC_CONFLICT.c.op_id)).scalars())
        for _, operation, result in self.sent:
            if result.outcome in {Outcome.CONFLICT, Outcome.REFUSED}:
                assert operation.op_id in reviewed
            if result.outcome in {Outcome.CONFLICT, Outcome.MERGED}:
                assert operation.op_id in kept


def test_merges_and_steps_follow_their_tables() -> None:
    run_state_machine_as_test(MergeMachine, settings=settings(stateful_step_count=30))


def test_a_merge_that_does_not_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    last_write_wins(monkeypatch)
    quick = settings(stateful_step_count=30, phases=[Phase.generate], database=None)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(MergeMachine, settings=quick)
