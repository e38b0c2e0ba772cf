"""Says in one line how far the photos of an order are, and why the rest waits (sync spec 1.5)."""

from field_app.presenters.ports import Words
from field_app.presenters.views import LabelledText
from field_app.store.photo_store import PhotoCount
from field_app.sync.uploading import PhotoWait

_KB = 1000
_MB = 1_000_000


def photo_facts(t: Words, photos: PhotoCount, wait: PhotoWait) -> tuple[LabelledText, ...]:
    """Return the line about an order's photos, none when it has none."""
    if photos.total == 0:
        return ()
    text = t("{done} of {total} at the office").format(done=photos.done, total=photos.total)
    if photos.waiting_bytes:
        left = t("{size} still to send").format(size=size_text(photos.waiting_bytes))
        text = f"{text}, {left}"
    why = _why(t, wait) if photos.done + photos.held < photos.total else ""
    held = ""
    if photos.held:
        held = t("{count} cannot be sent; ask the office").format(count=photos.held)
    return (
        LabelledText(
            label=t("Photos"),
            text="; ".join(each for each in (text, why, held) if each),
            icon="photo",
        ),
    )


def size_text(size_bytes: int) -> str:
    """Return a size as people read it."""
    if size_bytes < _MB:
        return f"{max(1, round(size_bytes / _KB))} kB"
    return f"{size_bytes / _MB:.1f} MB"


def _why(t: Words, wait: PhotoWait) -> str:
    return {
        PhotoWait.NONE: "",
        PhotoWait.FREE_NETWORK: t("originals wait for Wi-Fi"),
        PhotoWait.VAULT_LOCKED: t("they wait until somebody opens the tablet"),
        PhotoWait.SERVER: t("the server has no room for them now"),
        PhotoWait.SHARE: t("the server takes no more of this tablet now"),
        PhotoWait.DISK: t("this tablet cannot read one of them now; the others go"),
        PhotoWait.NETWORK: t("they wait for the network"),
    }[wait]
