"""Maps rows of the server and own facts to what an inspector sees."""

import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Connection, select

from field_app.orders.moments import TimerMoment, moment_at
from field_app.patrols.noted import HOME_FORM, WRONG, noted_in_checklists
from field_app.patrols.run_state import Fact, RunState, fold
from field_app.store import draft_store, outbox_store
from field_app.store.outbox_store import OutboxEntry
from field_app.store.record_states import (
    OVERLAY,
    OpStatus,
    RecordState,
    RecordTraces,
    record_state,
)
from field_app.store.round_records import record_of
from field_app.store.tables import base_row, outbox_op
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.home_checks import (
    HOUSEHOLD_ENTITY,
    MOST_ATTEMPTS_WITHOUT_LETTER,
    Household,
    HouseholdState,
    parse_household,
    parse_safety_check,
)
from wire_contracts.meter_rounds import (
    METER_ENTITY,
    PastReading,
    RoundMeter,
    parse_round_meter,
    parse_round_reading,
)
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import (
    CheckIn,
    PatrolPoint,
    parse_check_in,
    parse_point,
    parse_run,
)
from wire_contracts.patrols import (
    CHECKPOINT_ENTITY,
    PLAN_ENTITY,
    Checkpoint,
    PatrolPlan,
    parse_checkpoint,
    parse_plan,
)

T = TypeVar("T")


READING_ROUND: Final = timedelta(days=15)
"""A meter that was read so lately is read: walk-by rounds are a month apart or more."""

CORRECTED_WITHIN: Final = timedelta(hours=1)
"""A meter that is read again so soon was read wrong: nobody walks by twice in an hour."""

VISITING_DAY: Final = timedelta(hours=12)
"""A home that was visited so lately is visited: nobody rings twice in a shift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHome:
    """A home with the own visits on top, and how far those are on their way.

    `visited_at` is when this tablet told of it last, None when it never did.
    """

    household_id: str
    household: Household
    mark: RecordState
    visited_at_utc: datetime | None = None
    has_noted_hazard: bool = False
    visited_at: TimerMoment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReading:
    """The newest reading of this tablet of a meter that stands."""

    fact_id: str
    at_utc: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMeter:
    """A meter with the own readings on top.

    `read_at_utc`: when it was read in this round, by whomever; None before that.
    `own`: what this tablet has read of it last, None without any.
    """

    meter_id: str
    meter: RoundMeter
    mark: RecordState
    read_at_utc: datetime | None = None
    own: OwnReading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRun:
    """A run with how far its words are on their way.

    `begun_n`: the number of the operation with which it began, in the order of writing.
    `is_order_refused`: the server did not take an order for a danger, seen by somebody or not.
    `checked_in_at`, `told_at`: when somebody was at a checkpoint, and told its result, last.
    """

    run_id: str
    state: RunState
    mark: RecordState
    begun_n: int = 0
    is_order_refused: bool = False
    checked_in_at: Mapping[str, TimerMoment] = field(default_factory=dict)
    told_at: Mapping[str, TimerMoment] = field(default_factory=dict)


def load_checkpoints(connection: Connection) -> dict[str, Checkpoint]:
    """Return the checkpoints that this tablet knows; one it cannot read is left out."""
    return _load(connection, CHECKPOINT_ENTITY, parse_checkpoint)


def load_plans(connection: Connection) -> dict[str, PatrolPlan]:
    """Return the routes of this tablet's crew."""
    return _load(connection, PLAN_ENTITY, parse_plan)


def has_rounds(connection: Connection) -> bool:
    """Return whether this tablet's crew inspects anything."""
    entities = (PLAN_ENTITY, HOUSEHOLD_ENTITY, METER_ENTITY)
    query = select(base_row.c.entity_id).where(base_row.c.entity.in_(entities)).limit(1)
    return connection.execute(query).first() is not None


def load_run(connection: Connection, run_id: str) -> SeenRun:
    """Return one run as its facts tell it, empty when the tablet knows none."""
    entries = outbox_store.entries_of(connection, record_of(run_id))
    facts = [fact for fact in map(_fact, entries) if fact is not None]
    return SeenRun(
        run_id=run_id,
        state=fold(facts),
        mark=_mark(entries),
        begun_n=min((entry.operation.n for entry in entries), default=0),
        is_order_refused=_is_order_refused(entries),
        checked_in_at=_last_at(entries, CheckIn),
        told_at=_last_at(entries, PatrolPoint),
    )


def _last_at(
    entries: Sequence[OutboxEntry], kind: type[CheckIn | PatrolPoint]
) -> dict[str, TimerMoment]:
    """Return when the last fact of a kind was made, by checkpoint."""
    return {
        fact.checkpoint_id: moment_at(entry.operation.at)
        for entry in entries
        if isinstance(fact := _fact(entry), kind)
    }


