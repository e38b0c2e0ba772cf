"""What the page of the operator figures shows: columns, tables and levels in one reader's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_server.detection.watch.round_store import Rounds
from sync_server.operator_figures.figures import (
    BEARABLE_PER_HOUR,
    AckTime,
    Load,
    Offender,
    OperatorLoad,
    RaisedAlert,
    RuleWorth,
)
from sync_server.web.alert_views import href_of, meter_href
from sync_server.web.columns import WIDE, ColumnChart, ColumnOf, Part, column_chart
from sync_server.web.labels import (
    KINDS,
    MEDIA,
    RULE_WORDS,
    RULES,
    label,
)
from sync_server.web.words import Words, age, mark, number

MOST_COLUMNS = 168
"""Hours of a week; of a longer period each column is a day."""

FALSE_BUDGET = 0.3
"""False alarms per 1000 meters and day up to which a kind makes orders by itself (RULINGS R8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureCard:
    """One figure with its level: `tone` is danger, warn, or empty."""

    name: str
    value: str
    note: str
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One row of a table: cells in words, the first leads to `href`; `bar` is 0 to 100."""

    cells: Sequence[str]
    href: str = ""
    medium: str = ""
    medium_message: str = ""
    bar: int | None = None
    tone: str = "idle"


def load_chart(load: Load, words: Words) -> ColumnChart | None:
    """Return alerts of each hour against the bearable rate, or of each day of a long period."""
    if len(load.hours) <= MOST_COLUMNS:
        columns = [
            _column(_label(load, each.astimezone(words.zone)), each, count, words)
            for each, count in load.hours
        ]
        return column_chart(
            columns, words.gettext(mark("an hour")), limit=BEARABLE_PER_HOUR, width=WIDE
        )
    days: dict[str, int] = {}
    for moment, count in load.hours:
        day = words.date(moment)
        days[day] = days.get(day, 0) + count
    bearable = 24 * BEARABLE_PER_HOUR
    by_day = [
        ColumnOf(label=day[5:], words=f"{day}: {count}", parts=[_part(count, bearable)])
        for day, count in days.items()
    ]
    unit = words.gettext(mark("a day"))
    return column_chart(by_day, unit, limit=bearable, width=WIDE)


def _label(load: Load, moment: datetime) -> str:
    """Return the hour of a day's column; of a week's the day, below its first hour alone."""
    if len(load.hours) <= 24:  # noqa: PLR2004  # hours of a day
        return moment.strftime("%H")
    return "" if moment.hour else moment.strftime("%m-%d")


def _column(text: str, moment: datetime, count: int, words: Words) -> ColumnOf:
    part = _part(count, BEARABLE_PER_HOUR)
    return ColumnOf(label=text, words=f"{words.moment(moment)}: {count}", parts=[part])


def _part(count: int, bearable: float) -> Part:
    return Part(value=float(count), tone="lost" if count > bearable else "metered")


def load_cards(
    load: Load, words: Words, chattering: int, stale: Sequence[RaisedAlert]
) -> Sequence[FigureCard]:
    """Return the five figures of the head."""
    per_hour = load.per_hour
    is_above = per_hour is not None and per_hour > BEARABLE_PER_HOUR
    limit = words.gettext(mark("bearable: %(n)s an hour")) % {"n": number(BEARABLE_PER_HOUR)}
    floods = words.ngettext("%(n)s flood", "%(n)s floods", load.floods) % {"n": load.floods}
    above = words.ngettext("%(n)s hour above", "%(n)s hours above", load.hours_above)
    return (
        FigureCard(
            name=words.gettext(mark("Alerts an hour")),
            value="—" if per_hour is None else number(per_hour),
            note=limit,
            tone="danger" if is_above else "",
        ),
        FigureCard(
            name=words.gettext(mark("Busiest hour")),
            value=number(load.busiest),
            note=f"{above % {'n': load.hours_above}} · {floods}",
            tone="warn" if load.hours_above else "",
        ),
        FigureCard(
            name=words.gettext(mark("Raised")),
            value=number(load.raised),
            note=words.gettext(mark("in the period")),
        ),
        FigureCard(
            name=words.gettext(mark("Chattering")),
            value=number(chattering),
            note=words.gettext(mark("three times within a day")),
            tone="warn" if chattering else "",
        ),
        FigureCard(
            name=words.gettext(mark("Stale")),
            value=number(len(stale)),
            note=words.gettext(mark("stand for more than 24 h now")),
            tone="warn" if stale else "",
        ),
    )


def look_card(rounds: Rounds, words: Words, now_utc: datetime) -> FigureCard:
    """Return when the detectors last looked at the meters and all was well with it."""
    good_utc = rounds.good_at_utc
    return FigureCard(
        name=words.gettext(mark("Last good look")),
        value="—" if good_utc is None else words.near_clock(good_utc, now_utc),
        note=words.gettext(mark("of the detectors, once an hour")),
        tone="danger" if rounds.is_late(now_utc) else "",
    )


def offender_rows(offenders: Sequence[Offender], words: Words) -> Sequence[FigureRow]:
    """Return the ten meters and kinds that were raised most."""
    return [
        FigureRow(
            cells=(
                each.meter_id,
                label(words, KINDS, each.kind),
                number(each.raised),
                _percent(each.share),
            ),
            href=meter_href(each.meter_id),
            medium=str(each.medium),
            medium_message=MEDIA.get(each.medium, str(each.medium)),
            bar=round(100 * each.share),
        )
        for each in offenders
    ]


def _percent(share: float) -> str:
    return f"{number(round(100 * share, 1))} %"


def ack_rows(times: Sequence[AckTime]) -> Sequence[FigureRow]:
    """Return the times to acknowledge by priority."""
    return [
        FigureRow(
            cells=(
                f"P{each.priority}",
                number(each.raised),
                number(each.raised - each.acknowledged),
                _took(each.median),
                _took(each.slowest_of_20),
            ),
            tone=f"P{each.priority}",
        )
        for each in times
    ]


def _took(time: timedelta | None) -> str:
    return "—" if time is None else age(time)


def worth_rows(worths: Sequence[RuleWorth], words: Words) -> Sequence[FigureRow]:
    """Return the rules with their false alerts; one that no crew looked at has no figure."""
    most = max((each.false_per_1000_days or 0.0 for each in worths), default=0.0)
    return [_worth_row(each, words, max(most, FALSE_BUDGET)) for each in worths]


def _worth_row(each: RuleWorth, words: Words, most: float) -> FigureRow:
    rate = each.false_per_1000_days if each.checked else None
    name = label(words, RULE_WORDS, each.rule)
    return FigureRow(
        cells=(
            name if each.rule in RULES else f"{label(words, KINDS, each.kind)} · {name}",
            number(each.raised),
            number(each.checked),
            number(each.false),
            "—" if rate is None else number(round(rate, 3)),
        ),
        medium=str(each.medium),
        medium_message=MEDIA.get(each.medium, str(each.medium)),
        bar=None if rate is None else round(100 * rate / most),
        tone="danger" if rate is not None and rate > FALSE_BUDGET else "ok",
    )


def operator_rows(loads: Sequence[OperatorLoad], names: Mapping[str, str]) -> Sequence[FigureRow]:
    """Return what each person had to bear on watch."""
    return [
        FigureRow(
            cells=(
                names.get(each.account_id, each.account_id),
                number(round(each.hours, 1)),
                number(each.raised),
                "—" if each.per_hour is None else number(each.per_hour),
                number(each.acknowledged),
            ),
            tone="danger" if (each.per_hour or 0) > BEARABLE_PER_HOUR else "",
        )
        for each in loads
    ]


def stale_rows(
    alerts: Sequence[RaisedAlert], words: Words, now_utc: datetime
) -> Sequence[FigureRow]:
    """Return the alerts that stand too long, the oldest first."""
    return [
        FigureRow(
            cells=(
                f"P{each.priority}",
                each.meter_id,
                label(words, KINDS, each.kind),
                age(now_utc - each.raised_at_utc),
            ),
            href=href_of(each.alert_id),
            medium=str(each.medium),
            medium_message=MEDIA.get(each.medium, str(each.medium)),
            tone=f"P{each.priority}",
        )
        for each in alerts
    ]
