"""Ports of loopback that nothing else is given between their choice and their use."""

import itertools
import os
import socket
from contextlib import suppress

_FIRST, _COUNT = 10_000, 20_000
"""Below the ports that systems give to connections and to whoever asks for any port."""
_numbers = itertools.count(os.getpid() * 6007)
"""Processes that were started one behind the other begin far apart."""


def free_port() -> int:
    """Return a port that nobody listens at and that this process has not given lately."""
    while True:
        port = _FIRST + next(_numbers) % _COUNT
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
