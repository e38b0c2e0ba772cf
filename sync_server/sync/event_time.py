"""Decides when a tap happened, from all the clocks a tablet has (trap T21)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from wire_contracts.frames import utc_from_ms
from wire_contracts.operations import DeviceTime

SUSPECT_OFFSET = timedelta(minutes=2)
"""A clock further off than this is flagged (sync spec 1.6, T21)."""

_SUSPECT_MS = SUSPECT_OFFSET // timedelta(milliseconds=1)


class EventTime(NamedTuple):
    """The corrected moment, ms since 1970, and whether the tablet's clock was off.

    `is_doubtful`: the moment itself may be off by minutes. A clock that is known to be off gives
    exact times; one that contradicts the server's words or the boot's other taps does not.

    A tuple, as what else a push makes for each of its operations: a value class takes several
    times as long to make.
    """

    at_ms: int
    is_suspect: bool
    is_doubtful: bool = False

    @property
    def at_utc(self) -> datetime:
        """The corrected moment."""
        return utc_from_ms(self.at_ms)

    def doubted(self, *, is_so: bool) -> "EventTime":
        """Return the same moment, doubtful also where `is_so`."""
        return self._replace(is_doubtful=self.is_doubtful or is_so)


class BootTimes:
    """The corrected times of one boot of a tablet, by its monotonic clock.

    A boot's times never run backwards against it (invariant I14), in whatever order taps arrive;
    between two taps at least as much time passed as the monotonic clock counted. From a time that
    must be doubted nothing is counted on: one tap of a clock that was hours fast was moved to its
    receipt, and would move every later one as far.
    """

    def __init__(self, known: Iterable[tuple[int, int, bool]] = ()) -> None:
        """Take what is known: the monotonic clock and the corrected time, both in ms; its doubt."""
        taps = sorted(known)
        self._mono_ms = [mono_ms for mono_ms, _, _ in taps]
        self._at_ms = [at_ms for _, at_ms, _ in taps]
        self._is_doubtful = [is_doubtful for _, _, is_doubtful in taps]

    def bounds(self, mono_ms: int) -> tuple[int | None, int | None]:
        """Return the earliest and the latest time, ms, that fit the taps before and after."""
        before = bisect_right(self._mono_ms, mono_ms) - 1
        after = bisect_left(self._mono_ms, mono_ms)
        low = self._earliest(before, mono_ms) if before >= 0 else None
        if after == len(self._mono_ms):
            return low, None
        high = self._at_ms[after] - (self._mono_ms[after] - mono_ms)
        if before >= 0:
            high = max(high, self._at_ms[before])
        return low, min(high, self._at_ms[after])

    def _earliest(self, before: int, mono_ms: int) -> int:
        """Return the earliest time after a tap, counted on from the last one that is believed."""
        at_ms = self._at_ms[before]
        for place in range(before, -1, -1):
            if not self._is_doubtful[place]:
                return max(at_ms, self._at_ms[place] + mono_ms - self._mono_ms[place])
        return at_ms

    def add(self, mono_ms: int, at_ms: int, *, is_doubtful: bool) -> None:
        """Remember a tap."""
        place = bisect_right(self._mono_ms, mono_ms)
        self._mono_ms.insert(place, mono_ms)
        self._at_ms.insert(place, at_ms)
        self._is_doubtful.insert(place, is_doubtful)


def had_by(taps: Iterable[tuple[str, DeviceTime]], told: Mapping[str, int]) -> dict[str, int]:
    """Return when a former server had operations at the latest, ms, by id; of others nothing.

    `taps`: id and time of each. What was tapped in one boot before what it had was tapped before.
    """
    found: dict[str, int] = {}
    newest: dict[str, int] = {}
    for op_id, at in sorted(taps, key=lambda each: each[1].mono_ms, reverse=True):
        told_ms = told.get(op_id) or None
        known_ms = newest.get(at.boot_id)
        had_ms = [each for each in (told_ms, known_ms) if each is not None]
        if had_ms:
            found[op_id] = newest[at.boot_id] = min(had_ms)
    return found


def corrected_time(
    at: DeviceTime,
    *,
    earliest_ms: int,
    received_at_ms: int,
    boot: BootTimes | None = None,
    had_at_ms: int | None = None,
) -> EventTime:
    """Return the tap's time on the server's clock.

    The tablet's wall clock plus its known offset; what lies outside of its bounds is moved to the
    nearer end. Bounds are the last contact before the tap (the enrolment `earliest_ms`, when the
    tablet does not say), the taps of the same boot, and the receipt. A tap from before the
    enrolment keeps its time and is flagged: a tablet that was enrolled anew still has its words.
    `had_at_ms`: when a former server had it; not before the taps before it.
    """
    corrected_ms = at.wall_ms + at.offset_ms
    high_ms = received_at_ms
    low_ms = earliest_ms if at.contact_ms is None else at.contact_ms
    if boot is not None:
        after_ms, before_ms = boot.bounds(at.mono_ms)
        high_ms = high_ms if before_ms is None else min(high_ms, before_ms)
        low_ms = low_ms if after_ms is None else max(low_ms, after_ms)
        had_at_ms = had_at_ms and max(had_at_ms, after_ms or had_at_ms)
    high_ms = min(high_ms, had_at_ms or high_ms)
    clamped_ms = max(min(low_ms, high_ms), min(corrected_ms, high_ms))
    is_moved = abs(clamped_ms - corrected_ms) > _SUSPECT_MS
    is_off = is_moved or abs(at.offset_ms) > _SUSPECT_MS or clamped_ms < earliest_ms
    is_doubtful = is_moved or (is_off and at.contact_ms is None)
    if boot is not None:
        boot.add(at.mono_ms, clamped_ms, is_doubtful=is_doubtful)
    return EventTime(at_ms=clamped_ms, is_suspect=is_off, is_doubtful=is_doubtful)


def last_word_utc(at: DeviceTime, time: EventTime) -> datetime:
    """Return when the server last spoke to the tablet before the tap, by the server's own clock.

    No clock of the tablet can spoil it. The tap's time where the tablet does not say.
    """
    return known_word_utc(at) or time.at_utc


def known_word_utc(at: DeviceTime) -> datetime | None:
    """Return as `last_word_utc`; None where the tablet does not say."""
    return None if at.contact_ms is None else utc_from_ms(at.contact_ms)
