"""The values of sales, bills and a clerk's cash; money is whole cents (fen)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync_server.customers.customer import CustomerClass
from wire_contracts.quantities import Medium


class PaidBy(StrEnum):
    """How a sale was paid."""

    CASH = "cash"
    CARD = "card"
    TRANSFER = "transfer"
    MOBILE = "mobile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One sale as the card system booked it; a negative amount takes one back."""

    sale_id: str
    day: str
    medium: Medium
    customer_class: CustomerClass
    premises_id: str | None
    volume_m3: float
    amount_cents: int
    paid_by: PaidBy
    seller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One bill as the billing system sent it, with what was paid until then."""

    bill_id: str
    month: str
    medium: Medium
    customer_class: CustomerClass
    premises_id: str | None
    amount_cents: int
    paid_cents: int
    paid_on: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleSum:
    """What was sold: how many times, how much, for how much."""

    count: int
    volume_m3: float
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSum:
    """What was billed in a month, and what of it is paid."""

    count: int
    paid_count: int
    amount_cents: int
    paid_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CashDay:
    """The cash of one clerk and day; `sold_cents` is what the card system says was taken in."""

    day: str
    account_id: str
    counted_cents: int
    sold_cents: int
    reason: str
    closed_at_utc: datetime
    bank_slip: str
    banked_at_utc: datetime | None
    banked_by: str | None

    @property
    def difference_cents(self) -> int:
        """Return what is there beyond what was sold; negative: it lacks."""
        return self.counted_cents - self.sold_cents