def _is_order_refused(entries: Sequence[OutboxEntry]) -> bool:
    """Return whether an order for a danger was refused, and not taken at a later try."""
    asked = [each for each in entries if each.operation.field == FactType.ORDER_REQUEST]
    refused = {each.operation.entity_id for each in asked if each.status is OpStatus.REFUSED}
    return bool(refused - {each.operation.entity_id for each in asked if each.status in OVERLAY})


def find_open_run(connection: Connection) -> SeenRun | None:
    """Return the run that was begun last and has not ended, None without one."""
    query = (
        select(outbox_op.c.order_id)
        .where(outbox_op.c.entity == str(FactType.PATROL_RUN))
        .order_by(outbox_op.c.n.desc())
        .limit(1)
    )
    record = connection.execute(query).scalar_one_or_none()
    if record is None:
        return None
    run = load_run(connection, str(record).removeprefix(record_of("")))
    return None if run.state.is_submitted or run.state.run is None else run


def load_homes(connection: Connection, now_utc: datetime) -> list[SeenHome]:
    """Return the homes on the list by community, building and room, own visits on top."""
    since_utc = now_utc - VISITING_DAY
    own = _by_record(connection, FactType.SAFETY_CHECK, since_utc)
    begun = draft_store.values_begun(connection, HOME_FORM)
    for each in noted_in_checklists(connection):
        begun.setdefault(record_of(each), set()).add(WRONG)
    homes = [
        _seen_home(
            household_id,
            household,
            own.get(record_of(household_id), []),
            begun.get(record_of(household_id), set()),
            since_utc,
        )
        for household_id, household in _load(connection, HOUSEHOLD_ENTITY, parse_household).items()
    ]
    return sorted(homes, key=lambda home: _door(home.household.community, home.household))


def find_home(connection: Connection, household_id: str) -> SeenHome | None:
    """Return one home, None when it is not on this tablet."""
    found = _load(connection, HOUSEHOLD_ENTITY, parse_household, household_id)
    if household_id not in found:
        return None
    entries = outbox_store.entries_of(connection, record_of(household_id))
    return _seen_home(household_id, found[household_id], entries)


def load_meters(connection: Connection, now_utc: datetime) -> list[SeenMeter]:
    """Return the meters of the round by building and place, own readings on top."""
    since_utc = now_utc - READING_ROUND
    own = _by_record(connection, FactType.METER_READING, since_utc)
    meters = [
        _seen_meter(meter_id, meter, own.get(record_of(meter_id), []), since_utc)
        for meter_id, meter in _load(connection, METER_ENTITY, parse_round_meter).items()
    ]
    return sorted(meters, key=lambda each: natural(each.meter.building, each.meter.place))


def find_meter(connection: Connection, meter_id: str, now_utc: datetime) -> SeenMeter | None:
    """Return one meter, None when it is not on this tablet."""
    found = _load(connection, METER_ENTITY, parse_round_meter, meter_id)
    if meter_id not in found:
        return None
    entries = outbox_store.entries_of(connection, record_of(meter_id))
    return _seen_meter(meter_id, found[meter_id], entries, now_utc - READING_ROUND)


