"""What happened to a meter while its chart runs: steps, notes and orders, numbered as flags."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.web.chart import ChartFlag, numbered
from sync_server.web.labels import label
from sync_server.web.meter_facts_store import notes_of
from sync_server.web.meter_views import NOTE_KINDS
from sync_server.web.pages_io import Reader
from sync_server.work_orders.order import OrderFilter
from sync_server.work_orders.order_store import list_orders
from wire_contracts.evidence import Evidence

_ORDERS_ON_CHART = 20
"""Newest orders of the meter that are looked through for the chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charted:
    """What a chart shows, and what is known beside it.

    Attributes:
        meter_id: The meter of the chart.
        evidence: Its points and rule window.
        raised_at_utc: When its alert was raised; the chart ends there or at its last reading.
        steps: What happened to the alert or the order itself: moment and words, in any order.
        own_order_id: The order that is told of by the steps, None without one.
    """

    meter_id: str
    evidence: Evidence
    raised_at_utc: datetime
    steps: Sequence[tuple[datetime, str]]
    own_order_id: str | None


def flags_of(
    connection: Connection, charted: Charted, reader: Reader, now_utc: datetime
) -> Sequence[ChartFlag]:
    """Return the flags of a chart; other orders only for who may see orders."""
    words = reader.words
    happened = [*charted.steps]
    happened += [
        (each.from_utc, label(words, NOTE_KINDS, each.kind))
        for each in notes_of(connection, charted.meter_id)
    ]
    if may(reader.person.role, Action.SEE_ORDERS):
        wanted = OrderFilter(meter_id=charted.meter_id, has_evidence=False, limit=_ORDERS_ON_CHART)
        happened += [
            (each.document.created_at_utc, each.document.number)
            for each in list_orders(connection, wanted)
            if each.order_id != charted.own_order_id
        ]
    moments = [(at_utc, words.near_clock(at_utc, now_utc), text) for at_utc, text in happened]
    return numbered(charted.evidence, moments, charted.raised_at_utc)
