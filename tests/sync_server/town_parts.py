"""A small town for server tests: meters, devices, gateways and frames of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from sync_server.assets.asset_store import add_gateway, add_meters, map_new_devices
from sync_server.assets.assets import MeterClass, NewMeter
from sync_server.db.reading_tables import (
    METER_EVENT,
    READING,
    READING_CORRECTION,
    READING_HOURLY,
    READING_LATEST,
)
from tests.sync_server.real_parts import NOON
from wire_contracts.frames import Batch, Frame
from wire_contracts.quantities import Medium, Quantity

GATEWAY = "gw-01"


def new_meter(
    meter_id: str,
    medium: Medium = Medium.WATER,
    meter_class: MeterClass = MeterClass.INDUSTRIAL,
    interval: timedelta = timedelta(minutes=15),
    *,
    is_mains_powered: bool = True,
) -> NewMeter:
    return NewMeter(
        meter_id=meter_id,
        medium=medium,
        meter_class=meter_class,
        address=f"{meter_id} street",
        interval=interval,
        is_mains_powered=is_mains_powered,
    )


def found_town(connection: Connection, meters: Sequence[NewMeter]) -> None:
    """Add the gateway and the meters; the device of meter `M-1` is `D-1`."""
    add_gateway(connection, GATEWAY, "pump house", NOON)
    add_meters(connection, meters, NOON)
    map_new_devices(
        connection, [(meter.meter_id.replace("M-", "D-"), meter.meter_id) for meter in meters]
    )


def frame(  # noqa: PLR0913  # each test names what it is about
    seq: int,
    at_utc: datetime,
    values: Mapping[Quantity, float],
    *,
    device: str = "D-1",
    profile: str = "tuf_2000m@1",
    group: str = "fast",
) -> Frame:
    return Frame(
        seq=seq,
        device=device,
        measured_at_utc=at_utc,
        profile=profile,
        group=group,
        values=values,
        raw=f"{group}:{profile}".encode(),
    )


def batch(*frames: Frame, gateway_id: str = GATEWAY, epoch: int = 7) -> Batch:
    return Batch(gateway_id=gateway_id, epoch=epoch, frames=frames)


def snapshot(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Return everything that readings leave behind, to compare two ways of getting there."""
    return {
        table.name: [
            tuple(row)
            for row in connection.execute(select(table).order_by(*table.primary_key.columns))
        ]
        for table in (READING, READING_LATEST, READING_HOURLY, READING_CORRECTION, METER_EVENT)
    }
