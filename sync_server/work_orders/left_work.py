"""Decides what one crew leaves to the next from its facts: closed valves, lasting steps, gas.

The office gives an order away in the middle of the work, and the former tablet may be dead: what it
had told is then all that is known. A valve is left out only where somebody said that it is open.
"""

import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sync_server.work_orders.order import Fact
from sync_server.work_orders.word_order import is_surely_after
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import FactType
from wire_contracts.payloads import dump_json
from wire_contracts.quantities import Quantity
from wire_contracts.site_facts import (
    SO_FAR_MS,
    ClosedValve,
    DoneStep,
    FallenStep,
    Handover,
    IsolationEvent,
    OpenedValve,
    SafetyStep,
    ValveAction,
    handover_json,
    parse_gas,
    parse_isolation,
    parse_step,
)

T = TypeVar("T")

LEFT_FACTS: Final = frozenset({FactType.ISOLATION, FactType.SAFETY_STEP, FactType.GAS_MEASUREMENT})
"""Facts that the next crew must know of."""

_BEHIND_VALVE: Final = "valve_closed"
"""How a pipe was isolated when it hangs on a valve of the list (the tablet's own word)."""

_ORDER: Final = tuple(SafetyStep)
_LASTING: Final = frozenset({SafetyStep.ISOLATE, SafetyStep.REPAIR})
_MOST_OPENED: Final = 100
"""Valves that an order tells of as opened again: nobody closes as many for one."""
_SLIP: Final = timedelta(minutes=1)
"""Gas that was corrected within a minute was a slip of the finger, as on the tablet."""

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_OVER_RANGE: Final = frozenset({"OL", "O.L", "O.L.", "OVER"})
_FULL_SCALE_LEL_PCT: Final = 100.0


def left_work(
    known: Handover | None,
    facts: Sequence[Fact],
    visit: int,
    visit_from_utc: datetime | None = None,
) -> Handover | None:
    """Return what a crew leaves of an order, None where there is nothing to leave.

    Args:
        known: The hand-over that stands, of the same visit; None: none does.
            Where nothing stands, what was opened and taken back is told all the same: a tablet's
            own former word gives way to it.
        facts: The facts of the order, the oldest first, however they are ordered by arrival.
        visit: The visit of the order, whose steps and gas count. Valves stay closed over visits.
        visit_from_utc: When the order was reopened for it; None: it is the first.
    """
    told = [fact for fact in facts if fact.fact_type in LEFT_FACTS]
    if not told:
        return known
    likely = [each for each in told if each.visit == visit or _may_be(each, visit, visit_from_utc)]
    mine = [each for each in likely if each.visit == visit or not _does_step(each)]
    turns = _turns(told)
    valves = _valves(known, turns)
    opened = _opened(turns, valves)
    handed = known if known is not None and not known.is_so_far else None
    lel_pct = _most_gas(likely)
    if known is not None and known.lel_pct is not None:
        is_newer = handed is None and lel_pct is not None
        lel_pct = lel_pct if is_newer else max(known.lel_pct, lel_pct or 0.0)
    steps, taken_back = _steps(known, mine, has_valve=bool(valves))
    spoken_of = {each.step for each in steps} | {each.step for each in taken_back}
    fallen = (*taken_back, *_of_visits_before(told, visit, spoken_of))
    left = Handover(
        note="",
        by="",
        at_ms=SO_FAR_MS,
        lel_pct=lel_pct,
        steps=steps,
        valves=valves,
        opened=opened,
        fallen=fallen,
    )
    if handed is None and not (valves or steps or lel_pct):
        return left if opened or fallen else None
    newest = told[-1]
    at_ms = ms_from_utc(newest.happened_at_utc)
    base = handed or Handover(note="", by=newest.actor, at_ms=at_ms)
    return replace(left, note=base.note, by=base.by, at_ms=max(at_ms, base.at_ms))


def told_so_far(
    known: Handover | None,
    facts: Sequence[Fact],
    visit: int,
    visit_from_utc: datetime | None = None,
) -> Handover | None:
    """Return what the tablets of the crew at work have told, for each other; None: nothing.

    A hand-over `known` of the crew before stays one: the valves and the gas of the crew at work go
    into it, its steps stand as long as nobody took them back. Raises nothing; the rest as for
    `left_work`.
    """
    base = known or Handover(note="", by="", at_ms=SO_FAR_MS)
    left = left_work(base, facts, visit, visit_from_utc)
    if left is None:
        return None
    steps = left.steps
    if not base.is_so_far:
        standing = [each for each in base.steps if each in left.steps]
        steps = tuple(
            each for each in standing if base.valves or each.step is not SafetyStep.ISOLATE
        )
    return replace(left, by=base.by, at_ms=base.at_ms, steps=steps)


