"""Decides which late answers may still come, so that none is taken for that of another request.

RTU and ASCII answers carry no number: an answer that comes late has the bytes of one that is in
time, if unit, function and byte count are the same. How late it comes is not bounded by any
silence we keep: a serial server queues, a radio link stalls. What holds is the order: a unit
answers its requests in the order they were sent, or not at all. So a request without an answer
leaves a debt, and while the debt stands no request of the same shape is sent to that unit. It is
settled when the late answer is seen, or when the unit answers a later request, or after a time
that is far longer than any answer has been seen to take. A unit that was heard to say what nobody
asked (it answers twice, or a serial server repeats for it) owes after every answer for a while.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from edge_gateway.links.modbus_frames import Shape

LEAST_OWED_S = 10.0
OWED_TIMEOUTS = 30
"""A debt stands for 30 time-outs, at least 10 s. Judgement: serial servers wait 1 to 5 s for their
meter, radio links stall for seconds; the fault slaves of the tests answer after 6 time-outs."""

KNOWN_TRANSACTIONS = 64
"""How far back a transaction number is known as ours: far more than are ever late."""

CLEAN_ANSWERS = 32
"""Answers after which a unit that said what nobody asked is trusted again. Judgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """A request that nothing answered, and the monotonic second until which an answer may come."""

    shape: Shape
    until_s: float


@dataclass(slots=True)
class OwedAnswers:
    """What one line may still bring of earlier requests.

    Attributes:
        debts: The debts of every unit, oldest first.
        talkative: Units that nobody trusts to answer once, and for how many answers more.
        numbers: Transactions that were asked, where frames carry their number.
    """

    debts: dict[int, Sequence[Debt]] = field(default_factory=dict)
    talkative: dict[int, int] = field(default_factory=dict)
    numbers: deque[int] = field(default_factory=lambda: deque(maxlen=KNOWN_TRANSACTIONS))

    def lose(self, shape: Shape, *, now_s: float, timeout_s: float) -> None:
        """Note that a request got no answer."""
        until_s = now_s + max(LEAST_OWED_S, OWED_TIMEOUTS * timeout_s)
        others = [debt for debt in self._live(shape.unit, now_s) if debt.shape != shape]
        self.debts[shape.unit] = [*others, Debt(shape=shape, until_s=until_s)]

    def owes(self, shape: Shape, *, now_s: float) -> bool:
        """Return whether an answer of this shape may be that of an earlier request."""
        return any(debt.shape == shape for debt in self._live(shape.unit, now_s))

    def owes_refusal(self, shape: Shape, *, now_s: float) -> bool:
        """Return whether an exception to this function may be that of an earlier request."""
        live = self._live(shape.unit, now_s)
        return any(debt.shape.function == shape.function for debt in live)

    def hear(self, payload: bytes, *, now_s: float) -> bool:
        """Return whether a frame settles a debt: the first that it fits, and all before it."""
        live = self._live(payload[0], now_s)
        for index, debt in enumerate(live):
            if debt.shape.fits(payload) or debt.shape.is_refusal(payload):
                self.debts[payload[0]] = live[index + 1 :]
                return True
        return False

    def settle(self, shape: Shape, *, now_s: float, timeout_s: float) -> None:
        """Note that a unit answered a request that was sent after all it owed."""
        self.debts.pop(shape.unit, None)
        left = self.talkative.pop(shape.unit, 0)
        if left:
            self.lose(shape, now_s=now_s, timeout_s=timeout_s)
            self.talkative[shape.unit] = left - 1

    def distrust(self, unit: int) -> None:
        """Note that a unit said what nobody asked: it may say everything twice."""
        self.talkative[unit] = CLEAN_ANSWERS

    def is_clear(self, now_s: float) -> bool:
        """Return whether no unit owes anything."""
        return not any(self._live(unit, now_s) for unit in tuple(self.debts))

    def free(self, shapes: Iterable[Shape], *, now_s: float) -> Shape | None:
        """Return the first shape whose answer could only be that of a request sent now."""
        return next((each for each in shapes if not self.owes(each, now_s=now_s)), None)

    def _live(self, unit: int, now_s: float) -> Sequence[Debt]:
        return [debt for debt in self.debts.get(unit, ()) if debt.until_s > now_s]
