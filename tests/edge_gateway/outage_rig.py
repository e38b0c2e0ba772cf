"""A meter, a gateway, a broker and the server's ingest; each can be killed at any moment."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, func, select

from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from firmware_profiles.probe import MeantMeter
from sync_server.assets.asset_store import add_gateway, add_meters, map_new_devices
from sync_server.assets.assets import MeterClass, NewMeter
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.db.reading_tables import (
    FRAME_CLONE,
    FRAME_GAP,
    FRAME_LEDGER,
    QUARANTINE,
    READING,
    READING_CONFLICT,
)
from sync_server.readings.ledger_store import taken_count
from tests.edge_gateway.anchored_clock import START_UTC, AnchoredClock
from tests.edge_gateway.rig import (
    LOOPBACK,
    ROOT,
    Behave,
    MeterServer,
    Mosquitto,
    committed,
    from_image,
    until,
)
from wire_contracts.frames import Frame, ms_from_utc, parse_frame
from wire_contracts.payloads import read_json
from wire_contracts.quantities import Medium, Quantity

GATEWAY_ID = "gw-01"
PROFILE = "tuf_2000m@1"
UNITS = (1, 2, 3)


def _meter(unit: int) -> Behave:
    """A meter whose flow tells whose it is."""
    identity = MeantMeter(device_address=unit, serial=f"HM-{unit}")
    values = {Quantity.FLOW_M3H: unit * 1.25, Quantity.ENERGY_KWH: 4800.0}
    return from_image(encode_values(load_profile(PROFILE), values, identity=identity))


@dataclass(frozen=True, kw_only=True)
class Account:
    """What became of the frames up to a number.

    Attributes:
        numbered: Frames that had been committed in the gateway.
        lost: Of these, frames that the server does not hold.
        duplicated: Clones, conflicts, and readings beyond one for each meter and instant.
        altered: Readings whose values are not those of the gateway's frames.
        refused: Frames in quarantine.
        gaps: Frames that gap records explain away.
    """

    numbered: int
    lost: int
    duplicated: int
    altered: int
    refused: int
    gaps: int


def _place(frame: Frame) -> tuple[str, int]:
    return frame.device, ms_from_utc(frame.measured_at_utc)


def _is_altered(frame: Frame, stored: Mapping[tuple[str, int], float | None]) -> bool:
    """Return whether a reading is not what was read, or what was read is not the meter's."""
    if frame.group != "fast" or _place(frame) not in stored:
        return False
    value = frame.values.get(Quantity.FLOW_M3H)
    is_foreign = value is not None and value != int(frame.device[3:]) * 1.25
    return is_foreign or stored[_place(frame)] != value


