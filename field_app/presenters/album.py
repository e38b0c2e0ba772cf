"""AlbumPresenter: the photos of an order: taken, looked at, marked up, on their way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from field_app.photos.album import PhotoAlbum
from field_app.photos.ink_io import InkStroke, marked_up
from field_app.photos.photo_files_io import NoVaultError
from field_app.photos.pictures_io import PictureError
from field_app.platform.ports import Camera
from field_app.presenters.ports import PresenterContext
from field_app.presenters.stage import Stage
from field_app.presenters.views import Tone
from field_app.presenters.wording import no_room_text
from field_app.store.database_io import StoreFullError


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoTile:
    """One photo: `thumb` is a small picture, empty bytes when it cannot be shown.

    `has_lines`: somebody drew on it, and no copy with the lines was kept.
    """

    sha256: str
    thumb: bytes
    text: str
    icon: str
    tone: Tone
    has_lines: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlbumView:
    """The photos of an order.

    Attributes:
        refusal: Why no photo can be kept or taken here, empty when it can.
        shown: The photo that is looked at, empty bytes for none.
        marks: The lines on it that are in no copy yet.
        message: Why the last photo was not kept.
    """

    tiles: tuple[PhotoTile, ...]
    refusal: str
    needs_pin: bool
    shown: bytes
    message: str
    is_busy: bool
    marks: tuple[InkStroke, ...] = ()


BLANK_ALBUM = AlbumView(tiles=(), refusal="", needs_pin=False, shown=b"", message="", is_busy=True)
"""What the page shows before anything was read."""


class AlbumPresenter:
    """The photos of one order."""

    def __init__(
        self, album: PhotoAlbum, context: PresenterContext, camera: Camera, order_id: str
    ) -> None:
        """Show the photos of the order `order_id`; new ones come from `camera`."""
        self._album = album
        self._context = context
        self._camera = camera
        self._order_id = order_id
        self._thumbs: dict[str, bytes] = {}
        self._message = ""
        self._shown = b""
        self._shown_sha256 = ""
        self._marks: tuple[InkStroke, ...] = ()
        self._is_copying = False
        self._stage = Stage(context.worker, BLANK_ALBUM)

    @property
    def view(self) -> AlbumView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[AlbumView], None]) -> None:
        """Show every view with `show`, and read."""
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more."""
        self._stage.detach()

    def refresh(self) -> None:
        """Read the photos again; a thumb is decrypted once."""
        self._stage.read(self._look, self._draw)

    def take(self) -> None:
        """Take a photo and keep it."""
        self._camera.take_photo(self._taken)

    def look_at(self, sha256: str) -> None:
        """Show one photo large; an empty name goes back to all."""
        if not sha256:
            self._show_all()
            self._stage.draw(replace(self.view, shown=b"", marks=(), message=""))
            self.refresh()  # a photo may have lines now
            return
        self._shown_sha256 = sha256
        self._stage.act(lambda: self._open(sha256), self._show_one)

    def keep_marks(self, strokes: Sequence[InkStroke]) -> None:
        """Keep the lines on the photo that is shown as they stand; they are in no copy yet.

        While a copy is made they are kept already, and go with it.
        """
        marks = self._album.marks(self._shown_sha256)
        if self._shown and not self._is_copying:
            self._marks = tuple(strokes)
            self._stage.act(lambda: marks.keep(strokes), _no_answer)

    def mark_up(self, strokes: Sequence[InkStroke]) -> None:
        """Keep a copy of the photo that is shown with strokes on it."""
        content, marks = self._shown, self._album.marks(self._shown_sha256)
        self._is_copying = True

        def copy() -> str:
            message = self._keep(marked_up(content, strokes))
            if not message:
                marks.keep(())
            return message

        self._stage.act(copy, self._copied)

    def _taken(self, content: bytes | None) -> None:
        if content is not None:
            self._stage.act(lambda: self._keep(content), self._kept)

    def _keep(self, content: bytes) -> str:
        t = self._context.words
        try:
            self._album.add(self._order_id, content)
        except NoVaultError:
            return t(self._album.availability().reason)
        except PictureError:
            return t("This picture cannot be used.")
        except StoreFullError:
            return no_room_text(t)
        return ""

    def _kept(self, message: str) -> None:
        self._message = message
        self._show_all()
        self.refresh()

    def _copied(self, message: str) -> None:
        """Show all photos, or why there is no copy: the lines stay on the photo until there is."""
        self._is_copying = False
        if message:
            self._stage.draw(replace(self.view, message=message, marks=self._marks))
        else:
            self._kept("")

    def _show_all(self) -> None:
        self._shown, self._shown_sha256, self._marks = b"", "", ()

    def _open(self, sha256: str) -> tuple[bytes | None, tuple[InkStroke, ...]]:
        content = self._album.picture(sha256)
        return content, self._album.marks(sha256).load() if content else ()

    def _show_one(self, found: tuple[bytes | None, tuple[InkStroke, ...]]) -> None:
        t = self._context.words
        content, self._marks = found
        self._shown = content or b""
        gone = "" if content else t("The photo is no longer on this tablet; the office has it.")
        self._stage.draw(replace(self.view, shown=self._shown, marks=self._marks, message=gone))

    def _look(self) -> tuple[PhotoTile, ...]:
        t = self._context.words
        tiles: list[PhotoTile] = []
        for line in self._album.photos(self._order_id):
            name = line.thumb_sha256
            if name not in self._thumbs:
                self._thumbs[name] = self._album.picture(name) or b""
            is_done = line.job.done_at_ms > 0
            tiles.append(
                PhotoTile(
                    sha256=line.sha256,
                    thumb=self._thumbs[name],
                    text=t("The server has it") if is_done else t("Waiting on this tablet"),
                    icon="cloud-check" if is_done else "cloud-upload-outline",
                    tone=Tone.OK if is_done else Tone.WARN,
                    has_lines=bool(self._album.marks(line.sha256).load()),
                )
            )
        return tuple(tiles)

    def _draw(self, tiles: tuple[PhotoTile, ...]) -> None:
        t = self._context.words
        keeps, camera = self._album.availability(), self._camera.availability()
        refusal = "" if keeps.is_available else t(keeps.reason)
        if not refusal and not camera.is_available:
            refusal = t(camera.reason)
        self._stage.draw(
            AlbumView(
                tiles=tiles,
                refusal=refusal,
                needs_pin=self._album.needs_pin(),
                shown=self._shown,
                marks=self._marks,
                message=self._message,
                is_busy=False,
            )
        )


def _no_answer(_kept: None) -> None:
    """Say nothing: lines are kept in silence."""
