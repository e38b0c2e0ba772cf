"""Orders on a real database: made, moved, handed over, shown, withdrawn."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from sync_server.access.roles import Role
from sync_server.alerts.alert_list_store import get_alert
from sync_server.db.order_tables import WORK_ORDER as ORDER_TABLE
from sync_server.db.sync_tables import CHANGE
from sync_server.work_orders.dispatch import (
    KEEP_ON_TABLETS,
    dispatch_due,
    verdict_on,
    withdraw_ended,
)
from sync_server.work_orders.order import RULE_ACTOR, Mover, OrderFilter
from sync_server.work_orders.order_book import OrderBook
from sync_server.work_orders.order_rows_store import change_order, show_order
from sync_server.work_orders.order_store import (
    OfficeChange,
    act,
    add_note,
    assign,
    change_fields,
    count_orders,
    create_from_alert,
    get_order,
    list_orders,
    order_history,
    orders_per_crew,
)
from sync_server.work_orders.policy_store import (
    PolicyMissingError,
    PolicyRow,
    due_at,
    list_policies,
    policy_at,
    set_policy,
)
from tests.sync_server.people_parts import Utility, evidence, found_utility, person, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.alert_states import Disposition
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.kinds import Kind
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import ENTITY, OrderType, SafetyClass, order_json
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import hash_row
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import (
    OFFICE_EVENTS,
    WORK_ORDER,
    WorkOrderEvent,
    WorkOrderState,
)


@pytest.fixture
def utility(sqlite_engine: Engine, clock: HandClock) -> Utility:
    return found_utility(sqlite_engine, clock)


def ordered(utility: Utility, crew_id: str | None = "crew-1") -> str:
    with utility.engine.begin() as connection:
        alert_id = raise_leak(connection)
        actor = utility.dispatcher.account_id
        return create_from_alert(connection, alert_id, actor, crew_id, NOON).order_id


def test_an_alert_becomes_an_order_with_its_evidence_steps_and_due_time(
    engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(engine, clock)
    with engine.begin() as connection:
        alert_id = raise_leak(connection, "M-2", Kind.SLOW_LEAK, Medium.GAS)
        order = create_from_alert(
            connection, alert_id, utility.dispatcher.account_id, "crew-1", NOON
        )
        alert = get_alert(connection, alert_id)

    document = order.document
    assert document.number == "WO-000001"
    assert (document.state, document.order_type) == (
        WorkOrderState.RELEASED,
        OrderType.LEAK_CHECK,
    )
    assert document.safety_class is SafetyClass.A
    assert document.due_at_utc == NOON + timedelta(minutes=60)
    assert document.evidence == evidence()
    assert [step.en.partition(":")[0] for step in document.instructions] == [
        "Isolate",
        "Ventilate",
        "Measure",
        "Repair",
        "Re-measure",
        "Relight",
    ]
    assert (document.meter_id, document.device_serial) == ("M-2", "D-2")
    assert document.address == "M-2 street"
    assert (alert.disposition, alert.work_order_id) == (Disposition.ORDERED, order.order_id)


NASTY = "".join(map(chr, range(1, 130))) + "\u2028 漏水 \U0001f4a7"


def test_tablets_are_given_the_order_as_the_contract_writes_it(
    engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(engine, clock)
    order_id = ordered(utility)
    with engine.begin() as connection:
        change_order(connection, order_id, {"note": NASTY, "result": "leak"}, NOON)
        show_order(connection, order_id, NOON)
        order = get_order(connection, order_id)
        shown = connection.execute(
            select(ORDER_TABLE.c.document, CHANGE.c.row_hash).join(
                CHANGE, CHANGE.c.entity_id == ORDER_TABLE.c.order_id
            )
        ).one()

    assert order.document.evidence == evidence()
    assert shown.document == dump_json(order_json(order.document)).decode()
    assert shown.row_hash == hash_row(ENTITY, order_id, order_json(order.document))


def test_an_order_changed_twice_in_a_push_is_written_and_shown_as_it_ends(
    engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(engine, clock)
    order_id = ordered(utility)
    mover = Mover(actor="a", happened_at_utc=NOON, crew_id="crew-1")
    with engine.begin() as connection:
        book = OrderBook(connection, NOON)
        book.change(order_id, {"diagnosis": "wet", "cause": "joint"})
        book.move(order_id, WorkOrderEvent.ACCEPT, mover)
        book.change(order_id, {"diagnosis": "dry"})
        said = book.get(order_id)
        book.show()

    with engine.connect() as connection:
        kept = get_order(connection, order_id)
        brief = replace(kept.document, evidence=None, instructions=())
        assert said == replace(kept, document=brief)
        text = connection.execute(
            select(ORDER_TABLE.c.document).where(ORDER_TABLE.c.order_id == order_id)
        ).scalar_one()
        assert text == dump_json(order_json(kept.document)).decode()
        assert (kept.document.diagnosis, kept.document.cause) == ("dry", "joint")
        assert order_history(connection, order_id)[-1].event is WorkOrderEvent.ACCEPT


def test_one_alert_has_one_order(utility: Utility) -> None:
    ordered(utility)
    with utility.engine.begin() as connection:
        alert_id = list_orders(connection)[0].document.alert_id
        assert alert_id is not None
        with pytest.raises(RefusedTransition, match="cannot order an alert that is ordered"):
            create_from_alert(connection, alert_id, utility.dispatcher.account_id, "crew-1", NOON)


def test_the_role_decides_who_may_dispatch(utility: Utility) -> None:
    with utility.engine.begin() as connection:
        auditor = person(connection, "auditor", Role.AUDITOR)
        alert_id = raise_leak(connection)
        with pytest.raises(ContractError, match="'auditor' may not dispatch_order; ask one of"):
            create_from_alert(connection, alert_id, auditor.account_id, "crew-1", NOON)


def test_the_rule_may_dispatch_and_nothing_else(utility: Utility) -> None:
    order_id = ordered(utility)
    with utility.engine.begin() as connection, pytest.raises(ContractError) as caught:
        act(connection, order_id, WorkOrderEvent.CANCEL, RULE_ACTOR, NOON)

    assert caught.value.code is Code.NOT_FOUND


def test_the_office_cannot_take_the_crews_steps(utility: Utility) -> None:
    order_id = ordered(utility)
    with (
        utility.engine.begin() as connection,
        pytest.raises(ContractError, match="may not finish; ask one of: the crew"),
    ):
        act(connection, order_id, WorkOrderEvent.FINISH, utility.dispatcher.account_id, NOON)


def test_a_cancelled_order_frees_its_alert(utility: Utility) -> None:
    order_id = ordered(utility)
    with utility.engine.begin() as connection:
        order = act(
            connection, order_id, WorkOrderEvent.CANCEL, utility.dispatcher.account_id, NOON
        )
        alert = get_alert(connection, str(order.document.alert_id))

    assert order.state is WorkOrderState.CANCELLED
    assert (alert.disposition, alert.work_order_id) == (Disposition.NONE, None)


def test_an_order_without_a_crew_waits_until_one_is_chosen(utility: Utility) -> None:
    order_id = ordered(utility, crew_id=None)
    actor = utility.dispatcher.account_id
    with utility.engine.begin() as connection:
        with pytest.raises(ContractError, match="WO-000001: crew_id: is empty; choose a crew"):
            act(connection, order_id, WorkOrderEvent.RELEASE, actor, NOON)
        order = assign(connection, order_id, "crew-2", actor, NOON)

    assert (order.state, order.document.crew_id) == (WorkOrderState.RELEASED, "crew-2")


def test_an_order_that_goes_to_another_crew_leaves_the_first_tablet(utility: Utility) -> None:
    order_id = ordered(utility)
    token = utility.sync().pull(None, 500).token
    with utility.engine.begin() as connection:
        assign(connection, order_id, "crew-2", utility.dispatcher.account_id, NOON)

    answer = utility.sync().pull(token, 500)
    gone = [each.entity_id for page in answer.buckets for each in page.tombstones]
    assert gone == [order_id]
    other = utility.service.for_tablet(utility.other_tablet).pull(None, 500)
    assert order_id in [row.entity_id for page in other.buckets for row in page.rows]


def test_the_office_changes_fields_and_adds_remarks(utility: Utility) -> None:
    order_id = ordered(utility)
    actor = utility.dispatcher.account_id
    with utility.engine.begin() as connection:
        change_fields(connection, order_id, OfficeChange(priority=1), actor, NOON)
        add_note(connection, order_id, "key at the gate", actor, NOON)
        order = add_note(connection, order_id, "dog", actor, NOON)
        found = list_orders(
            connection, OrderFilter(states=frozenset({WorkOrderState.RELEASED}), crew_id="crew-1")
        )

    assert (order.document.priority, order.document.note) == (1, "key at the gate\ndog")
    assert [each.order_id for each in found] == [order_id]


def test_a_page_asks_for_orders_by_number_meter_and_part_without_their_evidence(
    engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(engine, clock)
    actor = utility.dispatcher.account_id
    with engine.begin() as connection:
        for meter_id, crew_id in (("M-1", "crew-1"), ("M-2", "crew-1"), ("M-3", None)):
            alert_id = raise_leak(connection, meter_id)
            create_from_alert(connection, alert_id, actor, crew_id, NOON)

        def numbers(wanted: OrderFilter) -> list[str]:
            return [each.document.number for each in list_orders(connection, wanted)]

        newest = list_orders(connection)
        second = OrderFilter(before=newest[0].order_id, limit=1)
        assert list_orders(connection, second) == newest[1:2]
        assert numbers(OrderFilter(number="WO-000002")) == ["WO-000002"]
        assert numbers(OrderFilter(meter_id="M-3")) == ["WO-000003"]
        (bare,) = list_orders(connection, OrderFilter(number="WO-000001", has_evidence=False))
        assert (bare.document.meter_id, bare.document.evidence) == ("M-1", None)
        assert count_orders(connection) == {
            WorkOrderState.PLANNED: 1,
            WorkOrderState.RELEASED: 2,
        }
        assert orders_per_crew(connection, frozenset(WorkOrderState)) == {"crew-1": 2}


def test_an_unknown_order_is_refused_by_name(utility: Utility) -> None:
    with (
        utility.engine.begin() as connection,
        pytest.raises(ContractError, match="work order 'x': order: does not exist; reload"),
    ):
        get_order(connection, "x")


def test_gas_leaks_and_bursts_become_orders_by_themselves_and_the_rest_waits(
    utility: Utility,
) -> None:
    with utility.engine.begin() as connection:
        gas = raise_leak(connection, "M-2", Kind.SLOW_LEAK, Medium.GAS)
        burst = raise_leak(connection, "M-3", Kind.BURST, Medium.HEAT)
        raise_leak(connection, "M-1", Kind.SLOW_LEAK, Medium.WATER)
        made = dispatch_due(connection, NOON)
        again = dispatch_due(connection, NOON)

    assert {order.document.alert_id for order in made} == {gas, burst}
    assert {order.document.crew_id for order in made} == {"crew-1", "crew-2"}
    assert {order.created_by for order in made} == {RULE_ACTOR}
    assert again == []


def test_a_kind_with_few_measured_false_alarms_becomes_an_order_by_itself(
    utility: Utility,
) -> None:
    policy = PolicyRow(
        name="auto_order.false_alarms.slow_leak.water.industrial",
        valid_from_utc=NOON,
        value=0.3,
        source="labels of the last year",
        approved_by="director",
    )
    with utility.engine.begin() as connection:
        alert = get_alert(connection, raise_leak(connection))
        assert not verdict_on(connection, alert, NOON).is_automatic
        set_policy(connection, policy, NOON)

        assert verdict_on(connection, alert, NOON).is_automatic
        assert not verdict_on(connection, alert, NOON - timedelta(seconds=1)).is_automatic


def test_a_policy_keeps_its_former_versions_and_names_its_source(utility: Utility) -> None:
    name = "order.due_minutes.leak_check.A"
    shorter = PolicyRow(
        name=name,
        valid_from_utc=NOON,
        value=30,
        source="internal target",
        approved_by="director",
    )
    with utility.engine.begin() as connection:
        set_policy(connection, shorter, NOON)
        assert policy_at(connection, name, NOON) == 30
        assert policy_at(connection, name, NOON - timedelta(days=1)) == 60
        assert all(row.source for row in list_policies(connection))
        with pytest.raises(PolicyMissingError, match=r"'x': value: no row holds at .*; add one"):
            policy_at(connection, "x", NOON)


def test_ended_orders_leave_the_tablets_after_three_days(utility: Utility) -> None:
    order_id = ordered(utility)
    with utility.engine.begin() as connection:
        act(connection, order_id, WorkOrderEvent.CANCEL, utility.dispatcher.account_id, NOON)
        assert withdraw_ended(connection, NOON + KEEP_ON_TABLETS) == 0
        assert withdraw_ended(connection, NOON + KEEP_ON_TABLETS * 2) == 1
        assert withdraw_ended(connection, NOON + KEEP_ON_TABLETS * 2) == 0
        assert get_order(connection, order_id).state is WorkOrderState.CANCELLED

    answer = utility.sync().pull(None, 500)
    assert order_id not in [row.entity_id for page in answer.buckets for row in page.rows]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=st.lists(st.sampled_from(sorted(OFFICE_EVENTS)), max_size=8))
def test_no_sequence_of_office_events_leaves_the_table(
    utility: Utility, events: list[WorkOrderEvent]
) -> None:
    with utility.engine.connect() as connection, connection.begin() as transaction:
        alert_id = raise_leak(connection)
        actor = utility.dispatcher.account_id
        order_id = create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id
        for event in events:
            try:
                act(connection, order_id, event, actor, NOON)
            except (RefusedTransition, ContractError):
                continue
        steps = order_history(connection, order_id)
        ended = get_order(connection, order_id).state
        transaction.rollback()

    state = WorkOrderState.PLANNED
    for step in steps:
        assert WORK_ORDER.table[state, step.event] is step.to_state
        state = step.to_state
    assert state is ended


def test_every_type_of_order_has_a_promised_time(utility: Utility) -> None:
    with utility.engine.connect() as connection:
        promised = [due_at(connection, each, of, NOON) for each in OrderType for of in SafetyClass]

    assert min(promised) > NOON
