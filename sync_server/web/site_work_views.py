"""What the order page shows of the work on site: steps, gas tests, valves, parts, ends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
    """Return what the standing facts of an order tell, the oldest first.

    What was taken back, and a fact that cannot be read, is left out.
    """
    rows: list[SiteRow] = []
    for fact in facts:
        said = fact_words(fact.fact_type, fact.payload, words)
        if said is not None:
            rows.append(
                SiteRow(
                    at=words.near_clock(fact.happened_at_utc, now_utc),
                    who=names.get(fact.actor, fact.actor),
                    title=said.title,
                    text=said.text,
                    tone=said.tone,
                    icon=said.icon,
                )
            )
    return SiteWork(rows=rows, closed=_closed(facts, words, now_utc, names))


def fact_words(fact_type: str, payload: JsonValue, words: Words) -> Said | None:
    """Return what a fact's content comes to; None where no words are known, or it is damaged."""
    say = _SAYS.get(FactType(fact_type)) if fact_type in set(FactType) else None
    if say is None or not isinstance(payload, Mapping):
        return None
    try:
        return say(FieldReader(place=f"fact {fact_type}", values=payload), words)
    except ContractError:
        return None


def _step(reader: FieldReader, words: Words) -> Said | None:
    done = parse_step(reader)
    values = [_value(key, value, words) for key, value in done.values.items()]
    if done.is_unsafe:
        title = words.gettext(mark("Not safe: {step}"))
        step = words.gettext(_STEPS[done.step])
        return Said(
            title=title.format(step=step), text=_between(values), tone="danger", icon="lock"
        )
    if done.is_undone:
        return None
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
    title = words.gettext(mark("Gas test"))
    if gas.purpose is GasPurpose.ENTRY and gas.is_entry_allowed is not None:
        title = words.gettext(mark("Nobody went in") if is_refused else mark("Entry allowed"))
    return Said(
        title=title,
        text=_between([*shown, gas.place, gas.detector_id]),
        tone="danger" if is_refused else "ok",
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
