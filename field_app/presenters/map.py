"""MapPresenter: the network, today's stops, the route, and what closes what."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from field_app.orders.network_near import distance_to_line
from field_app.orders.order_list_store import OrderFilter, OrderLine, OrderQuery
from field_app.patrols.map_numbers import map_numbers, number_on_map
from field_app.platform.fix_age import fresh_fix
from field_app.platform.ports import Fix, Locator
from field_app.presenters.map_legend import (
    SIGN_ICONS,
    kind_text,
    legend_of_pipes,
    legend_of_signs,
)
from field_app.presenters.map_route import (
    NO_ROUTE,
    RouteOnMap,
    route_card,
    route_of,
    route_stops,
)
from field_app.presenters.map_views import (
    BLANK_MAP,
    MapCard,
    MapLines,
    MapSign,
    MapStop,
    MapView,
    Place,
)
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.rows import distance_text, order_row
from field_app.presenters.sheet_views import SheetButton
from field_app.presenters.stage import Stage
from field_app.presenters.views import Tone
from field_app.presenters.wording import medium_text
from field_app.tablet import Tablet
from wire_contracts.network import NetworkPart, NetworkPoint, Pipe, PipeLevel, Plane
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium

MOST_STOPS: Final = 200
"""Stops on the map: more than a crew sees in a month, fewer than a frame can draw."""

_WIDTHS: Final[Mapping[PipeLevel, float]] = {
    PipeLevel.HIGH: 8.0,
    PipeLevel.MEDIUM: 5.0,
    PipeLevel.LOW: 2.0,
    PipeLevel.SUPPLY: 3.5,
    PipeLevel.RETURN: 3.5,
}
_CORES: Final[Mapping[float, float]] = {8.0: 3.5}
"""High pressure is a double line: a shade of one colour is no sign in the sun."""

_TONES: Final[Mapping[tuple[Medium, PipeLevel], str]] = {
    (Medium.HEAT, PipeLevel.SUPPLY): "map_supply",
    (Medium.HEAT, PipeLevel.RETURN): "map_return",
}
_MEDIUM_TONES: Final[Mapping[Medium, str]] = {
    Medium.GAS: "map_gas",
    Medium.WATER: "map_water",
    Medium.HEAT: "map_supply",
}
_STOP_TONES: Final = {1: "p1", 2: "p2", 3: "p3"}
_MEDIUM_ICONS: Final = {
    Medium.HEAT: "radiator",
    Medium.GAS: "meter-gas",
    Medium.WATER: "water",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the map shows."""

    parts: Sequence[NetworkPart]
    stops: Sequence[OrderLine]
    fix: Fix | None
    route: RouteOnMap


