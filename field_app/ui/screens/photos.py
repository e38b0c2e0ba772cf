# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the photos of an order, one of them large, and the pen that marks it up."""

import io
from collections.abc import Callable, Sequence

from kivy.core.image import Image as CoreImage
from kivy.graphics import Color, SmoothLine
from kivy.input.motionevent import MotionEvent
from kivy.metrics import dp
from kivy.properties import (
    BooleanProperty,
    ListProperty,
    NumericProperty,
    ObjectProperty,
    StringProperty,
)
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.image import Image
from kivy.uix.stacklayout import StackLayout
from kivy.uix.widget import Widget

from field_app.photos.ink_io import InkStroke
from field_app.photos.strokes import Point, smoothed
from field_app.presenters.album import BLANK_ALBUM, AlbumView, PhotoTile
from field_app.ui.widgets.basics import Tap

_LEAST_STEP_DP = 3
_WHOLE = 255


def texture_of(content: bytes) -> object | None:
    """Return a picture as a texture, None when it is none."""
    if not content:
        return None
    kind = "png" if content.startswith(b"\x89PNG") else "jpg"
    try:
        texture: object = CoreImage(io.BytesIO(content), ext=kind).texture
    except Exception:  # noqa: BLE001 - Kivy's loaders raise whatever their library raises
        return None
    return texture


class Thumb(Tap):
    """One photo of the grid."""

    key = StringProperty("")
    icon = StringProperty("")
    tone = StringProperty("ok")
    has_lines = BooleanProperty(defaultvalue=False)
    texture = ObjectProperty(None, allownone=True)


class PhotoGrid(StackLayout):
    """The photos, the newest last."""

    items = ListProperty([])
    side = NumericProperty(180)
    chosen = ObjectProperty(None, allownone=True)

    def fill(self, tiles: tuple[PhotoTile, ...]) -> None:
        """Draw the photos; pictures that are there already are kept."""
        shown = {thumb.key: thumb for thumb in self.children if isinstance(thumb, Thumb)}
        self.clear_widgets()
        for tile in tiles:
            thumb = shown.get(tile.sha256)
            if thumb is None:
                thumb = Thumb(key=tile.sha256, hint="photo", texture=texture_of(tile.thumb))
                thumb.bind(on_release=lambda tapped: self.chosen(tapped.key))
            thumb.icon, thumb.tone = tile.icon, str(tile.tone)
            thumb.has_lines = tile.has_lines
            self.add_widget(thumb)


