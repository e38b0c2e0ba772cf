"""How the migrations spell their columns, keys and indexes, so that each names its tables only."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op


def number(name: str) -> "sa.Column[int]":
    """Return a key that the database draws; SQLite counts only in INTEGER."""
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=True, nullable=False)


def text(name: str, length: int, *, is_nullable: bool = False) -> "sa.Column[str]":
    """Return a text of limited length."""
    return sa.Column(name, sa.String(length=length), nullable=is_nullable)


def long_text(name: str) -> "sa.Column[str]":
    """Return a text of any length."""
    return sa.Column(name, sa.Text(), nullable=False)


def time(name: str, *, is_nullable: bool = False) -> "sa.Column[int]":
    """Return a moment in milliseconds."""
    return sa.Column(name, sa.BigInteger(), nullable=is_nullable)


def count(name: str) -> "sa.Column[int]":
    """Return a small whole number."""
    return sa.Column(name, sa.Integer(), nullable=False)


def figure(name: str) -> "sa.Column[float]":
    """Return a figure that may not be known."""
    return sa.Column(name, sa.Float(), nullable=True)


def truth(name: str, *, is_nullable: bool = False) -> "sa.Column[bool]":
    """Return yes or no."""
    return sa.Column(name, sa.Boolean(), nullable=is_nullable)


def key(table: str, *names: str) -> sa.PrimaryKeyConstraint:
    """Return the primary key."""
    return sa.PrimaryKeyConstraint(*names, name=op.f(f"pk_{table}"))


def leads_to(table: str, name: str, other: str) -> sa.ForeignKeyConstraint:
    """Return the key of another table, which is called as it is there."""
    return sa.ForeignKeyConstraint(
        [name], [f"{other}.{name}"], name=op.f(f"fk_{table}_{name}_{other}")
    )


def index(table: str, *names: str, is_unique: bool = False) -> None:
    """Make an index."""
    op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, list(names), unique=is_unique)


def put_policies(rows: Iterable[tuple[str, float, str]]) -> None:
    """Put defaults of the product: name, value, source."""
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
                "name": name,
                "valid_from_ms": 0,
                "value": str(value),
                "source": source,
                "approved_by": "product default",
            }
            for name, value, source in rows
        ],
    )
