"""Owns how changes of the book become alerts in the database, each with all that explains it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from sync_server.alerts.alert import AlertFinding
from sync_server.alerts.alert_lane_store import (
    alter_alert,
    end_alert,
    newest_in_lane,
    reopen_alert,
    restate_alert,
    retract_alert,
)
from sync_server.alerts.alert_store import open_alert
from sync_server.detection.alerting.alert_book import LANE, AlertChange, Change, Lane
from sync_server.detection.meters.candidates import RULES_VERSION, Candidate
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.telling.explain_candidate import explain
from sync_server.detection.watch.chart_store import chart_of
from sync_server.detection.watch.price_store import price_for
from wire_contracts.alert_states import Condition
from wire_contracts.frames import utc_from_ms

NOTED_GROWTH = 1.1
"""A score that grew by less than a tenth changes nothing that a person would do."""

_UNTOUCHED = frozenset({Condition.UNACKNOWLEDGED, Condition.RETURNED_UNACKNOWLEDGED})

_LOG: FilteringBoundLogger = structlog.get_logger()


def write_changes(
    connection: Connection, fleet: Fleet, changes: Sequence[AlertChange], now_utc: datetime
) -> None:
    """Write the changes in their order."""
    for change in changes:
        _write(connection, fleet, change, now_utc)


@dataclass(slots=True)
class Mended:
    """What late readings change in alerts that stand.

    Attributes:
        restated: The state began elsewhere than was said.
        unsaid: Meters and lanes whose alert the replay does not bear out.
    """

    restated: list[Candidate] = field(default_factory=list)
    unsaid: list[tuple[str, Lane]] = field(default_factory=list)


def write_mended(connection: Connection, fleet: Fleet, mended: Mended, now_utc: datetime) -> None:
    """Bring alerts up to date with late readings; what a person took in hand is not withdrawn."""
    for candidate in mended.restated:
        lane = LANE[candidate.kind]
        known = newest_in_lane(connection, candidate.meter_id, str(lane))
        if known is not None:
            finding = _finding(connection, fleet, candidate, str(lane), now_utc)
            restate_alert(connection, known.alert_id, finding)
    for meter_id, lane in mended.unsaid:
        known = newest_in_lane(connection, meter_id, str(lane))
        if known is not None and known.condition in _UNTOUCHED:
            retract_alert(connection, known.alert_id, now_utc)


def _write(connection: Connection, fleet: Fleet, change: AlertChange, now_utc: datetime) -> None:
    meter_id = fleet.specs[change.alert.row].meter_id
    lane = str(change.alert.lane)
    if change.change is Change.RAISED and change.candidate is not None:
        finding = _finding(connection, fleet, change.candidate, lane, now_utc)
        alert_id = open_alert(connection, finding, now_utc)
        _LOG.info(
            "detection.raised",
            alert=alert_id,
            meter=meter_id,
            kind=str(finding.kind),
            rule=finding.rule,
            score=round(finding.score, 2),
        )
        return
    known = newest_in_lane(connection, meter_id, lane)
    if known is None:
        return
    if change.candidate is None:
        end_alert(connection, known.alert_id, utc_from_ms(change.alert.held_at_s * 1000), now_utc)
    elif change.change is Change.REOPENED:
        finding = _finding(connection, fleet, change.candidate, lane, now_utc)
        reopen_alert(connection, known.alert_id, finding, now_utc)
    elif change.change is Change.ESCALATED or change.alert.score >= NOTED_GROWTH * known.score:
        finding = _finding(connection, fleet, change.candidate, lane, now_utc)
        alter_alert(connection, known.alert_id, finding, now_utc)


def _finding(
    connection: Connection, fleet: Fleet, candidate: Candidate, lane: str, now_utc: datetime
) -> AlertFinding:
    spec = fleet.specs[candidate.row]
    points = chart_of(connection, candidate, spec.medium)
    price = price_for(connection, spec.meter_id, now_utc)
    return AlertFinding(
        meter_id=candidate.meter_id,
        medium=spec.medium,
        kind=candidate.kind,
        rule=candidate.rule,
        started_at_utc=utc_from_ms(candidate.start_s * 1000),
        detected_at_utc=utc_from_ms(candidate.at_s * 1000),
        score=candidate.score,
        evidence=explain(candidate, spec.medium, points, price),
        lane=lane,
        rule_version=RULES_VERSION,
    )
