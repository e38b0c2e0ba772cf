"""One real tablet in a folder: it works, syncs, is killed, copied, and comes back older."""

import json
import random
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from field_app.photos.photo_files_io import FOLDER
from field_app.store.identity_io import REPLICA_FILE, Identity, save_identity
from field_app.sync.pulling import pull_round
from field_app.sync.pushing import Pusher
from field_app.sync.reasons import SyncProblem
from field_app.tablet import STORE_FILE, Tablet, _admit, open_tablet
from sync_server.access.tablet_store import TabletIdentity
from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.network import Line
from tests.sync_simulation.photo_line import OpenVault
from tests.sync_simulation.seeded_chance import Boot, Machines, WallClock
from tests.sync_simulation.town import Seat
from wire_contracts.enrolment import TabletPerson
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc

SIDE_FILES = (STORE_FILE, f"{STORE_FILE}-wal")

LONGEST_SKEW = timedelta(hours=30)


@dataclass(frozen=True, slots=True)
class Image:
    """The bytes of a tablet's folder at one moment, as a backup or a clone holds them."""

    files: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeOperation:
    """An operation as it was sealed: what the world remembers of a tap.

    `made_at_ms`: the true moment, ms since 1970, which no clock of the tablet may know.
    """

    op_id: str
    n: int
    actor: str
    made_by: str
    made_at_ms: int
    at: JsonObject
    body: JsonObject

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def field(self) -> str:
        return str(self.body.get("field", ""))

    @property
    def error_ms(self) -> int:
        """By how much the tap's time, with what the last contact told, is off."""
        told_ms = int(str(self.at["wall"])) + int(str(self.at["offset_ms"]))
        return told_ms - self.made_at_ms

    @property
    def mono_ms(self) -> int:
        return int(str(self.at["mono_ms"]))


