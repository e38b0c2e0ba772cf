"""What the order page shows of the work on site: steps, gas tests, valves, parts, ends."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sync_server.web.labels import QUANTITIES, RESULTS, label, unit_of
from sync_server.web.words import Words, mark, number, quantity
from sync_server.work_orders.order import Fact
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.orders import FactType
from wire_contracts.site_facts import (
    GasMeasurement,
    GasPurpose,
    SafetyStep,
    StepDone,
    ValveAction,
    VisitEndReason,
    parse_gas,
    parse_handover,
    parse_isolation,
    parse_part,
    parse_step,
    parse_visit_end,
)

_STEPS: Mapping[SafetyStep, str] = {
    SafetyStep.ISOLATE: mark("Isolate"),
    SafetyStep.VENTILATE: mark("Ventilate"),
    SafetyStep.MEASURE: mark("Measure"),
    SafetyStep.REPAIR: mark("Repair"),
    SafetyStep.REMEASURE: mark("Measure again"),
    SafetyStep.RELIGHT: mark("Put back into use"),
}
_OPTIONS: Mapping[str, str] = {
    "valve_closed": mark("valve closed"),
    "not_needed": mark("not needed"),
    "by_control_room": mark("by the control room"),
    "doors_windows": mark("doors and windows"),
    "fan": mark("fan"),
    "open_air": mark("open air"),
    "repaired": mark("repaired"),
    "replaced": mark("part replaced"),
    "made_safe": mark("made safe for now"),
    "holds": mark("it holds"),
    "drops": mark("it drops"),
    "relit": mark("relit"),
    "sealed": mark("sealed off"),
    "no_flame": mark("nothing to relight"),
    "reopened": mark("open again"),
    "stays_closed": mark("stays closed"),
    "vented": mark("air let out"),
    "balanced": mark("flow set anew"),
    "user_side": mark("the user’s side"),
    "exchanged": mark("meter exchanged"),
    "put_back": mark("same meter put back"),
}
_ENDS: Mapping[VisitEndReason, str] = {
    VisitEndReason.NOBODY_HOME: mark("nobody at home"),
    VisitEndReason.REFUSED: mark("was not let in"),
    VisitEndReason.LOCKED: mark("locked, no key"),
    VisitEndReason.DANGEROUS: mark("too dangerous"),
    VisitEndReason.PARTS_MISSING: mark("parts are missing"),
    VisitEndReason.OTHER_TRADE: mark("another trade is needed"),
    VisitEndReason.NEEDS_SHUTDOWN: mark("needs a shutdown"),
    VisitEndReason.WEATHER: mark("weather"),
    VisitEndReason.HANDED_OVER: mark("handed over"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """One thing that was done on site; `tone` is empty, ok, warn or danger."""

    at: str
    who: str
    title: str
    text: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWork:
    """The work on site; `closed` are valves that nobody has opened again, in words."""

    rows: Sequence[SiteRow]
    closed: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one fact comes to."""

    title: str
    text: str = ""
    tone: str = ""
    icon: str = "check"


def site_work(
    facts: Sequence[Fact], words: Words, now_utc: datetime, names: Mapping[str, str]
) -> SiteWork:
    """Return what the facts of an order tell, the oldest first.

    What was corrected or taken back stands in the row of what took its place; a fact that cannot
    be read is left out.
    """
    known = {fact.fact_id: fact for fact in facts}
    gone = {fact.supersedes for fact in facts}
    standing = [fact for fact in facts if fact.fact_id not in gone]
    rows: list[SiteRow] = []
    for fact in standing:
        said = fact_words(fact.fact_type, fact.payload, words)
        if said is None:
            continue
        said = _doubted(said, fact, facts, gone, words)
        rows.append(
            SiteRow(
                at=words.near_clock(fact.happened_at_utc, now_utc),
                who=told_by(fact, words, names),
                title=said.title,
                text=_between([said.text, _before(fact, known, said, words)]),
                tone=said.tone,
                icon=said.icon,
            )
        )
    return SiteWork(rows=rows, closed=_closed(standing, words, now_utc, names))


def told_by(fact: Fact, words: Words, names: Mapping[str, str]) -> str:
    """Return who told a fact, and that no clock says when where that is so."""
    who = names.get(fact.actor, "")
    doubt = words.gettext(mark("time not certain")) if fact.is_time_doubtful else ""
    return _between([who, doubt])


def _before(fact: Fact, known: Mapping[str, Fact], said: Said, words: Words) -> str:
    """Return what a fact takes the place of, the newest first; what says the same is left out."""
    told: list[str] = []
    chain = {fact.fact_id}
    former = known.get(fact.supersedes or "")
    while former is not None and former.fact_id not in chain:
        chain.add(former.fact_id)
        was = fact_words(former.fact_type, former.payload, words)
        if was is not None and was.text not in {"", said.text, *told}:
            told.append(was.text)
        former = known.get(former.supersedes or "")
    return words.gettext(mark("before: {text}")).format(text=" / ".join(told)) if told else ""


