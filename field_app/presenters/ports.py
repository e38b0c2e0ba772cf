"""Owns what a presenter is given by the screen's tool kit: a worker, a timer, words and a zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol, TypeVar

from wire_contracts.clock import Clock

T = TypeVar("T")

DEBOUNCE_S = 0.3
"""Free text is kept this long after the last key, RULINGS R5; wall seconds."""


class Words(Protocol):
    """The reader's language."""

    @property
    def language(self) -> str:
        """Return the language code, such as `en` or `zh_CN`."""
        ...

    def __call__(self, msgid: str) -> str:
        """Return the text of an English msgid in the reader's language."""
        ...


class Worker(Protocol):
    """Runs slow work away from the screen and brings the answer back to it."""

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `work` in the background, in order, then call `done` on the screen's thread."""
        ...

    def keep(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `work` like `run`, before everything that only reads: it keeps what was tapped."""
        ...

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call `call` on the screen's thread after wall seconds; return what cancels it."""
        ...


class InTheName(Protocol):
    """Does work under somebody's name."""

    def __call__(self, work: Callable[[], T]) -> T:
        """Return what the work returns."""
        ...


def _as_it_is(work: Callable[[], T]) -> T:
    return work()


def _nobody() -> InTheName:
    return _as_it_is


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenterContext:
    """What every presenter shares; `zone` is the site's time zone.

    `as_now` returns what does work under the name of who is at work when it is called.
    """

    worker: Worker
    words: Words
    clock: Clock
    zone: tzinfo
    as_now: Callable[[], InTheName] = _nobody


class InlineWorker:
    """Runs everything at once on the caller's thread: the headless crew's worker."""

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run the work and hand its answer over before returning."""
        done(work())

    def keep(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Do the same: nothing waits here."""
        self.run(work, done)

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call at once: without a screen nobody types faster than the disk."""
        del delay_s
        call()
        return _nothing


def _nothing() -> None:
    return
