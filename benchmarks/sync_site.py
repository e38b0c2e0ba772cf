"""Runs the processes of the sync benchmark: the real server, the plain one, a relay that counts."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

_PATIENCE_S = 120.0
_CHUNK = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that runs: where it answers, and its process."""

    url: str
    pid: int

    def processor_s(self) -> float:
        """Return the processor time it has taken so far, 0 where Linux does not tell it."""
        if sys.platform != "linux":
            return 0.0
        return time.clock_gettime(~self.pid << 3 | _CPUCLOCK_SCHED)


_CPUCLOCK_SCHED = 2
"""With a process id before it: that process's clock, as clock_getcpuclockid(3) makes it."""


@contextmanager
def real_server(template: Path, folder: Path) -> Iterator[Served]:
    """Run `sync-server serve --only pages` over a copy of the file."""
    port = _free_port()
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "server.sqlite3").write_bytes(template.read_bytes())
    settings = folder / "server.toml"
    settings.write_text(f'[server]\ndata = "data"\nlisten_port = {port}\n')
    command = [sys.executable, "-m", "sync_server", "--config", str(settings), "serve"]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen([*command, "--only", "pages"], stdout=log, stderr=log) as process,  # noqa: S603  # our own
    ):
        try:
            _wait_until_live(port)
            yield Served(url=f"http://127.0.0.1:{port}", pid=process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def plain_server(path: Path) -> Iterator[Served]:
    """Run the plain server over a file."""
    command = [sys.executable, "-m", "benchmarks.sync_plain", str(path)]
    with subprocess.Popen(  # noqa: S603  # our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout is None or process.stdin is None:
            message = "the plain server has no pipes"
            raise RuntimeError(message)
        port = int(process.stdout.readline())
        try:
            yield Served(url=f"http://127.0.0.1:{port}", pid=process.pid)
        finally:
            process.stdin.close()


@dataclass(slots=True)
class Traffic:
    """Bytes that a relay carried: what the tablet sent, and what it was sent."""

    up: int = 0
    down: int = 0

    def taken(self) -> "Traffic":
        """Return what was carried since the last call."""
        taken = Traffic(self.up, self.down)
        self.up = self.down = 0
        return taken


@contextmanager
def counting_relay(base_url: str) -> Iterator[tuple[str, Traffic]]:
    """Yield the URL of a relay to a server, and what goes through it."""
    target = int(base_url.rpartition(":")[2])
    traffic = Traffic()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = threading.Thread(target=_relay, args=(listener, target, traffic), daemon=True)
        relay.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", traffic
        finally:
            # closing alone does not wake a thread that accepts
            listener.shutdown(socket.SHUT_RDWR)
            relay.join(_PATIENCE_S)


def _relay(listener: socket.socket, target: int, traffic: Traffic) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        far = socket.create_connection(("127.0.0.1", target))
        for source, sink, is_up in ((near, far, True), (far, near, False)):
            pump = threading.Thread(target=_pump, args=(source, sink, traffic, is_up), daemon=True)
            pump.start()


def _pump(source: socket.socket, sink: socket.socket, traffic: Traffic, is_up: bool) -> None:  # noqa: FBT001  # a thread's arguments
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            if is_up:
                traffic.up += len(chunk)
            else:
                traffic.down += len(chunk)
            sink.sendall(chunk)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def run_swarm(base_url: str, tokens: Path) -> Sequence[tuple[float, int, int]]:
    """Return (seconds, status, rows) of every tablet of the morning, asked in one process."""
    command = [sys.executable, "-m", "benchmarks.sync_swarm", base_url, str(tokens)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE_S)  # noqa: S603  # our own module
    return [(each[0], each[1], each[2]) for each in json.loads(done.stdout)]


def _wait_until_live(port: int) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s:
        with (
            suppress(OSError),
            urllib.request.urlopen(  # our own loopback
                f"http://127.0.0.1:{port}/health/live", timeout=2
            ) as answer,
        ):
            if answer.status == HTTPStatus.OK:
                return
        time.sleep(0.05)
    message = f"the server did not start within {_PATIENCE_S:.0f} s; see its log"
    raise RuntimeError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
