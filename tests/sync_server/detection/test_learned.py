"""What crews found reaches detection: the alert that it ended is not told again at once."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from sync_server.alerts.alert import AlertFinding
from sync_server.alerts.alert_store import mark_ordered, raise_alert, record_finding
from sync_server.detection.alerting.alert_book import Lane
from sync_server.detection.watch.learned_store import load_learned
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import found_town, new_meter
from wire_contracts.evidence import Evidence
from wire_contracts.kinds import FindingResult, Kind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

EVIDENCE = Evidence(
    sentence=BilingualText(en="Flow.", zh="流量。"),
    quantity="flow_m3h",
    unit="m³/h",
    rule_from_utc=NOON,
    rule_to_utc=NOON,
)


@pytest.mark.parametrize(
    ("lane", "result", "days_ago", "settled"),
    [
        (str(Lane.EXCESS), FindingResult.LEAK, 1, True),
        (str(Lane.EXCESS), FindingResult.OTHER, 1, False),
        (str(Lane.EXCESS), FindingResult.LEAK, 9, False),
        ("elsewhere", FindingResult.LEAK, 1, False),
    ],
    ids=["ended by the crew", "still open", "long ago", "no lane of the alert book"],
)
def test_an_alert_that_a_crew_ended_is_settled_for_a_week(
    engine: Engine, lane: str, result: FindingResult, days_ago: int, *, settled: bool
) -> None:
    finding = AlertFinding(
        meter_id="M-1",
        medium=Medium.WATER,
        kind=Kind.SLOW_LEAK,
        rule="floor",
        started_at_utc=NOON,
        detected_at_utc=NOON,
        score=1.5,
        evidence=EVIDENCE,
        lane=lane,
    )
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1")])
        alert_id = raise_alert(connection, finding, NOON)
        mark_ordered(connection, alert_id, "order", "anna", NOON)
        record_finding(connection, alert_id, result, has_evidence=True, actor="crew", now_utc=NOON)
        learned = load_learned(connection, NOON + timedelta(days=days_ago))

    at_s = int(NOON.timestamp())
    assert learned.settled_s == ({("M-1", Lane.EXCESS): at_s} if settled else {})
    assert learned.by_meter
