"""Decides which candidates become alerts, which join an open one, and when an alert is over.

One alert per meter and lane. Candidates are taken in the order of their clock, across detectors:
what an open alert already explains does not raise a second one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sync_server.detection.meters.candidates import Candidate
from wire_contracts.kinds import Kind

HOUR_S = 3600
DAY_S = 86_400


class Lane(StrEnum):
    """Candidates of one meter and lane are one alert.

    Finer than the family: a stuck register must not hide behind an open bypass, and two events
    of the register (roll-over, exchange) are two alerts.
    """

    EXCESS = "excess"
    DROP = "drop"
    STUCK = "stuck"
    THERMAL = "thermal"
    ROLLOVER = "rollover"
    EXCHANGE = "exchange"
    REVERSED = "reversed"
    SCALE = "scale"
    CLOCK = "clock"
    GAP = "gap"
    FROZEN = "frozen"
    NETWORK = "network"


LANE: Mapping[Kind, Lane] = {
    Kind.SLOW_LEAK: Lane.EXCESS,
    Kind.BURST: Lane.EXCESS,
    Kind.VALVE_OPEN: Lane.EXCESS,
    Kind.BYPASS: Lane.DROP,
    Kind.STUCK: Lane.STUCK,
    Kind.RETURN_HIGH: Lane.THERMAL,
    Kind.TEMP_DRIFT: Lane.THERMAL,
    Kind.ROLLOVER: Lane.ROLLOVER,
    Kind.EXCHANGE: Lane.EXCHANGE,
    Kind.REVERSED: Lane.REVERSED,
    Kind.UNIT_SCALE: Lane.SCALE,
    Kind.CLOCK_SHIFT: Lane.CLOCK,
    Kind.COMM_GAP: Lane.GAP,
    Kind.COMM_FROZEN: Lane.FROZEN,
    Kind.NETWORK_LEAK: Lane.NETWORK,
}

_CONSUMPTION = frozenset({Lane.EXCESS, Lane.DROP, Lane.THERMAL, Lane.NETWORK})

EXPLAINS: Mapping[Lane, frozenset[Lane]] = {
    Lane.SCALE: _CONSUMPTION | {Lane.STUCK, Lane.EXCHANGE, Lane.REVERSED},
    Lane.REVERSED: _CONSUMPTION | {Lane.STUCK, Lane.SCALE},
    Lane.FROZEN: _CONSUMPTION | {Lane.STUCK},
    Lane.STUCK: _CONSUMPTION | {Lane.FROZEN, Lane.SCALE},
    Lane.GAP: _CONSUMPTION | {Lane.STUCK},
    Lane.EXCHANGE: _CONSUMPTION | {Lane.SCALE},
    Lane.ROLLOVER: frozenset({Lane.EXCHANGE, Lane.REVERSED}),
    Lane.EXCESS: frozenset({Lane.THERMAL}),
    Lane.DROP: frozenset({Lane.THERMAL}),
    Lane.THERMAL: frozenset({Lane.EXCESS, Lane.DROP}),
}
"""An open alert of the lane on the left explains candidates of the lanes on the right: while a
data-quality alert is open the consumption detectors are masked (METHODS 6.7)."""

HOLD_S: Mapping[Lane, int] = {
    Lane.EXCESS: 3 * DAY_S,
    Lane.DROP: 3 * DAY_S,
    Lane.STUCK: DAY_S,
    Lane.THERMAL: 3 * DAY_S,
    Lane.ROLLOVER: HOUR_S,
    Lane.EXCHANGE: 5 * HOUR_S,
    Lane.REVERSED: DAY_S,
    Lane.SCALE: DAY_S,
    Lane.CLOCK: DAY_S,
    Lane.GAP: 0,
    Lane.FROZEN: DAY_S,
    Lane.NETWORK: 3 * DAY_S,
}
"""Quiet time after which an alert clears itself: a day for hourly rules, three for daily ones and
three intervals at least (METHODS 6.7); events of the register and the line are over when they are
told."""

REARM_S: Mapping[Lane, int] = {
    **dict.fromkeys(Lane, 4 * DAY_S),
    Lane.ROLLOVER: 0,
    Lane.EXCHANGE: 5 * HOUR_S,
    Lane.GAP: 0,
}
"""Within this quiet time a new candidate reopens the alert instead of raising another."""

SEVERITY: Mapping[Kind, int] = {Kind.SLOW_LEAK: 1, Kind.VALVE_OPEN: 2, Kind.BURST: 3}
"""Within one alert the graver kind is shown."""


class Change(StrEnum):
    """What becomes of an alert.

    RAISED is a new alert; the others change one that exists. ESCALATED: a graver kind.
    STRENGTHENED: a higher score. REOPENED: it had cleared, and came back within the re-arm time.
    CLEARED: quiet for its hold time.
    """

    RAISED = "raised"
    ESCALATED = "escalated"
    STRENGTHENED = "strengthened"
    REOPENED = "reopened"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedAlert:
    """One alert of the book.

    Attributes:
        row: Row of the fleet.
        lane: Its lane.
        kind: The gravest kind so far.
        raised_at_s: When it was raised, on the clock of arrivals.
        held_at_s: The newest candidate, on the same clock.
        score: The highest score so far.
        is_open: Whether it has not cleared.
        hold_s: Quiet time after which it clears.
    """

    row: int
    lane: Lane
    kind: Kind
    raised_at_s: int
    held_at_s: int
    score: float
    is_open: bool = True
    hold_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """One change of one alert; `candidate` is its cause, None when it clears."""

    change: Change
    alert: BookedAlert
    at_s: int
    candidate: Candidate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBook:
    """The newest alert of each meter and lane, open or within its re-arm time."""

    alerts: Mapping[tuple[int, Lane], BookedAlert] = field(
        default_factory=dict[tuple[int, Lane], BookedAlert]
    )


def decide_alerts(
    book: AlertBook, candidates: Sequence[Candidate], now_s: int
) -> tuple[AlertBook, Sequence[AlertChange]]:
    """Return the next book and what changed, in the order of the clock.

    Args:
        book: The book after the last call.
        candidates: New candidates, in any order.
        now_s: The present; alerts that were quiet until now for their hold time clear.
    """
    alerts = dict(book.alerts)
    changes: list[AlertChange] = []
    ordered = sorted(candidates, key=lambda each: (each.at_s, each.row, -each.score, each.kind))
    for candidate in ordered:
        _clear_row(alerts, changes, candidate)
        change = _take_in(alerts, candidate)
        if change is not None:
            changes.append(change)
    for place, alert in list(alerts.items()):
        _clear(alerts, changes, place, alert, now_s)
        if now_s - alert.held_at_s > alert.hold_s + REARM_S[alert.lane]:
            del alerts[place]
    return AlertBook(alerts=alerts), changes


def _clear_row(
    alerts: dict[tuple[int, Lane], BookedAlert], changes: list[AlertChange], candidate: Candidate
) -> None:
    for lane in Lane:
        alert = alerts.get((candidate.row, lane))
        if alert is not None and not _goes_on(alert, candidate):
            _clear(alerts, changes, (candidate.row, lane), alert, candidate.at_s)


def _goes_on(alert: BookedAlert, candidate: Candidate) -> bool:
    """Return whether it is the same silence: the candidate says by itself since when it lasts."""
    is_silence = alert.lane is Lane.GAP and candidate.kind is Kind.COMM_GAP
    return is_silence and candidate.start_s < alert.held_at_s


def _clear(
    alerts: dict[tuple[int, Lane], BookedAlert],
    changes: list[AlertChange],
    place: tuple[int, Lane],
    alert: BookedAlert,
    at_s: int,
) -> None:
    over_s = alert.held_at_s + alert.hold_s
    if alert.is_open and at_s > over_s:
        alerts[place] = replace(alert, is_open=False)
        changes.append(AlertChange(change=Change.CLEARED, alert=alerts[place], at_s=over_s))


def _take_in(
    alerts: dict[tuple[int, Lane], BookedAlert], candidate: Candidate
) -> AlertChange | None:
    lane = LANE[candidate.kind]
    place = (candidate.row, lane)
    alert = alerts.get(place)
    if alert is not None and (
        candidate.at_s <= alert.held_at_s + max(alert.hold_s, REARM_S[lane])
        or _goes_on(alert, candidate)
    ):
        return _join(alerts, place, alert, candidate)
    explaining = _explaining(alerts, candidate.row, lane)
    if explaining is not None:
        held_at_s = max(explaining.held_at_s, candidate.at_s)
        alerts[candidate.row, explaining.lane] = replace(explaining, held_at_s=held_at_s)
    if not candidate.is_raised or explaining is not None:
        return None
    alerts[place] = BookedAlert(
        row=candidate.row,
        lane=lane,
        kind=candidate.kind,
        raised_at_s=candidate.at_s,
        held_at_s=candidate.at_s,
        score=candidate.score,
        hold_s=max(HOLD_S[lane], candidate.holds_s),
    )
    return AlertChange(
        change=Change.RAISED, alert=alerts[place], at_s=candidate.at_s, candidate=candidate
    )


def _join(
    alerts: dict[tuple[int, Lane], BookedAlert],
    place: tuple[int, Lane],
    alert: BookedAlert,
    candidate: Candidate,
) -> AlertChange | None:
    is_graver = SEVERITY.get(candidate.kind, 0) > SEVERITY.get(alert.kind, 0)
    is_graver = is_graver and candidate.is_raised
    joined = replace(
        alert,
        held_at_s=max(alert.held_at_s, candidate.at_s),
        kind=candidate.kind if is_graver else alert.kind,
        score=max(alert.score, candidate.score),
        is_open=alert.is_open or candidate.is_raised,
    )
    alerts[place] = joined
    change = _change_of(alert, joined, is_graver=is_graver)
    if change is None:
        return None
    return AlertChange(change=change, alert=joined, at_s=candidate.at_s, candidate=candidate)


def _change_of(before: BookedAlert, after: BookedAlert, *, is_graver: bool) -> Change | None:
    if after.is_open and not before.is_open:
        return Change.REOPENED
    if is_graver:
        return Change.ESCALATED
    return Change.STRENGTHENED if after.score > before.score else None


def _explaining(
    alerts: Mapping[tuple[int, Lane], BookedAlert], row: int, lane: Lane
) -> BookedAlert | None:
    """Return the open alert that explains a candidate of this lane; the candidate holds it."""
    for by, explained in EXPLAINS.items():
        alert = alerts.get((row, by))
        if lane in explained and alert is not None and alert.is_open:
            return alert
    return None
