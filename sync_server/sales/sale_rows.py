"""Decides what a row of a file of sales or bills means; a row that cannot be used says why."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, TypeVar

from sync_server.customers.customer import CustomerClass
from sync_server.sales.sale import Bill, PaidBy, Sale
from wire_contracts.quantities import Medium

SALE_COLUMNS: Final = (
    "sale_id",
    "day",
    "medium",
    "customer_class",
    "premises_id",
    "volume_m3",
    "amount_yuan",
    "paid_by",
    "seller",
)
BILL_COLUMNS: Final = (
    "bill_id",
    "month",
    "medium",
    "customer_class",
    "premises_id",
    "amount_yuan",
    "paid_yuan",
    "paid_on",
)
_MONTH: Final = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_MOST_YUAN: Final = Decimal(100_000_000)
_MOST_M3: Final = 100_000_000.0
_LONGEST_ID: Final = 64
_LONGEST_SELLER: Final = 80

C = TypeVar("C", bound=StrEnum)


class RowError(ValueError):
    """A row cannot be used; the text is `column: value cannot be used; remedy`."""


def parse_sale(cells: Mapping[str, str]) -> Sale:
    """Return the sale of a row; raise RowError naming the column."""
    return Sale(
        sale_id=_filled(cells, "sale_id"),
        day=_day(cells, "day"),
        medium=_choice(cells, "medium", Medium),
        customer_class=_choice(cells, "customer_class", CustomerClass),
        premises_id=cells.get("premises_id") or None,
        volume_m3=_volume_m3(cells, "volume_m3"),
        amount_cents=_cents(cells, "amount_yuan"),
        paid_by=_choice(cells, "paid_by", PaidBy),
        seller=cells.get("seller", "")[:_LONGEST_SELLER],
    )


def parse_bill(cells: Mapping[str, str]) -> Bill:
    """Return the bill of a row; raise RowError naming the column."""
    month = cells.get("month", "")
    if _MONTH.fullmatch(month) is None:
        raise _refused("month", month, "write a month such as 2026-11")
    return Bill(
        bill_id=_filled(cells, "bill_id"),
        month=month,
        medium=_choice(cells, "medium", Medium),
        customer_class=_choice(cells, "customer_class", CustomerClass),
        premises_id=cells.get("premises_id") or None,
        amount_cents=_cents(cells, "amount_yuan"),
        paid_cents=_cents(cells, "paid_yuan") if cells.get("paid_yuan") else 0,
        paid_on=_day(cells, "paid_on") if cells.get("paid_on") else None,
    )


def _filled(cells: Mapping[str, str], name: str) -> str:
    value = cells.get(name, "")
    if not value or len(value) > _LONGEST_ID:
        raise _refused(name, value[:_LONGEST_ID], f"give 1 to {_LONGEST_ID} characters")
    return value


def _day(cells: Mapping[str, str], name: str) -> str:
    value = cells.get(name, "")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise _refused(name, value, "write a day such as 2026-11-02") from None


def _choice(cells: Mapping[str, str], name: str, kind: type[C]) -> C:
    value = cells.get(name, "").casefold()
    try:
        return kind(value)
    except ValueError:
        raise _refused(name, value, f"use one of {', '.join(kind)}") from None


def _volume_m3(cells: Mapping[str, str], name: str) -> float:
    value = cells.get(name) or "0"
    try:
        found = float(value)
    except ValueError:
        raise _refused(name, value, "give cubic metres such as 12.5") from None
    if not -_MOST_M3 < found < _MOST_M3:
        raise _refused(name, value, "give cubic metres such as 12.5")
    return found


def _cents(cells: Mapping[str, str], name: str) -> int:
    value = cells.get(name, "")
    try:
        yuan = Decimal(value)
    except InvalidOperation:
        raise _refused(name, value, "give yuan such as 36.50") from None
    if not yuan.is_finite() or abs(yuan) > _MOST_YUAN or yuan * 100 != (yuan * 100).to_integral():
        raise _refused(name, value, "give yuan with at most two decimals")
    return int(yuan * 100)


def _refused(name: str, value: str, remedy: str) -> RowError:
    return RowError(f"{name}: {value!r} cannot be used; {remedy}")
