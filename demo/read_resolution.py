"""How finely a reading comes out of the registers of each make of meter."""

from collections.abc import Mapping

import numpy as np

from demo.chance import FloatArray
from demo.town_meters import WATER_PROFILE
from wire_contracts.quantities import TOTALISERS, Quantity

_DECIMALS = 4
_SINGLE_FLOAT_TOTALS = frozenset({WATER_PROFILE})
"""Makes whose totals are single floats, as their register maps say."""


def as_read(profile: str, series: Mapping[Quantity, FloatArray]) -> Mapping[Quantity, FloatArray]:
    """Return the series as a gateway would have read it, so that no total falls at the seam."""
    return {name: _rounded(profile, name, values) for name, values in series.items()}


def _rounded(profile: str, name: Quantity, values: FloatArray) -> FloatArray:
    if name in TOTALISERS and profile in _SINGLE_FLOAT_TOTALS:
        return values.astype(np.float32).astype(np.float64)
    return np.round(values, _DECIMALS)
