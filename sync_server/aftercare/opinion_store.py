"""Owns suggestions and criticism in the database, until somebody decided and said so."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.aftercare.opinions import (
    OPINION_CYCLE,
    Opinion,
    OpinionEvent,
    OpinionSource,
    OpinionState,
)
from sync_server.db.aftercare_tables import OPINION
from sync_server.db.desk_tables import REQUEST_PERSON, SERVICE_REQUEST
from sync_server.service_desk.request import RequestKind
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_MOST_SHOWN = 200


def keep_opinion(
    connection: Connection, request_id: str, source: OpinionSource, text: str, office: Office
) -> None:
    """Keep an opinion; a second one from the same source about a request changes nothing."""
    same = (OPINION.c.request_id == request_id) & (OPINION.c.source == str(source))
    if not text.strip() or connection.execute(select(OPINION.c.opinion_id).where(same)).first():
        return
    connection.execute(
        insert(OPINION).values(
            request_id=request_id,
            source=str(source),
            text=text.strip(),
            state=str(OpinionState.RECEIVED),
            department="",
            response="",
            changed_by=office.actor,
            changed_at_ms=ms_from_utc(office.now_utc),
        )
    )


def collect_suggestions(connection: Connection, office: Office) -> int:
    """Return how many suggestions that callers made are now tracked as opinions (rule A-12)."""
    tracked = select(OPINION.c.request_id).where(OPINION.c.source == str(OpinionSource.SUGGESTION))
    rows = connection.execute(
        select(SERVICE_REQUEST.c.request_id, REQUEST_PERSON.c.words)
        .join(REQUEST_PERSON, REQUEST_PERSON.c.request_id == SERVICE_REQUEST.c.request_id)
        .where(SERVICE_REQUEST.c.kind == str(RequestKind.SUGGESTION))
        .where(SERVICE_REQUEST.c.request_id.not_in(tracked), REQUEST_PERSON.c.words != "")
    ).all()
    for row in rows:
        keep_opinion(connection, row.request_id, OpinionSource.SUGGESTION, row.words, office)
    return len(rows)


def move_opinion(  # noqa: PLR0913, PLR0917  # which, where to, to whom, in which words, by whom
    connection: Connection,
    opinion_id: int,
    event: OpinionEvent,
    department: str,
    response: str,
    office: Office,
) -> Opinion:
    """Return the opinion after a step: passed on needs a department, an end its answer.

    Raises:
        ContractError: The role may not, there is none, or something is missing.
        RefusedTransition: The life cycle does not list it.
    """
    check_may(connection, office.actor, Action.CALL_BACK)
    found = get_opinion(connection, opinion_id)
    following = OPINION_CYCLE.next_state(found.state, event)
    if event is OpinionEvent.HAND_ON and not department.strip():
        raise _refused("department", "is empty", "write whose matter it is")
    if following in {OpinionState.ADOPTED, OpinionState.DECLINED} and not response.strip():
        raise _refused("response", "is empty", "write what was done, or why it cannot be done")
    connection.execute(
        update(OPINION)
        .where(OPINION.c.opinion_id == opinion_id)
        .values(
            state=str(following),
            department=department.strip() or found.department,
            response=response.strip() or found.response,
            changed_by=office.actor,
            changed_at_ms=ms_from_utc(office.now_utc),
        )
    )
    done = AuditEvent(
        actor=office.actor, action=f"opinion.{event}", subject=str(opinion_id), detail={}
    )
    append_audit(connection, done, office.now_utc)
    return get_opinion(connection, opinion_id)


def get_opinion(connection: Connection, opinion_id: int) -> Opinion:
    """Return one opinion; raise ContractError when there is none of that number."""
    query = select(OPINION).where(OPINION.c.opinion_id == opinion_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"opinion {opinion_id}", "opinion")
    return _opinion(row)


def newest_opinions(connection: Connection) -> Sequence[Opinion]:
    """Return the newest opinions, those that nobody decided first."""
    ended = [str(OpinionState.ADOPTED), str(OpinionState.DECLINED)]
    query = select(OPINION).order_by(OPINION.c.state.in_(ended), OPINION.c.opinion_id.desc())
    return [_opinion(row) for row in connection.execute(query.limit(_MOST_SHOWN))]


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="opinion", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _opinion(row: Row[str]) -> Opinion:
    return Opinion(
        opinion_id=row.opinion_id,
        request_id=row.request_id,
        source=OpinionSource(row.source),
        text=row.text,
        state=OpinionState(row.state),
        department=row.department,
        response=row.response,
        changed_by=row.changed_by,
        changed_at_utc=utc_from_ms(row.changed_at_ms),
    )
