"""Under production rules a healthy town is quiet, and a leak is found in its first night."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

import demo.__main__ as demo_main
from demo.__main__ import CHECKED_HISTORY_DAYS
from demo.chance import FloatArray, IntArray
from demo.consumption import models_of
from demo.faults import Fault
from demo.story import night_leak
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.town_meters import Meter, MeterClass
from demo.town_time import SLOT_S
from sync_server.detection.advance import advance
from sync_server.detection.fleet_state import empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.fleet import MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import ReadingBatch, Surroundings
from sync_server.web.build_assets_io import is_built
from wire_contracts.quantities import Medium, Quantity

START_S = int(DEFAULT_START_UTC.timestamp())
FIRST_S = START_S - CHECKED_HISTORY_DAYS * 86_400
FIRST_MORNING_S = START_S + 11 * 3600
"""07:05 in the town: the shown leak is found while the school is still shut."""

QUIET_DAYS = 8
LOOK_S = 300
_ROLES = {MeterClass.DMA: Role.DMA, MeterClass.MAKEUP: Role.MAKEUP}


def found_until(town: Town, end_s: int, faults: Sequence[Fault] = ()) -> Sequence[Candidate]:
    """Return what the detectors raise that look day by day, and every hour from the start on."""
    fleet = fleet_of(
        [
            MeterSpec(
                meter_id=str(meter.meter_id),
                medium=meter.medium,
                role=_ROLES.get(meter.meter_class, Role.CONSUMER),
                interval_s=SLOT_S,
                is_mains_powered=meter.is_mains_powered,
            )
            for meter in town.meters
        ]
    )
    state, found = empty_state(fleet), list[Candidate]()
    measured_s = np.arange(FIRST_S, end_s, SLOT_S, dtype=np.int64)
    models = models_of(town, faults)
    columns = [
        _columns(meter, models[meter.meter_id].series(measured_s * 1000)) for meter in town.meters
    ]
    whole = np.stack(columns)
    looks = [*range(FIRST_S + 86_400, START_S, 86_400), *range(START_S, end_s + 3600, 3600)]
    before_s = FIRST_S - 1
    for look_s in looks:
        inside = (measured_s > before_s) & (measured_s <= look_s)
        batch = _batch(measured_s[inside], whole[:, :, inside])
        step = advance(fleet, state, batch, Surroundings(), look_s + LOOK_S)
        state, before_s = step.state, look_s
        found += [each for each in step.candidates if each.is_raised]
    return found


_VOLUME = {
    Medium.GAS: Quantity.VOLUME_BASE_M3,
    Medium.WATER: Quantity.VOLUME_M3,
    Medium.HEAT: Quantity.VOLUME_M3,
}
_HEAT = (
    Quantity.ENERGY_KWH,
    Quantity.FLOW_M3H,
    Quantity.POWER_KW,
    Quantity.SUPPLY_TEMP_DEGC,
    Quantity.RETURN_TEMP_DEGC,
)


def _columns(meter: Meter, series: Mapping[Quantity, FloatArray]) -> FloatArray:
    names = (_VOLUME[meter.medium], *_HEAT)
    nothing = np.full(len(next(iter(series.values()))), np.nan)
    is_heat = meter.medium is Medium.HEAT
    return np.stack(
        [series[name] if at == 0 or is_heat else nothing for at, name in enumerate(names)]
    )


def _batch(measured_s: IntArray, columns: FloatArray) -> ReadingBatch:
    meters, count = len(columns), len(measured_s)
    volume, energy, flow, power, supply, back = columns.transpose(1, 0, 2).reshape(6, -1)
    return ReadingBatch(
        row=np.repeat(np.arange(meters), count),
        measured_s=np.tile(measured_s, meters),
        received_s=np.tile(measured_s + 20, meters),
        volume_m3=volume,
        energy_kwh=energy,
        flow_m3h=flow,
        power_kw=power,
        supply_temp_degc=supply,
        return_temp_degc=back,
        info=np.zeros(meters * count, dtype=np.int64),
    )


def test_a_healthy_town_raises_nothing(town: Town) -> None:
    assert found_until(town, START_S + QUIET_DAYS * 86_400) == []


def test_the_story_s_leak_is_found_in_its_first_night_and_only_it(town: Town) -> None:
    leaks = [night_leak(town, DEFAULT_START_UTC, number) for number in (1, 2, 3)]

    found = found_until(town, FIRST_MORNING_S, leaks)

    assert {each.meter_id for each in found} == {str(leak.meter_id) for leak in leaks}


def test_a_town_whose_pages_have_no_libraries_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", "--reset", "--data", str(tmp_path / "town")])
    monkeypatch.setattr(demo_main, "is_built", lambda: is_built(vendor=tmp_path))

    assert demo_main.main() == 0
    assert "python -m sync_server.web.build_assets_io" in capsys.readouterr().err
