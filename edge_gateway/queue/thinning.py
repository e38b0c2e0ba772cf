"""Decides which waiting frames give way when there is no room for all."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

HOUR_MS = 3_600_000
"""Of the old frames one per hour, meter and group remains: gateway notes, section 5."""

Slot = tuple[str, str, str]
"""Device, register group, and the hour by the wall or since a start of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One open frame as far as it matters here.

    Attributes:
        seq: Its number.
        size: Bytes of its body.
        body: Canonical JSON.
        at_ms: When it was measured.
        boot_id: The start of the machine that `boot_ms` counts from; None: `at_ms` is known.
        boot_ms: When it was measured, counted from there.
        gap: First, last and count of what it stands for when it is a gap record.
    """

    seq: int
    size: int
    body: bytes
    at_ms: int
    boot_id: str | None = None
    boot_ms: int | None = None
    gap: tuple[int, int, int] | None = None

    def carries_events(self) -> bool:
        """Return whether the meter reported something: such a frame never gives way."""
        return b'"e":[' in self.body and "e" in _content(self.body)

    def slot(self) -> Slot:
        """Return what it is one of many for."""
        content = _content(self.body)
        hour = (
            str(self.at_ms // HOUR_MS)
            if self.boot_id is None
            else f"{self.boot_id}/{(self.boot_ms or 0) // HOUR_MS}"
        )
        return str(content.get("d")), str(content.get("g")), hour


def _content(body: bytes) -> Mapping[str, object]:
    """Return what a body says; one that is damaged says nothing."""
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


@dataclass(slots=True)
class Thinned:
    """How far thinning has come; what was left in each hour is not looked at twice."""

    upto: int = 0
    slots: set[Slot] = field(default_factory=set)


def thin(waiting: Iterable[Waiting], done: Thinned, excess: int, newest_ms: int) -> list[Waiting]:
    """Return the frames that give way, one per hour, meter and group remaining.

    Frames with events, gap records and the newest hour stay. Advances `done`.

    Args:
        waiting: Open frames above `done.upto`, ascending.
        done: What earlier rounds have left.
        excess: Bytes to gain; no more is taken than that.
        newest_ms: Time of the newest frame in the queue.
    """
    gone: list[Waiting] = []
    for each in waiting:
        if excess <= 0 or each.at_ms > newest_ms - HOUR_MS:
            break
        done.upto = each.seq
        if each.gap is not None or each.carries_events():
            continue
        slot = each.slot()
        if slot in done.slots:
            gone.append(each)
            excess -= each.size
        done.slots.add(slot)
    return gone


def oldest(waiting: Iterable[Waiting], excess: int) -> list[Waiting]:
    """Return the oldest frames that free `excess` bytes.

    Frames with events stay, and gap records: one that gives way needs two in its place.
    """
    gone: list[Waiting] = []
    for each in waiting:
        if excess <= 0:
            break
        if each.gap is None and not each.carries_events():
            gone.append(each)
            excess -= each.size
    return gone


def repeated(waiting: Iterable[Waiting], excess: int) -> list[Waiting]:
    """Return the frames that only repeat the events of an older one, as many as are needed.

    The last to give way, for a meter that reports its flat battery in every frame for years.
    """
    gone: list[Waiting] = []
    said: dict[tuple[object, object], object] = {}
    for each in waiting:
        if excess <= 0:
            break
        content = _content(each.body)
        device, events = (content.get("d"), content.get("g")), content.get("e")
        if events and said.get(device) == events:
            gone.append(each)
            excess -= each.size
        said[device] = events
    return gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A run of numbers that will not come, and how many frames and gap records it held."""

    first: int
    last: int
    count: int


def losses(gone: Iterable[Waiting]) -> Sequence[Loss]:
    """Return the runs that the gone frames leave, with what gap records among them stood for.

    No run reaches over a number that is not gone, so that none hides a frame still to come.
    """
    pieces: list[tuple[int, int, int]] = []
    for each in gone:
        pieces.append((each.seq, each.seq, 1))
        if each.gap is not None:
            pieces.append(each.gap)
    runs: list[Loss] = []
    for first, last, count in sorted(pieces):
        if runs and first == runs[-1].last + 1:
            runs[-1] = Loss(first=runs[-1].first, last=last, count=runs[-1].count + count)
        else:
            runs.append(Loss(first=first, last=last, count=count))
    return runs
