"""Decides what a request lacks before a step: result, reply, reason, another person's callback.

I1: no end without result and reply; I3: a bounce has a reason; I5: whoever did the work does not
call back; I6: an unfinished matter carries its reason; I11: a refusal has a reason and an
alternative (invariants of the service rules).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sync_server.service_desk.request import NoteKind, RequestKind, RequestNote, RequestRecord
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.request_states import RequestEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A step that somebody wants to take, with what they wrote for it."""

    event: RequestEvent
    actor: str
    text: str
    is_satisfied: bool | None = None


_NEEDS_TEXT: Mapping[RequestEvent, str] = {
    RequestEvent.BOUNCE: "why it is not yours, and whose it is",
    RequestEvent.SUBMIT_UNFINISHED: "why it is not finished",
    RequestEvent.SUSPEND: "why it rests",
    RequestEvent.AWAIT_CUSTOMER: "what is awaited of the customer and until when",
    RequestEvent.AWAIT_ANSWER: "whose answer is awaited and where the caller is reached",
    RequestEvent.DECLINE: "the reason, and what the customer can do instead",
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

CALLED_BACK = frozenset({RequestKind.REPAIR, RequestKind.COMPLAINT})
"""Kinds that are all called back by somebody else (policies K4, K5)."""


def check_step(
    record: RequestRecord, attempt: Attempt, notes: Sequence[RequestNote], doers: frozenset[str]
) -> None:
    """Raise ContractError when the step lacks something; `doers` did the work.

    The life cycle itself is asked elsewhere.
    """
    wanted = _NEEDS_TEXT.get(attempt.event)
    if wanted is not None and not attempt.text.strip():
        raise _refused(record, "text", "is empty", f"write {wanted}")
    check = _CHECKS.get(attempt.event)
    if check is not None:
        check(record, attempt, notes, doers)


def _check_confirm(
    record: RequestRecord, attempt: Attempt, _notes: Sequence[RequestNote], doers: frozenset[str]
) -> None:
    if attempt.actor in doers and record.kind in CALLED_BACK:
        raise _refused(
            record,
            "actor",
            "did the work or wrote the reply",
            "let somebody else call the customer back",
        )
    if attempt.is_satisfied is None:
        raise _refused(record, "satisfied", "is not said", "say whether the customer is satisfied")


def _check_close(
    record: RequestRecord, _attempt: Attempt, notes: Sequence[RequestNote], _doers: frozenset[str]
) -> None:
    kinds = {each.kind for each in notes}
    if NoteKind.REPLY not in kinds:
        raise _refused(record, "reply", "is missing", "tell the customer the result first")


_CHECKS: Mapping[
    RequestEvent,
    Callable[[RequestRecord, Attempt, Sequence[RequestNote], frozenset[str]], None],
] = {
    RequestEvent.CONFIRM: _check_confirm,
    RequestEvent.CLOSE: _check_close,
}


def _refused(record: RequestRecord, field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"request {record.number}",
        field=field,
        problem=problem,
        remedy=remedy,
        code=Code.STATE,
    )
