"""Decides which late answers may still come, so that none is taken for that of another request.

RTU and ASCII answers carry no number: an answer that comes late has the bytes of one that is in
time, if unit, function and byte count are the same. How late it comes is not bounded by any
silence we keep: a serial server queues, a radio link stalls. What holds is the order: a unit
answers its requests in the order they were sent, or not at all. So a request without an answer
leaves a debt, and while the debt stands no request of the same shape is sent to that unit. It is
settled when the late answer is seen, or when the unit answers a later request, or after a time
that is far longer than any answer has been seen to take. A unit that was heard to say what nobody
asked (it answers twice, or a serial server repeats for it) is `odd`: its words wait for a proof
(`in_step`), and where its copies come soon the line is listened to until they have come.
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

KNOWN_ANSWERS = 16
"""Answers that are kept to know a copy by: more than a job has."""

MOST_AWAITED_S = 0.1
"""Copies that come later than this are not waited for: they would hold up the other units, and
the proofs find what they spoil (judgement)."""

AWAITED_TIMES = 1.5
LEAST_AWAITED_S = 0.005
"""A copy is awaited for one and a half times as long as the latest took, and 5 ms (judgement)."""


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
        odd: Units that said what nobody asked; who reads it takes them out.
        said: Answers that were accepted, the newest last, and when.
        copied_s: Units that answer twice, and how long the second takes at most.
        numbers: Transactions that were asked, where frames carry their number.
    """

    debts: dict[int, Sequence[Debt]] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)
    said: deque[tuple[bytes, float]] = field(default_factory=lambda: deque(maxlen=KNOWN_ANSWERS))
    copied_s: dict[int, float] = field(default_factory=dict)
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

    def settle(self, shape: Shape) -> None:
        """Note that a unit answered a request that was sent after all it owed."""
        self.debts.pop(shape.unit, None)

    def say(self, payload: bytes, now_s: float) -> None:
        """Keep an answer that was accepted, to know its copy."""
        self.said.append((payload, now_s))

    def is_copy(self, payload: bytes, now_s: float) -> bool:
        """Return whether a frame that nobody asked repeats its unit's last answer."""
        same = [at_s for said, at_s in self.said if said == payload]
        if not same:
            return False
        late_s = now_s - same[-1]
        if late_s <= MOST_AWAITED_S:
            known_s = self.copied_s.get(payload[0], 0.0)
            self.copied_s[payload[0]] = max(known_s, late_s)
        last = next(said for said, _ in reversed(self.said) if said[0] == payload[0])
        return last == payload

    def awaited_s(self, unit: int) -> float:
        """Return how long after its last answer a unit may say it again; 0: it does not."""
        late_s = self.copied_s.get(unit)
        return 0.0 if late_s is None else AWAITED_TIMES * late_s + LEAST_AWAITED_S

    def distrust(self, unit: int) -> None:
        """Note that a unit said what nobody asked."""
        self.odd.add(unit)

    def is_clear(self, now_s: float) -> bool:
        """Return whether no unit owes anything."""
        return not any(self._live(unit, now_s) for unit in tuple(self.debts))

    def free(self, shapes: Iterable[Shape], *, now_s: float) -> Shape | None:
        """Return the first shape whose answer could only be that of a request sent now."""
        return next((each for each in shapes if not self.owes(each, now_s=now_s)), None)

    def _live(self, unit: int, now_s: float) -> Sequence[Debt]:
        return [debt for debt in self.debts.get(unit, ()) if debt.until_s > now_s]
