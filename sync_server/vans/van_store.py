"""Maps the vans: parts and detectors of each crew, shown to its tablets as one row."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from sync_server.access.account_store import has_crew
from sync_server.access.refusals import not_found
from sync_server.db.change_store import Publication, crew_bucket, publish_all
from sync_server.db.van_tables import GAS_DETECTOR, VAN_PART
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.van import (
    ENTITY,
    MOST_DETECTORS,
    MOST_PARTS,
    AirValue,
    GasDetector,
    Van,
    VanPart,
    van_json,
)

_BETWEEN = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPart:
    """A part of a van with when it was counted."""

    part: VanPart
    counted_at_utc: datetime


def load_vans(connection: Connection) -> Mapping[str, Van]:
    """Return crew id -> what it has with it; crews that have nothing are left out."""
    parts: dict[str, list[VanPart]] = {}
    for row in connection.execute(select(VAN_PART).order_by(VAN_PART.c.place, VAN_PART.c.part_id)):
        parts.setdefault(row.crew_id, []).append(_part(row))
    detectors: dict[str, list[GasDetector]] = {}
    for row in connection.execute(select(GAS_DETECTOR).order_by(GAS_DETECTOR.c.detector_id)):
        detectors.setdefault(row.crew_id, []).append(_detector(row))
    return {
        crew_id: Van(parts=parts.get(crew_id, ()), detectors=detectors.get(crew_id, ()))
        for crew_id in sorted({*parts, *detectors})
    }


def load_van(connection: Connection, crew_id: str) -> Van:
    """Return what one crew has with it."""
    parts = select(VAN_PART).where(VAN_PART.c.crew_id == crew_id)
    parts = parts.order_by(VAN_PART.c.place, VAN_PART.c.part_id)
    detectors = select(GAS_DETECTOR).where(GAS_DETECTOR.c.crew_id == crew_id)
    return Van(
        parts=tuple(map(_part, connection.execute(parts))),
        detectors=tuple(
            map(_detector, connection.execute(detectors.order_by(GAS_DETECTOR.c.detector_id)))
        ),
    )


def locked_part(connection: Connection, crew_id: str, part_id: str) -> CountedPart | None:
    """Return a part of a van whose whole list is locked until the transaction ends; None without.

    Two tablets of one crew that take parts at once must not each show a list without the other's.
    """
    query = select(VAN_PART).where(VAN_PART.c.crew_id == crew_id).order_by(VAN_PART.c.part_id)
    rows = {row.part_id: row for row in connection.execute(query.with_for_update())}
    row = rows.get(part_id)
    if row is None:
        return None
    return CountedPart(part=_part(row), counted_at_utc=utc_from_ms(row.counted_at_ms))


def take_from_van(connection: Connection, crew_id: str, part_id: str, quantity: float) -> None:
    """Lessen what is left; the caller shows it."""
    connection.execute(
        update(VAN_PART)
        .where(VAN_PART.c.crew_id == crew_id, VAN_PART.c.part_id == part_id)
        .values(quantity=VAN_PART.c.quantity - quantity)
    )


def put_parts(
    connection: Connection, crew_id: str, parts: Sequence[VanPart], now_utc: datetime
) -> None:
    """Add parts to a van, or count those that are there anew; the caller shows it.

    Raises:
        ContractError: There is no such crew, or the list would be longer than a tablet reads.
    """
    if not has_crew(connection, crew_id):
        raise not_found(f"crew {crew_id!r}", "crew")
    mine = VAN_PART.c.crew_id == crew_id
    known = set(connection.execute(select(VAN_PART.c.part_id).where(mine)).scalars())
    if len(known | {part.part_id for part in parts}) > MOST_PARTS:
        raise _refused("parts", f"are more than {MOST_PARTS}", "take some off the list")
    last = connection.execute(select(func.max(VAN_PART.c.place)).where(mine)).scalar() or 0
    for place, part in enumerate(parts, start=last + 1):
        cells = {
            "name_en": part.name.en,
            "name_zh": part.name.zh,
            "media": _BETWEEN.join(sorted(part.media)),
            "unit": part.unit,
            "quantity": part.quantity,
            "least": part.least,
            "counted_at_ms": ms_from_utc(now_utc),
        }
        if part.part_id in known:
            this = mine & (VAN_PART.c.part_id == part.part_id)
            connection.execute(update(VAN_PART).where(this).values(cells))
        else:
            key = {"crew_id": crew_id, "part_id": part.part_id, "place": place}
            connection.execute(insert(VAN_PART).values({**key, **cells}))
            known.add(part.part_id)


def drop_parts(connection: Connection, crew_id: str, part_ids: Collection[str] | None) -> None:
    """Take parts off a van's list, all of them for None; the caller shows it."""
    statement = delete(VAN_PART).where(VAN_PART.c.crew_id == crew_id)
    if part_ids is not None:
        statement = statement.where(VAN_PART.c.part_id.in_(sorted(part_ids)))
    connection.execute(statement)


