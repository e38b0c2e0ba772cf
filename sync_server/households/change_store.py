"""Owns changes of homes that need four eyes: areas, stopped supplies, capacities, refunds."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.customers.customer_store import get_household
from sync_server.db.customer_tables import PREMISES
from sync_server.db.home_tables import HOME_CHANGE
from sync_server.households.home_file import FIGURES, Change, ChangeKind, ChangeState
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_MOST_SHOWN = 200
_HEATED = {ChangeKind.STOP_HEATING: False, ChangeKind.RESUME_HEATING: True}


def propose_change(  # noqa: PLR0913, PLR0917  # what, how much, on which evidence, by whom
    connection: Connection,
    premises_id: str,
    kind: ChangeKind,
    figure: float | None,
    evidence: str,
    office: Office,
) -> Change:
    """Return the proposal (rules A-28, A-29).

    Raises:
        ContractError: The role may not, there is no such home, or figure or evidence is missing.
    """
    check_may(connection, office.actor, Action.CHANGE_HOME)
    get_household(connection, premises_id)
    if not evidence.strip():
        raise _refused("evidence", "is empty", "write who measured what, and where it is kept")
    if kind in FIGURES and figure is None:
        raise _refused("figure", "is missing", f"write the figure of {kind}")
    change_id: int = connection.execute(
        insert(HOME_CHANGE)
        .values(
            premises_id=premises_id,
            kind=str(kind),
            figure=figure if kind in FIGURES else None,
            evidence=evidence.strip(),
            state=str(ChangeState.PROPOSED),
            proposed_by=office.actor,
            proposed_at_ms=ms_from_utc(office.now_utc),
            reason="",
        )
        .returning(HOME_CHANGE.c.change_id)
    ).scalar_one()
    _audit(connection, "home.propose", change_id, office)
    return get_change(connection, change_id)


def decide_change(
    connection: Connection, change_id: int, state: ChangeState, reason: str, office: Office
) -> Change:
    """Return the change, approved or refused by another person (rule A-32).

    Raises:
        ContractError: The role may not, it was decided, it is one's own, or a reason is missing.
    """
    check_may(connection, office.actor, Action.APPROVE_HOME)
    found = get_change(connection, change_id)
    if found.state is not ChangeState.PROPOSED:
        raise _refused("state", f"is {found.state} already", "reload the page")
    if found.proposed_by == office.actor:
        raise _refused("decider", "proposed it", "let somebody else decide: four eyes")
    if state is ChangeState.REFUSED and not reason.strip():
        raise _refused("reason", "is empty", "write why it is refused")
    connection.execute(
        update(HOME_CHANGE)
        .where(HOME_CHANGE.c.change_id == change_id)
        .values(
            state=str(state),
            reason=reason.strip(),
            decided_by=office.actor,
            decided_at_ms=ms_from_utc(office.now_utc),
        )
    )
    if state is ChangeState.APPROVED and found.kind in _HEATED:
        connection.execute(
            update(PREMISES)
            .where(PREMISES.c.premises_id == found.premises_id)
            .values(is_heated=_HEATED[found.kind], changed_at_ms=ms_from_utc(office.now_utc))
        )
    _audit(connection, f"home.{state}", change_id, office)
    return get_change(connection, change_id)


def get_change(connection: Connection, change_id: int) -> Change:
    """Return one change; raise ContractError when there is none of that number."""
    query = select(HOME_CHANGE).where(HOME_CHANGE.c.change_id == change_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"change {change_id}", "change")
    return _change(row)


def changes_of(connection: Connection, premises_id: str | None) -> Sequence[Change]:
    """Return the changes of a home, or those of all homes that wait: the newest first."""
    waits = HOME_CHANGE.c.state == str(ChangeState.PROPOSED)
    where = waits if premises_id is None else HOME_CHANGE.c.premises_id == premises_id
    query = select(HOME_CHANGE).where(where).order_by(HOME_CHANGE.c.change_id.desc())
    return [_change(row) for row in connection.execute(query.limit(_MOST_SHOWN))]


def _audit(connection: Connection, action: str, change_id: int, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=str(change_id), detail={})
    append_audit(connection, event, office.now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="change", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _change(row: Row[str]) -> Change:
    return Change(
        change_id=row.change_id,
        premises_id=row.premises_id,
        kind=ChangeKind(row.kind),
        figure=row.figure,
        evidence=row.evidence,
        state=ChangeState(row.state),
        proposed_by=row.proposed_by,
        proposed_at_utc=utc_from_ms(row.proposed_at_ms),
        reason=row.reason,
        decided_by=row.decided_by,
    )
