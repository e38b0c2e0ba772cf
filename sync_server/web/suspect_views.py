"""What the page, the sheet and the paper of suspect meters show, in the reader's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync_server.sheets.table import TextTable
from sync_server.suspects.suspect_store import Listed, SuspectList
from sync_server.suspects.suspicion import Reason, Suspicion
from sync_server.web.labels import (
    KINDS,
    MEDIA,
    METER_CLASSES,
    RESULTS,
    label,
)
from sync_server.web.words import Words, mark, number, quantity

REASONS: Mapping[Reason, str] = {
    Reason.ALERT: mark("Alert"),
    Reason.NO_USE: mark("No use this month, unlike before"),
    Reason.FELL: mark("Less than half of the usual"),
    Reason.ROSE: mark("More than twice the usual"),
    Reason.BACKWARDS: mark("The register went back"),
    Reason.NO_READING: mark("No reading at the end of the month"),
}

_HEADING: Sequence[str] = (
    mark("No."),
    mark("Meter"),
    mark("Medium"),
    mark("Class"),
    mark("Where"),
    mark("Used"),
    mark("Usual"),
    mark("Points"),
    mark("Reasons"),
    mark("Order"),
    mark("Result"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectRow:
    """One line of the list."""

    place: int
    meter_id: str
    medium: str
    medium_message: str
    meter_class: str
    address: str
    used: str
    usual: str
    score: str
    reasons: Sequence[str]
    order_id: str
    order_number: str
    result: str


def suspect_rows(found: SuspectList, words: Words) -> Sequence[SuspectRow]:
    """Return the lines, the most suspect first."""
    return [_row(line, words) for line in found.lines]


def suspect_table(found: SuspectList, words: Words, site_name: str) -> TextTable:
    """Return the list for the sheet and the paper."""
    return TextTable(
        sheet=found.month,
        title=words.gettext(mark("Suspect meters, %(month)s")) % {"month": found.month},
        subtitle=subtitle_of(found, words),
        heading=[words.gettext(name) for name in _HEADING],
        lines=[_cells(line, words) for line in found.lines],
        footer=site_name,
    )


def subtitle_of(found: SuspectList, words: Words) -> str:
    """Return how the list came about."""
    text = words.gettext(mark("%(count)s of %(all)s meters; made %(moment)s; volumes in m³"))
    return text % {
        "count": len(found.lines),
        "all": found.meter_count,
        "moment": words.moment(found.made_at_utc),
    }


def _row(line: Listed, words: Words) -> SuspectRow:
    suspect, check = line.suspect, line.check
    return SuspectRow(
        place=line.place,
        meter_id=suspect.meter_id,
        medium=str(suspect.medium),
        medium_message=MEDIA[suspect.medium],
        meter_class=label(words, METER_CLASSES, suspect.meter_class),
        address=suspect.address,
        used=_volume(suspect.used_m3),
        usual=_volume(suspect.usual_m3),
        score=number(suspect.score),
        reasons=[reason_words(each, words) for each in suspect.reasons],
        order_id=check.order_id if check else "",
        order_number=check.number if check else "",
        result=label(words, RESULTS, check.result) if check and check.result else "",
    )


def _cells(line: Listed, words: Words) -> Sequence[str | float | None]:
    row = _row(line, words)
    return (
        row.place,
        row.meter_id,
        words.gettext(row.medium_message),
        row.meter_class,
        row.address,
        line.suspect.used_m3,
        line.suspect.usual_m3,
        line.suspect.score,
        "; ".join(row.reasons),
        row.order_number,
        row.result,
    )


def reason_words(reason: Suspicion, words: Words) -> str:
    """Return one reason: an alert is called by its kind."""
    if reason.kind is not None:
        return label(words, KINDS, reason.kind)
    return words.gettext(REASONS[reason.reason])


def _volume(value_m3: float | None) -> str:
    return "–" if value_m3 is None else quantity(value_m3, "m³")
