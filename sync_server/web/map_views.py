"""What the town's map draws, as GeoJSON that the page's script hands on without deciding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import orjson

from sync_server.web.labels import (
    KINDS,
    MEDIA,
    ORDER_STATES,
    RULES,
    label,
)
from sync_server.web.map_store import MapAlert, MapCall, MapCrew, MapMeters, MapPlace
from sync_server.web.patrol_progress import CrewSeen, PatrolStop
from sync_server.web.round_views import OUTCOMES
from sync_server.web.words import Words, mark
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.network import NetworkPart, Plane, parse_network
from wire_contracts.patrol_facts import PointOutcome

_DIGITS = 6
"""Decimals of a degree: a decimetre, as exact as the network is kept."""

FRESH = timedelta(minutes=5)
"""A crew that was seen longer ago is drawn grey: it has gone on since (judgement)."""

EQUATOR = Plane(latitude_deg=0.0, longitude_deg=0.0)
"""The plane of a site that has no network yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillSource:
    """What seldom changes on the map: the network, where meters and communities are."""

    parts: Sequence[NetworkPart]
    meters: MapMeters
    places: Sequence[MapPlace]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """What moves on a reader's map; `meter_count` tells a page that its meters are old."""

    parts: Sequence[NetworkPart]
    meter_count: int
    silent: Sequence[str]
    alerts: Sequence[MapAlert]
    crews: Sequence[MapCrew]
    calls: Sequence[MapCall]
    crew_names: Mapping[str, str]
    stops: Sequence[PatrolStop]
    seen: Sequence[CrewSeen]
    now_utc: datetime


@dataclass(frozen=True, slots=True)
class _Earth:
    """The plane as a straight line in both directions: ten thousand places cost no cosine each."""

    longitude: float
    latitude: float
    degrees_east: float
    degrees_north: float

    def at(self, x_m: float, y_m: float) -> list[JsonValue]:
        """Return longitude and latitude."""
        return [
            round(self.longitude + x_m * self.degrees_east, _DIGITS),
            round(self.latitude + y_m * self.degrees_north, _DIGITS),
        ]


def _earth_of(parts: Sequence[NetworkPart]) -> _Earth:
    """Return the site's plane, that of its network, as degrees per metre."""
    plane = parts[0].plane if parts else EQUATOR
    latitude, longitude = plane.to_earth(0.0, 0.0)
    north, east = plane.to_earth(1.0, 1.0)
    return _Earth(longitude, latitude, east - longitude, north - latitude)


@lru_cache(maxsize=128)
def read_part(text: str) -> NetworkPart:
    """Return a part of the network; the same document is read once."""
    values = orjson.loads(text)
    return parse_network(FieldReader(place="the network", values=values))


def still_layers(source: StillSource, words: Words) -> JsonObject:
    """Return what seldom changes: pipes, points, meters, names."""
    earth = _earth_of(source.parts)
    pipes = [
        _feature(
            "LineString",
            [earth.at(x_m, y_m) for x_m, y_m in pipe.line_m],
            {"medium": str(pipe.medium), "level": str(pipe.level), "id": pipe.pipe_id},
        )
        for part in source.parts
        for pipe in part.pipes
        if len(pipe.line_m) > 1
    ]
    points = [
        _feature(
            "Point",
            earth.at(point.x_m, point.y_m),
            {"kind": str(point.kind), "medium": str(point.medium), "name": point.name},
        )
        for part in source.parts
        for point in part.points
    ]
    places = [
        _feature(
            "Point",
            earth.at(each.x_m, each.y_m),
            {"name": each.name_zh if words.language == "zh" else each.name_en},
        )
        for each in source.places
    ]
    return {
        "pipes": _collection(pipes),
        "points": _collection(points),
        "places": _collection(places),
        "meters": {
            "ids": list(source.meters.ids),
            "at": [earth.at(x_m, y_m) for x_m, y_m in source.meters.spots],
        },
        "bounds": _bounds(source, earth),
    }


def live_layers(source: LiveSource, words: Words) -> JsonObject:
    """Return what moves: meters that are not well, alerts, crews, calls, stops of patrols."""
    earth = _earth_of(source.parts)
    return {
        "meters": {
            "count": source.meter_count,
            "alert": sorted({each.meter_id for each in source.alerts}),
            "silent": list(source.silent),
        },
        "alerts": [_alert(each, earth, words) for each in source.alerts],
        "crews": [
            *(_walking(each, words, source) for each in source.seen),
            *(_crew(each, earth, words, source.crew_names) for each in source.crews),
        ],
        "calls": [_call(each, earth, words) for each in source.calls],
        "stops": [_stop(each, words) for each in source.stops],
    }


