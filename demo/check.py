"""`--check`: plays the loop once, kills what it is told to, counts, and ends with one JSON line."""

import threading
import time
from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from demo.accounting_io import Sent, close_account, look_at_queues, missing_frames
from demo.check_report import CheckReport
from demo.control_room_io import ControlRoomError
from demo.household_truth import plan_home_faults
from demo.kills import Kill, KillDidNotHappen, KillDriver, parse_kill
from demo.loop import Loop, LoopBroke, Stage
from demo.places import Places
from demo.seed_plan_io import load_town
from demo.set_up_io import PastWanted, forget_town, set_up
from demo.stage_io import open_stage
from demo.supervisor_io import ProcessDied
from demo.town_clock import DEFAULT_START_UTC
from demo.town_run_io import RunOptions, TownDidNotStart, TownRun
from sync_server.db.alert_tables import ALERT
from sync_server.db.engine_io import reading
from sync_server.db.order_tables import WORK_ORDER
from wire_contracts.frames import ms_from_utc

GATEWAY_PROCESSES = 4
"""`--check` may host the 20 gateways in 4 processes (R26)."""

DRAIN_WITHIN_S = 30.0
"""Wall seconds within which everything numbered so far must be at the server."""

FAILED = 1
REPORTED = (LoopBroke, KillDidNotHappen, ProcessDied, TownDidNotStart, ControlRoomError)
"""What the report names as its problem; anything else is a defect of the check itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What is asked of a check.

    Attributes:
        seconds: Wall seconds within which the loop must close once the town is up.
        history_days: Days of readings before the start.
        rate: Town seconds per wall second.
        broker: The broker's process.
        kills: `WHO:AT` each: a process and a named point or a wall second.
    """

    seconds: float
    history_days: int
    rate: float
    kills: tuple[str, ...] = ()
    broker: str = "demo.run_broker"


def run_check(places: Places, options: CheckOptions) -> int:
    """Run the check on a fresh town; print the report; return 0 only when it is ok."""
    kills = [parse_kill(text) for text in options.kills]
    report = CheckReport(town_seconds_per_wall_second=options.rate)
    town = load_town()
    began_s = time.monotonic()
    own = Places(places.root.with_name(f"{places.root.name}-check"))
    forget_town(own)
    set_up(own, town, DEFAULT_START_UTC, PastWanted(days=options.history_days), _tell)
    report.setup_wall_s = time.monotonic() - began_s
    run_options = RunOptions(
        rate=options.rate, gateway_processes=GATEWAY_PROCESSES, broker=options.broker
    )
    began_s = time.monotonic()
    try:
        with TownRun(own, town, run_options) as run:
            report.up_wall_s = time.monotonic() - began_s
            play(run, options.seconds, kills, report)
    except REPORTED as error:
        report.problem = f"{type(error).__name__}: {error}"
    print(report.line(), flush=True)
    return 0 if report.ok else FAILED


def play(run: TownRun, seconds: float, kills: list[Kill], report: CheckReport) -> None:
    """Go round the loop once in a running town; fill in the report even when it breaks.

    Raises:
        LoopBroke: a step did not come in time.
        KillDidNotHappen: a process did not come to the point at which it was to be killed.
    """
    began_wall_s, began_utc = time.monotonic(), run.clock.now_utc()
    until_wall_s = began_wall_s + seconds
    with open_stage(run, threading.Event(), _tell) as stage:
        stage.check_alive = lambda: None if kills else run.supervisor.check_alive()
        loop = Loop(stage=stage, until_wall_s=until_wall_s)
        driver = KillDriver(run, kills, began_wall_s)
        driver.start()
        try:
            loop.play()
        finally:
            driver.finish()
            report.times = loop.times
            report.orders_closed_by_offline_crew = loop.orders_closed_offline
            report.photos_arrived = loop.photos_arrived
            report.wall_s = time.monotonic() - began_wall_s
            report.town_s = (run.clock.now_utc() - began_utc).total_seconds()
            _count(run, stage, report, ms_from_utc(began_utc))
        driver.wait()


def _count(run: TownRun, stage: Stage, report: CheckReport, first_live_ms: int) -> None:
    gateway_ids = [str(box.gateway_id) for box in run.town.gateways]
    sent = look_at_queues(run.places, gateway_ids)
    _drain(stage.engine, sent)
    report.account = close_account(stage.engine, run.places, sent, first_live_ms)
    faulty = {str(fault.meter_id) for fault in stage.truth.faults()}
    homes = plan_home_faults(run.town.seed, run.town.households)
    faulty |= {str(fault.meter_id) for fault in homes}
    with reading(stage.engine) as connection:
        by_meter = connection.execute(select(ALERT.c.meter_id)).scalars().all()
        report.orders_made = connection.execute(
            select(func.count()).select_from(WORK_ORDER)
        ).scalar_one()
    report.alerts_raised = len(by_meter)
    report.unexpected_alerts = sum(1 for meter_id in by_meter if meter_id not in faulty)


def _drain(engine: Engine, sent: list[Sent]) -> None:
    until = time.monotonic() + DRAIN_WITHIN_S
    pause = threading.Event()
    while missing_frames(engine, sent) and time.monotonic() < until:
        pause.wait(0.3)


def _tell(line: str) -> None:
    print(f"# {line}", flush=True)
