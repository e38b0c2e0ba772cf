"""Builds the gateway's parts once, runs each in its thread, and stops them in order."""

import gc
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.clock_trust import TimeSource
from edge_gateway.config import GatewayConfig
from edge_gateway.links.modbus_io import quiet_pymodbus
from edge_gateway.polling.learnt_store import LEARNT_FILE, LearntStore
from edge_gateway.polling.link_crew_io import LinkCrew
from edge_gateway.polling.link_io import LinkParts
from edge_gateway.queue.outbox_io import LeftOver, Outbox
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.queue.standby_io import Place, disk_refusal, takes_work, working_folder
from edge_gateway.queue.timekeeper import Timekeeper
from edge_gateway.remote.desk_io import Desk
from edge_gateway.remote.revisions_io import InForce, Revisions
from edge_gateway.remote.standing import Standing
from edge_gateway.remote.trials_io import GatewayParts
from edge_gateway.sparkplug.sparkplug_io import CURSOR, SparkplugOutput, SparkplugParts
from edge_gateway.uplink.event_store import EVENTS_FILE, EventStore
from edge_gateway.uplink.messages import Event
from edge_gateway.uplink.uplink_io import Uplink
from edge_gateway.uplink.uplink_parts import UplinkParts
from edge_gateway.watchdog import OUTBOX_STEP_S, UPLINK_STEP_S, Watchdog
from wire_contracts.clock import Clock

QUEUE_FILE = "queue.sqlite3"

RESTART_PAUSE_S = 1.0
"""Wall seconds before everything is built afresh after an unexpected error."""

LEFT_BEHIND_S = 5.0
"""Wall seconds for each thread to end when one of them hangs; then it is left behind."""

MOST_HANGS = 3
"""Threads left behind in one process, which they burden until it ends."""

PART_HUNG = "part_hung"
"""Kind of the event that says so."""

DISK_READ_ONLY = "disk_read_only"
"""Kind of the event that the gateway works in memory."""

MEMORY_KEPT = "memory_kept"
"""Kind of the event that not all of what it read there could be brought to the disk."""

SEARCHED_AFTER = 10_000
"""New objects after which the interpreter looks for cycles among them; 700 is its own number. At
some 100 bytes each it is a megabyte that may wait. Judgement."""

LOOKED_AT_CLOCK_S = 1.0
"""Wall seconds between two looks whether the clock has been set."""

SPARKPLUG_PAUSE_S = 30.0
"""Wall seconds before the second output is tried again after an unexpected error."""

_LOG: FilteringBoundLogger = structlog.get_logger()


class HangingError(RuntimeError):
    """Threads hang and were left behind; end the process and start it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is known of the machine beside its clock.

    Attributes:
        time_source: What its kernel knows of time; None: the clock is right by definition, as
            the town's is.
        outbox_step_s: Longest step of the thread that commits, wall seconds.
        uplink_step_s: Longest step of the thread that speaks MQTT, wall seconds.
    """

    time_source: TimeSource | None = None
    outbox_step_s: float = OUTBOX_STEP_S
    uplink_step_s: float = UPLINK_STEP_S


THIS_MACHINE = Machine()


def _ignore(_point: str) -> None:
    """Outside a test nobody waits at a named point."""


def run_gateway(
    config: GatewayConfig,
    clock: Clock,
    stop: threading.Event,
    reached: Callable[[str], None] = _ignore,
    machine: Machine = THIS_MACHINE,
) -> None:
    """Read meters and hand their frames to the server until `stop` is set.

    Returns when everything is committed and closed. An unexpected error in any thread ends all
    of them and starts afresh: the queue file is the only memory that counts.

    Args:
        config: The settings.
        clock: The gateway's clock.
        stop: Set it to end.
        reached: Called at the named points `gateway.between_commits`, `gateway.after_publish`,
            `gateway.revision_stored`, `gateway.revision_started`.
        machine: What is known of the machine beside its clock.

    Raises:
        HangingError: A part hung, again and again; only a new process can help.
        ConfigError: A profile is unknown or does not fit the settings.
        QueueError: The queue file cannot be opened, or another gateway is using it.
    """
    quiet_pymodbus()
    shift = _Shift(config=config, clock=clock, reached=reached, machine=machine)
    try:
        while not stop.is_set():
            with working_folder(config.data / QUEUE_FILE, config.gateway_id) as place:
                shift.work(place, stop)
    finally:
        _keep_left(config, shift.left, clock.now_utc())


