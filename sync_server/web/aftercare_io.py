"""The routes of callbacks, opinions, surveys and quality checks."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from sync_server.access.roles import Action, may
from sync_server.aftercare.callback_store import Answers, due_callbacks, keep_answers
from sync_server.aftercare.checklist import ITEMS
from sync_server.aftercare.opinion_store import (
    collect_suggestions,
    move_opinion,
    newest_opinions,
)
from sync_server.aftercare.opinions import OpinionEvent
from sync_server.aftercare.quality_store import keep_check, quality_of_people, to_check
from sync_server.aftercare.survey_store import (
    MOST_HOMES,
    close_survey,
    homes_to_ask,
    keep_score,
    list_surveys,
    make_survey,
)
from sync_server.aftercare.visit_store import coming_visits, visits_in_vain
from sync_server.db.engine_io import reading
from sync_server.ledgers.period import Span, period_of
from sync_server.service_desk.request_rows_store import get_request
from sync_server.web.aftercare_views import (
    call_rows_of,
    opinion_rows,
    quality_rows,
    survey_rows,
    visit_rows,
)
from sync_server.web.desk import Tab
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import CallBack, CloseRequest, SeeRequests
from sync_server.web.intake_io import office_of
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import request_row
from sync_server.web.row_numbers import RowNumber
from sync_server.web.words import mark
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition

_TABS: Final = {
    "calls": mark("To call back"),
    "visits": mark("Visits"),
    "opinions": mark("Opinions"),
    "surveys": mark("Surveys"),
    "quality": mark("Quality"),
}
_TRUTH: Final = {"yes": True, "no": False}
_SCORES: Final = frozenset("12345")


class CallForm(BaseModel):
    """The four answers of a callback; without `finished` nobody was reached."""

    finished: str = Field(default="", max_length=3)
    kept: str = Field(default="", max_length=3)
    score: str = Field(default="", max_length=1)
    opinion: str = Field(default="", max_length=4000)


class OpinionForm(BaseModel):
    """A step of an opinion."""

    event: OpinionEvent
    department: str = Field(default="", max_length=100)
    response: str = Field(default="", max_length=4000)


class SurveyForm(BaseModel):
    """A new survey."""

    name: str = Field(default="", max_length=200)
    until_on: date
    size: int = Field(ge=1, le=MOST_HOMES)


class ScoreForm(BaseModel):
    """What a home said; an empty score: it did not want to answer."""

    home: str = Field(min_length=1, max_length=64)
    score: str = Field(default="", max_length=1)
    remark: str = Field(default="", max_length=4000)


def aftercare_router(pages: Pages) -> APIRouter:
    """Return the routes of the page, of callbacks and of opinions."""
    router = APIRouter()

    @router.get("/callbacks")
    def callbacks(request: Request, person: SeeRequests, tab: str = "calls") -> Response:
        """Show one tab: whom to call, visits, opinions, surveys, quality."""
        return _page(pages, request, pages.reader(person), tab)

    @router.post("/callbacks/{request_id}")
    def answered(
        request: Request, person: CallBack, request_id: str, form: Annotated[CallForm, Form()]
    ) -> Response:
        """Keep what the customer said; the request goes on by it."""
        reader = pages.reader(person)
        answers = Answers(
            is_finished=_TRUTH.get(form.finished),
            is_kept=_TRUTH.get(form.kept),
            score=int(form.score) if form.score in _SCORES else None,
            opinion=form.opinion,
        )
        try:
            with pages.engine.begin() as connection:
                keep_answers(connection, request_id, answers, office_of(pages, reader))
        except (ContractError, RefusedTransition) as problem:
            if isinstance(problem, ContractError) and problem.code is not Code.STATE:
                raise
            return _page(pages, request, reader, "calls", problem=str(problem))
        return see_other("/callbacks")

    @router.post("/opinions/{opinion_id}")
    def opinion(
        person: CallBack, opinion_id: RowNumber, form: Annotated[OpinionForm, Form()]
    ) -> Response:
        """Take one step of an opinion."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            move_opinion(connection, opinion_id, form.event, form.department, form.response, office)
        return see_other("/callbacks?tab=opinions")

    return router


