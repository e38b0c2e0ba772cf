"""Decides how an answer of each kind of question is given, and keeps pictures that are answers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from field_app.checklists.form_sheet import FormSubject
from field_app.forms.numbers import parse_number
from field_app.photos.album import Beside, PhotoAlbum
from field_app.store.database_io import StoreFullError
from wire_contracts.blobs import BlobRole
from wire_contracts.forms.model import NodeKind
from wire_contracts.forms.values import number_text
from wire_contracts.orders import ENTITY


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPicture:
    """A picture under its name; without one, why it was not kept (in English, to be worded)."""

    sha256: str = ""
    problem: str = ""
    is_full: bool = False


def keep_picture(
    album: PhotoAlbum, subject: FormSubject, content: bytes, role: BlobRole
) -> KeptPicture:
    """Keep a picture that answers a question about a subject; takes a good part of a second."""
    availability = album.availability()
    if not availability.is_available:
        return KeptPicture(problem=availability.reason)
    is_order = subject.about == ENTITY
    beside = None if is_order else Beside(entity=subject.about, entity_id=subject.about_id)
    try:
        return KeptPicture(sha256=album.add(subject.about_id, content, role, beside=beside))
    except ValueError:
        return KeptPicture(problem=_("This is no picture that can be used."))
    except StoreFullError:
        return KeptPicture(is_full=True)


def _(msgid: str) -> str:
    """Mark a text for the catalogue; it is worded where it is shown."""
    return msgid


def typed_number(text: str) -> str:
    """Return a typed number as forms keep it: a decimal comma and Chinese digits count as ours."""
    value = parse_number(text)
    return text.strip() if value is None else number_text(value)


TAPPED: Final = frozenset(
    {
        NodeKind.SELECT_ONE,
        NodeKind.SELECT_MANY,
        NodeKind.ACKNOWLEDGE,
        NodeKind.PHOTO,
        NodeKind.SIGNATURE,
    }
)

MOMENTS: Final[dict[NodeKind, Callable[[datetime], str]]] = {
    NodeKind.DATE: lambda now: now.date().isoformat(),
    NodeKind.TIME: lambda now: now.strftime("%H:%M"),
    NodeKind.DATE_TIME: lambda now: now.isoformat(timespec="minutes"),
}
