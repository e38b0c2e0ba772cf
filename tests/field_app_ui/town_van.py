"""What the office sends of a crew's van: its parts and its detectors, one of them overdue."""

from datetime import date

from wire_contracts.fields import JsonObject
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.van import ENTITY, AirValue, GasDetector, Van, VanPart, van_json


def van(*parts: VanPart) -> tuple[str, str, JsonObject]:
    """Return the row of the crew's van: `GX-7` was due yesterday, `GX-9` next year."""
    detectors = [
        GasDetector(
            detector_id=detector_id,
            model="4-gas",
            values=frozenset({AirValue.OXYGEN_PCT, AirValue.LEL_PCT}),
            calibrated_until=until,
        )
        for detector_id, until in (("GX-7", date(2026, 11, 20)), ("GX-9", date(2027, 4, 30)))
    ]
    return ENTITY, "crew-3", van_json(Van(parts=parts, detectors=detectors))


def van_part() -> VanPart:
    """Return a part of which two are left, of at least three."""
    return VanPart(
        part_id="ring-25",
        name=BilingualText(en="Sealing ring DN 25", zh="密封圈 DN 25"),
        media=frozenset({Medium.GAS}),
        unit="pcs",
        quantity=2,
        least=3,
    )
