"""Builds the gateway's parts once, runs each in its thread, and stops them in order."""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import GatewayConfig
from edge_gateway.links.modbus_io import quiet_pymodbus
from edge_gateway.polling.link_crew_io import LinkCrew
from edge_gateway.polling.link_io import LinkParts
from edge_gateway.queue.data_lock_io import held_folder
from edge_gateway.queue.outbox_io import Outbox
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.remote.desk_io import Desk
from edge_gateway.remote.revisions_io import InForce, Revisions
from edge_gateway.remote.standing import Standing
from edge_gateway.remote.trials_io import GatewayParts
from edge_gateway.sparkplug.sparkplug_io import CURSOR, SparkplugOutput, SparkplugParts
from edge_gateway.uplink.uplink_io import Uplink, UplinkParts
from wire_contracts.clock import Clock

QUEUE_FILE = "queue.sqlite3"

RESTART_PAUSE_S = 1.0
"""Wall seconds before everything is built afresh after an unexpected error."""

SPARKPLUG_PAUSE_S = 30.0
"""Wall seconds before the second output is tried again after an unexpected error."""

_LOG: FilteringBoundLogger = structlog.get_logger()


def _ignore(_point: str) -> None:
    """Outside a test nobody waits at a named point."""


def run_gateway(
    config: GatewayConfig,
    clock: Clock,
    stop: threading.Event,
    reached: Callable[[str], None] = _ignore,
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

    Raises:
        ConfigError: A profile is unknown or does not fit the settings.
        QueueError: The queue file cannot be opened, or another gateway is using it.
    """
    quiet_pymodbus()
    with held_folder(config.data):
        revisions = Revisions(config)
        while not stop.is_set():
            crew = _Crew(revisions=revisions, clock=clock, reached=reached)
            crew.work(stop)
            if not stop.is_set():
                stop.wait(RESTART_PAUSE_S)


@dataclass(slots=True, kw_only=True)
class _Crew:
    """The threads of one run; when one fails, all stop."""

    revisions: Revisions
    clock: Clock
    reached: Callable[[str], None]
    halt: threading.Event = field(default_factory=threading.Event)

    def work(self, stop: threading.Event) -> None:
        """Run until `stop` is set or a thread has failed."""
        start = self.revisions.at_start()
        config = start[0].config
        store, aside = open_queue(config.data / QUEUE_FILE, config.queue, self.clock.now_utc())
        try:
            self._work(
                stop, store, self._build(start, store, None if aside is None else str(aside))
            )
        finally:
            store.close()

    def _build(
        self, start: tuple[InForce, Standing], store: QueueStore, aside: str | None
    ) -> "_Team":
        """Make the parts; nothing runs yet."""
        config = start[0].config
        uplink = Uplink(
            UplinkParts(
                config=config,
                queue=store,
                clock=self.clock,
                links=lambda: links.figures(),  # noqa: PLW0108  # made below
                reached=self.reached,
                on_command=lambda payload: desk.take(payload),  # noqa: PLW0108  # made below
                remote=lambda: desk.figures(),  # noqa: PLW0108  # made below
            )
        )
        if aside is not None:
            _LOG.error("queue.set_aside", file=aside)
            uplink.announce("queue_set_aside", f"the damaged queue file is kept as {aside}")
        outbox = Outbox(store, config.queue, on_commit=uplink.wake, reached=self.reached)
        link_parts = LinkParts(
            clock=self.clock,
            outbox=outbox,
            announce=uplink.announce,
            is_raw_kept=config.is_raw_kept,
        )
        links = LinkCrew(link_parts, self._guard_link)

        def adopt(in_force: InForce) -> None:
            store.adopt(in_force.config.queue)
            outbox.adopt(in_force.config.queue)
            uplink.adopt(in_force.config)

        desk_parts = GatewayParts(
            clock=self.clock,
            crew=links,
            adopt=adopt,
            announce=uplink.announce,
            reached=self.reached,
        )
        desk = Desk(self.revisions, start, desk_parts, uplink.respond)
        return _Team(start=start[0], uplink=uplink, outbox=outbox, links=links, desk=desk)

    def _work(self, stop: threading.Event, store: QueueStore, team: "_Team") -> None:
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
        scada = self._start("sparkplug", lambda halt: _tell_scada(config, store, self.clock, halt))
        while not (stop.is_set() or self.halt.is_set()):
            stop.wait(0.2)
        self.halt.set()
        remote.join()
        team.links.stop()
        team.outbox.close()
        writer.join()
        team.uplink.wake()
        sender.join()
        scada.join()
        _LOG.info("gateway.stopped", gateway=config.gateway_id)

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


def _tell_scada(
    config: GatewayConfig, store: QueueStore, clock: Clock, halt: threading.Event
) -> None:
    """Run the second output, if there is one; what it dies of never touches the first."""
    if config.sparkplug is None:
        store.drop_cursor(CURSOR)
        halt.wait()
        return
    parts = SparkplugParts(config=config.sparkplug, queue=store, clock=clock, folder=config.data)
    while not halt.is_set():
        try:
            SparkplugOutput(parts).run(halt)
        except Exception:  # noqa: BLE001  # a second output must not end the first
            _LOG.exception("sparkplug.failed")
            halt.wait(SPARKPLUG_PAUSE_S)