@cache
def empty_store() -> bytes:
    """Return a store as the first start of the app leaves it: it is migrated only once."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        open_tablet(folder, HandClock()).close()
        return (folder / STORE_FILE).read_bytes()


@dataclass(slots=True, kw_only=True)
class SimulatedTablet:
    """The app of one crew: `real` is None while it does not run."""

    name: str
    folder: Path
    seat: Seat
    line: Line
    clock: WallClock
    machines: Machines
    rng: random.Random
    watch: Callable[[str], None] | None = None
    real: Tablet = field(init=False)
    reader: sqlite3.Connection = field(init=False)
    boot: Boot = field(init=False)
    actor: str = field(init=False)
    heard: int = -1

    def first_start(self) -> None:
        self.actor = self.seat.actors[0]
        self.folder.mkdir()
        (self.folder / STORE_FILE).write_bytes(empty_store())
        self._write_identity()
        self.boot_anew()
        self.start()

    def boot_anew(self) -> None:
        boot_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        self.boot = Boot(boot_id=boot_id, began_at_utc=self.clock.true.now_utc())

    def start(self) -> None:
        self.take_its_place()
        self.real = open_tablet(
            self.folder,
            self.clock,
            connect=lambda _identity: self.line,
            watch=self.watch,
            vault=OpenVault(self.folder),
        )
        self.reader = sqlite3.connect(self.folder / STORE_FILE, isolation_level=None)
        self.heard = -1  # it listens anew

    def take_its_place(self) -> None:
        """Let the clocks that nobody is given be this tablet's."""
        self.machines.boot = self.boot

    def stop(self) -> None:
        self.reader.close()
        self.real.close()

    def choose_person(self, actor: str) -> None:
        self.actor = actor
        self.real.choose_person(actor)

    def _write_identity(self) -> None:
        save_identity(self.folder, self._identity())

    def _identity(self) -> Identity:
        identity = self.seat.identity
        people = tuple(
            TabletPerson(account_id=actor, name=actor, role="crew_member", language="zh_CN")
            for actor in self.seat.actors
        )
        return Identity(
            server_url="http://127.0.0.1:1",
            tablet_id=identity.tablet_id,
            token="not used in-process",  # noqa: S106  # no token is checked in-process
            expires_at_utc=identity.enrolled_at_utc + timedelta(days=180),
            crew_id=identity.crew_id,
            people=people,
            actor=self.actor,
        )

    # --- the conversation

    def push(self) -> None:
        """Send what waits, the older first; a bad network ends it at any message."""
        real = self.real
        pusher = Pusher(real.database, self.line, self.clock, real._renew_replica)
        engine = real._contact.engine(real.identity)
        try:
            if engine is not None and not self.is_withdrawn():
                engine.send_older()
            pusher.push_all(are_steps_held=engine is not None and engine._older is not None)
        except SyncProblem:
            return

    def pull(self) -> None:
        """Take pages; a bad network ends it at any message.

        Also on a withdrawn tablet: another of its processes may have heard of it meanwhile.
        """
        try:
            pull_round(self.real.database, self.line, self.clock, self.real.personal.keep)
        except SyncProblem:
            return

    def send_photos(self) -> None:
        """Send what is small enough for any network; a bad one ends it at any piece."""
        engine = self.real._contact._engine
        if engine is not None and engine._photos is not None:
            with suppress(SyncProblem):
                engine._photos.send_all(lambda: None)

    # --- copies

    def image(self) -> Image:
        names = (*SIDE_FILES, REPLICA_FILE)
        return Image(
            {
                name: (self.folder / name).read_bytes()
                for name in names
                if (self.folder / name).exists()
            }
        )

    def put_back(self, image: Image, *, has_replica: bool) -> None:
        """Replace the store by an older one; a backup leaves the replica id beside it out."""
        for name in (*SIDE_FILES, f"{STORE_FILE}-shm"):
            (self.folder / name).unlink(missing_ok=True)
        for name, content in image.files.items():
            if name != REPLICA_FILE or has_replica:
                (self.folder / name).write_bytes(content)

    def copy_photos_of(self, other: "SimulatedTablet") -> None:
        """Take over the photos of the tablet that this one is a clone of."""
        if (other.folder / FOLDER).is_dir():
            shutil.copytree(other.folder / FOLDER, self.folder / FOLDER, dirs_exist_ok=True)

    # --- what its file holds

    def rows(self, query: str, *values: str | int) -> list[tuple[str | int | None, ...]]:
        """Return rows of the file by a reader of its own: what is there, not what the app says."""
        return list(self.reader.execute(query, values))

    def orders(self) -> list[tuple[str, str]]:
        """Return (order id, state) of what the crew sees on its list."""
        found = self.rows(
            "SELECT order_id, state FROM order_view WHERE is_gone = 0 ORDER BY order_id"
        )
        return [(str(order_id), str(state)) for order_id, state in found]

    def made_after(self, n: int) -> list[MadeOperation]:
        """Return the operations sealed after the n-th."""
        found = self.rows("SELECT n, body FROM outbox_op WHERE n > ? ORDER BY n", n)
        return [self._made(int(str(number)), json.loads(str(body))) for number, body in found]

    def _made(self, n: int, body: JsonObject) -> MadeOperation:
        at = body["at"]
        assert isinstance(at, dict)
        return MadeOperation(
            op_id=str(body["op_id"]),
            n=n,
            actor=self.actor,
            made_by=self.name,
            made_at_ms=ms_from_utc(self.clock.true.now_utc()),
            at=at,
            body=body,
        )

    def last_n(self) -> int:
        found = self.rows("SELECT coalesce(max(n), 0) FROM outbox_op")
        return int(str(found[0][0]))

    def op_ids(self) -> set[str]:
        """Return every operation that is here, in words or sealed."""
        query = (
            "SELECT op_id FROM outbox_op"
            " UNION SELECT about FROM sealed_item WHERE kind = 'operation'"
        )
        return {str(op_id) for (op_id,) in self.rows(query)}

    def is_withdrawn(self) -> bool:
        return bool(self.rows("SELECT 1 FROM setting WHERE key = 'withdrawn_ms'"))

    def take_new_identity(self, identity: TabletIdentity) -> None:
        """Enrol anew, as the crew does with a one-time code; what is unsent stays."""
        self.seat = replace(self.seat, identity=identity)
        self.line.seat = identity
        self.real._take_identity(self._identity())
        self.real.vault.admit()
        self.real.database.write(_admit)
