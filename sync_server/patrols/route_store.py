"""Owns the planning of routes: made, given to a crew, their stops changed; tablets follow.

A route and its places belong to one crew, because a crew's tablets hold both or neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from sync_server.access.account_store import has_crew
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.secrets_io import new_id
from sync_server.db.change_store import Publication, publish_all
from sync_server.patrols.inspection_store import CHECKPOINTS, PLANS, Inspected, find, keep, load_all
from sync_server.patrols.routes import StopChange, changed_stops
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject
from wire_contracts.patrols import PatrolPlan
from wire_contracts.texts import BilingualText


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDraft:
    """What the office says of a route, its stops aside.

    Attributes:
        interval_s: Seconds from one walk to the next; 0: once.
        due_at_utc: When it is to be walked next; None: as the crew sees fit.
    """

    name: BilingualText
    crew_id: str
    interval_s: int
    due_at_utc: datetime | None


def make_route(connection: Connection, draft: RouteDraft, actor: str, now_utc: datetime) -> str:
    """Return the id of a new route without stops; raise ContractError for an unknown crew."""
    _check_crew(connection, draft.crew_id)
    route_id = new_id(now_utc)
    plan = PatrolPlan(
        name=draft.name,
        crew_id=draft.crew_id,
        stops=(),
        interval_s=draft.interval_s,
        due_at_utc=draft.due_at_utc,
    )
    _write(connection, route_id, plan, (), now_utc)
    _audit(connection, "route.make", route_id, actor, now_utc, {"crew": draft.crew_id})
    return route_id


def change_route(
    connection: Connection, route_id: str, draft: RouteDraft, actor: str, now_utc: datetime
) -> None:
    """Give a route another name, crew, interval or date; its places go to the crew with it.

    Raises:
        ContractError: No such route or crew, or a place is on another crew's route too.
    """
    plan = get_route(connection, route_id)
    _check_crew(connection, draft.crew_id)
    shown: Sequence[Publication] = ()
    if draft.crew_id != plan.crew_id:
        shown = _move_places(connection, route_id, plan, draft.crew_id, now_utc)
    changed = replace(
        plan,
        name=draft.name,
        crew_id=draft.crew_id,
        interval_s=draft.interval_s,
        due_at_utc=draft.due_at_utc,
    )
    _write(connection, route_id, changed, shown, now_utc)
    _audit(connection, "route.change", route_id, actor, now_utc, {"crew": draft.crew_id})


def change_stop(  # noqa: PLR0913, PLR0917  # which stop of which route, how, by whom
    connection: Connection,
    route_id: str,
    change: StopChange,
    stop: str,
    actor: str,
    now_utc: datetime,
) -> None:
    """Change one stop of a route.

    Raises:
        ContractError: No such route or place, or the place is another crew's.
    """
    plan = get_route(connection, route_id)
    if change is StopChange.ADD:
        place = find(connection, CHECKPOINTS, stop)
        if place is None:
            raise not_found(f"place {stop!r}", "stop")
        if place.crew_id != plan.crew_id:
            raise _refused(f"stop {stop}", "is another crew's", "give the route to that crew")
    stops = changed_stops(plan.stops, change, stop)
    _write(connection, route_id, replace(plan, stops=stops), (), now_utc)
    detail = {"change": str(change), "stop": stop}
    _audit(connection, "route.stop", route_id, actor, now_utc, detail)


def get_route(connection: Connection, route_id: str) -> PatrolPlan:
    """Return a route, locked until the transaction ends; raise ContractError for none."""
    found = find(connection, PLANS, route_id)
    if found is None:
        raise not_found(f"route {route_id!r}", "route")
    return found.thing


def _move_places(
    connection: Connection, route_id: str, plan: PatrolPlan, crew_id: str, now_utc: datetime
) -> list[Publication]:
    """Return what tablets must be shown once the places are the other crew's."""
    places = load_all(connection, CHECKPOINTS)
    held = {
        stop
        for other_id, other in load_all(connection, PLANS).items()
        if other_id != route_id and other.crew_id != crew_id
        for stop in other.thing.stops
    }
    shared = [stop for stop in plan.stops if stop in held]
    if shared:
        raise _refused(
            "crew", f"{shared[0]} is on another route of {plan.crew_id}", "take it off one of them"
        )
    moved = [
        Inspected(entity_id=stop, crew_id=crew_id, thing=places[stop].thing)
        for stop in plan.stops
        if stop in places
    ]
    return keep(connection, CHECKPOINTS, moved, now_utc)


def _write(
    connection: Connection,
    route_id: str,
    plan: PatrolPlan,
    shown: Sequence[Publication],
    now_utc: datetime,
) -> None:
    row = Inspected(entity_id=route_id, crew_id=plan.crew_id, thing=plan)
    publish_all(connection, [*shown, *keep(connection, PLANS, [row], now_utc)], now_utc)


def _check_crew(connection: Connection, crew_id: str) -> None:
    if not has_crew(connection, crew_id):
        raise not_found(f"crew {crew_id!r}", "crew")


def _audit(  # noqa: PLR0913, PLR0917  # one event: what, to which route, by whom, when
    connection: Connection,
    action: str,
    route_id: str,
    actor: str,
    now_utc: datetime,
    detail: JsonObject,
) -> None:
    event = AuditEvent(actor=actor, action=action, subject=route_id, detail=detail)
    append_audit(connection, event, now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="route", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )
