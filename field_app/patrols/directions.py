"""Decides how far and in which direction a place lies from another."""

import math
from dataclasses import dataclass

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of WGS 84 (IUGG); within a town the error of the sphere is below 0.5 %."""

POINTS = 8
"""Points of the compass that people use: N, NE, E and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point in WGS 84."""

    latitude_deg: float
    longitude_deg: float


def distance_m(start: Place, end: Place) -> float:
    """Return the great-circle distance in metres (haversine formula)."""
    lat_a, lat_b = math.radians(start.latitude_deg), math.radians(end.latitude_deg)
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(end.longitude_deg - start.longitude_deg) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(chord, 1.0)))


def bearing_deg(start: Place, end: Place) -> float:
    """Return the initial bearing in degrees from north, clockwise, 0 <= bearing < 360."""
    lat_a, lat_b = math.radians(start.latitude_deg), math.radians(end.latitude_deg)
    east = math.radians(end.longitude_deg - start.longitude_deg)
    x = math.sin(east) * math.cos(lat_b)
    y = math.cos(lat_a) * math.sin(lat_b) - math.sin(lat_a) * math.cos(lat_b) * math.cos(east)
    return math.degrees(math.atan2(x, y)) % 360.0


def compass_point(bearing: float) -> int:
    """Return 0 for north, 1 for north-east and so on clockwise, 0..7."""
    return round(bearing / (360 / POINTS)) % POINTS


def turn_deg(before: float, after: float) -> float:
    """Return the angle between two bearings, 0..180."""
    return abs((after - before + 180.0) % 360.0 - 180.0)
