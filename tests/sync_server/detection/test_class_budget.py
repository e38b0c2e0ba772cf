"""What crews found holds the false alarms of a class inside its budget."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from sync_server.alerts.alert import AlertFinding
from sync_server.alerts.alert_store import mark_ordered, raise_alert, record_finding
from sync_server.assets.assets import MeterClass
from sync_server.detection.alerting.class_budget import (
    BUDGET_PER_1000_MD,
    STEP_DOWN,
    STEP_UP,
    ClassCount,
    next_factor,
)
from sync_server.detection.watch.learned_store import count_classes
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import found_town, new_meter
from wire_contracts.evidence import Evidence
from wire_contracts.kinds import FindingResult, Kind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

HOUSE = MeterClass.HOUSEHOLD
EVIDENCE = Evidence(
    sentence=BilingualText(en="Flow.", zh="流量。"),
    quantity="flow_m3h",
    unit="m³/h",
    rule_from_utc=NOON,
    rule_to_utc=NOON,
)


def test_findings_are_counted_by_kind_medium_and_class(engine: Engine) -> None:
    results = [FindingResult.LEAK, FindingResult.NORMAL, FindingResult.NORMAL, FindingResult.OTHER]
    meters = [new_meter(f"M-{at}", meter_class=HOUSE) for at in range(len(results))]
    with engine.begin() as connection:
        found_town(connection, meters)
        for meter, result in zip(meters, results, strict=True):
            finding = AlertFinding(
                meter_id=meter.meter_id,
                medium=Medium.WATER,
                kind=Kind.SLOW_LEAK,
                rule="floor",
                started_at_utc=NOON,
                detected_at_utc=NOON,
                score=1.5,
                evidence=EVIDENCE,
            )
            alert_id = raise_alert(connection, finding, NOON)
            mark_ordered(connection, alert_id, "order", "anna", NOON)
            record_finding(
                connection, alert_id, result, has_evidence=True, actor="crew", now_utc=NOON
            )
        counts = count_classes(connection, NOON, timedelta(days=90))

    place = (Kind.SLOW_LEAK, Medium.WATER, str(HOUSE))
    assert counts == {place: ClassCount(confirmed=1, false=2, meter_days=360.0)}


def test_too_few_findings_measure_nothing() -> None:
    count = ClassCount(confirmed=2, false=2, meter_days=1000.0)

    assert count.false_per_1000_md is None
    assert next_factor(1.3, count) == 1.3


def test_over_the_budget_a_class_is_judged_more_strictly_and_below_it_finer() -> None:
    over = ClassCount(confirmed=1, false=9, meter_days=1000.0)
    below = ClassCount(confirmed=9, false=0, meter_days=1000.0)
    inside = ClassCount(confirmed=9, false=1, meter_days=1000.0 / (0.8 * BUDGET_PER_1000_MD))

    assert next_factor(1.0, over) == STEP_UP
    assert next_factor(1.0, below) == STEP_DOWN
    assert next_factor(1.0, inside) == 1.0


@given(
    st.floats(0.7, 3.0),
    st.integers(0, 50),
    st.integers(0, 50),
    st.floats(0, 1e6, allow_nan=False),
)
def test_a_factor_stays_inside_its_bounds(
    factor: float, confirmed: int, false: int, meter_days: float
) -> None:
    count = ClassCount(confirmed=confirmed, false=false, meter_days=meter_days)

    assert 0.7 <= next_factor(factor, count) <= 3.0
