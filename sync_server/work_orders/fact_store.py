"""The insert-only facts of crews: kept once, never changed, linked when their order appears."""

from collections.abc import Collection, Iterable, Mapping

import orjson
from sqlalchemy import ColumnElement, Connection, Row, bindparam, select, update

from sync_server.db.bulk_io import put_cells
from sync_server.db.order_tables import FACT, WORK_ORDER
from sync_server.work_orders.order import Fact, WaitsFor
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.payloads import dump_json


def payload_text(payload: JsonValue) -> str:
    """Return a fact's content as canonical JSON, so that equal content is equal text."""
    body = dump_json(payload) if isinstance(payload, Mapping) else orjson.dumps(payload)
    return body.decode()


def stored_payload(connection: Connection, fact_id: str) -> str | None:
    """Return the canonical content of a fact that is already kept, else None."""
    return connection.execute(_PAYLOAD, {"of_fact": fact_id}).scalar_one_or_none()


_PAYLOAD = select(FACT.c.payload).where(FACT.c.fact_id == bindparam("of_fact"))
"""Built once, as what every fact and every new order asks."""


def insert_fact(connection: Connection, fact: Fact) -> None:
    """Keep a fact; the caller has made sure that its id is new."""
    cells = {
        "fact_id": fact.fact_id,
        "fact_type": str(fact.fact_type),
        "order_id": fact.order_id,
        "is_orphan": fact.is_orphan,
        "waits_for": None if fact.waits_for is None else str(fact.waits_for),
        "visit": fact.visit,
        "actor": fact.actor,
        "tablet_id": fact.tablet_id,
        "op_id": fact.op_id,
        "supersedes": fact.supersedes,
        "payload": payload_text(fact.payload),
        "happened_at_ms": ms_from_utc(fact.happened_at_utc),
        "received_at_ms": ms_from_utc(fact.received_at_utc),
        "is_time_doubtful": fact.is_time_doubtful,
        "word_ms": None if fact.word_utc is None else ms_from_utc(fact.word_utc),
        "replica_id": fact.replica_id or None,
        "n": fact.n or None,
    }
    put_cells(connection, FACT, [cells])


def link_orphans(connection: Connection, order_id: str) -> list[str]:
    """Return the ids of the facts that waited for this order and are linked to it now."""
    asked = {"of_order": order_id}
    if connection.execute(_WAITING_FOR_ORDER, asked).first() is None:
        return []
    return _link(connection, FACT.c.order_id == order_id, FACT.c.waits_for == WaitsFor.ORDER)


_WAITING_FOR_ORDER = select(FACT.c.fact_id).where(
    FACT.c.order_id == bindparam("of_order"), FACT.c.waits_for == str(WaitsFor.ORDER)
)


def link_known_forms(connection: Connection, forms: Collection[str]) -> list[str]:
    """Return the ids of the facts that waited for one of these forms and are linked now."""
    found = [
        row.fact_id
        for row in connection.execute(_WAITING_FOR_FORM)
        if form_of(orjson.loads(row.payload)) in forms
    ]
    return _link(connection, FACT.c.fact_id.in_(found)) if found else []


_WAITING_FOR_FORM = select(FACT.c.fact_id, FACT.c.payload).where(
    FACT.c.waits_for == str(WaitsFor.FORM)
)


def _link(connection: Connection, *which: ColumnElement[bool]) -> list[str]:
    linked = update(FACT).where(*which).values(is_orphan=False, waits_for=None)
    return sorted(connection.execute(linked.returning(FACT.c.fact_id)).scalars())


def form_of(payload: JsonValue) -> str | None:
    """Return the form and version that an answer set was made with, None when it names none."""
    form = payload.get("form") if isinstance(payload, Mapping) else None
    return form if isinstance(form, str) else None


def waiting_facts(connection: Connection) -> list[Fact]:
    """Return every parked fact, the oldest first: the office sees them until they are linked."""
    query = select(FACT).where(FACT.c.waits_for.is_not(None))
    return [_fact(row) for row in connection.execute(query.order_by(FACT.c.received_at_ms))]


