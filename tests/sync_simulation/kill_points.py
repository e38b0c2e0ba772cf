"""A process that does one deed again and again, killed at each of its moments in turn.

Each time it begins from the same files and the same database. A moment is before a statement, a
COMMIT or a step of a file, of tablet and server alike, and after the last of them; nothing is left
out: the deed is done once with a witness that writes the moments down. Where that costs too much
for every day (long deeds, PostgreSQL), the day takes the moments around the server's commits, since
a death elsewhere rolls back and leaves what the last commit left, and the night takes all.

The death is a real one (`os._exit` or SIGKILL in a forked process: no handler, no rollback, no
close), and so is what follows: tablets and server start from what they find, sync, and every
invariant holds. Who dies works on engines and a writer's thread of its own, as the app does; what
follows a death works on lent ones.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.invariants import violations
from tests.sync_simulation.kill_deeds import DEEDS, Deed
from tests.sync_simulation.one_seed import quick_folder
from tests.sync_simulation.seeded_chance import Machines, pinned
from tests.sync_simulation.server_file import COMMIT, FileServer, Told
from tests.sync_simulation.server_memory import found_pinned, founded
from tests.sync_simulation.server_postgres import DyingPostgres, new_server
from tests.sync_simulation.store_engines import lent_engines
from tests.sync_simulation.tablets import SimulatedTablet, empty_store
from tests.sync_simulation.town import Town
from tests.sync_simulation.world import ServerDatabase, World
from wire_contracts.fields import JsonValue

KILLED = 9

COMMIT_OF_SERVER = f"server: {COMMIT}"

END = "the end"
"""The moment after the last one: everything is committed and nobody has heard of it."""


class MortalServer(ServerDatabase, Protocol):
    """A database that begins anew, and tells what it is about to do."""

    def watch_with(self, told: Told) -> None: ...

    def keep(self) -> None: ...

    def begin_anew(self) -> None: ...


@dataclass(slots=True)
class Witness:
    """Writes down the moments of a deed, and ends the process at one of them (0: at none)."""

    last: int = 0
    is_armed: bool = False
    ending: Callable[[], None] = field(default=lambda: os._exit(KILLED))
    moments: list[str] = field(default_factory=list)

    def of(self, side: str) -> Told:
        """Return what is told of every moment of one side."""

        def told(moment: str) -> None:
            if self.is_armed:
                self.moments.append(f"{side}: {moment.split(maxsplit=1)[0]}")
                if len(self.moments) == self.last:
                    self.ending()

        return told


@dataclass(slots=True, kw_only=True)
class Stage:
    """The town before the deed, on files that are copied for every death."""

    deed: Deed
    folder: Path
    one: World
    server: MortalServer
    broken: list[str] = field(default_factory=list)

    @property
    def tablet(self) -> SimulatedTablet:
        return self.one.tablets[0]

    def set(self) -> None:
        """Bring the town to the moment before the deed; then nothing runs any more."""
        self.one.mail.is_fair = True
        self.deed.before(self.one, self.tablet)
        self.one.remember(self.tablet, 0)
        self.one.close()
        self.server.keep()

    def moments(self) -> list[str]:
        """Do the deed with nobody killed; return its moments in order."""
        reading, writing = os.pipe()
        self._begin_anew()
        child = os.fork()
        if child == 0:
            witness = Witness()
            self._do(witness)
            os.write(writing, json.dumps(witness.moments).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as told:
            found: list[str] = json.loads(told.read())
        os.waitpid(child, 0)
        return found

    def kill_at(self, numbers: Sequence[int], signals: Sequence[int]) -> int:
        """Return how many deaths there were; those in `signals` are by SIGKILL from outside."""
        deaths = 0
        for number in numbers:
            self._begin_anew()
            ending = _by_signal if number in signals else _at_once
            deaths += self._die(Witness(last=number, ending=ending)) != 0
            with lent_engines():
                self._check(number)
        return deaths

    def _die(self, witness: Witness) -> int:
        child = os.fork()
        if child == 0:
            self._do(witness)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _do(self, witness: Witness) -> None:
        tablet, told_of_server = self.tablet, witness.of("server")
        self.one.rng.seed(witness.last)  # what follows a death draws other ids than who died
        tablet.watch = witness.of("tablet")
        self.server.watch_with(told_of_server)
        self.one.reached = told_of_server
        self.one.move(self.one.folder)
        tablet.start()
        witness.is_armed = True
        self.deed.do(self.one, tablet)
        told_of_server(END)
        witness.is_armed = False
        tablet.stop()

    def _begin_anew(self) -> None:
        run = self.folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(self.folder / "before", run)
        self.one.move(run)
        self.server.begin_anew()
        self.one.serve_with(self.one.new_service(self.one.keys))
        for tablet in self.one.tablets:
            tablet.line.seen = ("", "")  # what a process knows dies with it

    def _check(self, number: int) -> None:
        """Start everything from what is there, come to rest, and look at every invariant."""
        one = self.one
        one.watch.seen.clear()
        one.watch.broken.clear()
        one.fair_rounds = 0
        made, seats = dict(one.made), [tablet.seat for tablet in one.tablets]
        for tablet in one.tablets:
            tablet.start()
            one.remember(tablet, 0)
        self.deed.again(one, self.tablet)
        one.come_to_rest()
        self.broken += [
            f"killed at moment {number}: {each.invariant}: {each.what}" for each in violations(one)
        ]
        one.close()
        one.made = made
        for tablet, seat in zip(one.tablets, seats, strict=True):
            tablet.seat, tablet.line.seat = seat, seat.identity


def _at_once() -> None:
    os._exit(KILLED)


def _by_signal() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def around_commits(moments: Sequence[str]) -> list[int]:
    """Return the moments right before and right after each of the server's commits, and the last.

    They are counted from 1, as witnesses count.
    """
    commits = [number for number, moment in enumerate(moments, 1) if moment == COMMIT_OF_SERVER]
    return sorted({*commits, *(number + 1 for number in commits), len(moments)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the town stands on; `is_whole`: every moment, not only those around the commits."""

    server: MortalServer
    town: Town
    is_whole: bool


