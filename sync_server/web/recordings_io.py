"""The route of recordings: where one is heard, for a reason that the audit keeps (rule C-13)."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from sync_server.service_desk.recording_store import open_recording
from sync_server.web.guarded_io import SeeRecording
from sync_server.web.pages_io import Pages
from sync_server.web.words import mark


def recordings_router(pages: Pages) -> APIRouter:
    """Return the route of recordings."""
    router = APIRouter()

    @router.post("/calls/{call_id}/recording")
    def heard(
        request: Request,
        person: SeeRecording,
        call_id: str,
        reason: Annotated[str, Form(max_length=400)] = "",
    ) -> Response:
        """Say where the telephone system keeps the recording of a call."""
        reader = pages.reader(person)
        with pages.engine.begin() as connection:
            reference = open_recording(connection, call_id, reason, person, pages.clock.now_utc())
        return pages.page(
            request,
            reader,
            "recording.html",
            "requests",
            heading=reader.words.gettext(mark("Recording of the call")),
            reference=reference,
        )

    return router