def find_fact(connection: Connection, fact_id: str) -> Fact | None:
    """Return one fact, None when there is none of that id."""
    row = connection.execute(_FACT, {"of_fact": fact_id}).one_or_none()
    return None if row is None else _fact(row)


_FACT = select(FACT).where(FACT.c.fact_id == bindparam("of_fact"))


def superseded_ids(facts: Iterable[Fact]) -> frozenset[str]:
    """Return which facts a later one corrects; chains of corrections leave only the last."""
    return frozenset(fact.supersedes for fact in facts if fact.supersedes is not None)


def has_order(connection: Connection, order_id: str) -> bool:
    """Return whether an order of this id exists."""
    query = select(WORK_ORDER.c.order_id).where(WORK_ORDER.c.order_id == order_id)
    return connection.execute(query).first() is not None


def facts_of_order(connection: Connection, order_id: str) -> list[Fact]:
    """Return the facts of an order in the order they happened; superseded ones included."""
    query = (
        select(FACT)
        .where(FACT.c.order_id == order_id)
        .order_by(FACT.c.happened_at_ms, FACT.c.fact_id)
    )
    return [_fact(row) for row in connection.execute(query)]


def _fact(row: Row[str]) -> Fact:
    return Fact(
        fact_id=row.fact_id,
        fact_type=FactType(row.fact_type),
        order_id=row.order_id,
        actor=row.actor,
        tablet_id=row.tablet_id,
        op_id=row.op_id,
        payload=orjson.loads(row.payload),
        happened_at_utc=utc_from_ms(row.happened_at_ms),
        received_at_utc=utc_from_ms(row.received_at_ms),
        supersedes=row.supersedes,
        waits_for=None if row.waits_for is None else WaitsFor(row.waits_for),
        visit=int(row.visit),
        is_time_doubtful=bool(row.is_time_doubtful),
        word_utc=None if row.word_ms is None else utc_from_ms(row.word_ms),
        replica_id=row.replica_id or "",
        n=row.n or 0,
    )


def has_answers(connection: Connection, order_id: str, visit: int) -> bool:
    """Return whether the crew has filled in the finding form on this visit of an order.

    What was only begun and left does not count: nobody has said that it is what was found.
    """
    asked = {"of_order": order_id, "of_visit": visit}
    payloads = map(orjson.loads, connection.execute(_ANSWERS, asked).scalars())
    return any(
        (form_of(each) or "").startswith(_FINDING)
        for each in payloads
        if each.get("is_unfinished") is not True
    )


_ANSWERS = select(FACT.c.payload).where(
    FACT.c.order_id == bindparam("of_order"),
    FACT.c.fact_type == str(FactType.FORM_ANSWERSET),
    FACT.c.visit == bindparam("of_visit"),
)

_FINDING = f"{FINDING_FORM.partition('@')[0]}@"
"""Any version of the finding form; the office's checklists are no findings."""

_EVIDENCE_TYPES = frozenset({FactType.PHOTO_REF, FactType.METER_READING})


def has_evidence(connection: Connection, order_id: str) -> bool:
    """Return whether the finding is backed by a measurement, a reading or a photo (RULINGS R6)."""
    facts = facts_of_order(connection, order_id)
    corrected = superseded_ids(facts)
    return any(
        fact.fact_type in _EVIDENCE_TYPES or _has_measured(fact)
        for fact in facts
        if fact.fact_id not in corrected
    )


def _has_measured(fact: Fact) -> bool:
    """Return whether an answer set holds a measured value: the finding's, or a checklist's."""
    if fact.fact_type is not FactType.FORM_ANSWERSET or not isinstance(fact.payload, Mapping):
        return False
    answers = fact.payload.get("answers")
    of_finding = answers.get("measured") if isinstance(answers, Mapping) else None
    of_checklist = fact.payload.get("measured")
    return any(isinstance(each, Mapping) and bool(each) for each in (of_finding, of_checklist))
