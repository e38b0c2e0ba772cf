"""Brings up what the load runs on: a database with the meters, Mosquitto, the server's ingest."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, func, select

from demo.load_plan import INTERVAL, METERS_OF_GATEWAY, LoadPlan, gateway_id, meter_id
from demo.run_mosquitto import program
from demo.set_up_io import free_ports
from sync_server.archive.upkeep_io import keep_partitions
from sync_server.assets.asset_store import add_gateway, add_meters, map_new_devices
from sync_server.assets.assets import MeterClass, NewMeter
from sync_server.db.asset_tables import GATEWAY
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from wire_contracts.quantities import Medium

_METERS_AT_ONCE = 20_000
_PATIENCE_S = 120.0
_GIVES_WAY = ("nice", "-n", "5")
"""As docs/operation.md starts the ingest's own process: people before frames, which can wait."""

_MEMORY = "VmRSS:"
_USER_TIME, _SYSTEM_TIME = 11, 12
"""Places behind the process's name, proc(5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSite:
    """A site at work: the broker's port, the ingest's process, its database, since when."""

    broker_port: int
    ingest_pid: int
    engine: Engine
    began_at_utc: datetime

    def memory_bytes(self) -> int:
        """Return the resident memory of the ingest (Linux)."""
        text = Path(f"/proc/{self.ingest_pid}/status").read_text(encoding="ascii")
        line = next(line for line in text.splitlines() if line.startswith(_MEMORY))
        return int(line.split()[1]) * 1024

    def processor_s(self) -> float:
        """Return the processor time that the ingest has taken, of all processors (Linux)."""
        text = Path(f"/proc/{self.ingest_pid}/stat").read_text(encoding="ascii")
        fields = text.rpartition(")")[2].split()
        return (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / os.sysconf("SC_CLK_TCK")


def add_load_meters(engine: Engine, meters: int, tell: Callable[[str], None]) -> None:
    """Add gateways and meters up to this number to a migrated database."""
    with reading(engine) as connection:
        load = GATEWAY.c.gateway_id.startswith("load-")
        known = connection.execute(select(func.count()).where(load)).scalar_one()
    now_utc = datetime.now(tz=UTC)
    for first in range(known * METERS_OF_GATEWAY, meters, _METERS_AT_ONCE):
        numbers = range(first, min(first + _METERS_AT_ONCE, meters))
        with engine.begin() as connection:
            for number in numbers[::METERS_OF_GATEWAY]:
                add_gateway(connection, gateway_id(number // METERS_OF_GATEWAY), "load", now_utc)
            add_meters(connection, [_meter(number) for number in numbers], now_utc)
            map_new_devices(connection, [(meter_id(each), meter_id(each)) for each in numbers])
        tell(f"meters: {numbers.stop} of {meters}")


def _meter(number: int) -> NewMeter:
    return NewMeter(
        meter_id=meter_id(number),
        medium=Medium.HEAT,
        meter_class=MeterClass.CONSUMER,
        address=f"House {number}",
        interval=INTERVAL,
        is_mains_powered=True,
    )


@contextmanager
def running_site(
    folder: Path, url: str, meters: int, tell: Callable[[str], None]
) -> Generator[LoadSite]:
    """Run broker and ingest until the block ends; `folder` takes settings and logs."""
    engine = open_engine(url)
    try:
        migrate(engine)
        keep_partitions(engine, datetime.now(tz=UTC))
        add_load_meters(engine, meters, tell)
        port = free_ports(1)[0]
        with _broker(folder, port), _ingest(folder, port, url) as pid:
            began_at_utc = datetime.now(tz=UTC).replace(microsecond=0)
            yield LoadSite(
                broker_port=port, ingest_pid=pid, engine=engine, began_at_utc=began_at_utc
            )
    finally:
        engine.dispose()


@contextmanager
def _broker(folder: Path, port: int) -> Generator[None]:
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\n"
        "max_queued_messages 0\nmax_inflight_messages 200\n"
    )
    with _process([program("mosquitto"), "-c", str(settings)], folder / "mosquitto.log"):
        yield


@contextmanager
def _ingest(folder: Path, port: int, url: str) -> Generator[int]:
    settings, log = folder / "server.toml", folder / "ingest.log"
    settings.write_text(
        f'[server]\ndata = "data"\n[database]\nurl = "{url}"\n[mqtt]\nport = {port}\n'
    )
    command = [sys.executable, "-m", "sync_server", "serve", "--config", str(settings)]
    with _process([*_GIVES_WAY, *command, "--only", "ingest"], log) as process:
        end_s = time.monotonic() + _PATIENCE_S
        while "ingest.connected" not in log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > end_s:
                message = f"{log}: the ingest did not start; see there"
                raise RuntimeError(message)
            time.sleep(0.1)
        yield process.pid


@contextmanager
def _process(command: Sequence[str], log: Path) -> Generator[subprocess.Popen[bytes]]:
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:  # noqa: S603  # our own
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def sending(
    site: LoadSite, plan: LoadPlan, seconds: float
) -> Generator[Iterator[dict[str, float]]]:
    """Let the gateways send; yield what they say each second, until they have ended."""
    command = [sys.executable, "-m", "demo.load_sender_io", "--port", str(site.broker_port)]
    command += ["--meters", str(plan.meters), "--factor", str(plan.factor)]
    command += ["--start", plan.start_utc.isoformat(), "--epoch", str(plan.epoch)]
    command += ["--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own
        try:
            yield (json.loads(line) for line in process.stdout or ())
        finally:
            process.terminate()
