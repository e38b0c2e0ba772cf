"""A step of the gateway's clock settles no doubt and lengthens no pause."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edge_gateway.polling.link_io import LinkParts, LinkWorker
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from tests.edge_gateway.rig import MeterServer, from_image, running, until
from tests.edge_gateway.test_modbus_driver import (
    FAST,
    NOON,
    Hands,
    Told,
    alpha,
    driver,
    queue,
    settings,
)
from wire_contracts.quality import SUSPECT_RATE
from wire_contracts.quantities import Quantity

pytestmark = pytest.mark.usefixtures("unhurried")

PROFILE = load_profile("twoflow_mag11@2")
RUNS = {Quantity.FLOW_M3H: 12.5, Quantity.VOLUME_M3: 9876.0, Quantity.ENERGY_KWH: 123456.0}
DAYS = timedelta(days=20_000)


@dataclass
class SetClock:
    """A clock that somebody sets; it runs an hour in a second of the wall's."""

    moved: timedelta = timedelta()
    started_s: float = field(default_factory=time.monotonic)

    def now_utc(self) -> datetime:
        return NOON + self.moved + timedelta(seconds=3600 * (time.monotonic() - self.started_s))

    def wall_seconds(self, seconds: float) -> float:
        return seconds / 3600


@pytest.mark.parametrize("moved", [DAYS, -DAYS])
def test_zeros_are_not_settled_by_a_step_of_the_clock(tmp_path: Path, moved: timedelta) -> None:
    words, clock = dict(encode_values(PROFILE, RUNS)), SetClock()
    told = Told()
    with MeterServer(units={1: from_image(words)}) as plant, queue(tmp_path) as (outbox, frames):
        parts = LinkParts(clock=clock, outbox=outbox, announce=told.announce, is_raw_kept=True)
        worker = LinkWorker(settings(tmp_path, plant.port, PROFILE.reference), parts)
        with running(worker.run):
            until(lambda: len(frames()) >= 2)
            words.update(encode_values(PROFILE, dict.fromkeys(RUNS, 0.0)))
            until(lambda: "total_fell" in told.kinds())
            seen = len(frames())
            clock.moved += moved
            until(lambda: len(frames()) >= seen + 4)
        found = frames()

    assert told.kinds().count("total_fell") == 1
    assert "total_settled" not in told.kinds()
    zeros = [frame for frame in found if dict(frame["v"]).get("volume_m3") == 0.0]  # type: ignore[call-overload]
    assert zeros
    assert all(dict(frame["q"])["volume_m3"] == SUSPECT_RATE for frame in zeros)  # type: ignore[call-overload]


def test_a_refusal_of_1970_is_asked_again_soon_when_the_clock_is_set(tmp_path: Path) -> None:
    meter, clock = alpha(), Hands()
    meter.refused = {4}
    with driver(tmp_path, meter, "alpha@1", clock) as reader:
        for _ in range(4):
            reader.read(FAST, retry_count=0)
            clock.now += timedelta(seconds=5)
        clock.now += DAYS
        reader.clock_moved(DAYS, clock.now - DAYS)
        reader.read(FAST, retry_count=0)
        meter.refused = set()
        clock.now += timedelta(minutes=1)
        read = reader.read(FAST, retry_count=0)

    assert read.values == {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}
