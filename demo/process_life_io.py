"""The life of one demo process: it stops on SIGTERM, on Ctrl-C, and when the demo is gone."""

import os
import signal
import sys
import threading
from collections.abc import Callable


def stop_when_told() -> threading.Event:
    """Return the event that is set on SIGTERM, on SIGINT, or when standard input closes.

    The demo holds the other end of standard input and never writes: its end is the demo's end.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_watch_parent, args=(stop,), name="parent", daemon=True).start()
    return stop


def _watch_parent(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


def killer_at(point: str, after: int) -> Callable[[str], None]:
    """Return a callback that ends this process the `after`-th time `point` is reached.

    It ends as a power cut would, so that a test can say exactly where. An empty `point` never
    kills.
    """
    left = after

    def reached(here: str) -> None:
        nonlocal left
        if here != point:
            return
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached
