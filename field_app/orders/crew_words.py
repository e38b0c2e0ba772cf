"""Decides where what the crew's other tablets told of valves and steps stands among the own taps.

What the server heard last stands in the order, with its moment. A valve that it says is closed is,
whatever taps of this tablet it has judged: only later ones open it. One that it has not judged is
later for certain only when the tablet had heard of the server since that moment: its own clock may
have been set. Until then a closed valve stays closed and a step that was taken back stays open.
"""

from collections.abc import Mapping, Sequence

from field_app.forms.names import plain_name
from field_app.orders.own_facts import OwnFact, known_ms, read_fact
from wire_contracts.orders import FactType
from wire_contracts.site_facts import (
    ClosedValve,
    FallenStep,
    Handover,
    IsolationEvent,
    OpenedValve,
    ValveAction,
    parse_isolation,
)

Word = ClosedValve | OpenedValve | FallenStep


def words_by_place(
    handover: Handover | None, facts: Sequence[OwnFact]
) -> Mapping[int, Sequence[Word]]:
    """Return what the order tells of valves and steps, by the own fact before which it stands."""
    if handover is None:
        return {}
    own = {each.fact_id: number for number, each in enumerate(facts)}
    words: dict[int, list[Word]] = {}
    not_standing: list[FallenStep | OpenedValve] = [*handover.fallen, *handover.opened]
    for gone in not_standing:
        is_own = gone.fact_id in own
        place = own[gone.fact_id] + 1 if is_own else _place(gone.at_ms, facts)
        words.setdefault(place, []).append(gone)
    judged = max((number for number, each in enumerate(facts, 1) if each.is_shown), default=0)
    for valve in handover.valves:
        closer = _own_closing(valve, facts)
        place = _place(valve.at_ms, facts) if closer is None else closer + 1
        words.setdefault(max(place, judged), []).append(valve)
    return words


def is_answered(fact: OwnFact, at_ms: int) -> bool:
    """Return whether the server knew an own tap, by its moment the earlier, when it told this."""
    return fact.is_shown and known_ms(fact) <= at_ms


def _place(at_ms: int, facts: Sequence[OwnFact]) -> int:
    """Return the first fact that was surely made after a moment of the server's clock."""
    return next((n for n, each in enumerate(facts) if _is_surely_after(each, at_ms)), len(facts))


def _is_surely_after(fact: OwnFact, at_ms: int) -> bool:
    if fact.at is None:
        return fact.at_ms > at_ms
    return fact.at.contact_ms is not None and fact.at.contact_ms >= at_ms


def _own_closing(valve: ClosedValve, facts: Sequence[OwnFact]) -> int | None:
    """Return where this tablet told that closing itself: of its own taps their order decides."""
    key = plain_name(valve.valve_id)
    return next(
        (
            number
            for number, fact in enumerate(facts)
            if known_ms(fact) == valve.at_ms
            and (event := isolation_of(fact)) is not None
            and event.action is ValveAction.CLOSED
            and plain_name(event.valve_id) == key
        ),
        None,
    )


class ValveList:
    """The valves that are closed, while own taps and the crew's words are read in their order."""

    def __init__(self, handover: Handover | None) -> None:
        """Begin with what the order tells."""
        told = () if handover is None else handover.valves
        self._closed = {plain_name(each.valve_id): each for each in told}
        self._closers: dict[str, OwnFact] = {}

    @property
    def closed(self) -> tuple[ClosedValve, ...]:
        """Return what is closed."""
        return tuple(self._closed.values())

    def take(self, fact: OwnFact) -> bool:
        """Take what this tablet did to a valve; return whether one of the list was opened."""
        event = isolation_of(fact)
        if event is None:
            return False
        key = plain_name(event.valve_id)
        if event.action is ValveAction.NAMED:
            return self._name(key, event)
        if event.action is ValveAction.REOPENED:
            return self._closed.pop(key, None) is not None
        self._closers[key] = fact
        self._closed[key] = ClosedValve(
            valve_id=event.valve_id, at_ms=fact.at_ms, by=fact.actor, may_reopen=event.may_reopen
        )
        return False

    def _name(self, key: str, event: IsolationEvent) -> bool:
        if key in self._closed:
            named = self._closed[key]
            self._closed[key] = ClosedValve(
                valve_id=named.valve_id,
                at_ms=named.at_ms,
                by=named.by,
                may_reopen=event.may_reopen,
            )
        return False

    def hear(self, word: ClosedValve | OpenedValve) -> bool:
        """Take what the order tells of a valve; return whether one of the list was opened.

        An opening counts against what the server knew of: a closing that it has not judged stands.
        """
        key = plain_name(word.valve_id)
        if isinstance(word, ClosedValve):
            self._closed.setdefault(key, word)
            return False
        closer = self._closers.get(key)
        if closer is not None and not is_answered(closer, word.at_ms):
            return False
        return self._closed.pop(key, None) is not None


def isolation_of(fact: OwnFact) -> IsolationEvent | None:
    """Return what a fact says of a valve, None of anything else."""
    return read_fact(fact, parse_isolation) if fact.fact_type == FactType.ISOLATION else None
