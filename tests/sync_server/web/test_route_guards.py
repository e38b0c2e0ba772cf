"""Every route is asked without a log-in, and by every role: the table of roles decides.

By day each role asks one route of each action, by night every route.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from httpx import Client
from sqlalchemy import Engine
from starlette.routing import BaseRoute

from sync_server.access.audit_store import list_audit
from sync_server.access.guards_io import Require, require_tablet, require_token_holder
from sync_server.access.roles import ALLOWED, Action, Role
from sync_server.db.engine_io import reading
from sync_server.web.settings import WebSettings
from tests.sync_server.real_parts import HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served, add_person, served
from wire_contracts.blobs import BLOBS_PATH
from wire_contracts.enrolment import ENROL_PATH
from wire_contracts.pokes import POKE_PATH
from wire_contracts.sealed import SEALED_PATH
from wire_contracts.sync import PULL_PATH, PUSH_PATH

PUBLIC = {
    ("GET", "/"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/language"),
    ("GET", "/first-start/{token}"),
    ("POST", "/first-start/{token}"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("POST", ENROL_PATH),
    ("GET", "/outages"),
    ("GET", "/open311/v2/services.{form}"),
    ("GET", "/open311/v2/requests/{request_id}.{form}"),
}
"""The doors: log-in, the one-time links, and what a load balancer asks."""

SELF_GUARDED = {
    ("GET", "/metrics"),
    ("GET", "/login/code"),
    ("POST", "/login/code"),
    ("POST", "/calls/events"),
    ("POST", "/open311/v2/requests.{form}"),
    ("GET", "/open311/v2/requests.{form}"),
}
"""Guarded inside: a caller on this machine needs no person, a telephone system a signature, a
system outside its key, and who shows a second factor is no person yet."""

BY_TABLET = {
    ("GET", PULL_PATH),
    ("POST", PUSH_PATH),
    ("GET", POKE_PATH),
    ("POST", BLOBS_PATH),
    ("HEAD", BLOBS_PATH + "/{sha256}"),
    ("PATCH", BLOBS_PATH + "/{sha256}"),
}

BY_FORMER_TABLET = {("POST", SEALED_PATH)}
"""Open to a tablet whose token was revoked or has expired, and to nobody else (RULINGS R4)."""

ACTION_OF_ROUTE = {
    ("POST", "/logout"): Action.OWN_SESSION,
    ("POST", "/me/language"): Action.OWN_SESSION,
    ("POST", "/me/theme"): Action.OWN_SESSION,
    ("GET", "/me"): Action.OWN_SESSION,
    ("GET", "/me/second-factor"): Action.OWN_SESSION,
    ("POST", "/me/second-factor"): Action.OWN_SESSION,
    ("POST", "/me/second-factor/off"): Action.OWN_SESSION,
    ("POST", "/accounts/{account_id}/second-factor/off"): Action.MANAGE_ACCOUNTS,
    ("GET", "/live"): Action.OWN_SESSION,
    ("GET", "/badges"): Action.OWN_SESSION,
    ("GET", "/alerts"): Action.SEE_ALERTS,
    ("GET", "/alerts/list"): Action.SEE_ALERTS,
    ("GET", "/alerts/{alert_id}/panel"): Action.SEE_ALERTS,
    ("GET", "/alerts/{alert_id}/shelve"): Action.SHELVE_ALERT,
    ("POST", "/alerts/{alert_id}/shelve"): Action.SHELVE_ALERT,
    ("POST", "/alerts/{alert_id}/unshelve"): Action.SHELVE_ALERT,
    ("POST", "/alerts/{alert_id}/acknowledge"): Action.ACKNOWLEDGE_ALERT,
    ("GET", "/alerts/{alert_id}/reset"): Action.ACKNOWLEDGE_ALERT,
    ("POST", "/alerts/{alert_id}/reset"): Action.ACKNOWLEDGE_ALERT,
    ("GET", "/alerts/{alert_id}/out-of-service"): Action.SHELVE_ALERT,
    ("POST", "/alerts/{alert_id}/out-of-service"): Action.SHELVE_ALERT,
    ("POST", "/alerts/{alert_id}/into-service"): Action.SHELVE_ALERT,
    ("GET", "/alerts/{alert_id}/dispatch"): Action.DISPATCH_ORDER,
    ("POST", "/alerts/{alert_id}/dispatch"): Action.DISPATCH_ORDER,
    ("GET", "/map"): Action.SEE_ALERTS,
    ("GET", "/map/still"): Action.SEE_ALERTS,
    ("GET", "/map/live"): Action.SEE_ALERTS,
    ("POST", "/calls/{call_id}/back"): Action.TAKE_REQUEST,
    ("GET", "/intake"): Action.TAKE_REQUEST,
    ("GET", "/intake/look"): Action.TAKE_REQUEST,
    ("POST", "/intake"): Action.TAKE_REQUEST,
    ("GET", "/requests"): Action.SEE_REQUESTS,
    ("GET", "/requests/{request_id}"): Action.SEE_REQUESTS,
    ("POST", "/requests/{request_id}/step"): Action.SEE_REQUESTS,
    ("POST", "/requests/{request_id}/crew"): Action.WORK_REQUEST,
    ("POST", "/requests/{request_id}/note"): Action.WORK_REQUEST,
    ("POST", "/requests/{request_id}/ask"): Action.WORK_REQUEST,
    ("POST", "/asked/{escalation_id}"): Action.WORK_REQUEST,
    ("GET", "/complaints"): Action.SEE_REQUESTS,
    ("GET", "/complaints/{request_id}"): Action.SEE_REQUESTS,
    ("POST", "/complaints/{request_id}/facts"): Action.WORK_REQUEST,
    ("POST", "/complaints/{request_id}/dispute"): Action.WORK_REQUEST,
    ("POST", "/complaints/{request_id}/verdict"): Action.JUDGE_COMPLAINT,
    ("POST", "/complaints/{request_id}/assign"): Action.JUDGE_COMPLAINT,
    ("POST", "/complaints/{request_id}/appeal"): Action.APPEAL_COMPLAINT,
    ("POST", "/complaints/{request_id}/decide"): Action.APPROVE_PENALTY,
    ("POST", "/complaints/{request_id}/measures"): Action.WORK_REQUEST,
    ("POST", "/complaints/{request_id}/case"): Action.WORK_REQUEST,
    ("POST", "/measures/{measure_id}/done"): Action.WORK_REQUEST,
    ("POST", "/penalties/{penalty_id}"): Action.APPROVE_PENALTY,
    ("GET", "/callbacks"): Action.SEE_REQUESTS,
    ("POST", "/callbacks/{request_id}"): Action.CALL_BACK,
    ("POST", "/opinions/{opinion_id}"): Action.CALL_BACK,
    ("POST", "/surveys"): Action.CLOSE_REQUEST,
    ("POST", "/surveys/{survey_id}/answers"): Action.CALL_BACK,
    ("POST", "/surveys/{survey_id}/close"): Action.CLOSE_REQUEST,
    ("POST", "/quality/{request_id}"): Action.CLOSE_REQUEST,
    ("GET", "/visits/{request_id}"): Action.SEE_REQUESTS,
    ("POST", "/visits/{request_id}"): Action.TAKE_REQUEST,
    ("POST", "/visit/{visit_id}"): Action.WORK_REQUEST,
    ("GET", "/audit"): Action.SEE_AUDIT,
    ("GET", "/audit.csv"): Action.SEE_AUDIT,
    ("GET", "/incidents"): Action.SEE_SHIFT,
    ("POST", "/incidents"): Action.LEAD_INCIDENT,
    ("GET", "/incidents/{incident_id}"): Action.SEE_SHIFT,
    ("POST", "/incidents/{incident_id}/entry"): Action.KEEP_SHIFT,
    ("POST", "/incidents/{incident_id}/report"): Action.LEAD_INCIDENT,
    ("POST", "/incidents/{incident_id}/end"): Action.LEAD_INCIDENT,
    ("GET", "/delegations"): Action.SEE_SHIFT,
    ("POST", "/delegations"): Action.KEEP_SHIFT,
    ("POST", "/delegations/{delegation_id}/end"): Action.KEEP_SHIFT,
    ("GET", "/paper"): Action.TAKE_REQUEST,
    ("POST", "/paper"): Action.TAKE_REQUEST,
    ("POST", "/paper/print"): Action.TAKE_REQUEST,
    ("POST", "/paper/{slip_number}/void"): Action.TAKE_REQUEST,
    ("GET", "/interruptions"): Action.SEE_INTERRUPTIONS,
    ("POST", "/interruptions"): Action.PLAN_INTERRUPTION,
    ("GET", "/interruptions/{interruption_id}"): Action.SEE_INTERRUPTIONS,
    ("POST", "/interruptions/{interruption_id}"): Action.PLAN_INTERRUPTION,
    ("POST", "/interruptions/{interruption_id}/homes"): Action.PLAN_INTERRUPTION,
    ("POST", "/homes/{premises_id}/consent"): Action.CHANGE_HOME,
    ("GET", "/homes"): Action.SEE_HOMES,
    ("GET", "/homes/{premises_id}"): Action.SEE_HOMES,
    ("GET", "/homes/{premises_id}/held"): Action.SEE_CONTACT,
    ("GET", "/homes/{premises_id}/held.json"): Action.SEE_CONTACT,
    ("GET", "/exports"): Action.ASK_EXPORT,
    ("POST", "/exports/{export_id}/ask"): Action.ASK_EXPORT,
    ("POST", "/exports/{export_id}/decide"): Action.APPROVE_EXPORT,
    ("POST", "/homes/{premises_id}/documents"): Action.CHANGE_HOME,
    ("POST", "/homes/{premises_id}/issues"): Action.CHANGE_HOME,
    ("POST", "/homes/{premises_id}/review"): Action.CHANGE_HOME,
    ("POST", "/homes/{premises_id}/changes"): Action.CHANGE_HOME,
    ("POST", "/archive-errors/{issue_id}"): Action.CHANGE_HOME,
    ("POST", "/home-changes/{change_id}"): Action.APPROVE_HOME,
    ("POST", "/buildings"): Action.CHANGE_HOME,
    ("POST", "/buildings/{building_id}"): Action.CHANGE_HOME,
    ("GET", "/applications/{request_id}"): Action.SEE_REQUESTS,
    ("POST", "/applications/{request_id}/told"): Action.TAKE_REQUEST,
    ("POST", "/applications/{request_id}/papers"): Action.TAKE_REQUEST,
    ("POST", "/applications/{request_id}/decide"): Action.TAKE_REQUEST,
    ("POST", "/applications/{request_id}/account"): Action.TAKE_REQUEST,
    ("GET", "/hall"): Action.TAKE_REQUEST,
    ("POST", "/hall/numbers"): Action.TAKE_REQUEST,
    ("POST", "/hall/next"): Action.TAKE_REQUEST,
    ("POST", "/hall/{hall_visit_id}"): Action.TAKE_REQUEST,
    ("GET", "/cash"): Action.KEEP_CASH,
    ("POST", "/cash"): Action.KEEP_CASH,
    ("POST", "/cash/{day}/{account_id}/bank"): Action.KEEP_CASH,
    ("GET", "/staff"): Action.SEE_STAFF,
    ("POST", "/staff/messages"): Action.SEE_STAFF,
    ("POST", "/staff/messages/{message_id}/read"): Action.SEE_STAFF,
    ("POST", "/staff/teams/{team_id}"): Action.MANAGE_STAFF,
    ("POST", "/staff/skills"): Action.MANAGE_STAFF,
    ("POST", "/staff/{account_id}/team"): Action.MANAGE_STAFF,
    ("GET", "/plant"): Action.SEE_ORDERS,
    ("POST", "/plant/{plant_id}"): Action.DISPATCH_ORDER,
    ("GET", "/imports"): Action.IMPORT_DATA,
    ("POST", "/imports"): Action.IMPORT_DATA,
    ("POST", "/imports/{draft_id}"): Action.IMPORT_DATA,
    ("POST", "/calls/{call_id}/recording"): Action.SEE_RECORDING,
    ("GET", "/reports"): Action.SEE_LEDGERS,
    ("GET", "/reports/{book}"): Action.SEE_LEDGERS,
    ("GET", "/reports/{book}.csv"): Action.SEE_LEDGERS,
    ("GET", "/reports/{book}.xlsx"): Action.SEE_LEDGERS,
    ("GET", "/reports/{book}.pdf"): Action.SEE_LEDGERS,
    ("GET", "/board"): Action.SEE_ORDERS,
    ("GET", "/orders"): Action.SEE_ORDERS,
    ("GET", "/orders/{order_id}"): Action.SEE_ORDERS,
    ("POST", "/orders/{order_id}/act"): Action.OWN_SESSION,
    ("POST", "/orders/{order_id}/assign"): Action.DISPATCH_ORDER,
    ("POST", "/orders/{order_id}/contact"): Action.CHANGE_ORDER,
    ("POST", "/orders/{order_id}/contact/erase"): Action.CHANGE_ORDER,
    ("GET", "/photos/{sha256}/{size}"): Action.SEE_ORDERS,
    ("POST", "/photos/{sha256}/want"): Action.DISPATCH_ORDER,
    ("GET", "/meters"): Action.SEE_READINGS,
    ("GET", "/meters/{meter_id}"): Action.SEE_READINGS,
    ("GET", "/meters/{meter_id}/raw"): Action.SEE_READINGS,
    ("GET", "/suspects"): Action.SEE_READINGS,
    ("GET", "/figures"): Action.SEE_ALERTS,
    ("GET", "/balances"): Action.SEE_READINGS,
    ("GET", "/balances/{zone_id}"): Action.SEE_READINGS,
    ("GET", "/balances/{zone_id}.csv"): Action.SEE_READINGS,
    ("POST", "/suspects/make"): Action.DISPATCH_ORDER,
    ("POST", "/suspects/orders"): Action.DISPATCH_ORDER,
    ("GET", "/suspects/{month}.xlsx"): Action.SEE_READINGS,
    ("GET", "/suspects/{month}.pdf"): Action.SEE_READINGS,
    ("GET", "/rounds"): Action.SEE_ORDERS,
    ("GET", "/shift"): Action.SEE_SHIFT,
    ("POST", "/shift/{desk}/entry"): Action.KEEP_SHIFT,
    ("POST", "/shift/{desk}/offer"): Action.KEEP_SHIFT,
    ("POST", "/shift/handover/{handover_id}/take"): Action.KEEP_SHIFT,
    ("GET", "/policies"): Action.SEE_POLICIES,
    ("POST", "/policies"): Action.CHANGE_POLICY,
    ("POST", "/rounds/routes"): Action.PLAN_ROUNDS,
    ("GET", "/rounds/routes/{route_id}"): Action.PLAN_ROUNDS,
    ("POST", "/rounds/routes/{route_id}"): Action.PLAN_ROUNDS,
    ("POST", "/rounds/routes/{route_id}/stops"): Action.PLAN_ROUNDS,
    ("GET", "/vans"): Action.SEE_ORDERS,
    ("POST", "/vans/parts"): Action.MANAGE_VANS,
    ("POST", "/vans/standard"): Action.MANAGE_VANS,
    ("POST", "/vans/detectors"): Action.MANAGE_VANS,
    ("GET", "/gateways/orders"): Action.SEE_GATEWAYS,
    ("GET", "/gateways"): Action.SEE_GATEWAYS,
    ("POST", "/quarantine/device/{serial:path}/adopt"): Action.ADOPT_DEVICE,
    ("POST", "/quarantine/gateway/{gateway_id}/adopt"): Action.ADOPT_DEVICE,
    ("GET", "/review"): Action.SEE_REVIEW,
    ("POST", "/review/{review_id}/resolve"): Action.RESOLVE_REVIEW,
    ("POST", "/review/{review_id}/make-order"): Action.RESOLVE_REVIEW,
    ("GET", "/forms"): Action.SEE_FORMS,
    ("POST", "/forms"): Action.MANAGE_FORMS,
    ("GET", "/forms/{key}"): Action.SEE_FORMS,
    ("POST", "/forms/{key}"): Action.SEE_FORMS,
    ("GET", "/forms/{key}/sheet"): Action.SEE_FORMS,
    ("POST", "/forms/{key}/publish"): Action.MANAGE_FORMS,
    ("POST", "/forms/{key}/withdraw"): Action.MANAGE_FORMS,
    ("GET", "/forms/{form_id}/answers.csv"): Action.SEE_ANSWERS,
    ("GET", "/forms/{form_id}/answers.zip"): Action.SEE_ANSWERS,
    ("GET", "/tablets"): Action.SEE_TABLETS,
    ("POST", "/tablets/code"): Action.ENROL_TABLET,
    ("POST", "/tablets/{tablet_id}/revoke"): Action.REVOKE_TABLET,
    ("GET", "/accounts"): Action.SEE_ACCOUNTS,
    ("POST", "/accounts"): Action.MANAGE_ACCOUNTS,
    ("POST", "/accounts/{account_id}/crew"): Action.MANAGE_ACCOUNTS,
    ("POST", "/accounts/{account_id}/deactivate"): Action.MANAGE_ACCOUNTS,
    ("POST", "/crews"): Action.MANAGE_ACCOUNTS,
}
"""What each route asks for; a new route fails the test until it stands here."""

EVENT_ACTIONS = {
    "verify": Action.VERIFY_ORDER,
    "close": Action.CLOSE_ORDER,
    "cancel": Action.CANCEL_ORDER,
    "reopen": Action.REOPEN_ORDER,
    "release": Action.DISPATCH_ORDER,
}


@pytest.fixture
def server(sqlite_engine: Engine, clock: HandClock, tmp_path: Path) -> Iterator[Served]:
    settings = WebSettings(are_metrics_local=False, blob_folder=tmp_path / "blobs")
    with served(sqlite_engine, clock, settings) as found:
        yield found


@pytest.fixture
def app(server: Served) -> FastAPI:
    return server.app


@pytest.fixture
def client(server: Served) -> Iterator[Client]:
    with Client(base_url=server.base_url, headers={"Origin": server.base_url}) as found:
        yield found


def routes_below(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if isinstance(included, APIRouter):
            yield from routes_below(included.routes)
        else:
            yield route


def routes_of(app: FastAPI) -> list[tuple[str, APIRoute]]:
    return [
        (method, route)
        for route in routes_below(app.routes)
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def test_nothing_but_routes_and_static_files_is_served(app: FastAPI) -> None:
    others = [route for route in routes_below(app.routes) if not isinstance(route, APIRoute)]

    assert [getattr(route, "path", "") for route in others] == ["/static"]


def some_path(route: APIRoute) -> str:
    return re.sub(r"\{[^}]+\}", "x", route.path.replace(".{form}", ".json"))


def log_in(client: Client, engine: Engine, role: Role) -> None:
    with engine.begin() as connection:
        add_person(connection, role, role)
    answer = client.post("/login", data={"login": str(role), "password": PASSWORD})
    assert answer.status_code == 303, answer.text


def test_every_route_stands_in_exactly_one_of_the_lists(app: FastAPI) -> None:
    found = {(method, route.path) for method, route in routes_of(app)}

    assert found == PUBLIC | SELF_GUARDED | BY_TABLET | BY_FORMER_TABLET | set(ACTION_OF_ROUTE)


def test_each_route_names_the_action_it_stands_for(app: FastAPI) -> None:
    named: dict[tuple[str, str], Action] = {}
    tablets: set[tuple[str, str]] = set()
    former: set[tuple[str, str]] = set()
    for method, route in routes_of(app):
        for dependency in route.dependant.dependencies:
            if isinstance(dependency.call, Require):
                named[method, route.path] = dependency.call.action
            if dependency.call is require_tablet:
                tablets.add((method, route.path))
            if dependency.call is require_token_holder:
                former.add((method, route.path))

    assert (named, tablets, former) == (ACTION_OF_ROUTE, BY_TABLET, BY_FORMER_TABLET)


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_other_route_refuses_somebody_without_a_log_in(
    app: FastAPI, client: Client, accept: str
) -> None:
    let_in = []
    for method, route in routes_of(app):
        if (method, route.path) in PUBLIC:
            continue
        headers = {"Accept": accept}
        answer = client.request(method, some_path(route), headers=headers)
        is_sent_to_log_in = answer.status_code == 303 and answer.headers["location"].startswith(
            "/login"
        )
        if answer.status_code not in {401, 403} and not is_sent_to_log_in:
            let_in.append((method, route.path, answer.status_code))

    assert let_in == []


ASKED = [where for where in ACTION_OF_ROUTE if where[1] not in {"/logout", "/live"}]
ONE_OF_EACH_ACTION = [*{ACTION_OF_ROUTE[where]: where for where in ASKED}.values()]
"""What a route asks of a role is its action alone: that is what each route names, see above."""


def refusals_of(
    app: FastAPI, client: Client, asked: Sequence[tuple[str, str]]
) -> set[tuple[str, str]]:
    refused = set()
    for method, route in routes_of(app):
        where = (method, route.path)
        if where in asked:
            answer = client.request(
                method, some_path(route), headers={"Accept": "application/json"}
            )
            refused |= {where} if answer.status_code == 403 else set()
    return refused


def refused_events(client: Client) -> set[str]:
    return {
        event
        for event in EVENT_ACTIONS
        if client.post(
            "/orders/x/act", data={"event": event}, headers={"Accept": "application/json"}
        ).status_code
        == 403
    }


@pytest.mark.parametrize(
    "asked",
    [ONE_OF_EACH_ACTION, pytest.param(ASKED, marks=pytest.mark.nightly)],
    ids=["one_of_each_action", "every_route"],
)
def test_each_role_reaches_what_the_table_grants_and_each_refusal_is_in_the_audit(
    server: Served, sqlite_engine: Engine, asked: Sequence[tuple[str, str]]
) -> None:
    refused, expected = {}, {}
    for role in Role:
        with Client(base_url=server.base_url, headers={"Origin": server.base_url}) as client:
            log_in(client, sqlite_engine, role)
            refused[role] = (refusals_of(server.app, client, asked), refused_events(client))
        expected[role] = (
            {where for where in asked if role not in ALLOWED[ACTION_OF_ROUTE[where]]},
            {event for event, action in EVENT_ACTIONS.items() if role not in ALLOWED[action]},
        )
    with reading(sqlite_engine) as connection:
        kept = {
            (role, event.subject)
            for event in list_audit(connection, limit=10_000)
            if event.action == "access.refused"
            for role in Role
            if event.detail_text == f'{{"role":"{role}"}}'
        }

    assert refused == expected
    assert kept >= {
        (role, f"{method} {path}")
        for role, (cells, _) in expected.items()
        for method, path in cells
    }


def test_another_sites_page_cannot_act_for_a_person(client: Client, sqlite_engine: Engine) -> None:
    log_in(client, sqlite_engine, Role.CONTROL_ROOM)
    foreign = {"Origin": "http://elsewhere.example", "Accept": "application/json"}

    answers = {
        path: client.post(path, headers=foreign).status_code
        for path in ("/alerts/x/acknowledge", "/login", "/logout", "/me/theme")
    }

    assert set(answers.values()) == {403}


def test_metrics_need_a_person_unless_asked_on_this_machine(
    client: Client, sqlite_engine: Engine, clock: HandClock
) -> None:
    guarded = client.get("/metrics").status_code
    with served(sqlite_engine, clock) as local, Client(base_url=local.base_url) as asking:
        here = asking.get("/metrics")
        proxied = asking.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})

    assert (guarded, here.status_code, proxied.status_code) == (401, 200, 401)
    assert "python_info" in here.text


def test_the_description_of_the_routes_is_not_served(client: Client) -> None:
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [
        404
    ] * 3
