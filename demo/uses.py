"""What a customer uses its medium for: hourly shapes of a working day and of a day of rest."""

from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """What happens behind a meter."""

    SCHOOL = "school"
    KINDERGARTEN = "kindergarten"
    HOSPITAL = "hospital"
    HOTEL = "hotel"
    RESTAURANT = "restaurant"
    CANTEEN = "canteen"
    NURSING_HOME = "nursing_home"
    BATHHOUSE = "bathhouse"
    ONE_SHIFT = "one_shift"
    TWO_SHIFTS = "two_shifts"
    THREE_SHIFTS = "three_shifts"
    SUBSTATION = "substation"
    MAKEUP = "makeup"
    DISTRICT_INFLOW = "district_inflow"
    HOME = "home"
    SHOP = "shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much of the nominal flow runs, hour by hour.

    Attributes:
        workday: 24 digits, tenths of the nominal flow from 00:00 on, Monday to Friday.
        weekend: The same for Saturday and Sunday.
        duty: 24 digits, tenths of the quarters of an hour in which the burner or tap runs at
            all; 9 means always. Taps of one home are mostly shut, and all of them at night.
        spread: Half width of the chance factor of a quarter.
        cold_share_per_k: Extra use per kelvin below 15 degC outdoors.
    """

    workday: str
    weekend: str
    duty: str = "9" * 24
    spread: float = 0.25
    cold_share_per_k: float = 0.0


SHAPES: dict[Use, Shape] = {
    Use.SCHOOL: Shape(workday="000003863268951112685100", weekend="000000000000000000000000"),
    Use.KINDERGARTEN: Shape(workday="000000593168931146200000", weekend="0" * 24),
    Use.HOSPITAL: Shape(
        workday="333336897789976678998654",
        weekend="333336787678865567887654",
        spread=0.2,
        cold_share_per_k=0.02,
    ),
    Use.HOTEL: Shape(
        workday="422224899654776545889986",
        weekend="422223689976887656889986",
        spread=0.2,
        cold_share_per_k=0.015,
    ),
    Use.RESTAURANT: Shape(
        workday="000000123369994237998400",
        weekend="000000123469996458999610",
        cold_share_per_k=0.005,
    ),
    Use.CANTEEN: Shape(workday="000026852269951125862000", weekend="000000312245731113420000"),
    Use.NURSING_HOME: Shape(
        workday="000038863368963225886300",
        weekend="000038863368963225886300",
        cold_share_per_k=0.02,
    ),
    Use.BATHHOUSE: Shape(
        workday="000000022334456789998500",
        weekend="000000124456678899999600",
        cold_share_per_k=0.01,
    ),
    Use.ONE_SHIFT: Shape(workday="000000158998799982000000", weekend="000000023333333320000000"),
    Use.TWO_SHIFTS: Shape(workday="100000589999899999998852", weekend="000000245555455554000000"),
    Use.THREE_SHIFTS: Shape(
        workday="888888899999999999998888",
        weekend="777777788888888888877777",
        spread=0.12,
    ),
    Use.MAKEUP: Shape(workday="2" * 24, weekend="2" * 24, spread=0.2, cold_share_per_k=0.01),
    Use.HOME: Shape(
        workday="211113787654676555789875",
        weekend="321112468877776666789876",
        duty="100001454322332223455432",
        spread=0.9,
    ),
    Use.SHOP: Shape(
        workday="000000012566667766665310", weekend="000000012677778877776420", spread=0.5
    ),
}
"""Own figures, drawn to look like kitchens, boilers and shifts; METHODS 3 (legitimate
use is 10 to 30 % of a district's night flow) bounds the nights of homes."""

SUBSTATION_SHAPE = Shape(
    workday="333346896543443345789965", weekend="333334578765554456789975", spread=0.3
)
"""Hot-water share of a substation's load."""