def put_detector(
    connection: Connection, crew_id: str, detector: GasDetector, now_utc: datetime
) -> frozenset[str]:
    """Give a detector to a crew; return the crews whose lists changed, for the caller to show.

    Raises:
        ContractError: There is no such crew, or it carries more than a tablet reads.
    """
    if not has_crew(connection, crew_id):
        raise not_found(f"crew {crew_id!r}", "crew")
    this = GAS_DETECTOR.c.detector_id == detector.detector_id
    former = connection.execute(select(GAS_DETECTOR.c.crew_id).where(this)).scalar_one_or_none()
    if former != crew_id:
        held = select(func.count()).where(GAS_DETECTOR.c.crew_id == crew_id)
        if connection.execute(held).scalar_one() >= MOST_DETECTORS:
            raise _refused("detectors", f"are more than {MOST_DETECTORS}", "take some off")
    cells = {
        "crew_id": crew_id,
        "model": detector.model,
        "shows": _BETWEEN.join(sorted(detector.values)),
        "calibrated_until": detector.calibrated_until.isoformat(),
        "changed_at_ms": ms_from_utc(now_utc),
    }
    if former is None:
        key = {"detector_id": detector.detector_id}
        connection.execute(insert(GAS_DETECTOR).values({**key, **cells}))
    else:
        connection.execute(update(GAS_DETECTOR).where(this).values(cells))
    return frozenset({crew_id, *([] if former is None else [former])})


def drop_detector(connection: Connection, detector_id: str) -> frozenset[str]:
    """Take a detector away; return the crews whose lists changed, for the caller to show."""
    statement = delete(GAS_DETECTOR).where(GAS_DETECTOR.c.detector_id == detector_id)
    rows = connection.execute(statement.returning(GAS_DETECTOR.c.crew_id)).scalars()
    return frozenset(map(str, rows))


def find_detector(connection: Connection, detector_id: str) -> GasDetector | None:
    """Return one detector, None when there is none of that number."""
    query = select(GAS_DETECTOR).where(GAS_DETECTOR.c.detector_id == detector_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _detector(row)


def show_vans(connection: Connection, crew_ids: Iterable[str], now_utc: datetime) -> None:
    """Show crews what they have with them; equal content changes nothing.

    Call it as late in a transaction as possible: no other change can commit until this one has.
    """
    publications = [publication_of(connection, crew_id) for crew_id in sorted(set(crew_ids))]
    publish_all(connection, publications, now_utc)


def publication_of(connection: Connection, crew_id: str) -> Publication:
    """Return a crew's van as its tablets shall see it."""
    return Publication(
        entity=ENTITY,
        entity_id=crew_id,
        document=van_json(load_van(connection, crew_id)),
        buckets=frozenset({crew_bucket(crew_id)}),
    )


def _part(row: Row[str]) -> VanPart:
    return VanPart(
        part_id=row.part_id,
        name=BilingualText(en=row.name_en, zh=row.name_zh),
        media=frozenset(map(Medium, row.media.split())),
        unit=row.unit,
        quantity=row.quantity,
        least=row.least,
    )


def _detector(row: Row[str]) -> GasDetector:
    return GasDetector(
        detector_id=row.detector_id,
        model=row.model,
        values=frozenset(map(AirValue, row.shows.split())),
        calibrated_until=date.fromisoformat(row.calibrated_until),
    )


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="van", field=field, problem=problem, remedy=remedy, code=Code.FIELD_RANGE
    )
