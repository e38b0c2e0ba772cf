"""Owns files that wait for a director: held back, asked with a reason, approved for a day."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, func, insert, or_, select, update

from sync_server.access.account_store import Person, get_person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action, may
from sync_server.db.export_tables import EXPORT_REQUEST
from sync_server.exports.export_request import ExportKind, ExportRequest, ExportState, Taking
from sync_server.work_orders.order_store import check_may
from sync_server.work_orders.policy_store import policy_at
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

MOST_SHOWN = 200
_OPEN = (str(ExportState.HELD), str(ExportState.ASKED))


def is_free(connection: Connection, taking: Taking, person: Person, now_utc: datetime) -> bool:
    """Return whether the file may leave now: small, approved, or in bulk for a director."""
    if taking.kind is ExportKind.BULK:
        is_small = taking.row_count <= policy_at(connection, "export.bulk.rows", now_utc)
        if is_small or may(person.role, Action.APPROVE_EXPORT):
            return True
    return _approved_id(connection, taking, person.account_id, now_utc) is not None


def hold_back(connection: Connection, taking: Taking, actor: str, now_utc: datetime) -> int:
    """Return the number under which the file waits, the former one when it waits already."""
    query = (
        select(EXPORT_REQUEST.c.export_id)
        .where(_same(taking, actor), EXPORT_REQUEST.c.state.in_(_OPEN))
        .limit(1)
    )
    waiting: int | None = connection.execute(query).scalar_one_or_none()
    if waiting is not None:
        return waiting
    export_id: int = connection.execute(
        insert(EXPORT_REQUEST)
        .values(
            kind=str(taking.kind),
            target=taking.target,
            row_count=taking.row_count,
            state=str(ExportState.HELD),
            reason="",
            asked_by=actor,
            asked_at_ms=ms_from_utc(now_utc),
            decision="",
        )
        .returning(EXPORT_REQUEST.c.export_id)
    ).scalar_one()
    _audit(connection, "export.held", export_id, actor, now_utc)
    return export_id


def ask(
    connection: Connection, export_id: int, reason: str, actor: str, now_utc: datetime
) -> ExportState:
    """Return the state after asking: a director's own wish is approved at once.

    Raises:
        ContractError: It is somebody else's, was asked already, or has no reason.
    """
    found = get_export(connection, export_id)
    if found.asked_by != actor:
        raise not_found(f"export {export_id}", "export")
    if found.state is not ExportState.HELD:
        raise _refused("state", f"is {found.state} already", "reload the page")
    if not reason.strip():
        raise _refused("reason", "is empty", "write what the file is for")
    is_own = may(get_person(connection, actor).role, Action.APPROVE_EXPORT)
    state = ExportState.APPROVED if is_own else ExportState.ASKED
    values: dict[str, str | int] = {
        "state": str(state),
        "reason": reason.strip(),
        "asked_at_ms": ms_from_utc(now_utc),
    }
    if is_own:
        values |= {"decided_by": actor, "decided_at_ms": ms_from_utc(now_utc)}
    _change(connection, export_id, values)
    _audit(connection, f"export.{state}", export_id, actor, now_utc)
    return state


def decide(  # noqa: PLR0913, PLR0917  # which one, how, why, by whom
    connection: Connection,
    export_id: int,
    state: ExportState,
    decision: str,
    actor: str,
    now_utc: datetime,
) -> None:
    """Approve or refuse what somebody else asked.

    Raises:
        ContractError: The role may not, it was not asked, or a refusal has no reason.
    """
    check_may(connection, actor, Action.APPROVE_EXPORT)
    found = get_export(connection, export_id)
    if state not in {ExportState.APPROVED, ExportState.REFUSED}:
        raise _refused("state", f"cannot become {state}", "approve or refuse it")
    if found.state is not ExportState.ASKED:
        raise _refused("state", f"is {found.state}", "reload the page")
    if state is ExportState.REFUSED and not decision.strip():
        raise _refused("reason", "is empty", "write why it is refused")
    _change(
        connection,
        export_id,
        {
            "state": str(state),
            "decision": decision.strip(),
            "decided_by": actor,
            "decided_at_ms": ms_from_utc(now_utc),
        },
    )
    _audit(connection, f"export.{state}", export_id, actor, now_utc)


def get_export(connection: Connection, export_id: int) -> ExportRequest:
    """Return one; raise ContractError when there is none of that number."""
    query = select(EXPORT_REQUEST).where(EXPORT_REQUEST.c.export_id == export_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"export {export_id}", "export")
    return _export(row)


def exports_of(connection: Connection, person: Person) -> Sequence[ExportRequest]:
    """Return one's own, a director's also those of all that were asked: the newest first."""
    own: ColumnElement[bool] = EXPORT_REQUEST.c.asked_by == person.account_id
    if may(person.role, Action.APPROVE_EXPORT):
        own = or_(own, EXPORT_REQUEST.c.state != str(ExportState.HELD))
    query = select(EXPORT_REQUEST).where(own).order_by(EXPORT_REQUEST.c.export_id.desc())
    return [_export(row) for row in connection.execute(query.limit(MOST_SHOWN))]


def asked_count(connection: Connection) -> int:
    """Return how many wait for a director."""
    is_asked = EXPORT_REQUEST.c.state == str(ExportState.ASKED)
    return connection.execute(select(func.count()).where(is_asked)).scalar_one()


def is_held_open(connection: Connection, found: ExportRequest, now_utc: datetime) -> bool:
    """Return whether an approval still holds."""
    since_utc = now_utc - _approval_life(connection, now_utc)
    return found.state is ExportState.APPROVED and (
        found.decided_at_utc is not None and found.decided_at_utc > since_utc
    )


def _approved_id(
    connection: Connection, taking: Taking, actor: str, now_utc: datetime
) -> int | None:
    since_ms = ms_from_utc(now_utc - _approval_life(connection, now_utc))
    query = (
        select(EXPORT_REQUEST.c.export_id)
        .where(
            _same(taking, actor),
            EXPORT_REQUEST.c.state == str(ExportState.APPROVED),
            EXPORT_REQUEST.c.decided_at_ms > since_ms,
        )
        .limit(1)
    )
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found


def _approval_life(connection: Connection, now_utc: datetime) -> timedelta:
    return timedelta(hours=policy_at(connection, "export.approval.hours", now_utc))


def _same(taking: Taking, actor: str) -> ColumnElement[bool]:
    return (EXPORT_REQUEST.c.asked_by == actor) & (EXPORT_REQUEST.c.target == taking.target)


def _change(connection: Connection, export_id: int, values: dict[str, str | int]) -> None:
    which = EXPORT_REQUEST.c.export_id == export_id
    connection.execute(update(EXPORT_REQUEST).where(which).values(**values))


def _audit(
    connection: Connection, action: str, export_id: int, actor: str, now_utc: datetime
) -> None:
    event = AuditEvent(actor=actor, action=action, subject=str(export_id), detail={})
    append_audit(connection, event, now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="export", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _export(row: Row[str]) -> ExportRequest:
    taking = Taking(kind=ExportKind(row.kind), target=row.target, row_count=row.row_count)
    return ExportRequest(
        export_id=row.export_id,
        taking=taking,
        state=ExportState(row.state),
        reason=row.reason,
        asked_by=row.asked_by,
        asked_at_utc=utc_from_ms(row.asked_at_ms),
        decision=row.decision,
        decided_by=row.decided_by,
        decided_at_utc=None if row.decided_at_ms is None else utc_from_ms(row.decided_at_ms),
    )
