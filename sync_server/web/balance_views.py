"""What the pages of the balances show: zones of a month, months of a zone, registers of meters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from sync_server.balances.balance import Balance, MeterUse, Standing, ZoneKind
from sync_server.balances.zone_store import Zone, ZoneMonth
from sync_server.sheets.table import TextTable
from sync_server.web.alert_views import meter_href
from sync_server.web.columns import ColumnChart, ColumnOf, Part, column_chart
from sync_server.web.labels import MEDIA, QUANTITIES, label
from sync_server.web.places import Place, place_for
from sync_server.web.words import Words, mark, number

HIGH_SHARE = 0.2
"""From this part of the inflow on a loss is marked (judgement: the eye is to fall on it)."""

STANDINGS: Mapping[str, str] = {
    Standing.READ: mark("read"),
    Standing.ESTIMATED: mark("between readings"),
    Standing.NO_READING: mark("no reading at a bound"),
    Standing.EXCHANGED: mark("exchanged"),
    Standing.WENT_BACK: mark("went back"),
    Standing.OTHER_QUANTITY: mark("counts something else"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow:
    """One zone, or one month of it, in words; what is not known is a dash."""

    href: str
    month: str
    zone_id: str
    medium: str
    medium_message: str
    place: Place
    inflow: str
    metered: str
    unaccounted: str
    share: str
    share_of_100: int | None
    tone: str
    coverage: str
    is_whole: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow:
    """One meter of a zone in a month."""

    href: str
    meter_id: str
    is_inflow: bool
    begin: str
    end: str
    used: str
    standing: str
    is_counted: bool


def zone_href(zone_id: str, month: str) -> str:
    """Return the address of a zone's page."""
    return f"/balances/{quote(zone_id, safe='')}?month={month}"


def balance_row(zone: Zone, shown: ZoneMonth, words: Words, chosen: str = "") -> BalanceRow:
    """Return a zone in one month."""
    balance, unit = shown.balance, str(zone.measure)
    share = balance.share
    is_certain = zone.kind is ZoneKind.FED or balance.is_whole
    return BalanceRow(
        href=zone_href(zone.zone_id, shown.month),
        month=shown.month,
        zone_id=zone.zone_id,
        medium=str(zone.medium),
        medium_message=MEDIA.get(zone.medium, str(zone.medium)),
        place=place_for(words, zone.place_en, zone.place_zh, zone.address),
        inflow=_amount(balance.inflow, unit),
        metered=_amount(balance.metered, unit),
        unaccounted=_at_most(_amount(balance.unaccounted, unit), is_certain=is_certain),
        share="—" if share is None else _at_most(_percent(share), is_certain=is_certain),
        share_of_100=None if share is None else max(0, min(100, round(share * 100))),
        tone=_tone(zone, balance),
        coverage=_coverage(zone, balance, words),
        is_whole=balance.is_whole,
        is_chosen=shown.month == chosen,
    )


def _tone(zone: Zone, balance: Balance) -> str:
    if zone.kind is ZoneKind.FED or balance.share is None or not balance.is_whole:
        return "idle"
    return "danger" if balance.share >= HIGH_SHARE or balance.share < 0 else "ok"


def _amount(value: float | None, unit: str) -> str:
    return "—" if value is None else f"{number(value)} {unit}"


def _percent(share: float) -> str:
    return f"{number(round(share * 100, 1))} %"


def _at_most(text: str, *, is_certain: bool) -> str:
    """Return the text; with meters missing what is lost is at most that much."""
    return text if is_certain or text == "—" else f"≤ {text}"


def _coverage(zone: Zone, balance: Balance, words: Words) -> str:
    if zone.kind is ZoneKind.FED:
        return words.gettext(mark("all of it is lost"))
    if not balance.meters:
        return words.gettext(mark("no meters are known"))
    text = words.gettext(mark("%(counted)s of %(meters)s meters")) % {
        "counted": number(balance.counted),
        "meters": number(balance.meters),
    }
    if balance.estimated:
        more = words.gettext(mark("%(n)s between readings")) % {"n": number(balance.estimated)}
        return f"{text} · {more}"
    return text


def months_chart(zone: Zone, months: Sequence[ZoneMonth], words: Words) -> ColumnChart | None:
    """Return the columns of a zone's months, the oldest first: metered below, the rest above."""
    columns = []
    for each in sorted(months, key=lambda month: month.month):
        row = balance_row(zone, each, words)
        is_fed = zone.kind is ZoneKind.FED
        columns.append(
            ColumnOf(
                label=each.month[2:],
                words=f"{each.month}: {row.inflow} − {row.metered} = {row.unaccounted}",
                href=row.href,
                parts=[
                    Part(value=None if is_fed else each.balance.metered, tone="metered"),
                    Part(value=each.balance.unaccounted, tone="lost"),
                ],
            )
        )
    return column_chart(columns, str(zone.measure))


def use_rows(zone: Zone, shown: ZoneMonth, words: Words) -> Sequence[UseRow]:
    """Return the meters of a zone: inflows, then what is not counted, then the greatest use."""
    ranked = sorted(shown.uses, key=_rank)
    return [_use_row(zone, each, words) for each in ranked]


def use_table(zone: Zone, shown: ZoneMonth, words: Words, stamp: str) -> TextTable:
    """Return the registers of a month for a file; amounts are in the zone's measure."""
    unit = str(zone.measure)
    return TextTable(
        sheet=zone.zone_id,
        title=f"{zone.zone_id} {shown.month}",
        subtitle=span_words(shown, words),
        heading=[
            words.gettext(mark("Meter")),
            f"{words.gettext(mark('At the beginning'))}, {unit}",
            f"{words.gettext(mark('At the end'))}, {unit}",
            f"{words.gettext(mark('Used'))}, {unit}",
            words.gettext(mark("How it counts")),
        ],
        lines=[
            [
                use.meter_id,
                use.begin.total if use.begin else None,
                use.end.total if use.end else None,
                use.used,
                _standing(zone, use, words),
            ]
            for use in sorted(shown.uses, key=_rank)
        ],
        footer=stamp,
    )


def _standing(zone: Zone, use: MeterUse, words: Words) -> str:
    row = _use_row(zone, use, words)
    return f"{words.gettext(mark('inflow'))} · {row.standing}" if use.is_inflow else row.standing


def _rank(use: MeterUse) -> tuple[bool, bool, float, str]:
    return not use.is_inflow, use.used is not None, -(use.used or 0.0), use.meter_id


def _use_row(zone: Zone, use: MeterUse, words: Words) -> UseRow:
    unit = str(zone.measure)
    shown = next((str(each.quantity) for each in (use.end, use.begin) if each is not None), "")
    standing = label(words, STANDINGS, use.standing)
    if use.standing is Standing.OTHER_QUANTITY:
        standing = f"{standing}: {label(words, QUANTITIES, shown)}"
    return UseRow(
        href=f"{meter_href(use.meter_id)}?days=400&show={shown}",
        meter_id=use.meter_id,
        is_inflow=use.is_inflow,
        begin=_amount(use.begin.total if use.begin else None, unit),
        end=_amount(use.end.total if use.end else None, unit),
        used=_amount(use.used, unit),
        standing=standing,
        is_counted=use.used is not None,
    )


def span_words(shown: ZoneMonth, words: Words) -> str:
    """Return from when to when the month is drawn up."""
    return f"{words.moment(shown.from_utc)} – {words.moment(shown.to_utc)}"