class MarkPad(Image):
    """One photo large; a finger draws on it."""

    ink = ListProperty([1.0, 0.2, 0.2, 1.0])
    count = NumericProperty(0)

    def __init__(self, **properties: object) -> None:
        """Begin without a line; `changed` is called when one ended or was taken away."""
        self.changed: Callable[[], None] | None = None
        self.strokes: list[tuple[list[Point], tuple[float, ...]]] = []
        self._drawing: dict[MotionEvent, list[Point]] = {}
        super().__init__(**properties)
        self.bind(pos=self._again, size=self._again, norm_image_size=self._again)

    def take(self, strokes: Sequence[InkStroke]) -> None:
        """Put these lines in the place of those that stand."""
        self.strokes = [
            (list(each.points), (*(part / _WHOLE for part in each.colour), 1.0)) for each in strokes
        ]
        self._again()

    def undo(self) -> None:
        """Take the last line away."""
        self.strokes = self.strokes[:-1]
        self._again()
        self._tell()

    def ink_strokes(self) -> list[InkStroke]:
        """Return the lines as they are drawn into the copy."""
        return [
            InkStroke(
                points=tuple(points),
                colour=(
                    round(colour[0] * _WHOLE),
                    round(colour[1] * _WHOLE),
                    round(colour[2] * _WHOLE),
                ),
            )
            for points, colour in self.strokes
        ]

    def on_touch_down(self, touch: MotionEvent) -> bool:
        """Begin a line; every finger, and the palm, draws its own."""
        if self.texture is None or not self._inside(touch):
            return False
        touch.grab(self)
        points = self._drawing[touch] = [self._share(touch)]
        self.strokes = [*self.strokes, (points, tuple(self.ink))]
        self._again()
        return True

    def on_touch_move(self, touch: MotionEvent) -> bool:
        """Draw on."""
        if touch.grab_current is not self:
            return False
        points = self._drawing[touch]
        last, point = points[-1], self._share(touch)
        width, height = self.norm_image_size
        if max(abs(point[0] - last[0]) * width, abs(point[1] - last[1]) * height) >= dp(
            _LEAST_STEP_DP
        ):
            points.append(point)
            self._again()
        return True

    def on_touch_up(self, touch: MotionEvent) -> bool:
        """End the line."""
        if touch.grab_current is not self:
            return False
        touch.ungrab(self)
        self._drawing.pop(touch, None)
        self._tell()
        return True

    def _tell(self) -> None:
        if self.changed is not None:
            self.changed()

    def _corner(self) -> tuple[float, float]:
        width, height = self.norm_image_size
        return self.center_x - width / 2, self.center_y - height / 2

    def _inside(self, touch: MotionEvent) -> bool:
        (left, bottom), (width, height) = self._corner(), self.norm_image_size
        return bool(left <= touch.x <= left + width and bottom <= touch.y <= bottom + height)

    def _share(self, touch: MotionEvent) -> Point:
        (left, bottom), (width, height) = self._corner(), self.norm_image_size
        x = (touch.x - left) / max(width, 1)
        y = 1 - (touch.y - bottom) / max(height, 1)
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def _again(self, *_: object) -> None:
        self.count = len(self.strokes)
        self.canvas.after.clear()
        (left, bottom), (width, height) = self._corner(), self.norm_image_size
        with self.canvas.after:
            for points, colour in self.strokes:
                Color(*colour)
                flat = [
                    number
                    for x, y in smoothed(points)
                    for number in (left + x * width, bottom + (1 - y) * height)
                ]
                SmoothLine(points=flat, width=dp(3.5))


class PhotosScreen(BoxLayout):
    """The photos of one order, with its printed number; `closed` leads back."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_ALBUM, rebind=True)
    closed = ObjectProperty(None, allownone=True)
    secure = ObjectProperty(None, allownone=True)
    number = StringProperty("")
    has_large = BooleanProperty(defaultvalue=False)
    is_empty = BooleanProperty(defaultvalue=False)
    ink = StringProperty("red")

    def on_kv_post(self, _base: Widget) -> None:
        """Show nothing large yet."""
        self._shown = b""
        self.ids.pad.changed = self.save

    def begin(self) -> None:
        """Show what is there."""
        self.presenter.attach(self.show)

    def show(self, view: AlbumView) -> None:
        """Draw the view."""
        self.view = view
        self.ids.grid.fill(view.tiles)
        if view.shown != self._shown:
            self._shown = view.shown
            self.ids.pad.take(view.marks)
            self.ids.pad.texture = texture_of(view.shown)
        self.has_large = bool(view.shown)
        self.is_empty = not view.is_busy and not view.tiles and not view.refusal

    def take(self) -> None:
        """Take a photo."""
        if not self.view.refusal:
            self.presenter.take()

    def look_at(self, sha256: str) -> None:
        """Show one photo large."""
        self.presenter.look_at(sha256)

    def choose_ink(self, ink: str, colour: list[float]) -> None:
        """Draw in another colour from now on."""
        self.ink, self.ids.pad.ink = ink, colour

    def keep(self) -> None:
        """Keep a copy with the lines on it."""
        strokes = self.ids.pad.ink_strokes()
        if strokes:
            self.presenter.mark_up(strokes)

    def refresh(self) -> None:
        """Read again."""
        self.presenter.refresh()

    def save(self) -> None:
        """Keep the lines as they stand; a photo is kept when it is taken."""
        if self.has_large:
            self.presenter.keep_marks(self.ids.pad.ink_strokes())

    def leave(self) -> None:
        """Let go; a line that was not ended is kept as far as it is drawn."""
        self.save()
        self.presenter.detach()

    def back(self) -> bool:
        """Leave the large photo; False when all are shown."""
        if not self.has_large:
            return False
        self.save()
        self.presenter.look_at("")
        return True