@dataclass(slots=True, kw_only=True)
class _Shift:
    """What goes over from one crew to the next, and from one folder to the next.

    Attributes:
        config: The settings; their data folder is that of the disk.
        clock: The gateway's clock.
        reached: Called at the named points.
        machine: What is known of the machine beside its clock.
        news: What the next crew has to tell: kind and text.
        left: What the last crew could not commit.
        hung: What hung, in all crews.
    """

    config: GatewayConfig
    clock: Clock
    reached: Callable[[str], None]
    machine: Machine
    news: list[tuple[str, str]] = field(default_factory=list)
    left: LeftOver = field(default_factory=LeftOver)
    hung: list[str] = field(default_factory=list)

    def work(self, place: Place, stop: threading.Event) -> None:
        """Run one crew after the other, until `stop` is set or the folder takes nothing more."""
        config = replace(self.config, data=place.folder)
        revisions = Revisions(config)
        self.news += _news_of(place)
        is_gone = False
        while not (stop.is_set() or is_gone):
            crew = _Crew(
                revisions=revisions,
                clock=self.clock,
                reached=self.reached,
                machine=self.machine,
                is_on_disk=not place.problem,
                news=self.news,
                left=self.left,
            )
            crew.work(stop)
            self.news, self.left = [(PART_HUNG, text) for text in crew.hung], crew.left
            self.hung += crew.hung
            if len(self.hung) >= MOST_HANGS:
                _tell_after_restart(config, self.news, self.clock.now_utc())
                raise HangingError("; ".join(self.hung))
            is_gone = crew.is_disk_gone
            if not stop.is_set():
                stop.wait(RESTART_PAUSE_S)


def _keep_left(config: GatewayConfig, left: LeftOver, now_utc: datetime) -> None:
    """Keep what the last crew could not commit: on the disk, else in memory; else it is lost."""
    count = len(left.frames) + left.lost
    for is_refused in (False, True) if count else ():
        try:
            _keep(config, left, now_utc, is_refused=is_refused)
        except (sqlite3.DatabaseError, QueueError, OSError) as error:
            _LOG.warning("gateway.frames_not_kept", count=count, error=str(error))
        else:
            return
    if count:
        _LOG.error("gateway.frames_lost", count=count)


def _keep(config: GatewayConfig, left: LeftOver, now_utc: datetime, *, is_refused: bool) -> None:
    """Put frames, and how many were lost before them, into the queue of one folder."""
    file = config.data / QUEUE_FILE
    with (
        working_folder(file, config.gateway_id, is_refused=is_refused) as place,
        closing(open_queue(place.folder / QUEUE_FILE, config.queue, now_utc)[0]) as store,
    ):
        store.put(left.frames, never_written=left.lost)
    _LOG.warning("gateway.frames_kept", count=len(left.frames), folder=str(place.folder))


def _news_of(place: Place) -> list[tuple[str, str]]:
    """Return what is to be told of the folder: kind and text."""
    news = {DISK_READ_ONLY: place.problem, MEMORY_KEPT: place.left}
    return [(kind, text) for kind, text in news.items() if text]


def _tell_after_restart(
    config: GatewayConfig, news: Sequence[tuple[str, str]], now_utc: datetime
) -> None:
    """Keep what the next process has to tell, because this one ends."""
    with suppress(sqlite3.DatabaseError), closing(EventStore(config.data / EVENTS_FILE)) as store:
        store.add([Event(at_utc=now_utc, kind=kind, text=text) for kind, text in news])


