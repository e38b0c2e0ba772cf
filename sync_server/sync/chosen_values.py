"""What the office may write into a field when it settles a review: typed text -> columns."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import SafetyClass

LONGEST_TEXT = 20_000
"""Longest free text of a field, as `wire_contracts.orders` reads it."""

LONGEST_LINE = 400
"""Longest address and title, as the tables keep them."""

PRIORITIES = range(1, 5)
"""1 is the most urgent (`wire_contracts.orders.WorkOrderDocument`)."""

ColumnValue = str | int | None


def columns_of(field: str, value: JsonValue) -> dict[str, ColumnValue]:
    """Return the columns of an order that give a field this value.

    Raises:
        ContractError: The office cannot set the field here, or it does not take the value.
    """
    make = _COLUMNS.get(field)
    if make is None:
        raise _refused(field, "cannot be set here", "change it on the order's own page")
    columns = make(value)
    if columns is None:
        raise _refused(field, f"does not take {str(value)[:60]!r}", "enter a value of its kind")
    return columns


def value_of(field: str, typed: str, zone_time: Callable[[datetime], datetime]) -> JsonValue:
    """Return what somebody typed as the field's value.

    Args:
        field: The field.
        typed: The text of the form; empty means none where a field may have none.
        zone_time: Gives a time without a zone the site's one.

    Raises:
        ContractError: The text is no value of the field.
    """
    typed = typed.strip()
    if field == "priority" and re.fullmatch("[0-9]{1,2}", typed):
        return int(typed)
    if field == "result":
        return typed or None
    if field == "due_at" and typed:
        try:
            moment = datetime.fromisoformat(typed)
        except ValueError as error:
            remedy = "write it like 2026-11-22 16:00"
            raise _refused(field, f"{typed[:40]!r} is no time", remedy) from error
        return ms_from_utc(zone_time(moment) if moment.tzinfo is None else moment)
    return None if field == "due_at" else typed


def _priority(value: JsonValue) -> dict[str, ColumnValue] | None:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value in PRIORITIES
    return {"priority": int(value)} if is_number and isinstance(value, int) else None


def _due_at(value: JsonValue) -> dict[str, ColumnValue] | None:
    if value is None:
        return {"due_at_ms": None}
    is_time = isinstance(value, int) and not isinstance(value, bool)
    if is_time and isinstance(value, int) and EARLIEST_MS <= value <= LATEST_MS:
        return {"due_at_ms": value}
    return None


def _result(value: JsonValue) -> dict[str, ColumnValue] | None:
    if value is None:
        return {"result": None}
    return {"result": value} if isinstance(value, str) and value in set(FindingResult) else None


def _safety_class(value: JsonValue) -> dict[str, ColumnValue] | None:
    is_class = isinstance(value, str) and value in set(SafetyClass)
    return {"safety_class": str(value)} if is_class else None


def _title(value: JsonValue) -> dict[str, ColumnValue] | None:
    if not isinstance(value, Mapping):
        return None
    english, chinese = value.get("en"), value.get("zh")
    is_both = isinstance(english, str) and isinstance(chinese, str)
    if not is_both or max(len(str(english)), len(str(chinese))) > LONGEST_LINE:
        return None
    return {"title_en": str(english), "title_zh": str(chinese)}


def _text(column: str, longest: int) -> Callable[[JsonValue], dict[str, ColumnValue] | None]:
    def make(value: JsonValue) -> dict[str, ColumnValue] | None:
        is_text = isinstance(value, str) and len(value) <= longest and "\0" not in value
        return {column: value} if is_text and isinstance(value, str) else None

    return make


_COLUMNS: Mapping[str, Callable[[JsonValue], dict[str, ColumnValue] | None]] = {
    "priority": _priority,
    "due_at": _due_at,
    "address": _text("address", LONGEST_LINE),
    "safety_class": _safety_class,
    "title": _title,
    "diagnosis": _text("diagnosis", LONGEST_TEXT),
    "result": _result,
    "cause": _text("cause", LONGEST_TEXT),
    "note": _text("note", LONGEST_TEXT),
}
"""Fields of an order -> their columns; `crew_id` goes through a hand-over, not through here."""


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="review", field=field, problem=problem, remedy=remedy, code=Code.FIELD_RANGE
    )
