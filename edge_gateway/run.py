"""Builds the gateway's parts once, runs each in its thread, and stops them in order."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import GatewayConfig
from edge_gateway.links.modbus_io import quiet_pymodbus
from edge_gateway.polling.link_io import LinkParts, LinkWorker
from edge_gateway.polling.profiles_io import LinkSetup, load_links
from edge_gateway.queue.data_lock_io import held_folder
from edge_gateway.queue.outbox_io import Outbox
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.uplink.uplink_io import Uplink, UplinkParts
from wire_contracts.clock import Clock

QUEUE_FILE = "queue.sqlite3"

RESTART_PAUSE_S = 1.0
"""Wall seconds before everything is built afresh after an unexpected error."""

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
        reached: Called at the named points `gateway.between_commits`, `gateway.after_publish`.

    Raises:
        ConfigError: A profile is unknown or does not fit the settings.
        QueueError: The queue file cannot be opened, or another gateway is using it.
    """
    quiet_pymodbus()
    links = load_links(config)
    with held_folder(config.data):
        while not stop.is_set():
            crew = _Crew(config=config, clock=clock, reached=reached, links=links)
            crew.work(stop)
            if not stop.is_set():
                stop.wait(RESTART_PAUSE_S)


@dataclass(slots=True, kw_only=True)
class _Crew:
    """The threads of one run; when one fails, all stop."""

    config: GatewayConfig
    clock: Clock
    reached: Callable[[str], None]
    links: Sequence[LinkSetup]
    halt: threading.Event = field(default_factory=threading.Event)

    def work(self, stop: threading.Event) -> None:
        """Run until `stop` is set or a thread has failed."""
        store, aside = open_queue(
            self.config.data / QUEUE_FILE, self.config.queue, self.clock.now_utc()
        )
        try:
            self._work(stop, store, None if aside is None else str(aside))
        finally:
            store.close()

    def _work(self, stop: threading.Event, store: QueueStore, aside: str | None) -> None:
        workers: list[LinkWorker] = []
        parts = UplinkParts(
            config=self.config,
            queue=store,
            clock=self.clock,
            links=lambda: [worker.figures() for worker in workers],
            reached=self.reached,
        )
        uplink = Uplink(parts)
        if aside is not None:
            _LOG.error("queue.set_aside", file=aside)
            uplink.announce("queue_set_aside", f"the damaged queue file is kept as {aside}")
        outbox = Outbox(store, self.config.queue, on_commit=uplink.wake, reached=self.reached)
        link_parts = LinkParts(
            clock=self.clock,
            outbox=outbox,
            announce=uplink.announce,
            is_raw_kept=self.config.is_raw_kept,
        )
        workers += [LinkWorker(link, link_parts) for link in self.links]
        _LOG.info("gateway.started", gateway=self.config.gateway_id, links=len(workers))
        readers = [self._start(f"link-{worker.name}", worker.run) for worker in workers]
        writer = self._start("outbox", lambda _halt: outbox.run())
        sender = self._start("uplink", uplink.run)
        while not (stop.is_set() or self.halt.is_set()):
            stop.wait(0.2)
        self.halt.set()
        for reader in readers:
            reader.join()
        outbox.close()
        writer.join()
        uplink.wake()
        sender.join()
        _LOG.info("gateway.stopped", gateway=self.config.gateway_id)

    def _start(self, name: str, work: Callable[[threading.Event], None]) -> threading.Thread:
        thread = threading.Thread(target=self._guard, args=(name, work), name=name, daemon=True)
        thread.start()
        return thread

    def _guard(self, name: str, work: Callable[[threading.Event], None]) -> None:
        """Run one part; whatever it dies of is logged, and everything starts afresh."""
        try:
            work(self.halt)
        except sqlite3.DatabaseError as error:
            _LOG.exception("queue.failed", part=name, error=str(error))
        except Exception:  # noqa: BLE001  # a dead thread must not leave the others running blind
            _LOG.exception("gateway.part_failed", part=name)
        if not self.halt.is_set():
            self.halt.set()
