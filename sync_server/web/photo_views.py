"""What the pages show of a record's photos: thumbs, what is pending, what can be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from sync_server.blobs.gallery import Shown, Size
from sync_server.web.words import Words, mark
from wire_contracts.blobs import BlobRole

_KB = 1000
_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoTile:
    """One photo or signature; an empty address shows or leads nowhere."""

    sha256: str
    kind: str
    thumb_href: str
    large_href: str
    words: str
    tone: str
    can_ask: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoPanel:
    """All photos of a record; `pending` is empty when all are here."""

    tiles: Sequence[PhotoTile]
    pending: str


def photo_href(sha256: str, size: Size) -> str:
    """Return the address of a photo's derivative."""
    return f"/photos/{sha256}/{size}"


def photo_panel(shown: Sequence[Shown], words: Words, *, may_ask: bool) -> PhotoPanel:
    """Return what a page shows; `may_ask` when the reader may ask a tablet for an original."""
    missing = [each for each in shown if not each.is_here and not each.is_refused]
    pending = ""
    if missing:
        message = mark("photo pending ({here} of {total} here, {size} to come)")
        pending = words.gettext(message).format(
            here=len(shown) - len(missing),
            total=len(shown),
            size=size_words(sum(each.size_bytes for each in missing)),
        )
    return PhotoPanel(
        tiles=[_tile(each, words, may_ask=may_ask) for each in shown], pending=pending
    )


def size_words(size_bytes: int) -> str:
    """Return a size as people read it: kB below a million bytes, MB from there on."""
    if size_bytes < _MB:
        return f"{max(1, round(size_bytes / _KB))} kB"
    return f"{size_bytes / _MB:.1f} MB"


def _tile(each: Shown, words: Words, *, may_ask: bool) -> PhotoTile:
    is_pending = not each.is_here and not each.is_refused
    text, tone = _status(each, words)
    message = mark("Signature") if each.role is BlobRole.SIGNATURE else mark("Photo")
    return PhotoTile(
        sha256=each.sha256,
        kind=words.gettext(message),
        thumb_href=photo_href(each.preview, Size.SMALL) if each.preview else "",
        large_href=photo_href(each.sha256, Size.LARGE) if each.is_here else "",
        words=text,
        tone=tone,
        can_ask=may_ask and is_pending and each.wanted is None,
    )


def _status(each: Shown, words: Words) -> tuple[str, str]:
    if each.is_refused:
        return words.gettext(mark("is no picture; kept, not shown")), "danger"
    if each.is_here:
        return "", ""
    if each.wanted is not None:
        return words.gettext(mark("asked for; comes with the next contact")), "warn"
    size = size_words(each.size_bytes)
    return words.gettext(mark("original still on the tablet, {size}")).format(size=size), "muted"
