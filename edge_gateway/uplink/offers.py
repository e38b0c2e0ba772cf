"""Decides which frames are on their way to the server and which must be offered again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

LONGEST_PAUSE = 8
"""An offer that stays unanswered is repeated after 1, 2, 4 and then always 8 time-outs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One published batch whose frames the server has not acknowledged yet.

    Attributes:
        seqs: Its open frames.
        sent_at_s: Monotonic wall seconds of the last publication.
        attempts: Publications so far.
    """

    seqs: Sequence[int]
    sent_at_s: float
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The offers on their way.

    Attributes:
        size: Most offers at a time.
        timeout_s: Wall seconds without an acknowledgement after which an offer goes again.
        offers: On their way, oldest first.
        heard_at_s: When the server last acknowledged anything.
    """

    size: int
    timeout_s: float
    offers: Sequence[Offer] = ()
    heard_at_s: float = float("-inf")

    def offered(self) -> frozenset[int]:
        """Return every seq that is on its way."""
        return frozenset(seq for offer in self.offers for seq in offer.seqs)

    def has_room(self) -> bool:
        """Return whether another batch may be published."""
        return len(self.offers) < self.size


def add_offer(window: Window, seqs: Sequence[int], now_s: float) -> Window:
    """Return the window with one more published batch."""
    return replace(window, offers=(*window.offers, Offer(seqs=tuple(seqs), sent_at_s=now_s)))


def settle(window: Window, acknowledged: Iterable[int], now_s: float) -> Window:
    """Return the window without the acknowledged seqs; an offer without open frames is gone."""
    done = frozenset(acknowledged)
    kept = (
        replace(offer, seqs=tuple(seq for seq in offer.seqs if seq not in done))
        for offer in window.offers
    )
    offers = tuple(offer for offer in kept if offer.seqs)
    return replace(window, offers=offers, heard_at_s=now_s)


def is_overdue(window: Window, offer: Offer, now_s: float) -> bool:
    """Return whether an offer must be published again.

    The pause doubles while the server is silent, so that its absence does not become a storm;
    once it has been heard after the last publication, the plain time-out holds again.
    """
    doubled = min(2 ** (offer.attempts - 1), LONGEST_PAUSE)
    factor = 1 if window.heard_at_s > offer.sent_at_s else doubled
    return now_s - offer.sent_at_s >= window.timeout_s * factor


def repeat_offer(window: Window, offer: Offer, now_s: float) -> Window:
    """Return the window after an overdue offer was published again."""
    again = replace(offer, sent_at_s=now_s, attempts=offer.attempts + 1)
    return replace(window, offers=tuple(again if one is offer else one for one in window.offers))


def forget_all(window: Window) -> Window:
    """Return the window with nothing on its way: after a new connection all is offered again."""
    return replace(window, offers=())
