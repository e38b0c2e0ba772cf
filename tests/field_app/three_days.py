"""Three days without a network, then a bad one: the whole way, with a restored server on it.

The server is a process, the tablet's store a file, the link a proxy that breaks connections. Time
is simulated: the tablet's clock is moved by hand, the server's follows it.
"""

import random
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from PIL import Image
from sqlalchemy import Engine, LargeBinary, cast, func, select
from typing_extensions import override

from field_app.crew import HeadlessCrew
from field_app.platform.network import NetworkKind
from field_app.store import photo_store, upload_store
from field_app.store.tables import outbox_op
from field_app.sync.reasons import Reason
from sync_server.access.tablet_store import issue_enrolment_code
from sync_server.blobs.copies_io import copy_blobs
from sync_server.blobs.files_io import BlobFiles
from sync_server.db.backup_io import back_up, restore
from sync_server.db.blob_tables import BLOB, BLOB_REF
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.db.order_tables import FACT, WORK_ORDER
from sync_server.db.sync_tables import OP_LEDGER
from sync_server.work_orders.order_store import create_from_alert
from tests.field_app.bad_link import BadLink, Faults, Traffic, bad_link
from tests.field_app.three_days_server import database_url
from tests.free_ports import free_port
from tests.sync_server.people_parts import Utility, found_utility, raise_leak
from tests.sync_server.real_parts import HandClock, wait_until
from wire_contracts.frames import ms_from_utc
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

PIN = "285170"
WORST = Faults(refused_share=0.10, swallowed_share=0.10, resets=True)
MOST_SYNCS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much work is done in the three days."""

    hours: float = 72.0
    operations: int = 400
    photos: int = 60
    photo_side: int = 1000
    seed: int = 72
    is_restored: bool = True


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of it; lists of what went wrong are empty when all is well."""

    operations: int
    photos: int
    content_bytes: int
    resent_bytes: int
    up_bytes: int
    requests: int
    refused: int
    swallowed: int
    resets: int
    syncs: int
    simulated_hours: float
    missing_operations: list[str] = field(default_factory=list)
    doubled_operations: list[str] = field(default_factory=list)
    missing_notes: list[str] = field(default_factory=list)
    broken_photos: list[str] = field(default_factory=list)
    restarted_photos: list[str] = field(default_factory=list)
    lost_on_restore: int = 0

    @property
    def ratio(self) -> float:
        """Bytes over the link per byte that had to go over it."""
        return self.up_bytes / (self.content_bytes + self.resent_bytes)

    def problems(self) -> list[str]:
        return [
            *(f"not in the ledger: {each}" for each in self.missing_operations),
            *(f"applied twice: {each}" for each in self.doubled_operations),
            *(f"note not shown: {each}" for each in self.missing_notes),
            *(f"photo not as it was: {each}" for each in self.broken_photos),
            *(f"upload began anew: {each}" for each in self.restarted_photos),
        ]


