"""Owns the threads of all links; they are exchanged as a whole while queue and uplink go on."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from edge_gateway.figures import LinkFigures
from edge_gateway.polling.link_io import LinkParts, LinkWorker
from edge_gateway.polling.profiles_io import LinkSetup

Guard = Callable[[str, Callable[[], None]], None]
"""Runs a part by its name; whatever it dies of ends the whole crew of the gateway."""


class LinkCrew:
    """The workers of the links in force, each in its thread."""

    def __init__(self, parts: LinkParts, guard: Guard) -> None:
        """Take what every link works with; `start` builds the links."""
        self._parts = parts
        self._guard = guard
        self._halt = threading.Event()
        self._workers: Sequence[LinkWorker] = ()
        self._threads: Sequence[threading.Thread] = ()

    def start(self, links: Sequence[LinkSetup], *, is_raw_kept: bool) -> None:
        """Build every link from scratch and start its thread."""
        parts = replace(self._parts, is_raw_kept=is_raw_kept)
        halt = self._halt = threading.Event()
        self._workers = tuple(LinkWorker(link, parts) for link in links)
        self._threads = tuple(self._thread(worker, halt) for worker in self._workers)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End every link: the job under way is finished, its frame handed on, the line closed."""
        self._halt.set()
        for thread in self._threads:
            thread.join()

    def swap(self, links: Sequence[LinkSetup], *, is_raw_kept: bool) -> None:
        """Put other links in the place of the present ones."""
        self.stop()
        self.start(links, is_raw_kept=is_raw_kept)

    def figures(self) -> list[LinkFigures]:
        """Return what each link has done since it was started; any thread may ask."""
        return [worker.figures() for worker in self._workers]

    def worker_of(self, serial: str) -> LinkWorker | None:
        """Return the link of a meter, None when no link has it."""
        return next((worker for worker in self._workers if worker.groups(serial)), None)

    def _thread(self, worker: LinkWorker, halt: threading.Event) -> threading.Thread:
        name = f"link-{worker.name}"
        return threading.Thread(
            target=self._guard, args=(name, lambda: worker.run(halt)), name=name, daemon=True
        )