@dataclass
class OutageTown:
    """Everything between the meters and the database, over real transport and real files."""

    folder: Path
    rate: float
    kills: int = 0
    _committed_at_start: int = 0
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.clock = AnchoredClock(anchor_s=time.monotonic(), rate=self.rate)
        self._stack = ExitStack()
        units = {unit: _meter(unit) for unit in UNITS}
        self.broker = Mosquitto(folder=self.folder)
        self.queue_file = self.folder / "gateway" / "queue.sqlite3"
        self._url = f"sqlite:///{self.folder / 'server.sqlite3'}"
        self.engine = self._make_database()
        self.plant = self._stack.enter_context(MeterServer(units=units))
        self._settings = self._write_settings()
        for part in ("broker", "server", "gateway"):
            self.start(part)
        return self

    def __exit__(self, *_: object) -> None:
        for part in ("gateway", "server", "broker"):
            self.end(part)
        self.engine.dispose()
        self._stack.close()

    def start(self, part: str) -> None:
        if part in self._processes:
            return
        if part == "broker":
            self.broker.__enter__()
            self._processes[part] = self.broker._process
            return
        if part == "gateway":
            self._committed_at_start = self.committed()
        module, *arguments = {
            "gateway": ("outage_gateway", str(self._settings)),
            "server": ("outage_server", self._url, str(self.broker.port)),
        }[part]
        times = (str(self.clock.anchor_s), str(self.clock.rate))
        self._processes[part] = subprocess.Popen(
            [sys.executable, "-m", f"tests.edge_gateway.{module}", *arguments, *times],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self, part: str) -> None:
        """End a part by SIGKILL, if it runs."""
        process = self._processes.pop(part, None)
        if process is not None:
            process.kill()
            process.wait()

    def kill(self, part: str) -> None:
        """End a part by SIGKILL and start it again at once; one that is away stays away.

        A gateway has committed something since it was started, however busy the machine is.
        """
        if part == "gateway":
            until(lambda: self.committed() > self._committed_at_start, within_s=60)
        if part in self._processes:
            self.kills += 1
            self.end(part)
            self.start(part)

    def committed(self) -> int:
        """Return the highest number that the gateway has given."""
        return committed(self.queue_file)

    def drained(self, upto: int) -> bool:
        """Return whether the server knows every number up to this one."""
        with reading(self.engine) as connection:
            return taken_count(connection, GATEWAY_ID, upto=upto) >= upto

    def close_account(self, *, least: int, within_s: float = 90.0) -> Account:
        """Bring everything up, let it drain, and count.

        Args:
            least: So many frames are committed before; on a busy machine a day brings fewer.
            within_s: Wall seconds for the draining.
        """
        for part in ("broker", "server", "gateway"):
            self.start(part)
        until(lambda: self.committed() >= least, within_s=60)
        upto = self.committed()
        until(lambda: self.drained(upto), within_s=within_s)
        for part in ("gateway", "server"):
            self.end(part)
        return self._count(upto)

    def _count(self, upto: int) -> Account:
        with closing(sqlite3.connect(self.queue_file)) as queue:
            bodies = [row[0] for row in queue.execute("SELECT body FROM frame")]
        readers = [read_json("queue", body) for body in bodies]
        frames = [parse_frame(reader) for reader in readers if not reader.has("gap")]
        instants = {_place(frame) for frame in frames}
        ledger = FRAME_LEDGER.c
        with reading(self.engine) as connection:
            held = taken_count(connection, upto=upto)
            refused = connection.execute(
                select(func.count(ledger.refused_code)).where(ledger.seq <= upto)
            ).scalar_one()
            odd = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (FRAME_CLONE, READING_CONFLICT)
            ]
            quarantined, gaps = (
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (QUARANTINE, FRAME_GAP)
            )
            rows = connection.execute(
                select(READING.c.meter_id, READING.c.measured_at_ms, READING.c.flow_m3h)
            ).all()
        stored = {(f"H{row[0]}", row[1]): row[2] for row in rows}
        return Account(
            numbered=upto,
            lost=upto - held,
            duplicated=sum(odd) + max(0, len(rows) - len(instants)),
            altered=sum(_is_altered(frame, stored) for frame in frames),
            refused=refused + quarantined,
            gaps=gaps,
        )

    def _write_settings(self) -> Path:
        settings = self.folder / "gateway.toml"
        meters = "".join(
            f'[[link.meter]]\nserial = "HM-{unit}"\ndevice_address = {unit}\n'
            f'profile = "{PROFILE}"\nintervals = {{fast = "15m", slow = "1h"}}\n'
            for unit in UNITS
        )
        settings.write_text(
            f'[gateway]\nid = "{GATEWAY_ID}"\ndata = "gateway"\nhealth_interval = "7d"\n'
            f'[mqtt]\nhost = "{LOOPBACK}"\nport = {self.broker.port}\nack_timeout_s = 0.5\n'
            f"[queue]\ncommit_s = 0.05\nmin_free_mb = 0\n"
            f'[[link]]\nname = "plant"\nhost = "{LOOPBACK}"\nport = {self.plant.port}\n{meters}'
        )
        return settings

    def _make_database(self) -> Engine:
        engine = open_engine(self._url)
        migrate(engine)
        with engine.begin() as connection:
            add_gateway(connection, GATEWAY_ID, "pump house", START_UTC)
            meters = [
                NewMeter(
                    meter_id=f"M-{unit}",
                    medium=Medium.HEAT,
                    meter_class=MeterClass.INDUSTRIAL,
                    address="here",
                    interval=timedelta(minutes=15),
                    is_mains_powered=True,
                )
                for unit in UNITS
            ]
            add_meters(connection, meters, START_UTC)
            map_new_devices(connection, [(f"HM-{unit}", f"M-{unit}") for unit in UNITS])
        return engine
