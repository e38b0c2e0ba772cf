"""The routes of the meters: the list with its search, and one meter with its course."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.alerts.alert import AlertFilter, AlertRecord
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.archive.history_store import Zoom, course
from sync_server.assets.asset_store import get_meter
from sync_server.assets.assets import MeterRecord
from sync_server.db.engine_io import reading
from sync_server.web.alert_look import look_of
from sync_server.web.alert_views import meter_href, row_view
from sync_server.web.chart import chart_json
from sync_server.web.guarded_io import SeeReadings
from sync_server.web.labels import (
    MEDIA,
    METER_CLASSES,
    QUANTITIES,
    label,
    quality_words,
    unit_of,
)
from sync_server.web.meter_facts_store import (
    RAW_AT_ONCE,
    devices_of,
    neighbours_of,
    notes_of,
    origin_of,
    parents_of,
    raw_readings,
)
from sync_server.web.meter_views import (
    Fact,
    device_rows,
    neighbour_rows,
    note_rows,
    origin_facts,
    raw_rows,
    zone_facts,
)
from sync_server.web.order_views import order_row
from sync_server.web.page_queries_store import (
    LatestValue,
    MeterLine,
    count_silent,
    crew_names,
    find_meters,
    latest_values,
)
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.places import Place, place_for
from sync_server.web.words import Words, mark, number, quantity
from sync_server.work_orders.order import OrderFilter
from sync_server.work_orders.order_store import list_orders
from wire_contracts.evidence import ChartPoint, Evidence
from wire_contracts.frames import LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.quantities import Quantity
from wire_contracts.texts import BilingualText

MAX_LISTED = 200

_SPANS = {
    "1": mark("24 h"),
    "7": mark("7 days"),
    "30": mark("30 days"),
    "400": mark("13 months"),
    "1830": mark("5 years"),
}
_MEAN_S = {"400": 4 * 3600, "1830": 86_400}
"""Over how long each point of a long span is the mean: some two thousand points."""

_DEFAULT_SPAN = "7"

_CHARTED_FIRST = (
    Quantity.FLOW_M3H,
    Quantity.FLOW_BASE_M3H,
    Quantity.FLOW_ACTUAL_M3H,
    Quantity.POWER_KW,
    Quantity.VOLUME_M3,
    Quantity.VOLUME_BASE_M3,
)
"""What a person wants to see first of a meter, the best that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRow:
    """One meter of the list."""

    meter_id: str
    medium: str
    medium_message: str
    meter_class: str
    size: str
    place: Place
    interval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One button of a segment."""

    words: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number with its name."""

    name: str
    value: str
    is_missing: bool


def interval_words(seconds: float) -> str:
    """Return an interval as `5 min`, `1 h` or `30 d`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds)} s"


def _row(line: MeterLine, words: Words) -> MeterRow:
    return MeterRow(
        meter_id=line.meter_id,
        medium=line.medium,
        medium_message=MEDIA.get(line.medium, line.medium),
        meter_class=label(words, METER_CLASSES, line.meter_class),
        size=line.size or "—",
        place=place_for(words, line.place_en, line.place_zh, line.address),
        interval=interval_words(line.interval_s),
    )


def meters_router(pages: Pages) -> APIRouter:
    """Return the routes of the meters."""
    router = APIRouter()

    @router.get("/meters")
    def meters(request: Request, person: SeeReadings, q: str = "", state: str = "") -> Response:
        """Show the meters that match; an order's or a meter's own number leads straight to it."""
        reader, search = pages.reader(person), q.strip()[:100]
        with reading(pages.engine) as connection:
            straight = _straight(connection, search)
            now_utc = pages.clock.now_utc()
            silent_at_utc = now_utc if state == "silent" else None
            total, lines = find_meters(connection, search, MAX_LISTED, silent_at_utc)
            silent = count_silent(connection, now_utc)
        if straight:
            return see_other(straight)
        words = reader.words
        count = words.ngettext("%(n)s meter", "%(n)s meters", total) % {"n": number(total)}
        return pages.page(
            request,
            reader,
            "meters.html",
            "meters",
            meters=[_row(line, words) for line in lines],
            search=search,
            total_words=count,
            states=_states(words, search, silent, state),
        )

    @router.get("/meters/{meter_id}")
    def meter(
        request: Request, person: SeeReadings, meter_id: str, days: str = "", show: str = ""
    ) -> Response:
        """Show one meter: course, newest readings, alerts, orders."""
        return _meter_page(pages, request, pages.reader(person), meter_id, (days, show))

    @router.get("/meters/{meter_id}/raw")
    def raw(request: Request, person: SeeReadings, meter_id: str, before: str = "") -> Response:
        """Show a meter's readings as they came, the newest first, sixty at a time."""
        return _raw_page(pages, request, pages.reader(person), meter_id, before)

    return router


