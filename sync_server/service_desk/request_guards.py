"""Decides what a request lacks before a step: result, reply, reason, another person's callback.

I1: no end without result and reply; I3: a bounce has a reason; I5: whoever did the work does not
call back; I6: an unfinished matter carries its reason; I11: a refusal has a reason and an
alternative (invariants of the service rules). Safety class A is neither solved nor held by
telephone, and whoever took the call does not end it without a crew. Rule C-26: an unfinished matter
is given up after three weekly follow-ups at the earliest. Rules A-36, C-05: what is not under
warranty needs consent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from sync_server.service_desk.clocks import Matter
from sync_server.service_desk.request import NoteKind, RequestKind, RequestRecord
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.request_states import RequestEvent, RequestState

FOLLOW_UPS = 3
"""Weekly follow-ups before an unfinished matter may be given up (rule C-26)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A step that somebody wants to take, with what they wrote for it.

    Attributes:
        alternative: What the customer can do instead, when it is declined (rule B-04).
    """

    event: RequestEvent
    actor: str
    text: str
    is_satisfied: bool | None = None
    alternative: str = ""


_NEEDS_TEXT: Mapping[RequestEvent, str] = {
    RequestEvent.BOUNCE: "why it is not yours, and whose it is",
    RequestEvent.SUBMIT_UNFINISHED: "why it is not finished",
    RequestEvent.SUSPEND: "why it rests",
    RequestEvent.AWAIT_CUSTOMER: "what is awaited of the customer and until when",
    RequestEvent.AWAIT_ANSWER: "whose answer is awaited and where the caller is reached",
    RequestEvent.DECLINE: "the reason, and below it what the customer can do instead",
    RequestEvent.FINISH: "the result",
    RequestEvent.SOLVE: "what the caller was told",
    RequestEvent.REPLY: "what the customer was told",
    RequestEvent.CONFIRM: "what the customer said when called back",
    RequestEvent.REOPEN: "what is not in order",
    RequestEvent.SUSPECT_MALICIOUS: "why, for the leader who decides",
}

KIND_OF_TEXT: Mapping[RequestEvent, NoteKind] = {
    RequestEvent.FINISH: NoteKind.RESULT,
    RequestEvent.SOLVE: NoteKind.REPLY,
    RequestEvent.DECLINE: NoteKind.REPLY,
    RequestEvent.REPLY: NoteKind.REPLY,
    RequestEvent.CONFIRM: NoteKind.CALLBACK,
    RequestEvent.REOPEN: NoteKind.CALLBACK,
}
"""What the text of a step is kept as; progress for those that are not named."""

DANGER_NEVER = frozenset({RequestEvent.SOLVE, RequestEvent.AWAIT_ANSWER})
"""Steps that end or hold a matter by telephone: never one of safety class A, whoever asks."""

WITHOUT_A_CREW = frozenset(
    {
        RequestEvent.DECLINE,
        RequestEvent.MARK_DUPLICATE,
        RequestEvent.SUSPECT_MALICIOUS,
        RequestEvent.SUSPEND,
        RequestEvent.AWAIT_CUSTOMER,
    }
)
"""Steps after which nobody works on a matter: of safety class A a safety officer's or director's
(invariant of safety class A, rules D-06, E-18: declined with its reason by who may)."""

CALLED_BACK = frozenset({RequestKind.REPAIR, RequestKind.COMPLAINT})
"""Kinds that are all called back by somebody else (policies K4, K5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A step with all that its guards look at; `doers` did the work."""

    matter: Matter
    attempt: Attempt
    doers: frozenset[str]
    zone: tzinfo


def check_step(matter: Matter, attempt: Attempt, doers: frozenset[str], zone: tzinfo) -> None:
    """Raise ContractError when the step lacks something; `doers` did the work.

    The life cycle itself is asked elsewhere. Weeks are those of `zone`, the town's.
    """
    if matter.record.is_safety and attempt.event in DANGER_NEVER:
        raise _refused(
            matter.record, "class", "is a danger", "send a crew: no telephone call ends a danger"
        )
    wanted = _NEEDS_TEXT.get(attempt.event)
    if wanted is not None and not attempt.text.strip():
        raise _refused(matter.record, "text", "is empty", f"write {wanted}")
    check = _CHECKS.get(attempt.event)
    if check is not None:
        check(_Asked(matter=matter, attempt=attempt, doers=doers, zone=zone))


def check_second_person(record: RequestRecord, attempt: Attempt) -> None:
    """Raise ContractError when whoever took a call of class A leaves it without a crew."""
    is_own = attempt.actor == record.first_contact
    if is_own and record.is_safety and attempt.event in WITHOUT_A_CREW:
        raise _refused(
            record,
            "actor",
            "took the call of a danger",
            "let another safety officer or the director decide",
        )


def _check_confirm(asked: _Asked) -> None:
    record, attempt = asked.matter.record, asked.attempt
    if attempt.actor in asked.doers and record.kind in CALLED_BACK:
        raise _refused(
            record,
            "actor",
            "did the work or wrote the reply",
            "let somebody else call the customer back",
        )
    if attempt.is_satisfied is None:
        raise _refused(record, "satisfied", "is not said", "say whether the customer is satisfied")


def _check_close(asked: _Asked) -> None:
    matter = asked.matter
    if _last(matter, NoteKind.REPLY) is None:
        raise _refused(matter.record, "reply", "is missing", "tell the customer the result first")
    if matter.record.is_media and not _is_approved(matter):
        raise _refused(
            matter.record, "reply", "was not approved", "quality reads a written reply first"
        )


def _is_approved(matter: Matter) -> bool:
    """Return whether quality approved the newest reply (rules C-23, C-27)."""
    replied = _last(matter, NoteKind.REPLY)
    approved = _last(matter, NoteKind.REPLY_APPROVED)
    returned = _last(matter, NoteKind.REPLY_RETURNED)
    if approved is None or replied is None or approved < replied:
        return False
    return returned is None or returned < approved


def _last(matter: Matter, kind: NoteKind) -> int | None:
    """Return the place of the newest note of a kind, None when there is none."""
    places = [place for place, note in enumerate(matter.notes) if note.kind is kind]
    return places[-1] if places else None


def _check_decline(asked: _Asked) -> None:
    matter, attempt = asked.matter, asked.attempt
    if not attempt.alternative.strip():
        raise _refused(
            matter.record, "alternative", "is empty", "write what the customer can do instead"
        )
    weeks = follow_up_weeks(matter, asked.zone)
    if matter.record.state is RequestState.FOLLOW_UP and weeks < FOLLOW_UPS:
        raise _refused(
            matter.record,
            "follow-ups",
            f"were in {weeks} weeks",
            f"follow it up in {FOLLOW_UPS} weeks before it is given up",
        )


def follow_up_weeks(matter: Matter, zone: tzinfo) -> int:
    """Return in how many calendar weeks of the town the unfinished matter was followed up."""
    weeks = {
        step.happened_at_utc.astimezone(zone).isocalendar()[:2]
        for step in matter.steps
        if step.from_state is RequestState.FOLLOW_UP
        and step.event in {RequestEvent.SUBMIT_UNFINISHED, RequestEvent.START}
    }
    return len(weeks)


def _check_work(asked: _Asked) -> None:
    matter, attempt = asked.matter, asked.attempt
    if attempt.event is RequestEvent.START and matter.record.order_id is not None:
        return  # a crew that has begun has begun: what its tablet tells is never held up
    refused = _last(matter, NoteKind.OUT_OF_WARRANTY)
    granted = _last(matter, NoteKind.IN_WARRANTY)
    is_paid = refused is not None and (granted is None or granted < refused)
    consent = _last(matter, NoteKind.CONSENT)
    if is_paid and (consent is None or consent < (refused or 0)):
        raise _refused(
            matter.record,
            "consent",
            "is missing for work that the customer pays",
            "say what it costs and note the customer's consent",
        )


_CHECKS: Mapping[RequestEvent, Callable[[_Asked], None]] = {
    RequestEvent.CONFIRM: _check_confirm,
    RequestEvent.CLOSE: _check_close,
    RequestEvent.DECLINE: _check_decline,
    RequestEvent.ASSIGN: _check_work,
    RequestEvent.START: _check_work,
}


def _refused(record: RequestRecord, field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"request {record.number}",
        field=field,
        problem=problem,
        remedy=remedy,
        code=Code.STATE,
    )