def surveys_router(pages: Pages) -> APIRouter:
    """Return the routes of surveys and quality checks."""
    router = APIRouter()

    @router.post("/surveys")
    def make(person: CloseRequest, form: Annotated[SurveyForm, Form()]) -> Response:
        """Make a survey and draw its sample."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            make_survey(connection, form.name, form.until_on, form.size, office)
        return see_other("/callbacks?tab=surveys")

    @router.post("/surveys/{survey_id}/answers")
    def score(
        person: CallBack, survey_id: RowNumber, form: Annotated[ScoreForm, Form()]
    ) -> Response:
        """Keep what a home said."""
        found = int(form.score) if form.score in _SCORES else None
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            keep_score(connection, survey_id, form.home, found, form.remark, office)
        return see_other("/callbacks?tab=surveys")

    @router.post("/surveys/{survey_id}/close")
    def close(
        person: CloseRequest,
        survey_id: RowNumber,
        action: Annotated[str, Form(max_length=4000)] = "",
    ) -> Response:
        """Close a survey with what is done about it."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            close_survey(connection, survey_id, action, office)
        return see_other("/callbacks?tab=surveys")

    @router.post("/quality/{request_id}")
    def check(
        person: CloseRequest,
        request_id: str,
        kept: Annotated[list[str] | None, Form()] = None,
        remark: Annotated[str, Form(max_length=4000)] = "",
    ) -> Response:
        """Keep what of the checklist was kept."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            keep_check(connection, request_id, frozenset(kept or ()), remark, office)
        return see_other("/callbacks?tab=quality")

    return router


def _page(
    pages: Pages, request: Request, reader: Reader, wanted: str, problem: str = ""
) -> Response:
    tab = wanted if wanted in _TABS else "calls"
    role = reader.person.role
    shown = {
        "calls": _calls,
        "visits": _visits,
        "opinions": _opinions,
        "surveys": _surveys,
        "quality": _quality,
    }[tab](pages, reader)
    return pages.page(
        request,
        reader,
        "callbacks.html",
        "callbacks",
        tab=tab,
        tabs=[
            Tab(message=text, href=f"/callbacks?tab={key}", count=0, is_current=key == tab)
            for key, text in _TABS.items()
        ],
        can_call=may(role, Action.CALL_BACK),
        can_close=may(role, Action.CLOSE_REQUEST),
        can_work=may(role, Action.WORK_REQUEST),
        problem_text=problem,
        status=409 if problem else 200,
        **shown,
    )


def _calls(pages: Pages, reader: Reader) -> dict[str, object]:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        names = load_names(connection)
        due = due_callbacks(connection, office_of(pages, reader))
        rows = {
            each.request_id: request_row(
                get_request(connection, each.request_id), words, now_utc, names
            )
            for each in due
        }
    return {"calls": call_rows_of(due, rows)}


def _visits(pages: Pages, reader: Reader) -> dict[str, object]:
    today = pages.clock.now_utc().astimezone(pages.settings.zone).date()
    with reading(pages.engine) as connection:
        coming, in_vain = coming_visits(connection), visits_in_vain(connection)
        ids = {each.request_id for each in (*coming, *in_vain)}
        records = {each: get_request(connection, each) for each in ids}
    return {
        "coming": visit_rows(coming, records, reader.words, today),
        "in_vain": visit_rows(in_vain, records, reader.words, today),
    }


def _opinions(pages: Pages, reader: Reader) -> dict[str, object]:
    with pages.engine.begin() as connection:
        collect_suggestions(connection, office_of(pages, reader))
        found = newest_opinions(connection)
    return {"opinions": opinion_rows(found, reader.words)}


def _surveys(pages: Pages, reader: Reader) -> dict[str, object]:
    with reading(pages.engine) as connection:
        found = list_surveys(connection)
        homes = {each.survey_id: homes_to_ask(connection, each.survey_id) for each in found}
    today = pages.clock.now_utc().astimezone(reader.words.zone).date()
    return {"surveys": survey_rows(found), "homes": homes, "today": today.isoformat()}


def _quality(pages: Pages, reader: Reader) -> dict[str, object]:
    words, now_utc, zone = reader.words, pages.clock.now_utc(), pages.settings.zone
    month = period_of(Span.MONTH, now_utc.astimezone(zone).date(), zone)
    with reading(pages.engine) as connection:
        names = load_names(connection)
        rows = [
            request_row(get_request(connection, each), words, now_utc, names)
            for each in to_check(connection, office_of(pages, reader))
        ]
        people = quality_of_people(connection, month.from_utc, month.to_utc)
    return {
        "checks": rows,
        "people": quality_rows(people, names),
        "items": [(code, text.in_language(words.language)) for code, text in ITEMS.items()],
        "month": month.text,
    }
