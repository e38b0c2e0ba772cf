"""`make demo`: runs the town to be watched, prints addresses and log-ins, tells what happens."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from demo.accounts import ADMINISTRATOR_LOGIN, CONTROL_ROOM_LOGIN, DISPATCHER_LOGIN
from demo.loop import Loop, LoopBroke, Stage
from demo.places import Places
from demo.set_up_io import load_accounts
from demo.stage_io import open_stage
from demo.town import Town
from demo.town_run_io import RunOptions, TownRun
from demo.water_leak import WATER_LEAK_ID, water_leak

TIME_TO_LOG_IN = timedelta(hours=5)
"""20 seconds of the wall: the page is open when the leak begins, and the night still lies ahead."""

PATIENCE_S = 600.0
"""Wall seconds the shown story may take; the town goes on afterwards."""


def show_town(
    places: Places,
    town: Town,
    options: RunOptions,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> int:
    """Run the town until told to stop; return the exit status."""
    began_s = time.monotonic()
    with TownRun(places, town, options) as run:
        tell(f"the town is up after {time.monotonic() - began_s:.0f} s\n")
        _print_doors(run, tell)
        with open_stage(run, stop, tell) as stage:
            if not stop.is_set():
                _play(stage, tell)
            while not stop.wait(1.0):
                run.supervisor.check_alive()
        tell("stopping the town; `make demo` goes on from here")
    return 0


def _print_doors(run: TownRun, tell: Callable[[str], None]) -> None:
    accounts = load_accounts(run.places)
    tell(f"  control room   {run.base_url}")
    for what, login in (
        ("operator", CONTROL_ROOM_LOGIN),
        ("dispatcher", DISPATCHER_LOGIN),
        ("administrator", ADMINISTRATOR_LOGIN),
    ):
        tell(f"  {what:<14} {login} / {accounts[login]}")
    tell(f"  all log-ins    {run.places.accounts_file}")
    tell(f"  logs           {run.places.root / 'logs'}")
    tell("  Ctrl-C stops everything; one second here is a quarter of an hour there\n")


def _play(stage: Stage, tell: Callable[[str], None]) -> None:
    known = {fault.fault_id for fault in stage.truth.faults()}
    if WATER_LEAK_ID in known:
        tell("the town goes on where it was")
        return
    tell("open the control room now: the first leak begins in 20 seconds, at 01:00 in the town")
    _leave_one_for_the_viewer(stage, tell)
    try:
        Loop(
            stage=stage, until_wall_s=time.monotonic() + PATIENCE_S, leak_after=TIME_TO_LOG_IN
        ).play()
    except LoopBroke as error:
        if not stage.stop.is_set():
            tell(f"the story did not end: {error}")


def _leave_one_for_the_viewer(stage: Stage, tell: Callable[[str], None]) -> None:
    leak = water_leak(stage.town, stage.clock.now_utc() + timedelta(minutes=30))
    stage.truth.inject(leak)
    name = stage.town.meter(leak.meter_id).name
    tell(f"{leak.meter_id} ({name}) leaks water: its alert will wait for your click")
