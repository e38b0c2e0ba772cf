"""What the page of exports and the copy of a person show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from sync_server.exports.export_request import ExportRequest, ExportState
from sync_server.exports.person_copy_store import PersonCopy
from sync_server.ledgers.ledger import Book
from sync_server.web.export_labels import (
    CODES,
    COLUMNS,
    EXPORT_PLACES,
    EXPORT_STATES,
    SECTIONS,
)
from sync_server.web.labels import label
from sync_server.web.ledger_headings import BOOKS
from sync_server.web.request_views import Names
from sync_server.web.words import Words, mark, number
from wire_contracts.fields import JsonObject, JsonValue

MOST_SHOWN: Final = 50
"""Rows of a section on the page; the file has all."""

_TONES = {
    ExportState.HELD: "warn",
    ExportState.ASKED: "info",
    ExportState.APPROVED: "ok",
    ExportState.REFUSED: "danger",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRow:
    """A line of the page."""

    export_id: int
    title: str
    target: str
    rows: int
    who: str
    at: str
    reason: str
    state: str
    tone: str
    decision: str
    can_ask: bool
    can_decide: bool
    can_take: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """A section of the copy: at most `MOST_SHOWN` rows of `count`."""

    title: str
    count: int
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def title_of_export(target: str, words: Words) -> str:
    """Return what is wanted, in words: a ledger by its title and period."""
    parts = urlsplit(target)
    first, _, rest = parts.path.removeprefix("/").partition("/")
    if first == "reports":
        name, _, kind = rest.partition(".")
        title = words.gettext(BOOKS[Book(name)]) if name in set(Book) else name
        period = parse_qs(parts.query).get("period", [""])[0]
        return " ".join(each for each in (title, period, kind.upper()) if each)
    title = words.gettext(EXPORT_PLACES.get(first, first))
    return f"{title} {rest.partition('/')[0]}".strip()


def export_row(  # noqa: PLR0913  # the export, the reader, and what that one may do
    found: ExportRequest, words: Words, names: Names, *, own_id: str, decides: bool, is_live: bool
) -> ExportRow:
    """Return the line of one export; `is_live`: its approval holds."""
    is_own, state = found.asked_by == own_id, found.state
    is_over = state is ExportState.APPROVED and not is_live
    return ExportRow(
        export_id=found.export_id,
        title=title_of_export(found.taking.target, words),
        target=found.taking.target,
        rows=found.taking.row_count,
        who=names.accounts.get(found.asked_by, found.asked_by),
        at=words.moment(found.asked_at_utc),
        reason=found.reason,
        state=words.gettext(mark("its time is over"))
        if is_over
        else label(words, EXPORT_STATES, state),
        tone="" if is_over else _TONES[state],
        decision=_decision(found, names),
        can_ask=is_own and state is ExportState.HELD,
        can_decide=decides and not is_own and state is ExportState.ASKED,
        can_take=is_own and is_live,
    )


def _decision(found: ExportRequest, names: Names) -> str:
    if found.decided_by is None:
        return ""
    who = names.accounts.get(found.decided_by, found.decided_by)
    return f"{who}: {found.decision}" if found.decision else who


def section_views(copy: PersonCopy, words: Words) -> list[SectionView]:
    """Return the sections that hold anything."""
    return [_section(name, rows, words) for name, rows in copy.sections.items() if rows]


def _section(name: str, rows: Sequence[JsonObject], words: Words) -> SectionView:
    shown = rows[:MOST_SHOWN]
    held = dict.fromkeys(key for row in shown for key in row)
    columns = [each for each in held if each in COLUMNS]
    return SectionView(
        title=label(words, SECTIONS, name),
        count=len(rows),
        columns=[label(words, COLUMNS, each) for each in columns],
        rows=[[_text(name, each, row.get(each), words) for each in columns] for row in shown],
    )


def _text(section: str, column: str, value: JsonValue, words: Words) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return words.gettext(mark("yes")) if value else "–"
    if isinstance(value, int | float):
        return number(value)
    text = str(value)
    if column.endswith("_utc"):
        return words.moment(datetime.fromisoformat(text))
    codes = CODES.get((section, column))
    if codes is None:
        return text
    return " · ".join(label(words, codes, each) for each in text.replace(",", " ").split())
