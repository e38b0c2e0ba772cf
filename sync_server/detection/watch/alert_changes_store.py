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
    standing_alerts,
)
from sync_server.alerts.alert_store import open_alert, return_alert
from sync_server.detection.alerting.alert_book import LANE, AlertBook, AlertChange, Change, Lane
from sync_server.detection.alerting.shared_silence import SharedSilence
from sync_server.detection.meters.candidates import RULES_VERSION, Candidate
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.telling.explain_candidate import explain
from sync_server.detection.telling.wording import SilentWith
from sync_server.detection.watch.chart_store import chart_of
from sync_server.detection.watch.price_store import price_for
from wire_contracts.alert_states import Condition
from wire_contracts.frames import utc_from_ms
from wire_contracts.kinds import Kind

NOTED_GROWTH = 1.1
"""A score that grew by less than a tenth changes nothing that a person would do."""

_UNTOUCHED = frozenset({Condition.UNACKNOWLEDGED, Condition.RETURNED_UNACKNOWLEDGED})

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPage:
    """Where alerts are written: the database, whose, which silences are a gateway's, and when."""

    connection: Connection
    fleet: Fleet
    now_utc: datetime
    shared: SharedSilence = field(default_factory=SharedSilence)


@dataclass(slots=True)
class Mended:
    """What late readings change in alerts that stand.

    Attributes:
        restated: The state began elsewhere than was said.
        unsaid: Meters and lanes whose alert the replay does not bear out.
    """

    restated: list[Candidate] = field(default_factory=list)
    unsaid: list[tuple[str, Lane]] = field(default_factory=list)


def write_changes(page: AlertPage, changes: Sequence[AlertChange]) -> None:
    """Write the changes in their order."""
    for change in changes:
        _write(page, change)


def write_mended(page: AlertPage, mended: Mended) -> None:
    """Bring alerts up to date with late readings; what a person took in hand is not withdrawn."""
    for candidate in mended.restated:
        lane = LANE[candidate.kind]
        known = newest_in_lane(page.connection, candidate.meter_id, str(lane))
        if known is not None:
            finding = _finding(page, candidate, str(lane))
            restate_alert(page.connection, known.alert_id, finding)
    for meter_id, lane in mended.unsaid:
        known = newest_in_lane(page.connection, meter_id, str(lane))
        if known is not None and known.condition in _UNTOUCHED:
            retract_alert(page.connection, known.alert_id, page.now_utc)


def return_unheld(page: AlertPage, book: AlertBook) -> None:
    """Return alerts that stand though no rule holds them: readings or rules are others now."""
    held = {
        (page.fleet.specs[row].meter_id, str(lane))
        for (row, lane), alert in book.alerts.items()
        if alert.is_open
    }
    for meter_id, lane, alert_id in standing_alerts(page.connection):
        if meter_id in page.fleet.row_of and (meter_id, lane) not in held:
            return_alert(page.connection, alert_id, page.now_utc)


def _write(page: AlertPage, change: AlertChange) -> None:
    connection, now_utc = page.connection, page.now_utc
    meter_id = page.fleet.specs[change.alert.row].meter_id
    lane = str(change.alert.lane)
    if change.change is Change.RAISED and change.candidate is not None:
        finding = _finding(page, change.candidate, lane)
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
        finding = _finding(page, change.candidate, lane)
        reopen_alert(connection, known.alert_id, finding, now_utc)
    elif change.change is Change.ESCALATED or change.alert.score >= NOTED_GROWTH * known.score:
        finding = _finding(page, change.candidate, lane)
        alter_alert(connection, known.alert_id, finding, now_utc)


def _finding(page: AlertPage, candidate: Candidate, lane: str) -> AlertFinding:
    spec = page.fleet.specs[candidate.row]
    points = chart_of(page.connection, candidate, spec.medium)
    price = price_for(page.connection, spec.meter_id, page.now_utc)
    is_silence = candidate.kind is Kind.COMM_GAP
    silent_with = _silent_with(page.shared, spec.meter_id) if is_silence else None
    return AlertFinding(
        meter_id=candidate.meter_id,
        medium=spec.medium,
        kind=candidate.kind,
        rule=candidate.rule,
        started_at_utc=utc_from_ms(candidate.start_s * 1000),
        detected_at_utc=utc_from_ms(candidate.at_s * 1000),
        score=candidate.score,
        evidence=explain(candidate, spec.medium, points, price, silent_with),
        is_suppressed=is_silence and spec.meter_id in page.shared.leader_of,
        lane=lane,
        rule_version=RULES_VERSION,
    )


def _silent_with(shared: SharedSilence, meter_id: str) -> SilentWith | None:
    gateway_id = shared.gateway_of.get(meter_id)
    if gateway_id is None:
        return None
    return SilentWith(gateway_id=gateway_id, others=shared.others(meter_id))
