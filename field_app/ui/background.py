"""Runs slow work on one thread and brings the answers back to the thread of the screen."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from kivy.clock import Clock

T = TypeVar("T")


class ScreenWorker:
    """The presenters' worker; `jobs` counts what has not come back yet.

    One thread, so that answers come in the order of the taps. After `close` late answers are
    dropped: the screens they belong to are gone.
    """

    def __init__(self) -> None:
        """Start without a thread; the first job makes it."""
        self.jobs = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="presenter")
        self._is_closed = False

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `work` in the background, then `done` with its answer on the screen's thread."""
        if self._is_closed:
            return
        self.jobs += 1
        future = self._pool.submit(work)
        future.add_done_callback(
            lambda finished: Clock.schedule_once(lambda _elapsed_s: self._answer(finished, done))
        )

    def _answer(self, finished: "Future[T]", done: Callable[[T], None]) -> None:
        self.jobs -= 1
        if not self._is_closed:
            done(finished.result())

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call `call` on the screen's thread after wall seconds; return what cancels it."""
        event = Clock.schedule_once(lambda _elapsed_s: call(), delay_s)

        def cancel() -> None:
            event.cancel()

        return cancel

    def close(self) -> None:
        """Finish what is running, drop what would come back."""
        self._is_closed = True
        self._pool.shutdown(wait=True)
