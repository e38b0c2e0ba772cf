"""A leak of water whose alert waits for a person: no rule makes an order of it (RULINGS R8)."""

from datetime import datetime

from demo.faults import Fault, FaultKind
from demo.town import Town
from demo.town_meters import MeterClass
from wire_contracts.quantities import Medium

WATER_LEAK_ID = "water-leak"

WATER_LEAK_M3H = 0.12
"""A cistern that does not close: 120 litres an hour, all night."""


def water_leak(town: Town, start_utc: datetime) -> Fault:
    """Return the leak of the first metered consumer of the water district."""
    meter = next(
        each
        for each in town.meters
        if each.medium is Medium.WATER and each.meter_class is MeterClass.CONSUMER
    )
    return Fault(
        fault_id=WATER_LEAK_ID,
        meter_id=meter.meter_id,
        kind=FaultKind.LEAK,
        start_utc=start_utc,
        flow_m3h=WATER_LEAK_M3H,
    )
