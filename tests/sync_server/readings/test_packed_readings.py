"""Rows packed as PostgreSQL's COPY takes them arrive as the driver's rows do."""

from collections.abc import Sequence

from sqlalchemy import Engine, select

from sync_server.db.bulk_io import OnExisting, Row, write_packed, write_rows
from sync_server.db.reading_tables import READING
from sync_server.readings.fresh import FreshFrame
from sync_server.readings.fresh_store import _lay_out
from sync_server.readings.packed_readings import PackedReadings

METERS: dict[str, Sequence[FreshFrame]] = {
    "M-1": [
        (1, ("volume_m3", "flow_m3h"), {"volume_m3": 3.5, "flow_m3h": -0.0}, "p@1", "fast", None),
        (2, ("volume_m3", "flow_m3h"), {"volume_m3": 1e308, "flow_m3h": 1.0}, "p@1", "fast", b""),
        (3, ("flow_m3h", "volume_m3"), {"flow_m3h": 5e-324, "volume_m3": 4.5}, "p@2", "fast", b"A"),
        (4, ("return_temp_degc",), {"return_temp_degc": 41.5}, "p@2", "slow", b"B"),
        (5, ("return_temp_degc",), {"return_temp_degc": 41.5}, "p@2", "slow", bytes(300)),
    ],
    "表-💧": [
        (2**62, ("volume_base_m3",), {"volume_base_m3": 7.0}, "配置@3+dcba", "日", b"\x00\xff"),
        (2**62 + 1, ("volume_base_m3",), {"volume_base_m3": 8.0}, "没有版本", "日", b"\x00\xff"),
    ],
}


def stored(engine: Engine) -> list[tuple[object, ...]]:
    with engine.begin() as connection:
        query = select(READING).order_by(READING.c.meter_id, READING.c.measured_at_ms)
        rows = [tuple(row) for row in connection.execute(query)]
        connection.execute(READING.delete())
    return rows


def test_packed_rows_arrive_as_rows_of_the_driver_do(postgres_engine: Engine) -> None:
    kinds = {frame[1] for frames in METERS.values() for frame in frames}
    packer = PackedReadings(kinds, "utf-8")
    told: tuple[list[Row], list[Row]] = ([], [])
    rows: list[Row] = []
    for meter_id, frames in METERS.items():
        packer.add(meter_id, frames, told[0])
        _lay_out(rows, meter_id, frames, told[1])

    with postgres_engine.begin() as connection:
        write_packed(connection, READING, packer.names, packer.parts)
    packed = stored(postgres_engine)
    with postgres_engine.begin() as connection:
        write_rows(connection, READING, rows, OnExisting.FAIL)

    assert repr(packed) == repr(stored(postgres_engine))
    assert len(packed) == 7
    assert told[0] == told[1]
