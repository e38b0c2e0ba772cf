"""What is known of the place of an order: where it lies, which meter, what it counted lately."""

from collections.abc import Sequence
from dataclasses import dataclass

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS
from wire_contracts.quantities import Quantity

_MOST_COUNTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What the totaliser of the meter said at one moment, in the unit of its quantity."""

    at_ms: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSite:
    """The place of an order as it was when the order was made.

    Attributes:
        x_m: Metres east on the site's plane, None where nobody knows.
        y_m: Metres north on the site's plane.
        meter_class: Household, commercial and so on, empty without a meter.
        meter_size: What is printed on it, such as `G4` or `DN50`.
        quantity: What its totaliser counts, None when it has none.
        counts: Its last counts, the oldest first.
    """

    x_m: float | None = None
    y_m: float | None = None
    meter_class: str = ""
    meter_size: str = ""
    quantity: Quantity | None = None
    counts: Sequence[Count] = ()


def order_site_json(site: OrderSite) -> JsonObject:
    """Return the place as JSON."""
    counts: list[JsonValue] = [[each.at_ms, each.value] for each in site.counts]
    return {
        "x_m": site.x_m,
        "y_m": site.y_m,
        "meter_class": site.meter_class,
        "meter_size": site.meter_size,
        "quantity": None if site.quantity is None else str(site.quantity),
        "counts": counts,
    }


def parse_order_site(reader: FieldReader) -> OrderSite:
    """Return the place; raise ContractError that names the field.

    A quantity that this app does not know counts as none: its counts cannot be compared.
    """
    quantity = reader.text_or_none("quantity")
    is_known = quantity is not None and quantity in set(Quantity)
    return OrderSite(
        x_m=reader.number("x_m") if reader.has("x_m") else None,
        y_m=reader.number("y_m") if reader.has("y_m") else None,
        meter_class=reader.text("meter_class") if reader.values.get("meter_class") else "",
        meter_size=reader.text("meter_size") if reader.values.get("meter_size") else "",
        quantity=Quantity(quantity) if is_known and quantity is not None else None,
        counts=_counts(reader) if reader.has("counts") else (),
    )


def _counts(reader: FieldReader) -> tuple[Count, ...]:
    counts: list[Count] = []
    for index, pair in enumerate(reader.array("counts", longest=_MOST_COUNTS)):
        is_pair = isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2  # noqa: PLR2004 - time and value
        values = {"at": pair[0], "value": pair[1]} if is_pair and isinstance(pair, Sequence) else {}
        each = FieldReader(
            place=reader.place, values=values, path=f"{reader.name_of('counts')}[{index}]"
        )
        at_ms = each.integer("at", low=EARLIEST_MS, high=LATEST_MS)
        counts.append(Count(at_ms=at_ms, value=each.number("value")))
    return tuple(counts)
