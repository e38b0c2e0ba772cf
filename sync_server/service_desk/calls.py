"""Decides what an event of the telephone system means for a call, and by when it is called back.

Clocks of domain model 3: CL1 three rings, CL2 missed by day (08 to 20 h), CL4 any call in 24 h.
A call's state moves forward only, so that an event may come twice or late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from wire_contracts.fields import FieldReader
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, utc_from_ms

DAY_FROM_H, DAY_TO_H = 8, 20
"""Hours in which a missed call has the shorter clock (policy K2)."""

LONGEST_ID = 64


class CallEvent(StrEnum):
    """What the telephone system tells."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    MISSED = "missed"


class CallState(StrEnum):
    """Where a call stands (domain model 2.1)."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    MISSED = "missed"
    CALLED_BACK = "called_back"


_NEXT: Mapping[tuple[CallState | None, CallEvent], CallState] = {
    (None, CallEvent.RINGING): CallState.RINGING,
    (None, CallEvent.ANSWERED): CallState.ANSWERED,
    (None, CallEvent.MISSED): CallState.MISSED,
    (None, CallEvent.ENDED): CallState.ENDED,
    (CallState.RINGING, CallEvent.ANSWERED): CallState.ANSWERED,
    (CallState.RINGING, CallEvent.MISSED): CallState.MISSED,
    (CallState.RINGING, CallEvent.ENDED): CallState.MISSED,
    (CallState.ANSWERED, CallEvent.ENDED): CallState.ENDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNotice:
    """One event as it came.

    Attributes:
        number: The number that was dialled.
        caller: The caller's number; empty when it was withheld.
        seat: The log-in name of who answered; empty when nobody did.
        hung_up_by: `caller` or `agent`; empty when unknown (policy K14).
        recording: Where the telephone system keeps the recording; empty when there is none.
    """

    call_id: str
    event: CallEvent
    at_utc: datetime
    number: str
    caller: str
    seat: str
    hung_up_by: str
    recording: str = ""


def parse_call(reader: FieldReader) -> CallNotice:
    """Return the event; raise ContractError that names the field."""
    reader.integer("v", low=1, high=1)
    return CallNotice(
        call_id=reader.text("call", longest=LONGEST_ID),
        event=reader.choice("event", CallEvent),
        at_utc=utc_from_ms(reader.integer("at", low=EARLIEST_MS, high=LATEST_MS)),
        number=reader.text_or_empty("number", longest=40),
        caller=reader.text_or_empty("caller", longest=80),
        seat=reader.text_or_empty("seat", longest=80),
        hung_up_by=reader.text_or_empty("hung_up_by", longest=12),
        recording=reader.text_or_empty("recording", longest=400),
    )


def call_after(state: CallState | None, event: CallEvent) -> CallState | None:
    """Return the state after an event, None when it changes nothing."""
    return _NEXT.get((state, event))


def call_back_by(rang_at_utc: datetime, zone: tzinfo, limits: Mapping[str, float]) -> datetime:
    """Return until when a missed call must be called back, by the policies that hold."""
    hour = rang_at_utc.astimezone(zone).hour
    is_day = DAY_FROM_H <= hour < DAY_TO_H
    minutes = limits.get("sla.CL2" if is_day else "sla.CL4", limits.get("sla.CL4", 1440))
    return rang_at_utc + timedelta(minutes=minutes)
