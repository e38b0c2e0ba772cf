"""Runs what the gateway benchmark needs, each a process of its own: meters, broker, gateway."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway_meters import PROFILE, UNITS, write_profile

MOSQUITTO = "/usr/sbin/mosquitto"
GATEWAY_ID = "bench"
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What differs between the measured gateways.

    Attributes:
        url: The line.
        units: The configured unit identifiers.
        interval: Of every meter.
        timeout_s: Longest wait for an answer.
        rate: How many times as fast as the wall's the gateway's clock runs.
    """

    url: str
    units: Sequence[int] = UNITS
    interval: str = "1s"
    timeout_s: float = 1.0
    rate: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What has reached the sink at one moment of the wall's monotonic clock.

    `dated` has of each frame when it was measured (ms since 1970), its meter, and its readings.
    """

    at_s: float
    frames: int
    readings: int
    plain_bytes: int
    dated: Sequence[tuple[int, str, int]]


class Child:
    """A process that is asked by lines and ends when its standard input does."""

    def __init__(self, *arguments: str, log: Path | None = None) -> None:
        """Start `python -m` with these arguments."""
        self._log = (log or Path(os.devnull)).open("wb")
        self.process = subprocess.Popen(  # noqa: S603  # our own modules
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def line(self) -> str:
        """Return the next line it prints."""
        assert self.process.stdout is not None  # noqa: S101  # it is a pipe
        return self.process.stdout.readline().strip()

    def ask(self) -> str:
        """Send an empty line and return the answer."""
        assert self.process.stdin is not None  # noqa: S101  # it is a pipe
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.line()

    def end(self) -> None:
        """Close its standard input, wait, and kill it when it does not listen."""
        assert self.process.stdin is not None  # noqa: S101  # it is a pipe
        assert self.process.stdout is not None  # noqa: S101  # it is a pipe
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._log.close()


@contextmanager
def child(*arguments: str, log: Path | None = None) -> Iterator[Child]:
    """Run a child for the length of a block."""
    process = Child(*arguments, log=log)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Run a Mosquitto of its own and yield its port."""
    port = free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\n"
        "max_queued_messages 0\nmax_inflight_messages 200\n"
    )
    process = subprocess.Popen(  # noqa: S603  # a fixed command
        [MOSQUITTO, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _accepts(port), "Mosquitto")
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def gateway(folder: Path, broker_port: int, settings: Settings) -> Iterator[Child]:
    """Run a gateway on the simulated meters."""
    write_profile(folder / "profiles")
    file = folder / "gateway.toml"
    file.write_text(_settings_text(broker_port, settings), encoding="utf-8")
    arguments = ("benchmarks.gateway_process", str(file), str(settings.rate))
    with child(*arguments, log=folder / "gateway.log") as process:
        yield process


def _settings_text(broker_port: int, settings: Settings) -> str:
    meters = "".join(
        f'[[link.meter]]\nserial = "M-{unit}"\ndevice_address = {unit}\nprofile = "{PROFILE}"\n'
        for unit in settings.units
    )
    return f"""[gateway]
id = "{GATEWAY_ID}"
profiles = "profiles"
[mqtt]
host = "127.0.0.1"
port = {broker_port}
window = 32
[[link]]
name = "bench"
url = "{settings.url}"
timeout_s = {settings.timeout_s}
intervals = {{fast = "{settings.interval}"}}
{meters}"""


def count(sink: Child) -> Count:
    """Return what has reached the sink so far."""
    said = json.loads(sink.ask())
    return Count(
        at_s=said["at_s"],
        frames=said["frames"],
        readings=said["readings"],
        plain_bytes=said["plain_bytes"],
        dated=said["dated"],
    )


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in megabytes of 2^20 bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kilobytes / 1024


def cpu_s(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def written_bytes(pid: int) -> int:
    """Return the bytes a process has caused to be sent to the disk (`/proc/PID/io`)."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    (number,) = (int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
    return number


def wait_until(condition: Callable[[], object], what: str, within_s: float = _PATIENCE_S) -> None:
    """Wait for a condition; raise TimeoutError when it does not come true."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            message = f"{what}: not within {within_s:.0f} s"
            raise TimeoutError(message)
        time.sleep(0.02)


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True
