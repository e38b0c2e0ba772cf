"""The routes of the calls: what the telephone system tells, and calling back."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from sqlalchemy import Connection

from sync_server.access.error_answers_io import error_answer
from sync_server.customers.customer import masked
from sync_server.customers.customer_store import find_by_phone
from sync_server.service_desk.call_store import CallRecord, called_back, note_call, waiting_calls
from sync_server.service_desk.calls import CallState, call_back_by, parse_call
from sync_server.service_desk.clocks import Terms
from sync_server.staff.skill_store import speakers
from sync_server.web.guarded_io import TakeRequest
from sync_server.web.pages_io import Pages, see_other
from sync_server.web.request_views import left_words
from sync_server.web.words import Words, age
from wire_contracts.codes import Code
from wire_contracts.fields import JsonObject
from wire_contracts.payloads import read_json

SIGNATURE: Final = "x-lamplighter-signature"
MOST_BYTES: Final = 4096

_NEAR_END: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call that rings or waits to be called back."""

    call_id: str
    is_ringing: bool
    caller: str
    who: str
    href: str
    words: str
    tone: str


def calls_router(pages: Pages) -> APIRouter:
    """Return the routes of the calls."""
    router = APIRouter()

    @router.post("/calls/events")
    async def told(request: Request) -> Response:
        """Take an event of the telephone system, signed with the secret that both know."""
        secret = pages.settings.telephone_secret
        if secret is None:
            return error_answer(
                Code.TOKEN_MISSING, "calls: telephone: is not set up; see server.md"
            )
        body = await request.body()
        if len(body) > MOST_BYTES:
            text = f"calls: body: has {len(body)} bytes; send at most {MOST_BYTES}"
            return error_answer(Code.PAYLOAD_TOO_LARGE, text)
        if not is_signed(body, request.headers.get(SIGNATURE, ""), secret):
            text = f"calls: {SIGNATURE}: does not fit; sign the body with the shared secret"
            return error_answer(Code.TOKEN_INVALID, text)
        return JSONResponse(await run_in_threadpool(_note, pages, body))

    @router.post("/calls/{call_id}/back")
    def back(person: TakeRequest, call_id: str) -> Response:
        """Note that the caller was called back, and go on with the intake."""
        with pages.engine.begin() as connection:
            called_back(connection, call_id, person.account_id, pages.clock.now_utc())
        return see_other("/intake")

    return router


def is_signed(body: bytes, header: str, secret: bytes) -> bool:
    """Return whether the header is `sha256=` and the HMAC-SHA-256 of the body."""
    wanted = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), header.encode("utf-8", "replace"))


def _note(pages: Pages, body: bytes) -> JsonObject:
    """Return the call's state; while it rings also who should answer it (rule A-19)."""
    notice = parse_call(read_json("calls", body))
    now_utc = pages.clock.now_utc()
    with pages.engine.begin() as connection:
        state = note_call(connection, notice, now_utc)
        if state is not CallState.RINGING:
            return {"state": str(state)}
        homes = find_by_phone(connection, notice.caller) if notice.caller else ()
        customer = homes[0].customer if homes else None
        language = customer.language if customer is not None else ""
        seats = list(speakers(connection, language, now_utc))
    return {"state": str(state), "language": language, "seats": [*seats]}


def call_rows(
    connection: Connection, words: Words, terms: Terms, now_utc: datetime
) -> list[CallRow]:
    """Return what rings and what was missed, for the strip above the intake."""
    return [_row(connection, each, words, terms, now_utc) for each in waiting_calls(connection)]


def _row(
    connection: Connection, call: CallRecord, words: Words, terms: Terms, now_utc: datetime
) -> CallRow:
    homes = find_by_phone(connection, call.caller)
    who = homes[0].customer.name if homes and homes[0].customer else ""
    is_ringing = call.state is CallState.RINGING
    rung = now_utc - call.rang_at_utc
    if is_ringing:
        is_late = rung.total_seconds() > terms.limits.get("sla.CL1.seconds", 15)
        text, tone = age(rung), "danger" if is_late else "ok"
    else:
        left = call_back_by(call.rang_at_utc, terms.calendar.zone, terms.limits) - now_utc
        text = left_words(left, words)
        tone = "danger" if left < timedelta(0) else "warn" if left < _NEAR_END else ""
    return CallRow(
        call_id=call.call_id,
        is_ringing=is_ringing,
        caller=masked(call.caller),
        who=who,
        href=f"/intake?call={call.call_id}",
        words=text,
        tone=tone,
    )
