"""The evidence of an alert: what a person needs to judge it, on the page and on the tablet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.texts import BilingualText, parse_text, text_json

MAX_POINTS = 4000
"""Points of one chart series: 40 days of 15-minute values fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPoint:
    """One instant of the chart; a missing value is a gap, never zero."""

    at_utc: datetime
    observed: float | None
    expected_low: float | None = None
    expected_high: float | None = None


NO_UNIT = "–"
"""The unit of a bare number, such as a ratio, on the wire; never shown to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceNumber:
    """One number behind the verdict, with the limit it was held against, if any."""

    name: BilingualText
    value: float
    unit: str
    limit: float | None = None
    is_trigger: bool = False

    @property
    def shown_unit(self) -> str:
        """The unit as people read it; empty for a bare number."""
        return "" if self.unit == NO_UNIT else self.unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why an alert was raised.

    Attributes:
        sentence: One plain sentence with value and limit.
        quantity: Wire name of the charted quantity, or of what it is the difference of.
        unit: Unit of the chart, such as `m³/h`.
        rule_from_utc: Start of the stretch at which the rule looked.
        rule_to_utc: End of that stretch.
        points: The chart, ascending in time.
        numbers: The numbers that decided, the triggering one first.
        check_first: What the crew should check, most likely cause first.
        effects: What it costs, per day and in all: m³, kWh, money.
        against: Numbers that speak against it.
        flags: What weakens the evidence, such as a gap in the readings.
    """

    sentence: BilingualText
    quantity: str
    unit: str
    rule_from_utc: datetime
    rule_to_utc: datetime
    points: Sequence[ChartPoint] = ()
    numbers: Sequence[EvidenceNumber] = ()
    check_first: Sequence[BilingualText] = ()
    effects: Sequence[EvidenceNumber] = ()
    against: Sequence[EvidenceNumber] = ()
    flags: Sequence[BilingualText] = ()


def evidence_json(evidence: Evidence) -> JsonObject:
    """Return the evidence as JSON; the chart travels as columns."""
    return {
        "sentence": text_json(evidence.sentence),
        "quantity": evidence.quantity,
        "unit": evidence.unit,
        "rule": [ms_from_utc(evidence.rule_from_utc), ms_from_utc(evidence.rule_to_utc)],
        "points": {
            "t": [ms_from_utc(point.at_utc) for point in evidence.points],
            "y": [point.observed for point in evidence.points],
            "low": [point.expected_low for point in evidence.points],
            "high": [point.expected_high for point in evidence.points],
        },
        "numbers": [_number_json(number) for number in evidence.numbers],
        "check": [text_json(text) for text in evidence.check_first],
        **_more_json(evidence),
    }


def _more_json(evidence: Evidence) -> JsonObject:
    """Return what older readers do not know and therefore must not need."""
    more: dict[str, JsonValue] = {}
    if evidence.effects:
        more["effects"] = [_number_json(number) for number in evidence.effects]
    if evidence.against:
        more["against"] = [_number_json(number) for number in evidence.against]
    if evidence.flags:
        more["flags"] = [text_json(text) for text in evidence.flags]
    return more


def _number_json(number: EvidenceNumber) -> JsonObject:
    return {
        "name": text_json(number.name),
        "value": number.value,
        "unit": number.unit,
        "limit": number.limit,
        "trigger": number.is_trigger,
    }


def parse_evidence(reader: FieldReader) -> Evidence:
    """Return the evidence; raise ContractError that names the field."""
    rule = [_time(reader, "rule", item) for item in reader.array("rule", longest=2)]
    if len(rule) != len(("from", "to")):
        raise reader.refuse("rule", "is not [from, to]", "send two times", Code.FIELD_TYPE)
    return Evidence(
        sentence=parse_text(reader.object("sentence")),
        quantity=reader.text("quantity"),
        unit=reader.text("unit"),
        rule_from_utc=rule[0],
        rule_to_utc=rule[1],
        points=_parse_points(reader.object("points")),
        numbers=tuple(_parse_number(each) for each in reader.objects("numbers", longest=50)),
        check_first=tuple(parse_text(each) for each in reader.objects("check", longest=20)),
        effects=_parse_numbers(reader, "effects"),
        against=_parse_numbers(reader, "against"),
        flags=tuple(parse_text(each) for each in _objects_if_any(reader, "flags")),
    )


def _objects_if_any(reader: FieldReader, key: str) -> Sequence[FieldReader]:
    return reader.objects(key, longest=20) if reader.has(key) else ()


def _parse_numbers(reader: FieldReader, key: str) -> tuple[EvidenceNumber, ...]:
    return tuple(_parse_number(each) for each in _objects_if_any(reader, key))


def _parse_number(reader: FieldReader) -> EvidenceNumber:
    return EvidenceNumber(
        name=parse_text(reader.object("name")),
        value=reader.number("value"),
        unit=reader.text("unit"),
        limit=reader.number("limit") if reader.has("limit") else None,
        is_trigger=reader.boolean("trigger"),
    )


def _time(reader: FieldReader, key: str, value: JsonValue) -> datetime:
    holder = FieldReader(place=reader.place, values={key: value}, path=reader.path)
    return utc_from_ms(holder.integer(key, low=EARLIEST_MS, high=LATEST_MS))


def _column(reader: FieldReader, key: str, length: int) -> list[float | None]:
    values = reader.array(key, longest=MAX_POINTS)
    if len(values) != length:
        raise reader.refuse(
            key, f"has {len(values)} values for {length} times", "send one each", Code.FIELD_RANGE
        )
    column: list[float | None] = []
    for value in values:
        holder = FieldReader(place=reader.place, values={key: value}, path=reader.path)
        column.append(None if value is None else holder.number(key))
    return column


def _parse_points(reader: FieldReader) -> tuple[ChartPoint, ...]:
    times = [_time(reader, "t", value) for value in reader.array("t", longest=MAX_POINTS)]
    columns = [_column(reader, key, len(times)) for key in ("y", "low", "high")]
    return tuple(
        ChartPoint(at_utc=at_utc, observed=observed, expected_low=low, expected_high=high)
        for at_utc, observed, low, high in zip(times, *columns, strict=True)
    )
