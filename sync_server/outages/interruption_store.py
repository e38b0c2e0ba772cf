"""Owns planned interruptions: who is concerned is found from the network, and is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.assets.network_store import load_network
from sync_server.db.asset_tables import COMMUNITY, METER
from sync_server.db.customer_tables import PREMISES, PREMISES_METER
from sync_server.db.outage_tables import INTERRUPTION, INTERRUPTION_HOME
from sync_server.messages.message_store import queue_message
from sync_server.messages.templates import Template
from sync_server.outages.concerned import Spot, closed_sections, hanging_there
from sync_server.outages.interruption import (
    OUTAGE,
    Interruption,
    NewInterruption,
    OutageEvent,
    OutageState,
    check_new,
    check_notice,
)
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from sync_server.work_orders.policy_store import policy_at
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.network import NetworkPoint, PointKind
from wire_contracts.quantities import Medium

_VALVES = frozenset({PointKind.VALVE, PointKind.VALVE_WELL})
_TEMPLATES = {
    OutageEvent.ANNOUNCE: Template.INTERRUPTION,
    OutageEvent.CANCEL: Template.INTERRUPTION_CANCELLED,
}
_NAMES: Mapping[Medium, tuple[str, str]] = {
    Medium.GAS: ("gas", "气"),
    Medium.WATER: ("water", "水"),
    Medium.HEAT: ("heat", "暖"),
}
_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernedPlace:
    """A community with how many of its homes are concerned, by why."""

    community_id: str | None
    lost: int
    doubtful: int
    by_hand: int


def valves_of(connection: Connection, medium: Medium) -> Sequence[NetworkPoint]:
    """Return the valves of a medium by name."""
    points = [point for part in load_network(connection) for point in part.points]
    found = [each for each in points if each.medium is medium and each.kind in _VALVES]
    return sorted(found, key=lambda each: (each.name, each.point_id))


def plan(connection: Connection, new: NewInterruption, office: Office) -> Interruption:
    """Return the interruption with the homes that the network says are concerned.

    Raises:
        ContractError: The role may not, or reason or times are not right.
    """
    check_may(connection, office.actor, Action.PLAN_INTERRUPTION)
    check_new(new, office.now_utc)
    interruption_id: int = connection.execute(
        insert(INTERRUPTION)
        .values(
            medium=str(new.medium),
            reason=new.reason.strip(),
            valves=" ".join(new.valves),
            from_ms=ms_from_utc(new.from_utc),
            to_ms=ms_from_utc(new.to_utc),
            state=str(OutageState.PLANNED),
            is_urgent=new.is_urgent,
            changed_by=office.actor,
            changed_at_ms=ms_from_utc(office.now_utc),
        )
        .returning(INTERRUPTION.c.interruption_id)
    ).scalar_one()
    for why, homes in _concerned(connection, new).items():
        _put_homes(connection, interruption_id, homes, why)
    _audit(connection, "interruption.plan", interruption_id, office)
    return get_interruption(connection, interruption_id)


def _concerned(connection: Connection, new: NewInterruption) -> dict[str, frozenset[str]]:
    pipes = [pipe for part in load_network(connection) for pipe in part.pipes]
    sections = closed_sections(pipes, new.medium, frozenset(new.valves))
    if not sections.lost and not sections.doubtful:
        return {}
    spots = _spots(connection, new.medium)
    lost = hanging_there(pipes, new.medium, sections.lost, spots)
    doubtful = hanging_there(pipes, new.medium, sections.doubtful, spots)
    return {"lost": lost, "doubtful": doubtful - lost}


def _spots(connection: Connection, medium: Medium) -> dict[str, Spot]:
    """Return home -> where its meter of the medium hangs, else where its community is."""
    own = (
        select(PREMISES.c.premises_id, METER.c.x_m, METER.c.y_m, COMMUNITY.c.x_m, COMMUNITY.c.y_m)
        .outerjoin(PREMISES_METER, PREMISES_METER.c.premises_id == PREMISES.c.premises_id)
        .outerjoin(
            METER,
            (METER.c.meter_id == PREMISES_METER.c.meter_id) & (METER.c.medium == str(medium)),
        )
        .outerjoin(COMMUNITY, COMMUNITY.c.community_id == PREMISES.c.community_id)
    )
    found: dict[str, Spot] = {}
    for premises_id, meter_x, meter_y, place_x, place_y in connection.execute(own):
        if meter_x is not None and meter_y is not None:
            found[premises_id] = (meter_x, meter_y)
        elif place_x is not None and place_y is not None:
            found.setdefault(premises_id, (place_x, place_y))
    return found


def add_community(
    connection: Connection, interruption_id: int, community_id: str, office: Office
) -> int:
    """Return how many homes of a community were added by hand, before it is announced."""
    check_may(connection, office.actor, Action.PLAN_INTERRUPTION)
    found = get_interruption(connection, interruption_id)
    OUTAGE.next_state(found.state, OutageEvent.ANNOUNCE)
    known = set(_homes(connection, interruption_id))
    homes = connection.execute(
        select(PREMISES.c.premises_id).where(PREMISES.c.community_id == community_id)
    ).scalars()
    new = frozenset(homes) - known
    _put_homes(connection, interruption_id, new, "by_hand")
    _audit(connection, "interruption.add", interruption_id, office)
    return len(new)


def _put_homes(
    connection: Connection, interruption_id: int, homes: frozenset[str], why: str
) -> None:
    rows = [
        {"interruption_id": interruption_id, "premises_id": each, "why": why}
        for each in sorted(homes)
    ]
    if rows:
        connection.execute(insert(INTERRUPTION_HOME), rows)


def move_interruption(
    connection: Connection, interruption_id: int, event: OutageEvent, office: Office
) -> Interruption:
    """Return the interruption after a step; announcing and cancelling tell every customer.

    Raises:
        ContractError: The role may not, or customers would hear of it too late.
        RefusedTransition: The life cycle does not list it.
    """
    check_may(connection, office.actor, Action.PLAN_INTERRUPTION)
    found = get_interruption(connection, interruption_id)
    following = OUTAGE.next_state(found.state, event)
    values: dict[str, str | int] = {"state": str(following), "changed_by": office.actor}
    if event is OutageEvent.ANNOUNCE:
        minutes = policy_at(connection, "sla.CL17", office.now_utc)
        check_notice(found, timedelta(minutes=minutes), office.now_utc)
        values["announced_at_ms"] = ms_from_utc(office.now_utc)
    template = _TEMPLATES.get(event)
    if template is not None and (
        event is OutageEvent.ANNOUNCE or found.announced_at_utc is not None
    ):
        _tell(connection, found, template, office)
    connection.execute(
        update(INTERRUPTION)
        .where(INTERRUPTION.c.interruption_id == interruption_id)
        .values(**values, changed_at_ms=ms_from_utc(office.now_utc))
    )
    _audit(connection, f"interruption.{event}", interruption_id, office)
    return get_interruption(connection, interruption_id)


def _tell(connection: Connection, found: Interruption, template: Template, office: Office) -> None:
    en, zh = _NAMES[found.medium]
    details = {
        "medium_en": en,
        "medium_zh": zh,
        "reason": found.reason,
        "from_at": found.from_utc.astimezone(office.zone).strftime("%Y-%m-%d %H:%M"),
        "to_at": found.to_utc.astimezone(office.zone).strftime("%m-%d %H:%M"),
    }
    customers = connection.execute(
        select(PREMISES.c.customer_id)
        .join(INTERRUPTION_HOME, INTERRUPTION_HOME.c.premises_id == PREMISES.c.premises_id)
        .where(INTERRUPTION_HOME.c.interruption_id == found.interruption_id)
        .where(PREMISES.c.customer_id.is_not(None))
        .distinct()
    ).scalars()
    for customer_id in sorted(customers):
        subject = str(found.interruption_id)
        queue_message(connection, template, subject, customer_id, details, office.now_utc)


def get_interruption(connection: Connection, interruption_id: int) -> Interruption:
    """Return one interruption; raise ContractError when there is none of that number."""
    query = select(INTERRUPTION).where(INTERRUPTION.c.interruption_id == interruption_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"interruption {interruption_id}", "interruption")
    return _interruption(row)


def newest_interruptions(connection: Connection) -> Sequence[Interruption]:
    """Return the newest interruptions, those that begin last first."""
    query = select(INTERRUPTION).order_by(INTERRUPTION.c.from_ms.desc()).limit(_MOST_SHOWN)
    return [_interruption(row) for row in connection.execute(query)]


def places_of(connection: Connection, interruption_id: int) -> Sequence[ConcernedPlace]:
    """Return the communities that are concerned, with how many homes and why."""
    rows = connection.execute(
        select(PREMISES.c.community_id, INTERRUPTION_HOME.c.why)
        .join(INTERRUPTION_HOME, INTERRUPTION_HOME.c.premises_id == PREMISES.c.premises_id)
        .where(INTERRUPTION_HOME.c.interruption_id == interruption_id)
    )
    counts: dict[str | None, dict[str, int]] = {}
    for community_id, why in rows:
        own = counts.setdefault(community_id, {})
        own[why] = own.get(why, 0) + 1
    return [
        ConcernedPlace(
            community_id=each,
            lost=counts[each].get("lost", 0),
            doubtful=counts[each].get("doubtful", 0),
            by_hand=counts[each].get("by_hand", 0),
        )
        for each in sorted(counts, key=lambda name: name or "")
    ]


def _homes(connection: Connection, interruption_id: int) -> list[str]:
    query = select(INTERRUPTION_HOME.c.premises_id).where(
        INTERRUPTION_HOME.c.interruption_id == interruption_id
    )
    return list(connection.execute(query).scalars())


def _audit(connection: Connection, action: str, interruption_id: int, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=str(interruption_id), detail={})
    append_audit(connection, event, office.now_utc)


def _interruption(row: Row[str]) -> Interruption:
    announced = row.announced_at_ms
    return Interruption(
        interruption_id=row.interruption_id,
        medium=Medium(row.medium),
        reason=row.reason,
        valves=tuple(row.valves.split()),
        from_utc=utc_from_ms(row.from_ms),
        to_utc=utc_from_ms(row.to_ms),
        state=OutageState(row.state),
        is_urgent=row.is_urgent,
        announced_at_utc=None if announced is None else utc_from_ms(announced),
    )
