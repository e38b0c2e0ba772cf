"""Decides which positions of a run are worth keeping, and packs them into few bytes.

Kept is a point after 15 m, or after 5 m when the way has turned by 30 degrees: a street is two
points, a corner three. A day of 12 km becomes about 500 points, 3 kB. When the packed track is
longer than its bound every second point goes and the distances double, so it never grows beyond.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from field_app.patrols.directions import Place, bearing_deg, distance_m, turn_deg
from field_app.patrols.presence import WORST_ACCURACY_M
from field_app.platform.ports import Fix
from wire_contracts.patrol_facts import LONGEST_TRACK

STEP_M = 15.0
TURN_STEP_M = 5.0
TURN_DEG = 30.0

_SCALE = 1e5
"""Five decimals of a degree are about one metre, finer than any position on the street."""

_OFFSET = 63
_CHUNK_BITS = 5
_MORE = 0x20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPoint:
    """One kept position; `at_s` counts from the start of the run."""

    place: Place
    at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The way walked so far; `length_m` counts every step between kept points.

    `size` is how many characters it packs into.
    """

    points: tuple[TrackPoint, ...] = ()
    length_m: float = 0.0
    coarseness: int = 1
    size: int = 0


def extended(track: Track, fix: Fix, at_s: int) -> Track:
    """Return the track with a position, the same track when it says nothing new."""
    if fix.accuracy_m > WORST_ACCURACY_M:
        return track
    here = Place(latitude_deg=fix.latitude_deg, longitude_deg=fix.longitude_deg)
    if track.points:
        step_m = distance_m(track.points[-1].place, here)
        if not _is_worth(track, here, step_m):
            return track
    else:
        step_m = 0.0
    point = TrackPoint(place=here, at_s=max(at_s, 0))
    before = _numbers_of(track.points[-1]) if track.points else _START
    longer = replace(
        track,
        points=(*track.points, point),
        length_m=track.length_m + step_m,
        size=track.size + len(_written_point(before, _numbers_of(point))),
    )
    return longer if longer.size <= LONGEST_TRACK else _halved(longer)


def _is_worth(track: Track, here: Place, step_m: float) -> bool:
    if step_m >= STEP_M * track.coarseness:
        return True
    if step_m < TURN_STEP_M * track.coarseness or len(track.points) < 2:  # noqa: PLR2004 - a bearing needs two
        return False
    before, last = track.points[-2].place, track.points[-1].place
    return turn_deg(bearing_deg(before, last), bearing_deg(last, here)) >= TURN_DEG


def _halved(track: Track) -> Track:
    kept = (*track.points[:-1:2], track.points[-1])
    return replace(track, points=kept, coarseness=track.coarseness * 2, size=len(packed(kept)))


def packed(points: Sequence[TrackPoint]) -> str:
    """Return the points as text: differences of latitude, longitude and seconds, zigzag, base 32.

    The numbers are written as in Google's published polyline format, with a third one per point.
    """
    pieces: list[str] = []
    last = _START
    for point in points:
        now = _numbers_of(point)
        pieces.append(_written_point(last, now))
        last = now
    return "".join(pieces)


_Numbers = tuple[int, int, int]

_START: _Numbers = (0, 0, 0)


def _numbers_of(point: TrackPoint) -> _Numbers:
    place = point.place
    return (
        round(place.latitude_deg * _SCALE),
        round(place.longitude_deg * _SCALE),
        point.at_s,
    )


def _written_point(last: _Numbers, now: _Numbers) -> str:
    return "".join(_written(new - old) for new, old in zip(now, last, strict=True))


def unpacked(text: str) -> tuple[TrackPoint, ...]:
    """Return the points of a packed track; raise ValueError when it is none."""
    numbers = list(_numbers(text))
    if len(numbers) % 3:
        message = f"track: has {len(numbers)} numbers, not three per point; it was cut off"
        raise ValueError(message)
    points: list[TrackPoint] = []
    lat = lon = at_s = 0
    for index in range(0, len(numbers), 3):
        lat, lon, at_s = lat + numbers[index], lon + numbers[index + 1], at_s + numbers[index + 2]
        place = Place(latitude_deg=lat / _SCALE, longitude_deg=lon / _SCALE)
        points.append(TrackPoint(place=place, at_s=at_s))
    return tuple(points)


def _written(number: int) -> str:
    rest = number << 1 if number >= 0 else ~(number << 1)
    signs = ""
    while rest >= _MORE:
        signs += chr((_MORE | (rest & (_MORE - 1))) + _OFFSET)
        rest >>= _CHUNK_BITS
    return signs + chr(rest + _OFFSET)


def _numbers(text: str) -> Iterator[int]:
    number = shift = 0
    for sign in text:
        bits = ord(sign) - _OFFSET
        if not 0 <= bits < 2 * _MORE:
            message = f"track: {sign!r} is no sign of a packed track"
            raise ValueError(message)
        number |= (bits & (_MORE - 1)) << shift
        shift += _CHUNK_BITS
        if not bits & _MORE:
            yield ~(number >> 1) if number & 1 else number >> 1
            number = shift = 0
    if shift:
        message = "track: ends inside a number; it was cut off"
        raise ValueError(message)
