"""The meters on real sockets show what the model says, under the faults of the moment."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from demo.consumption import MeterModel, supply_of
from demo.faults import Fault, FaultKind
from demo.faults_io import TruthFile
from demo.meters_io import TownMeters
from demo.read_resolution import MAKES
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.town_meters import Meter
from firmware_profiles.decode import decode_group
from firmware_profiles.library_io import load_profile
from firmware_profiles.simulator_io import LOOPBACK
from firmware_profiles.spans import group_spans
from wire_contracts.quantities import Quantity

FAST = "fast"
NOON = DEFAULT_START_UTC + timedelta(hours=14)
PATIENCE_S = 60.0


class StandingClock:
    """A town clock that stands until it is set."""

    def __init__(self, now_utc: datetime) -> None:
        self.time_utc = now_utc

    def now_utc(self) -> datetime:
        return self.time_utc

    def wall_seconds(self, seconds: float) -> float:
        return seconds / 900.0


def read_words(meter: Meter, port: int, timeout_s: float = 30.0) -> Mapping[tuple[int, int], int]:
    """Read the spans of a meter over a real socket, as a gateway does."""
    profile = load_profile(meter.profile)
    image: dict[tuple[int, int], int] = {}
    with ModbusTcpClient(LOOPBACK, port=port, timeout=timeout_s, retries=0) as client:
        for span in group_spans(profile, FAST):
            is_holding = span.function_code == 3
            read = client.read_holding_registers if is_holding else client.read_input_registers
            answer = read(span.address, count=span.word_count, device_id=meter.device_address)
            for offset, word in enumerate(answer.registers):
                image[span.function_code, span.address + offset] = word
    return image


def read_meter(meter: Meter, port: int) -> Mapping[Quantity, float]:
    """Read a meter and decode it with the profile that its gateway believes in."""
    decoded = decode_group(load_profile(meter.profile), FAST, read_words(meter, port), {})
    assert decoded.quality == {}
    return decoded.values


def test_every_meter_of_the_town_shows_over_a_socket_what_it_has_counted(
    town: Town, tmp_path: Path
) -> None:
    clock = StandingClock(NOON)
    with TownMeters(town, clock, TruthFile(tmp_path / "truth.jsonl")) as meters:
        shown = {
            meter.meter_id: read_meter(meter, meters.ports[meter.gateway_id])
            for meter in town.meters
        }

    assert len(shown) == 131
    for meter in town.meters:
        expected = MeterModel(supply_of(town, meter)).quantities(NOON)
        sent = MAKES[meter.profile].sent
        assert sent <= shown[meter.meter_id].keys()
        for name in sent:
            # 24 bits of a single float, or half a step of 0.1 m3.
            tolerance = 0.0501 if name is Quantity.VOLUME_BASE_M3 else 0.0051
            assert shown[meter.meter_id][name] == pytest.approx(
                expected[name], rel=1e-7, abs=tolerance
            )


def test_the_registers_follow_the_clock(town: Town, tmp_path: Path) -> None:
    clock = StandingClock(NOON)
    meter = town.meter("HS-01")
    with TownMeters(town, clock, TruthFile(tmp_path / "truth.jsonl")) as meters:
        port = meters.ports[meter.gateway_id]
        before = read_meter(meter, port)[Quantity.ENERGY_KWH]
        clock.time_utc = NOON + timedelta(hours=1)
        after = read_meter(meter, port)[Quantity.ENERGY_KWH]

    assert after - before > 50.0


def test_a_leak_that_is_injected_while_the_meters_run_shows_in_the_registers(
    town: Town, tmp_path: Path
) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    clock = StandingClock(NOON)
    meter = next(each for each in town.meters if each.use == "school")
    with TownMeters(town, clock, truth) as meters:
        port = meters.ports[meter.gateway_id]
        before = read_meter(meter, port)[Quantity.FLOW_BASE_M3H]
        truth.inject(
            Fault(
                fault_id="leak-1",
                meter_id=meter.meter_id,
                kind=FaultKind.LEAK,
                start_utc=NOON - timedelta(hours=1),
                flow_m3h=2.0,
            )
        )
        deadline = time.monotonic() + PATIENCE_S
        now = before
        while now < before + 1.5 and time.monotonic() < deadline:
            clock.time_utc += timedelta(seconds=30)
            now = read_meter(meter, port)[Quantity.FLOW_BASE_M3H]

    assert now >= before + 1.5


def test_a_silent_meter_answers_nobody_while_its_neighbour_does(town: Town, tmp_path: Path) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    silent, neighbour = town.meters_of("gw-05")[:2]
    truth.inject(
        Fault(
            fault_id="silent-1",
            meter_id=silent.meter_id,
            kind=FaultKind.SILENT,
            start_utc=NOON - timedelta(minutes=1),
        )
    )
    with TownMeters(town, StandingClock(NOON), truth) as meters:
        port = meters.ports["gw-05"]
        with pytest.raises(ModbusIOException):
            read_words(silent, port, timeout_s=0.5)
        answer = read_meter(neighbour, port)

    assert answer


def test_a_device_with_another_register_map_than_believed_does_not_show_its_temperature(
    town: Town, tmp_path: Path
) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    vortex = next(each for each in town.meters if "vortex" in each.profile)
    truth.inject(
        Fault(
            fault_id="swapped-1",
            meter_id=vortex.meter_id,
            kind=FaultKind.WRONG_PROFILE,
            start_utc=NOON - timedelta(days=1),
            profile=vortex.profile.replace("cdab", "abcd"),
        )
    )
    expected = MeterModel(supply_of(town, vortex)).quantities(NOON)[Quantity.TEMPERATURE_DEGC]
    with TownMeters(town, StandingClock(NOON), truth) as meters:
        image = read_words(vortex, meters.ports[vortex.gateway_id])
    believed = decode_group(load_profile(vortex.profile), FAST, image, {})
    real = decode_group(load_profile(vortex.profile.replace("cdab", "abcd")), FAST, image, {})

    assert real.values[Quantity.TEMPERATURE_DEGC] == pytest.approx(expected, rel=1e-6)
    assert believed.values.get(Quantity.TEMPERATURE_DEGC) != pytest.approx(expected, abs=1.0)


def test_wanted_ports_are_kept_over_a_restart(town: Town, tmp_path: Path) -> None:
    clock = StandingClock(NOON)
    truth = TruthFile(tmp_path / "truth.jsonl")
    with TownMeters(town, clock, truth) as first:
        ports = dict(first.ports)

    with TownMeters(town, clock, truth, ports) as second:
        assert second.ports == ports