@dataclass(slots=True, kw_only=True)
class Server:
    """The server's process and what lies on its disk."""

    folder: Path
    port: int
    clock: HandClock
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return database_url(self.data)

    @property
    def blobs(self) -> BlobFiles:
        return BlobFiles(self.data / "blobs")

    def tell_time(self) -> None:
        path = self.folder / "clock"
        fresh = self.folder / "clock.new"
        fresh.write_text(str(ms_from_utc(self.clock.now_utc())))
        fresh.replace(path)

    def start(self) -> None:
        self.tell_time()
        command = [sys.executable, "-m", "tests.field_app.three_days_server"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self.data), str(self.port), str(self.folder / "clock")],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_live, within_s=60)

    def stop(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.wait(60)
            self.process = None

    def _is_live(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/health/live"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def serving(folder: Path, clock: HandClock) -> Iterator[tuple[Server, Utility]]:
    """Run the server with its people over a new database until the block ends."""
    server = Server(folder=folder, port=free_port(), clock=clock)
    server.data.mkdir(parents=True)
    engine = open_engine(server.url)
    migrate(engine)
    utility = found_utility(engine, clock)
    engine.dispose()
    server.start()
    try:
        yield server, utility
    finally:
        server.stop()


class SteadyClock(HandClock):
    """A clock moved by hand whose seconds are the wall's: nobody waits for them here."""

    @override
    def wall_seconds(self, seconds: float) -> float:
        return seconds


@dataclass(slots=True, kw_only=True)
class _Patience:
    """A network that is free until so many photos are through, so that a run can stop half-way."""

    done: Callable[[], int]
    most: int = 0

    def kind(self) -> NetworkKind:
        return NetworkKind.FREE if self.done() < self.most else NetworkKind.METERED


class ThreeDays:
    """One run of a plan."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._random = random.Random(plan.seed)
        self._clock = SteadyClock()
        self._photos: dict[str, int] = {}
        self._notes: dict[str, list[str]] = {}
        self._syncs = 0
        self._resent_bytes = 0
        self._lost: set[str] = set()

    def run(self) -> Outcome:
        began_utc = self._clock.now_utc()
        with (
            serving(self._folder / "server", self._clock) as (server, utility),
            bad_link(server.port, self._plan.seed) as link,
        ):
            order_ids = self._orders(server, utility)
            crew = self._enrolled(server, link)
            try:
                self._work_offline(crew, order_ids)
                before = self._offered_bytes(crew)
                link.traffic = Traffic()  # the morning's pull is not counted
                link.faults = WORST
                self._send_everything(crew, server)
                hours = (self._clock.now_utc() - began_utc) / timedelta(hours=1)
                return self._judge(server, link, before, hours)
            finally:
                crew.close()

    def _orders(self, server: Server, utility: Utility) -> list[str]:
        meters = [("M-1", Medium.WATER), ("M-2", Medium.GAS), ("M-3", Medium.HEAT)]
        engine = open_engine(server.url)
        with engine.begin() as connection:
            orders = [
                create_from_alert(
                    connection,
                    raise_leak(connection, meter_id, Kind.SLOW_LEAK, medium),
                    utility.dispatcher.account_id,
                    "crew-1",
                    self._clock.now_utc(),
                ).order_id
                for meter_id, medium in meters
            ]
        engine.dispose()
        return orders

    def _enrolled(self, server: Server, link: BadLink) -> HeadlessCrew:
        engine = open_engine(server.url)
        with engine.begin() as connection:
            code = issue_enrolment_code(connection, "crew-1", "test", self._clock.now_utc())
        engine.dispose()
        crew = HeadlessCrew(self._folder / "tablet", self._clock)
        crew.enrol(link.url, code.code)
        crew.tablet.set_pin(PIN)
        assert crew.sync_now().reason is Reason.NONE
        return crew

    def _work_offline(self, crew: HeadlessCrew, order_ids: list[str]) -> None:
        """Spread the work over the hours; the photos are operations, too."""
        crew.go_offline()
        plan = self._plan
        step = timedelta(hours=plan.hours) / plan.operations
        photo_at = set(self._random.sample(range(plan.operations), plan.photos))
        for number in range(plan.operations):
            self._clock.at_utc += step
            order_id = order_ids[number % len(order_ids)]
            if number in photo_at:
                content = photo(self._random, plan.photo_side)
                sha256 = crew.tablet.photos.add(order_id, content)
                self._photos[sha256] = number
            else:
                words = f"note {number} {self._random.random():.6f}"
                crew.tablet.desk.add_note(order_id, words)
                self._notes.setdefault(order_id, []).append(words)
            if number % 50 == 0:
                assert crew.sync_now().reason is Reason.SWITCHED_OFF
        crew.go_online()

    def _send_everything(self, crew: HeadlessCrew, server: Server) -> None:
        """Sync whenever it is due until nothing is left; restore the server on the way."""
        copy = server.folder / "copy.sqlite3"
        patience = _Patience(done=lambda: self._done_photos(crew))
        crew.tablet.network = patience
        if self._plan.is_restored:
            self._send_up_to(crew, server, patience, self._plan.photos // 4)
            back_up(server.url, copy)
            copy_blobs(server.blobs, BlobFiles(server.folder / "copies"))
            self._send_up_to(crew, server, patience, self._plan.photos // 2)
            self._restore(server, copy)
        patience.most = self._plan.photos
        while self._left(crew) and self._syncs < MOST_SYNCS:
            self._sync(crew, server)
        self._sync(crew, server)

    def _send_up_to(
        self, crew: HeadlessCrew, server: Server, patience: "_Patience", most: int
    ) -> None:
        patience.most = most
        while self._done_photos(crew) < most and self._syncs < MOST_SYNCS:
            self._sync(crew, server)

    def _sync(self, crew: HeadlessCrew, server: Server) -> None:
        wait_s = crew.tablet.seconds_until_due() or 0.0
        self._clock.at_utc += timedelta(seconds=wait_s + 1)
        server.tell_time()
        crew.sync_now()
        self._syncs += 1

    def _restore(self, server: Server, copy: Path) -> None:
        """Put database and photos back as they were: what came since must come again."""
        server.stop()
        kept = set(BlobFiles(server.folder / "copies").names())
        for name in list(server.blobs.names()):
            if name not in kept:
                self._resent_bytes += server.blobs.size_of(name) or 0
                server.blobs.drop_broken(name)
                self._lost.add(name)
        restore(server.url, copy)
        server.start()

    def _left(self, crew: HeadlessCrew) -> bool:
        photos = crew.tablet.database.read(upload_store.waiting)[0]
        return bool(photos or crew.status().outbox.waiting)

    def _done_photos(self, crew: HeadlessCrew) -> int:
        found = crew.tablet.database.read(
            lambda connection: photo_store.count_by_order(connection, list(self._notes))
        )
        return sum(count.done for count in found.values())

    def _offered_bytes(self, crew: HeadlessCrew) -> int:
        """Return the bytes that must go over the link: photos, thumbs, operations."""
        words = select(func.sum(func.length(cast(outbox_op.c.body, LargeBinary))))
        photos = crew.tablet.database.read(upload_store.waiting)[1]
        return photos + int(crew.tablet.database.read(lambda c: c.execute(words).scalar_one()))

    def _judge(self, server: Server, link: BadLink, content: int, hours: float) -> Outcome:
        traffic = link.traffic
        outcome = Outcome(
            operations=self._plan.operations,
            photos=len(self._photos),
            content_bytes=content,
            resent_bytes=self._resent_bytes,
            up_bytes=traffic.up_bytes,
            requests=traffic.requests,
            refused=traffic.refused,
            swallowed=traffic.swallowed,
            resets=traffic.resets,
            syncs=self._syncs,
            simulated_hours=hours,
            restarted_photos=[
                name
                for name, offsets in traffic.offsets.items()
                if _steps_back(offsets) > int(name in self._lost)
            ],
            lost_on_restore=len(self._lost),
        )
        engine = open_engine(server.url)
        try:
            self._judge_database(engine, outcome)
        finally:
            engine.dispose()
        outcome.broken_photos = [name for name in self._photos if not server.blobs.is_intact(name)]
        return outcome

    def _judge_database(self, engine: Engine, outcome: Outcome) -> None:
        with reading(engine) as connection:
            applied = connection.execute(select(func.count()).select_from(OP_LEDGER)).scalar_one()
            facts = connection.execute(select(func.count()).select_from(FACT)).scalar_one()
            notes = {
                row.order_id: row.note
                for row in connection.execute(select(WORK_ORDER.c.order_id, WORK_ORDER.c.note))
            }
            awaited = connection.execute(
                select(BLOB_REF.c.sha256)
                .join(BLOB, BLOB.c.sha256 == BLOB_REF.c.sha256)
                .where(BLOB.c.state != "have")
            ).scalars()
            outcome.broken_photos += list(awaited)
        if applied != outcome.operations:
            outcome.missing_operations.append(f"{applied} of {outcome.operations}")
        if facts != outcome.photos:
            outcome.doubled_operations.append(f"{facts} facts of {outcome.photos} photos")
        for order_id, words in self._notes.items():
            lines = notes[order_id].splitlines()
            outcome.missing_notes += [each for each in words if each not in lines]
            outcome.doubled_operations += [each for each in words if lines.count(each) > 1]


def _steps_back(offsets: list[int]) -> int:
    """Return how often an upload went on from before where it had been."""
    return sum(later < earlier for earlier, later in pairwise(offsets))


def photo(source: random.Random, side: int) -> bytes:
    """Return a JPEG of noise, 3/4 of a byte per pixel: nothing in it can be made smaller."""
    noise = Image.frombytes("RGB", (side, side), source.randbytes(side * side * 3))
    out = BytesIO()
    noise.save(out, "JPEG", quality=85)
    return out.getvalue()
