"""Owns the threads of all links; they are exchanged as a whole while queue and uplink go on."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from edge_gateway.figures import LinkFigures
from edge_gateway.polling.link_io import LinkParts, LinkWorker
from edge_gateway.polling.profiles_io import LinkSetup
from edge_gateway.watchdog import LINK_STEP_S, HeardClock, Watchdog

Guard = Callable[[str, Callable[[], None]], None]
"""Runs a part by its name; whatever it dies of ends the whole crew of the gateway."""


DAY = timedelta(days=1)


def thread_name(link: str) -> str:
    """Return the name of a link's thread."""
    return f"link-{link}"


def intervals_of(links: Sequence[LinkSetup]) -> dict[tuple[str, str], timedelta]:
    """Return how often each register group of each meter is read; at a time of day: daily."""
    return {
        (meter.serial, group): cadence if isinstance(cadence, timedelta) else DAY
        for link in links
        for meter in link.meters
        for group, cadence in meter.intervals.items()
    }


class LinkCrew:
    """The workers of the links in force, each in its thread."""

    def __init__(self, parts: LinkParts, guard: Guard, watchdog: Watchdog | None = None) -> None:
        """Take what every link works with; `start` builds the links."""
        self._watchdog = watchdog
        self._intervals: dict[tuple[str, str], timedelta] = {}
        self._parts = parts
        self._guard = guard
        self._halt = threading.Event()
        self._workers: Sequence[LinkWorker] = ()
        self._threads: Sequence[threading.Thread] = ()

    def start(self, links: Sequence[LinkSetup], *, is_raw_kept: bool) -> None:
        """Build every link from scratch and start its thread."""
        parts = replace(self._parts, is_raw_kept=is_raw_kept)
        halt = self._halt = threading.Event()
        self._intervals = intervals_of(links)
        self._workers = tuple(LinkWorker(link, self._heard(link, parts)) for link in links)
        self._threads = tuple(self._thread(worker, halt) for worker in self._workers)
        for thread in self._threads:
            thread.start()

    def stop(self, within_s: float | None = None) -> None:
        """End every link: the job under way is finished, its frame handed on, the line closed.

        What was learnt is on disk then.

        Args:
            within_s: Wall seconds after which a thread that hangs is left behind; None: never.
        """
        self._halt.set()
        for thread in self._threads:
            thread.join(within_s)
        if self._parts.learnt is not None:
            self._parts.learnt.keep()

    def interval(self, serial: str, group: str) -> timedelta | None:
        """Return how often a group of a meter is read, None when it is not."""
        return self._intervals.get((serial, group))

    def swap(self, links: Sequence[LinkSetup], *, is_raw_kept: bool) -> None:
        """Put other links in the place of the present ones."""
        self.stop()
        self.start(links, is_raw_kept=is_raw_kept)

    def figures(self) -> list[LinkFigures]:
        """Return what each link has done since it was started; any thread may ask."""
        return [worker.figures() for worker in self._workers]

    def worker_of(self, serial: str) -> LinkWorker | None:
        """Return the link of a meter, None when no link has it."""
        return next((worker for worker in self._workers if worker.has_meter(serial)), None)

    def _heard(self, link: LinkSetup, parts: LinkParts) -> LinkParts:
        """Return the parts of one link, with a clock that is a sign of life of its thread."""
        watchdog = self._watchdog
        if watchdog is None:
            return parts
        clock = HeardClock(
            parts.clock,
            thread_name(link.config.name),
            lambda name: watchdog.beat(name, LINK_STEP_S),
        )
        return replace(parts, clock=clock)

    def _run(self, worker: LinkWorker, halt: threading.Event) -> None:
        """Run a link; when it ends it is not missed."""
        try:
            worker.run(halt)
        finally:
            if self._watchdog is not None:
                self._watchdog.rest(threading.current_thread().name)

    def _thread(self, worker: LinkWorker, halt: threading.Event) -> threading.Thread:
        name = thread_name(worker.name)
        return threading.Thread(
            target=self._guard, args=(name, lambda: self._run(worker, halt)), name=name, daemon=True
        )
