"""The faults of the demo's story stand at meters that exist and can be found."""

from demo.faults import FaultKind
from demo.story import night_leak, standing_faults
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.uses import Use


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
