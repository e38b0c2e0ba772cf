"""The routes of the orders: the list, one order with its finding, the office's events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.account_store import Person
from sync_server.access.guards_io import Require
from sync_server.access.roles import Action, may
from sync_server.alerts.alert import AlertNotFoundError, AlertRecord
from sync_server.alerts.alert_list_store import alert_history, get_alert
from sync_server.blobs.gallery import pictures_of
from sync_server.db.engine_io import reading
from sync_server.forms.answers_store import answers_about_order
from sync_server.forms.form_store import known_keys, load_model
from sync_server.web.alert_views import alert_steps, href_of
from sync_server.web.chart import ChartFlag, chart_json
from sync_server.web.chart_flags_io import Charted, flags_of
from sync_server.web.crews_io import crew_choices
from sync_server.web.desk import Tab
from sync_server.web.form_views import AnsweredForm, answered_form
from sync_server.web.guarded_io import DispatchOrder, OwnSession, SeeOrders
from sync_server.web.labels import LABELS, evidence_sentence, label
from sync_server.web.order_views import (
    STATES_IN_TAB,
    buttons_for,
    can_be_sent,
    finding_view,
    line_of,
    measured_words,
    order_row,
    order_steps,
    path_view,
)
from sync_server.web.page_queries_store import account_names, crew_names, place_names
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.photo_views import photo_panel
from sync_server.web.site_work_views import site_work
from sync_server.web.words import Words, mark
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.order import RULE_ACTOR, OrderFilter, OrderRecord
from sync_server.work_orders.order_store import (
    ACTION_OF_EVENT,
    act,
    assign,
    count_orders,
    get_order,
    list_orders,
    order_history,
)
from sync_server.work_orders.person_store import person_of
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import ENTITY
from wire_contracts.work_order_states import WorkOrderEvent

ROWS_ON_PAGE = 50
_LONGEST_ID = 64

_TABS = {"open": mark("Open"), "done": mark("Done"), "all": mark("All")}


def orders_router(pages: Pages) -> APIRouter:
    """Return the routes of the orders."""
    router = APIRouter()

    @router.get("/orders")
    def orders(
        request: Request,
        person: SeeOrders,
        tab: str = "open",
        before: Annotated[str, Query(max_length=_LONGEST_ID)] = "",
    ) -> Response:
        """Show one page of the orders of one tab, the newest first, older than an order."""
        shown = tab if tab in _TABS else "open"
        return _orders_page(pages, request, pages.reader(person), shown, before)

    @router.get("/orders/{order_id}")
    def order(request: Request, person: SeeOrders, order_id: str) -> Response:
        """Show one order."""
        return _order_page(pages, request, pages.reader(person), order_id)

    @router.post("/orders/{order_id}/act")
    def act_on_order(
        request: Request, person: OwnSession, order_id: str, event: Annotated[str, Form()]
    ) -> Response:
        """Move the order by one of the office's events, when the role holds its action."""
        _check_event(request, event)
        try:
            with pages.engine.begin() as connection:
                now_utc = pages.clock.now_utc()
                act(connection, order_id, WorkOrderEvent(event), person.account_id, now_utc)
        except RefusedTransition as refusal:
            return _order_page(pages, request, pages.reader(person), order_id, problem=str(refusal))
        return see_other(f"/orders/{order_id}")

    @router.post("/orders/{order_id}/assign")
    def assign_order(
        request: Request,
        person: DispatchOrder,
        order_id: str,
        crew: Annotated[str, Form(min_length=1, max_length=64)],
    ) -> Response:
        """Send the order to a crew; a former crew's tablets lose sight of it."""
        try:
            with pages.engine.begin() as connection:
                assign(connection, order_id, crew, person.account_id, pages.clock.now_utc())
        except RefusedTransition as refusal:
            return _order_page(pages, request, pages.reader(person), order_id, problem=str(refusal))
        return see_other(f"/orders/{order_id}")

    return router


def _orders_page(pages: Pages, request: Request, reader: Reader, tab: str, before: str) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    wanted = OrderFilter(
        states=STATES_IN_TAB[tab],
        has_evidence=False,
        before=before or None,
        limit=ROWS_ON_PAGE + 1,
    )
    with reading(pages.engine) as connection:
        counts = count_orders(connection)
        listed = list_orders(connection, wanted)
        found = listed[:ROWS_ON_PAGE]
        crews = crew_names(connection)
        places = place_names(connection, [each.document.meter_id or "" for each in found])
    totals = {
        key: sum(count for state, count in counts.items() if state in states)
        for key, states in STATES_IN_TAB.items()
    }
    return pages.page(
        request,
        reader,
        "orders.html",
        "orders",
        tabs=[
            Tab(
                message=message,
                href=f"/orders?tab={key}",
                count=totals[key],
                is_current=key == tab,
            )
            for key, message in _TABS.items()
        ],
        orders=[order_row(each, words, now_utc, crews, places) for each in found],
        first_href=f"/orders?tab={tab}" if before else "",
        older_href=f"/orders?tab={tab}&before={found[-1].order_id}"
        if len(listed) > len(found)
        else "",
    )


