"""One open alert per meter and family, its way through people's hands, and its end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, delete, update
from sqlalchemy.exc import IntegrityError

from sync_server.alerts.alert import AlertEvent, AlertFilter, AlertFinding, AlertNotFoundError
from sync_server.alerts.alert_list_store import alert_history, get_alert, list_alerts
from sync_server.alerts.alert_store import (
    acknowledge,
    expire_shelves,
    mark_ordered,
    order_cancelled,
    raise_alert,
    record_finding,
    return_alert,
    shelve,
    show_suppressed,
    unshelve,
)
from sync_server.alerts.upkeep_store import (
    TakenOut,
    put_into_service,
    reset,
    take_out_of_service,
    taken_out,
)
from sync_server.assets.asset_store import add_community, add_meter, map_device
from sync_server.assets.assets import MeterClass, NewCommunity, NewMeter
from sync_server.db.alert_tables import ALERT
from sync_server.db.feed_store import Topic, newest_feed_id, read_feed
from tests.sync_server.real_parts import NOON
from wire_contracts.alert_states import Condition, Disposition, Visibility
from wire_contracts.errors import ContractError
from wire_contracts.evidence import ChartPoint, Evidence
from wire_contracts.kinds import FindingResult, Kind, Label
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

EVIDENCE = Evidence(
    sentence=BilingualText(en="Night flow 0.9 m³/h", zh="夜间流量 0.9 m³/h"),
    quantity="flow_m3h",
    unit="m³/h",
    rule_from_utc=NOON - timedelta(hours=10),
    rule_to_utc=NOON - timedelta(hours=7),
    points=(ChartPoint(at_utc=NOON, observed=0.9, expected_low=0.0, expected_high=0.1),),
)
LEAK = AlertFinding(
    meter_id="M-1",
    medium=Medium.GAS,
    kind=Kind.SLOW_LEAK,
    rule="night_flow",
    started_at_utc=NOON - timedelta(hours=10),
    detected_at_utc=NOON,
    score=3.0,
    evidence=EVIDENCE,
)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        add_community(
            connection,
            NewCommunity(community_id="c1", name_zh="和平", name_en="Peace", area_id="a1"),
        )
        for meter_id in ("M-1", "M-2"):
            add_meter(
                connection,
                NewMeter(
                    meter_id=meter_id,
                    medium=Medium.GAS,
                    meter_class=MeterClass.INDUSTRIAL,
                    address="Gate 3",
                    interval=timedelta(minutes=15),
                    is_mains_powered=True,
                    community_id="c1",
                ),
                NOON,
            )
        map_device(connection, "GF-1", "M-1")
        yield connection


def _events(connection: Connection, alert_id: str) -> list[AlertEvent]:
    return [step.event for step in alert_history(connection, alert_id)]


def test_a_finding_becomes_an_alert_with_everything_a_page_shows(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)

    alert = get_alert(connection, alert_id)

    assert list_alerts(connection) == [alert]
    assert alert.condition is Condition.UNACKNOWLEDGED
    assert alert.visibility is Visibility.SHOWN
    assert alert.disposition is Disposition.NONE
    assert alert.priority == 1
    assert alert.evidence == EVIDENCE
    assert (alert.address, alert.place_en, alert.device_serial) == ("Gate 3", "Peace", "GF-1")
    assert (alert.raised_at_utc, alert.started_at_utc) == (NOON, LEAK.started_at_utc)


def test_the_same_finding_again_is_the_same_alert_and_no_event(connection: Connection) -> None:
    first = raise_alert(connection, LEAK, NOON)
    again = raise_alert(connection, replace(LEAK, rule="continuous_flow"), LATER)

    assert first == again
    assert _events(connection, first) == [AlertEvent.RAISED]
    assert get_alert(connection, first).last_seen_at_utc == LATER


def test_another_family_or_meter_is_another_alert(connection: Connection) -> None:
    raise_alert(connection, LEAK, NOON)
    raise_alert(connection, replace(LEAK, kind=Kind.COMM_GAP), NOON)
    raise_alert(connection, replace(LEAK, meter_id="M-2"), NOON)

    assert [alert.priority for alert in list_alerts(connection)] == [1, 1, 4]


def test_a_leak_that_becomes_a_burst_is_escalated_inside_the_same_alert(
    connection: Connection,
) -> None:
    first = raise_alert(connection, replace(LEAK, medium=Medium.WATER), NOON)
    burst = replace(LEAK, medium=Medium.WATER, kind=Kind.BURST, score=9.0)

    assert raise_alert(connection, burst, LATER) == first
    raise_alert(connection, replace(LEAK, medium=Medium.WATER), LATER)

    alert = get_alert(connection, first)
    assert (alert.kind, alert.priority, alert.score) == (Kind.BURST, 2, 9.0)
    assert _events(connection, first) == [AlertEvent.RAISED, AlertEvent.ESCALATED]


def test_the_database_itself_refuses_a_second_active_alert(engine: Engine) -> None:
    with engine.begin() as connection:
        for meter_id in ("M-1",):
            add_meter(
                connection,
                NewMeter(
                    meter_id=meter_id,
                    medium=Medium.GAS,
                    meter_class=MeterClass.INDUSTRIAL,
                    address="Gate 3",
                    interval=timedelta(minutes=15),
                    is_mains_powered=True,
                ),
                NOON,
            )
        raise_alert(connection, LEAK, NOON)
        other = raise_alert(connection, replace(LEAK, kind=Kind.COMM_GAP), NOON)

    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(update(ALERT).where(ALERT.c.alert_id == other).values(lane="excess"))


def test_a_returned_alert_still_waits_for_a_person(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    return_alert(connection, alert_id, LATER)
    waiting = get_alert(connection, alert_id)
    acknowledge(connection, alert_id, "wang", LATER)
    closed = get_alert(connection, alert_id)

    assert (waiting.condition, waiting.is_open) == (Condition.RETURNED_UNACKNOWLEDGED, True)
    assert (closed.condition, closed.is_open) == (Condition.NORMAL, False)
    assert (closed.acknowledged_by, closed.returned_at_utc) == ("wang", LATER)


def test_a_returned_alert_that_comes_back_is_raised_again(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    return_alert(connection, alert_id, LATER)
    again = raise_alert(connection, LEAK, LATER)

    assert again == alert_id
    assert get_alert(connection, alert_id).condition is Condition.UNACKNOWLEDGED
    assert _events(connection, alert_id)[-1] is AlertEvent.RAISED_AGAIN


def test_after_it_is_closed_the_next_finding_is_a_new_alert(connection: Connection) -> None:
    leak = replace(LEAK, medium=Medium.WATER)
    first = raise_alert(connection, leak, NOON)
    acknowledge(connection, first, "wang", NOON)
    return_alert(connection, first, LATER)

    assert raise_alert(connection, leak, LATER) != first


def test_acknowledging_twice_is_refused_with_what_is_possible(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    acknowledge(connection, alert_id, "wang", NOON)

    with pytest.raises(RefusedTransition, match="cannot acknowledge an alert that is acknowledged"):
        acknowledge(connection, alert_id, "li", LATER)


def test_a_shelved_alert_returns_by_itself_when_its_time_is_over(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    shelve(connection, alert_id, "wang", LATER, "pipe is being flushed", NOON)
    hidden = list_alerts(connection)
    too_early = expire_shelves(connection, LATER - timedelta(seconds=1))
    expired = expire_shelves(connection, LATER)

    assert hidden == []
    assert (too_early, expired) == ([], [alert_id])
    assert [alert.alert_id for alert in list_alerts(connection)] == [alert_id]
    assert get_alert(connection, alert_id).shelve_reason == "pipe is being flushed"


def test_a_shelved_alert_can_be_put_back_by_hand(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    shelve(connection, alert_id, "wang", LATER, "test", NOON)
    unshelve(connection, alert_id, "li", NOON)

    assert get_alert(connection, alert_id).visibility is Visibility.SHOWN
    assert _events(connection, alert_id)[1:] == [AlertEvent.SHELVED, AlertEvent.UNSHELVED]


@pytest.mark.parametrize(
    ("hours", "reason", "problem"),
    [(0, "x", "until"), (24 * 8, "x", "within the next 168 hours"), (1, "  ", "say why")],
)
def test_shelving_needs_an_end_and_a_reason(
    connection: Connection, hours: int, reason: str, problem: str
) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)

    with pytest.raises(ValueError, match=problem):
        shelve(connection, alert_id, "wang", NOON + timedelta(hours=hours), reason, NOON)


def test_an_order_and_its_cancelling_move_only_the_disposition(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    mark_ordered(connection, alert_id, "order-1", "wang", NOON)
    ordered = get_alert(connection, alert_id)
    order_cancelled(connection, alert_id, "wang", LATER)
    cancelled = get_alert(connection, alert_id)

    assert (ordered.disposition, ordered.work_order_id) == (Disposition.ORDERED, "order-1")
    assert (cancelled.disposition, cancelled.work_order_id) == (Disposition.NONE, None)
    assert ordered.condition is cancelled.condition is Condition.UNACKNOWLEDGED


def test_a_second_order_for_the_same_alert_is_refused(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    mark_ordered(connection, alert_id, "order-1", "wang", NOON)

    with pytest.raises(RefusedTransition):
        mark_ordered(connection, alert_id, "order-2", "li", LATER)


@pytest.mark.parametrize(
    ("result", "has_evidence", "label", "condition"),
    [
        (FindingResult.LEAK, True, Label.CONFIRMED, Condition.NORMAL),
        (FindingResult.NORMAL, True, Label.FALSE, Condition.NORMAL),
        (FindingResult.NORMAL, False, Label.NONE, Condition.NORMAL),
        (FindingResult.INACCURATE, True, Label.NONE, Condition.NORMAL),
        (FindingResult.OTHER, True, Label.NONE, Condition.ACKNOWLEDGED),
    ],
)
def test_the_crews_finding_labels_the_alert_and_ends_it_when_it_explains_it(
    connection: Connection,
    result: FindingResult,
    has_evidence: bool,  # noqa: FBT001  # a case of the table above
    label: Label,
    condition: Condition,
) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    mark_ordered(connection, alert_id, "order-1", "wang", NOON)
    given = record_finding(
        connection, alert_id, result, has_evidence=has_evidence, actor="crew-1", now_utc=LATER
    )

    alert = get_alert(connection, alert_id)
    assert (given, alert.label, alert.finding_result) == (label, label, result)
    assert (alert.condition, alert.disposition) == (condition, Disposition.FINDING)
    assert (alert.acknowledged_by, alert.finding_at_utc) == ("crew-1", LATER)


def test_a_finding_on_a_returned_alert_closes_it(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    mark_ordered(connection, alert_id, "order-1", "wang", NOON)
    return_alert(connection, alert_id, LATER)
    record_finding(
        connection,
        alert_id,
        FindingResult.LEAK,
        has_evidence=True,
        actor="crew-1",
        now_utc=LATER,
    )

    assert get_alert(connection, alert_id).condition is Condition.NORMAL


def test_a_suppressed_alert_is_out_of_the_list_until_its_common_cause_is_gone(
    connection: Connection,
) -> None:
    alert_id = raise_alert(connection, replace(LEAK, is_suppressed=True), NOON)
    hidden = list_alerts(connection)
    show_suppressed(connection, alert_id, LATER)

    assert hidden == []
    assert [alert.alert_id for alert in list_alerts(connection)] == [alert_id]


def test_every_step_reaches_the_live_page(connection: Connection) -> None:
    before = newest_feed_id(connection)
    alert_id = raise_alert(connection, LEAK, NOON)
    acknowledge(connection, alert_id, "wang", NOON)

    entries = read_feed(connection, before, 10)
    assert [(entry.topic, entry.ref_id) for entry in entries] == [(Topic.ALERT, alert_id)] * 2


def test_the_filter_narrows_by_each_field(connection: Connection) -> None:
    gas = raise_alert(connection, LEAK, NOON)
    silent = raise_alert(connection, replace(LEAK, meter_id="M-2", kind=Kind.COMM_GAP), LATER)
    return_alert(connection, silent, LATER)
    acknowledge(connection, silent, "wang", LATER)

    def ids(wanted: AlertFilter) -> list[str]:
        return [alert.alert_id for alert in list_alerts(connection, wanted)]

    assert ids(AlertFilter()) == [gas]
    assert ids(AlertFilter(is_open=False)) == [silent]
    assert ids(AlertFilter(is_open=None, kind=Kind.COMM_GAP)) == [silent]
    assert ids(AlertFilter(is_open=None, meter_id="M-1")) == [gas]
    assert ids(AlertFilter(is_open=None, medium=Medium.WATER)) == []
    assert ids(AlertFilter(is_open=None, raised_from_utc=LATER)) == [silent]
    assert ids(AlertFilter(is_open=None, limit=1)) == [gas]


def test_an_unknown_alert_is_named(connection: Connection) -> None:
    with pytest.raises(AlertNotFoundError, match=r"alert 'nope': id: is not known; reload"):
        get_alert(connection, "nope")
    with pytest.raises(AlertNotFoundError):
        acknowledge(connection, "nope", "wang", NOON)


def test_ids_rise_with_time(connection: Connection) -> None:
    first = raise_alert(connection, LEAK, NOON)
    connection.execute(delete(ALERT).where(ALERT.c.alert_id == "none"))
    second = raise_alert(connection, replace(LEAK, meter_id="M-2"), LATER)

    assert first < second


def test_a_safety_alert_latches_until_a_person_resets_it(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    acknowledge(connection, alert_id, "wang", NOON)
    return_alert(connection, alert_id, LATER)
    latched = get_alert(connection, alert_id)
    with pytest.raises(ContractError, match="reason: is empty; say how"):
        reset(connection, alert_id, "wang", " ", LATER)
    reset(connection, alert_id, "wang", "aired, measured 0 % LEL", LATER)
    with pytest.raises(RefusedTransition, match="cannot reset"):
        reset(connection, alert_id, "wang", "again", LATER)

    assert (latched.condition, latched.returned_at_utc) == (Condition.LATCHED, LATER)
    assert get_alert(connection, alert_id).condition is Condition.NORMAL
    assert _events(connection, alert_id)[-2:] == [AlertEvent.RETURNED, AlertEvent.RESET]
    assert alert_history(connection, alert_id)[-1].detail == {"reason": "aired, measured 0 % LEL"}


def test_a_latched_alert_is_raised_again_when_the_gas_is_back(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    acknowledge(connection, alert_id, "wang", NOON)
    return_alert(connection, alert_id, LATER)

    assert raise_alert(connection, LEAK, LATER) == alert_id
    assert get_alert(connection, alert_id).condition is Condition.UNACKNOWLEDGED


@pytest.mark.parametrize("is_latched", [True, False])
def test_the_crews_finding_ends_a_safety_alert_latched_or_not(
    connection: Connection, *, is_latched: bool
) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)
    mark_ordered(connection, alert_id, "WO-1", "wang", NOON)
    if is_latched:
        acknowledge(connection, alert_id, "wang", NOON)
        return_alert(connection, alert_id, LATER)
    record_finding(
        connection, alert_id, FindingResult.LEAK, has_evidence=True, actor="crew", now_utc=LATER
    )

    assert get_alert(connection, alert_id).condition is Condition.NORMAL


def test_an_alert_is_out_of_service_for_a_reason_until_it_is_put_back(
    connection: Connection,
) -> None:
    alert_id = raise_alert(connection, replace(LEAK, medium=Medium.WATER), NOON)
    with pytest.raises(ContractError, match="reason: is empty; say what"):
        take_out_of_service(connection, alert_id, "wang", "", NOON)
    take_out_of_service(connection, alert_id, "wang", "meter on the bench", NOON)
    listed = list_alerts(connection)
    hidden = taken_out(connection)
    put_into_service(connection, alert_id, "li", LATER)

    out = TakenOut(actor="wang", at_utc=NOON, reason="meter on the bench")
    assert (listed, hidden) == ([], {alert_id: out})
    assert get_alert(connection, alert_id).visibility is Visibility.SHOWN
    assert _events(connection, alert_id)[1:] == [AlertEvent.TAKEN_OUT, AlertEvent.PUT_BACK]
    assert taken_out(connection) == {}


def test_a_safety_alert_is_never_taken_out_of_service(connection: Connection) -> None:
    alert_id = raise_alert(connection, LEAK, NOON)

    with pytest.raises(ContractError, match="is safety class A; acknowledge it"):
        take_out_of_service(connection, alert_id, "wang", "bench", NOON)
