"""Whatever a unit in order of asking answers, however late: no answer is taken for another's."""

from collections import deque
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.modbus_frames import Shape, read_shape
from edge_gateway.links.owed_answers import (
    LEAST_AWAITED_S,
    LEAST_OWED_S,
    MOST_AWAITED_S,
    OwedAnswers,
)

TIMEOUT_S = 1.0
FATES = st.sampled_from(["in time", "late", "lost", "refused", "refused late"])


@dataclass(frozen=True)
class Wanted:
    """One request: the bytes it asks for, and what becomes of it."""

    byte_count: int
    fate: str


REQUESTS = st.lists(
    st.builds(Wanted, byte_count=st.sampled_from([2, 4, 6]), fate=FATES), max_size=40
)


def payload(number: int, shape: Shape) -> bytes:
    """An answer that carries the number of its request."""
    return shape.head + bytes([number % 256]) * (shape.length - 3)


def refusal(shape: Shape) -> bytes:
    return bytes((shape.unit, shape.function | 0x80, 2))


class Master:
    """A master that keeps the rules, and a unit that answers in order or not at all."""

    def __init__(self) -> None:
        self.owed = OwedAnswers()
        self.queue: deque[bytes] = deque()
        self.now_s = 0.0
        self.mistaken = 0
        self.asked = 0

    def ask(self, number: int, wanted: Wanted) -> None:
        shapes = [read_shape(9, 3, count) for count in (wanted.byte_count, 2, 4, 6, 8, 10)]
        shape = self.owed.free(shapes, now_s=self.now_s)
        if shape is None:
            return
        self.asked += 1
        if wanted.fate != "lost":
            said = refusal(shape) if wanted.fate.startswith("refused") else payload(number, shape)
            self.queue.append(said)
        if wanted.fate in {"late", "lost", "refused late"} or not self._hears(number, shape):
            self.owed.lose(shape, now_s=self.now_s, timeout_s=TIMEOUT_S)
        self.now_s += 2 * TIMEOUT_S / OWED_STEPS

    def _hears(self, number: int, shape: Shape) -> bool:
        """Take everything that is on its way; whether our own answer was among it."""
        while self.queue:
            said = self.queue.popleft()
            if shape.fits(said):
                self.mistaken += said != payload(number, shape)
                self.owed.settle(shape)
                return True
            if shape.is_refusal(said) and not self.owed.owes_refusal(shape, now_s=self.now_s):
                return True
            self.owed.hear(said, now_s=self.now_s)
        return False


OWED_STEPS = 100


@given(REQUESTS)
def test_no_answer_is_taken_for_that_of_another_request(requests: list[Wanted]) -> None:
    master = Master()
    for number, wanted in enumerate(requests):
        master.ask(number, wanted)

    assert master.mistaken == 0


def test_a_lost_request_bars_its_shape_until_the_late_answer_is_heard() -> None:
    owed, shape = OwedAnswers(), read_shape(9, 3, 20)
    owed.lose(shape, now_s=0.0, timeout_s=TIMEOUT_S)
    before = owed.owes(shape, now_s=1.0)
    is_late = owed.hear(payload(1, shape), now_s=1.0)

    assert (before, is_late, owed.owes(shape, now_s=1.0)) == (True, True, False)


def test_an_answer_to_a_later_request_settles_everything_before() -> None:
    owed = OwedAnswers()
    for count in (20, 4, 6):
        owed.lose(read_shape(9, 3, count), now_s=0.0, timeout_s=TIMEOUT_S)
    owed.settle(read_shape(9, 3, 8))

    assert owed.is_clear(1.0)


def test_a_late_answer_settles_what_was_asked_before_it_and_nothing_after() -> None:
    owed = OwedAnswers()
    first, second, third = (read_shape(9, 3, count) for count in (20, 4, 6))
    for shape in (first, second, third):
        owed.lose(shape, now_s=0.0, timeout_s=TIMEOUT_S)
    owed.hear(payload(1, second), now_s=1.0)

    assert [owed.owes(shape, now_s=1.0) for shape in (first, second, third)] == [
        False,
        False,
        True,
    ]


def test_other_units_and_other_lengths_are_not_barred() -> None:
    owed = OwedAnswers()
    owed.lose(read_shape(9, 3, 20), now_s=0.0, timeout_s=TIMEOUT_S)

    others = [read_shape(8, 3, 20), read_shape(9, 4, 20), read_shape(9, 3, 18)]
    assert [owed.owes(shape, now_s=1.0) for shape in others] == [False, False, False]


def test_a_debt_ends_after_far_longer_than_any_answer_takes() -> None:
    owed, shape = OwedAnswers(), read_shape(9, 3, 20)
    owed.lose(shape, now_s=0.0, timeout_s=0.02)

    assert owed.owes(shape, now_s=LEAST_OWED_S - 0.1)
    assert not owed.owes(shape, now_s=LEAST_OWED_S + 0.1)


def test_a_copy_of_the_last_answer_is_known_and_awaited_the_next_time() -> None:
    owed, said = OwedAnswers(), payload(1, read_shape(9, 3, 20))
    owed.say(said, 5.0)
    before = owed.awaited_s(9)
    is_copy = owed.is_copy(said, 5.02)

    assert (before, is_copy) == (0.0, True)
    assert 0.02 + LEAST_AWAITED_S <= owed.awaited_s(9) <= 0.04
    assert owed.awaited_s(8) == 0.0


def test_the_copy_of_an_earlier_answer_is_no_harmless_one() -> None:
    """The words taken for the last answer may be those of the copy, and its own come now."""
    owed = OwedAnswers()
    first, second = (payload(number, read_shape(9, 3, 20)) for number in (1, 2))
    owed.say(first, 5.0)
    owed.say(second, 5.01)

    assert [owed.is_copy(each, 5.02) for each in (first, second)] == [False, True]
    assert not owed.is_copy(payload(3, read_shape(9, 3, 20)), 5.02)


def test_a_copy_that_comes_late_holds_up_nobody() -> None:
    owed, said = OwedAnswers(), payload(1, read_shape(9, 3, 20))
    owed.say(said, 5.0)

    assert owed.is_copy(said, 5.0 + 2 * MOST_AWAITED_S)
    assert owed.awaited_s(9) == 0.0
