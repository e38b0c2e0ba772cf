"""Decides whether the values of a heat meter fit each other: a wrong unit or prefix does not.

Only hints for a person: nothing here changes a value or its quality, because a meter that was set
back, or that measures cold as well, is right and does not fit.
"""

from collections.abc import Iterator, Mapping

from wire_contracts.quantities import Quantity

KWH_PER_M3_K = 1.163
"""Heat that a cubic metre of water takes per kelvin: 4.187 kJ/(kg K) times 1000 kg/m3, in kWh;
EN 1434-1 heat coefficients at 20 to 80 degC are within 4 % of it."""

MOST_OFF = 3.0
"""A ratio beyond this is no inaccuracy and no other instant but a unit: the nearest, GJ for MWh,
is off by 3.6."""

LEAST_DIFF_K = 3.0
LEAST_POWER_KW = 1.0
"""Below these the ratio says nothing: sensors of 0.1 K and averages of a minute (judgement)."""

LEAST_MEAN_K = 0.2
MOST_MEAN_K = 250.0
LEAST_VOLUME_M3 = 10.0
"""What the whole life of a heat meter can mean: energy over volume is its mean difference of
temperatures, some 5 to 60 K. A unit that is off by 277.8 or 1000 leaves these bounds; one that is
off by 3.6 does not."""


def cross_hints(values: Mapping[Quantity, float]) -> tuple[str, ...]:
    """Return a sentence for each pair of values that no one meter can mean, canonical units."""
    return (*_power_hint(values), *_energy_hint(values))


def _power_hint(values: Mapping[Quantity, float]) -> Iterator[str]:
    flow, power = values.get(Quantity.FLOW_M3H), values.get(Quantity.POWER_KW)
    diff = _difference(values)
    if flow is None or power is None or diff is None or abs(diff) < LEAST_DIFF_K:
        return
    expected = abs(flow * diff) * KWH_PER_M3_K
    if expected < LEAST_POWER_KW or not power:
        return
    ratio = abs(power) / expected
    if not 1 / MOST_OFF <= ratio <= MOST_OFF:
        yield (
            f"units? power_kw is {ratio:.3g} times what flow and temperatures give "
            f"({expected:.4g} kW); compare with the display, another variant of the profile may fit"
        )


def _difference(values: Mapping[Quantity, float]) -> float | None:
    supply = values.get(Quantity.SUPPLY_TEMP_DEGC)
    back = values.get(Quantity.RETURN_TEMP_DEGC)
    if supply is None or back is None:
        return values.get(Quantity.TEMP_DIFF_K)
    return supply - back


def _energy_hint(values: Mapping[Quantity, float]) -> Iterator[str]:
    energy, volume = values.get(Quantity.ENERGY_KWH), values.get(Quantity.VOLUME_M3)
    if not energy or volume is None or volume < LEAST_VOLUME_M3:
        return
    mean = abs(energy) / (volume * KWH_PER_M3_K)
    if not LEAST_MEAN_K <= mean <= MOST_MEAN_K:
        yield (
            f"units? energy_kwh over volume_m3 means {mean:.3g} K between supply and return over "
            "the meter's life; compare with the display, another variant of the profile may fit"
        )
