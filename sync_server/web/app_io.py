"""Builds the server's one web application: pages, live events, sync, enrolment, health."""

from urllib.parse import quote

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from structlog.typing import FilteringBoundLogger
from typing_extensions import override

from sync_server.access.api_io import enrolment_router
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.error_answers_io import STATUS, error_answer
from sync_server.access.guards_io import person_of
from sync_server.access.passwords_io import PasswordHasherIo
from sync_server.alerts.alert import AlertNotFoundError
from sync_server.blobs.api_io import blobs_router
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.gallery import Gallery
from sync_server.blobs.intake import Intake
from sync_server.sync.api_io import sync_router
from sync_server.sync.photo_reviews import review_refused_photo
from sync_server.sync.poke_io import PokeHub, poke_router
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncTerms
from sync_server.traces_io import TraceRequests, is_tracing
from sync_server.web.aftercare_io import aftercare_router, surveys_router
from sync_server.web.api_description import described
from sync_server.web.applications_io import application_ends_router, applications_router
from sync_server.web.audit_io import audit_router
from sync_server.web.balances_io import balances_router
from sync_server.web.board_io import board_router
from sync_server.web.build_assets_io import VENDOR, is_built
from sync_server.web.busy_io import busy_answer
from sync_server.web.calls_io import calls_router
from sync_server.web.catalogue_io import load_catalogues
from sync_server.web.complaints_io import (
    appeals_router,
    complaint_work_router,
    complaints_router,
    facts_router,
    verdicts_router,
)
from sync_server.web.contacts_io import contacts_router
from sync_server.web.delegations_io import delegations_router
from sync_server.web.desk_routes_io import (
    desk_actions_router,
    desk_router,
    live_router,
    shelving_router,
)
from sync_server.web.exports_io import exports_router
from sync_server.web.factor_io import factor_door_router, factor_router
from sync_server.web.figures_io import figures_router
from sync_server.web.form_refusals import form_refusals, is_of_the_path
from sync_server.web.forms_io import form_files_router, form_preview_router, forms_router
from sync_server.web.gateway_orders_io import gateway_orders_router
from sync_server.web.gateways_io import gateways_router
from sync_server.web.hall_io import cash_router, hall_router
from sync_server.web.health_io import health_router, people_or_this_machine
from sync_server.web.home_changes_io import home_changes_router
from sync_server.web.homes_io import (
    home_files_router,
    home_wishes_router,
    homes_router,
)
from sync_server.web.imports_io import imports_router
from sync_server.web.incidents_io import incident_log_router, incidents_router
from sync_server.web.intake_io import intake_router
from sync_server.web.interruptions_io import interruption_router, interruptions_router
from sync_server.web.ledgers_io import ledgers_router
from sync_server.web.live_io import LiveHub
from sync_server.web.map_io import map_router
from sync_server.web.meters_io import meters_router
from sync_server.web.open311_io import open311_router, open311_status_router
from sync_server.web.orders_io import orders_router
from sync_server.web.pages_io import (
    STATIC,
    Pages,
    SecurityHeaders,
    here,
    is_part_wanted,
    see_other,
)
from sync_server.web.paper_io import paper_entry_router, paper_router
from sync_server.web.people_io import (
    accounts_router,
    crews_router,
    ended_accounts_router,
    tablets_router,
)
from sync_server.web.person_copy_io import person_copy_router
from sync_server.web.photos_io import photos_router
from sync_server.web.plant_io import plant_router
from sync_server.web.policies_io import policies_router
from sync_server.web.public_outages_io import public_outages_router
from sync_server.web.recordings_io import recordings_router
from sync_server.web.request_list_io import requests_router
from sync_server.web.requests_io import (
    request_notes_router,
    request_router,
    request_steps_router,
)
from sync_server.web.review_io import review_router
from sync_server.web.rounds_io import rounds_router
from sync_server.web.route_plan_io import route_plan_router
from sync_server.web.session_io import first_start_router, preference_router, session_router
from sync_server.web.settings import WebSettings
from sync_server.web.shift_io import shift_router
from sync_server.web.site_access_io import access_desk_for
from sync_server.web.staff_io import skills_router, staff_router
from sync_server.web.suspects_io import suspects_router
from sync_server.web.upkeep_io import upkeep_router
from sync_server.web.vans_io import vans_router
from sync_server.web.visits_io import visits_router
from sync_server.web.words import mark
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonValue
from wire_contracts.life_cycle import RefusedTransition

_LOG: FilteringBoundLogger = structlog.get_logger()

MOST_BODY_BYTES = 1024 * 1024
"""No form of ours comes near; without it a stranger's form would fill memory and disk. The routes
of the tablets have narrower limits of their own and say so in their own words."""

_FACTOR_PAGES = {
    Code.FACTOR_MISSING: "/login/code",
    Code.FACTOR_UNSET: "/me/second-factor",
}
"""Where a person is led who must show a second factor, or set one up."""

