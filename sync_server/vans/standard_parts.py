"""Decides what a van begins with where the office has no list of its own."""

from typing import Final

from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.van import VanPart

_ALL = frozenset(Medium)
_GAS = frozenset({Medium.GAS})
_WET = frozenset({Medium.WATER, Medium.HEAT})


def _part(  # noqa: PLR0913, PLR0917  # one line of a table
    part_id: str, en: str, zh: str, media: frozenset[Medium], quantity: float, least: float
) -> VanPart:
    return VanPart(
        part_id=part_id,
        name=BilingualText(en=en, zh=zh),
        media=media,
        unit="pcs",
        quantity=quantity,
        least=least,
    )


STANDARD_PARTS: Final = (
    _part("gasket-dn20", "Gasket DN 20", "DN20 垫片", _ALL, 20, 5),
    _part("gasket-dn50", "Gasket DN 50", "DN50 垫片", _ALL, 10, 3),
    _part("ball-valve-dn20", "Ball valve DN 20", "DN20 球阀", _ALL, 6, 2),
    _part("ptfe-tape", "Sealing tape", "生料带", _ALL, 10, 3),
    _part("hose-gas-1m", "Gas hose 1 m", "燃气软管 1 米", _GAS, 8, 3),
    _part("regulator-household", "Household regulator", "户用调压器", _GAS, 4, 1),
    _part("repair-clamp-dn50", "Repair clamp DN 50", "DN50 抢修卡", _ALL, 4, 1),
    _part("float-valve", "Float valve", "浮球阀", _WET, 3, 1),
    _part("seal-wire", "Seal and wire", "铅封及封线", _ALL, 50, 10),
)
"""What is used up most, with a shift's need of it (judgement)."""
