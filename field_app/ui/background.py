"""Runs slow work on one thread and brings the answers back to the thread of the screen."""

import itertools
import queue
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from kivy.clock import Clock

T = TypeVar("T")

_TAPS: Final = 0
_READS: Final = 1
_END: Final = 2
"""What goes first: what a person said, then what is to be shown, at last the end."""

Job = Callable[[], None]


class ScreenWorker:
    """The presenters' worker; `jobs` counts what has not come back yet.

    One thread. What a person said is kept before anything that waits to be read, in the order
    of the taps: nobody's answer stands behind a list. After `close` late answers are dropped:
    the screens they belong to are gone.
    """

    def __init__(self) -> None:
        """Start without a thread; the first job makes it."""
        self.jobs = 0
        self._queue: queue.PriorityQueue[tuple[int, int, Job | None]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `work` in the background, then `done` with its answer on the screen's thread."""
        self._add(_READS, work, done)

    def keep(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `work` before everything that only reads."""
        self._add(_TAPS, work, done)

    def _add(self, rank: int, work: Callable[[], T], done: Callable[[T], None]) -> None:
        if self._is_closed:
            return
        self.jobs += 1
        self._queue.put((rank, next(self._numbers), lambda: self._do(work, done)))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="presenter", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (job := self._queue.get()[2]) is not None:
            job()

    def _do(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001 - raised where it is seen: on the screen
            failed = error
            Clock.schedule_once(lambda _elapsed_s: self._fail(failed))
        else:
            Clock.schedule_once(lambda _elapsed_s: self._answer(answer, done))

    def _fail(self, error: BaseException) -> None:
        self.jobs -= 1
        if not self._is_closed:
            raise error

    def _answer(self, answer: T, done: Callable[[T], None]) -> None:
        self.jobs -= 1
        if not self._is_closed:
            done(answer)

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call `call` on the screen's thread after wall seconds; return what cancels it."""
        event = Clock.schedule_once(lambda _elapsed_s: call(), delay_s)

        def cancel() -> None:
            event.cancel()

        return cancel

    def close(self) -> None:
        """Finish what is running and waiting, drop what would come back."""
        self._is_closed = True
        if self._thread is not None:
            self._queue.put((_END, next(self._numbers), None))
            self._thread.join()
