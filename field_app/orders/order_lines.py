"""Decides what the list shows of an order: the cells of its one line."""

from field_app.orders.next_action import is_open
from wire_contracts.fields import FieldReader
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc
from wire_contracts.orders import SafetyClass, WorkOrderDocument
from wire_contracts.quantities import Medium
from wire_contracts.texts import parse_text
from wire_contracts.work_order_states import WorkOrderState

Cells = dict[str, str | int | None]


def cells_of_document(document: WorkOrderDocument, *, is_gone: bool) -> Cells:
    """Return the line of an order with the own words on top."""
    title = document.title
    words = (document.number, title.en, title.zh, document.address, document.device_serial or "")
    return {
        "number": document.number,
        "state": str(document.state),
        "medium": str(document.medium),
        "safety_class": str(document.safety_class),
        "priority": document.priority,
        "due_at_ms": None if document.due_at_utc is None else ms_from_utc(document.due_at_utc),
        "title_en": title.en,
        "title_zh": title.zh,
        "address": document.address,
        "search": " ".join(words).casefold(),
        "is_open": int(is_open(document.state) and not is_gone),
    }


def cells_of_row(reader: FieldReader, *, is_gone: bool) -> Cells:
    """Return the line of a row as the server sent it; raise ContractError that names the field.

    Only what the line shows is read: ten thousand orders come in one morning, and what else a row
    holds is read when somebody opens it.
    """
    state = reader.choice("state", WorkOrderState)
    title = parse_text(reader.object("title"))
    number, address = reader.text("number"), reader.text("address", longest=400)
    words = (number, title.en, title.zh, address, reader.text_or_none("device_serial") or "")
    due = (
        reader.integer("due_at", low=EARLIEST_MS, high=LATEST_MS) if reader.has("due_at") else None
    )
    return {
        "number": number,
        "state": str(state),
        "medium": str(reader.choice("medium", Medium)),
        "safety_class": str(reader.choice("safety_class", SafetyClass)),
        "priority": reader.integer("priority", low=1, high=4),
        "due_at_ms": due,
        "title_en": title.en,
        "title_zh": title.zh,
        "address": address,
        "search": " ".join(words).casefold(),
        "is_open": int(is_open(state) and not is_gone),
    }


def unreadable_cells(order_id: str, *, is_gone: bool) -> Cells:
    """Stand in for a row of a newer server: on top of the list, so that somebody asks."""
    return {
        "number": order_id[-12:],
        "state": str(WorkOrderState.RELEASED),
        "medium": str(Medium.GAS),
        "safety_class": str(SafetyClass.A),
        "priority": 1,
        "due_at_ms": None,
        "title_en": "This order cannot be shown",
        "title_zh": "无法显示该工单",
        "address": "",
        "search": order_id.casefold(),
        "is_open": int(not is_gone),
    }
