"""The shape in which the models of the media hand over their days."""

from collections.abc import Mapping
from dataclasses import dataclass

from demo.chance import FloatArray
from wire_contracts.quantities import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some days of one meter, every array of shape (days, 96).

    Attributes:
        counted: What each totaliser gains in each slot, in its canonical unit.
        shown: What the meter shows during each slot: flows, temperatures, pressure, power.
    """

    counted: Mapping[Quantity, FloatArray]
    shown: Mapping[Quantity, FloatArray]