_ENTRY_LEL_PCT = 10.0
"""Above it nobody goes in (the tablet's gate of entry, docs/tablet.md)."""


def _doubted(
    said: Said, fact: Fact, facts: Sequence[Fact], gone: Collection[str | None], words: Words
) -> Said:
    """Return a good test of the air as no longer good when a step found gas after it.

    Until the air is tested again or *measure again* stands, as on the crew's tablet.
    """
    if fact.fact_type is not FactType.GAS_MEASUREMENT or said.tone != "ok":
        return said
    found: list[str] = []
    for later in facts[facts.index(fact) + 1 :]:
        if later.fact_type is FactType.GAS_MEASUREMENT:
            return said
        step = _step_of(later)
        if step is None:
            continue
        is_undone = step.is_undone or later.fact_id in gone
        if step.step is SafetyStep.REMEASURE and not is_undone:
            return said
        text = str(step.values.get("gas_lel_pct", "")).strip()
        found += [text] if _is_gas(text) else []
    if not found:
        return said
    again = words.gettext(mark("measure again: {value} % LEL")).format(value=found[-1])
    return replace(said, text=_between([said.text, again]), tone="danger", icon="lock")


def _step_of(fact: Fact) -> StepDone | None:
    if fact.fact_type is not FactType.SAFETY_STEP or not isinstance(fact.payload, Mapping):
        return None
    try:
        return parse_step(FieldReader(place=fact.fact_id, values=fact.payload))
    except ContractError:
        return None


def _is_gas(text: str) -> bool:
    """Return whether typed % LEL is too much to go in; what is no plain number (`OL`) is."""
    try:
        return float(text.replace(",", ".")) > _ENTRY_LEL_PCT
    except ValueError:
        return bool(text)


def fact_words(fact_type: str, payload: JsonValue, words: Words) -> Said | None:
    """Return what a fact's content comes to; None where no words are known, or it is damaged."""
    say = _SAYS.get(FactType(fact_type)) if fact_type in set(FactType) else None
    if say is None or not isinstance(payload, Mapping):
        return None
    try:
        return say(FieldReader(place=f"fact {fact_type}", values=payload), words)
    except ContractError:
        return None


def _step(reader: FieldReader, words: Words) -> Said:
    done = parse_step(reader)
    values = [_value(key, value, words) for key, value in done.values.items()]
    if done.is_unsafe:
        title = words.gettext(mark("Not safe: {step}"))
        step = words.gettext(_STEPS[done.step])
        return Said(
            title=title.format(step=step), text=_between(values), tone="danger", icon="lock"
        )
    if done.is_undone:
        title = words.gettext(mark("Taken back: {step}"))
        return Said(
            title=title.format(step=words.gettext(_STEPS[done.step])), tone="warn", icon="ret"
        )
    return Said(
        title=words.gettext(_STEPS[done.step]), text=_between(values), tone="ok", icon="check"
    )


def _value(key: str, value: JsonValue, words: Words) -> str:
    text = str(value)
    if text in _OPTIONS:
        return words.gettext(_OPTIONS[text])
    if key == "watched_s":
        minutes = round(float(text) / 60) if text.replace(".", "", 1).isdecimal() else 0
        return words.gettext(mark("watched {n} min")).format(n=minutes)
    if key == "gas_lel_pct":
        return f"{text} % LEL"
    if key in QUANTITIES:
        return f"{label(words, QUANTITIES, key)} {text} {unit_of(key)}"
    return f"{text} min" if key == "minutes" else text


def gas_said(gas: GasMeasurement, words: Words) -> Said:
    """Return a gas test in words: whether anybody went in, what was measured, where, by what."""
    values = (
        ("O₂", gas.oxygen_pct, "%"),
        ("", gas.lel_pct, "% LEL"),
        ("CO", gas.carbon_monoxide_ppm, "ppm"),
        ("H₂S", gas.hydrogen_sulphide_ppm, "ppm"),
    )
    shown = [
        f"{name} {quantity(value, unit)}".strip()
        for name, value, unit in values
        if value is not None
    ]
    is_refused = gas.is_entry_allowed is False
    is_gas = is_refused or (gas.lel_pct or 0.0) > _ENTRY_LEL_PCT
    title = words.gettext(mark("Gas test"))
    if gas.purpose is GasPurpose.ENTRY and gas.is_entry_allowed is not None:
        title = words.gettext(mark("Nobody went in") if is_refused else mark("Entry allowed"))
    return Said(
        title=title,
        text=_between([*shown, gas.place, gas.detector_id]),
        tone="danger" if is_gas else "ok",
        icon="lock" if is_refused else "eye",
    )


