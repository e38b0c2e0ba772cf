"""The hands of the demo's inspectors on real tablets: one stop or one home at a time."""

from datetime import datetime, timedelta

from demo.inspecting import HOMES_TO_CHECK, point_found, sheet_found
from field_app.crew import HeadlessCrew
from field_app.patrols.inspection_store import SeenHome, SeenRun
from field_app.patrols.presence import by_tag
from field_app.patrols.track import Track, extended
from field_app.platform.ports import Fix, Tag, TagWay
from field_app.store.ids_io import draw_uuid7
from wire_contracts.home_checks import HouseholdState
from wire_contracts.patrols import Checkpoint

SETS_OUT_BEFORE = timedelta(hours=6)
"""How long before its end an inspector begins a route."""

_ACCURACY_M = 4.0
_STOP_S = 900
"""Between two stops; their positions lie some 300 m apart."""

_VISIT_S = 540.0


def walk_on(crew: HeadlessCrew, now_utc: datetime) -> bool:
    """Take the next step of the crew's route: begin, a stop, the end; False when none is due."""
    run = crew.tablet.inspections.open_run()
    if run is not None:
        _go_on(crew, run)
        return True
    for plan_id, plan in crew.tablet.inspections.plans().items():
        due_utc = plan.due_at_utc
        if plan.stops and due_utc is not None and due_utc <= now_utc + SETS_OUT_BEFORE:
            crew.tablet.inspections.start_run(plan_id, plan.stops)
            return True
    return False


def _go_on(crew: HeadlessCrew, run: SeenRun) -> None:
    desk, stops = crew.tablet.inspections, run.state.stops
    places = desk.checkpoints()
    if not run.state.missed:
        desk.submit_run(run.run_id, _walked([places[each] for each in stops]))
        return
    stop_id = run.state.missed[0]
    stop = places[stop_id]
    evidence = by_tag(stop, Tag(text=stop.tag, way=TagWay.NFC), _position(stop))
    desk.check_in(run.run_id, stop_id, evidence, is_tag_unreadable=False)
    desk.finish_point(point_found(run.run_id, stops.index(stop_id), stop_id, stop), stop)


def _position(stop: Checkpoint) -> Fix:
    return Fix(
        latitude_deg=stop.latitude_deg, longitude_deg=stop.longitude_deg, accuracy_m=_ACCURACY_M
    )


def _walked(stops: list[Checkpoint]) -> Track:
    track = Track()
    for number, stop in enumerate(stops):
        track = extended(track, _position(stop), number * _STOP_S)
    return track


def ring_on(crew: HeadlessCrew, now_utc: datetime) -> bool:
    """Check the next home of the crew's list; False when enough were visited."""
    homes = crew.tablet.inspections.homes()
    visited = sum(not _is_due(each) for each in homes)
    due = next((each for each in homes if _is_due(each)), None)
    if due is None or visited >= HOMES_TO_CHECK:
        return False
    sheet, visit_id = sheet_found(visited), draw_uuid7(now_utc)
    if sheet is None:
        crew.tablet.inspections.no_access(due.household_id, visit_id)
    else:
        crew.tablet.inspections.finish_home(due.household_id, visit_id, sheet, _VISIT_S)
    return True


def _is_due(home: SeenHome) -> bool:
    return home.household.state is HouseholdState.DUE and home.visited_at_utc is None
