"""Decides how a route lies on the map: the one that is being walked, else the one due next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from field_app.patrols.inspection_desk import InspectionDesk
from field_app.patrols.inspection_store import SeenRun
from field_app.patrols.run_state import next_stop
from field_app.presenters.map_views import ROUND, MapCard, MapStop, Place
from field_app.presenters.ports import Words
from field_app.presenters.round_wording import KIND_ICONS, point_text, recheck_text
from field_app.presenters.sheet_views import SheetButton
from field_app.presenters.stop_numbers import on_map_text
from field_app.presenters.views import Tone
from wire_contracts.network import Plane
from wire_contracts.patrol_facts import PatrolPoint
from wire_contracts.patrols import Checkpoint, PatrolPlan

_TONES = {Tone.OK: "ok", Tone.WARN: "warn", Tone.DANGER: "p1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOnMap:
    """A route; `run_id` is empty while nobody walks it.

    Attributes:
        stops: Its checkpoints in order, those that this tablet knows.
        points: What was found at each so far.
    """

    stops: Mapping[str, Checkpoint]
    points: Mapping[str, PatrolPoint]
    run_id: str = ""
    next_id: str = ""

    def places(self, plane: Plane) -> dict[str, Place]:
        """Return where each checkpoint lies on the site's plane."""
        return {
            name: plane.to_plane(each.latitude_deg, each.longitude_deg)
            for name, each in self.stops.items()
        }

    def plane(self) -> Plane | None:
        """Return a plane round the first checkpoint, for a tablet without a map."""
        first = next(iter(self.stops.values()), None)
        if first is None:
            return None
        return Plane(latitude_deg=first.latitude_deg, longitude_deg=first.longitude_deg)


NO_ROUTE = RouteOnMap(stops={}, points={})


def route_of(desk: InspectionDesk) -> RouteOnMap:
    """Return the route that is walked now, else the one due next; call it away from the screen."""
    if not desk.has_rounds():
        return NO_ROUTE
    checkpoints = desk.checkpoints()
    run = desk.open_run()
    if run is not None:
        return _walked(run, checkpoints)
    plan = _due_next(desk.plans())
    stops = () if plan is None else plan.stops
    return RouteOnMap(stops=_known(stops, checkpoints), points={})


def _walked(run: SeenRun, checkpoints: Mapping[str, Checkpoint]) -> RouteOnMap:
    return RouteOnMap(
        stops=_known(run.state.stops, checkpoints),
        points=run.state.points,
        run_id=run.run_id,
        next_id=next_stop(run.state, checkpoints) or "",
    )


def _known(stops: Sequence[str], checkpoints: Mapping[str, Checkpoint]) -> dict[str, Checkpoint]:
    return {each: checkpoints[each] for each in stops if each in checkpoints}


def _due_next(plans: Mapping[str, PatrolPlan]) -> PatrolPlan | None:
    due = [each for each in plans.values() if each.due_at_utc is not None]
    return min(due, key=_due_at) if due else next(iter(plans.values()), None)


def _due_at(plan: PatrolPlan) -> float:
    return 0.0 if plan.due_at_utc is None else plan.due_at_utc.timestamp()


def route_stops(
    t: Words, route: RouteOnMap, places: Mapping[str, Place], chosen: str
) -> list[MapStop]:
    """Return the signs of the route's checkpoints; the next one stands out."""
    return [
        MapStop(
            key=name,
            number=str(number),
            icon=KIND_ICONS[checkpoint.kind],
            tone=_tone(t, route, name),
            place=places[name],
            is_chosen=name == chosen,
            is_checkpoint=True,
        )
        for number, (name, checkpoint) in enumerate(route.stops.items(), start=1)
    ]


def _tone(t: Words, route: RouteOnMap, name: str) -> str:
    if name == route.next_id:
        return "primary"
    return _TONES.get(point_text(t, route.points.get(name))[2], "muted")


def route_card(
    t: Words, route: RouteOnMap, name: str, distance: str, on_map: str
) -> MapCard | None:
    """Return what is known of a checkpoint, with the way to its page; None when it is gone."""
    checkpoint = route.stops.get(name)
    if checkpoint is None:
        return None
    state, _, tone = point_text(t, route.points.get(name))
    again = recheck_text(t, checkpoint.recheck_reason)
    detail = (on_map_text(t, on_map), again or checkpoint.address, distance, state)
    if route.run_id:
        button = SheetButton(
            key=f"{ROUND}stop:{route.run_id}/{name}", text=t("Open the stop"), icon="arrow-right"
        )
    else:
        button = SheetButton(key=ROUND, text=t("Open the rounds"), icon="arrow-right")
    return MapCard(
        title=checkpoint.name.in_language(t.language),
        detail="  ·  ".join(part for part in detail if part),
        tone=Tone.WARN if again and tone is Tone.PLAIN else tone,
        icon=KIND_ICONS[checkpoint.kind],
        button=button,
    )
