"""The faults of the demo's story stand at meters that exist and can be found."""

from datetime import timedelta
from pathlib import Path

from demo.consumption import MeterModel, supply_of
from demo.faults import FaultKind
from demo.faults_io import TruthFile
from demo.story import night_leak, standing_faults
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.uses import Use
from wire_contracts.quantities import Quantity


def test_every_leak_of_the_story_is_at_another_school(town: Town) -> None:
    leaks = [night_leak(town, DEFAULT_START_UTC, number) for number in (1, 2, 3)]

    assert {town.meter(leak.meter_id).use for leak in leaks} == {Use.SCHOOL}
    assert len({leak.meter_id for leak in leaks}) == 3
    assert len({leak.fault_id for leak in leaks}) == 3
    assert all(0.5 <= leak.flow_m3h <= 2.0 for leak in leaks)


def test_the_standing_faults_are_at_different_meters_and_none_is_a_leak(town: Town) -> None:
    faults = standing_faults(town, DEFAULT_START_UTC)

    assert {fault.kind for fault in faults} == {
        FaultKind.SLOW,
        FaultKind.STOPPED,
        FaultKind.SILENT,
    }
    assert len({fault.meter_id for fault in faults}) == len(faults)
    assert all(town.meter(fault.meter_id) for fault in faults)


def test_a_leak_of_a_second_run_leaves_the_first_in_the_total(town: Town, tmp_path: Path) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    first = night_leak(town, DEFAULT_START_UTC)
    meter = town.meter(first.meter_id)
    later = DEFAULT_START_UTC + timedelta(days=2)
    truth.inject(first)
    truth.repair(first.fault_id, DEFAULT_START_UTC + timedelta(days=1))
    before = MeterModel(supply_of(town, meter, truth.faults())).quantities(later)

    truth.inject(night_leak(town, later))

    after = MeterModel(supply_of(town, meter, truth.faults())).quantities(later)
    assert len(truth.faults()) == 2
    assert after[Quantity.VOLUME_BASE_M3] == before[Quantity.VOLUME_BASE_M3]


def test_no_total_falls_while_the_meters_learn_of_a_repair(town: Town, tmp_path: Path) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    leak = night_leak(town, DEFAULT_START_UTC)
    meter = town.meter(leak.meter_id)
    repaired = DEFAULT_START_UTC + timedelta(hours=7, minutes=14, seconds=50)
    learned = repaired + timedelta(minutes=5)
    truth.inject(leak)
    still_leaking = MeterModel(supply_of(town, meter, truth.faults())).quantities(learned)

    truth.repair(leak.fault_id, repaired)

    tight = MeterModel(supply_of(town, meter, truth.faults()))
    assert tight.quantities(learned) == still_leaking
    assert tight.quantities(repaired + timedelta(minutes=30))[Quantity.FLOW_BASE_M3H] == 0.0
