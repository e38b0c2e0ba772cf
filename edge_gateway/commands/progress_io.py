"""Shows how far long work has come: one line on standard error that is written over."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

EVERY_S = 0.1
"""Wall seconds between two changes of the line; an eye follows no faster."""

_CLEAR = "\r\x1b[K"


class Progress:
    """One updating line on a terminal; elsewhere only the stages, each a line of its own."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Take where to write; standard error by default."""
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._next_s = 0.0
        self._is_dirty = False

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the line away."""
        self.clear()

    def stage(self, text: str) -> None:
        """Write a line that stays."""
        self.clear()
        print(text, file=self._stream, flush=True)

    def step(self, text: str) -> None:
        """Write over the line, on a terminal and not too often."""
        now_s = time.monotonic()
        if not self._is_terminal or now_s < self._next_s:
            return
        self._next_s = now_s + EVERY_S
        self._is_dirty = True
        self._stream.write(f"{_CLEAR}{text}")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._is_dirty:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._is_dirty = False
