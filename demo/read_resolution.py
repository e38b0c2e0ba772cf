"""What each make of meter sends, and how finely its totals come out of its registers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from demo.chance import FloatArray
from wire_contracts.quantities import TOTALISERS, Quantity

_DECIMALS = 4
"""Of everything that is not a total, and of totals that have four decimals or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """One make of meter.

    Attributes:
        sent: The quantities that its profile sends every quarter of an hour.
        steps: Totals that count in coarser steps than four decimals.
        is_single_float: Whether its totals are single floats.
    """

    sent: frozenset[Quantity]
    steps: Mapping[Quantity, float]
    is_single_float: bool = False


_Q = Quantity
_BASE = frozenset({_Q.VOLUME_BASE_M3, _Q.FLOW_BASE_M3H, _Q.TEMPERATURE_DEGC})
_BOTH = _BASE | {_Q.VOLUME_ACTUAL_M3, _Q.FLOW_ACTUAL_M3H}
_HEAT = frozenset(
    {
        _Q.VOLUME_M3,
        _Q.FLOW_M3H,
        _Q.ENERGY_KWH,
        _Q.POWER_KW,
        _Q.SUPPLY_TEMP_DEGC,
        _Q.RETURN_TEMP_DEGC,
    }
)
_LITRE = 0.001

MAKES: Mapping[str, Make] = {
    "flonidan_uniflo1200_fw28@1": Make(sent=_BOTH | {_Q.PRESSURE_BARA}, steps={}),
    "fuxin_gas_flow@1": Make(sent=_BOTH | {_Q.PRESSURE_BARA}, steps={}),
    "yinuo_smart_gas@1": Make(sent=_BOTH, steps={}),
    "cn_precession_vortex_cdab@1": Make(sent=_BASE, steps={}),
    "sick_flowsic500@1": Make(
        sent=_BOTH | {_Q.PRESSURE_BARA},
        steps={_Q.VOLUME_ACTUAL_M3: 0.01, _Q.VOLUME_BASE_M3: 0.1},
    ),
    "tuf_2000m@1": Make(sent=_HEAT, steps={}),
    "twoflow_mag11@1": Make(
        sent=_HEAT | {_Q.TEMP_DIFF_K}, steps={_Q.VOLUME_M3: _LITRE, _Q.ENERGY_KWH: 0.001}
    ),
    "badger_m2000@1": Make(
        sent=frozenset({_Q.VOLUME_M3, _Q.FLOW_M3H}), steps={}, is_single_float=True
    ),
}
"""Held against the profiles themselves by a test."""


def as_read(profile: str, series: Mapping[Quantity, FloatArray]) -> Mapping[Quantity, FloatArray]:
    """Return the series as a gateway would have read it, so that no total falls at the seam."""
    make = MAKES[profile]
    return {
        name: _rounded(make, name, values)
        for name, values in sorted(series.items())
        if name in make.sent
    }


def _rounded(make: Make, name: Quantity, values: FloatArray) -> FloatArray:
    step = make.steps.get(name)
    if step is not None:
        return np.round(np.round(values / step) * step, _DECIMALS)
    if make.is_single_float and name in TOTALISERS:
        return values.astype(np.float32).astype(np.float64)
    return np.round(values, _DECIMALS)
