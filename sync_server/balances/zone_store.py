"""Owns the zones of a site and their registers at the bounds of months.

A zone is what lies behind one inflow meter, or behind several with the same meters: the table that
`sync-server import-stations` fills. A district's inflow or a make-up meter without an entry there
is a zone without meters. Heat is balanced over energy, gas and water over volume. Bounds count from
the hour that they lie in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    ScalarSelect,
    Subquery,
    Table,
    and_,
    literal,
    not_,
    or_,
    select,
)

from sync_server.assets.assets import MeterClass
from sync_server.balances.balance import (
    LONGEST_STRETCH,
    Around,
    Balance,
    BoundTotal,
    Measure,
    Member,
    MeterUse,
    Register,
    ZoneKind,
    balance_of,
    total_at,
    use_of,
)
from sync_server.db.asset_tables import COMMUNITY, DEVICE_METER, METER
from sync_server.db.detection_tables import METER_CHILD
from sync_server.db.reading_tables import READING, READING_HOURLY
from wire_contracts.frames import EARLIEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.quantities import Medium, Quantity

_STRETCH_MS = int(LONGEST_STRETCH.total_seconds() * 1000)
_HOUR_MS = 3_600_000
_DECEMBER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone: `zone_id` is its first inflow meter; the name is that meter's address.

    `place_en` and `place_zh` name the community of the inflow, empty when it has none.
    """

    zone_id: str
    inflow_ids: Sequence[str]
    meter_ids: Sequence[str]
    medium: Medium
    kind: ZoneKind
    measure: Measure
    address: str
    place_en: str
    place_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneMonth:
    """A zone in one month of the site (`2026-11`): the balance and the meters it is made of.

    The last month ends now: `to_utc` is the earlier of its end and of the present.
    """

    month: str
    from_utc: datetime
    to_utc: datetime
    balance: Balance
    uses: Sequence[MeterUse]


def month_before(month: str, count: int = 1) -> str:
    """Return the month so many before another one."""
    year, number = (int(part) for part in month.split("-"))
    index = year * _DECEMBER + number - 1 - count
    return f"{index // _DECEMBER:04d}-{index % _DECEMBER + 1:02d}"


def year_of(month: str) -> str | None:
    """Return the year that a span of the form `2026` names; None: it is a month."""
    return month if month.isdecimal() and len(month) == len("2026") else None


def month_start(month: str, zone: tzinfo) -> datetime:
    """Return the first moment of a month of the site.

    Raises:
        ValueError: The text is no month.
    """
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=zone).astimezone(UTC)


def load_zones(connection: Connection) -> Sequence[Zone]:
    """Return the zones by medium and number."""
    behind: dict[str, list[str]] = {}
    for parent, child in connection.execute(
        select(METER_CHILD.c.parent_id, METER_CHILD.c.child_id).order_by(
            METER_CHILD.c.parent_id, METER_CHILD.c.child_id
        )
    ):
        behind.setdefault(parent, []).append(child)
    is_inflow = METER.c.meter_class.in_([str(MeterClass.DMA), str(MeterClass.MAKEUP)])
    rows = connection.execute(
        select(METER, COMMUNITY.c.name_en, COMMUNITY.c.name_zh)
        .outerjoin(COMMUNITY, COMMUNITY.c.community_id == METER.c.community_id)
        .where(or_(is_inflow, METER.c.meter_id.in_(select(METER_CHILD.c.parent_id))))
        .order_by(METER.c.medium, METER.c.meter_id)
    )
    zones: dict[tuple[str, ...], Zone] = {}
    for row in rows:
        is_fed = row.meter_class == MeterClass.MAKEUP
        key = (row.medium, str(is_fed), *behind.get(row.meter_id, [row.meter_id]))
        known = zones.get(key)
        is_heat = row.medium == Medium.HEAT
        zones[key] = Zone(
            zone_id=known.zone_id if known else row.meter_id,
            inflow_ids=(*(known.inflow_ids if known else ()), row.meter_id),
            meter_ids=() if is_fed else tuple(behind.get(row.meter_id, ())),
            medium=Medium(row.medium),
            kind=ZoneKind.FED if is_fed else ZoneKind.DISTRICT,
            measure=Measure.ENERGY_KWH if is_heat else Measure.VOLUME_M3,
            address=known.address if known else row.address,
            place_en=(known.place_en if known else row.name_en) or "",
            place_zh=(known.place_zh if known else row.name_zh) or "",
        )
    return list(zones.values())


