"""Decides where each order stands on the dispatch board: its crew's lane, the hour it is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import dist

from sync_server.staff.skills import Skill, Standing, needed_skill, standing_of
from sync_server.web.labels import label
from sync_server.web.office_labels import SKILLS
from sync_server.web.order_views import OrderRow, order_row
from sync_server.web.places import PlaceNames
from sync_server.web.words import Words, mark, number
from sync_server.work_orders.order import OrderRecord


class Span(StrEnum):
    """When an order is due, seen from now."""

    LATE = "late"
    HOUR = "hour"
    FOUR_HOURS = "four_hours"
    DAY = "day"
    LATER = "later"


SPANS: Sequence[tuple[Span, str]] = (
    (Span.LATE, mark("Overdue")),
    (Span.HOUR, mark("Within the hour")),
    (Span.FOUR_HOURS, mark("Within 4 h")),
    (Span.DAY, mark("Within 24 h")),
    (Span.LATER, mark("After that")),
)
_UNTIL: Sequence[tuple[Span, timedelta]] = (
    (Span.LATE, timedelta(0)),
    (Span.HOUR, timedelta(hours=1)),
    (Span.FOUR_HOURS, timedelta(hours=4)),
    (Span.DAY, timedelta(hours=24)),
)


Place = tuple[float, float]
"""East and north in the site's plane, metres."""

