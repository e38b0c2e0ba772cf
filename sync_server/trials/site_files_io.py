"""Reads what detection can use of a site beside its readings: traits of meters, prices."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sync_server.assets.assets import MeterClass
from sync_server.detection.telling.effects import Price
from sync_server.detection.watch.fleet_store import MeterTrait
from sync_server.detection.watch.price_store import PriceRow
from sync_server.trials.csv_rows_io import moment_in, number_in, rows_of
from sync_server.trials.trial_errors import refused
from wire_contracts.frames import utc_from_ms
from wire_contracts.quantities import Medium

TRAIT_COLUMNS = ("meter",)
"""Columns that a file of traits must have. These may be there and may be empty, which says that it
is not known: `peer_class`, `volume_modulus_m3`, `energy_modulus_kwh`, `volume_resolution_m3`,
`energy_resolution_kwh`, `permanent_flow_m3h`, `weather`, `judged_from`, `in_service_until`."""

PRICE_COLUMNS = ("medium", "meter_class", "valid_from", "per_m3", "per_kwh", "currency", "source")
_CURRENCY_LETTERS = 3


def read_traits(path: Path, known: frozenset[str]) -> Sequence[MeterTrait]:
    """Return the traits of a file; raise TrialError that names file, line and field."""
    return [_trait(place, row, known) for place, row in rows_of(path, TRAIT_COLUMNS)]


def read_prices(path: Path) -> Sequence[PriceRow]:
    """Return the prices of a file; raise TrialError that names file, line and field."""
    return [_price(place, row) for place, row in rows_of(path, PRICE_COLUMNS)]


def _trait(place: str, row: Mapping[str, str], known: frozenset[str]) -> MeterTrait:
    meter_id = row["meter"]
    if meter_id not in known:
        raise refused(place, "meter", f"{meter_id!r} is not known", "import the meter first")
    return MeterTrait(
        meter_id=meter_id,
        peer_class=row.get("peer_class", ""),
        volume_modulus_m3=_positive(place, row, "volume_modulus_m3"),
        energy_modulus_kwh=_positive(place, row, "energy_modulus_kwh"),
        volume_resolution_m3=_positive(place, row, "volume_resolution_m3"),
        energy_resolution_kwh=_positive(place, row, "energy_resolution_kwh"),
        permanent_flow_m3h=_positive(place, row, "permanent_flow_m3h"),
        weather_id=row.get("weather") or None,
        judged_from_ms=_moment_or_none(place, row, "judged_from"),
        in_service_until_ms=_moment_or_none(place, row, "in_service_until"),
    )


def _price(place: str, row: Mapping[str, str]) -> PriceRow:
    medium, meter_class = row["medium"], row["meter_class"]
    if medium not in set(Medium):
        raise refused(place, "medium", f"{medium!r} is not known", f"use {', '.join(Medium)}")
    if meter_class not in set(MeterClass):
        remedy = f"use one of {', '.join(MeterClass)}"
        raise refused(place, "meter_class", f"{meter_class!r} is not known", remedy)
    currency = row["currency"]
    is_code = len(currency) == _CURRENCY_LETTERS and currency.isascii() and currency.isupper()
    if not is_code:
        remedy = "give three capital letters, such as CNY"
        raise refused(place, "currency", f"{currency!r} is no currency", remedy)
    per_m3, per_kwh = _positive(place, row, "per_m3"), _positive(place, row, "per_kwh")
    if per_m3 is None and per_kwh is None:
        raise refused(place, "per_m3", "and per_kwh are empty", "give one of them at least")
    return PriceRow(
        medium=Medium(medium),
        meter_class=MeterClass(meter_class),
        valid_from_utc=utc_from_ms(moment_in(place, row["valid_from"], "valid_from")),
        price=Price(per_m3=per_m3, per_kwh=per_kwh, currency=currency),
        source=row["source"][:200],
    )


def _positive(place: str, row: Mapping[str, str], name: str) -> float | None:
    value = number_in(place, row, name)
    if value is not None and value <= 0:
        raise refused(place, name, f"{value} is not above 0", "correct it or leave it empty")
    return value


def _moment_or_none(place: str, row: Mapping[str, str], name: str) -> int | None:
    text = row.get(name, "")
    return moment_in(place, text, name) if text else None