def _raw_page(
    pages: Pages, request: Request, reader: Reader, meter_id: str, before: str
) -> Response:
    before_utc = pages.clock.now_utc() + timedelta(days=1)
    if before.isdigit() and int(before) < LATEST_MS:
        before_utc = utc_from_ms(int(before))
    with reading(pages.engine) as connection:
        if get_meter(connection, meter_id) is None:
            return _unknown(pages, request, reader, meter_id)
        readings = raw_readings(connection, meter_id, before_utc)
    is_full = len(readings) == RAW_AT_ONCE
    return pages.page(
        request,
        reader,
        "raw.html",
        "meters",
        meter_id=meter_id,
        rows=raw_rows(readings, reader.words),
        newest=bool(before),
        older=ms_from_utc(readings[-1].measured_at_utc) if is_full else 0,
    )


def _states(words: Words, search: str, silent: int, state: str) -> list[Choice]:
    asked = f"q={quote(search)}&" if search else ""
    named = words.gettext(mark("Silent %(n)s")) % {"n": number(silent)}
    return [
        Choice(
            words=words.gettext(mark("All")),
            href=f"/meters?{asked}state=",
            is_current=state != "silent",
        ),
        Choice(words=named, href=f"/meters?{asked}state=silent", is_current=state == "silent"),
    ]


def _straight(connection: Connection, search: str) -> str:
    if not search:
        return ""
    if get_meter(connection, search) is not None:
        return meter_href(search)
    wanted = OrderFilter(number=search.upper(), has_evidence=False, limit=1)
    found = list_orders(connection, wanted)
    return f"/orders/{found[0].order_id}" if found else ""


