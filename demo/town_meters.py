"""Which remotely read meters the town has, of which make, behind which gateway."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import NewType

from demo.chance import key_of
from demo.names import INDUSTRY_NAMES, WATER_SHOPS, WELFARE_NAMES, community_name
from demo.town_places import Place, community_place, place_in_block
from demo.uses import Use
from wire_contracts.quantities import Medium

MeterId = NewType("MeterId", str)
"""The utility's number of a metering point; the device in it has its own serial (R13)."""

GatewayId = NewType("GatewayId", str)

READING_INTERVAL = timedelta(minutes=15)
"""How often the remotely read meters are polled, in town time."""

GATEWAY_COUNT = 20
SUBSTATION_COUNT = 12
WATER_CONSUMER_COUNT = 40
SUBSTATIONS_PER_GATEWAY = 4
WATER_METERS_PER_GATEWAY = 8
FIRST_WATER_GATEWAY = 7
"""The heating branch lies in the north-west (gateways 1 to 3), the water district further east."""


class MeterClass(StrEnum):
    """What the utility bills or balances at this point; detectors have limits per class."""

    HOUSEHOLD = "household"
    PUBLIC_WELFARE = "public_welfare"
    INDUSTRIAL = "industrial"
    SUBSTATION = "substation"
    MAKEUP = "makeup"
    DMA = "dma"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One metering point and the device that is in it.

    Attributes:
        meter_id: The utility's number.
        serial: The device's serial number: the frame's `d`.
        medium: What flows.
        meter_class: Class for billing and detection.
        use: What happens behind it; only the model of consumption looks at this.
        profile: Reference of its register map, such as `fuxin_gas_flow@1`.
        gateway_id: The gateway that polls it.
        device_address: Its Modbus unit on the gateway's link, 1..247.
        community_no: The block it stands in, 1..72.
        name: The customer's name.
        place: Where it stands.
        size: Size as printed on the meter, such as `G65` or `DN80`.
        nominal: Flow at full use in m3/h (gas: at measuring conditions); of a substation its
            heat loss in kW per kelvin.
        start_index_m3: Totaliser at the beginning of the model's time.
        pressure_bara: Absolute pressure of a gas meter, 0 otherwise.
        parent_id: The meter through which its consumption flows too.
        is_mains_powered: Whether a silence is judged by the strict rule.
    """

    meter_id: MeterId
    serial: str
    medium: Medium
    meter_class: MeterClass
    use: Use
    profile: str
    gateway_id: GatewayId
    device_address: int
    community_no: int
    name: str
    place: Place
    size: str
    nominal: float
    start_index_m3: float
    pressure_bara: float = 0.0
    parent_id: MeterId | None = None
    is_mains_powered: bool = True


GAS_PROFILES = (
    "flonidan_uniflo1200_fw28@1",
    "fuxin_gas_flow@1",
    "yinuo_smart_gas@1",
    "cn_precession_vortex_cdab@1",
    "sick_flowsic500@1",
)
"""The five makes of the commercial gas meters (domain model section 7)."""

HEAT_PROFILES = ("tuf_2000m@1", "twoflow_mag11@1")
WATER_PROFILE = "badger_m2000@1"

_SERIAL_PREFIX = {
    "flonidan_uniflo1200_fw28@1": "UF",
    "fuxin_gas_flow@1": "FX",
    "yinuo_smart_gas@1": "YN",
    "cn_precession_vortex_cdab@1": "XJ",
    "sick_flowsic500@1": "FS",
    "tuf_2000m@1": "TUF",
    "twoflow_mag11@1": "MAG",
    WATER_PROFILE: "BM",
}

_WELFARE_SHARE: Sequence[tuple[Use, int, float]] = (
    (Use.SCHOOL, 12, 32.0),
    (Use.KINDERGARTEN, 6, 12.0),
    (Use.HOSPITAL, 4, 70.0),
    (Use.HOTEL, 6, 38.0),
    (Use.RESTAURANT, 15, 16.0),
    (Use.CANTEEN, 6, 22.0),
    (Use.NURSING_HOME, 4, 15.0),
    (Use.BATHHOUSE, 2, 45.0),
)
"""Use, parts of the public-welfare customers, usual full flow in m3/h (own figures)."""

_INDUSTRY_SHARE: Sequence[tuple[Use, int, float]] = (
    (Use.ONE_SHIFT, 8, 110.0),
    (Use.TWO_SHIFTS, 6, 160.0),
    (Use.THREE_SHIFTS, 8, 240.0),
)

_GAS_SIZES = (10, 16, 25, 40, 65, 100, 160, 250, 400, 650)
"""G classes of EN 12480 / EN 1359; Qmax is 1.6 x G m3/h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A commercial gas customer before it gets a meter."""

    use: Use
    meter_class: MeterClass
    nominal: float
    name: str
    community_no: int


def gateway_id(number: int) -> GatewayId:
    """Return the id of gateway 1..20, such as `gw-07`."""
    return GatewayId(f"gw-{number:02d}")


def plan_meters(seed: int, welfare_count: int, industry_count: int) -> list[Meter]:
    """Return every remotely read meter of the town, ordered by gateway and device address."""
    gas = _gas_meters(seed, welfare_count, industry_count)
    meters = [*gas, *_heat_meters(seed), *_water_meters(seed)]
    return _addressed(meters)


def _addressed(meters: Sequence[Meter]) -> list[Meter]:
    """Give the meters of each gateway the device addresses 1, 2, 3 ... on its link."""
    last: Counter[GatewayId] = Counter()
    addressed: list[Meter] = []
    for meter in sorted(meters, key=lambda meter: meter.gateway_id):
        last[meter.gateway_id] += 1
        addressed.append(_with_address(meter, last[meter.gateway_id]))
    return addressed


def _with_address(meter: Meter, device_address: int) -> Meter:
    return replace(meter, device_address=device_address)


def _draw(seed: int, *parts: str | int) -> Random:
    return Random(key_of(seed, *parts))


def _shared_out(total: int, shares: Sequence[tuple[Use, int, float]]) -> list[tuple[Use, float]]:
    """Return `total` uses in the proportion of the shares, mixed in a fixed order."""
    parts = [(use, nominal) for use, part, nominal in shares for _ in range(part)]
    return [parts[index * 7 % len(parts)] for index in range(total)]


def _gas_customers(seed: int, welfare_count: int, industry_count: int) -> list[Customer]:
    draw = _draw(seed, "customers")
    blocks = draw.sample(range(1, 73), 60) + draw.sample(range(1, 73), 60)
    customers: list[Customer] = []
    for index, (use, nominal) in enumerate(_shared_out(welfare_count, _WELFARE_SHARE)):
        names = WELFARE_NAMES[use]
        block = blocks[index]
        customers.append(
            Customer(
                use=use,
                meter_class=MeterClass.PUBLIC_WELFARE,
                nominal=nominal * draw.uniform(0.7, 1.4),
                name=f"{names[index % len(names)]}（{community_name(block)}）",
                community_no=block,
            )
        )
    for index, (use, nominal) in enumerate(_shared_out(industry_count, _INDUSTRY_SHARE)):
        number, name = divmod(index, len(INDUSTRY_NAMES))
        customers.append(
            Customer(
                use=use,
                meter_class=MeterClass.INDUSTRIAL,
                nominal=nominal * draw.uniform(0.7, 1.5),
                name=f"{INDUSTRY_NAMES[name]}有限公司" + ("二厂" if number else ""),
                community_no=64 + index % 9,
            )
        )
    return customers


def _gas_meters(seed: int, welfare_count: int, industry_count: int) -> list[Meter]:
    customers = sorted(
        _gas_customers(seed, welfare_count, industry_count), key=lambda one: one.community_no
    )
    numbers: Counter[MeterClass] = Counter()
    meters: list[Meter] = []
    for index, customer in enumerate(customers):
        numbers[customer.meter_class] += 1
        prefix = "PW" if customer.meter_class is MeterClass.PUBLIC_WELFARE else "IN"
        meter_id = MeterId(f"{prefix}-{numbers[customer.meter_class]:03d}")
        gateway = gateway_id(1 + index * GATEWAY_COUNT // len(customers))
        meters.append(_gas_meter(seed, customer, meter_id, gateway, GAS_PROFILES[index % 5]))
    return meters


def _gas_meter(
    seed: int, customer: Customer, meter_id: MeterId, gateway: GatewayId, profile: str
) -> Meter:
    draw = _draw(seed, "gas", meter_id)
    is_industry = customer.meter_class is MeterClass.INDUSTRIAL
    size = next(size for size in _GAS_SIZES if size * 1.6 >= customer.nominal * 1.3)
    return Meter(
        meter_id=meter_id,
        serial=_serial(profile, draw),
        medium=Medium.GAS,
        meter_class=customer.meter_class,
        use=customer.use,
        profile=profile,
        gateway_id=gateway,
        device_address=0,
        community_no=customer.community_no,
        name=customer.name,
        place=place_in_block(customer.community_no, draw),
        size=f"G{size}",
        nominal=round(customer.nominal, 2),
        start_index_m3=float(draw.randrange(20_000, 900_000)),
        pressure_bara=round(draw.uniform(2.0, 3.4) if is_industry else draw.uniform(1.03, 1.2), 3),
    )


def _serial(profile: str, draw: Random) -> str:
    return f"{_SERIAL_PREFIX[profile]}{draw.randrange(10**7, 10**8)}"


def _heat_meters(seed: int) -> list[Meter]:
    meters: list[Meter] = []
    for index in range(SUBSTATION_COUNT):
        number = index + 1
        draw = _draw(seed, "heat", number)
        profile = HEAT_PROFILES[index % len(HEAT_PROFILES)]
        meters.append(
            Meter(
                meter_id=MeterId(f"HS-{number:02d}"),
                serial=_serial(profile, draw),
                medium=Medium.HEAT,
                meter_class=MeterClass.SUBSTATION,
                use=Use.SUBSTATION,
                profile=profile,
                gateway_id=gateway_id(1 + index // SUBSTATIONS_PER_GATEWAY),
                device_address=0,
                community_no=number,
                name=f"{community_name(number)}换热站",
                place=place_in_block(number, draw),
                size="DN80",
                nominal=round(draw.uniform(11.0, 24.0), 2),
                start_index_m3=float(draw.randrange(5_000, 90_000)),
            )
        )
    return [*meters, _makeup_meter(seed)]


def _makeup_meter(seed: int) -> Meter:
    draw = _draw(seed, "makeup")
    return Meter(
        meter_id=MeterId("MW-01"),
        serial=_serial(WATER_PROFILE, draw),
        medium=Medium.WATER,
        meter_class=MeterClass.MAKEUP,
        use=Use.MAKEUP,
        profile=WATER_PROFILE,
        gateway_id=gateway_id(1),
        device_address=0,
        community_no=1,
        name="热网补水",
        place=place_in_block(1, draw),
        size="DN40",
        nominal=2.4,
        start_index_m3=float(draw.randrange(1_000, 4_000)),
    )


def _water_meters(seed: int) -> list[Meter]:
    draw = _draw(seed, "inflow")
    block = 26
    inflow = Meter(
        meter_id=MeterId("WD-01"),
        serial=_serial(WATER_PROFILE, draw),
        medium=Medium.WATER,
        meter_class=MeterClass.DMA,
        use=Use.DISTRICT_INFLOW,
        profile=WATER_PROFILE,
        gateway_id=gateway_id(FIRST_WATER_GATEWAY),
        device_address=0,
        community_no=block,
        name="城东供水分区进水",
        place=community_place(block),
        size="DN100",
        nominal=1.1,
        start_index_m3=float(draw.randrange(2_000, 6_000)),
    )
    consumers = [
        _water_consumer(seed, number, inflow.meter_id)
        for number in range(1, WATER_CONSUMER_COUNT + 1)
    ]
    return [inflow, *consumers]


def _water_consumer(seed: int, number: int, parent_id: MeterId) -> Meter:
    draw = _draw(seed, "water", number)
    is_shop = number % 7 == 0
    block = 26 + number % 2
    name = WATER_SHOPS[number // 7 % len(WATER_SHOPS)] if is_shop else f"{number}号院住户"
    return Meter(
        meter_id=MeterId(f"WC-{number:02d}"),
        serial=_serial(WATER_PROFILE, draw),
        medium=Medium.WATER,
        meter_class=MeterClass.CONSUMER,
        use=Use.SHOP if is_shop else Use.HOME,
        profile=WATER_PROFILE,
        gateway_id=gateway_id(FIRST_WATER_GATEWAY + (number - 1) // WATER_METERS_PER_GATEWAY),
        device_address=0,
        community_no=block,
        name=name,
        place=place_in_block(block, draw),
        size="DN20",
        nominal=round(draw.uniform(0.10, 0.22), 3),
        start_index_m3=float(draw.randrange(40, 900)),
        parent_id=parent_id,
    )
