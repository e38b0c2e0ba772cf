"""Owns the week's callbacks: whom to call now, and the four answers (rule D-28)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action
from sync_server.aftercare.calling_times import may_call
from sync_server.aftercare.checklist import drawn
from sync_server.aftercare.opinion_store import keep_opinion
from sync_server.aftercare.opinions import OpinionSource
from sync_server.db.aftercare_tables import CALLBACK
from sync_server.db.customer_tables import CUSTOMER
from sync_server.db.desk_tables import REQUEST_PERSON, SERVICE_REQUEST
from sync_server.service_desk.request import RequestKind
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import Office, take_step
from sync_server.work_orders.order_store import check_may
from sync_server.work_orders.policy_store import policy_at
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.request_states import RequestEvent, RequestState

WEEK_MS = 7 * 86_400_000
LOWEST, HIGHEST, SATISFIED_FROM = 1, 5, 3
_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a customer says when called back.

    Attributes:
        is_finished: Whether the matter is done; None: nobody was reached.
        is_kept: Whether what was promised was kept.
        score: 1 to 5.
        opinion: In the customer's words; empty: none.
    """

    is_finished: bool | None
    is_kept: bool | None = None
    score: int | None = None
    opinion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A request whose customer is called back this week.

    Attributes:
        may_call: Whether a call now disturbs nobody.
        attempts: How often it was tried in vain.
        window: The customer's own hours; empty: the usual ones.
    """

    request_id: str
    may_call: bool
    attempts: int
    window: str


def due_callbacks(connection: Connection, office: Office) -> Sequence[Due]:
    """Return whom to call: all that were replied to, and the week's sample of the rest."""
    most = round(policy_at(connection, "callback.attempts.most", office.now_utc))
    ids = [*_replied(connection), *_sample(connection, office)][:_MOST_SHOWN]
    tried = _attempts(connection, ids)
    windows = _windows(connection, ids)
    return [
        Due(
            request_id=each,
            may_call=may_call(
                windows.get(each, ""), tried.get(each, ()), most, office.now_utc, office.zone
            ),
            attempts=len(tried.get(each, ())),
            window=windows.get(each, ""),
        )
        for each in ids
    ]


def _replied(connection: Connection) -> list[str]:
    query = (
        select(SERVICE_REQUEST.c.request_id)
        .where(SERVICE_REQUEST.c.state == str(RequestState.REPLIED))
        .order_by(SERVICE_REQUEST.c.due_at_ms, SERVICE_REQUEST.c.request_id)
    )
    return list(connection.execute(query).scalars())


def _sample(connection: Connection, office: Office) -> list[str]:
    """Return the sample of the week's consultations that nobody was asked about yet."""
    since_ms = ms_from_utc(office.now_utc) - WEEK_MS
    asked = select(CALLBACK.c.request_id).where(CALLBACK.c.is_reached)
    ids = list(
        connection.execute(
            select(SERVICE_REQUEST.c.request_id).where(
                SERVICE_REQUEST.c.kind == str(RequestKind.CONSULTATION),
                SERVICE_REQUEST.c.state == str(RequestState.SOLVED_AT_FIRST_CONTACT),
                SERVICE_REQUEST.c.received_at_ms >= since_ms,
            )
        ).scalars()
    )
    percent = policy_at(connection, "callback.sample.percent", office.now_utc)
    year, week, _ = office.now_utc.astimezone(office.zone).isocalendar()
    chosen = drawn(ids, -(-len(ids) * round(percent) // 100), f"{year}-{week}")
    done = set(connection.execute(asked).scalars())
    return [each for each in chosen if each not in done]


def _attempts(connection: Connection, ids: Sequence[str]) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    query = select(CALLBACK.c.request_id, CALLBACK.c.called_at_ms).where(
        CALLBACK.c.request_id.in_(ids), CALLBACK.c.is_reached.is_(False)
    )
    for row in connection.execute(query):
        found.setdefault(row.request_id, []).append(utc_from_ms(row.called_at_ms))
    return found


def _windows(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    query = (
        select(REQUEST_PERSON.c.request_id, CUSTOMER.c.contact_window)
        .join(CUSTOMER, CUSTOMER.c.customer_id == REQUEST_PERSON.c.customer_id)
        .where(REQUEST_PERSON.c.request_id.in_(ids))
    )
    return {row.request_id: row.contact_window for row in connection.execute(query)}


def keep_answers(
    connection: Connection, request_id: str, answers: Answers, office: Office
) -> RequestState:
    """Return where the request stands after the call: confirmed, opened again, or as before.

    Raises:
        ContractError: The role may not, the caller did the work, or an answer is missing.
    """
    check_may(connection, office.actor, Action.CALL_BACK)
    record = get_request(connection, request_id, is_locked=True)
    _check(answers)
    connection.execute(
        insert(CALLBACK).values(
            request_id=request_id,
            is_reached=answers.is_finished is not None,
            is_finished=answers.is_finished,
            is_kept=answers.is_kept,
            score=answers.score,
            opinion=answers.opinion.strip(),
            called_by=office.actor,
            called_at_ms=ms_from_utc(office.now_utc),
        )
    )
    event = AuditEvent(actor=office.actor, action="request.callback", subject=request_id, detail={})
    append_audit(connection, event, office.now_utc)
    keep_opinion(connection, request_id, OpinionSource.CALLBACK, answers.opinion, office)
    if answers.is_finished is None or record.state is not RequestState.REPLIED:
        return record.state
    step = RequestEvent.CONFIRM if answers.is_finished else RequestEvent.REOPEN
    words = answers.opinion.strip() or f"{answers.score} / {HIGHEST}"
    attempt = Attempt(
        event=step,
        actor=office.actor,
        text=words,
        is_satisfied=(answers.score or LOWEST) >= SATISFIED_FROM if answers.is_finished else None,
    )
    return take_step(connection, request_id, attempt, office).state


def _check(answers: Answers) -> None:
    if answers.is_finished is None:
        return
    if answers.is_kept is None:
        raise _refused("kept", "is not said", "ask whether what was promised was kept")
    if answers.score is None or not LOWEST <= answers.score <= HIGHEST:
        raise _refused("score", "is not said", f"ask for {LOWEST} to {HIGHEST}")
    if not answers.is_finished and not answers.opinion.strip():
        raise _refused("opinion", "is empty", "write what is not in order")


def callbacks_between(
    connection: Connection, from_utc: datetime, to_utc: datetime
) -> Sequence[tuple[datetime, str, Answers]]:
    """Return when somebody called about which request, with the answers, the oldest first."""
    at_ms = CALLBACK.c.called_at_ms
    rows = connection.execute(
        select(CALLBACK)
        .where(at_ms >= ms_from_utc(from_utc), at_ms < ms_from_utc(to_utc))
        .order_by(at_ms)
    )
    return [
        (
            utc_from_ms(row.called_at_ms),
            row.request_id,
            Answers(
                is_finished=row.is_finished,
                is_kept=row.is_kept,
                score=row.score,
                opinion=row.opinion,
            ),
        )
        for row in rows
    ]


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="callback", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )
