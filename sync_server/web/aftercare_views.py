"""What the pages of visits, callbacks, opinions, surveys and quality checks show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sync_server.aftercare.callback_store import Due
from sync_server.aftercare.calling_times import USUAL
from sync_server.aftercare.opinions import OPINION_CYCLE, Opinion, OpinionState
from sync_server.aftercare.quality_store import PersonQuality
from sync_server.aftercare.survey_store import Survey
from sync_server.aftercare.visits import PREPARATIONS, VISIT_CYCLE, Visit, VisitState
from sync_server.service_desk.request import RequestRecord
from sync_server.web.desk_labels import (
    OPINION_EVENTS,
    OPINION_SOURCES,
    OPINION_STATES,
    VISIT_EVENTS,
    VISIT_STATES,
    result_text,
)
from sync_server.web.labels import label
from sync_server.web.request_views import Names, RequestRow
from sync_server.web.words import Words, number

_VISIT_TONES: Mapping[VisitState, tuple[str, str]] = {
    VisitState.BOOKED: ("info", "clock"),
    VisitState.CONFIRMED: ("ok", "check"),
    VisitState.DONE: ("out", "check"),
    VisitState.NO_ACCESS: ("warn", "warn"),
    VisitState.CANCELLED: ("out", "x"),
}
_OPINION_TONES: Mapping[OpinionState, str] = {
    OpinionState.RECEIVED: "strong",
    OpinionState.PASSED_ON: "info",
    OpinionState.ESCALATED: "warn",
    OpinionState.ADOPTED: "ok",
    OpinionState.DECLINED: "out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that a button takes."""

    event: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    """A visit with its steps."""

    visit_id: int
    number: str
    href: str
    title: str
    when: str
    tone: str
    state: str
    chip_class: str
    icon: str
    attempt: int
    lacks: Sequence[str]
    result: str
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """Somebody to call back."""

    request: RequestRow
    attempts: int
    window: str
    may_call: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionRow:
    """An opinion with its steps."""

    opinion_id: int
    href: str
    source: str
    text: str
    state: str
    tone: str
    department: str
    response: str
    at: str
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """A survey with its figures."""

    survey_id: int
    name: str
    until: str
    sample: int
    asked: int
    answered: int
    percent: int
    mean: str
    action: str
    is_closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRow:
    """One person's mean of the month."""

    who: str
    checks: int
    mean: int


def visit_rows(
    visits: Sequence[Visit], records: Mapping[str, RequestRecord], words: Words, today: date
) -> list[VisitRow]:
    """Return the visits as they come; one whose day is over is late."""
    return [_visit_row(each, records[each.request_id], words, today) for each in visits]


def _visit_row(visit: Visit, record: RequestRecord, words: Words, today: date) -> VisitRow:
    chip_class, icon = _VISIT_TONES[visit.state]
    events = VISIT_CYCLE.possible_events(visit.state)
    return VisitRow(
        visit_id=visit.visit_id,
        number=record.number,
        href=f"/visits/{visit.request_id}",
        title=record.address,
        when=f"{visit.day.isoformat()} {visit.slot}",
        tone="danger" if events and visit.day < today else "",
        state=label(words, VISIT_STATES, visit.state),
        chip_class=chip_class,
        icon=icon,
        attempt=visit.attempt,
        lacks=[
            text.in_language(words.language)
            for code, text in PREPARATIONS.items()
            if code not in visit.prepared
        ],
        result=result_text(visit.result, words),
        steps=[Step(event=str(each), words=label(words, VISIT_EVENTS, each)) for each in events],
    )


def call_rows_of(due: Sequence[Due], rows: Mapping[str, RequestRow]) -> list[CallRow]:
    """Return whom to call back, those that may be called now first."""
    found = [
        CallRow(
            request=rows[each.request_id],
            attempts=each.attempts,
            window=each.window or f"{USUAL[0]:%H:%M}–{USUAL[1]:%H:%M}",
            may_call=each.may_call,
        )
        for each in due
    ]
    return sorted(found, key=lambda row: not row.may_call)


def opinion_rows(opinions: Sequence[Opinion], words: Words) -> list[OpinionRow]:
    """Return the opinions as they come."""
    return [
        OpinionRow(
            opinion_id=each.opinion_id,
            href=f"/requests/{each.request_id}",
            source=label(words, OPINION_SOURCES, each.source),
            text=each.text,
            state=label(words, OPINION_STATES, each.state),
            tone=_OPINION_TONES[each.state],
            department=each.department,
            response=each.response,
            at=words.date(each.changed_at_utc),
            steps=[
                Step(event=str(event), words=label(words, OPINION_EVENTS, event))
                for event in OPINION_CYCLE.possible_events(each.state)
            ],
        )
        for each in opinions
    ]


def survey_rows(surveys: Sequence[Survey]) -> list[SurveyRow]:
    """Return the surveys as they come."""
    return [
        SurveyRow(
            survey_id=each.survey_id,
            name=each.name,
            until=each.until_on.isoformat(),
            sample=each.sample,
            asked=each.asked,
            answered=each.answered,
            percent=round(100 * each.asked / each.sample) if each.sample else 0,
            mean="–" if each.mean is None else number(each.mean),
            action=each.action,
            is_closed=each.is_closed,
        )
        for each in surveys
    ]


def quality_rows(people: Sequence[PersonQuality], names: Names) -> list[QualityRow]:
    """Return the bulletin, the lowest mean first."""
    return [
        QualityRow(
            who=names.accounts.get(each.account_id, each.account_id),
            checks=each.checks,
            mean=round(each.mean),
        )
        for each in people
    ]
