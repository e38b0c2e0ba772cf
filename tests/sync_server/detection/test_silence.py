"""Silence of meters, of a whole gateway, and of the server itself; in real databases."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from sync_server.alerts.alert import AlertFilter, AlertRecord
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.assets.assets import NewMeter
from sync_server.db.engine_io import reading
from sync_server.detection.watch.arrival_feed_store import longest_pause
from sync_server.detection.watch.fleet_watch import WATERMARK, FleetWatch
from sync_server.readings.reading_store import ReadingStore
from tests.sync_server.town_parts import GATEWAY, found_town, frame, new_meter
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import Batch, Frame, ms_from_utc
from wire_contracts.kinds import Kind
from wire_contracts.quality import BAD_TIMEOUT
from wire_contracts.quantities import Quantity

NOON = datetime(2026, 11, 14, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


class Line:
    """Some meters of one gateway that speak every quarter of an hour, until they do not."""

    def __init__(self, engine: Engine, meters: Sequence[NewMeter]) -> None:
        self.engine = engine
        self.watch = FleetWatch(engine)
        self.meters = meters
        self._seq = 0
        with engine.begin() as connection:
            found_town(connection, meters)

    def speak(self, from_utc: datetime, to_utc: datetime, *silent: str) -> None:
        frames: list[Frame] = []
        for meter in self.meters:
            moment = from_utc
            while meter.meter_id not in silent and moment <= to_utc:
                self._seq += 1
                used = (moment - NOON) / timedelta(hours=1)
                values = {Quantity.VOLUME_M3: round(100.0 + used, 3)}
                device = meter.meter_id.replace("M-", "D-")
                frames.append(frame(self._seq, moment, values, device=device))
                moment += QUARTER
        self.store(frames, to_utc)

    def store(self, frames: Sequence[Frame], now_utc: datetime) -> None:
        """Store the frames as if each had arrived when it was measured."""
        arrived_ms = {each.seq: ms_from_utc(each.measured_at_utc) for each in frames}
        with self.engine.begin() as connection:
            batch = Batch(gateway_id=GATEWAY, epoch=1, frames=frames)
            ReadingStore().store_batches(
                connection, [batch], now_utc, lambda key: arrived_ms[key.seq]
            )

    def look(self, now_utc: datetime) -> Sequence[AlertRecord]:
        self.watch.look(now_utc)
        with reading(self.engine) as connection:
            return list_alerts(connection, AlertFilter(is_open=True, visibility=None))


@pytest.fixture
def line(engine: Engine) -> Line:
    return Line(engine, [new_meter(f"M-{number}") for number in range(1, 6)])


def test_a_silent_meter_is_an_alert_until_it_speaks_again(line: Line) -> None:
    line.speak(at(-4), at(0))
    line.look(at(0.1))
    line.speak(at(0.25), at(2), "M-1")
    early = line.look(at(2))
    line.speak(at(2.25), at(3), "M-1")
    (silent,) = line.look(at(3.1))
    line.speak(at(3.25), at(5))
    line.look(at(4.1))
    (spoke,) = line.look(at(5.1))

    assert early == []
    assert (silent.meter_id, silent.kind, silent.rule) == ("M-1", Kind.COMM_GAP, "silence")
    assert silent.started_at_utc == at(0)
    assert "2 h seen" in silent.evidence.sentence.en
    assert spoke.condition is Condition.RETURNED_UNACKNOWLEDGED


def test_a_frame_without_a_value_breaks_no_silence(line: Line) -> None:
    line.speak(at(-4), at(0))
    line.look(at(0.1))
    line.speak(at(0.25), at(3), "M-1")
    no_answer = Frame(
        seq=10_000,
        device="D-1",
        measured_at_utc=at(2.9),
        profile="tuf_2000m@1",
        group="fast",
        values={},
        quality={Quantity.VOLUME_M3: BAD_TIMEOUT},
    )
    line.store([no_answer], at(3))

    assert [each.meter_id for each in line.look(at(3.1))] == ["M-1"]


def test_a_silent_gateway_is_one_alert_in_the_list_and_none_is_lost(line: Line) -> None:
    line.speak(at(-4), at(0))
    line.look(at(0.1))

    alerts = line.look(at(3))
    shown = [alert for alert in alerts if alert.visibility is Visibility.SHOWN]

    assert len(alerts) == 5
    assert len(shown) == 1
    assert f"4 other meters of gateway {GATEWAY}" in shown[0].evidence.sentence.en
    assert f"网关 {GATEWAY} 的另外 4 块表" in shown[0].evidence.sentence.zh


def test_a_meter_that_stays_silent_when_its_gateway_is_back_is_shown(line: Line) -> None:
    line.speak(at(-4), at(0))
    line.look(at(0.1))
    line.look(at(3))
    line.speak(at(3.25), at(5), "M-5")
    line.look(at(4.1))

    still = [alert for alert in line.look(at(5.1)) if alert.condition is Condition.UNACKNOWLEDGED]

    assert [(alert.meter_id, alert.visibility) for alert in still] == [("M-5", Visibility.SHOWN)]


def test_after_a_start_gateways_are_given_time_to_bring_what_they_kept(line: Line) -> None:
    line.speak(at(-4), at(0))
    line.look(at(0.1))
    with reading(line.engine) as connection:
        deaf_s = longest_pause(connection, at(9), WATERMARK)
    line.watch = FleetWatch(line.engine, deaf_s)

    early = line.look(at(10.9))

    assert deaf_s == (int(at(0).timestamp()), int(at(9).timestamp()))
    assert early == []
    assert len(line.look(at(11.1))) == 5