_NOT_FOUND = 404
_NOT_ALLOWED = 405
_LONGEST_SUBJECT = 120
_UNAUTHORISED = 401
_REFUSED = frozenset(STATUS.values()) | {400, 404, 405, 410}
"""Statuses of refusals: those of the codes, and what no route, method or form fits."""


class _Described(FastAPI):
    """The application, whose description says what each route answers."""

    @override
    def openapi(self) -> dict[str, JsonValue]:
        if self._described is None:
            self._described = described(super().openapi(), _REFUSED)
        return self._described

    _described: dict[str, JsonValue] | None = None


def build_app(
    engine: Engine,
    clock: Clock,
    settings: WebSettings | None = None,
    hasher: PasswordHasherIo | None = None,
) -> FastAPI:
    """Return the application over a migrated database.

    `app.state.live.close()` and `app.state.poke.close()` end the streams of pages and tablets:
    call them before the server is told to stop, because a server waits for its open answers.
    """
    settings = settings or WebSettings()
    app = _Described(
        title="Lamplighter",
        docs_url="/docs" if settings.has_api_docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.has_api_docs else None,
        max_body_size=MOST_BODY_BYTES,
    )
    if not is_built():
        _LOG.warning(
            "front-end libraries are missing",
            folder=str(VENDOR),
            remedy="run `python -m sync_server.web.build_assets_io`",
        )
    pages = Pages(engine, clock, settings, load_catalogues())
    hub, poke_hub = LiveHub(engine, clock), PokeHub(engine)
    app.state.access = access_desk_for(
        engine, clock, hasher or PasswordHasherIo(), token_life=settings.tablet_token_life
    )
    app.state.live = hub
    app.state.is_https = settings.is_https
    app.state.factor_rule = settings.factor_rule
    app.state.poke = poke_hub
    for router in (
        *_tablet_routers(engine, clock, settings),  # first: routes are tried in their order
        *_page_routers(pages, hub),
        health_router(pages.engine, people_or_this_machine(pages)),
        enrolment_router(),
        *_photo_routers(pages),
        poke_router(poke_hub),
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(SecurityHeaders)
    if is_tracing():
        app.add_middleware(TraceRequests)
    _install_errors(app, pages)
    _install_busy(app, pages)
    return app


def _page_routers(pages: Pages, hub: LiveHub) -> list[APIRouter]:
    return [*_room_routers(pages, hub), *_desk_routers(pages)]


def _room_routers(pages: Pages, hub: LiveHub) -> list[APIRouter]:
    """Return the routers of the control room and of administration."""
    return [
        open311_router(pages),
        open311_status_router(pages),
        public_outages_router(pages),
        session_router(pages),
        first_start_router(pages),
        preference_router(pages),
        factor_door_router(pages),
        factor_router(pages),
        live_router(pages, hub),
        desk_router(pages),
        desk_actions_router(pages),
        shelving_router(pages),
        upkeep_router(pages),
        board_router(pages),
        orders_router(pages),
        contacts_router(pages),
        map_router(pages),
        meters_router(pages),
        suspects_router(pages),
        balances_router(pages),
        figures_router(pages),
        audit_router(pages),
        gateways_router(pages),
        gateway_orders_router(pages),
        rounds_router(pages),
        route_plan_router(pages),
        vans_router(pages),
        shift_router(pages),
        policies_router(pages),
        review_router(pages),
        forms_router(pages),
        form_preview_router(pages),
        form_files_router(pages),
        tablets_router(pages),
        accounts_router(pages),
        crews_router(pages),
        ended_accounts_router(pages),
    ]


def _desk_routers(pages: Pages) -> list[APIRouter]:
    """Return the routers of the service desk and of the office behind it."""
    return [
        calls_router(pages),
        intake_router(pages),
        requests_router(pages),
        request_router(pages),
        request_steps_router(pages),
        request_notes_router(pages),
        complaints_router(pages),
        facts_router(pages),
        verdicts_router(pages),
        appeals_router(pages),
        complaint_work_router(pages),
        ledgers_router(pages),
        hall_router(pages),
        cash_router(pages),
        staff_router(pages),
        skills_router(pages),
        plant_router(pages),
        imports_router(pages),
        recordings_router(pages),
        exports_router(pages),
        person_copy_router(pages),
        homes_router(pages),
        home_files_router(pages),
        home_wishes_router(pages),
        home_changes_router(pages),
        applications_router(pages),
        application_ends_router(pages),
        incidents_router(pages),
        incident_log_router(pages),
        delegations_router(pages),
        paper_router(pages),
        paper_entry_router(pages),
        interruptions_router(pages),
        interruption_router(pages),
        aftercare_router(pages),
        surveys_router(pages),
        visits_router(pages),
    ]


def _tablet_routers(engine: Engine, clock: Clock, settings: WebSettings) -> list[APIRouter]:
    keys = SealingKeys(settings.sealing_folder)
    keys.ensure(clock.now_utc())
    if settings.blob_folder is None:
        return [sync_router(engine, clock, SyncTerms(lease=settings.lease, keys=keys))]
    intake = Intake(engine, BlobFiles(settings.blob_folder), clock, review_refused_photo)
    terms = SyncTerms(lease=settings.lease, keys=keys, intake=intake)
    return [sync_router(engine, clock, terms), blobs_router(intake)]


def _photo_routers(pages: Pages) -> list[APIRouter]:
    folder = pages.settings.blob_folder
    if folder is None:
        return []
    return [photos_router(pages, Gallery(pages.engine, BlobFiles(folder)))]


def _wants_page(request: Request) -> bool:
    is_machine = request.url.path.startswith(
        ("/sync/", "/live", "/badges", "/metrics", "/calls/events", "/open311/")
    )
    return not is_machine and "text/html" in request.headers.get("accept", "")


def _code_and_status(error: Exception) -> tuple[Code, int]:
    if isinstance(error, ContractError):
        return error.code, STATUS.get(error.code, 400)
    if isinstance(error, AlertNotFoundError):
        return Code.NOT_FOUND, _NOT_FOUND
    if isinstance(error, HTTPException):
        is_missing = error.status_code == _NOT_FOUND
        return (Code.NOT_FOUND if is_missing else Code.FIELD_RANGE), error.status_code
    if isinstance(error, RefusedTransition):
        return Code.STATE, 409
    return Code.FIELD_RANGE, 400


def _install_errors(app: FastAPI, pages: Pages) -> None:
    """Answer refusals with a page where a person asked, with a code where a machine did."""

    def refused(request: Request, error: Exception) -> Response:
        code, status = _code_and_status(error)
        text = "; ".join(_field_problems(error)) or str(error)
        if isinstance(error, HTTPException):
            text = f"{request.method} {request.url.path}: {error.detail}"
        if code is Code.ROLE_REFUSED:
            _note_refusal(pages, request)
        if _wants_page(request) and code in _FACTOR_PAGES and request.method == "GET":
            return see_other(f"{_FACTOR_PAGES[code]}?back={quote(here(request), safe='')}")
        if _wants_page(request):
            return _error_page(pages, request, *_for_a_person(error, status, text))
        answer = error_answer(code, text)
        answer.status_code = status
        return answer

    for kind in (
        ContractError,
        RefusedTransition,
        AlertNotFoundError,
        HTTPException,
        RequestValidationError,
    ):
        app.add_exception_handler(kind, refused)


def _install_busy(app: FastAPI, pages: Pages) -> None:
    """Tell people of a busy database; a machine gets the error and comes again by itself."""

    def busy(request: Request, error: Exception) -> Response:
        is_told = _wants_page(request) or is_part_wanted(request)
        if not is_told or not isinstance(error, OperationalError):
            raise error
        return busy_answer(pages, request, error)

    app.add_exception_handler(OperationalError, busy)


def _for_a_person(error: Exception, status: int, text: str) -> tuple[int, str]:
    """Return what a page says of a refusal; "": that nothing is at this address."""
    if isinstance(error, RequestValidationError):
        problems = error.errors()
        if is_of_the_path(problems):
            return _NOT_FOUND, ""
        return status, "\n".join(form_refusals(problems))
    if isinstance(error, HTTPException) and status in (_NOT_FOUND, _NOT_ALLOWED):
        return status, ""
    return status, text


def _note_refusal(pages: Pages, request: Request) -> None:
    """Keep in the audit that somebody asked for what the role may not."""
    try:
        person = person_of(request)
    except ContractError:
        return
    route = request.scope.get("route")
    event = AuditEvent(
        actor=person.account_id,
        action="access.refused",
        subject=f"{request.method} {getattr(route, 'path', '?')}"[:_LONGEST_SUBJECT],
        detail={"role": str(person.role)},
    )
    with pages.engine.begin() as connection:
        append_audit(connection, event, pages.clock.now_utc())


def _field_problems(error: Exception) -> list[str]:
    if not isinstance(error, RequestValidationError):
        return []
    return [
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors()
    ]


def _error_page(pages: Pages, request: Request, status: int, text: str) -> Response:
    try:
        person = person_of(request)
    except ContractError:
        person = None
    if status == _UNAUTHORISED or person is None:
        if request.method == "GET" and status == _UNAUTHORISED:
            return see_other(f"/login?back={quote(here(request), safe='')}")
        words = pages.door_words(request)
        is_logged_out = request.method == "POST" and status == _UNAUTHORISED
        heading, told = mark("This cannot be shown"), mark("There is nothing at this address.")
        if is_logged_out:
            heading = mark("You are logged out")
            told = mark("Nothing was saved. Log in again: what you typed comes back.")
        return pages.door(
            request,
            "door_error.html",
            status=status,
            heading=words.gettext(heading),
            problem_text=words.gettext(told) if is_logged_out or not text else text,
            is_logged_out=is_logged_out,
        )
    reader = pages.reader(person)
    words = reader.words
    is_form = request.method == "POST"
    heading = mark("This was not saved") if is_form else mark("This cannot be shown")
    return pages.page(
        request,
        reader,
        "error.html",
        "",
        heading=words.gettext(heading),
        is_form=is_form,
        problem_text=text or words.gettext(mark("There is nothing at this address.")),
        status=status,
    )