def forgotten_valves(
    known: Handover | None, told: Handover, facts: Sequence[Fact]
) -> tuple[ClosedValve, ...]:
    """Return what a former server had shown as closed and this one knows nothing of.

    Args:
        known: The hand-over that stands here.
        told: The one that a tablet had been shown.
        facts: As for `left_work`: what they say of a valve since stands.
    """
    turns = _turns(facts)
    here = {_plain(each.valve_id) for each in (() if known is None else known.valves)}
    return tuple(
        each
        for each in told.valves
        if (key := _plain(each.valve_id)) not in here
        and not _is_answered(each, told, turns.get(key, []))
    )


def _may_be(fact: Fact, visit: int, visit_from_utc: datetime | None) -> bool:
    """Return whether a fact of the visit before may be of this one: no clock tells.

    Its gas counts in both then, and so does what takes a step back; what does a step does not.
    """
    if not fact.is_time_doubtful or fact.visit != visit - 1 or visit_from_utc is None:
        return False
    return fact.received_at_utc >= visit_from_utc


def _does_step(fact: Fact) -> bool:
    """Return whether a fact does a step of the work, and so takes nothing away."""
    said = _read(fact, FactType.SAFETY_STEP, parse_step)
    return said is not None and not (said.is_unsafe or said.is_undone)


def has_nothing(known: Handover) -> bool:
    """Return whether nothing stands in what was told so far: no valve, no step, no gas."""
    return known.is_so_far and not (known.valves or known.steps or known.lel_pct)


def closes_first(fact: Fact, facts: Sequence[Fact]) -> bool:
    """Return whether a fact closed a valve that nobody has opened since, as the first that came.

    Of valves that came together, only the first asks somebody. `facts`: as for `left_work`.
    """
    event = _read(fact, FactType.ISOLATION, parse_isolation)
    if event is None or event.action is not ValveAction.CLOSED:
        return False
    closed = {(_plain(each.valve_id), each.at_ms) for each in _valves(None, _turns(facts))}
    together = [each for each in facts if each.received_at_utc == fact.received_at_utc]
    others = (_read(each, FactType.ISOLATION, parse_isolation) for each in together)
    is_first = sum(each is not None and each.action is event.action for each in others) == 1
    return is_first and (_plain(event.valve_id), ms_from_utc(fact.happened_at_utc)) in closed


def handover_text(handover: Handover | None) -> str | None:
    """Return a hand-over as the order keeps it and tablets get it."""
    return None if handover is None else dump_json(handover_json(handover)).decode()


Turn = tuple[Fact, IsolationEvent]


def _turns(facts: Iterable[Fact]) -> dict[str, list[Turn]]:
    """Return what was done to each valve, the oldest first."""
    turns: dict[str, list[Turn]] = {}
    for fact in facts:
        event = _read(fact, FactType.ISOLATION, parse_isolation)
        if event is not None:
            turns.setdefault(_plain(event.valve_id), []).append((fact, event))
    return turns


def _valves(known: Handover | None, turns: Mapping[str, list[Turn]]) -> tuple[ClosedValve, ...]:
    """Return what is closed: by the hand-over, unless it was turned since, and by the facts."""
    closed = {key: valve for key, each in turns.items() if (valve := _closed_by(each)) is not None}
    for valve in () if known is None else known.valves:
        key = _plain(valve.valve_id)
        if known is not None and not _is_answered(valve, known, turns.get(key, [])):
            closed[key] = _as_named(valve, known, turns.get(key, []))
    return tuple(closed.values())


def _closed_by(turns: Sequence[Turn]) -> ClosedValve | None:
    """Return the newest closing of a valve that nobody has surely opened since."""
    opened = [fact for fact, event in turns if event.action is ValveAction.REOPENED]
    found: ClosedValve | None = None
    for fact, event in turns:
        if event.action is ValveAction.NAMED and found is not None:
            found = replace(found, may_reopen=event.may_reopen)
        if event.action is not ValveAction.CLOSED:
            continue
        if any(is_surely_after(each, fact) for each in opened):
            continue
        found = ClosedValve(
            valve_id=event.valve_id,
            at_ms=ms_from_utc(fact.happened_at_utc),
            by=fact.actor,
            may_reopen=event.may_reopen,
        )
    return found


