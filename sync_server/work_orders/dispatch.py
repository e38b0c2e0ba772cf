"""Turns waiting alerts into orders by the rule of RULINGS R8, and crews' findings into labels."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from sync_server.alerts.alert import AlertFilter, AlertRecord
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.alerts.alert_store import record_finding
from sync_server.assets.asset_store import get_meter
from sync_server.db.order_tables import WORK_ORDER
from sync_server.db.sync_tables import CHANGE
from sync_server.work_orders.auto_orders import AutoVerdict, decide_automatic
from sync_server.work_orders.fact_store import has_evidence
from sync_server.work_orders.order import RULE_ACTOR, OrderRecord
from sync_server.work_orders.order_rows_store import order_from, orders_query, withdraw_order
from sync_server.work_orders.order_store import create_from_alert, least_busy_crew
from sync_server.work_orders.policy_store import policy_at, policy_or_none
from wire_contracts.alert_states import Disposition
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import ENTITY
from wire_contracts.work_order_states import ENDED

KEEP_ON_TABLETS = timedelta(hours=72)
"""Ended orders leave the tablets after 72 hours (domain model 5, privacy rule 3)."""


def dispatch_due(connection: Connection, now_utc: datetime) -> list[OrderRecord]:
    """Return the orders made by the rule for alerts that wait for one; call it after detection."""
    return [
        create_from_alert(
            connection, alert.alert_id, RULE_ACTOR, least_busy_crew(connection), now_utc
        )
        for alert in list_alerts(connection, AlertFilter(is_open=True))
        if alert.disposition is Disposition.NONE
        and verdict_on(connection, alert, now_utc).is_automatic
    ]


def verdict_on(connection: Connection, alert: AlertRecord, now_utc: datetime) -> AutoVerdict:
    """Return whether the alert becomes an order by itself, judged by the policies that hold now.

    False alarms are measured per kind, medium and meter class, and kept as policies named
    `auto_order.false_alarms.<kind>.<medium>.<class>` with the measurement as their source.
    """
    found = get_meter(connection, alert.meter_id)
    meter_class = "unknown" if found is None else str(found.meter.meter_class)
    name = f"auto_order.false_alarms.{alert.kind}.{alert.medium}.{meter_class}"
    limit = policy_at(connection, "auto_order.most_false_alarms_per_1000_md", now_utc)
    return decide_automatic(
        alert.kind,
        alert.medium,
        false_alarms_per_1000_md=policy_or_none(connection, name, now_utc),
        most_per_1000_md=limit,
    )


def record_crew_finding(
    connection: Connection, order: OrderRecord, actor: str, now_utc: datetime
) -> None:
    """Label the order's alert with what the crew found; an order without an alert has none."""
    alert_id, result = order.document.alert_id, order.document.result
    if alert_id is None or result is None:
        return
    backed = has_evidence(connection, order.order_id)
    record_finding(connection, alert_id, result, has_evidence=backed, actor=actor, now_utc=now_utc)


def withdraw_ended(connection: Connection, now_utc: datetime) -> int:
    """Return how many long-ended orders were taken off the tablets; the office keeps them."""
    states = sorted(str(state) for state in ENDED)
    before_ms = ms_from_utc(now_utc - KEEP_ON_TABLETS)
    query = orders_query().where(
        WORK_ORDER.c.state.in_(states),
        WORK_ORDER.c.changed_at_ms < before_ms,
        WORK_ORDER.c.order_id.in_(
            select(CHANGE.c.entity_id).where(CHANGE.c.entity == ENTITY, CHANGE.c.is_gone.is_(False))
        ),
    )
    orders = [order_from(row) for row in connection.execute(query).all()]
    for order in orders:
        withdraw_order(connection, order, now_utc)
    return len(orders)
