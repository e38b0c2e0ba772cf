"""Brings a database to the newest schema, all or nothing."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(engine: Engine, revision: str = "head") -> None:
    """Apply what is missing, in one transaction; a failure leaves the database as it was."""
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def schema_revision(engine: Engine) -> str | None:
    """Return the revision that the database stands at, None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
