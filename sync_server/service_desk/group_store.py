"""Owns groups of requests about the same matter: one order, every caller answered by himself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select

from sync_server.access.refusals import not_found
from sync_server.access.secrets_io import new_id
from sync_server.db.desk_tables import REQUEST_GROUP, SERVICE_REQUEST
from sync_server.service_desk.clocks import ENDED
from sync_server.service_desk.request import RequestClass, RequestRecord
from sync_server.service_desk.request_finds_store import of_group
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import change_request, get_request, next_number
from sync_server.service_desk.request_store import Office, renew_due, step
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.request_states import RequestEvent, RequestState

SERIES = "G"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One matter that several people called about."""

    group_id: str
    number: str
    request_class: RequestClass
    community_id: str | None
    order_id: str | None
    opened_by: str
    opened_at_utc: datetime
    members: int


def get_group(connection: Connection, group_id: str) -> Group:
    """Return one group; raise ContractError when there is none of that id."""
    found = _groups(connection, REQUEST_GROUP.c.group_id == group_id)
    if not found:
        raise not_found(f"group {group_id!r}", "group")
    return found[0]


def open_groups(connection: Connection) -> Sequence[Group]:
    """Return the groups with a request that is still open, the newest first."""
    ended = [str(each) for each in ENDED]
    is_open = (
        select(SERVICE_REQUEST.c.group_id)
        .where(SERVICE_REQUEST.c.group_id.is_not(None), SERVICE_REQUEST.c.state.not_in(ended))
        .distinct()
    )
    return _groups(connection, REQUEST_GROUP.c.group_id.in_(is_open))


def join_group(
    connection: Connection,
    record: RequestRecord,
    near: Sequence[RequestRecord],
    office: Office,
) -> RequestRecord:
    """Return the request as one of a group; a new group takes in the calls nearby.

    The group's order, the first that one of its calls became, is the order of every call that
    has none; calls that have one keep it.

    Raises:
        ContractError: It is a danger to somebody: that is never grouped away.
    """
    if record.is_safety:
        raise ContractError(
            place=f"request {record.number}",
            field="group",
            problem="is safety class A",
            remedy="send a crew to it by itself",
            code=Code.STATE,
        )
    group_id = next((each.group_id for each in near if each.group_id), None)
    order_id = next((each.order_id for each in near if each.order_id), None)
    if group_id is None:
        group_id = _open_group(connection, record, order_id, office)
        for each in near:
            _take_in(connection, each, group_id, order_id, office)
    team = next((each.team for each in near if each.order_id == order_id and each.team), None)
    attempt = Attempt(event=RequestEvent.DISPATCH, actor=office.actor, text="")
    changed = {"group_id": group_id, "order_id": order_id, "order_steps_seen": 0, "team": team}
    return step(connection, record, attempt, office, changed=changed)


def share_order(connection: Connection, record: RequestRecord, office: Office) -> int:
    """Return how many calls of the request's group now have its order too."""
    if record.group_id is None or record.order_id is None:
        return 0
    shared = 0
    for each in of_group(connection, record.group_id):
        waits = each.state in {RequestState.DISPATCHED, RequestState.ACCEPTED}
        if each.order_id is None and waits:
            locked = get_request(connection, each.request_id, is_locked=True)
            values = {"order_id": record.order_id, "team": record.team, "order_steps_seen": 0}
            renew_due(
                connection, change_request(connection, locked, values, office.now_utc), office
            )
            shared += 1
    return shared


def _open_group(
    connection: Connection, record: RequestRecord, order_id: str | None, office: Office
) -> str:
    group_id = new_id(office.now_utc)
    connection.execute(
        insert(REQUEST_GROUP).values(
            group_id=group_id,
            number=next_number(connection, SERIES),
            request_class=str(record.request_class),
            community_id=record.community_id,
            order_id=order_id,
            opened_by=office.actor,
            opened_at_ms=ms_from_utc(office.now_utc),
        )
    )
    return group_id


def _take_in(
    connection: Connection,
    record: RequestRecord,
    group_id: str,
    order_id: str | None,
    office: Office,
) -> None:
    locked = get_request(connection, record.request_id, is_locked=True)
    waits = locked.state in {RequestState.DISPATCHED, RequestState.ACCEPTED}
    values: dict[str, str | int | bool | None] = {"group_id": group_id}
    if locked.order_id is None and order_id is not None and waits:
        values |= {"order_id": order_id, "order_steps_seen": 0}
    change_request(connection, locked, values, office.now_utc)


def _groups(connection: Connection, condition: ColumnElement[bool]) -> list[Group]:
    members = (
        select(func.count())
        .where(SERVICE_REQUEST.c.group_id == REQUEST_GROUP.c.group_id)
        .correlate(REQUEST_GROUP)
        .scalar_subquery()
    )
    query = select(REQUEST_GROUP, members.label("members")).where(condition)
    rows = connection.execute(query.order_by(REQUEST_GROUP.c.group_id.desc()))
    return [_group(row) for row in rows]


def _group(row: Row[str]) -> Group:
    return Group(
        group_id=row.group_id,
        number=row.number,
        request_class=RequestClass(row.request_class),
        community_id=row.community_id,
        order_id=row.order_id,
        opened_by=row.opened_by,
        opened_at_utc=utc_from_ms(row.opened_at_ms),
        members=row.members,
    )
