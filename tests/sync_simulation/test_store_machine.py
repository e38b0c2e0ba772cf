"""Any sequence of taps, answers, pages and restarts: the crew reads its own words (I9)."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection
from typing_extensions import override

from field_app.orders.next_action import next_event
from field_app.store import base_store
from field_app.store.outbox_store import NewOperation
from field_app.sync.pulling import pull_round
from field_app.sync.pushing import Pusher
from field_app.sync.reasons import Reason, SyncProblem
from field_app.tablet import Tablet, open_tablet
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_simulation.one_seed import quick_folder
from tests.sync_simulation.rules_of_tablet import own_words_not_laid_over
from tests.sync_simulation.store_engines import lent_engines
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import (
    Operation,
    OperationKind,
    OperationResult,
    Outcome,
    PushAnswer,
    WrittenPush,
    dump_written,
    parse_push,
)
from wire_contracts.orders import (
    ENTITY,
    OrderType,
    SafetyClass,
    WorkOrderDocument,
    order_json,
)
from wire_contracts.payloads import read_json
from wire_contracts.pulls import BucketEnd, BucketPage, EntityRow, PullAnswer, hash_row
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

ORDERS = ("order-1", "order-2")
WORDS = st.sampled_from(["crack", "joint", "rust", "thread"])
FIELDS = st.sampled_from(["diagnosis", "cause"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What of an order can be compared: the fields that both sides write."""

    state: WorkOrderState = WorkOrderState.RELEASED
    diagnosis: str = ""
    cause: str = ""
    note: str = ""


def taken(seen: Seen, operation: Operation) -> Seen:
    """Return what an operation makes of an order; a step that is not possible changes nothing."""
    if operation.kind is OperationKind.GO:
        key = (seen.state, WorkOrderEvent(operation.field))
        return replace(seen, state=WORK_ORDER.table.get(key, seen.state))
    value = str(operation.new)
    if operation.field == "note":
        addition = value.removeprefix(str(operation.old)).strip("\n")
        is_there = f"\n{addition}\n" in f"\n{seen.note}\n"
        return seen if is_there else replace(seen, note=f"{seen.note}\n{addition}".strip("\n"))
    return (
        replace(seen, diagnosis=value)
        if operation.field == "diagnosis"
        else replace(seen, cause=value)
    )


@dataclass(slots=True)
class PlainServer:
    """The least that a server must do: one bucket, one sequence, one ledger; implements SyncApi."""

    rows: dict[str, tuple[Seen, int]] = field(default_factory=dict)
    seq: int = 0
    ledger: dict[str, OperationResult] = field(default_factory=dict)
    refuse: bool = False
    loses_answers: bool = False
    given: dict[str, tuple[Seen, int]] = field(default_factory=dict)

    def write(self, order_id: str, seen: Seen) -> None:
        self.seq += 1
        self.rows[order_id] = (seen, self.seq)

    def push(self, push: WrittenPush) -> PushAnswer:
        operations = parse_push(read_json("push", dump_written(push))).operations
        for operation in operations:
            if operation.op_id not in self.ledger:
                self.ledger[operation.op_id] = self._apply(operation)
        if self.loses_answers:
            raise SyncProblem(Reason.NO_NETWORK, "the answer was lost")
        return PushAnswer(
            server_epoch=1,
            server_now_ms=ms_from_utc(NOON),
            results=[self.ledger[operation.op_id] for operation in operations],
        )

    def _apply(self, operation: Operation) -> OperationResult:
        order_id = operation.entity_id
        if self.refuse:
            return OperationResult(op_id=operation.op_id, outcome=Outcome.REFUSED)
        self.write(order_id, taken(self.rows[order_id][0], operation))
        return OperationResult(op_id=operation.op_id, outcome=Outcome.APPLIED, seq=self.seq)

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        del limit
        position = int(token or 0)
        self.given = dict(self.rows)
        page = BucketPage(
            bucket="crew:crew-1",
            is_reset=token is None,
            rows=tuple(
                row_of(order_id, seen, seq)
                for order_id, (seen, seq) in sorted(self.rows.items(), key=lambda each: each[1][1])
                if seq > position
            ),
            end=self._end(),
        )
        return PullAnswer(
            server_epoch=1,
            server_now_ms=ms_from_utc(NOON),
            token=str(self.seq),
            has_more=False,
            buckets=(page,),
        )

    def _end(self) -> BucketEnd:
        checksum = 0
        for order_id, (seen, seq) in self.rows.items():
            checksum ^= row_of(order_id, seen, seq).row_hash
        return BucketEnd(count=len(self.rows), checksum=checksum)


def row_of(order_id: str, seen: Seen, seq: int) -> EntityRow:
    document = order_json(
        WorkOrderDocument(
            number=order_id,
            state=seen.state,
            order_type=OrderType.METER_CHECK,
            medium=Medium.WATER,
            safety_class=SafetyClass.C,
            priority=3,
            title=BilingualText(en="Check", zh="核查"),
            address="Lamp street 1",
            created_at_utc=NOON,
            diagnosis=seen.diagnosis,
            cause=seen.cause,
            note=seen.note,
        )
    )
    return EntityRow(
        entity=ENTITY,
        entity_id=order_id,
        seq=seq,
        row_hash=hash_row(ENTITY, order_id, document),
        document=document,
    )


