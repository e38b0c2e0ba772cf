"""The whole town in one process: every step follows from the seed."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from field_app.store import settings_store
from field_app.sync.reasons import Reason
from sync_server.blobs.files_io import BlobFiles, nothing_reached
from sync_server.blobs.intake import Intake
from sync_server.blobs.sweep import sweep
from sync_server.db.server_store import note_restored
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncService, SyncTerms
from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.crews import Crews
from tests.sync_simulation.custody import Custody
from tests.sync_simulation.lost_days import LostOrder, begin_a_lost_day
from tests.sync_simulation.mail import Mail
from tests.sync_simulation.network import Line, PowerCut, power_cut
from tests.sync_simulation.office import Memory, Office
from tests.sync_simulation.seeded_chance import Machines, WallClock, pinned
from tests.sync_simulation.store_engines import lent_engines
from tests.sync_simulation.tablets import (
    LONGEST_SKEW,
    Image,
    MadeOperation,
    SimulatedTablet,
    empty_store,
)
from tests.sync_simulation.town import Seat, Town
from tests.sync_simulation.watch import Watch
from wire_contracts.sync import Feature, has_feature

MOST_TABLETS = 4
"""Three, and one clone of one of them."""

LOST_DAYS = 9
"""How often a day is lost to a restore, of some 1400: about once in a history."""

CONTESTED_DAYS = 500
"""The same in a history of contested days: a short one has several."""

LAST_STATEMENT = 35
"""The latest statement of a tablet's work at which it is killed."""

MOST_ROUNDS = 12

_SHOWN_HERE = "SELECT DISTINCT entity_id FROM base_row WHERE entity = 'work_order' AND bucket <> ''"

WORKS_ALONE = 3
"""Deeds of a crew between its last contact and the withdrawal of its tablet."""

MOST_FAIR_ROUNDS = 3
"""Fair syncs of every tablet until nothing may wait any more: one sends everything, one sends again
what a restored server asks for, one is for a clone that learns so from the other."""


