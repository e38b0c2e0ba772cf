"""Decides which frames are on their way to the server and which must be offered again.

One broker connection keeps the order of publications, and the server takes them in that order. Its
word on a later publication therefore proves that it has passed over an earlier one; a word that
merely comes later proves nothing, because a slow server may be many batches behind. What was
passed over need not be refused either: a broker whose queue is full drops what it has confirmed.
As soon as one batch that was passed over is taken after all, no other is held against the server.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

LONGEST_PAUSE = 8
"""An offer that stays unanswered is repeated after 1, 2, 4 and then always 8 time-outs."""

BACKLOG_SHARE = 0.2
"""Of the window, for what waited while there are live frames too; gateway notes, section 5."""

IGNORED_ENOUGH = 3
"""Publications of a batch that the server passed over, after which its frames go one by one."""

IGNORED_ALONE = 10
"""Publications of one frame that it passed over while it took every other: it will not take it.
Judgement: it costs a slot of the window and no other frame's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One published batch whose frames the server has not acknowledged yet.

    Attributes:
        seqs: Its open frames.
        sent_at_s: Monotonic wall seconds of the last publication.
        first_number: Which of all publications was the first of this batch.
        last_number: Which was the last.
        attempts: Publications so far.
        epoch: Whose numbers these are.
        is_backlog: Whether they waited for the connection.
        ignored: Publications that the server passed over.
    """

    seqs: Sequence[int]
    sent_at_s: float
    first_number: int
    last_number: int
    attempts: int = 1
    epoch: int = 0
    is_backlog: bool = False
    ignored: int = 0

    def is_doubtful(self) -> bool:
        """Return whether the server, though it is there, does not take this batch."""
        return self.ignored >= (IGNORED_ALONE if len(self.seqs) == 1 else IGNORED_ENOUGH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The offers on their way.

    Attributes:
        size: Most offers at a time.
        timeout_s: Wall seconds without an acknowledgement after which an offer goes again.
        offers: On their way, oldest first.
        published: Publications so far.
        passed: The newest publication that the server is known to have reached.
    """

    size: int
    timeout_s: float
    offers: Sequence[Offer] = ()
    published: int = 0
    passed: int = 0

    def offered(self, epoch: int = 0) -> frozenset[int]:
        """Return every seq of an epoch that is on its way."""
        return frozenset(seq for offer in self.offers if offer.epoch == epoch for seq in offer.seqs)

    def has_room(self, *, is_backlog: bool = False, has_other: bool = False) -> bool:
        """Return whether another batch may be published.

        Args:
            is_backlog: For what waited, which leaves room for what is read next.
            has_other: Whether the other lane has something to send as well.
        """
        if len(self.offers) >= self.size:
            return False
        reserved = max(1, round(self.size * BACKLOG_SHARE)) if self.size > 1 else 0
        old = sum(offer.is_backlog for offer in self.offers)
        if is_backlog:
            return old < (max(1, reserved) if has_other else self.size - reserved)
        return not has_other or len(self.offers) - old < self.size - reserved


def add_offer(
    window: Window,
    seqs: Sequence[int],
    now_s: float,
    *,
    epoch: int = 0,
    is_backlog: bool = False,
) -> Window:
    """Return the window with one more published batch."""
    number = window.published + 1
    offer = Offer(
        seqs=tuple(seqs),
        sent_at_s=now_s,
        first_number=number,
        last_number=number,
        epoch=epoch,
        is_backlog=is_backlog,
    )
    return replace(window, offers=(*window.offers, offer), published=number)


def settle(window: Window, acknowledged: Iterable[int], *, epoch: int = 0) -> Window:
    """Return the window without the acknowledged seqs; an offer without open frames is gone.

    Of a batch that was published more than once the word may be for the first publication.
    """
    done = frozenset(acknowledged)
    taken = [
        offer for offer in window.offers if offer.epoch == epoch and not done.isdisjoint(offer.seqs)
    ]
    if not taken:
        return window
    passed = max(offer.first_number for offer in taken)
    is_lossy = any(offer.ignored for offer in taken)
    left = [
        _without(offer, done if offer.epoch == epoch else frozenset()) for offer in window.offers
    ]
    offers = (replace(offer, ignored=0) if is_lossy else offer for offer in left if offer.seqs)
    return replace(window, offers=tuple(offers), passed=max(window.passed, passed))


def _without(offer: Offer, done: frozenset[int]) -> Offer:
    """Return an offer of what is still open in it; most are touched by no acknowledgement."""
    if done.isdisjoint(offer.seqs):
        return offer
    return replace(offer, seqs=tuple(seq for seq in offer.seqs if seq not in done))


def is_overdue(window: Window, offer: Offer, now_s: float) -> bool:
    """Return whether an offer must be published again.

    The pause doubles while the server is silent or behind, so that neither becomes a storm; once
    it has passed over the last publication, the plain time-out holds again.
    """
    doubled = min(2 ** (offer.attempts - 1), LONGEST_PAUSE)
    factor = 1 if _is_passed(window, offer) else doubled
    return now_s - offer.sent_at_s >= window.timeout_s * factor


def repeat_offer(window: Window, offer: Offer, now_s: float) -> Window:
    """Return the window after an overdue offer was published again."""
    number = window.published + 1
    again = replace(
        offer,
        sent_at_s=now_s,
        last_number=number,
        attempts=offer.attempts + 1,
        ignored=offer.ignored + _is_passed(window, offer),
    )
    offers = tuple(again if one is offer else one for one in window.offers)
    return replace(window, offers=offers, published=number)


def _is_passed(window: Window, offer: Offer) -> bool:
    """Return whether the server has spoken of a publication behind the offer's last one."""
    return window.passed > offer.last_number


def take_out(window: Window, offer: Offer) -> Window:
    """Return the window without an offer that is given up or taken apart."""
    return replace(window, offers=tuple(one for one in window.offers if one is not offer))


def forget_all(window: Window) -> Window:
    """Return the window with nothing on its way: after a new connection all is offered again."""
    return replace(window, offers=())
