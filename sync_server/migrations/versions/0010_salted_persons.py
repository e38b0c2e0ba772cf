"""Salts for the rows of persons: their hashes must tell nothing to who guesses the content."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Give every person a salt; the next look at the window publishes them with it."""
    empty = sa.text("''")
    salt = sa.Column("salt", sa.String(length=32), nullable=False, server_default=empty)
    op.add_column("order_person", salt)
    person = sa.table("order_person", sa.column("order_id"), sa.column("salt"))
    connection = op.get_bind()
    for order_id in connection.execute(sa.select(person.c.order_id)).scalars().all():
        salted = person.update().where(person.c.order_id == order_id)
        connection.execute(salted.values(salt=secrets.token_hex(16)))
