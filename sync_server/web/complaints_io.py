"""The routes of complaints: verdicts, measures, appeals, penalties, questions above, cases."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.complaints.case_store import NewCase, cases_of, find_cases, write_case
from sync_server.complaints.complaint import (
    OPEN_STATES,
    VERDICT,
    Cause,
    ComplaintEvent,
    ComplaintState,
    Judgement,
    Violation,
)
from sync_server.complaints.complaint_store import (
    add_measure,
    appeal,
    appeals_of,
    assign_by_force,
    decide_appeal,
    dispute,
    end_measure,
    find_complaint,
    judge,
    measures_of,
    newest_complaints,
    verify,
)
from sync_server.complaints.escalation_store import answer, escalate, open_escalations
from sync_server.complaints.penalties import PenaltyState
from sync_server.complaints.penalty_store import (
    decide_penalty,
    list_penalties,
    propose_for_missed_calls,
)
from sync_server.db.engine_io import reading
from sync_server.service_desk.clocks import ENDED
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import Office
from sync_server.web.attempts_io import attempt
from sync_server.web.complaint_views import (
    appeal_rows,
    asked_rows,
    measure_rows,
    penalty_rows,
    verdict_view,
)
from sync_server.web.desk import Tab
from sync_server.web.desk_labels import CAUSES, VIOLATIONS
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import (
    AppealComplaint,
    ApprovePenalty,
    JudgeComplaint,
    SeeRequests,
    WorkRequest,
)
from sync_server.web.intake_io import office_of
from sync_server.web.labels import label
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import request_row
from sync_server.web.row_numbers import RowNumber
from sync_server.web.words import Words, mark
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

_TABS: Final = {
    "open": mark("To decide"),
    "judged": mark("Judged"),
    "measures": mark("Measures"),
    "asked": mark("Asked above"),
    "penalties": mark("Penalties"),
    "cases": mark("Cases"),
}
_LONGEST: Final = 4000
_RULE: Final = "rule:penalties"
Text = Annotated[str, Form(max_length=_LONGEST)]


class VerdictForm(BaseModel):
    """A verdict as the centre gives it."""

    is_responsible: str = Field(max_length=3)
    reason: str = Field(default="", max_length=_LONGEST)
    violation: str = Field(default="", max_length=20)
    cause: str = Field(default="", max_length=20)


class MeasureForm(BaseModel):
    """What is put right, by whom, until when."""

    text: str = Field(default="", max_length=_LONGEST)
    owner: str = Field(min_length=1, max_length=64)
    due_on: date


class CaseForm(BaseModel):
    """A case for the library."""

    problem: str = Field(default="", max_length=_LONGEST)
    cause: str = Field(default="", max_length=_LONGEST)
    solution: str = Field(default="", max_length=_LONGEST)
    tags: str = Field(default="", max_length=200)


def complaints_router(pages: Pages) -> APIRouter:
    """Return the routes that show complaints."""
    router = APIRouter()

    @router.get("/complaints")
    def complaints(
        request: Request, person: SeeRequests, tab: str = "open", q: str = ""
    ) -> Response:
        """Show one tab; `q` searches the library of cases."""
        reader = pages.reader(person)
        shown = tab if tab in _TABS else "open"
        if shown == "penalties":
            with pages.engine.begin() as connection:
                office = replace(office_of(pages, reader), actor=_RULE)
                propose_for_missed_calls(connection, office)
        return _list_page(pages, request, reader, shown, q[:100])

    @router.get("/complaints/{request_id}")
    def one(request: Request, person: SeeRequests, request_id: str) -> Response:
        """Show what was found out about one complaint, and its verdict."""
        return _page(pages, request, pages.reader(person), request_id)

    return router


def facts_router(pages: Pages) -> APIRouter:
    """Return the routes of facts, disputes and measures."""
    router = APIRouter()

    @router.post("/complaints/{request_id}/facts")
    def facts(request: Request, person: WorkRequest, request_id: str, text: Text = "") -> Response:
        """Keep what was found out."""
        reader = pages.reader(person)
        return _do(pages, request, reader, request_id, lambda c, o: verify(c, request_id, text, o))

    @router.post("/complaints/{request_id}/dispute")
    def disputed(
        request: Request, person: WorkRequest, request_id: str, text: Text = ""
    ) -> Response:
        """Keep what departments disagree about; the work goes on."""
        reader = pages.reader(person)
        return _do(pages, request, reader, request_id, lambda c, o: dispute(c, request_id, text, o))

    @router.post("/complaints/{request_id}/measures")
    def measure(
        request: Request,
        person: WorkRequest,
        request_id: str,
        form: Annotated[MeasureForm, Form()],
    ) -> Response:
        """Agree on a measure."""
        reader = pages.reader(person)
        return _do(
            pages,
            request,
            reader,
            request_id,
            lambda c, o: add_measure(c, request_id, form.text, form.owner, form.due_on, o),
        )

    @router.post("/measures/{measure_id}/done")
    def measure_done(person: WorkRequest, measure_id: RowNumber) -> Response:
        """Note that a measure was carried out."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            request_id = end_measure(connection, measure_id, office)
        return see_other(f"/complaints/{request_id}")

    return router


