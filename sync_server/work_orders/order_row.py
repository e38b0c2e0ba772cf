"""Owns the row of an order as a push has it in hand: read, changed, written at its end."""

from collections.abc import Callable
from dataclasses import dataclass, fields

from sync_server.db.order_tables import WORK_ORDER


@dataclass(slots=True)
class LooseRow:
    """Every column of an order but the text that tablets were shown, as the database gives it.

    A plain class, taken by place: a push makes two hundred of them.
    """

    order_id: str
    number: str
    state: str
    order_type: str
    medium: str
    safety_class: str
    priority: int
    title_en: str
    title_zh: str
    address: str
    area_id: str | None
    meter_id: str | None
    device_serial: str | None
    alert_id: str | None
    crew_id: str | None
    evidence: str | None
    instructions: str
    diagnosis: str
    result: str | None
    cause: str
    note: str
    is_done_after_cancel: bool
    created_by: str
    created_at_ms: int
    due_at_ms: int | None
    finished_at_ms: int | None
    changed_at_ms: int
    visit: int
    visit_from_ms: int | None
    site: str | None
    handover: str | None


NAMES = tuple(each.name for each in fields(LooseRow))
"""Columns that an order is made of; what tablets were shown of it is only ever written."""

loose_row: Callable[..., LooseRow] = LooseRow
"""Makes one of the cells of NAMES, in that order."""

COLUMNS = tuple(WORK_ORDER.c[name] for name in NAMES)
