"""Owns the pattern of every presenter: one watcher, the last view, stale answers dropped."""

from collections.abc import Callable
from functools import partial
from typing import Final, Generic, TypeVar

from field_app.presenters.ports import Worker
from field_app.store.database_io import StoreFullError, StoreUnreadableError

V = TypeVar("V")
T = TypeVar("T")


RETRY_S: Final = 5.0
"""Until what found no room on the tablet is tried again (judgement)."""


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

    def read(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[], None] = _quiet
    ) -> None:
        """Read in the background; only the answer to the last question is used.

        What is to be noted beside the reading waits for the next time where there is no room; where
        a page of the file cannot be read, the screen stays as it is, and the bar says why: `failed`
        is called instead of `done`. So it is before an error of ours is raised on the screen.
        """
        self._ticket += 1
        ticket = self._ticket
        attempt = _attempt(work, done, failed, failed)

        def answered(then: Callable[[], None]) -> None:
            if ticket == self._ticket or isinstance(then, _Raised):
                then()

        self._worker.run(attempt, answered)

    def act(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        full: Callable[[], None] = _quiet,
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Write in the background, in order; the answer is used while somebody watches.

        Without room on the tablet, and where a page of its file cannot be read, nothing was
        written, and `full` is called instead of `done`,
        whether anybody watches or not: what a person said is not dropped with the page. Before an
        error of ours is raised on the screen's thread, `failed` puts the page right again; without
        it the last view is drawn again.
        """
        attempt = _attempt(work, done, full, failed or self._draw_again)

        def answered(then: Callable[[], None]) -> None:
            if self._show is not None or then is full or isinstance(then, _Raised):
                then()

        self._worker.keep(attempt, answered)

    def _draw_again(self) -> None:
        self.draw(self.view)


class SecondTry:
    """Tries again, a while later, what found no room; the screen's thread only."""

    def __init__(self, worker: Worker, again: Callable[[], None]) -> None:
        """Plan nothing yet; `again` writes what is still unsaved."""
        self._worker = worker
        self._again = again
        self._is_planned = self._is_trying = False

    def plan(self) -> None:
        """Try again in a while."""
        if not self._is_planned:
            self._is_planned = True
            self._worker.later(RETRY_S, self._try)

    def _try(self) -> None:
        if self._is_trying:
            return  # a worker without a timer calls at once, and would for ever
        self._is_trying = True
        self._is_planned = False
        self._again()
        self._is_trying = False


class _Raised:
    """An error of ours, on its way to the screen's thread: the page is put right, then it flies."""

    def __init__(self, error: Exception, failed: Callable[[], None]) -> None:
        self._error = error
        self._failed = failed

    def __call__(self) -> None:
        self._failed()
        raise self._error


def _attempt(
    work: Callable[[], T],
    done: Callable[[T], None],
    full: Callable[[], None],
    failed: Callable[[], None],
) -> Callable[[], Callable[[], None]]:
    """Return what does the work away from the screen and says what is to be called on it."""

    def attempt() -> Callable[[], None]:
        try:
            answer = work()
        except (StoreFullError, StoreUnreadableError):
            return full
        except Exception as error:  # noqa: BLE001 - raised where it is seen: on the screen
            return _Raised(error, failed)
        return partial(done, answer)

    return attempt
