"""The routes of the vans: parts counted, detectors calibrated and given to crews."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.account_store import list_crews
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.vans.standard_parts import STANDARD_PARTS
from sync_server.vans.van_store import (
    drop_detector,
    drop_parts,
    find_detector,
    load_van,
    load_vans,
    put_detector,
    put_parts,
    show_vans,
)
from sync_server.web.guarded_io import ManageVans, SeeOrders
from sync_server.web.labels import MEDIA, label
from sync_server.web.pages_io import Pages, see_other
from sync_server.web.van_views import VALUES, detector_rows, part_rows, van_tabs
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.van import (
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_UNIT,
    AirValue,
    GasDetector,
    Van,
    VanPart,
)


class Change(StrEnum):
    """What is done to a part or a detector."""

    SAVE = "save"
    REMOVE = "remove"


class PartForm(BaseModel):
    """A part of a van: a new one needs its name, one that is there is counted."""

    crew_id: str = Field(min_length=1, max_length=LONGEST_ID)
    change: Change = Change.SAVE
    part_id: str = Field(min_length=1, max_length=LONGEST_ID)
    name_zh: str = Field(default="", max_length=LONGEST_NAME)
    name_en: str = Field(default="", max_length=LONGEST_NAME)
    medium: Medium | None = None
    unit: str = Field(default="pcs", min_length=1, max_length=LONGEST_UNIT)
    quantity: float = Field(default=0, ge=0, le=1_000_000, allow_inf_nan=False)
    least: float = Field(default=0, ge=0, le=1_000_000, allow_inf_nan=False)


class VanForm(BaseModel):
    """Which van is given the standard list."""

    crew_id: str = Field(min_length=1, max_length=LONGEST_ID)


class DetectorForm(BaseModel):
    """A detector: a new one needs what it shows, one that is there keeps it."""

    crew_id: str = Field(min_length=1, max_length=LONGEST_ID)
    change: Change = Change.SAVE
    detector_id: str = Field(min_length=1, max_length=LONGEST_ID)
    model: str = Field(default="", max_length=LONGEST_NAME)
    shows: list[AirValue] = Field(default_factory=list)
    calibrated_until: date


def vans_router(pages: Pages) -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter()

    @router.get("/vans")
    def vans(request: Request, person: SeeOrders, crew: str = "") -> Response:
        """Show one van's parts and everybody's detectors."""
        reader = pages.reader(person)
        words = reader.words
        with reading(pages.engine) as connection:
            found = load_vans(connection)
            crews = {each.crew_id: each.name for each in list_crews(connection)}
        chosen = crew if crew in crews else next((each for each in crews if each in found), "")
        chosen = chosen or next(iter(crews), "")
        today = pages.clock.now_utc().astimezone(pages.settings.zone).date()
        return pages.page(
            request,
            reader,
            "vans.html",
            "vans",
            tabs=van_tabs(found, crews, chosen),
            chosen=chosen,
            chosen_name=crews.get(chosen, ""),
            parts=part_rows(found.get(chosen, Van()), words),
            detectors=detector_rows(found, crews, words, today),
            values=[(str(each), words.gettext(text)) for each, text in VALUES.items()],
            media=[(str(each), label(words, MEDIA, each)) for each in Medium],
            can_manage=may(person.role, Action.MANAGE_VANS),
        )

    @router.post("/vans/parts")
    def parts(person: ManageVans, form: Annotated[PartForm, Form()]) -> Response:
        """Add a part, count it, or take it off the list."""
        with pages.engine.begin() as connection:
            _change_part(pages, connection, person.account_id, form)
        return see_other(f"/vans?crew={form.crew_id}")

    @router.post("/vans/standard")
    def standard(person: ManageVans, form: Annotated[VanForm, Form()]) -> Response:
        """Give a van the standard list; what it has is counted anew."""
        now_utc = pages.clock.now_utc()
        with pages.engine.begin() as connection:
            put_parts(connection, form.crew_id, STANDARD_PARTS, now_utc)
            _audit(pages, connection, person.account_id, "van.standard", form.crew_id)
            show_vans(connection, [form.crew_id], now_utc)
        return see_other(f"/vans?crew={form.crew_id}")

    @router.post("/vans/detectors")
    def detectors(person: ManageVans, form: Annotated[DetectorForm, Form()]) -> Response:
        """Add a detector, tell its new last day, give it to another crew, or take it away."""
        with pages.engine.begin() as connection:
            _change_detector(pages, connection, person.account_id, form)
        return see_other("/vans")

    return router


def _change_part(pages: Pages, connection: Connection, actor: str, form: PartForm) -> None:
    now_utc = pages.clock.now_utc()
    if form.change is Change.REMOVE:
        drop_parts(connection, form.crew_id, [form.part_id])
    else:
        known = {each.part_id: each for each in load_van(connection, form.crew_id).parts}
        part = _part(form, known.get(form.part_id.strip()))
        put_parts(connection, form.crew_id, [part], now_utc)
    _audit(pages, connection, actor, f"van.part.{form.change}", form.crew_id)
    show_vans(connection, [form.crew_id], now_utc)


def _part(form: PartForm, known: VanPart | None) -> VanPart:
    name_zh = form.name_zh.strip()
    if known is None and not name_zh:
        raise _missing("name_zh", "give the part a name")
    media = frozenset(Medium) if form.medium is None else frozenset({form.medium})
    return VanPart(
        part_id=form.part_id.strip() if known is None else known.part_id,
        name=BilingualText(zh=name_zh, en=form.name_en.strip() or name_zh)
        if name_zh or known is None
        else known.name,
        media=media if name_zh or known is None else known.media,
        unit=form.unit.strip() if name_zh or known is None else known.unit,
        quantity=form.quantity,
        least=form.least,
    )


def _change_detector(pages: Pages, connection: Connection, actor: str, form: DetectorForm) -> None:
    now_utc = pages.clock.now_utc()
    if form.change is Change.REMOVE:
        crews = drop_detector(connection, form.detector_id)
    else:
        known = find_detector(connection, form.detector_id.strip())
        detector = _detector(form, known)
        crews = put_detector(connection, form.crew_id, detector, now_utc)
    _audit(pages, connection, actor, f"van.detector.{form.change}", form.detector_id)
    show_vans(connection, crews, now_utc)


def _detector(form: DetectorForm, known: GasDetector | None) -> GasDetector:
    if known is None and not form.shows:
        raise _missing("shows", "say what the detector shows")
    return GasDetector(
        detector_id=form.detector_id.strip() if known is None else known.detector_id,
        model=form.model.strip() or (known.model if known else ""),
        values=frozenset(form.shows) or (known.values if known else frozenset()),
        calibrated_until=form.calibrated_until,
    )


def _audit(pages: Pages, connection: Connection, actor: str, action: str, subject: str) -> None:
    event = AuditEvent(actor=actor, action=action, subject=subject, detail={})
    append_audit(connection, event, pages.clock.now_utc())


def _missing(field: str, remedy: str) -> ContractError:
    return ContractError(
        place="van", field=field, problem="is empty", remedy=remedy, code=Code.FIELD_MISSING
    )