def _is_answered(valve: ClosedValve, known: Handover, turns: Iterable[Turn]) -> bool:
    """Return whether facts say more of a valve than the hand-over: it was turned after that."""
    limit_ms = valve.at_ms - 1 if known.is_so_far else known.at_ms
    for fact, event in turns:
        at_utc: datetime | None = fact.happened_at_utc
        if event.action is ValveAction.REOPENED and fact.is_time_doubtful:
            at_utc = fact.word_utc
        is_turn = event.action is not ValveAction.NAMED
        if is_turn and at_utc is not None and ms_from_utc(at_utc) > limit_ms:
            return True
    return False


def _as_named(valve: ClosedValve, known: Handover, turns: Iterable[Turn]) -> ClosedValve:
    """Return a valve of the hand-over with who may open it, as was said since."""
    named = [
        event.may_reopen
        for fact, event in turns
        if event.action is ValveAction.NAMED and ms_from_utc(fact.happened_at_utc) > known.at_ms
    ]
    return replace(valve, may_reopen=named[-1]) if named else valve


def _opened(
    turns: Mapping[str, list[Turn]], valves: Iterable[ClosedValve]
) -> tuple[OpenedValve, ...]:
    """Return the valves of which the last word is that they are open, the newest `_MOST_OPENED`."""
    closed = {_plain(each.valve_id) for each in valves}
    found = [
        OpenedValve(
            valve_id=event.valve_id, at_ms=ms_from_utc(fact.happened_at_utc), fact_id=fact.fact_id
        )
        for key, each in turns.items()
        if key not in closed
        for fact, event in [one for one in each if one[1].action is ValveAction.REOPENED][-1:]
    ]
    return tuple(sorted(found, key=lambda each: each.at_ms)[-_MOST_OPENED:])


def _steps(
    known: Handover | None, facts: Sequence[Fact], *, has_valve: bool
) -> tuple[tuple[DoneStep, ...], tuple[FallenStep, ...]]:
    """Return what the hand-over says and since then the steps that outlast a visit; and what fell.

    Those are a repair, and isolation behind a closed valve: air and pressure are measured anew, and
    a pipe that was shut in another way is looked at.
    """
    steps = {each.step: each for each in (() if known is None else known.steps)}
    handed = {} if known is not None and known.is_so_far else dict(steps)
    taken: dict[SafetyStep, Fact] = {}
    fallen: dict[SafetyStep, Fact] = {}
    is_behind = bool(known and known.valves)
    for fact in facts:
        if known is not None and _is_in(known, fact):
            continue
        for step in _taken_back(fact, steps):
            if step not in taken or not is_surely_after(taken[step], fact):
                steps.pop(step, None)
                fallen[step] = fact
        done = _read(fact, FactType.SAFETY_STEP, parse_step)
        if done is None or done.is_unsafe or done.is_undone:
            continue
        at_ms = ms_from_utc(fact.happened_at_utc)
        steps[done.step] = DoneStep(step=done.step, at_ms=at_ms, by=fact.actor)
        taken[done.step] = fact
        doubted = _may_take_back(fact, done.step, facts)
        if doubted is not None:
            del steps[done.step]
            fallen[done.step] = doubted
        if done.step is SafetyStep.ISOLATE:
            is_behind = done.values.get("how") == _BEHIND_VALVE
    lasting = {SafetyStep.REPAIR} | ({SafetyStep.ISOLATE} if is_behind and has_valve else set())
    standing = tuple(
        done for done in steps.values() if done.step in lasting or done == handed.get(done.step)
    )
    gone = tuple(
        FallenStep(step=step, at_ms=ms_from_utc(fact.happened_at_utc), fact_id=fact.fact_id)
        for step, fact in fallen.items()
        if step in _LASTING and step not in steps
    )
    return standing, gone