@dataclass(slots=True, kw_only=True)
class _Crew:
    """The threads of one run; when one fails, all stop."""

    revisions: Revisions
    clock: Clock
    reached: Callable[[str], None]
    machine: Machine
    news: Sequence[tuple[str, str]] = ()
    left: LeftOver = field(default_factory=LeftOver)
    is_on_disk: bool = True
    is_disk_gone: bool = False
    hung: list[str] = field(default_factory=list)
    watchdog: Watchdog = field(default_factory=lambda: Watchdog(time.monotonic))
    halt: threading.Event = field(default_factory=threading.Event)

    def work(self, stop: threading.Event) -> None:
        """Run until `stop` is set or a thread has failed."""
        start = self.revisions.at_start()
        config = start[0].config
        store, _ = open_queue(config.data / QUEUE_FILE, config.queue, self.clock.now_utc())
        try:
            self._work(stop, store, self._build(start, store))
        finally:
            if not self.hung:
                store.close()

    def _build(self, start: tuple[InForce, Standing], store: QueueStore) -> "_Team":
        """Make the parts; nothing runs yet."""
        config = start[0].config
        timekeeper = Timekeeper(
            self.clock, self.machine.time_source, config.queue.hold_max, store.newest_ms()
        )
        watchdog, machine = self.watchdog, self.machine
        uplink = Uplink(
            UplinkParts(
                config=config,
                queue=store,
                clock=self.clock,
                links=lambda: links.figures(),  # noqa: PLW0108  # made below
                reached=self.reached,
                timekeeper=timekeeper,
                interval=lambda device, group: links.interval(device, group),  # noqa: PLW0108  # made below
                beat=lambda: watchdog.beat("uplink", machine.uplink_step_s),
                on_command=lambda payload: desk.take(payload),  # noqa: PLW0108  # made below
                remote=lambda: desk.figures(),  # noqa: PLW0108  # made below
                unkept=lambda: outbox.refused_count(),  # noqa: PLW0108  # made below
            )
        )
        for kind, text in self.news:
            uplink.announce(kind, text)
        outbox = self._outbox(store, config, uplink)
        outbox.timekeeper = timekeeper
        link_parts = LinkParts(
            clock=self.clock,
            outbox=outbox,
            announce=uplink.announce,
            is_raw_kept=config.is_raw_kept,
            learnt=LearntStore(config.data / LEARNT_FILE),
        )
        links = LinkCrew(link_parts, self._guard_link, watchdog)

        def adopt(in_force: InForce) -> None:
            store.adopt(in_force.config.queue)
            outbox.adopt(in_force.config.queue)
            uplink.adopt(in_force.config)

        desk_parts = GatewayParts(
            clock=timekeeper,
            is_time_known=timekeeper.is_time_known,
            crew=links,
            adopt=adopt,
            announce=uplink.announce,
            reached=self.reached,
        )
        desk = Desk(self.revisions, start, desk_parts, uplink.respond)
        return _Team(
            start=start[0],
            uplink=uplink,
            outbox=outbox,
            links=links,
            desk=desk,
            timekeeper=timekeeper,
        )

    def _outbox(self, store: QueueStore, config: GatewayConfig, uplink: Uplink) -> Outbox:
        """Make the part that commits, with what the one before it could not."""
        outbox = Outbox(store, config.queue, on_commit=uplink.wake, reached=self.reached)
        outbox.take_over(self.left)
        outbox.announce = uplink.announce
        outbox.is_disk_gone = lambda: self._look_at_disk(config.data / QUEUE_FILE)
        outbox.beat = lambda: self.watchdog.beat("outbox", self.machine.outbox_step_s)
        return outbox

    def _work(self, stop: threading.Event, store: QueueStore, team: "_Team") -> None:
        config = team.start.config
        with _seldom_searched():
            self._run_parts(stop, store, team)
        _LOG.info("gateway.stopped", gateway=config.gateway_id)

    def _run_parts(self, stop: threading.Event, store: QueueStore, team: "_Team") -> None:
        """Start every part, wait for the end, and stop them in the order frames go."""
        config = team.start.config
        team.links.start(team.start.links, is_raw_kept=config.is_raw_kept)
        _LOG.info(
            "gateway.started",
            gateway=config.gateway_id,
            links=len(team.start.links),
            revision=team.start.number,
            epoch=store.epoch,
        )
        writer = self._start("outbox", lambda _halt: team.outbox.run())
        sender = self._start("uplink", team.uplink.run)
        remote = self._start("remote", team.desk.run)
        metrics = self._start("metrics", lambda halt: _serve_metrics(config, team.uplink, halt))
        keeper = team.timekeeper
        scada = self._start("sparkplug", lambda halt: _tell_scada(config, store, keeper, halt))
        while not (stop.is_set() or self.halt.is_set()):
            stop.wait(0.2)
            self._look_for_hanging()
        self.halt.set()
        patience_s = LEFT_BEHIND_S if self.hung else None
        remote.join(patience_s)
        metrics.join(patience_s)
        team.links.stop(patience_s)
        team.outbox.close()
        writer.join(patience_s)
        self.left = LeftOver() if self.hung else team.outbox.left()
        team.uplink.wake()
        sender.join(patience_s)
        scada.join(patience_s)

    def _look_at_disk(self, queue_file: Path) -> bool:
        """Return whether the folder takes nothing more, and the memory does; then this run ends."""
        is_gone = self.is_on_disk and bool(disk_refusal(queue_file))
        self.is_disk_gone = is_gone and takes_work()
        return self.is_disk_gone

    def _look_for_hanging(self) -> None:
        """End this run when a thread hangs; it is left behind, the queue file is what counts."""
        for each in self.watchdog.hanging():
            text = f"{each.name} has hung for {each.silent_s:.0f} s; everything was started afresh"
            _LOG.error("gateway.part_hangs", part=each.name, silent_s=round(each.silent_s))
            self.hung.append(text)
            self.halt.set()

    def _start(self, name: str, work: Callable[[threading.Event], None]) -> threading.Thread:
        thread = threading.Thread(target=self._guard, args=(name, work), name=name, daemon=True)
        thread.start()
        return thread

    def _guard(self, name: str, work: Callable[[threading.Event], None]) -> None:
        """Run one part; when it ends before all shall end, everything starts afresh."""
        self._guard_link(name, lambda: work(self.halt))
        self.halt.set()

    def _guard_link(self, name: str, work: Callable[[], None]) -> None:
        """Run a link, which may end when it is exchanged; what it dies of ends everything."""
        try:
            work()
        except sqlite3.DatabaseError as error:
            _LOG.exception("queue.failed", part=name, error=str(error))
            self.halt.set()
        except Exception:  # noqa: BLE001  # a dead thread must not leave the others running blind
            _LOG.exception("gateway.part_failed", part=name)
            self.halt.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Team:
    """The parts of one run, before they are started."""

    start: InForce
    uplink: Uplink
    outbox: Outbox
    links: LinkCrew
    desk: Desk
    timekeeper: Timekeeper


