"""Builds the alert desk and its answers from the database for one reader."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.alerts.alert import AlertEventRecord, AlertNotFoundError, AlertRecord
from sync_server.alerts.alert_list_store import alert_history, get_alert
from sync_server.alerts.upkeep_store import taken_out
from sync_server.assets.asset_store import get_meter
from sync_server.blobs.gallery import pictures_of
from sync_server.db.engine_io import reading
from sync_server.web.alert_look import look_of
from sync_server.web.alert_views import (
    LOAD_HOURS,
    AlertRow,
    EventRow,
    NumberRow,
    alert_steps,
    history_view,
    href_of,
    is_safety,
    number_view,
    row_view,
)
from sync_server.web.chart import ChartFlag, chart_json
from sync_server.web.chart_flags_io import Charted, flags_of
from sync_server.web.desk import Desk, DeskQuery, DeskSource, build_desk, parse_query
from sync_server.web.desk_queries_store import alert_looks, open_alert_lines
from sync_server.web.labels import (
    METER_CLASSES,
    RULE_WORDS,
    VISIBILITIES,
    evidence_sentence,
    label,
)
from sync_server.web.meter_facts_store import neighbours_of
from sync_server.web.meter_views import NeighbourRow, neighbour_rows
from sync_server.web.order_views import brief_of
from sync_server.web.page_queries_store import (
    account_names,
    crew_names,
    last_value_at,
    order_lines,
    raised_since,
)
from sync_server.web.pages_io import Pages, Reader, is_part_wanted, see_other
from sync_server.web.photo_views import PhotoPanel, photo_panel
from sync_server.web.refusal_words import refusal_text
from sync_server.web.words import Words, mark
from wire_contracts.alert_states import (
    CONDITION,
    Condition,
    ConditionEvent,
    Disposition,
    Visibility,
)
from wire_contracts.orders import ENTITY


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePanel:
    """Everything the right side shows of one alert."""

    row: AlertRow
    size: str
    meter_class: str
    rule: str
    chart: str
    happened: Sequence[ChartFlag]
    sentence: str
    numbers: Sequence[NumberRow]
    check_first: Sequence[str]
    effects: Sequence[NumberRow]
    against: Sequence[NumberRow]
    flags: Sequence[str]
    events: Sequence[EventRow]
    facts: Sequence[tuple[str, str]]
    order_href: str
    photos: PhotoPanel
    neighbours: Sequence[NeighbourRow]
    can_acknowledge: bool
    can_shelve: bool
    can_unshelve: bool
    can_dispatch: bool
    can_reset: bool
    can_take_out: bool
    can_put_back: bool
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRights:
    """What the reader may do on the desk."""

    shelve: bool


def _load_desk(connection: Connection, reader: Reader, query: DeskQuery, now_utc: datetime) -> Desk:
    crews = crew_names(connection)
    open_alerts = open_alert_lines(connection)
    lines = order_lines(
        connection, [each.work_order_id for each in open_alerts if each.work_order_id]
    )
    orders = {
        each.alert_id: brief_of(lines[each.work_order_id], reader.words, crews)
        for each in open_alerts
        if each.work_order_id in lines
    }
    source = DeskSource(
        open_alerts=open_alerts,
        looks_of=partial(alert_looks, connection),
        raised_lately=raised_since(connection, now_utc - timedelta(hours=LOAD_HOURS)),
        orders=orders,
        names=account_names(connection),
        taken_out=taken_out(connection),
    )
    return build_desk(source, query, reader.words, now_utc)


def _find(connection: Connection, alert_id: str) -> AlertRecord | None:
    try:
        return get_alert(connection, alert_id)
    except AlertNotFoundError:
        return None


def load_panel(
    connection: Connection, alert_id: str, reader: Reader, now_utc: datetime, problem: str = ""
) -> EvidencePanel | None:
    """Return what the right side shows, None when there is no such alert."""
    record = _find(connection, alert_id)
    if record is None:
        return None
    words = reader.words
    meter = get_meter(connection, record.meter_id)
    ordered = [record.work_order_id] if record.work_order_id else []
    found = [*order_lines(connection, ordered).values()]
    order = brief_of(found[0], words, crew_names(connection)) if found else None
    evidence = record.evidence
    role = reader.person.role
    events = alert_history(connection, alert_id)
    happened = _flags(connection, record, events, reader, now_utc)
    acknowledges = ConditionEvent.ACKNOWLEDGE in CONDITION.possible_events(record.condition)
    is_shown = record.visibility is Visibility.SHOWN
    return EvidencePanel(
        row=row_view(record, look_of(evidence), words, now_utc, order),
        size=meter.meter.size if meter else "",
        meter_class=label(words, METER_CLASSES, meter.meter.meter_class) if meter else "",
        rule=label(words, RULE_WORDS, record.rule),
        chart=chart_json(evidence, words.zone, happened) if evidence.points else "",
        happened=happened if evidence.points else (),
        sentence=evidence_sentence(words, evidence.sentence),
        numbers=[number_view(each, words) for each in evidence.numbers],
        check_first=[each.in_language(words.language) for each in evidence.check_first],
        effects=[number_view(each, words) for each in evidence.effects],
        against=[number_view(each, words) for each in evidence.against],
        flags=[each.in_language(words.language) for each in evidence.flags],
        events=history_view(events, words, now_utc, account_names(connection)),
        facts=_facts(connection, record, words, now_utc),
        order_href=f"/orders/{order.order_id}" if order else "",
        photos=_photos(connection, record, reader),
        neighbours=_neighbours(connection, record, reader, now_utc),
        can_acknowledge=acknowledges and may(role, Action.ACKNOWLEDGE_ALERT),
        can_shelve=is_shown
        and record.is_open
        and not is_safety(record)
        and may(role, Action.SHELVE_ALERT),
        can_unshelve=record.visibility is Visibility.SHELVED and may(role, Action.SHELVE_ALERT),
        can_reset=record.condition is Condition.LATCHED and may(role, Action.ACKNOWLEDGE_ALERT),
        can_take_out=record.visibility in {Visibility.SHOWN, Visibility.SHELVED}
        and record.is_open
        and not is_safety(record)
        and may(role, Action.SHELVE_ALERT),
        can_put_back=record.visibility is Visibility.OUT_OF_SERVICE
        and may(role, Action.SHELVE_ALERT),
        can_dispatch=record.is_open
        and record.disposition is not Disposition.ORDERED
        and may(role, Action.DISPATCH_ORDER),
        problem=refusal_text(problem, words),
    )


def _flags(
    connection: Connection,
    record: AlertRecord,
    events: Sequence[AlertEventRecord],
    reader: Reader,
    now_utc: datetime,
) -> Sequence[ChartFlag]:
    """Return what happened to alert and meter while the chart runs: events, orders, notes."""
    charted = Charted(
        meter_id=record.meter_id,
        evidence=record.evidence,
        raised_at_utc=record.raised_at_utc,
        steps=alert_steps(events, reader.words),
        own_order_id=record.work_order_id,
    )
    return flags_of(connection, charted, reader, now_utc)


def _neighbours(
    connection: Connection, record: AlertRecord, reader: Reader, now_utc: datetime
) -> Sequence[NeighbourRow]:
    if not may(reader.person.role, Action.SEE_READINGS):
        return ()
    return neighbour_rows(
        neighbours_of(connection, record.meter_id, now_utc), reader.words, now_utc
    )


def _photos(connection: Connection, record: AlertRecord, reader: Reader) -> PhotoPanel:
    may_see = may(reader.person.role, Action.SEE_ORDERS) and record.work_order_id is not None
    shown = pictures_of(connection, ENTITY, str(record.work_order_id)) if may_see else []
    may_ask = may(reader.person.role, Action.DISPATCH_ORDER)
    return photo_panel(shown, reader.words, may_ask=may_ask)


def _facts(
    connection: Connection, record: AlertRecord, words: Words, now_utc: datetime
) -> list[tuple[str, str]]:
    newest = last_value_at(connection, record.meter_id)
    facts = [
        (words.gettext(mark("Device")), record.device_serial or "—"),
        (words.gettext(mark("Address")), record.address or "—"),
        (
            words.gettext(mark("Since")),
            words.near_clock(record.started_at_utc, now_utc),
        ),
        (
            words.gettext(mark("Last value")),
            words.near_clock(newest, now_utc) if newest else "—",
        ),
    ]
    if record.visibility is not Visibility.SHOWN:
        facts.append(
            (words.gettext(mark("In the list")), label(words, VISIBILITIES, record.visibility))
        )
    return facts


class DeskPages:
    """The desk's answers: whole pages and the parts that a script puts in place."""

    def __init__(self, pages: Pages) -> None:
        """Take the pages."""
        self._pages = pages

    def listed(self, reader: Reader, query: DeskQuery) -> Desk:
        """Return the list alone."""
        with reading(self._pages.engine) as connection:
            return _load_desk(connection, reader, query, self._pages.clock.now_utc())

    def desk(self, reader: Reader, query: DeskQuery) -> tuple[Desk, EvidencePanel | None]:
        """Return list and evidence; without a choice the first of the list is chosen."""
        now_utc = self._pages.clock.now_utc()
        with reading(self._pages.engine) as connection:
            desk = _load_desk(connection, reader, query, now_utc)
            first = next(iter([*desk.safety, *desk.rows]), None)
            chosen = query.selected or (first.alert_id if first else "")
            panel = load_panel(connection, chosen, reader, now_utc) if chosen else None
        return replace(desk, selected=chosen), panel

    def evidence(
        self, reader: Reader, alert_id: str, problem: str = "", status: int = 200
    ) -> Response:
        """Return the right side as a part."""
        now_utc = self._pages.clock.now_utc()
        with reading(self._pages.engine) as connection:
            panel = load_panel(connection, alert_id, reader, now_utc, problem)
        answer = self._pages.part(reader, "_evidence.html", panel=panel)
        answer.status_code = status if panel is not None else 404
        return answer

    def done(self, request: Request, reader: Reader, alert_id: str) -> Response:
        """Answer an action that was done: the new evidence, or the page."""
        if not is_part_wanted(request):
            return see_other(href_of(alert_id))
        answer = self.evidence(reader, alert_id)
        answer.headers["HX-Retarget"] = "#evidence"
        answer.headers["HX-Trigger"] = "desk-changed"
        return answer

    def refused(self, request: Request, reader: Reader, alert_id: str, text: str) -> Response:
        """Answer an action that the life cycle refused: what is possible now."""
        if not is_part_wanted(request):
            return self.whole(request, reader, alert_id, text)
        answer = self.evidence(reader, alert_id, text, 409)
        answer.headers["HX-Retarget"] = "#evidence"
        return answer

    def whole(self, request: Request, reader: Reader, alert_id: str, problem: str = "") -> Response:
        """Return the whole desk with one alert chosen."""
        query = parse_query("all", "", "", alert_id)
        desk, _ = self.desk(reader, query)
        with reading(self._pages.engine) as connection:
            panel = load_panel(connection, alert_id, reader, self._pages.clock.now_utc(), problem)
        return self._pages.page(
            request,
            reader,
            "alerts.html",
            "alerts",
            desk=desk,
            panel=panel,
            can=rights(reader),
            status=409 if problem else 200,
        )


def rights(reader: Reader) -> DeskRights:
    """Return what the reader may do on the desk."""
    return DeskRights(shelve=may(reader.person.role, Action.SHELVE_ALERT))
