"""Promised times of the orders that are done along a checklist."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the due times of six types of orders, for every safety class."""
    policy = sa.table(
        "policy",
        sa.column("name", sa.String),
        sa.column("valid_from_ms", sa.BigInteger),
        sa.column("value", sa.Text),
        sa.column("source", sa.Text),
        sa.column("approved_by", sa.String),
    )
    op.bulk_insert(
        policy,
        [
            {
                "name": f"order.due_minutes.{order_type}.{safety_class}",
                "valid_from_ms": 0,
                "value": minutes,
                "source": source,
                "approved_by": "product default",
            }
            for order_type, minutes_b, minutes_c, source in _PROMISES
            for safety_class, minutes in (("A", "60"), ("B", minutes_b), ("C", minutes_c))
        ],
    )


_PROMISES = (
    ("no_supply", "240", "1440", "domain model 4: no supply: on site 4 h, done 24 h"),
    ("cold_room", "120", "300", "domain model 3: CL16 cold room: 2 h, 5 h as the season begins"),
    (
        "meter_exchange",
        "10080",
        "20160",
        "domain model 4: meter dispute: 5 working days, counted as 7 days; CL21: 10, as 14 days",
    ),
    (
        "connection",
        "14400",
        "30240",
        "domain model 4: connection: 7 to 15 working days, counted as 10 and 21 days",
    ),
    ("area_check", "20160", "20160", "judgement: like a suspicion, CL21: 10 working days"),
    ("stop_heating", "20160", "20160", "judgement: like a suspicion, CL21: 10 working days"),
)
"""(type, minutes for class B, for class C, source); class A is on site within an hour (CL13)."""
