"""The alert desk as one reader sees it: which alerts stand where, under which tab."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from sync_server.alerts.upkeep_store import TakenOut
from sync_server.web.alert_floods import Cause, Folded, cause_of, fold_floods
from sync_server.web.alert_look import AlertLook
from sync_server.web.alert_views import (
    AlertLine,
    AlertRow,
    LoadBar,
    OrderBrief,
    ShelvedRow,
    hidden_view,
    is_hidden,
    is_safety,
    is_todo,
    list_rank,
    load_bars,
    place_of,
    row_view,
    shelved_view,
    title_of,
)
from sync_server.web.labels import MEDIA, RULE_WORDS, label
from sync_server.web.words import Words, mark
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.quantities import Medium

_IN_TAB: Mapping[str, Callable[[AlertLine], bool]] = {
    "unack": lambda each: each.condition is Condition.UNACKNOWLEDGED,
    "ack": lambda each: each.condition in {Condition.ACKNOWLEDGED, Condition.LATCHED},
    "returned": lambda each: each.condition is Condition.RETURNED_UNACKNOWLEDGED,
    "all": lambda _each: True,
}

ROWS_AT_ONCE = 60
"""Rows that a list shows before it says how many more there are: three screens full.

The safety alerts pinned above it have as many of their own, those to acknowledge first.
"""

MORE_ROWS = 120
"""Rows that each `more` adds: a list grows from its top, nothing is counted past (no offset)."""

MAX_ROWS = 5000
"""As many as a desk counts (`desk_queries_store.MAX_OPEN`)."""

HIDDEN_AT_ONCE = 50
"""Rows of what design or service keeps out of the list; the count beside them tells all."""

_TAB_MESSAGES: Mapping[str, str] = {
    "unack": mark("Unack’d"),
    "ack": mark("Ack’d"),
    "returned": mark("Returned"),
    "all": mark("All"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskQuery:
    """What the reader asked to see; empty text is no narrowing."""

    tab: str = "all"
    medium: str = ""
    search: str = ""
    selected: str = ""
    rows: int = ROWS_AT_ONCE
    group: str = ""

    def address(self, **changed: str) -> str:
        """Return the desk's address with some of the narrowing changed."""
        kept = {"tab": self.tab, "medium": self.medium, "q": self.search, "group": self.group}
        values = {**kept, **changed}
        return f"/alerts?{urlencode({key: value for key, value in values.items() if value})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One tab with its count."""

    message: str
    href: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumChoice:
    """One button of the utility filter."""

    medium: str
    message: str
    href: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything the list shows."""

    tab: str
    medium: str
    search: str
    selected: str
    tabs: Sequence[Tab]
    media: Sequence[MediumChoice]
    safety: Sequence[AlertRow]
    rows: Sequence[AlertRow]
    more_count: int
    more_safety_count: int
    more_href: str
    shelved: Sequence[ShelvedRow]
    hidden: Sequence[ShelvedRow]
    hidden_count: int
    todo_count: int
    load: Sequence[LoadBar]
    load_last_hour: int
    empty_title: str
    empty_text: str


def parse_query(tab: str, medium: str, search: str, selected: str, rows: str = "") -> DeskQuery:
    """Return the query with unknown tabs and utilities left out; `rows` is a number or `all`."""
    asked = MAX_ROWS if rows == "all" else int(rows) if re.fullmatch("[0-9]{1,4}", rows) else 0
    return DeskQuery(
        tab=tab if tab in _IN_TAB else "all",
        medium=medium if medium in set(Medium) else "",
        search=search.strip()[:100],
        selected=selected[:64],
        rows=max(asked, ROWS_AT_ONCE),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSource:
    """What the desk is made of: open alerts of every visibility, and names.

    Attributes:
        open_alerts: Every open alert, without its evidence.
        looks_of: Returns alert id -> look for the few that are shown.
        raised_lately: When alerts were raised in the last hours, open or not.
        orders: Alert id -> its order.
        names: Account id -> name.
        taken_out: Alert id -> why it is out of service.
    """

    open_alerts: Sequence[AlertLine]
    looks_of: Callable[[Sequence[AlertLine]], Mapping[str, AlertLook]]
    raised_lately: Sequence[datetime]
    orders: Mapping[str, OrderBrief]
    names: Mapping[str, str]
    taken_out: Mapping[str, TakenOut]


def _fits(record: AlertLine, query: DeskQuery, words: Words) -> bool:
    if query.medium and record.medium != query.medium:
        return False
    if not query.search:
        return True
    text = " ".join(
        (
            title_of(record, words),
            record.meter_id,
            place_of(record, words).text,
            record.address,
            record.rule,
            label(words, RULE_WORDS, record.rule),
        )
    )
    return query.search.casefold() in text.casefold()


def build_desk(source: DeskSource, query: DeskQuery, words: Words, now_utc: datetime) -> Desk:
    """Return the desk; a safety alert is pinned whatever the tab and the filter say."""
    shown = [each for each in source.open_alerts if each.visibility is Visibility.SHOWN]
    pinned = sorted((each for each in shown if is_safety(each)), key=list_rank)
    fitting = [each for each in shown if _fits(each, query, words)]
    in_tab = sorted(
        (each for each in fitting if _IN_TAB[query.tab](each) and not is_safety(each)),
        key=list_rank,
    )
    folded = fold_floods(in_tab, query.group)
    listed, first_pinned = folded.lines[: query.rows], pinned[: query.rows]
    looks = source.looks_of([*first_pinned, *listed])

    def rows(records: Sequence[AlertLine]) -> list[AlertRow]:
        return [
            _with_flood(
                row_view(
                    each, looks[each.alert_id], words, now_utc, source.orders.get(each.alert_id)
                ),
                folded,
                query,
                _cause_words(each, words),
            )
            for each in records
        ]

    shelved = [each for each in source.open_alerts if each.visibility is Visibility.SHELVED]
    hidden = [each for each in source.open_alerts if is_hidden(each)]
    bars = load_bars(source.raised_lately, now_utc)
    last_hour = [each for each in source.raised_lately if (now_utc - each).total_seconds() < 3600]  # noqa: PLR2004  # seconds of an hour
    title, text = _empty_words(query, words)
    return Desk(
        tab=query.tab,
        medium=query.medium,
        search=query.search,
        selected=query.selected,
        tabs=_tabs(fitting, query),
        media=_media(shown, query),
        safety=rows(first_pinned),
        rows=rows(listed),
        more_count=len(folded.lines) - len(listed),
        more_safety_count=len(pinned) - len(first_pinned),
        more_href=query.address(rows=str(query.rows + MORE_ROWS)),
        shelved=[shelved_view(each, words, now_utc, source.names) for each in shelved],
        hidden=[
            hidden_view(each, words, source.taken_out.get(each.alert_id), source.names)
            for each in hidden[:HIDDEN_AT_ONCE]
        ],
        hidden_count=len(hidden),
        todo_count=sum(1 for each in shown if is_todo(each)),
        load=bars,
        load_last_hour=len(last_hour),
        empty_title=title,
        empty_text=text,
    )


def _cause_words(record: AlertLine, words: Words) -> str:
    """Return what the alerts of a flood share, beside the community that the row names anyway."""
    cause, name = cause_of(record)
    message = {Cause.GATEWAY: mark("gateway %(name)s"), Cause.STATION: mark("behind %(name)s")}
    return words.gettext(message[cause]) % {"name": name} if cause in message else ""


def _with_flood(row: AlertRow, folded: Folded, query: DeskQuery, cause: str) -> AlertRow:
    """Return the row with how many follow it, and the way to open or fold them."""
    key = folded.keys.get(row.alert_id)
    if key is None:
        return row
    is_open = key == query.group
    return replace(
        row,
        followers=folded.followers[row.alert_id],
        flood_cause=cause,
        flood_href=query.address(group="" if is_open else key),
        is_flood_open=is_open,
    )


def _tabs(fitting: Sequence[AlertLine], query: DeskQuery) -> list[Tab]:
    return [
        Tab(
            message=message,
            href=query.address(tab=tab),
            count=sum(1 for each in fitting if _IN_TAB[tab](each)),
            is_current=tab == query.tab,
        )
        for tab, message in _TAB_MESSAGES.items()
    ]


def _media(shown: Sequence[AlertLine], query: DeskQuery) -> list[MediumChoice]:
    choices = [("", mark("All")), *((str(medium), MEDIA[medium]) for medium in Medium)]
    return [
        MediumChoice(
            medium=medium,
            message=message,
            href=query.address(medium=medium),
            count=sum(1 for each in shown if each.medium == medium),
            is_current=medium == query.medium,
        )
        for medium, message in choices
    ]


def _empty_words(query: DeskQuery, words: Words) -> tuple[str, str]:
    if query.search or query.medium:
        return (
            words.gettext(mark("No alert matches")),
            words.gettext(mark("Take the filter away, or look under another tab.")),
        )
    if query.tab == "unack":
        return (
            words.gettext(mark("Nothing to acknowledge")),
            words.gettext(mark("Every alert was seen by somebody.")),
        )
    return (
        words.gettext(mark("No open alert")),
        words.gettext(mark("A new one appears here by itself, without reloading.")),
    )
