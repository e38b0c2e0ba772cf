"""Decides what the facts of an order come to: steps done, valves closed, parts, gas, readings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeVar

from field_app.forms.names import plain_name
from field_app.forms.numbers import worst_lel_pct
from field_app.orders.crew_words import (
    ValveList,
    Word,
    is_answered,
    isolation_of,
    words_by_place,
)
from field_app.orders.gas_order import GasOrder
from field_app.orders.meter_counts import MeterCount, counts_of, last_read_here
from field_app.orders.moments import TimerMoment
from field_app.orders.own_facts import (
    ARRIVED,
    OwnFact,
    begun_at_ms_of,
    begun_n_of,
    case_begins,
    ends_visit,
    is_handed_over,
    is_of_former_case,
    open_visit_begins,
    read_fact,
)
from field_app.orders.step_book import OUTLASTS_VISIT, Again, StepBook, TakenStep
from field_app.store.saved_at import Place, place_of
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType
from wire_contracts.quantities import Quantity
from wire_contracts.site_facts import (
    ClosedValve,
    DoneStep,
    FallenStep,
    GasMeasurement,
    Handover,
    PartUsed,
    SafetyStep,
    ValveAction,
    parse_gas,
    parse_part,
    parse_step,
)
from wire_contracts.van import AirValue

T = TypeVar("T")

GATE_GAS: Final = f"gate.{AirValue.LEL_PCT}"
EARLIER_GAS: Final = "earlier.lel_pct"
"""Where the most gas stands that was typed and never kept, or typed over, until the finding."""

GATE_GAS_PLACE: Final = f"{GATE_GAS}.place"
EARLIER_GAS_PLACE: Final = f"{EARLIER_GAS}.place"
"""Where gas that stands typed, or was typed over, stands in the order of writing."""

SLIP_MS: Final = 60_000
"""A value that was typed over or taken back within a minute was a slip of the finger."""

TYPED_GAS: Final = (
    GATE_GAS,
    *(f"{step}.{Quantity.GAS_LEL_PCT}" for step in (SafetyStep.MEASURE, SafetyStep.REMEASURE)),
    EARLIER_GAS,
)
"""The fields of a draft that say how much gas somebody has typed, % LEL."""
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRecord:
    """What was done at an order, from the crew before and from this one.

    Attributes:
        steps: Steps that stand, in the order they were done; taken-back ones are left out.
        again: Why a step that was done is asked again.
        void: Before which place in the order of writing what was typed for a step and not kept says
            nothing.
        unsafe: What said last of each step that it was not safe.
        step_places: Where the steps that this crew took stand in the order of writing.
        step_facts: The fact that stands for each step this crew did, to be superseded.
        valves: Valves that are still closed.
        gas: Measurements of this crew, the newest last, with when they were taken.
        parts: Parts by id, with everything that was taken and put back added up.
        counts: Readings of the dial, the newest last.
        read_here: The last reading of this visit, None without one.
        lel_pct: The most gas that was found since the order was finished last, by whom and where
            ever: in the air, in a step, by the crews before, % LEL; None where nobody measured.
        gas_since_test: The most gas that a step found after the newest test of the air, % LEL.
        gas_at: When the newest measurement of the air was taken, by every clock.
        begun_at_ms: The first moment after the finding of the case before, by the tablet's clock:
            older photos prove nothing now. 0 where there was none.
        begun_n: The same in the order of writing, for what was typed and for forms.
        gas_order: The order of class A that gas made over this one, the newest; None without one.
    """

    steps: Sequence[DoneStep] = ()
    again: Mapping[SafetyStep, Again] = field(default_factory=dict)
    void: Mapping[SafetyStep, Place] = field(default_factory=dict)
    unsafe: Mapping[SafetyStep, OwnFact] = field(default_factory=dict)
    step_places: Mapping[SafetyStep, Place] = field(default_factory=dict)
    step_facts: Mapping[SafetyStep, str] = field(default_factory=dict)
    valves: Sequence[ClosedValve] = ()
    gas: Sequence[tuple[int, GasMeasurement]] = ()
    parts: Sequence[PartUsed] = ()
    counts: Sequence[MeterCount] = ()
    read_here: MeterCount | None = None
    lel_pct: float | None = None
    gas_since_test: float | None = None
    gas_at: DeviceTime | None = None
    gas_order: GasOrder | None = None
    begun_at_ms: int = 0
    begun_n: int = 0

    @property
    def done(self) -> frozenset[SafetyStep]:
        """Return the steps that are done."""
        return frozenset(each.step for each in self.steps)

    @property
    def is_air_proven(self) -> bool:
        """Return whether a step that stands has measured the air since the gas, and the repair."""
        done = self.done
        is_before = SafetyStep.MEASURE in done and SafetyStep.REPAIR not in done
        return SafetyStep.REMEASURE in done or is_before

    @property
    def standing_lel_pct(self) -> float | None:
        """Return the most gas that nobody has measured less of at the same place, % LEL."""
        if self.is_air_proven:
            return None
        gates = [
            (plain_name(gas.place), gas.lel_pct)
            for _at_ms, gas in self.gas
            if gas.lel_pct is not None
        ]
        is_from_gates = max((lel_pct for _place, lel_pct in gates), default=None) == self.lel_pct
        return max(dict(gates).values()) if gates and is_from_gates else self.lel_pct


def work_record(
    facts: Sequence[OwnFact],
    handover: Handover | None = None,
    typed: Mapping[str, str] = _NOTHING,
    now: DeviceTime | None = None,
) -> WorkRecord:
    """Return what was done; a fact that this app cannot read counts as none.

    With every arrival (a fact of the type `ARRIVED`) a visit begins. What was finished before
    counts for nothing in the next one, except for valves that are still closed. A hand-over that is
    newer than what this tablet told of valves and steps stands for it; of what the crew's tablets
    have told so far and this one, the newest stands (`crew_words`). `typed` is what stands on the
    pages, by `<page>.<field>`: gas that somebody typed was in the air, kept or not. `now` is the
    moment for which steps must stand; None asks nothing about their age.
    """
    begins = case_begins(facts)
    case = facts[begins:]
    so_far = handover if handover is not None and handover.is_so_far else None
    given = None if is_of_former_case(handover, facts[:begins]) else handover
    book = _begun(None if so_far else given)
    valves = _replay(facts, handover, book, begins)
    book.find_gas(*_typed_at_gate(typed), is_kept=False)
    book.find_gas(*_typed_over(typed), is_kept=False)
    if now is not None:
        book.grow_old(now)
    _join(book, so_far, case, has_valve=bool(valves.closed))
    gas = _gas(case)
    in_air = [*_gas_in_steps(case), *(each.lel_pct for _at_ms, each in gas)]
    in_pages = [worst_lel_pct(typed.get(key, "")) for key in TYPED_GAS]
    found = (*in_air, *in_pages, given.lel_pct if given else None)
    return WorkRecord(
        steps=tuple(book.steps.values()),
        step_facts=book.facts,
        again=book.again,
        void=book.void,
        unsafe=_unsafe(case),
        step_places=book.places(),
        valves=valves.closed,
        gas=gas,
        gas_since_test=_gas_since_test(case),
        gas_at=_gas_at(case),
        parts=_parts(facts),
        counts=counts_of(case),
        read_here=last_read_here(facts),
        lel_pct=max((value for value in found if value is not None), default=None),
        gas_order=_gas_order(facts, begins),
        begun_at_ms=begun_at_ms_of(facts, begins),
        begun_n=begun_n_of(facts, begins),
    )


def _begun(handover: Handover | None) -> StepBook:
    """Return what the crew before left done; its isolation hangs on the valves that it closed."""
    steps = handover.steps if handover else ()
    is_behind_valve = bool(handover and handover.valves)
    outlasting = OUTLASTS_VISIT if is_behind_valve else OUTLASTS_VISIT - {SafetyStep.ISOLATE}
    return StepBook(
        steps={each.step: each for each in steps if each.step in outlasting},
        is_behind_valve=is_behind_valve,
    )


def _hear(words: Sequence[Word], valves: ValveList, book: StepBook, before: OwnFact | None) -> None:
    """Take what the order tells after an own fact: other tablets of the crew did it."""
    place = (0, 0) if before is None else before.place
    for word in words:
        if isinstance(word, FallenStep):
            book.fall(word.step, place)
        elif valves.hear(word):
            book.open_valve(place)


def _join(
    book: StepBook, so_far: Handover | None, case: Sequence[OwnFact], *, has_valve: bool
) -> None:
    """Add what other tablets of the crew did after all that this one has said of it."""
    for done in so_far.steps if so_far else ():
        said = [each for each in case if _speaks_of(each, done.step)]
        is_shut = done.step is not SafetyStep.ISOLATE or has_valve
        is_newest = all(is_answered(each, done.at_ms) for each in said)
        if done.step in OUTLASTS_VISIT and done.step not in book.steps and is_shut and is_newest:
            book.join(done)


def _speaks_of(fact: OwnFact, step: SafetyStep) -> bool:
    """Return whether an own fact did a step, took it back, or opened what it had shut."""
    event = isolation_of(fact)
    if event is not None:
        return step is SafetyStep.ISOLATE and event.action is ValveAction.REOPENED
    done = read_fact(fact, parse_step) if fact.fact_type == FactType.SAFETY_STEP else None
    if done is None or done.is_unsafe:
        return False
    steps = tuple(SafetyStep)
    is_behind = done.is_undone and steps.index(done.step) < steps.index(step)
    return done.step is step or is_behind


def _note(fact: OwnFact, book: StepBook) -> None:
    """Take what a fact says about the steps."""
    if fact.fact_type == ARRIVED:
        book.arrive()
    elif fact.fact_type == FactType.SAFETY_STEP:
        done = read_fact(fact, parse_step)
        if done is not None:
            book.take(
                TakenStep(
                    done=done,
                    fact_id=fact.fact_id,
                    by=fact.actor,
                    at_ms=fact.at_ms,
                    at=fact.at,
                    place=fact.place,
                )
            )
    elif fact.fact_type == FactType.GAS_MEASUREMENT:
        gas = read_fact(fact, parse_gas)
        if gas is not None:
            book.find_gas(gas.lel_pct, fact.place, is_kept=True)


def _typed_at_gate(typed: Mapping[str, str]) -> tuple[float | None, Place]:
    """Return the gas that stands typed at the gate, and its place in the order of writing."""
    return worst_lel_pct(typed.get(GATE_GAS, "")), place_of(typed.get(GATE_GAS_PLACE, ""))


def _typed_over(typed: Mapping[str, str]) -> tuple[float | None, Place]:
    """Return gas that was typed and typed over, and its place in the order of writing."""
    return worst_lel_pct(typed.get(EARLIER_GAS, "")), place_of(typed.get(EARLIER_GAS_PLACE, ""))


def _gas_in_steps(facts: Sequence[OwnFact]) -> list[float | None]:
    """Return what the step *measure* ever said, and every value with which a step was not safe.

    Only what the step itself corrected or took back within a minute was never in the air; it may
    also fall with another step, or grow old.
    """
    said: list[tuple[float | None, TimerMoment]] = []
    unsafe: list[float | None] = []
    fell_ms: int | None = None
    for fact in facts:
        done = read_fact(fact, parse_step) if fact.fact_type == FactType.SAFETY_STEP else None
        if done is None:
            continue
        lel_pct = worst_lel_pct(str(done.values.get("gas_lel_pct", "")))
        if done.is_unsafe:
            unsafe.append(lel_pct)
        elif done.step is SafetyStep.MEASURE:
            is_soon = bool(said) and 0 <= fact.moment.age_ms(said[-1][1]) < SLIP_MS
            if is_soon and fell_ms != fact.at_ms:
                said.pop()
            said.append((lel_pct, fact.moment))
        elif done.is_undone:
            fell_ms = fact.at_ms
    return [*(lel_pct for lel_pct, _at in said), *unsafe]


def _unsafe(facts: Sequence[OwnFact]) -> dict[SafetyStep, OwnFact]:
    """Return what said last of each step that it was not safe."""
    said = (
        (read_fact(each, parse_step), each)
        for each in facts
        if each.fact_type == FactType.SAFETY_STEP
    )
    return {done.step: fact for done, fact in said if done is not None and done.is_unsafe}


def _gas_since_test(facts: Sequence[OwnFact]) -> float | None:
    """Return the most gas that a step found after the last test of the air, by order of the taps.

    The clock is not asked: it may have been set in between.
    """
    after = max(
        (n for n, each in enumerate(facts, 1) if each.fact_type == FactType.GAS_MEASUREMENT),
        default=0,
    )
    return max((each for each in _gas_in_steps(facts[after:]) if each is not None), default=None)


def _gas_order(facts: Sequence[OwnFact], begins: int) -> GasOrder | None:
    """Return the newest order that gas made; a refused one of a case that is over is past."""
    asked: GasOrder | None = None
    for number, fact in enumerate(facts):
        if fact.fact_type == FactType.ORDER_REQUEST:
            gas_order_id = str(fact.payload.get("order_id", ""))
            if number >= begins or not fact.is_refused:
                asked = GasOrder(
                    order_id=gas_order_id, is_told=fact.is_told, is_refused=fact.is_refused
                )
        elif asked is not None and ends_visit(fact):
            asked = replace(asked, is_over=True)
    return asked


def closed_valves(
    facts: Sequence[OwnFact], handover: Handover | None = None
) -> tuple[ClosedValve, ...]:
    """Return the valves that are closed after these facts of one order, and what was left of it."""
    return _replay(facts, handover, StepBook(), len(facts)).closed


def _replay(
    facts: Sequence[OwnFact], handover: Handover | None, book: StepBook, begins: int
) -> ValveList:
    """Return the valves that are closed; the facts from `begins` on say what steps stand."""
    valves, words = ValveList(handover), words_by_place(handover, facts)
    open_visit = open_visit_begins(facts)
    for number, fact in enumerate(facts):
        _hear(words.get(number, ()), valves, book, facts[number - 1] if number else None)
        if number < open_visit and is_handed_over(fact, handover):
            continue
        if fact.fact_type == FactType.ISOLATION:
            is_opened = valves.take(fact)
            if is_opened and number >= begins:
                book.open_valve(fact.place)
        elif number >= begins:
            _note(fact, book)
    _hear(words.get(len(facts), ()), valves, book, facts[-1] if facts else None)
    return valves


def _gas(facts: Sequence[OwnFact]) -> tuple[tuple[int, GasMeasurement], ...]:
    found: list[tuple[int, GasMeasurement]] = []
    for fact in facts:
        if fact.fact_type == FactType.GAS_MEASUREMENT:
            gas = read_fact(fact, parse_gas)
            if gas is not None:
                found.append((fact.at_ms, gas))
    return tuple(found)


def _gas_at(facts: Sequence[OwnFact]) -> DeviceTime | None:
    measured = [fact for fact in facts if fact.fact_type == FactType.GAS_MEASUREMENT]
    return measured[-1].at if measured else None


def _parts(facts: Sequence[OwnFact]) -> tuple[PartUsed, ...]:
    sums: dict[str, PartUsed] = {}
    for fact in facts:
        part = read_fact(fact, parse_part) if fact.fact_type == FactType.PART_USED else None
        if part is None:
            continue
        before = sums.get(part.part_id)
        quantity = part.quantity + (0.0 if before is None else before.quantity)
        sums[part.part_id] = PartUsed(
            part_id=part.part_id, name=part.name, quantity=quantity, unit=part.unit
        )
    return tuple(part for part in sums.values() if part.quantity > 0)
