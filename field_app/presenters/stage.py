"""Owns the pattern of every presenter: one watcher, the last view, stale answers dropped."""

from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from field_app.presenters.ports import Worker
from field_app.store.database_io import StoreFullError

V = TypeVar("V")
T = TypeVar("T")


def _quiet() -> None:
    """Say nothing: the line about the contact says that there is no room."""


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

    def act(
        self, work: Callable[[], T], done: Callable[[T], None], full: Callable[[], None] = _quiet
    ) -> None:
        """Write in the background, in order; the answer is used while somebody watches.

        Without room on the tablet nothing was written, and `full` is called instead of `done`.
        """

        def attempt() -> Callable[[], None]:
            try:
                answer = work()
            except StoreFullError:
                return full
            return partial(done, answer)

        self._worker.keep(attempt, lambda then: then() if self._show is not None else None)
