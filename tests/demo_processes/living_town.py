"""A town that lives for several tests, and its account after each kill."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from demo.accounting_io import Account, Sent, close_account, look_at_queues, missing_frames
from demo.kills import Kill, KillDriver
from demo.places import Places
from demo.set_up_io import database_url
from demo.town import Town
from demo.town_run_io import RunOptions, TownRun
from sync_server.db.engine_io import open_engine
from wire_contracts.frames import ms_from_utc

OPTIONS = RunOptions(rate=900.0, gateway_processes=2)
MORE_FRAMES = 500
"""The town goes on for so many frames after its last kill: about an hour of its time."""

DEADLINE_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingTown:
    """A running town whose processes are killed, with the moment from which all is counted."""

    run: TownRun
    first_live_ms: int

    def account_after(self, kill: Kill) -> Account:
        """Kill, let the town go on and drain; return what it sent and stored in all its life."""
        engine = open_engine(database_url(self.run.places))
        try:
            before = self.numbered()
            driver = KillDriver(self.run, [kill], time.monotonic())
            driver.start()
            driver.wait()
            after_the_kill = self.numbered()
            assert after_the_kill >= before
            wait_until(lambda: self.numbered() > after_the_kill + MORE_FRAMES)
            sent = self.look()
            wait_while_fewer(lambda: missing_frames(engine, sent))
            return close_account(engine, self.run.places, sent, self.first_live_ms)
        finally:
            engine.dispose()

    def look(self) -> list[Sent]:
        return look_at_queues(
            self.run.places, [str(box.gateway_id) for box in self.run.town.gateways]
        )

    def numbered(self) -> int:
        return sum(each.last_seq for each in self.look())


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition with a deadline; what then is not so fails where it is counted."""
    until = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not is_so() and time.monotonic() < until:
        pause.wait(0.1)


def wait_while_fewer(count: Callable[[], int]) -> None:
    """Wait until nothing is missing; the deadline begins anew whenever less is.

    A slow machine is not a loss: what is lost stays missing.
    """
    before = count() + 1
    while 0 < (least := count()) < before:
        before = least
        wait_until(partial(_is_less, count, before))


def _is_less(count: Callable[[], int], before: int) -> bool:
    return count() < before


@contextmanager
def living(
    prepared: Path, folder: Path, town: Town, options: RunOptions = OPTIONS
) -> Iterator[LivingTown]:
    """Bring a copy of the prepared town up until the block ends."""
    shutil.copytree(prepared, folder / "town")
    with TownRun(Places(folder / "town"), town, options) as run:
        yield LivingTown(run=run, first_live_ms=ms_from_utc(run.clock.now_utc()))