def enumerate_deaths(name: str, folder: Path, ground: Ground) -> dict[str, JsonValue]:
    """Return the moments of a deed, how many deaths were died, and what they broke."""
    before = folder / "before"
    before.mkdir()
    clock, rng = HandClock(), random.Random(7)
    machines = Machines(clock)
    empty_store()
    with pinned(rng, machines):
        with lent_engines():
            one = World(
                server=ground.server,
                clock=clock,
                town=Town(dispatcher=ground.town.dispatcher, seats=ground.town.seats[:1]),
                folder=before,
                rng=rng,
                machines=machines,
            )
            stage = Stage(deed=DEEDS[name], folder=folder, one=one, server=ground.server)
            stage.set()
        moments = stage.moments()
        chosen = [*range(1, len(moments) + 1)] if ground.is_whole else around_commits(moments)
        some = (chosen[0], chosen[len(chosen) // 2], chosen[-1])
        deaths = stage.kill_at(chosen, some)
    return {
        "moments": [*moments],
        "chosen": len(chosen),
        "deaths": deaths,
        "broken": [*stage.broken],
    }


def on_a_file(name: str, folder: Path, *, is_whole: bool) -> dict[str, JsonValue]:
    """Enumerate the deaths of a deed on SQLite."""
    content, town = founded()
    server = FileServer(folder / "server.sqlite3")
    server.path.write_bytes(content)
    return enumerate_deaths(name, folder, Ground(server=server, town=town, is_whole=is_whole))


def on_postgresql(
    name: str, folder: Path, place: tuple[str, str], *, is_whole: bool
) -> dict[str, JsonValue]:
    """Enumerate the deaths of a deed on PostgreSQL; `place` is its URL and a migrated template."""
    server = new_server(*place, DyingPostgres)
    try:
        town = found_pinned(server.engine)
        ground = Ground(server=server, town=town, is_whole=is_whole)
        return enumerate_deaths(name, folder, ground)
    finally:
        server.drop()


def main() -> None:
    """Write what became of one deed to the standard output, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("deed", choices=DEEDS)
    parser.add_argument("--postgresql", nargs=2, metavar=("URL", "TEMPLATE"))
    parser.add_argument("--every-moment", action="store_true")
    options = parser.parse_args()
    with quick_folder() as found:
        if options.postgresql:
            place = (options.postgresql[0], options.postgresql[1])
            told = on_postgresql(options.deed, found, place, is_whole=options.every_moment)
        else:
            told = on_a_file(options.deed, found, is_whole=options.every_moment)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
