"""The whole loop: alert, order, tablet, finding, label."""

import pytest
from sqlalchemy import Engine

from sync_server.alerts.alert_list_store import get_alert
from sync_server.work_orders.order_store import act, create_from_alert, get_order
from tests.sync_server.people_parts import Pen, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import HandClock
from wire_contracts.alert_states import Condition, Disposition
from wire_contracts.fields import FieldReader
from wire_contracts.kinds import FindingResult, Label
from wire_contracts.operations import Outcome
from wire_contracts.orders import ENTITY, parse_order
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


@pytest.fixture
def utility(engine: Engine, clock: HandClock) -> Utility:
    return found_utility(engine, clock)


def order_for(utility: Utility) -> tuple[str, str]:
    with utility.engine.begin() as connection:
        alert_id = raise_leak(connection)
        now_utc = utility.clock.now_utc()
        order = create_from_alert(
            connection, alert_id, utility.dispatcher.account_id, "crew-1", now_utc
        )
    return alert_id, order.order_id


def test_a_finding_recorded_offline_closes_the_loop(utility: Utility) -> None:
    alert_id, order_id = order_for(utility)
    answer = utility.sync().pull(None, 500)
    rows = [row for page in answer.buckets for row in page.rows if row.entity == ENTITY]
    assert [row.entity_id for row in rows] == [order_id]
    document = parse_order(FieldReader(place="pull", values=rows[0].document))
    assert document.evidence is not None
    assert document.state is WorkOrderState.RELEASED

    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    results = pen.push(utility.sync(), *pen.steps_to_work(order_id), *pen.finding(order_id))

    assert {result.outcome for result in results} == {Outcome.APPLIED}
    with utility.engine.begin() as connection:
        order = get_order(connection, order_id)
        alert = get_alert(connection, alert_id)
        act(
            connection,
            order_id,
            WorkOrderEvent.VERIFY,
            utility.dispatcher.account_id,
            utility.clock.now_utc(),
        )
    assert order.state is WorkOrderState.FINISHED
    assert order.document.result is FindingResult.LEAK
    assert (alert.disposition, alert.label) == (Disposition.FINDING, Label.CONFIRMED)
    assert alert.condition is Condition.NORMAL
    echo = utility.sync().pull(answer.token, 500)
    shown = [row for page in echo.buckets for row in page.rows]
    assert [row.document["state"] for row in shown] == ["verified"]
