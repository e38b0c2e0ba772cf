"""Owns which silent meters share a gateway, and brings hidden alerts back when they do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from sync_server.alerts.alert_store import show_suppressed
from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import METER
from sync_server.db.reading_tables import READING_LATEST
from sync_server.detection.alerting.alert_book import Lane
from sync_server.detection.alerting.shared_silence import SharedSilence, shared_silence
from sync_server.detection.watch.fleet_store import LONGEST_INTERVAL_S
from wire_contracts.alert_states import Condition, Visibility

_HOLDS = (str(Condition.UNACKNOWLEDGED), str(Condition.ACKNOWLEDGED))


def load_shared_silence(connection: Connection, silent: Sequence[str]) -> SharedSilence:
    """Return for which of the silent meters another one's alert stands."""
    if not silent:
        return SharedSilence()
    gateway_of: dict[str, str] = {
        row.meter_id: row.gateway_id
        for row in connection.execute(
            select(METER.c.meter_id, READING_LATEST.c.gateway_id)
            .join(READING_LATEST, READING_LATEST.c.meter_id == METER.c.meter_id)
            .where(METER.c.interval_s <= LONGEST_INTERVAL_S)
        )
    }
    shown = frozenset(
        row.meter_id for row in _silences(connection) if row.visibility is Visibility.SHOWN
    )
    return shared_silence(silent, gateway_of, shown)


def show_unshared(connection: Connection, shared: SharedSilence, now_utc: datetime) -> None:
    """Show hidden alerts of meters that are silent though nothing stands for them any more."""
    for row in _silences(connection):
        is_hidden = row.visibility is Visibility.SUPPRESSED_BY_DESIGN
        if is_hidden and row.meter_id not in shared.leader_of:
            show_suppressed(connection, row.alert_id, now_utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silence:
    """A standing alert of silence."""

    meter_id: str
    alert_id: str
    visibility: Visibility


def _silences(connection: Connection) -> Sequence[_Silence]:
    rows = connection.execute(
        select(ALERT.c.meter_id, ALERT.c.alert_id, ALERT.c.visibility).where(
            ALERT.c.lane == str(Lane.GAP), ALERT.c.condition.in_(_HOLDS)
        )
    )
    return [
        _Silence(meter_id=meter_id, alert_id=alert_id, visibility=Visibility(visibility))
        for meter_id, alert_id, visibility in rows
    ]
