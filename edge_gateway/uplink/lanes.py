"""Decides what is sent next: what was just read, and beside it what waited, newest hour first."""

from dataclasses import dataclass, replace

from edge_gateway.queue.seq_ranges import NONE, Ranges, subtract


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """How far the frames of one epoch have been offered on this connection.

    Attributes:
        live_at: Everything above was not offered yet and is live.
        block: First and last number of the hour that is being caught up; None: none.
        rest: What waits behind it.
    """

    live_at: int = 0
    block: tuple[int, int] | None = None
    rest: Ranges = NONE

    def has_backlog(self) -> bool:
        """Return whether there may be something left of what waited."""
        return self.block is not None or bool(self.rest)


def start_lanes(last_seq: int) -> Lanes:
    """Return the lanes of a new connection: all that is there has waited."""
    return Lanes(live_at=last_seq, rest=((1, last_seq),) if last_seq else NONE)


def open_block(lanes: Lanes, newest_hour: tuple[int, int] | None) -> Lanes:
    """Return the lanes with the newest hour of the rest begun.

    Args:
        lanes: With a rest and no block.
        newest_hour: First and last open number of the newest hour up to the end of the rest;
            None: nothing is open there.
    """
    if newest_hour is None:
        return replace(lanes, block=None, rest=NONE)
    first, last = newest_hour
    piece = next(((low, high) for low, high in lanes.rest if low <= last <= high), None)
    if piece is None:
        below = tuple((low, min(high, last)) for low, high in lanes.rest if low <= last)
        return replace(lanes, rest=below)
    first = max(first, piece[0])
    rest = subtract(lanes.rest, ((first, lanes.rest[-1][1]),))
    return replace(lanes, block=(first, last), rest=rest)


def advance_block(lanes: Lanes, upto: int | None) -> Lanes:
    """Return the lanes after frames of the block up to a number were offered; None: it is done."""
    if lanes.block is None or upto is None or upto >= lanes.block[1]:
        return replace(lanes, block=None)
    return replace(lanes, block=(upto + 1, lanes.block[1]))


def give_up_live(lanes: Lanes, last_seq: int) -> Lanes:
    """Return the lanes after nothing live could be sent for long: all that is there has waited."""
    if last_seq <= lanes.live_at:
        return lanes
    return replace(lanes, live_at=last_seq, rest=(*lanes.rest, (lanes.live_at + 1, last_seq)))


def offer_again(lanes: Lanes) -> Lanes:
    """Return the lanes with everything waiting again: frames were dated, or a server restored."""
    return start_lanes(lanes.live_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many frames of the backlog may go now.

    Attributes:
        per_s: Frames per wall second.
        left: Frames that may go at once.
        counted_at_s: When that was counted, monotonic wall seconds.
    """

    per_s: float
    left: float
    counted_at_s: float

    def at(self, now_s: float) -> "Allowance":
        """Return the allowance at a moment; at most one second's worth gathers."""
        earned = max(0.0, now_s - self.counted_at_s) * self.per_s
        left = min(max(self.per_s, 1.0), self.left + earned)
        return replace(self, left=left, counted_at_s=now_s)

    def spend(self, count: int) -> "Allowance":
        """Return the allowance after so many frames."""
        return replace(self, left=self.left - count)
