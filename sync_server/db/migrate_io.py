"""Brings a database to the newest schema, all or nothing."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, func, select

_MIGRATIONS = Path(__file__).parent.parent / "migrations"

_TURN = 0x4C616D70
"""The number of the advisory lock that one migrating process holds ("Lamp")."""


def migrate(engine: Engine, revision: str = "head") -> None:
    """Apply what is missing, in one transaction; a failure leaves the database as it was.

    Processes that start together take turns: the second finds everything applied.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_TURN)))
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def schema_revision(engine: Engine) -> str | None:
    """Return the revision that the database stands at, None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
