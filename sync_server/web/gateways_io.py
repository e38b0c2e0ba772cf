"""The routes of the gateways and of the quarantine, with its one action: adopt."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.assets.asset_store import get_meter, list_gateways
from sync_server.assets.assets import AssetError, MeterClass, NewMeter
from sync_server.db.engine_io import reading
from sync_server.gateways.health_store import load_health
from sync_server.readings.adoption import adopt_device, adopt_gateway
from sync_server.readings.quarantine_store import list_quarantine
from sync_server.web.gateway_views import health_view
from sync_server.web.guarded_io import AdoptDevice, SeeGateways
from sync_server.web.labels import MEDIA, METER_CLASSES, label
from sync_server.web.page_queries_store import gateway_intervals, quarantine_counts
from sync_server.web.pages_io import Notice, Pages, Reader
from sync_server.web.record_views import gateway_row, quarantine_row
from sync_server.web.words import mark
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.quantities import Medium

_NEW_INTERVAL = timedelta(minutes=15)
"""Expected of an adopted meter until the metering engineer says otherwise."""


class AdoptForm(BaseModel):
    """Which meter the device is; the other fields count for a meter that is new."""

    meter_id: str = Field(default="", max_length=40)
    medium: Medium = Medium.WATER
    meter_class: MeterClass = MeterClass.CONSUMER
    address: str = Field(default="", max_length=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRights:
    """What the reader may do on the page."""

    adopt: bool


def gateways_router(pages: Pages) -> APIRouter:
    """Return the routes of the gateways."""
    router = APIRouter()

    @router.get("/gateways")
    def gateways(request: Request, person: SeeGateways) -> Response:
        """Show the gateways, and to those who may see it the quarantine."""
        return _page(pages, request, pages.reader(person))

    @router.post("/quarantine/device/{serial:path}/adopt")
    def adopt(
        request: Request,
        person: AdoptDevice,
        serial: str,
        form: Annotated[AdoptForm, Form()],
    ) -> Response:
        """Say which meter the device is; its kept frames become readings."""
        reader = pages.reader(person)
        try:
            with pages.engine.begin() as connection:
                meter = _meter_of(connection, form)
                count = adopt_device(connection, serial, meter, pages.clock.now_utc())
        except (AssetError, ContractError) as problem:
            return _page(pages, request, reader, problem=str(problem))
        return _page(pages, request, reader, adopted=count)

    @router.post("/quarantine/gateway/{gateway_id}/adopt")
    def allow(request: Request, person: AdoptDevice, gateway_id: str) -> Response:
        """Allow the gateway; its kept frames become readings."""
        reader = pages.reader(person)
        try:
            with pages.engine.begin() as connection:
                now_utc = pages.clock.now_utc()
                count = adopt_gateway(connection, gateway_id, gateway_id, now_utc)
        except (AssetError, ContractError) as problem:
            return _page(pages, request, reader, problem=str(problem))
        return _page(pages, request, reader, adopted=count)

    return router


def _meter_of(connection: Connection, form: AdoptForm) -> NewMeter:
    if not form.meter_id.strip():
        raise ContractError(
            place="quarantine",
            field="meter_id",
            problem="is empty",
            remedy="type the number of the meter that this device is",
            code=Code.FIELD_MISSING,
        )
    known = get_meter(connection, form.meter_id.strip())
    if known is not None:
        return known.meter
    return NewMeter(
        meter_id=form.meter_id.strip(),
        medium=form.medium,
        meter_class=form.meter_class,
        address=form.address.strip(),
        interval=_NEW_INTERVAL,
        is_mains_powered=True,
    )


def _page(
    pages: Pages, request: Request, reader: Reader, problem: str = "", adopted: int | None = None
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    sees_quarantine = may(reader.person.role, Action.SEE_QUARANTINE)
    with reading(pages.engine) as connection:
        counts = quarantine_counts(connection)
        records = list_gateways(connection)
        intervals = gateway_intervals(connection)
        healths = load_health(connection)
        groups = list_quarantine(connection) if sees_quarantine else ()
    notice = None
    if adopted is not None:
        text = words.ngettext(
            "%(n)d kept frame is a reading now", "%(n)d kept frames are readings now", adopted
        )
        notice = Notice(text=text % {"n": adopted}, tone="ok")
    return pages.page(
        request,
        reader,
        "gateways.html",
        "gateways",
        gateways=[
            gateway_row(
                each,
                words,
                now_utc,
                counts.get(each.gateway_id, 0),
                intervals.get(each.gateway_id, timedelta(0)),
            )
            for each in records
        ],
        health={name: health_view(each, words, now_utc) for name, each in healths.items()},
        quarantine=[quarantine_row(each, words, now_utc) for each in groups],
        can=GatewayRights(adopt=may(reader.person.role, Action.ADOPT_DEVICE)),
        sees_quarantine=sees_quarantine,
        media=[(str(each), label(words, MEDIA, each)) for each in Medium],
        classes=[(str(each), label(words, METER_CLASSES, each)) for each in MeterClass],
        hidden_words=words.gettext(mark("Your role does not see the quarantine.")),
        notice=notice,
        problem_text=problem,
        status=400 if problem else 200,
    )
