"""The routes of the balances: every zone in a month, and one zone with its meters."""

from collections.abc import Sequence
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.balances.zone_store import (
    Zone,
    ZoneMonth,
    load_balances,
    load_zones,
    month_before,
    month_start,
)
from sync_server.db.engine_io import reading
from sync_server.web.balance_views import balance_row, months_chart, span_words, use_rows, use_table
from sync_server.web.exports_io import held_back, target_of
from sync_server.web.guarded_io import SeeReadings
from sync_server.web.ledger_views import ledger_csv
from sync_server.web.pages_io import Pages, Reader
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc

MONTHS = 13
"""A month, and the same one of last year."""

MOST_SEEKS = 20_000
"""Registers looked up for one page: a zone of very many meters shows fewer months (0.3 s)."""


def balances_router(pages: Pages) -> APIRouter:
    """Return the routes of the balances."""
    router = APIRouter()

    @router.get("/balances")
    def balances(request: Request, person: SeeReadings, month: str = "") -> Response:
        """Show every zone in a month; unless said the last whole one with a figure."""
        reader, now = pages.reader(person), _now(pages)
        with reading(pages.engine) as connection:
            zones = load_zones(connection)
            chosen, shown = _month(pages, connection, zones, _checked(pages, month))
        return pages.page(
            request,
            reader,
            "balances.html",
            "balances",
            month=chosen,
            before=month_before(chosen),
            behind=month_before(chosen, -1) if month_before(chosen, -1) <= now else "",
            rows=[balance_row(zone, each, reader.words) for zone, each in shown],
            span=span_words(shown[0][1], reader.words) if shown else "",
        )

    @router.get("/balances/{zone_id}.csv")
    def as_csv(person: SeeReadings, zone_id: str, month: str = "") -> Response:
        """Give the registers behind one zone's figures; that they were taken away is audited."""
        return _csv(pages, pages.reader(person), zone_id, month)

    @router.get("/balances/{zone_id}")
    def balance(request: Request, person: SeeReadings, zone_id: str, month: str = "") -> Response:
        """Show one zone: its months, and the registers of a month's figures."""
        reader = pages.reader(person)
        with reading(pages.engine) as connection:
            zone = _zone(connection, zone_id)
            chosen, _ = _month(pages, connection, [zone], _checked(pages, month))
            months = _months(pages, connection, zone, chosen)
        now = next(each for each in months if each.month == chosen)
        return pages.page(
            request,
            reader,
            "balance.html",
            "balances",
            zone=balance_row(zone, now, reader.words),
            month=chosen,
            span=span_words(now, reader.words),
            months=[balance_row(zone, each, reader.words, chosen) for each in months],
            chart=months_chart(zone, months, reader.words),
            uses=use_rows(zone, now, reader.words),
        )

    return router


def _csv(pages: Pages, reader: Reader, zone_id: str, month: str) -> Response:
    with reading(pages.engine) as connection:
        zone = _zone(connection, zone_id)
        chosen, shown = _month(pages, connection, [zone], _checked(pages, month))
    uses = shown[0][1].uses
    target = target_of(f"/balances/{quote(zone.zone_id, safe='')}.csv", month=chosen)
    waiting = held_back(pages, reader.person, target, len(uses))
    if waiting is not None:
        return waiting
    now_utc = pages.clock.now_utc()
    event = AuditEvent(
        actor=reader.person.account_id,
        action="balance.export",
        subject=zone.zone_id,
        detail={"month": chosen},
    )
    with pages.engine.begin() as connection:
        append_audit(connection, event, now_utc)
    taken = f"{reader.person.display_name} · {reader.words.moment(now_utc)}"
    stamp = f"{pages.settings.site_name} · {taken}"
    content = ledger_csv(use_table(zone, shown[0][1], reader.words, stamp))
    headers = {"Content-Disposition": f'attachment; filename="balance-{chosen}.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _now(pages: Pages) -> str:
    return pages.clock.now_utc().astimezone(pages.settings.zone).strftime("%Y-%m")


def _checked(pages: Pages, month: str) -> str:
    """Return the month that was asked for, empty for none; one that has not begun is refused."""
    if not month:
        return ""
    try:
        start_utc = month_start(month, pages.settings.zone)
    except ValueError:
        start_utc = None
    if start_utc is None or start_utc >= pages.clock.now_utc():
        raise ContractError(
            place="balance",
            field="month",
            problem=f"{month[:20]!r} is no month that has begun",
            remedy="write a month such as 2026-10",
            code=Code.FIELD_RANGE,
        )
    return start_utc.astimezone(pages.settings.zone).strftime("%Y-%m")


def _zone(connection: Connection, zone_id: str) -> Zone:
    found = next((each for each in load_zones(connection) if zone_id in each.inflow_ids), None)
    if found is None:
        raise ContractError(
            place="balance",
            field="zone",
            problem=f"{zone_id[:40]!r} is no zone",
            remedy="open /balances and choose one",
            code=Code.NOT_FOUND,
        )
    return found


def _month(
    pages: Pages, connection: Connection, zones: Sequence[Zone], asked: str
) -> tuple[str, Sequence[tuple[Zone, ZoneMonth]]]:
    """Return the month that is shown, and each zone in it."""
    now = _now(pages)
    site = (pages.settings.zone, ms_from_utc(pages.clock.now_utc()))
    shown: Sequence[tuple[Zone, ZoneMonth]] = ()
    chosen = asked or month_before(now)
    for chosen in (asked,) if asked else (month_before(now), now):
        found = load_balances(connection, zones, [chosen], site)
        shown = [(zone, found[zone.zone_id][0]) for zone in zones]
        if any(each.balance.inflow is not None for _, each in shown):
            break
    return chosen, shown


def _months(pages: Pages, connection: Connection, zone: Zone, chosen: str) -> Sequence[ZoneMonth]:
    """Return the months up to now, the newest first, as many as the zone's size allows."""
    now = _now(pages)
    meters = len(zone.inflow_ids) + len(zone.meter_ids)
    count = max(1, min(MONTHS, MOST_SEEKS // (2 * meters) - 1))
    wanted = sorted({chosen, *(month_before(now, back) for back in range(count))}, reverse=True)
    site = (pages.settings.zone, ms_from_utc(pages.clock.now_utc()))
    return load_balances(connection, [zone], wanted, site)[zone.zone_id]
