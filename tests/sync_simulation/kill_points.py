"""A process that does one deed again and again, killed before each of its statements in turn.

Each time it begins from the same files. Between the statements nothing is left out: the deed is
done once with a witness that counts them, and the kills end when one of them came too late. The
death is a real one (`os._exit` in a forked process: no handler, no rollback, no close), and so is
what follows: tablets and server start from the files they find, sync, and every invariant holds.
Who dies works on engines and a writer's thread of its own, as the app does; what follows a death
works on lent ones.
"""

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.invariants import violations
from tests.sync_simulation.one_seed import quick_folder
from tests.sync_simulation.seeded_chance import Machines, pinned
from tests.sync_simulation.server_file import FileServer
from tests.sync_simulation.server_memory import founded
from tests.sync_simulation.store_engines import lent_engines
from tests.sync_simulation.tablets import SimulatedTablet, empty_store
from tests.sync_simulation.town import Town
from tests.sync_simulation.world import World
from wire_contracts.fields import JsonValue
from wire_contracts.work_order_states import WorkOrderEvent

KILLED = 9

SERVER_FILE = "server.sqlite3"

Deed = Callable[[World, SimulatedTablet], None]


def record_a_finding(_one: World, tablet: SimulatedTablet) -> None:
    order_id = first_order(tablet)
    tablet.real.desk.save_answers(order_id, ANSWERS)
    tablet.real.desk.finish(order_id)


def send_and_take_the_answer(_one: World, tablet: SimulatedTablet) -> None:
    tablet.push()


def take_pages(_one: World, tablet: SimulatedTablet) -> None:
    tablet.pull()


def start(_one: World, tablet: SimulatedTablet) -> None:
    tablet.stop()
    tablet.start()


ANSWERS: dict[str, JsonValue] = {"result": "leak", "cause": "joint", "note": "v1"}

DEEDS: dict[str, Deed] = {
    "tap": record_a_finding,
    "acknowledgement": send_and_take_the_answer,
    "page": take_pages,
    "start": start,
    "push": send_and_take_the_answer,
}

OF_THE_SERVER = frozenset({"push"})
"""Deeds whose statements are the server's; all others are killed in the tablet."""


def first_order(tablet: SimulatedTablet) -> str:
    return tablet.orders()[0][0]


@dataclass(slots=True)
class Witness:
    """Counts the statements of a deed, and ends the process before one of them."""

    last: int = 0
    seen: int = 0
    is_armed: bool = False
    ending: Callable[[], None] = field(default=lambda: os._exit(KILLED))

    def told(self, _statement: str) -> None:
        if self.is_armed:
            self.seen += 1
            if self.seen == self.last:
                self.ending()


@dataclass(slots=True, kw_only=True)
class Stage:
    """The town before the deed, on files that are copied for every death."""

    name: str
    folder: Path
    one: World
    server: FileServer
    broken: list[str] = field(default_factory=list)

    def set(self) -> None:
        """Bring the town to the moment before the deed; then nothing runs any more."""
        tablet = self.one.tablets[0]
        office = self.one.office
        self.one.mail.is_fair = True
        for _ in range(4):
            self.one.clock.advance(minutes=7)
            office.begin(lambda c: office.create(c, office.new_order("crew-1")))
            office.commit_all()
        tablet.take_its_place()
        tablet.pull()
        order_id = first_order(tablet)
        for event in (
            WorkOrderEvent.ACCEPT,
            WorkOrderEvent.DEPART,
            WorkOrderEvent.ARRIVE,
            WorkOrderEvent.BEGIN,
        ):
            tablet.real.desk.tap(order_id, event)
        tablet.real.sync_now()
        if self.name != "tap":
            record_a_finding(self.one, tablet)
            tablet.real.desk.add_note(order_id, "crew 1.")
            office.begin_something()
            office.commit_all()
            office.begin(office.take_stock())
            office.commit_all()
        self.one.remember(tablet, 0)
        self.one.close()
        self.server.engine.dispose()

    def count_statements(self) -> int:
        """Do the deed with nobody killed; return how many statements it has."""
        witness = Witness()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            self._do(witness)
            os.write(writing, str(witness.seen).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with os.fdopen(reading) as told:
            return int(told.read())

    def kill_before_each(self, signals: Sequence[int] = ()) -> int:
        """Return how many deaths there were; those in `signals` are by SIGKILL from outside."""
        for number in count(1):
            code = self._die(
                Witness(last=number, ending=_by_signal if number in signals else _at_once)
            )
            self._move(self.folder / "run")
            if code == 0:
                return number - 1
            with lent_engines():
                self._check(number)
        return 0

    def _die(self, witness: Witness) -> int:
        child = os.fork()
        if child == 0:
            self._do(witness)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _do(self, witness: Witness) -> None:
        self._move_to_a_copy()
        tablet = self.one.tablets[0]
        is_of_server = self.name in OF_THE_SERVER
        tablet.watch = None if is_of_server else witness.told
        self.server.watch = witness.told if is_of_server else lambda _statement: None
        tablet.start()
        witness.is_armed = True
        DEEDS[self.name](self.one, tablet)
        witness.is_armed = False
        tablet.stop()

    def _move_to_a_copy(self) -> None:
        run = self.folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(self.folder / "before", run)
        self._move(run)

    def _move(self, folder: Path) -> None:
        self.server.path = folder / SERVER_FILE
        for tablet in self.one.tablets:
            tablet.folder = folder / tablet.name

    def _check(self, number: int) -> None:
        """Start everything from what is there, come to rest, and look at every invariant."""
        one = self.one
        one.watch.seen.clear()
        one.watch.broken.clear()
        one.fair_rounds = 0
        made = dict(one.made)
        for tablet in one.tablets:
            tablet.start()
            one.remember(tablet, 0)
        one.come_to_rest()
        self.broken += [
            f"killed before statement {number}: {each.invariant}: {each.what}"
            for each in violations(one)
        ]
        one.close()
        self.server.engine.dispose()
        one.made = made


def _at_once() -> None:
    os._exit(KILLED)


def _by_signal() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def enumerate_deaths(name: str, folder: Path) -> dict[str, JsonValue]:
    """Return how many statements a deed has, how many deaths were died, and what they broke."""
    before = folder / "before"
    before.mkdir()
    content, town = founded()
    (before / SERVER_FILE).write_bytes(content)
    server = FileServer(before / SERVER_FILE)
    clock, rng = HandClock(), random.Random(7)
    machines = Machines(clock)
    empty_store()
    with pinned(rng, machines):
        one = World(
            server=server,
            clock=clock,
            town=Town(dispatcher=town.dispatcher, seats=town.seats[:1]),
            folder=before,
            rng=rng,
            machines=machines,
        )
        stage = Stage(name=name, folder=folder, one=one, server=server)
        with lent_engines():
            stage.set()
        statements = stage.count_statements()
        some = (1, statements // 2, statements)
        deaths = stage.kill_before_each(some)
    return {"statements": statements, "deaths": deaths, "broken": [*stage.broken]}


if __name__ == "__main__":
    with quick_folder() as found:
        sys.stdout.write(json.dumps(enumerate_deaths(sys.argv[1], found)))
