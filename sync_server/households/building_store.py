"""Owns new buildings that must be heated when the season begins (rule A-31)."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.db.home_tables import NEW_BUILDING
from sync_server.households.home_file import BUILDING, BuildingEvent, BuildingState, NewBuilding
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc


def announce(
    connection: Connection, name: str, home_count: int, season_on: date, office: Office
) -> NewBuilding:
    """Return the building that joins the network before a season."""
    check_may(connection, office.actor, Action.CHANGE_HOME)
    if not name.strip():
        raise ContractError(
            place="building",
            field="name",
            problem="is empty",
            remedy="write community and building",
            code=Code.STATE,
        )
    building_id: int = connection.execute(
        insert(NEW_BUILDING)
        .values(
            name=name.strip(),
            home_count=home_count,
            season_on=season_on.isoformat(),
            state=str(BuildingState.ANNOUNCED),
            changed_by=office.actor,
            changed_at_ms=ms_from_utc(office.now_utc),
        )
        .returning(NEW_BUILDING.c.building_id)
    ).scalar_one()
    _audit(connection, "building.announce", building_id, office)
    return _get(connection, building_id)


def move_building(
    connection: Connection, building_id: int, event: BuildingEvent, office: Office
) -> NewBuilding:
    """Return the building one step on; raise RefusedTransition for a step that is left out."""
    check_may(connection, office.actor, Action.CHANGE_HOME)
    found = _get(connection, building_id)
    following = BUILDING.next_state(found.state, event)
    connection.execute(
        update(NEW_BUILDING)
        .where(NEW_BUILDING.c.building_id == building_id)
        .values(
            state=str(following),
            changed_by=office.actor,
            changed_at_ms=ms_from_utc(office.now_utc),
        )
    )
    _audit(connection, f"building.{event}", building_id, office)
    return _get(connection, building_id)


def not_heated(connection: Connection) -> Sequence[NewBuilding]:
    """Return the buildings that are not heated yet, the nearest season first."""
    where = NEW_BUILDING.c.state != str(BuildingState.HEATED)
    order = (NEW_BUILDING.c.season_on, NEW_BUILDING.c.building_id)
    return [
        _building(row)
        for row in connection.execute(select(NEW_BUILDING).where(where).order_by(*order))
    ]


def _get(connection: Connection, building_id: int) -> NewBuilding:
    query = select(NEW_BUILDING).where(NEW_BUILDING.c.building_id == building_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"building {building_id}", "building")
    return _building(row)


def _audit(connection: Connection, action: str, building_id: int, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=str(building_id), detail={})
    append_audit(connection, event, office.now_utc)


def _building(row: Row[str]) -> NewBuilding:
    return NewBuilding(
        building_id=row.building_id,
        community_id=row.community_id,
        name=row.name,
        home_count=row.home_count,
        season_on=date.fromisoformat(row.season_on),
        state=BuildingState(row.state),
    )
