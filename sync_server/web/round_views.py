"""What the page of the rounds shows: routes, what was found, homes, meters; as plain text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sync_server.patrols.inspection_store import Inspected
from sync_server.web.home_check_views import check_told, home_place
from sync_server.web.labels import WELL_ENTRIES, label
from sync_server.web.site_work_views import gas_said, told_by
from sync_server.web.words import Words, mark, quantity
from sync_server.work_orders.order import Fact
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.home_checks import Household, HouseholdState, parse_safety_check
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import (
    BegunPoint,
    CheckInWay,
    PatrolPoint,
    PointOutcome,
    RunPhase,
    parse_check_in,
    parse_point,
    parse_run,
)
from wire_contracts.patrols import Checkpoint, Measure, PatrolPlan
from wire_contracts.site_facts import parse_gas

OUTCOMES = {
    PointOutcome.OK: (mark("all well"), "ok"),
    PointOutcome.DEFECT: (mark("defect"), "danger"),
    PointOutcome.NOT_REACHABLE: (mark("not reachable"), "warn"),
    PointOutcome.SKIPPED: (mark("skipped"), "warn"),
}
_WAYS = {
    CheckInWay.NFC: mark("tag read"),
    CheckInWay.QR: mark("code scanned"),
    CheckInWay.TYPED: mark("number typed"),
    CheckInWay.GEOFENCE: mark("by position"),
    CheckInWay.BY_HAND: mark("by the inspector’s word"),
}
_MEASURES = {
    Measure.GAS_LEL_PCT: (mark("Gas in air"), "% LEL"),
    Measure.INLET_PRESSURE_KPAG: (mark("Inlet pressure"), "kPa"),
    Measure.OUTLET_PRESSURE_KPAG: (mark("Outlet pressure"), "kPa"),
    Measure.WELL_WATER_CM: (mark("Water in the well"), "cm"),
}
"""What is measured at a checkpoint -> its name and printed unit."""
_STATES = {
    HouseholdState.DUE: mark("to do"),
    HouseholdState.PASSED: mark("passed"),
    HouseholdState.HAZARD: mark("with hazards"),
    HouseholdState.NO_ACCESS: mark("no access"),
    HouseholdState.LETTER: mark("letter due"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """One route; `again` is how many of its places are to be looked at again.

    `is_late`: it was due before now.
    """

    route_id: str
    name: str
    crew: str
    stops: int
    due: str
    is_late: bool
    last: str
    again: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One thing that an inspector did; `href` leads to the order it made, if any."""

    at: str
    who: str
    what: str
    where: str
    detail: str
    tone: str
    href: str
    is_readable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What inspectors may have been at, by id, and what the people are called."""

    plans: Mapping[str, Inspected[PatrolPlan]]
    places: Mapping[str, Inspected[Checkpoint]]
    homes: Mapping[str, Inspected[Household]]
    accounts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeCount:
    """How many homes stand in one state."""

    text: str
    count: int


def route_rows(
    plans: Mapping[str, Inspected[PatrolPlan]],
    places: Mapping[str, Inspected[Checkpoint]],
    crews: Mapping[str, str],
    words: Words,
    now_utc: datetime,
) -> list[RouteRow]:
    """Return the routes, the one that is due first at the top."""
    rows = []
    for each in sorted(plans.values(), key=lambda one: _due(one.thing)):
        plan = each.thing
        again = sum(
            bool(places[stop].thing.recheck_reason) for stop in plan.stops if stop in places
        )
        rows.append(
            RouteRow(
                route_id=each.entity_id,
                name=plan.name.in_language(words.language),
                crew=crews.get(each.crew_id, each.crew_id),
                stops=len(plan.stops),
                due=_near(plan.due_at_utc, words, now_utc),
                is_late=plan.due_at_utc is not None and plan.due_at_utc < now_utc,
                last=_near(plan.last_done_at_utc, words, now_utc),
                again=again,
            )
        )
    return rows


def _near(moment: datetime | None, words: Words, now_utc: datetime) -> str:
    return "" if moment is None else words.near_clock(moment, now_utc)


def _due(plan: PatrolPlan) -> float:
    return float("inf") if plan.due_at_utc is None else plan.due_at_utc.timestamp()


def home_counts(homes: Mapping[str, Inspected[Household]], words: Words) -> list[HomeCount]:
    """Return how many homes stand in each state, states without any included."""
    states = [each.thing.state for each in homes.values()]
    return [
        HomeCount(text=words.gettext(text), count=states.count(state))
        for state, text in _STATES.items()
    ]


def result_rows(
    facts: Sequence[Fact], known: Known, words: Words, now_utc: datetime
) -> list[ResultRow]:
    """Return what inspectors did, in the order given; a fact that cannot be read says so.

    How somebody was shown to be at a stop stands beside what was found there; alone it is a row of
    its own, and so is a position that another app made up.
    """
    told = [
        (fact, _row(fact, fact.payload, known, words, now_utc))
        for fact in facts
        if isinstance(fact.payload, Mapping)
    ]
    looked_at = {_stop_of(fact) for fact, row in told if _is(fact, _POINT) and row.is_readable}
    beside = {
        _stop_of(fact): row.detail
        for fact, row in told
        if _is(fact, _CHECK_IN) and not row.tone and _stop_of(fact) in looked_at
    }
    return [
        replace(row, detail=" · ".join(filter(None, (row.detail, beside.get(_stop_of(fact))))))
        if _is(fact, _POINT) and row.is_readable
        else row
        for fact, row in told
        if not _is(fact, _CHECK_IN) or row.tone or _stop_of(fact) not in looked_at
    ]


_POINT, _CHECK_IN = FactType.PATROL_POINT, FactType.CHECK_IN


def _is(fact: Fact, kind: FactType) -> bool:
    return fact.fact_type is kind


def _stop_of(fact: Fact) -> tuple[str, str]:
    payload = fact.payload if isinstance(fact.payload, Mapping) else {}
    return str(payload.get("run_id")), str(payload.get("checkpoint_id"))


def _row(
    fact: Fact, payload: JsonObject, known: Known, words: Words, now_utc: datetime
) -> ResultRow:
    reader = FieldReader(place=f"fact {fact.fact_id}", values=payload)
    where, is_readable = _where(fact.fact_type, payload, known, words), True
    try:
        if fact.fact_type is FactType.GAS_MEASUREMENT:
            what, detail, tone, href = _air_told(reader, where, words)
        else:
            what, detail, tone, href = _told(fact.fact_type, reader, words)
            begun = _begun_told(fact.fact_type, reader, known, words)
            tone, detail = "warn" if begun else tone, " · ".join(filter(None, [detail, *begun]))
    except ContractError:
        what, tone, href = words.gettext(_KINDS[fact.fact_type]), "warn", ""
        detail, is_readable = words.gettext(mark("cannot be read")), False
    return ResultRow(
        at=words.near_clock(fact.happened_at_utc, now_utc),
        who=told_by(fact, words, known.accounts),
        what=what,
        where=where,
        detail=detail,
        tone=tone,
        href=href,
        is_readable=is_readable,
    )


_KINDS = {
    FactType.PATROL_RUN: mark("route"),
    FactType.PATROL_POINT: mark("Checkpoint"),
    FactType.CHECK_IN: mark("Check-in"),
    FactType.GAS_MEASUREMENT: mark("Gas test"),
    FactType.SAFETY_CHECK: mark("Safety check"),
}


def _where(kind: FactType, payload: JsonObject, known: Known, words: Words) -> str:
    if kind is FactType.SAFETY_CHECK:
        home = known.homes.get(str(payload.get("household_id")))
        return "" if home is None else home_place(home.thing)
    if kind is FactType.PATROL_RUN:
        plan = known.plans.get(str(payload.get("plan_id")))
        return "" if plan is None else plan.thing.name.in_language(words.language)
    place = known.places.get(str(payload.get("checkpoint_id")))
    if place is not None:
        return place.thing.name.in_language(words.language)
    return str(payload.get("place", "")) if kind is FactType.GAS_MEASUREMENT else ""


def _told(kind: FactType, reader: FieldReader, words: Words) -> tuple[str, str, str, str]:
    """Return what it is, in which words, with which tone, and where it leads."""
    t = words.gettext
    if kind is FactType.PATROL_POINT:
        return _point_told(parse_point(reader), words)
    if kind is FactType.SAFETY_CHECK:
        what, detail, tone = check_told(parse_safety_check(reader), words)
        return what, detail, tone, ""
    if kind is FactType.CHECK_IN:
        seen = parse_check_in(reader)
        is_mock = seen.fix is not None and seen.fix.is_mock
        parts = [t(_WAYS[seen.way])]
        parts += [] if seen.distance_m is None else [f"{seen.distance_m:.0f} m"]
        parts += [t(mark("tag not readable"))] if seen.is_tag_unreadable else []
        parts += [t(mark("position made up by another app"))] if is_mock else []
        return t(mark("there")), " · ".join(parts), "warn" if is_mock else "", ""
    run = parse_run(reader)
    if run.phase is RunPhase.STARTED:
        return t(mark("route begun")), "", "", ""
    told = t(mark("{skipped} left out, {missed} missed, {km} km")).format(
        skipped=len(run.skipped), missed=len(run.missed), km=f"{run.track_m / 1000:.1f}"
    )
    return t(mark("route ended")), told, "warn" if run.missed else "ok", ""


def _begun_told(kind: FactType, reader: FieldReader, known: Known, words: Words) -> list[str]:
    """Return what was typed at stops of a run that ended, and kept by nobody."""
    run = parse_run(reader) if kind is FactType.PATROL_RUN else None
    found: list[str] = []
    for each in () if run is None else run.begun:
        place = known.places.get(each.checkpoint_id)
        where = "" if place is None else place.thing.name.in_language(words.language)
        severity = [] if each.severity is None else [_severity(each.severity, words)]
        values = [_typed(each, measure, words) for measure in each.values]
        text = words.gettext(mark("begun and not kept at {place} ({name}): {what}")).format(
            place=where or each.checkpoint_id,
            name=known.accounts.get(each.author, each.author),
            what=", ".join(part for part in (*severity, each.note, *values) if part),
        )
        found.append(text)
    return found


def _typed(begun: BegunPoint, measure: Measure, words: Words) -> str:
    """Return a value as it was typed: nobody said that it is a number."""
    name, unit = _MEASURES[measure]
    text = f"{words.gettext(name)} {begun.values[measure]} {unit}"
    return _beyond(text, words) if measure in begun.beyond else text


def _severity(severity: int, words: Words) -> str:
    return words.gettext(mark("severity {n}")).format(n=severity)


def _beyond(text: str, words: Words) -> str:
    return words.gettext(mark("{value} (beyond the limit)")).format(value=text)


def _air_told(reader: FieldReader, where: str, words: Words) -> tuple[str, str, str, str]:
    """Return the air of a well; a place that stands beside it is not said twice."""
    gas = parse_gas(reader)
    said = gas_said(replace(gas, place="") if gas.place == where else gas, words)
    return said.title, said.text, said.tone, ""


def _point_told(point: PatrolPoint, words: Words) -> tuple[str, str, str, str]:
    text, tone = OUTCOMES[point.outcome]
    tone = "warn" if point.beyond and tone == "ok" else tone
    values = [_measured(point, measure, words) for measure in point.values]
    defect = point.defect
    entry = [] if point.entry is None else [label(words, WELL_ENTRIES, point.entry)]
    parts = [*entry, *values, point.reason, point.note]
    href = ""
    if defect is not None:
        parts = [_severity(defect.severity, words), defect.note, *parts]
        href = f"/orders/{defect.order_id}" if defect.order_id else ""
    return words.gettext(text), " · ".join(part for part in parts if part), tone, href


def _measured(point: PatrolPoint, measure: Measure, words: Words) -> str:
    name, unit = _MEASURES[measure]
    text = f"{words.gettext(name)} {quantity(point.values[measure], unit)}"
    return _beyond(text, words) if measure in point.beyond else text
