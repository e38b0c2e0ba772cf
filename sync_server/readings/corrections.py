"""Decides what a line of corrections changes in a stored row, and adds up the difference (R17)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sync_server.readings.reading_rows import ReadingRow, Superseded, merge_rows, row_of
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.meter_frames import MeterFrame
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity


class Verdict(StrEnum):
    """What becomes of one line."""

    CHANGES = "changes"
    UNCHANGED = "unchanged"
    NO_READING = "no_reading"
    OLDER = "older"
    DIFFERS = "differs"
    OTHER_PROFILE = "other_profile"
    TOO_FAR = "too_far"


LARGEST_STEP = 100
"""Revisions above the stored one that a correction may be: they count up one by one, and 9999 is a
slip of the finger after which no later revision would be taken (judgement)."""


REFUSALS: Mapping[Verdict, str] = {
    Verdict.NO_READING: (
        "t: the meter has no reading at this instant; only what was measured can be corrected"
    ),
    Verdict.OLDER: (
        "p: every value there is of this or a higher revision; decode with a higher revision"
    ),
    Verdict.DIFFERS: (
        "p: the stored values of this revision are other ones; give the corrected profile a "
        "higher revision"
    ),
    Verdict.OTHER_PROFILE: (
        "p: the reading is of another profile, whose revisions say nothing about this one; if the "
        "meter was read with the wrong profile, say so with --other-profile"
    ),
    Verdict.TOO_FAR: (
        f"p: the revision is more than {LARGEST_STEP} above the stored one; revisions count up one "
        "by one, correct `rev`"
    ),
}
"""Why a line was not used, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRule:
    """What a person allows beyond the next revision of the same profile.

    Attributes:
        is_other_profile: Readings of another profile may be corrected.
        over: A reference that was a mistake, such as `x@9999`: whatever it decoded may be replaced
            by any other revision.
    """

    is_other_profile: bool = False
    over: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One quantity of one instant before and after."""

    meter_id: str
    measured_at_ms: int
    quantity: Quantity
    before: float | None
    after: float | None
    before_code: QualityCode | None
    after_code: QualityCode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What one line does to a row; `row` is the stored one when nothing changes."""

    verdict: Verdict
    row: ReadingRow | None
    superseded: Sequence[Superseded] = ()
    changes: Sequence[Change] = ()


def correct_row(
    stored: ReadingRow | None, line: MeterFrame, rule: CorrectionRule | None = None
) -> Corrected:
    """Return the row after a correction.

    Only a revision of the same profile corrects, and none that is far above it; `rule` says what
    else a person allows.

    A quantity is replaced when the line is of a higher revision than its column, and added when
    the line is at least of the row's revision; at the same revision a value beats no value, as it
    does between frames. A line that says again what is stored changes nothing, so that a file may
    be applied twice.
    """
    if stored is None:
        return Corrected(verdict=Verdict.NO_READING, row=None)
    frame = line.frame
    arriving = replace(row_of(line.meter_id, ms_from_utc(frame.measured_at_utc), frame), raw={})
    rule = rule or CorrectionRule()
    refusal = _refusal(stored, arriving, rule)
    if refusal is not None:
        return Corrected(verdict=refusal, row=stored)
    if rule.over and stored.profile.partition("+")[0] == rule.over != arriving.profile:
        return _over(stored, arriving, line)
    names = sorted({*arriving.values, *arriving.quality})
    usable = [name for name in names if _is_better(stored, arriving, name)]
    if not usable:
        return Corrected(verdict=_idle_verdict(stored, arriving, names), row=stored)
    merged = merge_rows(stored, _only(arriving, usable))
    changes = [
        change
        for name in usable
        if (change := _change(stored, merged.row, name)).before != change.after
        or change.before_code != change.after_code
    ]
    return Corrected(
        verdict=Verdict.CHANGES, row=merged.row, superseded=merged.superseded, changes=changes
    )


def _refusal(stored: ReadingRow, arriving: ReadingRow, rule: CorrectionRule) -> Verdict | None:
    """Return why a line may not correct a row at all; what nobody decoded, anybody may."""
    is_same = not stored.revision or _id_of(stored.profile) == _id_of(arriving.profile)
    if not rule.is_other_profile and not is_same:
        return Verdict.OTHER_PROFILE
    is_far = arriving.revision > stored.revision + LARGEST_STEP
    return Verdict.TOO_FAR if is_far else None


def _id_of(profile: str) -> str:
    return profile.partition("@")[0]


def _over(mistaken: ReadingRow, arriving: ReadingRow, line: MeterFrame) -> Corrected:
    """Return the row as if its mistaken revision were one below the arriving one."""
    below = max(0, arriving.revision - 1)
    older = {name: min(revision, below) for name, revision in mistaken.older_revisions.items()}
    stored = replace(
        mistaken,
        revision=below,
        profile=f"{_id_of(mistaken.profile)}@{below}",
        older_revisions=older,
    )
    found = correct_row(stored, line, CorrectionRule(is_other_profile=True))
    if found.verdict is not Verdict.CHANGES:
        return replace(found, row=mistaken)
    superseded = [
        replace(each, revision=mistaken.revision) if each.revision == below else each
        for each in found.superseded
    ]
    return replace(found, superseded=superseded)


