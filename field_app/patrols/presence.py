"""Decides whether a tag or a position shows that the inspector is at a checkpoint."""

from dataclasses import dataclass
from enum import StrEnum

from field_app.forms.names import bare_name
from field_app.patrols.directions import Place, distance_m
from field_app.platform.ports import Fix, Tag, TagWay
from wire_contracts.patrol_facts import CheckInWay, SeenFix
from wire_contracts.patrols import Checkpoint

WORST_ACCURACY_M = 50.0
"""A position that may be off by more proves nothing: the next well may be nearer than that."""

WIDENED_M = 10.0
"""Metres by which an accuracy widens the circle at most: what a receiver under the open sky is off
by. Who stands farther out, however vaguely, has not been shown to be at the checkpoint."""


class Presence(StrEnum):
    """What the evidence says."""

    THERE = "there"
    OTHER_TAG = "other_tag"
    TOO_FAR = "too_far"
    TOO_VAGUE = "too_vague"
    NO_POSITION = "no_position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A verdict with what it rests on; `distance_m` is None without a position."""

    presence: Presence
    way: CheckInWay
    tag: str = ""
    fix: SeenFix | None = None
    distance_m: float | None = None


_WAYS = {
    TagWay.NFC: CheckInWay.NFC,
    TagWay.QR: CheckInWay.QR,
    TagWay.TYPED: CheckInWay.TYPED,
}


def by_tag(
    checkpoint: Checkpoint, tag: Tag, fix: Fix | None, *, is_on_map: bool = False
) -> Evidence:
    """Return whether the tag is the checkpoint's; the position is recorded beside it.

    `is_on_map`: the number is the one under which the map alone knows the checkpoint. What was
    read is kept as it was read, so that the office sees which of the two it was.
    """
    name = bare_name(tag.text)
    is_its_own = is_on_map or (bool(name) and name == bare_name(checkpoint.tag))
    return Evidence(
        presence=Presence.THERE if is_its_own else Presence.OTHER_TAG,
        way=_WAYS[tag.way],
        tag=tag.text.strip()[:200],
        fix=seen_fix(fix),
        distance_m=distance_to(checkpoint, fix),
    )


def by_position(checkpoint: Checkpoint, fix: Fix | None) -> Evidence:
    """Return whether the position lies inside the checkpoint's circle, a little widened.

    The circle is widened by the accuracy, by at most WIDENED_M: a vague position is no proof.
    A position that the machine itself calls made up counts like any other here; it is recorded,
    and the office sees it: a tablet must not call a person a liar on the spot.
    """
    distance = distance_to(checkpoint, fix)
    if fix is None or distance is None:
        presence = Presence.NO_POSITION
    elif fix.accuracy_m > WORST_ACCURACY_M:
        presence = Presence.TOO_VAGUE
    elif distance <= checkpoint.radius_m + min(fix.accuracy_m, WIDENED_M):
        presence = Presence.THERE
    else:
        presence = Presence.TOO_FAR
    return Evidence(
        presence=presence, way=CheckInWay.GEOFENCE, fix=seen_fix(fix), distance_m=distance
    )


def by_hand(checkpoint: Checkpoint, fix: Fix | None) -> Evidence:
    """Return the weakest evidence: the inspector says so. Never refused, always told apart."""
    return Evidence(
        presence=Presence.THERE,
        way=CheckInWay.BY_HAND,
        fix=seen_fix(fix),
        distance_m=distance_to(checkpoint, fix),
    )


def seen_fix(fix: Fix | None) -> SeenFix | None:
    """Return the position as a check-in carries it."""
    if fix is None:
        return None
    return SeenFix(
        latitude_deg=fix.latitude_deg,
        longitude_deg=fix.longitude_deg,
        accuracy_m=round(fix.accuracy_m, 1),
        is_mock=fix.is_mock,
    )


def distance_to(checkpoint: Checkpoint, fix: Fix | None) -> float | None:
    """Return how far away the checkpoint is in metres, None without a position."""
    if fix is None:
        return None
    here = Place(latitude_deg=fix.latitude_deg, longitude_deg=fix.longitude_deg)
    return round(distance_m(here, place_of(checkpoint)), 1)


def place_of(checkpoint: Checkpoint) -> Place:
    """Return where a checkpoint is."""
    return Place(latitude_deg=checkpoint.latitude_deg, longitude_deg=checkpoint.longitude_deg)
