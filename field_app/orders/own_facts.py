"""The facts of an order as this tablet keeps them, and to which visit and case each belongs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from field_app.orders.moments import TimerMoment, moment_at
from field_app.store.saved_at import Place
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.site_facts import Handover
from wire_contracts.work_order_states import WorkOrderEvent

T = TypeVar("T")

ARRIVED: Final = str(WorkOrderEvent.ARRIVE)
"""Stands among the facts of an order where the crew came to it."""

_HANDED_OVER: Final = frozenset({FactType.ISOLATION, FactType.SAFETY_STEP})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFact:
    """A fact as this tablet keeps it: who made it, when, what it says.

    Attributes:
        is_told: The server has confirmed it.
        is_shown: What was pulled since knows of it.
        is_refused: The server did not take it.
        at: The time of the tap by every clock; None where only the wall's is known.
        n: The running number of its operation: the order of writing.
    """

    fact_id: str
    fact_type: str
    actor: str
    at_ms: int
    payload: JsonObject
    is_told: bool = False
    is_shown: bool = False
    is_refused: bool = False
    at: DeviceTime | None = None
    n: int = 0

    @property
    def place(self) -> Place:
        """Return where it stands in the order of writing."""
        return (self.n, 0)

    @property
    def moment(self) -> TimerMoment:
        """Return when it was made."""
        return TimerMoment(self.at_ms) if self.at is None else moment_at(self.at)


def case_begins(facts: Sequence[OwnFact]) -> int:
    """Return where what is worked on now begins: at the arrival after the last finding."""
    is_finished = False
    begins = 0
    for number, fact in enumerate(facts):
        if fact.fact_type == ARRIVED and is_finished:
            begins, is_finished = number, False
        is_finished = is_finished or is_finding(fact)
    return begins


def is_case_over(facts: Sequence[OwnFact]) -> bool:
    """Return whether this tablet has found out what was wrong, and nobody has come again since.

    A finding that the server refused ends nothing.
    """
    last = max((n for n, each in enumerate(facts) if each.fact_type == ARRIVED), default=0)
    return any(is_finding(each) and not each.is_refused for each in facts[last:])


def is_finding(fact: OwnFact) -> bool:
    """Return whether a fact is a finding that somebody finished."""
    return fact.payload.get("form") == FINDING_FORM and not fact.payload.get("is_unfinished")


def read_fact(fact: OwnFact, parse: Callable[[FieldReader], T]) -> T | None:
    """Return what a fact says, None where this app cannot read it."""
    try:
        return parse(FieldReader(place=f"fact {fact.fact_id}", values=fact.payload))
    except ContractError:
        return None


def begun_at_ms_of(facts: Sequence[OwnFact], begins: int) -> int:
    """Return when the case began; the clock may have been put right after the finding before it."""
    found = [each.at_ms + 1 for each in facts[:begins] if is_finding(each)]
    return min(max(found), facts[begins].at_ms) if found else 0


def begun_n_of(facts: Sequence[OwnFact], begins: int) -> int:
    """Return the first operation after the finding of the case before, 0 where there was none."""
    return max((each.n + 1 for each in facts[:begins] if is_finding(each)), default=0)


def ends_visit(fact: OwnFact) -> bool:
    """Return whether the crew left with this fact, with a finding or without one."""
    return fact.fact_type == FactType.VISIT_END or is_finding(fact)


def open_visit_begins(facts: Sequence[OwnFact]) -> int:
    """Return where the visit begins that has not ended: no other crew's hand-over follows it.

    Whatever the clock of the other tablet said. The end of the facts where no visit is open.
    """
    last = max((n for n, each in enumerate(facts) if each.fact_type == ARRIVED), default=0)
    return len(facts) if any(ends_visit(each) for each in facts[last:]) else last


def known_ms(fact: OwnFact) -> int:
    """Return when a fact was made, by the server's clock as far as the tablet knew it."""
    return fact.at_ms + (0 if fact.at is None else fact.at.offset_ms)


def is_handed_over(fact: OwnFact, handover: Handover | None) -> bool:
    """Return whether a newer hand-over stands for what a fact says of valves and steps.

    Whoever handed over knew it, because the server did: a later crew may have opened what was
    closed. What no server has heard, or has refused, nobody else can know.
    """
    if handover is None or handover.is_so_far or not fact.is_told:
        return False
    if fact.fact_type not in _HANDED_OVER:
        return False
    return known_ms(fact) <= handover.at_ms


def is_of_former_case(handover: Handover | None, before: Sequence[OwnFact]) -> bool:
    """Return whether this tablet finished the order after the hand-over, which tells of then."""
    if handover is None or handover.is_so_far:
        return False
    return any(is_finding(each) and known_ms(each) >= handover.at_ms for each in before)
