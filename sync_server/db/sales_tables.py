"""The tables of what billing and card systems tell: sales, bills; and the cash of a day."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, String, Table

from sync_server.db.metadata import METADATA

SALE = Table(
    "sale",
    METADATA,
    Column("sale_id", String(64), primary_key=True),
    Column("day", String(10), nullable=False),
    Column("medium", String(8), nullable=False),
    Column("customer_class", String(20), nullable=False),
    Column("premises_id", String(64), nullable=True),
    Column("volume_m3", Float, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("paid_by", String(12), nullable=False),
    Column("seller", String(80), nullable=False),
    Index(None, "day", "customer_class"),
)
"""One sale as the card system booked it; `seller` is its log-in name (RULINGS R20)."""

BILL = Table(
    "bill",
    METADATA,
    Column("bill_id", String(64), primary_key=True),
    Column("month", String(7), nullable=False),
    Column("medium", String(8), nullable=False),
    Column("customer_class", String(20), nullable=False),
    Column("premises_id", String(64), nullable=True),
    Column("amount_cents", BigInteger, nullable=False),
    Column("paid_cents", BigInteger, nullable=False),
    Column("paid_on", String(10), nullable=True),
    Index(None, "month", "customer_class"),
)
"""One bill as the billing system sent it, with what was paid until then (rule E-06)."""

CASH_DAY = Table(
    "cash_day",
    METADATA,
    Column("day", String(10), primary_key=True),
    Column("account_id", String(36), ForeignKey("account.account_id"), primary_key=True),
    Column("counted_cents", BigInteger, nullable=False),
    Column("sold_cents", BigInteger, nullable=False),
    Column("reason", String(400), nullable=False),
    Column("closed_at_ms", BigInteger, nullable=False),
    Column("bank_slip", String(80), nullable=False),
    Column("banked_at_ms", BigInteger, nullable=True),
    Column("banked_by", String(64), nullable=True),
    Index(None, "banked_at_ms"),
)
"""The cash of one clerk and day: counted against what was sold, then banked (rule E-08, CL22)."""