class StoreMachine(RuleBasedStateMachine):
    """A real tablet beside a list of what its crew wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(lent_engines())
        self.folder = self.stack.enter_context(quick_folder())
        self.clock = HandClock()
        self.server = PlainServer()
        self.made: list[Operation] = []
        self.base: dict[str, tuple[Seen, int]] = {}
        self.acknowledged: dict[str, OperationResult] = {}
        self.notes = 0
        self.tablet = self.open()

    def open(self) -> Tablet:
        return open_tablet(self.folder / "tablet", self.clock)

    @initialize()
    def begin(self) -> None:
        for order_id in ORDERS:
            self.server.write(order_id, Seen())
        self.pull()

    # --- the crew

    def seal(self, order_id: str, change: NewOperation) -> None:
        def work(connection: Connection) -> None:
            self.tablet.desk._append(connection, order_id, [change])

        self.tablet.database.write(work)
        self.remember()

    def remember(self) -> None:
        known = {each.op_id for each in self.made}
        fresh = [each.operation for each in self.tablet.waiting()]
        self.made += [each for each in fresh if each.op_id not in known]

    @rule(order_id=st.sampled_from(ORDERS), name=FIELDS, word=WORDS)
    def write_field(self, order_id: str, name: str, word: str) -> None:
        old = str(getattr(self.expected(order_id), name))
        self.seal(order_id, set_operation(order_id, name, old, word))

    @rule(order_id=st.sampled_from(ORDERS))
    def remark(self, order_id: str) -> None:
        self.notes += 1
        self.tablet.desk.add_note(order_id, f"remark {self.notes}.")
        self.remember()

    @rule(order_id=st.sampled_from(ORDERS))
    def step(self, order_id: str) -> None:
        event = next_event(self.expected(order_id).state)
        if event is not None and event is not WorkOrderEvent.FINISH:
            self.tablet.desk.tap(order_id, event)
            self.remember()

    @rule()
    def restart(self) -> None:
        self.tablet.close()
        self.tablet = self.open()

    # --- the office and the network

    @rule(order_id=st.sampled_from(ORDERS), word=WORDS)
    def office_writes(self, order_id: str, word: str) -> None:
        seen, _ = self.server.rows[order_id]
        self.server.write(order_id, replace(seen, note=f"{seen.note}\n{word}".strip("\n")))

    @rule(order_id=st.sampled_from(ORDERS))
    def office_cancels(self, order_id: str) -> None:
        seen, _ = self.server.rows[order_id]
        key = (seen.state, WorkOrderEvent.CANCEL)
        self.server.write(order_id, replace(seen, state=WORK_ORDER.table.get(key, seen.state)))

    @rule(is_refusing=st.booleans(), is_lost=st.booleans())
    @precondition(lambda self: bool(self.made))
    def push(self, is_refusing: bool, is_lost: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
        self.server.refuse, self.server.loses_answers = is_refusing, is_lost
        pusher = Pusher(self.tablet.database, self.server, self.clock, lambda _connection: None)
        try:
            pusher.push_all()
        except SyncProblem:
            return
        self.acknowledged = dict(self.server.ledger)

    @rule()
    def pull(self) -> None:
        pull_round(self.tablet.database, self.server, self.clock)
        self.base = dict(self.server.given)

    # --- what must hold

    def pending(self, order_id: str) -> Sequence[Operation]:
        """Return what the row on the tablet does not show yet: unanswered, or without its echo."""
        _, seq = self.base[order_id]
        return [
            each for each in self.made if each.entity_id == order_id and self._is_pending(each, seq)
        ]

    def _is_pending(self, operation: Operation, seq: int) -> bool:
        result = self.acknowledged.get(operation.op_id)
        return result is None or (result.outcome is Outcome.APPLIED and result.seq > seq)

    def expected(self, order_id: str) -> Seen:
        seen, _ = self.base[order_id]
        for operation in self.pending(order_id):
            seen = taken(seen, operation)
        return seen

    @invariant()
    def the_crew_reads_its_own_words(self) -> None:
        for order_id in self.base:
            shown = self.tablet.desk.order(order_id)
            assert shown is not None
            document = shown.document
            assert document is not None
            assert self.expected(order_id) == Seen(
                state=document.state,
                diagnosis=document.diagnosis,
                cause=document.cause,
                note=document.note,
            )

    @invariant()
    def every_sum_adds_up(self) -> None:
        def differing(connection: Connection) -> list[str]:
            return [
                name
                for name in base_store.bucket_names(connection)
                if base_store.load_tally(connection, name)
                != base_store.recount_tally(connection, name)
            ]

        assert self.tablet.database.read(differing) == []

    @override
    def teardown(self) -> None:
        self.tablet.close()
        self.stack.close()


def set_operation(order_id: str, name: str, old: str, new: str) -> NewOperation:
    return NewOperation(
        kind=OperationKind.SET,
        entity=ENTITY,
        entity_id=order_id,
        order_id=order_id,
        field=name,
        old=old,
        new=new,
    )


def test_a_tablet_always_reads_its_own_pending_words() -> None:
    run_state_machine_as_test(StoreMachine, settings=settings(stateful_step_count=25))


def test_a_tablet_that_does_not_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    own_words_not_laid_over(monkeypatch)
    quick = settings(stateful_step_count=25, phases=[Phase.generate], database=None)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(StoreMachine, settings=quick)
