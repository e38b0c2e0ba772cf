"""Decides what the tablet says about one record's way to the server (sync spec 1.5)."""

from dataclasses import dataclass
from enum import StrEnum

from wire_contracts.operations import Outcome


class RecordState(StrEnum):
    """How far the changes of one record have come; UNTOUCHED has none of our own."""

    UNTOUCHED = "untouched"
    DRAFT = "draft"
    QUEUED = "queued"
    SENDING = "sending"
    RECEIVED = "received"
    SHOWN_TO_OFFICE = "shown_to_office"
    PHOTO_PENDING = "photo_pending"
    LOOK_HERE = "look_here"


class OpStatus(StrEnum):
    """Where one operation of the outbox stands.

    QUEUED, SENDING and RECEIVED are the overlay: they change what the crew sees. HELD was not
    understood by the server as a request and waits for a person. SHOWN and REFUSED are history.
    """

    QUEUED = "queued"
    SENDING = "sending"
    RECEIVED = "received"
    SHOWN = "shown"
    REFUSED = "refused"
    HELD = "held"


OVERLAY = frozenset({OpStatus.QUEUED, OpStatus.SENDING, OpStatus.RECEIVED, OpStatus.HELD})
"""Statuses whose effect the crew still sees through the outbox."""

WAITING = frozenset({OpStatus.QUEUED, OpStatus.SENDING, OpStatus.HELD})
"""Statuses that the server has not confirmed."""

WITHOUT_EFFECT = frozenset({Outcome.REFUSED, Outcome.CONFLICT})
"""What a server says of an operation that changed nothing there."""

_UNHEARD = ((OpStatus.QUEUED, RecordState.QUEUED), (OpStatus.SENDING, RecordState.SENDING))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTraces:
    """What the store knows about one record.

    Attributes:
        statuses: Of every operation of the record.
        has_draft: Answers were given and not sealed.
        needs_look: The server refused, merged or could not read something.
        photos_total: Photos that belong to the record.
        photos_done: Photos that the server has confirmed.
    """

    statuses: frozenset[OpStatus]
    has_draft: bool = False
    needs_look: bool = False
    photos_total: int = 0
    photos_done: int = 0


def record_state(traces: RecordTraces) -> RecordState:
    """Return the state to show: what needs eyes, then what nobody has heard of, then the rest.

    A draft is the crew's own to finish: it never hides that taps wait. What was refused and seen is
    nothing of ours any more, and nothing that the office shows.
    """
    if traces.needs_look or OpStatus.HELD in traces.statuses:
        return RecordState.LOOK_HERE
    for status, state in _UNHEARD:
        if status in traces.statuses:
            return state
    if traces.has_draft:
        return RecordState.DRAFT
    if OpStatus.RECEIVED in traces.statuses:
        return RecordState.RECEIVED
    if traces.photos_done < traces.photos_total:
        return RecordState.PHOTO_PENDING
    is_shown = OpStatus.SHOWN in traces.statuses
    return RecordState.SHOWN_TO_OFFICE if is_shown else RecordState.UNTOUCHED