class ServerDatabase(Protocol):
    """A database that the real server runs on."""

    @property
    def engine(self) -> Engine: ...

    @property
    def has_backup(self) -> bool: ...

    def back_up(self) -> None: ...

    def restore(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class World:
    """One server, its office, its tablets, and everything that goes wrong between them."""

    server: ServerDatabase
    clock: HandClock
    town: Town
    folder: Path
    rng: random.Random
    machines: Machines
    reached: Callable[[str], None] = nothing_reached
    mail: Mail = field(init=False)
    office: Office = field(init=False)
    crews: Crews = field(init=False)
    service: SyncService = field(init=False)
    keys: SealingKeys = field(init=False)
    custody: Custody = field(init=False)
    blob_files: BlobFiles = field(init=False)
    intake: Intake = field(init=False)
    watch: Watch = field(init=False)
    tablets: list[SimulatedTablet] = field(default_factory=list)
    made: dict[str, MadeOperation] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    memory_of_backup: Memory = field(default_factory=Memory)
    doubled: set[str] = field(default_factory=set)
    lost_orders: list[LostOrder] = field(default_factory=list)
    held: dict[str, set[str]] = field(default_factory=dict)
    restores: int = 0
    is_contested: bool = False
    is_dying: bool = False
    fair_rounds: int = 0
    unwell: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mail = Mail(self.rng, meanwhile=self._something_else_happens)
        self.office = Office(
            engine=self.server.engine,
            clock=self.clock,
            dispatcher=self.town.dispatcher,
            rng=self.rng,
        )
        self.crews = Crews(rng=self.rng)
        self._take_files()
        self.keys.ensure(self.clock.now_utc())
        self.custody = Custody(
            engine=self.server.engine,
            clock=self.clock,
            dispatcher=self.town.dispatcher,
            rng=self.rng,
        )
        self.watch = Watch(engine=self.server.engine)
        for seat in self.town.seats:
            self._add_tablet(seat).first_start()
        for _ in range(6):
            self.office.begin_something()
            self.office.commit_one()

    def _take_files(self) -> None:
        self.blob_files = BlobFiles(self.folder / "blobs", self.reached)
        self.intake = Intake(self.server.engine, self.blob_files, self.clock)
        self.keys = SealingKeys(self.folder / "keys")
        self.service = self.new_service(self.keys)

    def new_service(self, keys: SealingKeys) -> SyncService:
        """Return what answers tablets in a process that began just now."""
        return SyncService(self.server.engine, self.clock, SyncTerms(keys=keys, intake=self.intake))

    def serve_with(self, service: SyncService) -> None:
        """Let every tablet's line end at `service` from now on."""
        self.service = service
        for tablet in self.tablets:
            tablet.line.service, tablet.line.intake = service, self.intake

    def move(self, folder: Path) -> None:
        """Find the files of server and tablets in `folder` from now on; nothing runs meanwhile."""
        self.folder = folder
        self._take_files()
        self.serve_with(self.service)
        for tablet in self.tablets:
            tablet.folder = folder / tablet.name

    def _add_tablet(self, seat: Seat) -> SimulatedTablet:
        name = f"tablet-{len(self.tablets) + 1}"
        tablet = SimulatedTablet(
            name=name,
            folder=self.folder / name,
            seat=seat,
            line=Line(
                service=self.service,
                engine=self.server.engine,
                seat=seat.identity,
                protocol=seat.protocol,
                mail=self.mail,
                intake=self.intake,
            ),
            clock=WallClock(true=self.clock),
            machines=self.machines,
            rng=self.rng,
        )
        self.tablets.append(tablet)
        return tablet

    # --- the steps

    def run(self, steps: int) -> None:
        """Take the steps, then let everything come to rest on a fair network."""
        moves = self._moves()
        weights = [weight for weight, _ in moves]
        while steps > 0:
            self.clock.advance(minutes=7)
            steps -= self.rng.choices([move for _, move in moves], weights)[0]() or 1
        self.come_to_rest()

    def _moves(self) -> list[tuple[int, Callable[[], int | None]]]:
        """Return what happens with its weight; what takes more than a step says how many."""
        return [
            (200, self.office.begin_something),
            (200, self.office.commit_one),
            (180, self.crew_works),
            (130, self.tablet_pushes),
            (120, self.tablet_pulls),
            (40, self.tablet_syncs),
            (30, self.tablet_sends_photos),
            (20, self.user_changes),
            (20, self.office.change_scope),
            (15, self.tablet_is_copied),
            (8, self.tablet_comes_back_older),
            (4, self.tablet_is_cloned),
            (20, self.late_request_arrives),
            (12, self.office.move_the_window),
            (2, self.office.erase_somebody),
            (5, self.tablet_is_withdrawn),
            (12, self.tablet_is_withdrawn_with_work),
            (12, self.tablet_is_enrolled_anew),
            (16, self.tablet_is_poked),
            (1, self.everybody_is_on_holiday),
            (15, self.office.forget_tombstones),
            (4, self.office.do_the_daily_round),
            (26, self.tablet_is_killed),
            (25, self.clock_is_set),
            (6, self.server_is_backed_up),
            (4, self.server_is_restored),
            (CONTESTED_DAYS if self.is_contested else LOST_DAYS, self.a_day_is_lost),
        ]

    def _something_else_happens(self) -> None:
        """While one tablet waits for an answer, the office goes on."""
        self.office.begin_something()
        self.office.commit_one()

    def _any_tablet(self) -> SimulatedTablet:
        tablet = self.rng.choice(self.tablets)
        tablet.take_its_place()
        return tablet

    def crew_works(self) -> None:
        tablet = self._any_tablet()
        before = tablet.last_n()
        self.crews.work(tablet)
        self.remember(tablet, before)

    def remember(self, tablet: SimulatedTablet, before: int) -> None:
        for made in tablet.made_after(before):
            self.made[made.op_id] = made
        self.watch.view(tablet)

    def tablet_pushes(self) -> None:
        tablet = self._any_tablet()
        tablet.push()
        self.watch.view(tablet)

    def tablet_pulls(self) -> None:
        tablet = self._any_tablet()
        tablet.pull()
        self._has_pulled(tablet)

    def tablet_syncs(self) -> None:
        """One contact from beginning to end, photos and all."""
        self.contact(self._any_tablet())

    def contact(self, tablet: SimulatedTablet) -> None:
        tablet.take_its_place()
        tablet.real.sync_now()
        self._has_pulled(tablet)

    def tablet_sends_photos(self) -> None:
        self._any_tablet().send_photos()

    def user_changes(self) -> None:
        tablet = self._any_tablet()
        tablet.choose_person(self.rng.choice(tablet.seat.actors))

    def late_request_arrives(self) -> None:
        late = self.mail.late
        if late:
            late.pop(self.rng.randrange(len(late)))()

    def clock_is_set(self) -> None:
        """Somebody sets a tablet's clock, or it starts anew with the one it finds."""
        tablet = self._any_tablet()
        skew_s = self.rng.choice([0.0, 0.0, 1.0]) * LONGEST_SKEW.total_seconds()
        tablet.clock.skew = timedelta(seconds=skew_s * self.rng.uniform(-1, 1))
        if self.rng.random() < 0.4:
            tablet.stop()
            tablet.boot_anew()
            tablet.start()

    # --- the office's hold on tablets

    def tablet_is_withdrawn(self) -> None:
        tablet = self._any_tablet()
        if has_feature(tablet.seat.protocol, Feature.SEALED) and not tablet.line.is_shut_out():
            self._withdraw(tablet)

    def tablet_is_withdrawn_with_work(self) -> None:
        """Withdraw a tablet whose crew has worked for a while without a contact."""
        tablet = self._any_tablet()
        if not has_feature(tablet.seat.protocol, Feature.SEALED) or tablet.line.is_shut_out():
            return
        before = tablet.last_n()
        for _ in range(WORKS_ALONE):
            self.crews.work(tablet)
        self.remember(tablet, before)
        self._withdraw(tablet)
        tablet.real.sync_now()

    def _withdraw(self, tablet: SimulatedTablet) -> None:
        for each in self.tablets:  # what was received is wiped, also by a clone of it
            if each.seat.identity.tablet_id == tablet.seat.identity.tablet_id:
                self._forget_held(each)
        self.custody.withdraw(tablet)

    def tablet_is_enrolled_anew(self) -> None:
        """Bring a tablet back that the office has withdrawn, or that a restored server forgot."""
        for tablet in self.tablets:
            if tablet.line.is_shut_out():
                tablet.take_its_place()
                self.custody.enrol_anew(tablet)
                return

    def tablet_is_poked(self) -> None:
        """Let a tablet hear what the server's stream says first, and do what it does with that."""
        tablet = self._any_tablet()
        if not self._is_listening(tablet):
            return
        if self.watch.poke_of(tablet) == tablet.heard:
            self.watch.not_poked(tablet)
            return
        tablet.real.database.write(settings_store.ask_contact)
        tablet.real.sync_now()
        self._has_pulled(tablet)

    @staticmethod
    def _is_listening(tablet: SimulatedTablet) -> bool:
        return has_feature(tablet.seat.protocol, Feature.POKE) and not tablet.line.is_shut_out()

    def _has_pulled(self, tablet: SimulatedTablet) -> None:
        """Look at what a pull left; who has everything needs no poke until something changes."""
        self.watch.pulled(tablet)
        self.watch.view(tablet)
        is_current = self._is_listening(tablet) and not self.watch.unread(tablet)
        tablet.heard = self.watch.poke_of(tablet) if is_current else -1

    def everybody_is_on_holiday(self) -> None:
        """Nobody touches anything for longer than a lease lasts (R4)."""
        self.clock.advance(hours=8 * 24)

    # --- deaths and copies of tablets

    def tablet_is_killed(self) -> None:
        """Kill a tablet at a statement of whatever it does, and start it again."""
        tablet = self._any_tablet()
        before = tablet.last_n()
        deeds = [lambda: self.crews.work(tablet), tablet.push, tablet.push, tablet.pull]
        deed = self.rng.choice(deeds)
        at = self.rng.randint(1, LAST_STATEMENT)
        self.is_dying = True
        try:
            with power_cut(tablet.real.database._writer_engine, at):
                deed()
        except PowerCut:
            self.mail.is_fair = False
        self.is_dying = False
        tablet.stop()
        tablet.start()
        self.remember(tablet, before)
        self.watch.pulled(tablet)

    def tablet_is_copied(self) -> None:
        tablet = self._any_tablet()
        self.images[tablet.name] = tablet.image()

    def tablet_comes_back_older(self) -> None:
        tablet = self._any_tablet()
        if tablet.name in self.images:
            self.put_back(tablet, self.images[tablet.name])

    def put_back(self, tablet: SimulatedTablet, image: Image) -> None:
        """Replace a tablet's store by an older one."""
        tablet.take_its_place()
        tablet.stop()
        self.doubled.add(tablet.name)
        self._forget_held(tablet)
        tablet.put_back(image, has_replica=self.rng.random() < 0.5)
        tablet.start()
        self.watch.forget(tablet)
        self._forget_what_is_nowhere()

    def tablet_is_cloned(self) -> None:
        """A copy of a whole tablet, replica id and all, is taken into use beside it (trap T7)."""
        tablet = self._any_tablet()
        if len(self.tablets) >= MOST_TABLETS:
            return
        image = tablet.image()
        clone = self._add_tablet(tablet.seat)
        self.doubled |= {tablet.name, clone.name}
        clone.first_start()
        clone.stop()
        clone.put_back(image, has_replica=True)
        clone.copy_photos_of(tablet)
        clone.start()
        self.watch.forget(clone)

    # --- the server's own misfortune

    def server_is_backed_up(self) -> None:
        self.office.abandon()
        self.server.back_up()
        self.memory_of_backup = self.office.memory.copy()

    def server_is_restored(self) -> None:
        if not self.server.has_backup:
            return
        self.office.abandon()
        self._note_what_is_held()
        self.server.restore()
        with self.server.engine.begin() as connection:
            note_restored(connection, self.clock.now_utc())
        self.office.memory = self.memory_of_backup.copy()
        self.serve_with(self.new_service(self.keys))  # its process began anew
        self.restores += 1
        self._forget_what_is_nowhere()

    def _note_what_is_held(self) -> None:
        """Remember which orders each tablet had been shown when the server was lost."""
        for tablet in self.tablets:
            for (order_id,) in tablet.rows(_SHOWN_HERE):
                self.held.setdefault(str(order_id), set()).add(tablet.name)

    def _forget_held(self, tablet: SimulatedTablet) -> None:
        for names in self.held.values():
            names.discard(tablet.name)

    def a_day_is_lost(self) -> int:
        """Work on an order around a backup that the server is put back to (RULINGS R1)."""
        day = begin_a_lost_day(self, is_contested=self.is_contested)
        if day is None:
            return 1
        self.lost_orders.append(day.order)
        day.run()
        return day.spent

    def _forget_what_is_nowhere(self) -> None:
        """What was only on a disk that is gone, no protocol brings back."""
        held = {op_id for tablet in self.tablets for op_id in tablet.op_ids()}
        for op_id in [*self.made]:
            if op_id not in held and op_id not in self.watch.ledger_ids():
                del self.made[op_id]

    # --- rest

    def come_to_rest(self) -> None:
        """Let everything arrive that is on its way, over a network that is fair at last."""
        self.mail.is_fair = True
        self.office.before_commit = lambda: None
        self.mail.meanwhile = lambda: None
        self.office.commit_all()
        for request in self.mail.late:
            request()
        self.office.move_the_window()
        self._sync_everybody()  # now everybody knows where it stands with the office
        self._bring_back()
        for _ in range(MOST_ROUNDS):
            self.fair_rounds += 1
            self._sync_everybody()
            self.office.make_lost_orders_again()
            if all(self.is_at_rest(tablet) for tablet in self.tablets):
                break
        # what the server does at its start and daily: files that a restored database forgot
        sweep(self.server.engine, self.blob_files, self.intake, self.clock.now_utc())
        self._sync_everybody()

    def _bring_back(self) -> None:
        """Enrol those anew whom a restored server forgot; of the withdrawn ones every other."""
        for number, tablet in enumerate(self.tablets):
            tablet.take_its_place()
            is_forgotten = tablet.line.is_shut_out() and not self.custody.is_withdrawn(tablet)
            has_words = tablet.is_withdrawn() and not self.is_at_rest(tablet)
            is_out = tablet.line.is_shut_out() or tablet.is_withdrawn()
            if is_forgotten or has_words or (is_out and number % 2):
                self.custody.enrol_anew(tablet)

    def _sync_everybody(self) -> None:
        self.unwell.clear()
        for tablet in self.tablets:
            tablet.take_its_place()
            verdict = tablet.real.sync_now()
            if verdict.reason is not Reason.NONE and not self._is_rightly_withdrawn(
                tablet, verdict.reason
            ):
                self.unwell[tablet.name] = f"{verdict.reason}: {verdict.detail}"
            self.watch.pulled(tablet)
            self.watch.view(tablet)

    def _is_rightly_withdrawn(self, tablet: SimulatedTablet, reason: Reason) -> bool:
        """Return whether the office withdrew it; a restored server may have forgotten that."""
        is_withdrawn = self.custody.is_withdrawn(tablet) or tablet.is_withdrawn()
        return reason is Reason.WITHDRAWN and is_withdrawn

    @staticmethod
    def is_at_rest(tablet: SimulatedTablet) -> bool:
        query = (
            "SELECT (SELECT count(*) FROM outbox_op WHERE status IN ('queued', 'sending'))"
            " + (SELECT count(*) FROM sealed_item WHERE is_alone = 1 AND acked_at_ms = 0)"
        )
        return tablet.rows(query) == [(0,)]

    def close(self) -> None:
        for tablet in self.tablets:
            tablet.stop()


@contextmanager
def world(server: ServerDatabase, town: Town, folder: Path, seed: int) -> Iterator[World]:
    """Yield a world that has not begun; its folder and server are the caller's."""
    empty_store()  # made before the seed is drawn from
    rng = random.Random(seed)
    clock = HandClock()
    machines = Machines(clock)
    with pinned(rng, machines), lent_engines():
        found = World(
            server=server, clock=clock, town=town, folder=folder, rng=rng, machines=machines
        )
        try:
            yield found
        finally:
            found.close()
