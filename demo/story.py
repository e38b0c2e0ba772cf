"""What goes wrong in the demo's story, where, and when; the truth that the crew will find."""

from datetime import datetime, timedelta

from demo.chance import key_of
from demo.faults import Fault, FaultKind
from demo.town import Town
from demo.town_meters import Meter
from demo.uses import Use

NIGHT_LEAK_M3H = 1.2
"""A cracked connection at low pressure: within 0.5 to 2 m3/h, far below a kitchen's full flow."""

_SLOW_SHARE = 0.84
"""Domain model section 7: slow meters count 8 to 25 % too little."""


def night_leak(town: Town, start_utc: datetime, number: int = 1) -> Fault:
    """Return a leak behind the meter of a school: shut at night, so that the leak stands alone.

    Its name holds its start: a second run's leak must not undo what the first had let through.

    Args:
        town: The town.
        start_utc: From when; it shows from the next quarter of an hour on.
        number: 1 for the first leak of the story, 2 for another school, and so on.
    """
    schools = _used_as(town, Use.SCHOOL)
    school = schools[(key_of(town.seed, "leak") + number) % len(schools)]
    return Fault(
        fault_id=f"night-leak-{number}-{start_utc:%Y%m%dT%H%M%S}",
        meter_id=school.meter_id,
        kind=FaultKind.LEAK,
        start_utc=start_utc,
        flow_m3h=NIGHT_LEAK_M3H,
    )


def standing_faults(town: Town, start_utc: datetime) -> list[Fault]:
    """Return what is wrong already when the town starts, apart from the story's leak.

    A slow meter at a factory, a stopped one at a restaurant, and a water meter that falls silent
    an hour after the start.
    """
    return [
        Fault(
            fault_id="slow-factory",
            meter_id=_used_as(town, Use.TWO_SHIFTS)[0].meter_id,
            kind=FaultKind.SLOW,
            start_utc=start_utc - timedelta(days=9),
            share=_SLOW_SHARE,
        ),
        Fault(
            fault_id="stopped-restaurant",
            meter_id=_used_as(town, Use.RESTAURANT)[0].meter_id,
            kind=FaultKind.STOPPED,
            start_utc=start_utc - timedelta(days=1),
        ),
        Fault(
            fault_id="silent-home",
            meter_id=_used_as(town, Use.HOME)[-1].meter_id,
            kind=FaultKind.SILENT,
            start_utc=start_utc + timedelta(hours=1),
        ),
    ]


def _used_as(town: Town, use: Use) -> list[Meter]:
    return [meter for meter in town.meters if meter.use is use]
