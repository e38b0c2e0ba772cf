"""RunPresenter: one patrol on its way: the route, what comes next, how far, in which direction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, radians
from typing import Final

from field_app.patrols.directions import Place, bearing_deg
from field_app.patrols.inspection_book import DraftOf
from field_app.patrols.inspection_store import SeenRun
from field_app.patrols.map_numbers import is_found_by, map_numbers, number_on_map
from field_app.patrols.presence import distance_to, place_of
from field_app.patrols.run_state import next_stop
from field_app.patrols.track import Track, TrackPoint, extended, packed, unpacked
from field_app.platform.fix_age import fresh_fix
from field_app.platform.ports import Fix
from field_app.presenters.map import pipe_tone
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import (
    KIND_ICONS,
    direction_text,
    distance_text,
    point_text,
    position_text,
    recheck_text,
)
from field_app.presenters.route_pipes import pipes_under
from field_app.presenters.run_views import RunView, SketchPoint, SketchView, StopRow
from field_app.presenters.stage import Stage
from field_app.presenters.stop_danger import unrecorded_dangers
from field_app.presenters.stop_numbers import on_map_text
from field_app.presenters.views import Tone
from field_app.presenters.wording import mark_view
from field_app.store.record_states import RecordState
from field_app.store.round_records import record_of
from wire_contracts.fields import JsonValue
from wire_contracts.network import NetworkPart
from wire_contracts.patrols import Checkpoint

LOOK_S: Final = 2.0
"""The position is read this often; wall seconds."""

SEARCHED_FROM: Final = 6
"""A route of more stops does not fit the page: they can be searched."""

SAVE_POINTS: Final = 8
"""The track is kept after so many new points: about 120 m of street."""

_UNHEARD: Final = frozenset({RecordState.QUEUED, RecordState.SENDING, RecordState.LOOK_HERE})

TRACK_FORM: Final = "patrol_run@1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    run: SeenRun
    checkpoints: Mapping[str, Checkpoint]
    name: str
    kept: Mapping[str, JsonValue]
    network: Sequence[NetworkPart]
    on_map: Mapping[str, str]
    dangers: Sequence[str]


class RunPresenter:
    """One run."""

    def __init__(self, parts: RoundParts, run_id: str) -> None:
        """Show the run `run_id`."""
        self._parts = parts
        self._run_id = run_id
        self._found: _Found | None = None
        self._track = Track()
        self._unsaved = 0
        self._cancel: Callable[[], None] | None = None
        self._is_watching = False
        self._started_s: float | None = None
        self._wanted = ""
        self._stage = Stage(parts.context.worker, blank_run(parts))

    @property
    def view(self) -> RunView:
        """Return the last view."""
        return self._stage.view

    @property
    def run_id(self) -> str:
        """Return which run is shown."""
        return self._run_id

    @property
    def track(self) -> Track:
        """Return the way walked so far."""
        return self._track

    def attach(self, show: Callable[[RunView], None]) -> None:
        """Show every view with `show`, and look where the tablet is from now on."""
        self._stage.attach(show)
        self._parts.hardware.locator.start()
        self._is_watching = True
        self.refresh()
        self._look_later()

    def detach(self) -> None:
        """Show nothing any more; what was walked is kept."""
        self._is_watching = False
        if self._cancel is not None:
            self._cancel()
        self._save_track()
        self._parts.hardware.locator.stop()
        self._stage.detach()

    def refresh(self) -> None:
        """Read the run again."""
        self._stage.read(self._read, self._take)

    def _fix(self) -> Fix | None:
        return fresh_fix(self._parts.hardware.locator, self._parts.context.clock.now_utc())

    def look(self) -> None:
        """Take the position of this moment; a page on top may have let the receiver sleep."""
        if self._is_watching:
            self._parts.hardware.locator.start()
        fix = self._fix()
        if fix is not None:
            before = self._track
            self._track = extended(before, fix, self._seconds())
            self._unsaved += self._track is not before
            if self._unsaved >= SAVE_POINTS:
                self._save_track()
        self._draw()

    def search(self, text: str) -> None:
        """Show the stops that a text means: name, address, number on the lid or on the map."""
        self._wanted = text
        self._draw()

    def _look_later(self) -> None:
        if self._is_watching:
            self._cancel = self._parts.context.worker.later(LOOK_S, self._looked)

    def _looked(self) -> None:
        if self._is_watching:
            self.look()
            self._look_later()

    def _seconds(self) -> int:
        now = self._parts.context.clock.now_utc().timestamp()
        if self._started_s is None:
            self._started_s = now
        return int(now - self._started_s)

    def _draft(self) -> DraftOf:
        return DraftOf(record_id=record_of(self._run_id), form=TRACK_FORM)

    def _save_track(self) -> None:
        if not self._unsaved:
            return
        unsaved, self._unsaved = self._unsaved, 0
        answers: dict[str, JsonValue] = {
            "track": packed(self._track.points),
            "track_m": round(self._track.length_m, 1),
            "coarseness": self._track.coarseness,
            "started_s": self._started_s,
        }
        desk, draft = self._parts.desk, self._draft()
        self._stage.act(
            lambda: desk.save_answers(draft, answers), _nothing, lambda: self._keep_track(unsaved)
        )

    def _keep_track(self, unsaved: int) -> None:
        """Keep in mind what found no room: the next step of the track is kept with it."""
        self._unsaved += unsaved

    def _read(self) -> _Found:
        desk = self._parts.desk
        run = desk.run(self._run_id)
        plan_id = None if run.state.run is None else run.state.run.plan_id
        plans = desk.plans()
        name = plans[plan_id].name.in_language(self._language) if plan_id in plans else ""
        checkpoints = desk.checkpoints()
        network = self._parts.network() if self._found is None else self._found.network
        return _Found(
            run=run,
            checkpoints=checkpoints,
            dangers=unrecorded_dangers(self._parts, run, self._run_id, checkpoints),
            name=name,
            kept=desk.newest_answers(self._draft()),
            network=network,
            on_map=map_numbers(network) if self._found is None else self._found.on_map,
        )

    @property
    def _language(self) -> str:
        return self._parts.context.words.language

    def _take(self, found: _Found) -> None:
        if self._found is None:
            self._track = kept_track(found.kept)
            started = found.kept.get("started_s")
            self._started_s = started if isinstance(started, int | float) else None
        self._found = found
        self._draw()

    def _draw(self) -> None:
        found = self._found
        if found is None:
            return
        t, fix = self._parts.context.words, self._fix()
        state = found.run.state
        next_id = next(iter(found.dangers), "") or next_stop(state, found.checkpoints) or ""
        text, tone = position_text(t, fix)
        done = len(state.stops) - len(state.missed)
        view = replace(
            blank_run(self._parts),
            title=found.name or t("Ad-hoc route"),
            progress_text=t("{done} of {total} done").format(done=done, total=len(state.stops)),
            share=done / max(len(state.stops), 1),
            position_text=text,
            position_tone=tone,
            stops=tuple(
                self._row(found, number, each, fix, is_next=each == next_id)
                for number, each in enumerate(state.stops, start=1)
                if self._is_wanted(found, each)
            ),
            sketch=self._sketch(found, next_id, fix),
            alarm_text=self._alarm_text(found),
            mark=mark_view(t, found.run.mark),
            can_search=len(state.stops) > SEARCHED_FROM,
            is_busy=False,
        )
        if next_id:
            view = self._with_next(view, next_id, found, fix)
        self._stage.draw(view)

    def _is_wanted(self, found: _Found, checkpoint_id: str) -> bool:
        """Return whether a stop is what is searched for; everything is while nothing is."""
        if not self._wanted.strip():
            return True
        checkpoint = found.checkpoints.get(checkpoint_id)
        if checkpoint is None:
            return self._wanted.strip().casefold() in checkpoint_id.casefold()
        return is_found_by(self._wanted, checkpoint, number_on_map(found.on_map, checkpoint_id))

    def _alarm_text(self, found: _Found) -> str:
        """Return that an order was made, and what to do while the office does not know of it."""
        t = self._parts.context.words
        points = found.run.state.points.values()
        orders = [each for each in points if each.defect is not None and each.defect.order_id]
        if not orders:
            return ""
        if found.run.is_order_refused:
            return t("Order not received: the office does not know. Call the control room now.")
        if found.run.mark in _UNHEARD:
            return t("Order made, not sent yet: call the control room now.")
        return t("Order made; the office has it.")

    def _with_next(self, view: RunView, next_id: str, found: _Found, fix: Fix | None) -> RunView:
        t, checkpoint, on_map = self._parts.context.words, found.checkpoints[next_id], found.on_map
        place = place_of(checkpoint)
        distance = distance_text(t, distance_to(checkpoint, fix))
        if fix is not None:
            distance = t("{distance} {direction}").format(
                distance=distance, direction=direction_text(t, fix, place)
            )
        return replace(
            view,
            next_id=next_id,
            next_name=checkpoint.name.in_language(self._language),
            next_detail=on_map_text(t, number_on_map(on_map, next_id), checkpoint.address),
            next_distance=distance,
            arrow_deg=None if fix is None else bearing_deg(_here(fix), place),
        )

    def _row(
        self, found: _Found, number: int, checkpoint_id: str, fix: Fix | None, *, is_next: bool
    ) -> StopRow:
        t = self._parts.context.words
        checkpoint = found.checkpoints.get(checkpoint_id)
        state_text, state_icon, tone = point_text(t, found.run.state.points.get(checkpoint_id))
        if checkpoint_id in found.dangers:
            state_text, state_icon, tone = t("Danger here: record it"), "alert-octagon", Tone.DANGER
        if checkpoint is None:
            name, detail, icon, distance = checkpoint_id, t("not on this tablet"), "help-circle", ""
        else:
            name = checkpoint.name.in_language(self._language)
            again = recheck_text(t, checkpoint.recheck_reason)
            on_map = number_on_map(found.on_map, checkpoint_id)
            detail = on_map_text(t, on_map, again or checkpoint.address)
            icon = KIND_ICONS[checkpoint.kind]
            distance = distance_text(t, distance_to(checkpoint, fix))
        return StopRow(
            checkpoint_id=checkpoint_id,
            number=str(number),
            name=name,
            detail=detail,
            icon=icon,
            state_text=state_text,
            state_icon=state_icon,
            tone=tone,
            distance_text=distance,
            is_next=is_next,
        )

    def _sketch(self, found: _Found, next_id: str, fix: Fix | None) -> SketchView:
        state = found.run.state
        known = [each for each in state.stops if each in found.checkpoints]
        places = [place_of(found.checkpoints[each]) for each in known]
        walked = [point.place for point in self._track.points]
        frame = _Frame(places)
        frame = _Frame([*places, *(each for each in walked if frame.is_near(each))])
        here = None if fix is None else _here(fix)
        is_far = here is not None and not frame.is_near(here)
        if here is not None and not is_far:
            frame = _Frame([*places, *(each for each in walked if frame.is_near(each)), here])
        t = self._parts.context.words
        return SketchView(
            pipes=pipes_under(found.network, frame.spot, pipe_tone),
            stops=tuple(
                SketchPoint(
                    x=frame.x(place),
                    y=frame.y(place),
                    text=str(state.stops.index(each) + 1),
                    tone=Tone.DANGER
                    if each in found.dangers
                    else point_text(t, state.points.get(each))[2],
                    is_next=each == next_id,
                )
                for each, place in zip(known, places, strict=True)
            ),
            walked=tuple((frame.x(place), frame.y(place)) for place in walked),
            here=None if here is None else frame.held(here),
            is_here_far=is_far,
            ratio=frame.ratio,
        )


_LEAST_REACH_DEG = 0.003
"""Some 300 m: from there a route of one stop is walked to, not searched for."""


class _Frame:
    """Brings places of a town onto 0..1 each way; a degree of longitude is shortened."""

    def __init__(self, places: list[Place]) -> None:
        """Frame all the places."""
        lats = [place.latitude_deg for place in places] or [0.0]
        self._shrink = cos(radians(sum(lats) / len(lats)))
        lons = [place.longitude_deg * self._shrink for place in places] or [0.0]
        self._south, self._west = min(lats), min(lons)
        self._height = max(max(lats) - self._south, 1e-6)
        self._width = max(max(lons) - self._west, 1e-6)
        self.ratio = self._width / self._height

    def is_near(self, place: Place) -> bool:
        """Return whether a place lies no farther outside than the frame is wide or high."""
        reach = max(self._width, self._height, _LEAST_REACH_DEG)
        east = place.longitude_deg * self._shrink - self._west
        north = place.latitude_deg - self._south
        return -reach <= east <= self._width + reach and -reach <= north <= self._height + reach

    def held(self, place: Place) -> tuple[float, float]:
        """Return how far east and north, at the edge for what lies outside."""
        return min(max(self.x(place), 0.0), 1.0), min(max(self.y(place), 0.0), 1.0)

    def x(self, place: Place) -> float:
        """Return how far east, 0..1."""
        return (place.longitude_deg * self._shrink - self._west) / self._width

    def spot(self, latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
        """Return how far east and north."""
        place = Place(latitude_deg=latitude_deg, longitude_deg=longitude_deg)
        return self.x(place), self.y(place)

    def y(self, place: Place) -> float:
        """Return how far north, 0..1."""
        return (place.latitude_deg - self._south) / self._height


def _here(fix: Fix) -> Place:
    return Place(latitude_deg=fix.latitude_deg, longitude_deg=fix.longitude_deg)


def kept_track(kept: Mapping[str, JsonValue]) -> Track:
    """Return the track as it was kept; one that cannot be read begins anew."""
    text, length, coarseness = kept.get("track"), kept.get("track_m"), kept.get("coarseness")
    if not isinstance(text, str) or not isinstance(length, int | float):
        return Track()
    try:
        points: tuple[TrackPoint, ...] = unpacked(text)
    except ValueError:
        return Track()
    return Track(
        points=points,
        length_m=float(length),
        coarseness=coarseness if isinstance(coarseness, int) else 1,
        size=len(text),
    )


def blank_run(parts: RoundParts) -> RunView:
    """Return what is shown before the run was read."""
    return RunView(
        title="",
        progress_text="",
        share=0.0,
        next_id="",
        next_name="",
        next_detail="",
        next_distance="",
        arrow_deg=None,
        position_text="",
        position_tone=Tone.PLAIN,
        stops=(),
        sketch=SketchView(),
        alarm_text="",
        mark=mark_view(parts.context.words, RecordState.UNTOUCHED),
        can_search=False,
        is_busy=True,
    )


def _nothing(_answer: None) -> None:
    return