def _alert(alert: MapAlert, earth: _Earth, words: Words) -> JsonObject:
    known = alert.rule in RULES
    title = label(words, RULES if known else KINDS, alert.rule if known else alert.kind)
    return {
        "at": earth.at(alert.x_m, alert.y_m),
        "priority": alert.priority,
        "title": f"{title} {alert.meter_id}",
        "medium": words.gettext(MEDIA[alert.medium]),
        "href": f"/alerts?tab=all&alert={alert.alert_id}",
        "is_safety": alert.priority == 1 and alert.medium == "gas",
    }


def _crew(crew: MapCrew, earth: _Earth, words: Words, names: Mapping[str, str]) -> JsonObject:
    state = label(words, ORDER_STATES, crew.state)
    return {
        "at": earth.at(crew.x_m, crew.y_m),
        "title": f"{names.get(crew.crew_id, crew.crew_id)} · {state}",
        "number": crew.number,
        "href": f"/orders/{crew.order_id}",
    }


def _walking(seen: CrewSeen, words: Words, source: LiveSource) -> JsonObject:
    """Return a crew on its round at the place where it was last, with the time."""
    name = source.crew_names.get(seen.crew_id, seen.crew_id)
    at = words.near_clock(seen.at_utc, source.now_utc)
    return {
        "at": [round(seen.longitude_deg, _DIGITS), round(seen.latitude_deg, _DIGITS)],
        "title": f"{name} · {seen.name.in_language(words.language)} · {at}",
        "number": "",
        "is_old": source.now_utc - seen.at_utc > FRESH,
        "href": "/rounds",
    }


def _call(call: MapCall, earth: _Earth, words: Words) -> JsonObject:
    text = words.ngettext("%(n)d open request", "%(n)d open requests", call.count)
    return {
        "at": earth.at(call.x_m, call.y_m),
        "count": call.count,
        "is_danger": call.dangers > 0,
        "title": text % {"n": call.count},
        "href": "/requests",
    }


def _stop(stop: PatrolStop, words: Words) -> JsonObject:
    """Return a stop of a patrol: a tick when it is done, its number while it is open."""
    spot, language = stop.checkpoint, words.language
    outcome = mark("still open") if stop.outcome is None else OUTCOMES[stop.outcome][0]
    title = f"{stop.route.in_language(language)} · {stop.number} {spot.name.in_language(language)}"
    return {
        "at": [round(spot.longitude_deg, _DIGITS), round(spot.latitude_deg, _DIGITS)],
        "title": f"{title} · {words.gettext(outcome)}",
        "number": stop.number,
        "is_done": stop.outcome is not None,
        "is_bad": stop.outcome not in {None, PointOutcome.OK},
        "href": "/rounds",
    }


def _feature(
    kind: str, coordinates: list[JsonValue], properties: Mapping[str, JsonValue]
) -> JsonObject:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def _collection(features: list[JsonObject]) -> JsonObject:
    return {"type": "FeatureCollection", "features": features}


def _bounds(source: StillSource, earth: _Earth) -> list[JsonValue] | None:
    """Return the south-west and north-east corners of everything, None for an empty town."""
    spots = [
        *((x, y) for part in source.parts for pipe in part.pipes for x, y in pipe.line_m),
        *source.meters.spots,
        *((each.x_m, each.y_m) for each in source.places),
    ]
    if not spots:
        return None
    xs, ys = _columns(spots)
    return [earth.at(min(xs), min(ys)), earth.at(max(xs), max(ys))]


def _columns(spots: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    pairs = list(spots)
    return [x for x, _ in pairs], [y for _, y in pairs]


LAYERS: Sequence[tuple[str, str]] = (
    ("heat", mark("Heat pipes")),
    ("gas", mark("Gas pipes")),
    ("water", mark("Water pipes")),
    ("points", mark("Wells and boxes")),
    ("meters", mark("Meters")),
    ("alerts", mark("Alerts")),
    ("crews", mark("Crews, where they were last")),
    ("stops", mark("Patrols of the day")),
    ("calls", mark("Open requests")),
)
"""What may be switched off, in the order of the panel."""