def _gas(reader: FieldReader, words: Words) -> Said:
    return gas_said(parse_gas(reader), words)


def _valve(reader: FieldReader, words: Words) -> Said:
    event = parse_isolation(reader)
    is_open = event.action is ValveAction.REOPENED
    told = event.word_from if is_open else event.may_reopen
    by = mark("word given by {name}") if is_open else mark("may open: {name}")
    return Said(
        title=words.gettext(_VALVES[event.action]).format(valve=event.valve_id),
        text=_between([words.gettext(by).format(name=told) if told else "", event.tag_number]),
        tone="ok" if is_open else "warn",
        icon="check" if is_open else "lock",
    )


_VALVES: Mapping[ValveAction, str] = {
    ValveAction.CLOSED: mark("Valve {valve} closed"),
    ValveAction.NAMED: mark("Valve {valve}: who may open it"),
    ValveAction.REOPENED: mark("Valve {valve} opened again"),
}


def _keeper(name: str, words: Words) -> str:
    return words.gettext(mark("may open: {name}")).format(name=name) if name else ""


def _part(reader: FieldReader, words: Words) -> Said:
    part = parse_part(reader)
    amount = number(abs(part.quantity))
    title = mark("Part used") if part.quantity > 0 else mark("Part put back")
    return Said(title=words.gettext(title), text=f"{part.name} × {amount}", icon="wrench")


def _reading(reader: FieldReader, words: Words) -> Said:
    text = _between([number(reader.number("value")), reader.text_or_empty("sure_because")])
    return Said(title=words.gettext(mark("Meter read")), text=text, icon="gauge")


def _end(reader: FieldReader, words: Words) -> Said:
    end = parse_visit_end(reader)
    notice = words.gettext(mark("notice {number}")).format(number=end.notice) if end.notice else ""
    return Said(
        title=words.gettext(mark("Left without a finding")),
        text=_between([words.gettext(_ENDS[end.reason]), notice, end.note]),
        tone="warn",
        icon="pause",
    )


def _begun(reader: FieldReader, words: Words) -> Said | None:
    """Return a finding that its crew could not finish; a finished one stands on its own card."""
    if reader.values.get("is_unfinished") is not True:
        return None
    answers = reader.object("answers")
    measured = answers.object_or_empty("measured")
    values = [_value(name, value, words) for name, value in measured.values.items()]
    result = answers.text_or_empty("result")
    return Said(
        title=words.gettext(mark("Left without a finding")),
        text=_between(
            [
                label(words, RESULTS, result) if result else "",
                *values,
                answers.text_or_empty("note", longest=_LONGEST_NOTE),
            ]
        ),
        tone="warn",
        icon="pause",
    )


_LONGEST_NOTE = 20_000


def _handover(reader: FieldReader, words: Words) -> Said:
    handover = parse_handover(reader)
    return Said(
        title=words.gettext(mark("Handed over to the next crew")), text=handover.note, icon="merge"
    )


def _closed(
    facts: Sequence[Fact], words: Words, now_utc: datetime, names: Mapping[str, str]
) -> list[str]:
    """Return the valves that are still closed, with who closed them and who may open them."""
    closed: dict[str, tuple[str, str]] = {}
    for fact in facts:
        if fact.fact_type is not FactType.ISOLATION or not isinstance(fact.payload, Mapping):
            continue
        try:
            event = parse_isolation(FieldReader(place=fact.fact_id, values=fact.payload))
        except ContractError:
            continue
        who = (
            f"{names.get(fact.actor, fact.actor)} {words.near_clock(fact.happened_at_utc, now_utc)}"
        )
        if event.action is ValveAction.NAMED:
            if event.valve_id in closed:
                closed[event.valve_id] = closed[event.valve_id][0], event.may_reopen
            continue
        closed.pop(event.valve_id, None)
        if event.action is ValveAction.CLOSED:
            closed[event.valve_id] = who, event.may_reopen
    nobody = words.gettext(mark("nobody named"))
    return [
        _between([valve, who, _keeper(keeper, words) or nobody])
        for valve, (who, keeper) in closed.items()
    ]


def _between(texts: Sequence[str]) -> str:
    return " · ".join(text for text in texts if text)


_SAYS: Mapping[FactType, Callable[[FieldReader, Words], Said | None]] = {
    FactType.SAFETY_STEP: _step,
    FactType.GAS_MEASUREMENT: _gas,
    FactType.ISOLATION: _valve,
    FactType.PART_USED: _part,
    FactType.METER_READING: _reading,
    FactType.VISIT_END: _end,
    FactType.HANDOVER: _handover,
    FactType.FORM_ANSWERSET: _begun,
}
