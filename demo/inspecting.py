"""Decides what the demo's inspectors find: most is in order, a little is not, the same each time.

No find is of severity 1: that makes an order at once, and the town's story has its own.
"""

from collections.abc import Mapping
from dataclasses import replace

from field_app.patrols.home_check import Sheet
from wire_contracts.home_checks import CheckItem, NoticeOutcome
from wire_contracts.patrol_facts import Defect, PatrolPoint, PointOutcome, WellEntry
from wire_contracts.patrols import Checkpoint, CheckpointKind, Measure

HOMES_TO_CHECK = 8
"""Of the 48 on the list: what a pair checks in two hours."""

_USUAL: Mapping[Measure, float] = {
    Measure.GAS_LEL_PCT: 0.0,
    Measure.WELL_WATER_CM: 4.0,
    Measure.INLET_PRESSURE_KPAG: 248.0,
    Measure.OUTLET_PRESSURE_KPAG: 2.4,
}
"""Within the limits of `demo.inspections`."""

_FLOODED_STOP, _BLOCKED_STOP, _WORN_STOP = 2, 5, 10
"""The third stop is a well under water, on the sixth a car stands, the eleventh is worn."""

_HAZARDS: Mapping[int, tuple[CheckItem, str]] = {
    2: (CheckItem.HOSE, "胶管老化开裂，超过两年。Hose cracked, older than two years."),
    6: (CheckItem.GAS_ALARM, "未安装燃气报警器。No gas alarm."),
}
"""Which homes have a hazard, counted from the first one: severity 2 and 3."""

_EMPTY_HOME = 4


def point_found(run_id: str, number: int, stop_id: str, stop: Checkpoint) -> PatrolPoint:
    """Return what is found at a stop.

    Args:
        run_id: The run.
        number: The stop's place on the route, 0 for the first.
        stop_id: The checkpoint.
        stop: What the office says of it.
    """
    well = PatrolPoint(
        run_id=run_id,
        plan_id=None,
        checkpoint_id=stop_id,
        outcome=PointOutcome.OK,
        values={limit.measure: _USUAL[limit.measure] for limit in stop.limits},
        entry=WellEntry.STAYED_OUTSIDE if stop.kind is CheckpointKind.VALVE_WELL else None,
    )
    if number == _BLOCKED_STOP:
        reason = "车辆压住井盖。A car stands on the cover."
        return replace(
            well, outcome=PointOutcome.NOT_REACHABLE, values={}, reason=reason, entry=None
        )
    if number == _WORN_STOP:
        defect = Defect(severity=3, note="箱门合页松动。Hinge of the door is loose.")
        return replace(well, outcome=PointOutcome.DEFECT, defect=defect)
    if number == _FLOODED_STOP and Measure.WELL_WATER_CM in well.values:
        return replace(
            well,
            outcome=PointOutcome.DEFECT,
            values={**well.values, Measure.WELL_WATER_CM: 35.0},
            beyond=(Measure.WELL_WATER_CM,),
            defect=Defect(severity=2, note="井内积水，需抽排。Water in the well, to be pumped."),
        )
    return well


def sheet_found(number: int) -> Sheet | None:
    """Return what is found in a home, None when nobody opens; 0 is the first home."""
    if number == _EMPTY_HOME:
        return None
    well = Sheet(answers=dict.fromkeys(CheckItem, True))
    if number not in _HAZARDS:
        return well
    item, note = _HAZARDS[number]
    return replace(
        well,
        answers={**well.answers, item: False},
        notes={item: note},
        notice=NoticeOutcome.REFUSED,
    )
