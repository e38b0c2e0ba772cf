"""Owns the shape in which readings, weather and known events enter detection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum

from sync_server.detection.meters.columns import Floats, Ints
from wire_contracts.kinds import Family


class Info(IntFlag):
    """What the meter says of itself, put into one vocabulary for all makers.

    Evidence beside the statistics, never alone: makers set and clear these bits by rules of
    their own.
    """

    NONE = 0
    LEAK = 1
    BURST = 2
    REVERSE_FLOW = 4
    SENSOR_FAULT = 8
    TAMPER = 16
    AIR = 32
    BATTERY_LOW = 64
    NO_FLOW = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingBatch:
    """N readings in any order; a quantity that was not read is NaN, never zero.

    Attributes:
        row: N rows of the fleet.
        measured_s: N instants by the meter's (or gateway's) stamp, seconds since 1970.
        received_s: N instants at which the server had it; `detected_at` is on this clock.
        volume_m3: N volume registers.
        energy_kwh: N energy registers.
        flow_m3h: N instantaneous flows.
        power_kw: N instantaneous powers.
        supply_temp_degc: N supply temperatures.
        return_temp_degc: N return temperatures.
        info: N sets of `Info` bits.
    """

    row: Ints
    measured_s: Ints
    received_s: Ints
    volume_m3: Floats
    energy_kwh: Floats
    flow_m3h: Floats
    power_kw: Floats
    supply_temp_degc: Floats
    return_temp_degc: Floats
    info: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class OutdoorSeries:
    """Outdoor temperature of one station: consecutive hours, NaN where not known.

    Attributes:
        first_hour_s: Start of the first hour, seconds since 1970.
        temp_degc: Mean or spot value of each hour.
    """

    first_hour_s: int
    temp_degc: Floats


class Known(StrEnum):
    """What the service side knows of a meter."""

    VACANT = "vacant"
    EXCHANGED = "exchanged"
    SHUT_OFF = "shut_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSpan:
    """A meter is known to stand empty, to be exchanged or shut off in [from_s, to_s)."""

    row: int
    known: Known
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What detection may look at beside the readings.

    Attributes:
        weather: Series by `MeterSpec.weather_id`; without one the meter is judged without
            weather, which the candidate's quality says (`no_weather`).
        known: Vacancies, exchanges and shut-offs.
        deaf_s: From when to when the server itself was away, seconds since 1970: such time is no
            meter's silence.
        multipliers: Factors on the thresholds of a row and family from crews' findings; 1 where
            none is listed. A candidate's score is divided by it (RULINGS R6 bounds it for gas).
    """

    weather: Mapping[str, OutdoorSeries] = field(default_factory=dict[str, OutdoorSeries])
    known: Sequence[KnownSpan] = ()
    deaf_s: tuple[int, int] = (0, 0)
    multipliers: Mapping[tuple[int, Family], float] = field(
        default_factory=dict[tuple[int, Family], float]
    )
