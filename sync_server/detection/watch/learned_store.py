"""Owns how crews' findings and the budget's factors reach detection."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import METER
from sync_server.db.order_tables import POLICY
from sync_server.detection.alerting.alert_book import Lane
from sync_server.detection.alerting.class_budget import ClassCount
from sync_server.detection.alerting.feedback import REMEMBERED, threshold_multiplier
from sync_server.detection.alerting.thresholds import SETTLED_S, Learned
from sync_server.detection.watch.fleet_store import LONGEST_INTERVAL_S
from wire_contracts.alert_states import Condition
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import Family, Kind, Label
from wire_contracts.quantities import Medium

CLASS_FACTOR = "detection.factor."
"""Policies of this name carry kind, medium and peer class: `detection.factor.burst.water.dma`."""

_LANES = frozenset(str(lane) for lane in Lane)
"""Lanes of the alert book; an alert of another origin stands under its family's name. Python 3.11
takes no string for a look into an enumeration itself."""


def load_learned(connection: Connection, now_utc: datetime) -> Learned:
    """Return what findings taught and the factors of the classes, as they hold now."""
    labels: dict[tuple[str, Family], list[tuple[Label, datetime]]] = {}
    media: dict[str, Medium] = {}
    settled: dict[tuple[str, Lane], int] = {}
    rows = connection.execute(
        select(
            ALERT.c.meter_id,
            ALERT.c.medium,
            ALERT.c.family,
            ALERT.c.lane,
            ALERT.c.label,
            ALERT.c.condition,
            ALERT.c.finding_at_ms,
        )
        .where(ALERT.c.finding_at_ms >= ms_from_utc(now_utc - REMEMBERED))
        .order_by(ALERT.c.finding_at_ms)
    )
    since_ms = ms_from_utc(now_utc - timedelta(seconds=SETTLED_S))
    for meter_id, medium, family, lane, label, condition, at_ms in rows:
        media[meter_id] = Medium(medium)
        found = labels.setdefault((meter_id, Family(family)), [])
        found.append((Label(label or Label.NONE), utc_from_ms(at_ms)))
        if condition == Condition.NORMAL and at_ms >= since_ms and lane in _LANES:
            settled[meter_id, Lane(lane)] = at_ms // 1000
    return Learned(
        by_meter={
            (meter_id, family): threshold_multiplier(
                found, medium=media[meter_id], family=family, now_utc=now_utc
            )
            for (meter_id, family), found in labels.items()
        },
        by_class=_class_factors(connection, now_utc),
        settled_s=settled,
    )


def _class_factors(
    connection: Connection, now_utc: datetime
) -> Mapping[tuple[Kind, Medium, str], float]:
    rows = connection.execute(
        select(POLICY.c.name, POLICY.c.value)
        .where(
            POLICY.c.name.startswith(CLASS_FACTOR, autoescape=True),
            POLICY.c.valid_from_ms <= ms_from_utc(now_utc),
        )
        .order_by(POLICY.c.valid_from_ms)
    )
    factors: dict[tuple[Kind, Medium, str], float] = {}
    for name, value in rows:
        kind, medium, peer_class = name.removeprefix(CLASS_FACTOR).split(".", 2)
        factors[Kind(kind), Medium(medium), peer_class] = float(value)
    return factors


def count_classes(
    connection: Connection, now_utc: datetime, span: timedelta
) -> Mapping[tuple[Kind, Medium, str], ClassCount]:
    """Return by kind, medium and meter class what crews found in the span up to now."""
    meters: dict[tuple[str, str], int] = {
        (row.medium, row.meter_class): row.number
        for row in connection.execute(
            select(METER.c.medium, METER.c.meter_class, func.count().label("number"))
            .where(METER.c.interval_s <= LONGEST_INTERVAL_S)
            .group_by(METER.c.medium, METER.c.meter_class)
        )
    }
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    rows = connection.execute(
        select(ALERT.c.kind, ALERT.c.medium, METER.c.meter_class, ALERT.c.label, func.count())
        .join(METER, METER.c.meter_id == ALERT.c.meter_id)
        .where(ALERT.c.finding_at_ms >= ms_from_utc(now_utc - span), ALERT.c.label.is_not(None))
        .group_by(ALERT.c.kind, ALERT.c.medium, METER.c.meter_class, ALERT.c.label)
    )
    for kind, medium, meter_class, label, number in rows:
        found.setdefault((kind, medium, meter_class), {})[label] = number
    days = span / timedelta(days=1)
    return {
        (Kind(kind), Medium(medium), meter_class): ClassCount(
            confirmed=labels.get(Label.CONFIRMED, 0),
            false=labels.get(Label.FALSE, 0),
            meter_days=meters.get((medium, meter_class), 0) * days,
        )
        for (kind, medium, meter_class), labels in found.items()
    }
