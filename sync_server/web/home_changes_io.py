"""The routes of changes of homes that need four eyes, and of new buildings."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from sync_server.households.building_store import announce, move_building
from sync_server.households.change_store import decide_change, propose_change
from sync_server.households.home_file import BuildingEvent, ChangeKind, ChangeState
from sync_server.web.guarded_io import ApproveHome, ChangeHome
from sync_server.web.homes_io import do_in_home, refused
from sync_server.web.intake_io import office_of
from sync_server.web.pages_io import Pages, see_other
from sync_server.web.row_numbers import RowNumber


class ChangeForm(BaseModel):
    """A change with its evidence."""

    kind: ChangeKind
    figure: str = Field(default="", max_length=20)
    evidence: str = Field(default="", max_length=4000)


class BuildingForm(BaseModel):
    """A building that joins the network."""

    name: str = Field(default="", max_length=200)
    home_count: int = Field(ge=1, le=100_000)
    season_on: date


def home_changes_router(pages: Pages) -> APIRouter:
    """Return the routes of changes with four eyes, and of new buildings."""
    router = APIRouter()

    @router.post("/homes/{premises_id}/changes")
    def change(
        request: Request, person: ChangeHome, premises_id: str, form: Annotated[ChangeForm, Form()]
    ) -> Response:
        """Propose a change."""
        return do_in_home(
            pages,
            request,
            pages.reader(person),
            premises_id,
            lambda c, o: propose_change(
                c, premises_id, form.kind, _figure(form.figure), form.evidence, o
            ),
        )

    @router.post("/home-changes/{change_id}")
    def decide(
        person: ApproveHome,
        change_id: RowNumber,
        state: Annotated[ChangeState, Form()],
        reason: Annotated[str, Form(max_length=4000)] = "",
    ) -> Response:
        """Approve or refuse what somebody else proposed."""
        if state is ChangeState.PROPOSED:
            raise refused("state", "is what it has", "approve or refuse it")
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            found = decide_change(connection, change_id, state, reason, office)
        return see_other(f"/homes/{found.premises_id}")

    @router.post("/buildings")
    def building(person: ChangeHome, form: Annotated[BuildingForm, Form()]) -> Response:
        """Announce a building."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            announce(connection, form.name, form.home_count, form.season_on, office)
        return see_other("/homes?tab=buildings")

    @router.post("/buildings/{building_id}")
    def move(
        person: ChangeHome, building_id: RowNumber, event: Annotated[BuildingEvent, Form()]
    ) -> Response:
        """Bring a building one step on."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            move_building(connection, building_id, event, office)
        return see_other("/homes?tab=buildings")

    return router


def _figure(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e9:  # noqa: PLR2004  # no area or sum of a home comes near
        raise refused("figure", f"{text!r} is no figure", "write it in digits, such as 86.5")
    return found