def _check_event(request: Request, event: str) -> Person:
    actions = {str(each): action for each, action in ACTION_OF_EVENT.items()}
    if event not in actions:
        raise ContractError(
            place="order",
            field="event",
            problem=f"{event!r} is not one of the office's events",
            remedy=f"send one of: {', '.join(actions)}",
            code=Code.FIELD_RANGE,
        )
    return Require(actions[event])(request)


def _checklists(
    connection: Connection, order_id: str, words: Words, now_utc: datetime
) -> list[AnsweredForm]:
    """Return the office's forms that were filled in for an order, in the versions they pin."""
    known = known_keys(connection)
    return [
        answered_form(
            kept,
            load_model(connection, kept.answers.form) if kept.answers.form in known else None,
            words,
            now_utc,
        )
        for kept in answers_about_order(connection, order_id)
    ]


def _alert_of(connection: Connection, alert_id: str | None) -> AlertRecord | None:
    try:
        return None if alert_id is None else get_alert(connection, alert_id)
    except AlertNotFoundError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chart:
    """The chart that came with an order: what is drawn, its flags, its sentence."""

    data: str = ""
    happened: Sequence[ChartFlag] = ()
    sentence: str = ""


def _chart(
    connection: Connection,
    record: OrderRecord,
    alert: AlertRecord | None,
    reader: Reader,
    now_utc: datetime,
) -> _Chart:
    """Return the order's chart; the alert's steps are flagged for who sees alerts."""
    document, words = record.document, reader.words
    evidence = document.evidence
    if evidence is None:
        return _Chart()
    sentence = evidence_sentence(words, evidence.sentence)
    if not evidence.points or document.meter_id is None:
        return _Chart(sentence=sentence)
    if alert is not None and may(reader.person.role, Action.SEE_ALERTS):
        begun = alert_steps(alert_history(connection, alert.alert_id), words)
    else:
        begun = [(document.created_at_utc, document.number)]
    charted = Charted(
        meter_id=document.meter_id,
        evidence=evidence,
        raised_at_utc=alert.raised_at_utc if alert else document.created_at_utc,
        steps=[*begun, *order_steps(order_history(connection, record.order_id), words)],
        own_order_id=record.order_id,
    )
    happened = flags_of(connection, charted, reader, now_utc)
    data = chart_json(evidence, words.zone, happened)
    return _Chart(data=data, happened=happened, sentence=sentence)


def _order_page(
    pages: Pages, request: Request, reader: Reader, order_id: str, problem: str = ""
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        record = get_order(connection, order_id)
        path = order_history(connection, order_id)
        facts = facts_of_order(connection, order_id)
        sendable = can_be_sent(record, reader.person.role)
        former = record.document.crew_id or ""
        send_to = crew_choices(connection, words, former) if sendable else []
        places = place_names(connection, [record.document.meter_id or ""])
        crews, names = crew_names(connection), account_names(connection)
        document = record.document
        alert = _alert_of(connection, document.alert_id)
        chart = _chart(connection, record, alert, reader, now_utc)
        shown = pictures_of(connection, ENTITY, order_id)
        checklists = _checklists(connection, order_id, words, now_utc)
        may_change = may(reader.person.role, Action.CHANGE_ORDER)
        contact = person_of(connection, order_id) if may_change else None
    alert_label = label(words, LABELS, alert.label) if alert and alert.label else ""
    finding = finding_view(record, facts, words, alert_label)
    role = reader.person.role
    sees_alerts = may(role, Action.SEE_ALERTS)
    maker = names.get(record.created_by, record.created_by)
    return pages.page(
        request,
        reader,
        "order.html",
        "orders",
        order=order_row(record, words, now_utc, crews, places),
        send_to=send_to,
        steps=line_of(record, path, words, now_utc),
        history=path_view(path, words, now_utc, names),
        site_work=site_work(facts, words, now_utc, names),
        finding=finding,
        checklists=checklists,
        photos=photo_panel(shown, words, may_ask=may(reader.person.role, Action.DISPATCH_ORDER)),
        measured=measured_words(finding.measured, words) if finding else [],
        buttons=buttons_for(record, reader.person.role, words),
        chart=chart,
        alert_href=href_of(document.alert_id) if document.alert_id and sees_alerts else "",
        sees_readings=may(role, Action.SEE_READINGS),
        instructions=[each.in_language(words.language) for each in document.instructions],
        device_serial=document.device_serial or "",
        contact=contact,
        appointment=words.moment(contact.appointment_at_utc)
        if contact is not None and contact.appointment_at_utc is not None
        else "",
        may_change=may_change,
        made=words.moment(document.created_at_utc),
        due=words.moment(document.due_at_utc) if document.due_at_utc else "",
        made_by=words.gettext(mark("automatic rule")) if maker == RULE_ACTOR else maker,
        problem_text=problem,
        status=409 if problem else 200,
    )