def verdicts_router(pages: Pages) -> APIRouter:
    """Return the routes that judge and give to somebody."""
    router = APIRouter()

    @router.post("/complaints/{request_id}/verdict")
    def verdict(
        request: Request,
        person: JudgeComplaint,
        request_id: str,
        form: Annotated[VerdictForm, Form()],
    ) -> Response:
        """Give the verdict."""
        reader = pages.reader(person)
        judgement = Judgement(
            is_responsible=form.is_responsible == "yes",
            reason=form.reason,
            judge=person.account_id,
            violation=Violation(form.violation) if form.violation in set(Violation) else None,
            cause=Cause(form.cause) if form.cause in set(Cause) else None,
        )
        return _do(
            pages, request, reader, request_id, lambda c, o: judge(c, request_id, judgement, o)
        )

    @router.post("/complaints/{request_id}/assign")
    def assign(
        request: Request,
        person: JudgeComplaint,
        request_id: str,
        owner: Annotated[str, Form(min_length=1, max_length=64)],
    ) -> Response:
        """Give it to somebody by force when nobody wants it."""
        reader = pages.reader(person)
        return _do(
            pages,
            request,
            reader,
            request_id,
            lambda c, o: assign_by_force(c, request_id, owner, o),
        )

    return router


def appeals_router(pages: Pages) -> APIRouter:
    """Return the routes of appeals and their decisions."""
    router = APIRouter()

    @router.post("/complaints/{request_id}/appeal")
    def appealed(
        request: Request, person: AppealComplaint, request_id: str, text: Text = ""
    ) -> Response:
        """Appeal against the verdict."""
        reader = pages.reader(person)
        return _do(pages, request, reader, request_id, lambda c, o: appeal(c, request_id, text, o))

    @router.post("/complaints/{request_id}/decide")
    def decide(
        request: Request,
        person: ApprovePenalty,
        request_id: str,
        event: Annotated[ComplaintEvent, Form()],
        text: Text = "",
    ) -> Response:
        """Let the verdict stand, or change it."""
        reader = pages.reader(person)
        return _do(
            pages,
            request,
            reader,
            request_id,
            lambda c, o: decide_appeal(c, request_id, event, text, o),
        )

    return router


def complaint_work_router(pages: Pages) -> APIRouter:
    """Return the routes of penalties, questions above and cases."""
    router = APIRouter()

    @router.post("/complaints/{request_id}/case")
    def case(
        request: Request,
        person: WorkRequest,
        request_id: str,
        form: Annotated[CaseForm, Form()],
    ) -> Response:
        """Put an ended request into the library of cases."""
        reader = pages.reader(person)
        new = NewCase(**form.model_dump())
        return _do(
            pages, request, reader, request_id, lambda c, o: write_case(c, request_id, new, o)
        )

    @router.post("/penalties/{penalty_id}")
    def penalty(
        person: ApprovePenalty,
        penalty_id: RowNumber,
        state: Annotated[PenaltyState, Form()],
        reason: Text = "",
    ) -> Response:
        """Approve or waive what a policy proposes."""
        office = office_of(pages, pages.reader(person))
        if state is PenaltyState.PROPOSED:
            raise _refused("state", "is what it has", "approve or waive it")
        with pages.engine.begin() as connection:
            decide_penalty(connection, penalty_id, state, reason, office)
        return see_other("/complaints?tab=penalties")

    @router.post("/requests/{request_id}/ask")
    def ask(person: WorkRequest, request_id: str, question: Text = "") -> Response:
        """Put a question to whom the matrix names."""
        with pages.engine.begin() as connection:
            escalate(connection, request_id, question, office_of(pages, pages.reader(person)))
        return see_other(f"/requests/{request_id}")

    @router.post("/asked/{escalation_id}")
    def answered(person: WorkRequest, escalation_id: RowNumber, text: Text = "") -> Response:
        """Answer a question that was put to one's role."""
        with pages.engine.begin() as connection:
            answer(connection, escalation_id, text, office_of(pages, pages.reader(person)))
        return see_other("/complaints?tab=asked")

    return router


