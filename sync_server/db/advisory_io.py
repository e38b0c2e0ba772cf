"""Holds PostgreSQL advisory locks on a connection of its own: who has one is the only one."""

from contextlib import suppress

from sqlalchemy import Connection, Engine, TextClause, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

_SPACE = 1_281_450_832
"""The first half of every lock's key, so that no other program of the database meets ours."""

_KEEP_ALIVE = ("idle = 1", "interval = 1", "count = 2")
"""PostgreSQL lets go of the locks of a machine that lost its power about so many seconds later; a
process that is killed loses them at once, because its connection is closed by the system."""

_HOLDERS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = :name AND datname = current_database()"
)
_TAKE = text("SELECT pg_try_advisory_lock(:space, :number)")
_GIVE = text("SELECT pg_advisory_unlock(:space, :number)")


class AdvisoryLocks:
    """Locks by number, held as long as the connection lives; for one thread."""

    def __init__(self, engine: Engine, name: str) -> None:
        """Take the database; `name` is how holders of these locks find and count each other."""
        self._engine = create_engine(
            engine.url,
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"application_name": name},
        )
        self._name = name
        self._connection: Connection | None = None
        self._held: set[int] = set()

    def holder_count(self) -> int:
        """Return how many processes hold or want such locks, this one among them.

        Connects where needed. When it raises every lock is lost.

        Raises:
            SQLAlchemyError: The database is away.
        """
        try:
            count: int = self._connected().execute(_HOLDERS, {"name": self._name}).scalar_one()
        except SQLAlchemyError:
            self.close()
            raise
        return max(count, 1)

    def try_lock(self, number: int) -> bool:
        """Return whether the lock is ours now; raise SQLAlchemyError when the database is away."""
        if not self._ask(_TAKE, number):
            return False
        self._held.add(number)
        return True

    def keep_lock(self, number: int) -> bool:
        """Return whether the lock is ours: still, or from now on; False when nobody can tell."""
        try:
            self.holder_count()
            return number in self._held or self.try_lock(number)
        except SQLAlchemyError:
            return False

    def unlock(self, number: int) -> None:
        """Let a lock go; raise SQLAlchemyError when the database is away."""
        self._ask(_GIVE, number)
        self._held.discard(number)

    def close(self) -> None:
        """Let every lock go, and the connection."""
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            connection.close()

    def _ask(self, query: TextClause, number: int) -> object:
        try:
            asked = {"space": _SPACE, "number": number}
            answer: object = self._connected().execute(query, asked).scalar_one()
        except SQLAlchemyError:
            self.close()
            raise
        return answer

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect()
            for setting in _KEEP_ALIVE:
                connection.exec_driver_sql(f"SET tcp_keepalives_{setting}")
            self._connection = connection
        return self._connection
