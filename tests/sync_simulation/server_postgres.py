"""The server's database on PostgreSQL, where transactions that are open see and hide things."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from typing_extensions import override

from sync_server.db.change_store import area_bucket, note_buckets
from sync_server.db.engine_io import open_engine
from sync_server.db.server_store import draw_server_epoch
from tests.sync_simulation.office import Act, Office
from tests.sync_simulation.server_file import Told, unwatched, watch_engine
from tests.sync_simulation.town import AREAS
from tests.sync_simulation.world import World

MOST_OPEN = 12
"""Transactions that stand open at once; the engine's pool holds thirty connections."""


@dataclass(slots=True)
class PostgresServer:
    """A database of its own on a running PostgreSQL; copies of it are its backups."""

    admin_url: str
    url: str
    name: str
    engine: Engine = field(init=False)
    has_backup: bool = False
    quiet: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.engine = open_engine(self.url)

    def back_up(self) -> None:
        self._alone()
        self._run(f"DROP DATABASE IF EXISTS {self.name}_backup")
        self._run(f"CREATE DATABASE {self.name}_backup TEMPLATE {self.name}")
        self.has_backup = True

    def restore(self) -> None:
        """Go back to the backup, as an administrator does: under a new epoch (R1)."""
        self._alone()
        self._run(f"DROP DATABASE {self.name} WITH (FORCE)")
        self._run(f"CREATE DATABASE {self.name} TEMPLATE {self.name}_backup")
        with self.engine.begin() as connection:
            draw_server_epoch(connection)

    def drop(self) -> None:
        """Remove the database and its backup."""
        self._alone()
        for name in (f"{self.name}_backup", self.name):
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _alone(self) -> None:
        self.quiet()
        self.engine.dispose()

    def _run(self, statement: str) -> None:
        run_statement(self.admin_url, statement)


@dataclass(slots=True)
class DyingPostgres(PostgresServer):
    """A database that begins anew for every death; `watch` is told every statement before it."""

    watch: Told = field(default=unwatched)

    @override
    def __post_init__(self) -> None:
        PostgresServer.__post_init__(self)  # a class with slots has no bare `super()` here
        watch_engine(self.engine, self._tell)

    def watch_with(self, told: Told) -> None:
        self.watch = told

    def _tell(self, statement: str) -> None:
        self.watch(statement)

    def keep(self) -> None:
        """Let every later `begin_anew` go back to what is there now; nobody works on it."""
        self.back_up()

    def begin_anew(self) -> None:
        self._alone()
        self._run(f"DROP DATABASE {self.name} WITH (FORCE)")
        self._run(f"CREATE DATABASE {self.name} TEMPLATE {self.name}_backup STRATEGY FILE_COPY")


AnyServer = TypeVar("AnyServer", bound=PostgresServer)


def new_server(admin_url: str, template: str, kind: type[AnyServer]) -> AnyServer:
    """Return a copy of a migrated database; `drop` removes it."""
    name = f"lamp_{uuid.uuid4().hex[:12]}"
    url = make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    run_statement(admin_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return kind(admin_url, url, name)


def run_statement(admin_url: str, statement: str) -> None:
    """Run what no transaction may hold."""
    admin = create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(statement))
    admin.dispose()


class OpenTransactions:
    """Begins every act of the office as a real transaction that stands open until its commit."""

    def __init__(self, office: Office) -> None:
        """Take over how the office begins."""
        self._office = office
        self._open: list[Connection] = []

    def begin(self, one: Act) -> None:
        """Open a transaction with an id of its own, older than those of later beginners."""
        if len(self._open) >= MOST_OPEN:
            self._office.open_acts.append(one)
            return
        connection = self._office.engine.connect()
        connection.begin()
        connection.execute(text("SELECT txid_current()"))
        self._open.append(connection)

        def act(unused: Connection) -> None:
            del unused
            try:
                one(connection)
                self._office.before_commit()
                connection.commit()
            finally:
                self._close(connection)

        self._office.open_acts.append(act)

    def _close(self, connection: Connection) -> None:
        if connection in self._open:
            self._open.remove(connection)
        connection.close()

    def abandon(self) -> None:
        """Roll everything back."""
        for connection in [*self._open]:
            self._close(connection)


def open_up(world: World, server: PostgresServer) -> None:
    """Let transactions stand open, and tablets pull while one has written and not committed."""
    # a pull that first hears of an area would wait for whoever writes into it, for ever here
    with server.engine.begin() as connection:
        note_buckets(connection, {area_bucket(area_id) for area_id in AREAS})
    transactions = OpenTransactions(world.office)
    world.office.begin_with = transactions.begin
    server.quiet = transactions.abandon

    def pull_meanwhile() -> None:
        # a tablet that dies must not take the office's transaction along
        if world.rng.random() < 0.5 and not world.is_dying:
            others = world.mail.meanwhile
            world.mail.meanwhile = lambda: None  # whoever writes now would wait for us, for ever
            world.tablet_pulls()
            world.mail.meanwhile = others

    world.office.before_commit = pull_meanwhile