@contextmanager
def _seldom_searched() -> Generator[None]:
    """Have the interpreter search for cycles seldom, and not in what was there at the start.

    Profiles and modules stay as long as the process; frames hold no cycles. Searching all of it
    after each few hundred frames took a tenth of the processor time of a frame.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(SEARCHED_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _serve_metrics(config: GatewayConfig, uplink: Uplink, halt: threading.Event) -> None:
    """Serve Prometheus, if it may ask."""
    if config.metrics is None:
        halt.wait()
        return
    from edge_gateway.remote.metrics_io import (  # noqa: PLC0415  # 2 MB that few gateways need
        serve_metrics,
    )

    serve_metrics(config.metrics, uplink.health, halt)


def _tell_scada(
    config: GatewayConfig, store: QueueStore, keeper: Timekeeper, halt: threading.Event
) -> None:
    """Run the second output, if there is one; what it dies of never touches the first.

    It begins when the time is known, or when the clock could at least be right.
    """
    if config.sparkplug is None:
        store.drop_cursor(CURSOR)
        halt.wait()
        return
    while not (keeper.is_time_possible() or halt.wait(LOOKED_AT_CLOCK_S)):
        pass
    parts = SparkplugParts(config=config.sparkplug, queue=store, clock=keeper, folder=config.data)
    while not halt.is_set():
        try:
            SparkplugOutput(parts).run(halt)
        except Exception:  # noqa: BLE001  # a second output must not end the first
            _LOG.exception("sparkplug.failed")
            halt.wait(SPARKPLUG_PAUSE_S)