def _do(
    pages: Pages,
    request: Request,
    reader: Reader,
    request_id: str,
    change: Callable[[Connection, Office], object],
) -> Response:
    """Carry a change out and go back; what it lacks is said on the page."""
    problem = attempt(pages, reader, change)
    if problem is not None:
        return _page(pages, request, reader, request_id, problem=problem)
    return see_other(f"/complaints/{request_id}")


def _list_page(pages: Pages, request: Request, reader: Reader, tab: str, q: str) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    today = now_utc.astimezone(pages.settings.zone).date()
    states = OPEN_STATES if tab == "open" else [s for s in ComplaintState if s not in OPEN_STATES]
    with reading(pages.engine) as connection:
        names = load_names(connection)
        found = newest_complaints(connection, states) if tab in {"open", "judged"} else ()
        rows = [
            (
                request_row(get_request(connection, each.request_id), words, now_utc, names),
                verdict_view(each, words, now_utc, names),
            )
            for each in found
        ]
        measures = measures_of(connection, None) if tab == "measures" else ()
        asked = open_escalations(connection) if tab == "asked" else ()
        penalties = list_penalties(connection) if tab == "penalties" else ()
        cases = find_cases(connection, q) if tab == "cases" else ()
    return pages.page(
        request,
        reader,
        "complaints.html",
        "requests",
        tab=tab,
        tabs=_tabs(tab),
        rows=rows,
        measures=measure_rows(measures, words, today, names),
        asked=asked_rows(asked, words, now_utc, names),
        penalties=penalty_rows(penalties, words, now_utc, names),
        cases=cases,
        search=q,
        can_work=may(reader.person.role, Action.WORK_REQUEST),
        can_approve=may(reader.person.role, Action.APPROVE_PENALTY),
    )


def _tabs(tab: str) -> Sequence[Tab]:
    return [
        Tab(message=message, href=f"/complaints?tab={key}", count=0, is_current=key == tab)
        for key, message in _TABS.items()
    ]


def _page(
    pages: Pages, request: Request, reader: Reader, request_id: str, problem: str = ""
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    role = reader.person.role
    with reading(pages.engine) as connection:
        record = get_request(connection, request_id)
        names = load_names(connection)
        found = find_complaint(connection, request_id)
        measures = measures_of(connection, request_id)
        appeals = appeals_of(connection, request_id)
        cases = cases_of(connection, request_id)
    possible = [] if found is None else VERDICT.possible_events(found.state)
    today = now_utc.astimezone(pages.settings.zone).date()
    return pages.page(
        request,
        reader,
        "complaint.html",
        "requests",
        r=request_row(record, words, now_utc, names),
        v=None if found is None else verdict_view(found, words, now_utc, names),
        measures=measure_rows(measures, words, today, names),
        appeals=appeal_rows(appeals, words, now_utc, names),
        cases=cases,
        people=sorted(names.accounts.items(), key=lambda pair: pair[1]),
        choices=_choices(words),
        is_conduct=found is not None and found.family == "conduct",
        can_verify=may(role, Action.WORK_REQUEST)
        and (found is None or ComplaintEvent.FIND_RESPONSIBLE in possible),
        can_judge=may(role, Action.JUDGE_COMPLAINT) and ComplaintEvent.FIND_RESPONSIBLE in possible,
        can_assign=may(role, Action.JUDGE_COMPLAINT) and found is not None,
        can_appeal=may(role, Action.APPEAL_COMPLAINT) and ComplaintEvent.APPEAL in possible,
        can_decide=may(role, Action.APPROVE_PENALTY) and ComplaintEvent.UPHOLD in possible,
        can_work=may(role, Action.WORK_REQUEST) and found is not None,
        can_write_case=may(role, Action.WORK_REQUEST) and record.state in ENDED,
        problem_text=problem,
        status=409 if problem else 200,
    )


def _choices(words: Words) -> dict[str, list[tuple[str, str]]]:
    return {
        "violation": [(str(each), label(words, VIOLATIONS, each)) for each in Violation],
        "cause": [(str(each), label(words, CAUSES, each)) for each in Cause],
    }


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="penalty", field=field, problem=problem, remedy=remedy, code=Code.FIELD_RANGE
    )
