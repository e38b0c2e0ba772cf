"""What the pages of complaints show: verdicts, measures, appeals, penalties, questions above."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sync_server.complaints.complaint import OUTCOME, Appeal, Complaint, ComplaintState, Measure
from sync_server.complaints.escalation import Escalation
from sync_server.complaints.penalties import Penalty, PenaltyState
from sync_server.web.desk_labels import (
    CAUSES,
    COMPLAINT_STATES,
    FAMILIES,
    PENALTY_CONCERNS,
    PENALTY_STATES,
    VIOLATIONS,
)
from sync_server.web.labels import ROLES, label
from sync_server.web.request_views import Names
from sync_server.web.words import Words

_S = ComplaintState
_TONES: Mapping[ComplaintState, tuple[str, str]] = {
    _S.VERIFYING: ("strong", "search"),
    _S.RESPONSIBLE: ("danger", "warn"),
    _S.NOT_RESPONSIBLE: ("ok", "check"),
    _S.APPEALED: ("warn", "ret"),
    _S.UPHELD: ("danger", "warn"),
    _S.CHANGED: ("ok", "check"),
}
_PENALTY_TONES: Mapping[PenaltyState, str] = {
    PenaltyState.PROPOSED: "warn",
    PenaltyState.APPROVED: "danger",
    PenaltyState.WAIVED: "out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    """A verdict in the reader's words."""

    state: str
    chip_class: str
    icon: str
    family: str
    facts: str
    violation: str
    cause: str
    reason: str
    judged: str
    dispute: str
    disputed_by: str
    assigned_to: str
    is_responsible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """A measure; `tone` is danger when it is overdue."""

    measure_id: int
    href: str
    text: str
    owner: str
    due: str
    tone: str
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealRow:
    """An appeal with what became of it."""

    statement: str
    who: str
    at: str
    decision: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PenaltyRow:
    """A proposal; `href` leads to its request, empty for a call."""

    penalty_id: int
    concern: str
    href: str
    who: str
    yuan: int
    nth: int
    is_doubled: bool
    state: str
    tone: str
    at: str
    reason: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRow:
    """A question above with its answer."""

    escalation_id: int
    href: str
    question: str
    who: str
    to: str
    at: str
    answer: str


def verdict_view(
    complaint: Complaint, words: Words, now_utc: datetime, names: Names
) -> VerdictView:
    """Return the verdict for one reader."""
    chip_class, icon = _TONES[complaint.state]
    judged = ""
    if complaint.judged_at_utc is not None:
        who = _name(names, complaint.judged_by)
        judged = f"{who} · {words.near_clock(complaint.judged_at_utc, now_utc)}"
    return VerdictView(
        state=label(words, COMPLAINT_STATES, complaint.state),
        chip_class=chip_class,
        icon=icon,
        family=label(words, FAMILIES, complaint.family),
        facts=complaint.facts,
        violation=""
        if complaint.violation is None
        else label(words, VIOLATIONS, complaint.violation),
        cause="" if complaint.cause is None else label(words, CAUSES, complaint.cause),
        reason=complaint.reason,
        judged=judged,
        dispute=complaint.dispute,
        disputed_by=_name(names, complaint.disputed_by),
        assigned_to=_name(names, complaint.assigned_to),
        is_responsible=OUTCOME.get(complaint.state, False),
    )


def measure_rows(
    measures: Sequence[Measure], words: Words, today: date, names: Names
) -> list[MeasureRow]:
    """Return the measures, the overdue ones marked."""
    return [
        MeasureRow(
            measure_id=each.measure_id,
            href=f"/complaints/{each.request_id}",
            text=each.text,
            owner=_name(names, each.owner),
            due=each.due_on.isoformat(),
            tone="danger" if each.done_at_utc is None and each.due_on < today else "",
            done="" if each.done_at_utc is None else words.date(each.done_at_utc),
        )
        for each in measures
    ]


def appeal_rows(
    appeals: Sequence[Appeal], words: Words, now_utc: datetime, names: Names
) -> list[AppealRow]:
    """Return the appeals, the oldest first."""
    outcome = {"uphold": _S.UPHELD, "change": _S.CHANGED}
    return [
        AppealRow(
            statement=each.statement,
            who=_name(names, each.by_actor),
            at=words.near_clock(each.at_utc, now_utc),
            decision=""
            if each.decision is None
            else label(words, COMPLAINT_STATES, outcome[each.decision]),
            reason=each.reason,
        )
        for each in appeals
    ]


def penalty_rows(
    penalties: Sequence[Penalty], words: Words, now_utc: datetime, names: Names
) -> list[PenaltyRow]:
    """Return the proposals as they come."""
    return [
        PenaltyRow(
            penalty_id=each.penalty_id,
            concern=label(words, PENALTY_CONCERNS, each.concern),
            href="" if each.concern == "missed_call" else f"/requests/{each.subject}",
            who=_name(names, each.account_id),
            yuan=each.yuan,
            nth=each.nth,
            is_doubled=each.is_doubled,
            state=label(words, PENALTY_STATES, each.state),
            tone=_PENALTY_TONES[each.state],
            at=words.near_clock(each.proposed_at_utc, now_utc),
            reason=each.reason,
            is_open=each.state is PenaltyState.PROPOSED,
        )
        for each in penalties
    ]


def asked_rows(
    asked: Sequence[Escalation], words: Words, now_utc: datetime, names: Names
) -> list[AskedRow]:
    """Return the questions above, as they come."""
    return [
        AskedRow(
            escalation_id=each.escalation_id,
            href=f"/requests/{each.request_id}",
            question=each.question,
            who=_name(names, each.by_actor),
            to=label(words, ROLES, each.to_role),
            at=words.near_clock(each.at_utc, now_utc),
            answer=each.answer,
        )
        for each in asked
    ]


def _name(names: Names, account_id: str | None) -> str:
    return names.accounts.get(account_id or "", account_id or "")
