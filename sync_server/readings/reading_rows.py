"""Decides how frames of one meter and one instant become one row, whatever their order (R2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from wire_contracts.frames import Frame, TimeQuality
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity
from wire_contracts.quick_values import maker_of, quick_value

_TRUST = {TimeQuality.SANE: 0, TimeQuality.REPAIRED: 1, TimeQuality.BOOT_RELATIVE: 2}


@quick_value
class ReadingRow:
    """Everything known of one meter at one instant.

    Attributes:
        meter_id: Whose.
        measured_at_ms: When, milliseconds since 1970.
        values: Quantity to value; a missing quantity was not read.
        quality: Quantity to code where not good; a bad one has no value.
        profile: The profile of the highest revision in the row.
        revision: That revision.
        older_revisions: Quantity to revision where its column came from a lower one.
        time_quality: The least trusted of the frames' stamps.
        raw: Register group to words as read.
    """

    meter_id: str
    measured_at_ms: int
    values: Mapping[Quantity, float]
    quality: Mapping[Quantity, QualityCode]
    profile: str
    revision: int
    older_revisions: Mapping[Quantity, int]
    time_quality: TimeQuality
    raw: Mapping[str, bytes]


_make_row = maker_of(ReadingRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """What a column said at a lower revision than it says now."""

    meter_id: str
    measured_at_ms: int
    quantity: Quantity
    revision: int
    value: float | None
    quality: QualityCode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The row after a frame, what it superseded, and whether the frame contradicted it."""

    row: ReadingRow
    superseded: Sequence[Superseded] = ()
    is_conflict: bool = False


_NO_REVISIONS: Mapping[Quantity, int] = {}
_NO_RAW: Mapping[str, bytes] = {}


_HIGHEST_REVISION = 2**63 - 1
"""What the database can hold; a profile text has room for far more digits."""


@lru_cache(maxsize=4096)
def revision_of(profile: str) -> int:
    """Return the revision in `name@revision` or `name@revision+ORDER`, 0 when there is none.

    A byte order that the gateway found for this one meter stands behind the plus sign.
    """
    _, _, revision = profile.partition("+")[0].rpartition("@")
    return min(int(revision), _HIGHEST_REVISION) if revision.isdecimal() else 0


def row_of(meter_id: str, measured_at_ms: int, frame: Frame) -> ReadingRow:
    """Return the row of a frame that is alone at its instant."""
    return _make_row(
        meter_id=meter_id,
        measured_at_ms=measured_at_ms,
        values=frame.values,
        quality=frame.quality,
        profile=frame.profile,
        revision=revision_of(frame.profile),
        older_revisions=_NO_REVISIONS,
        time_quality=frame.time_quality,
        raw=_NO_RAW if frame.raw is None else {frame.group: frame.raw},
    )


def merge_rows(stored: ReadingRow, arriving: ReadingRow) -> Merged:
    """Return the stored row with the arriving one merged into it.

    A column that is not known is filled. A higher revision replaces a column, a lower one is
    kept as superseded. At the same revision a value beats no value, and a different value is a
    conflict: the stored one stays.
    """
    cells = {name: _cell(stored, name) for name in {*stored.values, *stored.quality}}
    superseded: list[Superseded] = []
    is_conflict = False
    for name in {*arriving.values, *arriving.quality}:
        incoming = _cell(arriving, name)
        present = cells.get(name)
        if present is None:
            cells[name] = incoming
            continue
        kept, lost, is_different = _merge_cells(present, incoming)
        cells[name] = kept
        is_conflict = is_conflict or is_different
        if lost is not None:
            superseded.append(_superseded(stored, name, lost))
    return Merged(
        row=_from_cells(stored, arriving, cells),
        superseded=superseded,
        is_conflict=is_conflict,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    value: float | None
    code: QualityCode | None
    revision: int


def _cell(row: ReadingRow, name: Quantity) -> _Cell:
    return _Cell(
        value=row.values.get(name),
        code=row.quality.get(name),
        revision=row.older_revisions.get(name, row.revision),
    )


def _merge_cells(present: _Cell, incoming: _Cell) -> tuple[_Cell, _Cell | None, bool]:
    """Return the cell that stands, the one it supersedes, and whether they contradict."""
    if incoming.revision > present.revision:
        return incoming, present, False
    if incoming.revision < present.revision:
        return present, incoming, False
    if present.value is None or incoming.value is None:
        if (present.value is None) != (incoming.value is None):
            return (incoming if present.value is None else present), None, False
    elif present.value != incoming.value:
        return present, None, True
    return max(present, incoming, key=lambda cell: cell.code or ""), None, False


def merge_superseded(kept: Superseded, arriving: Superseded) -> Superseded:
    """Return what one column said at one lower revision, of two frames that both say it.

    As in a row: a value beats no value, and of two different values the first one stays.
    """
    cells = [
        _Cell(value=each.value, code=each.quality, revision=each.revision)
        for each in (kept, arriving)
    ]
    cell, _, _ = _merge_cells(*cells)
    return replace(kept, value=cell.value, quality=cell.code)


def _superseded(row: ReadingRow, name: Quantity, lost: _Cell) -> Superseded:
    return Superseded(
        meter_id=row.meter_id,
        measured_at_ms=row.measured_at_ms,
        quantity=name,
        revision=lost.revision,
        value=lost.value,
        quality=lost.code,
    )


def _from_cells(
    stored: ReadingRow, arriving: ReadingRow, cells: Mapping[Quantity, _Cell]
) -> ReadingRow:
    newest = max(stored, arriving, key=lambda row: (row.revision, row.profile))
    raw = dict(stored.raw)
    for group, words in arriving.raw.items():
        raw[group] = max(raw.get(group, b""), words)
    return replace(
        stored,
        values={name: cell.value for name, cell in cells.items() if cell.value is not None},
        quality={name: cell.code for name, cell in cells.items() if cell.code is not None},
        profile=newest.profile,
        revision=newest.revision,
        older_revisions={
            name: cell.revision for name, cell in cells.items() if cell.revision < newest.revision
        },
        time_quality=max(stored.time_quality, arriving.time_quality, key=lambda each: _TRUST[each]),
        raw=raw,
    )
