"""How one read of a meter is shown: one JSON object, or a table for the eye."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from edge_gateway.links.driver import JobRead
from firmware_profiles.errors import WordsError
from firmware_profiles.words import unpack_words
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity, dimension_of

GOOD = "good"

_UNITS: Mapping[str, str] = {
    "m3h": "m3/h",
    "kwh": "kWh",
    "kw": "kW",
    "degc": "degC",
    "k": "K",
    "kgh": "kg/h",
    "pct": "%",
}
_UNIT_STEP = 0x100
_NOBODYS = "@0"
"""Revision 0 stands for a telegram that no profile has explained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRead:
    """One meter read once, all its groups.

    Attributes:
        url: The line.
        unit: Where it was asked.
        started_utc: When the first request was sent.
        duration_ms: Wall milliseconds until the last answer.
        reads: Group to what it brought, in the order they were read.
        hints: What a person should look at, although nothing is certainly wrong.
    """

    url: str
    unit: str
    started_utc: datetime
    duration_ms: float
    reads: Mapping[str, JobRead]
    hints: Sequence[str] = ()

    @property
    def profile(self) -> str:
        """Return what decoded the values, as frames name it; empty: nothing did."""
        names = (read.profile for read in self.reads.values())
        return next((name for name in names if name and not name.endswith(_NOBODYS)), "")

    @property
    def values(self) -> Mapping[Quantity, float]:
        """Return every value of every group."""
        return {key: value for read in self.reads.values() for key, value in read.values.items()}

    @property
    def quality(self) -> Mapping[Quantity, QualityCode]:
        """Return every quality that is not good."""
        return {key: code for read in self.reads.values() for key, code in read.quality.items()}

    @property
    def is_good(self) -> bool:
        """Return whether there are values and every one is good."""
        return bool(self.values) and not self.quality


def unit_of(quantity: Quantity) -> str:
    """Return the canonical unit of a quantity as people write it."""
    if quantity in {Quantity.PRESSURE_BARA, Quantity.PRESSURE_BARG}:
        return "bar(a)" if quantity is Quantity.PRESSURE_BARA else "bar(g)"
    dimension = dimension_of(quantity)
    return _UNITS.get(dimension, dimension)


def as_json(read: MeterRead) -> JsonObject:
    """Return everything that was read as one JSON object (docs/gateway.md)."""
    profile_id, _, revision = read.profile.partition("@")
    is_number = revision.isdecimal()
    return {
        "url": read.url,
        "unit": read.unit,
        "at": read.started_utc.isoformat(timespec="milliseconds"),
        "ms": round(read.duration_ms, 3),
        "profile": profile_id or None,
        "revision": int(revision) if is_number else None,
        "good": read.is_good,
        "quantities": {
            str(quantity): {
                "value": read.values.get(quantity),
                "unit": unit_of(quantity),
                "quality": str(read.quality.get(quantity, GOOD)),
            }
            for quantity in sorted({*read.values, *read.quality})
        },
        "events": sorted({event for each in read.reads.values() for event in each.events}),
        "local": {
            name: plain(value)
            for each in read.reads.values()
            for name, value in sorted(each.local.items())
        },
        "raw": dict(_raw(read)),
        "faults": list(_faults(read)),
        "hints": list(read.hints),
    }


def as_text(read: MeterRead) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"{read.profile or 'no profile'} at {read.unit}, {read.url}: {read.duration_ms:.0f} ms"
    quantities = sorted({*read.values, *read.quality})
    width = max([len(each) for each in quantities], default=0)
    for quantity in quantities:
        value = read.values.get(quantity)
        number = "-" if value is None else f"{value:.10g}"
        quality = read.quality.get(quantity, GOOD)
        yield f"  {quantity:{width}}  {number:>14} {unit_of(quantity):6} {quality}".rstrip()
    yield from _section("events", sorted({e for each in read.reads.values() for e in each.events}))
    local = {k: v for each in read.reads.values() for k, v in each.local.items()}
    yield from _section("stays here", [f"{k} = {plain(v)}" for k, v in sorted(local.items())])
    yield from _section("faults", _faults(read))
    yield from _section("look at", read.hints)
    yield from _section("raw", [f"{at}: {words}" for at, words in _raw_rows(read)])


def image_of(reads: Iterable[JobRead]) -> Mapping[tuple[int, int], int]:
    """Return every word that was read; nothing of telegrams."""
    image: dict[tuple[int, int], int] = {}
    for read in reads:
        image.update(_words(read.raw) or {})
    return image


def plain(value: object) -> JsonValue:
    """Return a local value as JSON can carry it: times as text, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield title
        yield from (f"  {line}" for line in lines)


def _faults(read: MeterRead) -> Sequence[str]:
    return [
        f"{group}: {fault.quality}: {fault.detail or fault.kind}"
        for group, each in read.reads.items()
        for fault in each.faults
    ]


def _raw(read: MeterRead) -> Iterator[tuple[str, str]]:
    """Yield `3/1024` and `C148` for every word, then group and telegram in hexadecimal."""
    image: dict[tuple[int, int], int] = {}
    telegrams: list[tuple[str, str]] = []
    for group, each in read.reads.items():
        words = _words(each.raw)
        if words is not None:
            image.update(words)
        elif each.raw is not None:
            telegrams.append((group, each.raw.hex().upper()))
    for (space, address), word in sorted(image.items()):
        yield f"{_space(space)}/{address}", f"{word:04X}"
    yield from telegrams


def _raw_rows(read: MeterRead) -> Iterator[tuple[str, str]]:
    """Yield runs of neighbours, at most eight words in a row."""
    at = ""
    row: list[str] = []
    for place, word in _raw(read):
        space, slash, address = place.partition("/")
        is_next = bool(row) and slash and _follows(at, len(row), space, address)
        if not is_next or len(row) == 8:  # noqa: PLR2004  # words in a row
            if row:
                yield at, " ".join(row)
            at, row = place, []
        row.append(word)
    if row:
        yield at, " ".join(row)


def _follows(start: str, count: int, space: str, address: str) -> bool:
    before, _, first = start.partition("/")
    return before == space and first.isdecimal() and int(first) + count == int(address)


def _space(space: int) -> str:
    """Return the function code, with the unit offset before it where there is one."""
    offset, function = divmod(space, _UNIT_STEP)
    return f"+{offset}:{function}" if offset else str(function)


def _words(raw: bytes | None) -> Mapping[tuple[int, int], int] | None:
    """Return the packed words, None for a telegram (which begins with 68H or 10H) or nothing."""
    if raw is None or raw[:1] in {b"\x68", b"\x10"}:
        return None
    try:
        return unpack_words(raw)
    except WordsError:
        return None
