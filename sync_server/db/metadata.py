"""Owns the one MetaData and the column types that SQLite and PostgreSQL spell differently."""

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.types import TypeEngine

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Named constraints, so that a migration can change them on both databases."""

SENT_AS_BYTES = "sent_as_bytes"
"""In `Table.info`: rows come by the thousand and go to PostgreSQL as bytes (`bulk_io`); all columns
are whole numbers of 64 bits, floats, texts or bytes, on every database ever migrated."""


def running_number() -> TypeEngine[int]:
    """Return the type of a number the database draws: SQLite counts only in INTEGER."""
    return BigInteger().with_variant(Integer, "sqlite")