def _revision(row: ReadingRow, name: Quantity) -> int:
    """Return the revision that a line must exceed to say this quantity."""
    if name in row.values or name in row.quality:
        return row.older_revisions.get(name, row.revision)
    return row.revision - 1


def _is_better(stored: ReadingRow, arriving: ReadingRow, name: Quantity) -> bool:
    revision = _revision(stored, name)
    if arriving.revision != revision:
        return arriving.revision > revision
    return name in arriving.values and name not in stored.values


def _idle_verdict(stored: ReadingRow, arriving: ReadingRow, names: Sequence[Quantity]) -> Verdict:
    equals = [name for name in names if arriving.revision == _revision(stored, name)]
    if len(equals) < len(names):
        return Verdict.OLDER
    is_same = all(
        name not in arriving.values
        or (stored.values.get(name), stored.quality.get(name))
        == (arriving.values[name], arriving.quality.get(name))
        for name in names
    )
    return Verdict.UNCHANGED if is_same else Verdict.DIFFERS


def _only(row: ReadingRow, names: Sequence[Quantity]) -> ReadingRow:
    return replace(
        row,
        values={name: row.values[name] for name in names if name in row.values},
        quality={name: row.quality[name] for name in names if name in row.quality},
    )


def _change(before: ReadingRow, after: ReadingRow, name: Quantity) -> Change:
    return Change(
        meter_id=before.meter_id,
        measured_at_ms=before.measured_at_ms,
        quantity=name,
        before=before.values.get(name),
        after=after.values.get(name),
        before_code=before.quality.get(name),
        after_code=after.quality.get(name),
    )


@dataclass(slots=True)
class QuantityTally:
    """Before and after of one quantity over many readings; sums are over `replaced`."""

    replaced: int = 0
    gained: int = 0
    withdrawn: int = 0
    requalified: int = 0
    sum_before: float = 0.0
    sum_after: float = 0.0
    widest: Change | None = None

    def add(self, change: Change) -> None:
        """Count one change."""
        if change.before is None and change.after is None:
            self.requalified += 1
        elif change.before is None:
            self.gained += 1
        elif change.after is None:
            self.withdrawn += 1
        elif change.before == change.after:
            self.requalified += 1
        else:
            self.replaced += 1
            self.sum_before += change.before
            self.sum_after += change.after
            if self.widest is None or _width(change) > _width(self.widest):
                self.widest = change


def _width(change: Change) -> float:
    return abs((change.after or 0.0) - (change.before or 0.0))


@dataclass(slots=True)
class Tally:
    """Before and after of a whole file of corrections."""

    verdicts: dict[Verdict, int] = field(default_factory=dict)
    quantities: dict[Quantity, QuantityTally] = field(default_factory=dict)
    meter_ids: set[str] = field(default_factory=set)

    def add(self, verdict: Verdict, changes: Iterable[Change] = ()) -> None:
        """Count one line."""
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        for change in changes:
            self.quantities.setdefault(change.quantity, QuantityTally()).add(change)
            self.meter_ids.add(change.meter_id)

    def count(self, *verdicts: Verdict) -> int:
        """Return how many lines had one of these verdicts."""
        return sum(self.verdicts.get(verdict, 0) for verdict in verdicts)


def describe(tally: Tally, *, is_dry_run: bool) -> Sequence[str]:
    """Return the summary of before and after as lines for a person."""
    verb = "would change" if is_dry_run else "changed"
    head = (
        f"{tally.count(*Verdict)} lines: {tally.count(Verdict.CHANGES)} {verb}, "
        f"{tally.count(Verdict.UNCHANGED)} say what is stored, "
        f"{tally.count(*REFUSALS)} not used; {len(tally.meter_ids)} meters"
    )
    return [head, *(_line(name, tally.quantities[name]) for name in sorted(tally.quantities))]


def _line(name: Quantity, tally: QuantityTally) -> str:
    counts = (
        f"{tally.replaced} replaced, {tally.gained} gained, {tally.withdrawn} withdrawn, "
        f"{tally.requalified} of another quality"
    )
    widest = tally.widest
    if widest is None:
        return f"  {name}: {counts}"
    return (
        f"  {name}: {counts}; mean {tally.sum_before / tally.replaced:.6g} -> "
        f"{tally.sum_after / tally.replaced:.6g}; widest {widest.before:.6g} -> "
        f"{widest.after:.6g} ({widest.meter_id}, "
        f"{utc_from_ms(widest.measured_at_ms):%Y-%m-%d %H:%M} UTC)"
    )
