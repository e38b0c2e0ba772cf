"""Runs a whole site for the ingest benchmark: broker, server, gateways, tablet, each a process."""

import json
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from benchmarks.ingest_town import Town
from sync_server.run import ALL_PARTS, Part

MOSQUITTO = "/usr/sbin/mosquitto"
PULLS = 150
ONE_PROCESS: Sequence[Sequence[Part]] = (ALL_PARTS,)
TWO_PROCESSES: Sequence[Sequence[Part]] = ((Part.INGEST,), (Part.PAGES, Part.DETECTION))
_GIVES_WAY = ("nice", "-n", "5")
"""As docs/operation.md starts the ingest's own process: people before frames, which can wait."""

_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFigures:
    """What one site measured.

    Attributes:
        ingest_s: First publication to last acknowledgement, nobody reading.
        idle_ms: Time of each pull while nothing comes in.
        busy_ms: Time of each pull while frames come in as fast as the server takes them.
    """

    ingest_s: float
    idle_ms: Sequence[float]
    busy_ms: Sequence[float]


def measure_site(
    town: Town, folder: Path, payloads: tuple[Path, Path], processes: Sequence[Sequence[Part]]
) -> SiteFigures:
    """Return the figures of a site whose server is split into these processes.

    Args:
        town: Its database is copied.
        folder: An empty place for this site.
        payloads: What the gateways send while nobody reads, and while the tablet does.
        processes: The parts of each server process.
    """
    with broker(folder) as broker_port, _server(town, folder, broker_port, processes) as port:
        idle_ms = numbers(_tablet(port, town.token, PULLS))
        ingest_s, _ = numbers(gateways(broker_port, payloads[0]))
        senders = gateways(broker_port, payloads[1])
        tablet = _tablet(port, town.token, 0)
        numbers(senders)
        busy_ms = numbers(tablet)
    return SiteFigures(ingest_s=ingest_s, idle_ms=idle_ms, busy_ms=busy_ms)


def p99(times: Sequence[float]) -> float:
    """Return the time that 99 of 100 do not exceed."""
    return statistics.quantiles(times, n=100, method="inclusive")[98]


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Run a Mosquitto until the block ends; yield its port."""
    port = _free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\n"
        "max_queued_messages 0\nmax_inflight_messages 200\n"
    )
    with process_of([MOSQUITTO, "-c", str(settings)], folder / "mosquitto.log"):
        wait_until(lambda: _accepts(port), "Mosquitto")
        yield port


@contextmanager
def _server(
    town: Town, folder: Path, broker_port: int, processes: Sequence[Sequence[Part]]
) -> Iterator[int]:
    port = _free_port()
    settings = folder / "server.toml"
    settings.write_text(
        f'[server]\ndata = "data"\nlisten_port = {port}\n[mqtt]\nport = {broker_port}\n'
    )
    town.copy(folder / "data" / "server.sqlite3")
    logs = [folder / f"server-{number}.log" for number, _ in enumerate(processes)]
    with ExitStack() as servers:
        for log, parts in zip(logs, processes, strict=True):
            only = [word for part in parts for word in ("--only", part)]
            command = [sys.executable, "-m", "sync_server", "--config", str(settings), "serve"]
            first = _GIVES_WAY if Part.PAGES not in parts else ()
            servers.enter_context(process_of([*first, *command, *only], log))
        wait_until(lambda: _is_live(port), "the server's pages")
        wait_until(lambda: any("ingest.connected" in log.read_text() for log in logs), "the ingest")
        yield port


@contextmanager
def process_of(command: Sequence[str], log: Path) -> Iterator[None]:
    """Run a command until the block ends, then ask it to stop."""
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:  # noqa: S603  # our own commands
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def gateways(port: int, payload_file: Path) -> subprocess.Popen[str]:
    """Return the process that sends all payloads and waits for their acknowledgements."""
    return _started("benchmarks.ingest_gateways", str(port), str(payload_file))


def _tablet(port: int, token: str, count: int) -> subprocess.Popen[str]:
    return _started("benchmarks.ingest_tablet", str(port), token, str(count))


def _started(module: str, *arguments: str) -> subprocess.Popen[str]:
    """Return one of our own modules as a process that has said that it is ready."""
    process = subprocess.Popen(  # noqa: S603  # our own modules
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdout is None or process.stdout.readline() != "ready\n":
        process.wait()
        message = f"{module} did not get ready; see its error above"
        raise RuntimeError(message)
    return process


def numbers(process: subprocess.Popen[str]) -> list[float]:
    """Close the process's standard input and return the numbers that it prints at its end."""
    printed, _ = process.communicate(timeout=_PATIENCE_S)
    numbers: list[float] = json.loads(printed)
    return numbers


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    """Wait for a condition; raise RuntimeError that names it when it does not come."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while not is_true():
        if time.monotonic() > deadline_s:
            message = f"{what} did not start within {_PATIENCE_S:.0f} s; see its log"
            raise RuntimeError(message)
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_live(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