class MapPresenter:
    """The map."""

    def __init__(self, tablet: Tablet, context: PresenterContext, locator: Locator) -> None:
        """Show the network that `tablet` was given, and where `locator` says it is."""
        self._tablet = tablet
        self._context = context
        self._locator = locator
        self._parts: Sequence[NetworkPart] | None = None
        self._pipes: list[Pipe] = []
        self._points: dict[str, NetworkPoint] = {}
        self._lines: Sequence[MapLines] = ()
        self._numbers: Mapping[str, str] = {}
        self._found = _Found(parts=(), stops=(), fix=None, route=NO_ROUTE)
        self._checkpoints: dict[str, Place] = {}
        self._chosen = ("", "")
        self._network_no = 0
        self._stage = Stage(context.worker, BLANK_MAP)

    @property
    def view(self) -> MapView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[MapView], None]) -> None:
        """Show every view with `show`, begin to measure the position, and read."""
        self._locator.start()
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more, and let the position rest."""
        self._locator.stop()
        self._stage.detach()

    def refresh(self) -> None:
        """Read stops and position again, and the network when there is none yet."""
        self._stage.read(self._look, self._take)

    def choose(self, kind: str, key: str) -> None:
        """Choose a `stop`, `checkpoint`, `sign` or `pipe` by its key; an empty kind lets go."""
        self._chosen = (kind, key)
        self._draw()

    def nearest(self, place: Place, reach_m: float) -> tuple[str, str]:
        """Return kind and key of what is nearest to a place, empty when nothing is in reach."""
        stops = [
            (math.dist(place, (line.x_m or 0.0, line.y_m or 0.0)), "stop", line.order_id)
            for line in self._found.stops
        ]
        signs = [
            (math.dist(place, (point.x_m, point.y_m)) * _SIGNS_LESS, "sign", point.point_id)
            for point in self._points.values()
        ]
        points = [
            (math.dist(place, where), "checkpoint", name)
            for name, where in self._checkpoints.items()
        ]
        near = min((*stops, *points, *signs), default=None)
        if near is not None and near[0] <= reach_m:
            return near[1], near[2]
        pipe = min(self._pipes, key=lambda each: distance_to_line(place, each), default=None)
        if pipe is not None and distance_to_line(place, pipe) <= reach_m:
            return "pipe", pipe.pipe_id
        return "", ""

    def _look(self) -> _Found:
        parts = self._parts or self._tablet.site.network()
        page = self._tablet.desk.page(OrderQuery(chosen=OrderFilter.OPEN, limit=MOST_STOPS))
        stops = [line for line in page.lines if line.x_m is not None and line.y_m is not None]
        route = route_of(self._tablet.inspections)
        return _Found(
            parts=parts,
            stops=stops,
            fix=fresh_fix(self._locator, self._context.clock.now_utc()),
            route=route,
        )

    def _take(self, found: _Found) -> None:
        self._found = found
        if found.parts is not self._parts:
            self._parts = found.parts
            self._pipes = [pipe for part in found.parts for pipe in part.pipes]
            self._points = {point.point_id: point for part in found.parts for point in part.points}
            self._lines = _lines(self._pipes)
            self._numbers = map_numbers(found.parts)
            self._network_no += 1
        plane = self._plane()
        self._checkpoints = {} if plane is None else found.route.places(plane)
        self._draw()

    def _draw(self) -> None:
        t = self._context.words
        here = self._here()
        kind, key = self._chosen
        lit_pipes = self._lit_pipes()
        orders = self._stops()
        self._stage.draw(
            replace(
                BLANK_MAP,
                network_no=self._network_no,
                lines=self._lines,
                signs=self._signs(lit_pipes),
                stops=(
                    *orders,
                    *route_stops(
                        t,
                        self._found.route,
                        self._checkpoints,
                        key if kind == "checkpoint" else "",
                    ),
                ),
                route=tuple(self._checkpoints.values()),
                lit=tuple(tuple(pipe.line_m) for pipe in lit_pipes),
                here=here,
                accuracy_m=0.0 if self._found.fix is None else self._found.fix.accuracy_m,
                position_text=self._position_text(),
                bounds=self._bounds(here),
                legend=(
                    *legend_of_pipes(t, self._lines),
                    *legend_of_signs(t, self._points.values(), orders, here),
                ),
                card=self._card(here),
                empty_text=""
                if self._pipes or self._found.stops or self._checkpoints
                else t("No map yet: it comes with the next contact."),
                is_busy=False,
            )
        )

    def _here(self) -> Place | None:
        fix, plane = self._found.fix, self._plane()
        if fix is None or plane is None:
            return None
        return plane.to_plane(fix.latitude_deg, fix.longitude_deg)

    def _plane(self) -> Plane | None:
        return self._parts[0].plane if self._parts else self._found.route.plane()

    def _position_text(self) -> str:
        t, fix = self._context.words, self._found.fix
        if fix is None:
            return t("Position unknown")
        return t("Position ± {metres} m").format(metres=round(fix.accuracy_m))

    def _lit_pipes(self) -> list[Pipe]:
        kind, key = self._chosen
        if kind == "pipe":
            return [pipe for pipe in self._pipes if pipe.pipe_id == key]
        if kind == "sign":
            return [pipe for pipe in self._pipes if key in pipe.closed_by]
        return []

    def _signs(self, lit_pipes: Sequence[Pipe]) -> tuple[MapSign, ...]:
        kind, key = self._chosen
        lit = {key} if kind == "sign" else {each for pipe in lit_pipes for each in pipe.closed_by}
        return tuple(
            MapSign(
                key=point.point_id,
                icon=SIGN_ICONS[point.kind],
                tone=_MEDIUM_TONES[point.medium],
                name=point.name or point.point_id,
                place=(point.x_m, point.y_m),
                is_lit=point.point_id in lit,
            )
            for point in self._points.values()
        )

    def _stops(self) -> tuple[MapStop, ...]:
        return tuple(
            MapStop(
                key=line.order_id,
                number=str(number),
                icon=_MEDIUM_ICONS[line.medium],
                tone="p1"
                if line.safety_class is SafetyClass.A
                else _STOP_TONES.get(line.priority, "p4"),
                place=(line.x_m or 0.0, line.y_m or 0.0),
                is_chosen=self._chosen == ("stop", line.order_id),
            )
            for number, line in enumerate(self._found.stops, start=1)
        )

    def _bounds(self, here: Place | None) -> tuple[float, float, float, float] | None:
        places = [corner for pipe in self._pipes for corner in pipe.line_m]
        places += [(line.x_m or 0.0, line.y_m or 0.0) for line in self._found.stops]
        frame = _frame(places)
        near = [each for each in self._checkpoints.values() if _is_near(each, frame, _TOWN_M)]
        shown = _frame([*places, *near])
        is_beside = here is not None and _is_near(here, shown, _BESIDE_M)
        return _frame([*places, *near, *([here] if here is not None and is_beside else [])])

    def _card(self, here: Place | None) -> MapCard | None:
        t = self._context.words
        kind, key = self._chosen
        if kind == "stop":
            return self._stop_card(key, here)
        if kind == "checkpoint" and key in self._checkpoints:
            away = "" if here is None else distance_text(t, math.dist(here, self._checkpoints[key]))
            on_map = number_on_map(self._numbers, key)
            return route_card(t, self._found.route, key, away, on_map)
        if kind == "sign" and key in self._points:
            return self._sign_card(self._points[key])
        if kind == "pipe":
            return self._pipe_card(key)
        return None

    def _stop_card(self, order_id: str, here: Place | None) -> MapCard | None:
        t = self._context.words
        line = next((each for each in self._found.stops if each.order_id == order_id), None)
        if line is None:
            return None
        row = order_row(line, self._context, here)
        parts = (row.address, row.distance_text, row.due_text)
        return MapCard(
            title=row.title,
            detail="  ·  ".join(part for part in parts if part),
            tone=Tone.DANGER if row.is_overdue else Tone.INFO,
            icon=_MEDIUM_ICONS[line.medium],
            button=SheetButton(key=order_id, text=t("Open the order"), icon="arrow-right"),
        )

    def _sign_card(self, point: NetworkPoint) -> MapCard:
        t = self._context.words
        closed = [pipe for pipe in self._pipes if point.point_id in pipe.closed_by]
        length_m = sum(_length_m(pipe) for pipe in closed)
        detail = t("Sections that it closes: {count}, {length}").format(
            count=len(closed), length=distance_text(t, length_m)
        )
        return MapCard(
            title=f"{kind_text(t, point.kind)} {point.name or point.point_id}",
            detail=detail if closed else medium_text(t, point.medium),
            tone=Tone.WARN if closed else Tone.PLAIN,
            icon=SIGN_ICONS[point.kind],
        )

    def _pipe_card(self, pipe_id: str) -> MapCard | None:
        t = self._context.words
        pipe = next((each for each in self._pipes if each.pipe_id == pipe_id), None)
        if pipe is None:
            return None
        names = [
            (point.name or point.point_id)
            for each in pipe.closed_by
            if (point := self._points.get(each)) is not None
        ]
        closing = t("closed by {valves}").format(valves=", ".join(names)) if names else ""
        size = f"DN {pipe.diameter_mm}" if pipe.diameter_mm else ""
        parts = (size, distance_text(t, _length_m(pipe)), closing)
        return MapCard(
            title=f"{medium_text(t, pipe.medium)}, {level_text(t, pipe.level)}",
            detail="  ·  ".join(part for part in parts if part),
            tone=Tone.INFO,
            icon="pipe",
        )


_TOWN_M: Final = 20_000.0
"""A route that begins farther from everything else is not of this map: it must not shrink it."""


_BESIDE_M: Final = 500.0
"""Who stands no farther off is shown from the start; others find themselves by the button."""


def _frame(places: Sequence[Place]) -> tuple[float, float, float, float] | None:
    if not places:
        return None
    east, north = [x for x, _ in places], [y for _, y in places]
    return min(east), min(north), max(east), max(north)


def _is_near(place: Place, frame: tuple[float, float, float, float] | None, reach_m: float) -> bool:
    if frame is None:
        return True
    west, south, east, north = frame
    is_beside = west - reach_m <= place[0] <= east + reach_m
    return is_beside and south - reach_m <= place[1] <= north + reach_m


_SIGNS_LESS: Final = 1.4
"""A stop wins over a sign that is a little nearer: it is what the crew came for."""


def _length_m(pipe: Pipe) -> float:
    corners = list(pipe.line_m)
    return sum(math.dist(start, end) for start, end in pairwise(corners))


def pipe_tone(pipe: Pipe) -> str:
    """Return the token of a pipe's colour."""
    return _TONES.get((pipe.medium, pipe.level), _MEDIUM_TONES[pipe.medium])


def _lines(pipes: Sequence[Pipe]) -> tuple[MapLines, ...]:
    groups: dict[tuple[str, float], list[Sequence[Place]]] = {}
    for pipe in pipes:
        groups.setdefault((pipe_tone(pipe), _WIDTHS[pipe.level]), []).append(tuple(pipe.line_m))
    return tuple(
        MapLines(tone=tone, width_dp=width_dp, core_dp=_CORES.get(width_dp, 0.0), lines=lines)
        for (tone, width_dp), lines in sorted(groups.items(), key=lambda item: item[0][1])
    )


def level_text(t: Words, level: PipeLevel) -> str:
    """Return how a pipe works."""
    texts = {
        PipeLevel.HIGH: t("high pressure"),
        PipeLevel.MEDIUM: t("medium pressure"),
        PipeLevel.LOW: t("low pressure"),
        PipeLevel.SUPPLY: t("supply"),
        PipeLevel.RETURN: t("return"),
    }
    return texts[level]
