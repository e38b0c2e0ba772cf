"""Owns the pattern of every presenter: one watcher, the last view, stale answers dropped."""

from collections.abc import Callable
from typing import Generic, TypeVar

from field_app.presenters.ports import Worker

V = TypeVar("V")
T = TypeVar("T")


class Stage(Generic[V]):
    """Where one presenter shows its views; used on the screen's thread only."""

    def __init__(self, worker: Worker, blank: V) -> None:
        """Begin with a blank view and nobody watching."""
        self._worker = worker
        self._show: Callable[[V], None] | None = None
        self._ticket = 0
        self.view = blank

    def attach(self, show: Callable[[V], None]) -> None:
        """Show every view with `show`, the present one at once."""
        self._show = show
        show(self.view)

    def detach(self) -> None:
        """Show nothing any more; answers under way are dropped."""
        self._show = None
        self._ticket += 1

    def draw(self, view: V) -> None:
        """Keep the view and show it to whoever watches."""
        self.view = view
        if self._show is not None:
            self._show(view)

    def read(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Read in the background; only the answer to the last question is used."""
        self._ticket += 1
        ticket = self._ticket
        self._worker.run(work, lambda answer: done(answer) if ticket == self._ticket else None)

    def act(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Write in the background, in order; the answer is used while somebody watches."""
        self._worker.run(work, lambda answer: done(answer) if self._show is not None else None)
