"""Decides what becomes of quarantined frames once their device or gateway is known."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from sync_server.assets.asset_store import (
    add_gateway,
    add_meter,
    allowed_gateways,
    find_devices,
    map_device,
)
from sync_server.assets.assets import NewMeter
from sync_server.assets.device_map import DeviceMap
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.server_store import asset_version
from sync_server.readings.arrivals import Accepted
from sync_server.readings.ingest import accept, is_future, is_time_unknown
from sync_server.readings.quarantine_store import Kept, find_kept, mark_adopted
from sync_server.readings.reading_store import ReadingStore
from wire_contracts.errors import ContractError
from wire_contracts.frames import Frame, ms_from_utc, parse_frame
from wire_contracts.payloads import read_json


def adopt_device(
    connection: Connection,
    device_serial: str,
    meter: NewMeter,
    now_utc: datetime,
    valid_from_utc: datetime | None = None,
) -> int:
    """Make a device in quarantine a meter and return how many kept frames became readings.

    Args:
        connection: The caller's transaction.
        device_serial: As it stands in the frames.
        meter: The meter it is; added, or brought up to date when it exists.
        now_utc: Now.
        valid_from_utc: Since when; None: ever, so that all kept frames count.
    """
    add_meter(connection, meter, now_utc)
    map_device(connection, device_serial, meter.meter_id, valid_from_utc)
    replayed = _replay(connection, find_kept(connection, device_serial=device_serial), now_utc)
    append_feed(connection, Topic.QUARANTINE, device_serial, now_utc)
    return replayed


def adopt_gateway(connection: Connection, gateway_id: str, name: str, now_utc: datetime) -> int:
    """Allow a gateway and return how many of its kept frames became readings.

    Frames of devices that are still unknown stay in quarantine.
    """
    add_gateway(connection, gateway_id, name, now_utc)
    replayed = _replay(connection, find_kept(connection, gateway_id=gateway_id), now_utc)
    append_feed(connection, Topic.QUARANTINE, gateway_id, now_utc)
    return replayed


def _replay(connection: Connection, kept: Sequence[Kept], now_utc: datetime) -> int:
    frames = [(each, frame) for each in kept if (frame := _frame_of(each)) is not None]
    devices = DeviceMap(
        version=asset_version(connection),
        gateways=allowed_gateways(connection),
        devices=find_devices(connection, {frame.device for _, frame in frames}),
    )
    accepted: list[Accepted] = []
    usable: list[Kept] = []
    for each, frame in frames:
        found = _judge(each, frame, devices)
        if found is not None:
            accepted.append(found)
            usable.append(each)
    ReadingStore().adopt(connection, accepted, now_utc)
    mark_adopted(connection, usable, now_utc)
    return len(usable)


def _frame_of(kept: Kept) -> Frame | None:
    """Return the frame that was kept, None where it is none."""
    try:
        return parse_frame(read_json(f"quarantine {kept.quarantine_id}", kept.body))
    except ContractError:
        return None


def _judge(kept: Kept, frame: Frame, devices: DeviceMap) -> Accepted | None:
    """Return the frame as accepted, None when it still cannot be used."""
    measured_at_ms = ms_from_utc(frame.measured_at_utc)
    if is_future(measured_at_ms, kept.received_at_ms) or is_time_unknown(frame):
        return None
    use = devices.find(frame.device, measured_at_ms)
    if use is None or kept.key.gateway_id not in devices.gateways:
        return None
    return accept(kept.key, kept.payload_hash, frame, use)