def load_balances(
    connection: Connection, zones: Sequence[Zone], months: Sequence[str], site: tuple[tzinfo, int]
) -> Mapping[str, Sequence[ZoneMonth]]:
    """Return zone id -> its months in the order of `months`, those that have begun.

    A whole year is asked for by its number, such as `2026`. `site` is the zone of the site and the
    present in milliseconds.
    """
    zone_of_site, now_ms = site
    spans = [span for month in months if (span := _span(month, zone_of_site, now_ms)) is not None]
    bounds = sorted({bound for _, begin, end in spans for bound in (begin, end)})
    registers = {
        measure: _registers(connection, chosen, measure, bounds)
        for measure in Measure
        if (chosen := [each for each in zones if each.measure is measure])
    }
    exchanged = _exchanges(connection, bounds)
    return {
        zone.zone_id: [_month_of(zone, span, registers[zone.measure], exchanged) for span in spans]
        for zone in zones
    }


_Span = tuple[str, int, int]
_Totals = Mapping[tuple[str, int], BoundTotal | None]


def _span(month: str, zone: tzinfo, now_ms: int) -> _Span | None:
    year = year_of(month)
    first, behind = (f"{year}-01", f"{int(year) + 1:04d}-01") if year else (month, "")
    begin = ms_from_utc(month_start(first, zone)) // _HOUR_MS * _HOUR_MS
    end = ms_from_utc(month_start(behind or month_before(month, -1), zone)) // _HOUR_MS * _HOUR_MS
    return (month, begin, min(end, now_ms // _HOUR_MS * _HOUR_MS)) if begin < now_ms else None


def _month_of(
    zone: Zone, span: _Span, totals: _Totals, exchanged: Mapping[str, Sequence[int]]
) -> ZoneMonth:
    month, begin, end = span

    def use(meter_id: str, *, is_inflow: bool, quantity: Quantity | None = None) -> MeterUse:
        moments = exchanged.get(meter_id, ())
        member = Member(
            meter_id=meter_id,
            is_inflow=is_inflow,
            is_exchanged=any(begin < moment <= end for moment in moments),
        )
        first, last = totals.get((meter_id, begin)), totals.get((meter_id, end))
        return use_of(member, first, last, quantity)

    inflows = [use(each, is_inflow=True) for each in zone.inflow_ids]
    counts = {each.end.quantity for each in inflows if each.end is not None}
    wanted = counts.pop() if len(counts) == 1 else None
    uses = [*inflows, *(use(each, is_inflow=False, quantity=wanted) for each in zone.meter_ids)]
    return ZoneMonth(
        month=month,
        from_utc=utc_from_ms(begin),
        to_utc=utc_from_ms(end),
        balance=balance_of(zone.kind, uses),
        uses=uses,
    )


def _registers(
    connection: Connection, zones: Sequence[Zone], measure: Measure, bounds: Sequence[int]
) -> _Totals:
    meters = _members(zones)
    found: dict[tuple[str, int], BoundTotal | None] = {}
    for bound in bounds:
        bound_utc = utc_from_ms(bound)
        for row in connection.execute(_around(meters, bound, _SOURCES[measure])):
            around = Around(
                before=_register(row.before_at, row.before_total, row.before_quantity),
                behind=_register(row.behind_at, row.behind_total, row.behind_quantity),
            )
            found[row.meter_id, bound] = total_at(bound_utc, around)
    return found


def _register(at_ms: int | None, total: float | None, quantity: str | None) -> Register | None:
    if at_ms is None or total is None or quantity is None:
        return None
    return Register(at_utc=utc_from_ms(at_ms), total=total, quantity=Quantity(quantity))


def _members(zones: Sequence[Zone]) -> Subquery:
    """Return a subquery of the meters of some zones, without a list of thousands of names."""
    inflows = [each for zone in zones for each in zone.inflow_ids]
    counted = [each for zone in zones if zone.meter_ids for each in zone.inflow_ids]
    own = select(METER.c.meter_id).where(METER.c.meter_id.in_(inflows))
    behind = select(METER_CHILD.c.child_id).where(METER_CHILD.c.parent_id.in_(counted))
    return own.union(behind).subquery("member")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where registers are: `first` and `last` are the columns (instant, total) of a row."""

    table: Table
    moment: str
    first: tuple[str, str]
    last: tuple[str, str]


_HOURS = _Source(
    table=READING_HOURLY,
    moment="hour_at_ms",
    first=("first_at_ms", "first_m3"),
    last=("last_at_ms", "last_m3"),
)
_ENERGY = _Source(
    table=READING,
    moment="measured_at_ms",
    first=("measured_at_ms", str(Quantity.ENERGY_KWH)),
    last=("measured_at_ms", str(Quantity.ENERGY_KWH)),
)
_SOURCES: Mapping[Measure, _Source] = {Measure.VOLUME_M3: _HOURS, Measure.ENERGY_KWH: _ENERGY}


def _around(meters: Subquery, bound: int, source: _Source) -> Executable:
    """Return the query: each meter with the row before the bound and the first one behind it."""
    before, behind = source.table.alias("before"), source.table.alias("behind")
    newest = _moment(meters, source, bound - _STRETCH_MS, bound, is_last=True)
    oldest = _moment(meters, source, bound, bound + _STRETCH_MS, is_last=False)
    return (
        select(
            meters.c.meter_id,
            before.c[source.last[0]].label("before_at"),
            before.c[source.last[1]].label("before_total"),
            _quantity(before, source).label("before_quantity"),
            behind.c[source.first[0]].label("behind_at"),
            behind.c[source.first[1]].label("behind_total"),
            _quantity(behind, source).label("behind_quantity"),
        )
        .select_from(meters)
        .outerjoin(before, _is_row(before, meters, source, newest))
        .outerjoin(behind, _is_row(behind, meters, source, oldest))
    )


def _quantity(rows: FromClause, source: _Source) -> ColumnElement[str]:
    if source is _ENERGY:
        return literal(str(Quantity.ENERGY_KWH))
    return rows.c.quantity


def _is_row(
    rows: FromClause, meters: Subquery, source: _Source, moment: ScalarSelect[int]
) -> ColumnElement[bool]:
    return and_(rows.c.meter_id == meters.c.meter_id, rows.c[source.moment] == moment)


def _moment(
    meters: Subquery, source: _Source, from_ms: int, to_ms: int, *, is_last: bool
) -> ScalarSelect[int]:
    """Return when the last or the first good row between two instants is, as a subquery."""
    rows = source.table.alias()
    at = rows.c[source.moment]
    query = (
        select(at)
        .where(rows.c.meter_id == meters.c.meter_id, rows.c[source.first[1]].is_not(None))
        .where(at >= from_ms, at < to_ms)
        .order_by(at.desc() if is_last else at)
        .limit(1)
    )
    if source is _ENERGY:
        named = rows.c.quality.contains(f'"{Quantity.ENERGY_KWH}"')
        query = query.where(or_(rows.c.quality.is_(None), not_(named)))
    return query.scalar_subquery()


def _exchanges(connection: Connection, bounds: Sequence[int]) -> Mapping[str, Sequence[int]]:
    """Return meter id -> when another device was hung there, between the first and last bound."""
    found: dict[str, list[int]] = {}
    if not bounds:
        return found
    device = DEVICE_METER.c
    for meter_id, at_ms in connection.execute(
        select(device.meter_id, device.valid_from_at_ms).where(
            device.valid_from_at_ms > max(bounds[0], EARLIEST_MS),
            device.valid_from_at_ms <= bounds[-1],
        )
    ):
        found.setdefault(meter_id, []).append(at_ms)
    return found