def natural(*parts: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts `9` before `12`: numbers by value, the rest by letter."""
    pieces: list[tuple[int, str]] = []
    for part in parts:
        digits = ""
        for sign in f"{part}\0":
            if sign.isdecimal():
                digits += sign
                continue
            if digits:
                pieces.append((int(digits), ""))
                digits = ""
            pieces.append((-1, sign))
    return tuple(pieces)


def _door(community: str, household: Household) -> tuple[str, tuple[tuple[int, str], ...]]:
    return community, natural(household.building, household.room)


def _load(
    connection: Connection,
    entity: str,
    parse: Callable[[FieldReader], T],
    entity_id: str | None = None,
) -> dict[str, T]:
    query = select(base_row.c.entity_id, base_row.c.document).where(base_row.c.entity == entity)
    if entity_id is not None:
        query = query.where(base_row.c.entity_id == entity_id)
    found: dict[str, T] = {}
    for row in connection.execute(query.order_by(base_row.c.seq)):
        try:
            place = f"{entity} {row.entity_id}"
            found[row.entity_id] = parse(FieldReader(place=place, values=json.loads(row.document)))
        except ContractError:
            continue  # a newer office; the rest of the list is of use all the same
    return found


def _by_record(
    connection: Connection, fact_type: FactType, since_utc: datetime
) -> Mapping[str, list[OutboxEntry]]:
    """Return the own facts of one type, by record, that no row shows yet or that are so new."""
    is_pending = outbox_op.c.status.in_(sorted(OVERLAY))
    is_new = outbox_op.c.made_at_ms >= ms_from_utc(since_utc)
    entries = outbox_store.load_entries(
        connection, (outbox_op.c.entity == str(fact_type)) & (is_pending | is_new)
    )
    found: dict[str, list[OutboxEntry]] = {}
    for entry in entries:
        found.setdefault(entry.order_id, []).append(entry)
    return found


def _fact(entry: OutboxEntry) -> Fact | None:
    operation = entry.operation
    parse = _PARSERS.get(operation.field)
    if parse is None or operation.payload is None:
        return None
    return parse(FieldReader(place=f"own {operation.field}", values=operation.payload))


_PARSERS: Mapping[str, Callable[[FieldReader], Fact]] = {
    FactType.PATROL_RUN: parse_run,
    FactType.CHECK_IN: parse_check_in,
    FactType.PATROL_POINT: parse_point,
}


def _seen_home(
    household_id: str,
    household: Household,
    entries: Sequence[OutboxEntry],
    begun: AbstractSet[JsonValue] = frozenset(),
    since_utc: datetime | None = None,
) -> SeenHome:
    """Return a home; a visit of the office since `since_utc` counts like an own one."""
    known_utc = household.checked_at_utc
    is_new = known_utc is not None and since_utc is not None and known_utc >= since_utc
    visited_at_utc = known_utc if is_new else None
    for entry in entries:
        operation = entry.operation
        is_visit = operation.field == FactType.SAFETY_CHECK and _stands(entry)
        if not is_visit or operation.payload is None:
            continue
        visited_at_utc = utc_from_ms(entry.made_at_ms + operation.at.offset_ms)
        if entry.status not in OVERLAY:
            continue
        check = parse_safety_check(FieldReader(place="own visit", values=operation.payload))
        count = household.no_access_count + 1 if check.is_no_access else 0
        household = replace(
            household,
            state=_state_after(
                is_no_access=check.is_no_access, count=count, has_hazards=bool(check.hazards)
            ),
            no_access_count=count,
            hazards=household.hazards if check.is_no_access else check.hazards,
            checked_at_utc=visited_at_utc,
        )
    return SeenHome(
        household_id=household_id,
        household=household,
        mark=_mark(entries, has_draft=bool(begun)),
        visited_at_utc=visited_at_utc,
        has_noted_hazard=WRONG in begun,
        visited_at=next(
            (moment_at(each.operation.at) for each in reversed(entries) if _is_visit(each)), None
        ),
    )


def _is_visit(entry: OutboxEntry) -> bool:
    return entry.operation.field == FactType.SAFETY_CHECK


def _state_after(*, is_no_access: bool, count: int, has_hazards: bool) -> HouseholdState:
    if is_no_access:
        is_letter = count > MOST_ATTEMPTS_WITHOUT_LETTER
        return HouseholdState.LETTER if is_letter else HouseholdState.NO_ACCESS
    return HouseholdState.HAZARD if has_hazards else HouseholdState.PASSED


def _seen_meter(
    meter_id: str, meter: RoundMeter, entries: Sequence[OutboxEntry], since_utc: datetime
) -> SeenMeter:
    """Return a meter; it is read by an own reading that stands, or by the newest of the office."""
    read = [each.at_utc for each in meter.readings[-1:] if each.at_utc >= since_utc]
    corrected = {str((each.operation.payload or {}).get("supersedes")) for each in entries}
    own: OwnReading | None = None
    for entry in entries:
        operation = entry.operation
        is_reading = operation.field == FactType.METER_READING
        if not is_reading or operation.payload is None or operation.entity_id in corrected:
            continue
        at_utc = utc_from_ms(entry.made_at_ms + operation.at.offset_ms)
        if entry.status in OVERLAY or (at_utc >= since_utc and _stands(entry)):
            read.append(at_utc)
        reading = parse_round_reading(FieldReader(place="own reading", values=operation.payload))
        if _stands(entry):
            own = OwnReading(fact_id=operation.entity_id, at_utc=at_utc, value=reading.value)
        if entry.status not in OVERLAY:
            continue
        past = PastReading(at_utc=at_utc, value=reading.value)
        meter = replace(meter, readings=(*meter.readings, past))
    return SeenMeter(
        meter_id=meter_id,
        meter=meter,
        mark=_mark(entries),
        read_at_utc=max(read, default=None),
        own=own,
    )


def _stands(entry: OutboxEntry) -> bool:
    return entry.status is not OpStatus.REFUSED


def _mark(entries: Sequence[OutboxEntry], *, has_draft: bool = False) -> RecordState:
    return record_state(
        RecordTraces(
            statuses=frozenset(entry.status for entry in entries),
            has_draft=has_draft,
            needs_look=any(entry.look is outbox_store.Look.YES for entry in entries),
            photos_total=0,
            photos_done=0,
        )
    )


def correctable(seen: SeenMeter, now_utc: datetime) -> OwnReading | None:
    """Return the own reading that another one now takes the place of, None for none."""
    own = seen.own
    return own if own is not None and now_utc - own.at_utc <= CORRECTED_WITHIN else None


def before_own(meter: RoundMeter, own: OwnReading) -> RoundMeter:
    """Return a meter as it was known before an own reading."""
    earlier = tuple(each for each in meter.readings if each.at_utc < own.at_utc)
    return replace(meter, readings=earlier)
