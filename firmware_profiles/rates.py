"""Whether a value follows from the last one that was believed, and when another is believed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from firmware_profiles.profile import Profile, wire_registers
from wire_contracts.quality import SUSPECT_RATE, QualityCode
from wire_contracts.quantities import TOTALISERS, Quantity

CONFIRMED_BY = 3
"""Polls in a row that agree with each other before they are believed against the one before them:
two may be one glitch seen twice (judgement)."""

MOVED_FOR = timedelta(minutes=5)
"""How long they must agree where the value may go up and down (judgement)."""

FELL_FOR = timedelta(hours=1)
"""How long a total that fell must count on: a meter that is started anew may show zeros for as
long as its firmware takes (judgement)."""

ZERO_FOR = timedelta(days=1)
"""How long a total that fell to zero and stays there must do so: a new meter that has counted
nothing yet looks like one that cannot read its memory (judgement)."""

RESTART_COUNTS = FELL_FOR / 2
"""What a restart of the gateway adds at most to how long a value has counted on: the meter may have
been without power as long, and the clock of the start may be wrong. One alone fills no `FELL_FOR`;
three polls a day apart with two of them between do, as without (judgement)."""

BACK_BY = 2
"""Polls in a row that go on from before one single rise: the rise was a torn or a wrong reading,
and what lies between two believed polls is wrong by no more than it (judgement)."""

_ROUNDING = Fraction(1, 10**6)
"""Share by which a total may be less than before: a float of 24 bits is no finer than a sixteenth
of it, and may be a sum of two."""

_HOUR = timedelta(hours=1)


class Point(NamedTuple):
    """A value in its canonical unit, and when it was read."""

    at_utc: datetime
    value: float


class Rule(NamedTuple):
    """How a quantity may move.

    Attributes:
        is_total: It only counts up.
        limit_per_hour: Most that it may move, in the canonical unit; None: any.
    """

    is_total: bool
    limit_per_hour: Fraction | None = None


class Rival(NamedTuple):
    """Values that do not follow from the believed one, but each from the one before.

    Attributes:
        last: The newest of them.
        polls: How many.
        is_fall: Whether a total fell to the first.
        is_back: Whether it fell no further than what the poll before the believed one brought.
        held: How long they have followed from each other.
        is_kept: Whether the newest was read before a restart of the gateway.
    """

    last: Point
    polls: int
    is_fall: bool
    is_back: bool = False
    held: timedelta = timedelta(0)
    is_kept: bool = False


class Trail(NamedTuple):
    """The last value that was believed, what speaks for another, and the one of the poll before."""

    believed: Point
    rival: Rival | None = None
    before: float | None = None


class Turn(StrEnum):
    """What became of a total."""

    FELL = "fell"
    RETURNED = "returned"
    SETTLED = "settled"


class Step(NamedTuple):
    """What one more value means.

    Attributes:
        trail: What is known from now on.
        code: Its quality; None: it is believed.
        turn: What the server should be told of a total.
    """

    trail: Trail
    code: QualityCode | None = None
    turn: Turn | None = None


class TotalTurn(NamedTuple):
    """A total that fell, or what became of it.

    Attributes:
        quantity: Which.
        turn: What happened.
        was: The last value that was believed, in the canonical unit.
        now: The value of this poll.
    """

    quantity: Quantity
    turn: Turn
    was: float
    now: float


class Followed(NamedTuple):
    """What one more poll means.

    Attributes:
        trails: What is known from now on.
        suspects: The quality of what is not believed.
        turns: What the server should be told of totals.
    """

    trails: Mapping[Quantity, Trail]
    suspects: Mapping[Quantity, QualityCode]
    turns: Sequence[TotalTurn]


_ANY_TOTAL = Rule(is_total=True)

COUNTS_UP: Mapping[Quantity, Rule] = dict.fromkeys(sorted(TOTALISERS), _ANY_TOTAL)
"""How the values of a meter move that has no register map: its totals do not fall."""


def rules_of(profile: Profile) -> Mapping[Quantity, Rule]:
    """Return how the quantities of a profile may move: its totals, and those with a `max_rate`.

    A total that `may_fall` is none here; one whose profile counts its rounds (`rollover_from`)
    does not fall when it goes round.
    """
    rules = {
        quantity: Rule(
            quantity in TOTALISERS and not register.limits.may_fall,
            register.limits.max_rate_per_hour,
        )
        for quantity, register in wire_registers(profile).items()
    }
    return {name: rule for name, rule in rules.items() if rule != Rule(is_total=False)}


def follow(
    rules: Mapping[Quantity, Rule],
    trails: Mapping[Quantity, Trail],
    values: Mapping[Quantity, float],
    at_utc: datetime,
) -> Followed:
    """Return which values of a poll are believed.

    Where a total has fallen to zero every other zero is doubted with it: the meter shows nothing.
    That counts for its other register groups too, until it shows a total again.

    Args:
        rules: How the quantities may move.
        trails: What is known of them, whatever their group.
        values: The good values of the poll, in canonical units.
        at_utc: When it was.
    """
    is_quiet = not [trail for trail in trails.values() if trail.rival is not None]
    moved = [
        (quantity, rule, now)
        for quantity, rule in rules.items()
        if (now := values.get(quantity)) is not None
        and not (is_quiet and _stands(rule, trails.get(quantity), now))
    ]
    if is_quiet and not moved:
        return Followed(trails, {}, ())
    known = dict(trails)
    suspects: dict[Quantity, QualityCode] = {}
    turns: list[TotalTurn] = []
    for quantity, rule, now in moved:
        before = known.get(quantity)
        found = step(rule, before, Point(at_utc, now))
        known[quantity] = found.trail
        if found.code is not None:
            suspects[quantity] = found.code
        if found.turn is not None and before is not None:
            turns.append(TotalTurn(quantity, found.turn, before.believed.value, now))
    has_fallen = any(quantity in TOTALISERS and not values[quantity] for quantity in suspects)
    if has_fallen or not (is_quiet or _shows_totals(known)):
        known = _without_zeros(known, trails, [name for name in known if name not in suspects])
        suspects.update((name, SUSPECT_RATE) for name, value in values.items() if not value)
    return Followed(known, suspects, turns)


def _without_zeros(
    known: Mapping[Quantity, Trail], before: Mapping[Quantity, Trail], names: Sequence[Quantity]
) -> dict[Quantity, Trail]:
    """Return what is known when zeros of a poll that followed are not believed after all."""
    kept = dict(known)
    for name in names:
        if not kept[name].believed.value:
            del kept[name]
            kept.update({name: before[name]} if name in before else {})
    return kept


def shifted(
    trails: Mapping[Quantity, Trail], by: timedelta, before_utc: datetime
) -> Mapping[Quantity, Trail]:
    """Return the trails as they are behind a step of the clock: as much time has passed as before.

    Args:
        trails: What is known.
        by: How far the clock was moved forward; negative: back.
        before_utc: The clock ahead of the step; what is later was read by another clock.
    """

    def moved(point: Point) -> Point:
        return point if point.at_utc > before_utc else point._replace(at_utc=point.at_utc + by)

    def moved_rival(rival: Rival | None) -> Rival | None:
        if rival is None:
            return None
        return rival._replace(last=moved(rival.last))

    return {
        quantity: trail._replace(believed=moved(trail.believed), rival=moved_rival(trail.rival))
        for quantity, trail in trails.items()
    }


def kept_totals(trails: Mapping[Quantity, Trail]) -> Mapping[Quantity, Trail]:
    """Return what of the trails outlasts a restart: those of totals, with what speaks for others.

    A total that fell lawfully would else be doubted anew behind each restart, and never believed
    where the gateway is started more often than its meters are read.
    """
    return {
        quantity: trail if trail.rival is None else _kept(trail, trail.rival)
        for quantity, trail in trails.items()
        if quantity in TOTALISERS
    }


def _kept(trail: Trail, rival: Rival) -> Trail:
    return trail._replace(rival=rival._replace(is_kept=True))


def _shows_totals(trails: Mapping[Quantity, Trail]) -> bool:
    """Return whether a total above zero was read behind the last one that had fallen to zero."""
    zeros = [
        trail.rival.last.at_utc
        for trail in trails.values()
        if trail.rival is not None and trail.rival.is_fall and not trail.rival.last.value
    ]
    shown = [
        trail.believed.at_utc
        for quantity, trail in trails.items()
        if quantity in TOTALISERS and trail.believed.value
    ]
    return not zeros or bool(shown and max(shown) > max(zeros))


def step(rule: Rule, trail: Trail | None, now: Point) -> Step:
    """Return whether a value is believed, `suspect_rate` if not.

    What is not believed is no measure for the next value, until it has been confirmed.

    Args:
        rule: How the quantity may move.
        trail: What is known of it; None at the first value.
        now: The value.
    """
    if trail is None:
        return Step(Trail(now))
    rival = trail.rival
    if _follows(rule, trail.believed, now):
        has_fallen = rival is not None and rival.is_fall and not rival.is_back
        trail = Trail(now, before=trail.believed.value)
        return Step(trail, turn=Turn.RETURNED if has_fallen else None)
    if rival is None or not _follows(rule, rival.last, now):
        return _doubted(rule, trail, now)
    rival = _counted_on(rival, now)
    if not _is_confirmed(rival):
        return Step(trail._replace(rival=rival), SUSPECT_RATE)
    has_settled = rival.is_fall and not rival.is_back
    return Step(Trail(now), turn=Turn.SETTLED if has_settled else None)


def _doubted(rule: Rule, trail: Trail, now: Point) -> Step:
    """Return what the first value means that does not follow."""
    is_fall = _falls(rule, trail.believed, now)
    is_back = is_fall and trail.before is not None and now.value >= trail.before
    rival = trail.rival
    is_known = rival is not None and rival.is_fall and not rival.is_back
    turn = Turn.FELL if is_fall and not (is_back or is_known) else None
    return Step(trail._replace(rival=Rival(now, 1, is_fall, is_back)), SUSPECT_RATE, turn)


def _counted_on(rival: Rival, now: Point) -> Rival:
    """Return a rival with one more value; a clock that went back adds no time."""
    passed = max(timedelta(0), now.at_utc - rival.last.at_utc)
    if rival.is_kept:
        passed = min(passed, RESTART_COUNTS)
    held = rival.held + passed
    return rival._replace(last=now, polls=rival.polls + 1, held=held, is_kept=False)


def _is_confirmed(rival: Rival) -> bool:
    """Return whether a rival has said the same often and long enough."""
    if rival.is_back:
        return rival.polls >= BACK_BY
    return rival.polls >= CONFIRMED_BY and rival.held >= _needed(rival)


def _stands(rule: Rule, trail: Trail | None, value: float) -> bool:
    """Return whether a total is what it was: nothing changes, and most polls of most are so."""
    if trail is None or trail.rival is not None or rule != _ANY_TOTAL:
        return False
    return value == trail.believed.value and trail.before in {None, value}


def _needed(rival: Rival) -> timedelta:
    if not rival.is_fall:
        return MOVED_FOR
    return FELL_FOR if rival.last.value else ZERO_FOR


def _follows(rule: Rule, earlier: Point, later: Point) -> bool:
    """Return whether one value may come behind another; where time stands still any speed may."""
    if _falls(rule, earlier, later):
        return False
    passed = later.at_utc - earlier.at_utc
    if rule.limit_per_hour is None or passed <= timedelta(0):
        return True
    moved = abs(Fraction(later.value) - Fraction(earlier.value))
    return moved <= rule.limit_per_hour * Fraction(passed / _HOUR)


def _falls(rule: Rule, earlier: Point, later: Point) -> bool:
    if not rule.is_total or later.value >= earlier.value:
        return False
    return earlier.value - later.value > _ROUNDING * abs(Fraction(earlier.value))