_EXPIRING = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewSkill:
    """What somebody of a crew can do; `ends_at_utc` None: without an end."""

    crew_id: str
    skill: Skill
    ends_at_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """What the board knows beside the orders.

    Attributes:
        crews: (crew id, name) in the order of the lanes.
        names: Meter id -> names of its community.
        places: Order id -> where it is, of those with a place.
        stands: Crew id -> the place of the order it works on now.
        fit: Order id -> the crews with somebody who holds the skill; None: every crew.
        skills: What the people of the crews can do.
    """

    crews: Sequence[tuple[str, str]]
    names: Mapping[str, PlaceNames]
    places: Mapping[str, Place]
    stands: Mapping[str, Place]
    fit: Mapping[str, frozenset[str] | None]
    skills: Sequence[CrewSkill]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An order on the board.

    Attributes:
        order: The order in words.
        way: How far it is from the stop before, or which fit crew is nearest; empty: not known.
        skill: The skill that it needs, in words.
        fit: Ids of the crews that may take it, with spaces; `*`: every crew.
        is_unfit: Nobody of the crew that has it holds the skill any more.
    """

    order: OrderRow
    way: str
    skill: str
    fit: str
    is_unfit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillChip:
    """A skill of a crew; `tone` is warn when its last certificate ends soon."""

    words: str
    until: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The orders of one lane and span, the most urgent first."""

    span: str
    cards: Sequence[Card]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One crew, or the orders that nobody has: `key` is what sends a card there."""

    crew_id: str
    name: str
    key: str
    count: int
    late: int
    way: str
    skills: Sequence[SkillChip]
    cells: Sequence[Cell]


def span_of(due_at_utc: datetime | None, now_utc: datetime) -> Span:
    """Return when an order is due; one without a promise stands last."""
    if due_at_utc is None:
        return Span.LATER
    left = due_at_utc - now_utc
    return next((span for span, until in _UNTIL if left < until), Span.LATER)


def board_lanes(
    records: Sequence[OrderRecord], town: Town, words: Words, now_utc: datetime
) -> list[Lane]:
    """Return the lanes: first what nobody has, then each crew in the order of the town.

    A crew that is not among them any more keeps a lane while it has orders.
    """
    names = dict(town.crews)
    known = ["", *names, *sorted({each.document.crew_id or "" for each in records} - {"", *names})]
    lanes = []
    for index, crew_id in enumerate(known):
        ours = [each for each in records if (each.document.crew_id or "") == crew_id]
        key = str(index) if crew_id and index <= 9 else ""  # noqa: PLR2004  # keys 1 to 9
        lanes.append(_Lanes(town, words, now_utc).lane(crew_id, key, sorted(ours, key=_rank)))
    return lanes


class _Lanes:
    """Makes lanes for one reader at one moment."""

    def __init__(self, town: Town, words: Words, now_utc: datetime) -> None:
        """Take what every lane needs."""
        self._town, self._words, self._now_utc = town, words, now_utc

    def lane(self, crew_id: str, key: str, ours: Sequence[OrderRecord]) -> Lane:
        names = dict(self._town.crews)
        metres = ways(
            [self._town.places.get(each.order_id) for each in ours],
            self._town.stands.get(crew_id),
        )
        cards = [
            (span_of(each.document.due_at_utc, self._now_utc), self._card(each, crew_id, way))
            for each, way in zip(ours, metres, strict=True)
        ]
        whole = sum(way for way in metres if way is not None)
        return Lane(
            crew_id=crew_id,
            name=names.get(crew_id, crew_id) or self._words.gettext(mark("Nobody yet")),
            key=key,
            count=len(ours),
            late=sum(span is Span.LATE for span, _ in cards),
            way=kilometres(whole) if crew_id and whole else "",
            skills=self._skills(crew_id),
            cells=[
                Cell(span=str(span), cards=[card for at, card in cards if at is span])
                for span, _ in SPANS
            ],
        )

    def _card(self, record: OrderRecord, crew_id: str, way: float | None) -> Card:
        document, words = record.document, self._words
        fit = self._town.fit.get(record.order_id)
        skill = needed_skill(document.order_type, document.medium)
        told = "" if way is None else f"+{kilometres(way)}"
        return Card(
            order=order_row(record, words, self._now_utc, dict(self._town.crews), self._town.names),
            way=told if crew_id else self._nearest(record.order_id, fit),
            skill=label(words, SKILLS, skill),
            fit="*" if fit is None else " ".join(sorted(fit)),
            is_unfit=bool(crew_id) and fit is not None and crew_id not in fit,
        )

    def _nearest(self, order_id: str, fit: frozenset[str] | None) -> str:
        found = nearest_crew(self._town.places.get(order_id), self._town.stands, fit)
        if found is None:
            return ""
        crew_id, metres = found
        return f"{dict(self._town.crews).get(crew_id, crew_id)} {kilometres(metres)}"

    def _skills(self, crew_id: str) -> Sequence[SkillChip]:
        held: dict[Skill, list[datetime | None]] = {}
        for each in self._town.skills:
            if each.crew_id == crew_id:
                held.setdefault(each.skill, []).append(each.ends_at_utc)
        return [self._chip(skill, held[skill]) for skill in sorted(held)]

    def _chip(self, skill: Skill, ends: Sequence[datetime | None]) -> SkillChip:
        """Return the skill by the certificate of the crew that lasts longest."""
        known = [each for each in ends if each is not None]
        last = None if len(known) < len(ends) else max(known)
        tone = {Standing.EXPIRING: "warn", Standing.EXPIRED: "danger"}.get(
            standing_of(last, self._now_utc, _EXPIRING), "out"
        )
        until = "" if last is None else self._words.date(last)
        return SkillChip(words=label(self._words, SKILLS, skill), until=until, tone=tone)


def ways(stops: Sequence[Place | None], start: Place | None) -> Sequence[float | None]:
    """Return how far each stop is from the one before, in metres as the crow flies.

    The first counts from `start`; None where one of the two has no place.
    """
    found: list[float | None] = []
    here = start
    for stop in stops:
        found.append(None if stop is None or here is None else dist(here, stop))
        here = stop or here
    return found


def nearest_crew(
    place: Place | None, stands: Mapping[str, Place], fit: frozenset[str] | None
) -> tuple[str, float] | None:
    """Return the fit crew that is nearest with its distance in metres; None: not known."""
    if place is None:
        return None
    far = [
        (dist(at, place), crew_id)
        for crew_id, at in stands.items()
        if fit is None or crew_id in fit
    ]
    if not far:
        return None
    metres, crew_id = min(far)
    return crew_id, metres


def kilometres(metres: float) -> str:
    """Return a distance in words, such as `1.2 km`."""
    return f"{number(round(metres / 1000, 1))} km"


def _rank(record: OrderRecord) -> tuple[str, int, float]:
    due = record.document.due_at_utc
    at = due.timestamp() if due is not None else float("inf")
    return str(record.document.safety_class), record.document.priority, at