def _of_visits_before(
    facts: Sequence[Fact], visit: int, spoken_of: AbstractSet[SafetyStep]
) -> tuple[FallenStep, ...]:
    """Return the steps that were done before the order was reopened: they say nothing now.

    A tablet that did them, and did not finish, knows of no end. The last step comes first: without
    the repair that stood on it, an isolation falls.
    """
    newest: dict[SafetyStep, Fact] = {}
    for fact in facts:
        done = _read(fact, FactType.SAFETY_STEP, parse_step) if fact.visit < visit else None
        if done is not None and not (done.is_unsafe or done.is_undone):
            newest[done.step] = fact
    said = [(step, newest[step]) for step in reversed(_ORDER) if step in newest.keys() - spoken_of]
    return tuple(
        FallenStep(step=step, at_ms=ms_from_utc(_known_utc(fact)), fact_id=fact.fact_id)
        for step, fact in said
    )


def _known_utc(fact: Fact) -> datetime:
    """Return when a fact was made, of a doubted time the server's last word before it."""
    is_word_known = fact.is_time_doubtful and fact.word_utc is not None
    return (fact.word_utc if is_word_known else None) or fact.happened_at_utc


def _is_in(known: Handover, fact: Fact) -> bool:
    """Return whether a hand-over was written knowing of a fact; one of a doubted time may warn."""
    at_utc = fact.happened_at_utc
    if fact.is_time_doubtful and not _does_step(fact):
        at_utc = max(at_utc, fact.received_at_utc)
    return ms_from_utc(at_utc) <= known.at_ms


def _taken_back(fact: Fact, done: Container[SafetyStep]) -> Sequence[SafetyStep]:
    """Return the steps that a fact takes back: one with all after it, or what its valve shut."""
    turned = _read(fact, FactType.ISOLATION, parse_isolation)
    if turned is not None and turned.action is ValveAction.REOPENED:
        return () if SafetyStep.REPAIR in done else (SafetyStep.ISOLATE,)
    said = _read(fact, FactType.SAFETY_STEP, parse_step)
    if said is None or said.is_unsafe or not said.is_undone:
        return ()
    return _ORDER[_ORDER.index(said.step) :]


def _may_take_back(fact: Fact, step: SafetyStep, facts: Iterable[Fact]) -> Fact | None:
    """Return what may have taken a step back after `fact` did it, though its time says before.

    One of the two clocks is doubted then. None: nothing.
    """
    for each in facts:
        is_before = each.happened_at_utc <= fact.happened_at_utc and each.fact_id != fact.fact_id
        if is_before and step in _taken_back(each, ()) and not is_surely_after(fact, each):
            return each
    return None


def _most_gas(facts: Sequence[Fact]) -> float | None:
    """Return the most gas that was measured, % LEL; what a step corrected at once never was."""
    later = {fact.supersedes: fact for fact in facts if fact.supersedes is not None}
    found: list[float | None] = []
    for fact in facts:
        gas = _read(fact, FactType.GAS_MEASUREMENT, parse_gas)
        if gas is not None:
            found.append(gas.lel_pct)
        step = _read(fact, FactType.SAFETY_STEP, parse_step)
        if step is None:
            continue
        is_slip = _is_slip(fact, later.get(fact.fact_id))
        if step.is_unsafe or (step.step is SafetyStep.MEASURE and not is_slip):
            found.append(_lel_pct(step.values))
    return max((each for each in found if each is not None), default=None)


def _is_slip(fact: Fact, corrected: Fact | None) -> bool:
    """Return whether a fact was put right at once; a clock that went back tells of no moment."""
    if corrected is None or fact.is_time_doubtful or corrected.is_time_doubtful:
        return False
    return timedelta(0) <= corrected.happened_at_utc - fact.happened_at_utc < _SLIP


def _lel_pct(values: Mapping[str, JsonValue]) -> float | None:
    """Return the most that a step's gas may mean as it was typed: `20-25` is 25, `OL` is 100."""
    typed = unicodedata.normalize("NFKC", str(values.get(str(Quantity.GAS_LEL_PCT), "")))
    plain = typed.replace(",", ".").strip()
    if plain.upper() in _OVER_RANGE:
        return _FULL_SCALE_LEL_PCT
    return max((float(each) for each in _NUMBER.findall(plain)), default=None)


def _plain(valve_id: str) -> str:
    return unicodedata.normalize("NFKC", valve_id).strip().casefold()


def _read(fact: Fact, kind: FactType, parse: Callable[[FieldReader], T]) -> T | None:
    """Return what a fact of a kind says, None of another kind and where it cannot be read."""
    if fact.fact_type is not kind or not isinstance(fact.payload, Mapping):
        return None
    try:
        return parse(FieldReader(place=f"fact {fact.fact_id}", values=fact.payload))
    except ContractError:
        return None
