"""Maps the things that crews inspect: one row each, shown to the tablets of their crew."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.db.change_store import Publication, crew_bucket, publish_all
from sync_server.db.patrol_tables import INSPECTION_ROW
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.home_checks import (
    HOUSEHOLD_ENTITY,
    Household,
    household_json,
    parse_household,
)
from wire_contracts.meter_rounds import (
    METER_ENTITY,
    RoundMeter,
    parse_round_meter,
    round_meter_json,
)
from wire_contracts.patrols import (
    CHECKPOINT_ENTITY,
    PLAN_ENTITY,
    Checkpoint,
    PatrolPlan,
    checkpoint_json,
    parse_checkpoint,
    parse_plan,
    plan_json,
)
from wire_contracts.payloads import dump_json

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Generic[T]):
    """How one type of thing is written and read."""

    entity: str
    dump: Callable[[T], JsonObject]
    parse: Callable[[FieldReader], T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected(Generic[T]):
    """One thing with its id and the crew that inspects it."""

    entity_id: str
    crew_id: str
    thing: T


CHECKPOINTS: Shape[Checkpoint] = Shape(
    entity=CHECKPOINT_ENTITY, dump=checkpoint_json, parse=parse_checkpoint
)
PLANS: Shape[PatrolPlan] = Shape(entity=PLAN_ENTITY, dump=plan_json, parse=parse_plan)
HOUSEHOLDS: Shape[Household] = Shape(
    entity=HOUSEHOLD_ENTITY, dump=household_json, parse=parse_household
)
ROUND_METERS: Shape[RoundMeter] = Shape(
    entity=METER_ENTITY, dump=round_meter_json, parse=parse_round_meter
)


def put(
    connection: Connection, shape: Shape[T], things: Iterable[Inspected[T]], now_utc: datetime
) -> None:
    """Write things and show them to the tablets of their crews; equal content changes nothing.

    Call it as late in a transaction as possible: no other change can commit until this one has.
    """
    publish_all(connection, keep(connection, shape, things, now_utc), now_utc)


def keep(
    connection: Connection, shape: Shape[T], things: Iterable[Inspected[T]], now_utc: datetime
) -> list[Publication]:
    """Write things; return what their tablets have to be shown by the caller."""
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    shown: list[Publication] = []
    for each in things:
        document = dump_json(shape.dump(each.thing))
        values = {
            "crew_id": each.crew_id,
            "document": document.decode(),
            "changed_at_ms": ms_from_utc(now_utc),
        }
        statement = make(INSPECTION_ROW).values(
            entity=shape.entity, entity_id=each.entity_id, **values
        )
        connection.execute(
            statement.on_conflict_do_update(index_elements=["entity", "entity_id"], set_=values)
        )
        shown.append(
            Publication(
                entity=shape.entity,
                entity_id=each.entity_id,
                document=document,
                buckets=frozenset({crew_bucket(each.crew_id)}),
            )
        )
    return shown


def find(connection: Connection, shape: Shape[T], entity_id: str) -> Inspected[T] | None:
    """Return one thing, locked until the transaction ends; None when there is none of that id."""
    query = select(INSPECTION_ROW).where(
        INSPECTION_ROW.c.entity == shape.entity, INSPECTION_ROW.c.entity_id == entity_id
    )
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        return None
    return Inspected(
        entity_id=row.entity_id, crew_id=row.crew_id, thing=_read(shape, row.document, entity_id)
    )


def load_all(connection: Connection, shape: Shape[T]) -> Mapping[str, Inspected[T]]:
    """Return every thing of one type by id, in the order of the ids."""
    query = select(INSPECTION_ROW).where(INSPECTION_ROW.c.entity == shape.entity)
    return {
        row.entity_id: Inspected(
            entity_id=row.entity_id,
            crew_id=row.crew_id,
            thing=_read(shape, row.document, row.entity_id),
        )
        for row in connection.execute(query.order_by(INSPECTION_ROW.c.entity_id))
    }


def _read(shape: Shape[T], document: str, entity_id: str) -> T:
    place = f"{shape.entity} {entity_id}"
    return shape.parse(FieldReader(place=place, values=orjson.loads(document)))