def _meter_page(
    pages: Pages, request: Request, reader: Reader, meter_id: str, asked: tuple[str, str]
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    days = asked[0] if asked[0] in _SPANS else _DEFAULT_SPAN
    with reading(pages.engine) as connection:
        record = get_meter(connection, meter_id)
        if record is None:
            return _unknown(pages, request, reader, meter_id)
        latest = latest_values(connection, meter_id)
        shown = _shown_quantity(latest, asked[1])
        from_utc = now_utc - timedelta(days=int(days))
        zoom = Zoom(from_utc=from_utc, now_utc=now_utc, mean_s=_MEAN_S.get(days, 0))
        archive = pages.settings.archive_folder
        points = course(connection, archive, meter_id, shown, zoom) if shown else ()
        related = _related(connection, reader, meter_id, now_utc)
        facts = _facts(connection, record, words, now_utc)
        _, lines = find_meters(connection, meter_id, MAX_LISTED)
    count_words = _span_words(len(points), words, _MEAN_S.get(days, 0))
    if points:
        points = [*points, ChartPoint(at_utc=now_utc, observed=None)]
    line = next((each for each in lines if each.meter_id == meter_id), None)
    newest = max((each.at_utc for each in latest if each.value is not None), default=None)
    return pages.page(
        request,
        reader,
        "meter.html",
        "meters",
        meter=_row(line, words) if line else None,
        figures=_figures(latest, words)[:3],
        latest=_figures(latest, words),
        latest_at=words.near_clock(newest, now_utc) if newest else "",
        chart_data=_chart_of(points, shown, words, now_utc),
        spans=[
            Choice(
                words=words.gettext(message),
                href=f"{meter_href(meter_id)}?days={key}&show={shown or ''}",
                is_current=key == days,
            )
            for key, message in _SPANS.items()
        ],
        quantities=[
            Choice(
                words=label(words, QUANTITIES, each.quantity),
                href=f"{meter_href(meter_id)}?days={days}&show={each.quantity}",
                is_current=each.quantity == shown,
            )
            for each in latest
        ][:6],
        span_words=count_words,
        facts=facts,
        **related,
    )


def _chart_of(
    points: Sequence[ChartPoint], shown: Quantity | None, words: Words, now_utc: datetime
) -> str:
    if not points or shown is None:
        return ""
    evidence = Evidence(
        sentence=BilingualText(en="", zh=""),
        quantity=str(shown),
        unit=unit_of(shown),
        rule_from_utc=now_utc,
        rule_to_utc=now_utc,
        points=points,
    )
    return chart_json(evidence, words.zone)


def _span_words(count: int, words: Words, mean_s: int) -> str:
    if mean_s:
        text = words.gettext(mark("%(n)s points, each of %(span)s"))
        return text % {"n": number(count), "span": interval_words(mean_s)}
    return words.ngettext("%(n)s reading", "%(n)s readings", count) % {"n": number(count)}


def _shown_quantity(latest: Sequence[LatestValue], asked: str) -> Quantity | None:
    present = [Quantity(each.quantity) for each in latest if each.quantity in set(Quantity)]
    if asked in present:
        return Quantity(asked)
    return next((each for each in _CHARTED_FIRST if each in present), next(iter(present), None))


def _figures(latest: Sequence[LatestValue], words: Words) -> list[Figure]:
    order = {str(each): index for index, each in enumerate(_CHARTED_FIRST)}
    ranked = sorted(latest, key=lambda each: (order.get(each.quantity, 99), each.quantity))
    return [
        Figure(
            name=label(words, QUANTITIES, each.quantity),
            value=quantity(each.value, unit_of(each.quantity))
            if each.value is not None
            else quality_words(words, each.quality or "") or "—",
            is_missing=each.value is None,
        )
        for each in ranked
    ]


def _facts(
    connection: Connection, record: MeterRecord, words: Words, now_utc: datetime
) -> list[Fact]:
    meter = record.meter
    origin = origin_of(connection, meter.meter_id)
    return [
        *origin_facts(origin, words, now_utc, meter.interval),
        *zone_facts(parents_of(connection, meter.meter_id), words),
        *(Fact(name=name, value=value) for name, value in _settings(record, words)),
    ]


def _settings(record: MeterRecord, words: Words) -> list[tuple[str, str]]:
    power = mark("mains") if record.meter.is_mains_powered else mark("battery")
    return [
        (words.gettext(mark("Device")), record.device_serial or "—"),
        (words.gettext(mark("Interval")), interval_words(record.meter.interval.total_seconds())),
        (words.gettext(mark("Power supply")), words.gettext(power)),
        (words.gettext(mark("Added")), words.date(record.added_at_utc)),
    ]


def _related(
    connection: Connection, reader: Reader, meter_id: str, now_utc: datetime
) -> dict[str, object]:
    role, words = reader.person.role, reader.words
    alerts: Sequence[AlertRecord] = ()
    if may(role, Action.SEE_ALERTS):
        wanted = AlertFilter(is_open=None, visibility=None, meter_id=meter_id, limit=20)
        alerts = list_alerts(connection, wanted)
    orders = []
    if may(role, Action.SEE_ORDERS):
        crews = crew_names(connection)
        orders = [
            order_row(each, words, now_utc, crews, {})
            for each in list_orders(
                connection, OrderFilter(meter_id=meter_id, has_evidence=False, limit=20)
            )
        ]
    return {
        "alerts": [row_view(each, look_of(each.evidence), words, now_utc) for each in alerts],
        "orders": orders,
        "devices": device_rows(devices_of(connection, meter_id), words),
        "notes": note_rows(notes_of(connection, meter_id), words),
        "neighbours": neighbour_rows(neighbours_of(connection, meter_id, now_utc), words, now_utc),
    }


def _unknown(pages: Pages, request: Request, reader: Reader, meter_id: str) -> Response:
    gettext = reader.words.gettext
    return pages.page(
        request,
        reader,
        "error.html",
        "meters",
        heading=gettext(mark("There is no such meter")),
        problem_text=gettext(mark("{meter} is not known; search for another number.")).format(
            meter=meter_id[:40]
        ),
        status=404,
    )
