"""The routes of photos: derivatives for whoever may see orders, and the wish for an original."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.blobs.blob_store import BlobState, find_blob
from sync_server.blobs.gallery import Gallery, Size
from sync_server.blobs.intake import tell_records
from sync_server.blobs.want_store import want_blob
from sync_server.web.guarded_io import DispatchOrder, SeeOrders
from sync_server.web.pages_io import Pages, safe_back, see_other
from wire_contracts.blobs import WantReason, is_sha256
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError


def photos_router(pages: Pages, gallery: Gallery) -> APIRouter:
    """Return the routes of the photos."""
    router = APIRouter()

    @router.get("/photos/{sha256}/{size}")
    def photo(person: SeeOrders, sha256: str, size: Size) -> Response:
        """Show a derivative of a photo: re-encoded, without metadata."""
        del person
        content = gallery.derivative(_name(sha256), size)
        headers = {"Cache-Control": "private, max-age=300"}
        return Response(content, media_type="image/jpeg", headers=headers)

    @router.post("/photos/{sha256}/want")
    def want(
        request: Request, person: DispatchOrder, sha256: str, back: Annotated[str, Form()] = "/"
    ) -> Response:
        """Ask the tablet for an original now, on any network."""
        del request
        now_utc = pages.clock.now_utc()
        with pages.engine.begin() as connection:
            known = find_blob(connection, _name(sha256))
            if known is None:
                raise _unknown(sha256)
            if known.state is BlobState.AWAITING:
                want_blob(connection, sha256, WantReason.PERSON, person.account_id, now_utc)
                tell_records(connection, sha256, now_utc)
                event = AuditEvent(
                    actor=person.account_id, action="photo.want", subject=sha256, detail={}
                )
                append_audit(connection, event, now_utc)
        return see_other(safe_back(back))

    return router


def _name(sha256: str) -> str:
    if not is_sha256(sha256):
        raise _unknown(sha256)
    return sha256


def _unknown(sha256: str) -> ContractError:
    return ContractError(
        place=f"photo {sha256[:12]!r}",
        field="name",
        problem="is not known here",
        remedy="open the order anew",
        code=Code.NOT_FOUND,
    )
