"""Makes what the ingest benchmark feeds: frames of a town, its database, and one tablet of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from sync_server.access.account_store import Crew, create_crew
from sync_server.access.tablet_store import enrol_tablet, issue_enrolment_code
from sync_server.assets.asset_store import add_gateway, add_meters, map_new_devices
from sync_server.assets.assets import MeterClass, NewMeter
from sync_server.db.change_store import Publication, crew_bucket, publish
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from wire_contracts.enrolment import EnrolRequest
from wire_contracts.frames import Batch, Frame, dump_batch, frame_json
from wire_contracts.orders import ENTITY
from wire_contracts.payloads import pack
from wire_contracts.pulls import MAX_ROWS
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.topics import Channel, Topic

METERS = 2000
GATEWAYS = 20
FRAMES_PER_BATCH = 50
STEPS = 10
CREW = "crew-1"
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = NOW - timedelta(days=4)
_STEP = timedelta(minutes=15)
_QUANTITIES = (
    Quantity.VOLUME_M3,
    Quantity.FLOW_M3H,
    Quantity.ENERGY_KWH,
    Quantity.POWER_KW,
    Quantity.SUPPLY_TEMP_DEGC,
    Quantity.RETURN_TEMP_DEGC,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A migrated SQLite file with the meters and `MAX_ROWS` orders, and a tablet's token."""

    template: Path
    token: str

    def copy(self, path: Path) -> Path:
        """Return the path, now a fresh copy of the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.template.read_bytes())
        return path


def make_batches() -> list[Batch]:
    """Return the batches of all gateways, in the order of time."""
    per_gateway = METERS // GATEWAYS
    batches: list[Batch] = []
    seqs = [0] * GATEWAYS
    for step in range(STEPS):
        at_utc = START + _STEP * step
        for gateway in range(GATEWAYS):
            frames: list[Frame] = []
            for meter in range(gateway * per_gateway, (gateway + 1) * per_gateway):
                seqs[gateway] += 1
                frames.append(_frame(seqs[gateway], meter, at_utc, step))
            batches += [
                Batch(
                    gateway_id=f"gw-{gateway:02d}",
                    epoch=1,
                    frames=frames[first : first + FRAMES_PER_BATCH],
                )
                for first in range(0, len(frames), FRAMES_PER_BATCH)
            ]
    return batches


def _frame(seq: int, meter: int, at_utc: datetime, step: int) -> Frame:
    values = {
        quantity: round(1000.0 + meter * 0.37 + step * 1.013 * index, 3)
        for index, quantity in enumerate(_QUANTITIES, start=1)
    }
    return Frame(
        seq=seq,
        device=f"D-{meter:06d}",
        measured_at_utc=at_utc,
        profile="tuf_2000m@1",
        group="fast",
        values=values,
        raw=os.urandom(40),
    )


def later(batches: Sequence[Batch], epoch: int) -> list[Batch]:
    """Return the same frames as another epoch brings them, 3 hours later for each epoch."""
    shift = timedelta(hours=3) * (epoch - 1)
    return [
        replace(
            batch,
            epoch=epoch,
            frames=[
                replace(frame, measured_at_utc=frame.measured_at_utc + shift)
                for frame in batch.frames
            ],
        )
        for batch in batches
    ]


def write_payloads(path: Path, batches: Sequence[Batch]) -> Path:
    """Write what the gateways send: topic and payload, each behind its length in 4 bytes."""
    with path.open("wb") as file:
        for batch in batches:
            topic = Topic(gateway_id=batch.gateway_id, channel=Channel.UP).text().encode()
            bodies = [frame_json(frame) for frame in batch.frames]
            payload = pack(dump_batch(batch.gateway_id, batch.epoch, bodies))
            for part in (topic, payload):
                file.write(len(part).to_bytes(4, "big") + part)
    return path


def found_town(folder: Path) -> Town:
    """Return a town in a new database."""
    path = folder / "template.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    add_town_meters(engine)
    with engine.begin() as connection:
        token = _add_tablet(connection)
    engine.dispose()
    return Town(template=path, token=token)


def add_town_meters(engine: Engine) -> None:
    """Add the town's gateways, meters and devices to a migrated database."""
    meters = [
        NewMeter(
            meter_id=f"M-{number:06d}",
            medium=Medium.HEAT,
            meter_class=MeterClass.CONSUMER,
            address="bench",
            interval=_STEP,
            is_mains_powered=True,
        )
        for number in range(METERS)
    ]
    with engine.begin() as connection:
        for gateway in range(GATEWAYS):
            add_gateway(connection, f"gw-{gateway:02d}", "bench", NOW)
        add_meters(connection, meters, NOW)
        map_new_devices(
            connection, [(each.meter_id.replace("M-", "D-"), each.meter_id) for each in meters]
        )


def _add_tablet(connection: Connection) -> str:
    """Publish the orders of a crew and return the token of its tablet."""
    now_utc = datetime.now(UTC)
    create_crew(connection, Crew(crew_id=CREW, name="bench"), now_utc)
    for number in range(MAX_ROWS):
        order = Publication(
            entity=ENTITY,
            entity_id=f"order-{number:04d}",
            document={
                "meter_id": f"M-{number:06d}",
                "medium": "heat",
                "address": f"House {number}, a street of the bench's town",
                "sentence": {"en": "0.4 m³/h all night, limit 0.1", "zh": "整夜 0.4 m³/h"},
                "state": "dispatched",
                "points": [[60_000 * index, 0.4 + index / 100] for index in range(24)],
            },
            buckets=frozenset({crew_bucket(CREW)}),
        )
        publish(connection, order, now_utc)
    code = issue_enrolment_code(connection, CREW, "bench", now_utc)
    return enrol_tablet(connection, EnrolRequest(code=code.code, name="bench"), now_utc).token
