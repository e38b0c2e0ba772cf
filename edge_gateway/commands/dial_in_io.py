"""Waits for the call where a command's line is one that a DTU dials in to."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable

from edge_gateway.commands.calls import CallError
from edge_gateway.links.link_url import ListenUrl, parse_url

DIAL_IN_WITHIN_S = 90.0
"""Wall seconds for a DTU to call; they try again every 10 to 60 s (judgement)."""

_LOOK_EVERY_S = 0.05


def wait_for_call(
    url: str, open_line: Callable[[], bool], within_s: float = DIAL_IN_WITHIN_S
) -> None:
    """Return once somebody has dialled in; at once where nobody has to.

    Args:
        url: The line; only `listen://` waits.
        open_line: Returns whether the line is open.
        within_s: Longest wall seconds.

    Raises:
        CallError: Nobody called, or the port cannot be opened.
    """
    if not url.startswith("listen:"):
        return
    _look_at_port(url)
    if open_line():
        return
    print(f"waiting up to {within_s:.0f} s for a DTU to dial in", file=sys.stderr, flush=True)
    deadline_s = time.monotonic() + within_s
    pause = threading.Event()
    while not open_line():
        if time.monotonic() > deadline_s:
            message = (
                f"{url}: nobody has dialled in within {within_s:.0f} s; check the DTU's target, "
                "its registration, and whether a gateway is using the port"
            )
            raise CallError(message)
        pause.wait(_LOOK_EVERY_S)


def _look_at_port(url: str) -> None:
    """Raise CallError when nothing can listen there now; a line would only try again and again."""
    line = parse_url(url)
    if not isinstance(line, ListenUrl):
        return
    family = socket.AF_INET6 if ":" in line.bind else socket.AF_INET
    try:
        socket.create_server((line.bind, line.port), family=family).close()
    except OSError as error:
        message = (
            f"{url}: port {line.port} cannot be listened on ({_why(error)}); stop the gateway "
            "or program that uses it, or give another port"
        )
        raise CallError(message) from error


def _why(error: OSError) -> str:
    """Return the system's words, without what Python puts behind them."""
    return os.strerror(error.errno) if error.errno else str(error)
