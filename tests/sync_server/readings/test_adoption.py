"""Frames of unknown devices are kept, and become readings when they are adopted."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from sync_server.assets.asset_store import add_gateway
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import READING
from sync_server.readings.adoption import adopt_device, adopt_gateway
from sync_server.readings.quarantine_store import keep_payload, list_quarantine
from sync_server.readings.reading_store import ReadingStore
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import GATEWAY, batch, found_town, frame, new_meter
from wire_contracts.acks import EpochAck
from wire_contracts.codes import Code
from wire_contracts.quantities import Quantity

HOUR = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
VOLUME = Quantity.VOLUME_M3


def _values(engine: Engine) -> list[tuple[str, float | None]]:
    with reading(engine) as connection:
        rows = connection.execute(
            select(READING.c.meter_id, READING.c.volume_m3).order_by(READING.c.measured_at_ms)
        )
        return [(meter_id, value) for meter_id, value in rows]


def test_an_unknown_meters_frames_are_kept_and_become_readings_in_one_action(
    engine: Engine,
) -> None:
    sent = batch(
        frame(1, HOUR, {VOLUME: 1.0}, device="NEW"),
        frame(2, HOUR + timedelta(minutes=15), {VOLUME: 2.0}, device="NEW"),
    )
    store = ReadingStore()
    with engine.begin() as connection:
        found_town(connection, [])
        ack = store.store_batches(connection, [sent], NOON).acks[GATEWAY][0]
    with reading(engine) as connection:
        (group,) = list_quarantine(connection)
    with engine.begin() as connection:
        adopted = adopt_device(connection, "NEW", new_meter("M-9"), NOON)
        left = list_quarantine(connection)
    third = batch(frame(3, HOUR + timedelta(minutes=30), {VOLUME: 3.0}, device="NEW"))
    with engine.begin() as connection:
        again = store.store_batches(connection, [sent, third], NOON).acks[GATEWAY][0]

    assert ack.refused == ((1, Code.METER_UNKNOWN), (2, Code.METER_UNKNOWN))
    assert (group.device_serial, group.frame_count, group.code) == ("NEW", 2, Code.METER_UNKNOWN)
    assert "device 'NEW' was no known meter" in group.example
    assert (adopted, list(left)) == (2, [])
    assert again == EpochAck(epoch=7, upto=3)
    assert _values(engine) == [("M-9", 1.0), ("M-9", 2.0), ("M-9", 3.0)]


def test_adoption_leaves_stamps_of_the_future_in_quarantine(engine: Engine) -> None:
    late = frame(1, NOON + timedelta(days=400), {VOLUME: 1.0})
    new = frame(1, NOON + timedelta(days=500), {VOLUME: 2.0}, device="NEW")
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1")])
        sent = [batch(late, gateway_id="gw-new"), batch(new)]
        ReadingStore().store_batches(connection, sent, NOON)
        adopted = (
            adopt_gateway(connection, "gw-new", "new", NOON),
            adopt_device(connection, "NEW", new_meter("M-9"), NOON),
        )
        left = [group.frame_count for group in list_quarantine(connection)]

    assert adopted == (0, 0)
    assert left == [1, 1]
    assert _values(engine) == []


def test_adopting_an_unknown_gateway_brings_its_known_meters_only(engine: Engine) -> None:
    sent = batch(
        frame(1, HOUR, {VOLUME: 1.0}),
        frame(2, HOUR, {VOLUME: 5.0}, device="STRANGER"),
        gateway_id="gw-new",
    )
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1")])
        ReadingStore().store_batches(connection, [sent], NOON)
        before = [group.code for group in list_quarantine(connection)]
        adopted = adopt_gateway(connection, "gw-new", "new", NOON)
        left = [group.device_serial for group in list_quarantine(connection)]

    assert before == [Code.GATEWAY_UNKNOWN] * 2
    assert (adopted, left) == (1, ["STRANGER"])
    assert _values(engine) == [("M-1", 1.0)]


def test_the_same_unreadable_payload_is_kept_once(engine: Engine) -> None:
    with engine.begin() as connection:
        add_gateway(connection, GATEWAY, "x", NOON)
        for _ in range(3):
            keep_payload(
                connection,
                gateway_id=GATEWAY,
                payload=b"?",
                code=Code.PAYLOAD_FORM,
                reason="begins with b'?'",
                received_at_utc=NOON,
            )
        (group,) = list_quarantine(connection)

    assert (group.frame_count, group.device_serial) == (1, None)
