# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the network: pipes in meshes that move with one transformation, signs and stops above."""

import math
from typing import TYPE_CHECKING

from kivy.clock import Clock
from kivy.core.text import Label as TextPicture
from kivy.graphics import (
    Color,
    Ellipse,
    Line,
    Mesh,
    PopMatrix,
    PushMatrix,
    Rectangle,
    RoundedRectangle,
    Scale,
    SmoothLine,
    Translate,
)
from kivy.graphics.instructions import InstructionGroup
from kivy.input.motionevent import MotionEvent
from kivy.metrics import dp, sp
from kivy.properties import DictProperty, ListProperty, ObjectProperty
from kivy.uix.stencilview import StencilView

from field_app.presenters.map_views import BLANK_MAP, MapSign, MapStop, Place
from field_app.ui.map_mesh import quads, round_length_m, step_zoom, zoom_step

if TYPE_CHECKING:
    from field_app.ui.widgets.evidence_chart import Texture

SIGNS_FROM = 0.10
"""Pixels per metre from which wells and boxes are drawn: before that they would cover the pipes."""

NAMES_FROM = 0.9
"""Pixels per metre from which their names are written."""

MOST_SIGNS = 150
"""Signs drawn with an icon; more of them become dots."""

TAP_REACH_DP = 34
"""A tap hits what is this near: half a gloved finger."""

_MARKER_DP = 28
"""What lies at the edge of the view is shown whole: half the sign of a stop, or of oneself."""

SMALLEST, LARGEST = 0.02, 8.0
"""Pixels per metre: the whole town on a phone, and a well's cover as large as a coin."""

_GRID_M = (100, 200, 500, 1000, 2000)
_GRID_PX = 90
_TAP_PX = 12


class NetworkMap(StencilView):
    """The map; `tapped` is called with a place and the metres that a finger reaches."""

    view = ObjectProperty(BLANK_MAP)
    colours = DictProperty({})
    icons = DictProperty({})
    middle = ListProperty([0.0, 0.0])
    zoom = ObjectProperty(0.2)
    tapped = ObjectProperty(None, allownone=True)

    def __init__(self, **properties: object) -> None:
        """Prepare the layers; pipes are meshed when they come."""
        self._meshed: tuple[object, ...] = ()
        self._touches: list[MotionEvent] = []
        self._moved = 0.0
        self._pictures: dict[tuple[str, str, float, str], Texture] = {}
        self.drawn_texts: list[str] = []
        super().__init__(**properties)
        self._below, self._pipes, self._above = (InstructionGroup() for _ in range(3))
        with self.canvas:
            self._ground = Color()
            self._floor = Rectangle()
        self.canvas.add(self._below)
        with self.canvas:
            PushMatrix()
            self._centre = Translate(0, 0)
            self._scale = Scale(1, 1, 1)
            self._shift = Translate(0, 0)
        self.canvas.add(self._pipes)
        with self.canvas:
            PopMatrix()
        self.canvas.add(self._above)
        self._redraw = Clock.create_trigger(self._draw, -1)
        for name in ("pos", "size", "view", "colours", "middle", "zoom"):
            self.fbind(name, self._redraw)

    # --- where things are

    def fit(self, bounds: tuple[float, float, float, float]) -> None:
        """Show everything inside the bounds."""
        west, south, east, north = bounds
        self.middle = [(west + east) / 2, (south + north) / 2]
        wide, high = max(east - west, 100.0), max(north - south, 100.0)
        margin = 2 * dp(_MARKER_DP)
        room = (max(self.width - margin, 1.0) / wide, max(self.height - margin, 1.0) / high)
        self.zoom = self._kept(min(room) * 0.98)

    def zoom_by(self, factor: float) -> None:
        """Come nearer, or go away, over the middle."""
        self.zoom = self._kept(self.zoom * factor)

    def go_to(self, place: Place, zoom: float | None = None) -> None:
        """Bring a place into the middle."""
        self.middle = list(place)
        if zoom is not None:
            self.zoom = self._kept(zoom)

    def place_at(self, x: float, y: float) -> Place:
        """Return the place under a pixel."""
        return (
            self.middle[0] + (x - self.center_x) / self.zoom,
            self.middle[1] + (y - self.center_y) / self.zoom,
        )

    def pixel_of(self, place: Place) -> tuple[float, float]:
        """Return where a place lies on the screen."""
        return (
            self.center_x + (place[0] - self.middle[0]) * self.zoom,
            self.center_y + (place[1] - self.middle[1]) * self.zoom,
        )

    @staticmethod
    def _kept(zoom: float) -> float:
        return min(max(zoom, SMALLEST), LARGEST)

    # --- fingers

    def on_touch_down(self, touch: MotionEvent) -> bool:
        """Take hold of the map."""
        if not self.collide_point(*touch.pos):
            return False
        if touch.is_mouse_scrolling:
            self.zoom_by(1 / 1.2 if touch.button == "scrollup" else 1.2)
            return True
        touch.grab(self)
        self._touches.append(touch)
        self._moved = 0.0 if len(self._touches) == 1 else math.inf
        return True

    def on_touch_move(self, touch: MotionEvent) -> bool:
        """Move the map with one finger, stretch it with two."""
        if touch.grab_current is not self or touch not in self._touches:
            return False
        if len(self._touches) == 1:
            self._moved += math.hypot(touch.dx, touch.dy)
            if self._moved > dp(_TAP_PX):
                self._pan(touch.dx, touch.dy)
        else:
            self._stretch(touch)
        return True

    def on_touch_up(self, touch: MotionEvent) -> bool:
        """Let go; a finger that did not move has tapped."""
        if touch.grab_current is not self or touch not in self._touches:
            return False
        touch.ungrab(self)
        self._touches.remove(touch)
        if self._moved <= dp(_TAP_PX) and self.tapped is not None:
            self.tapped(self.place_at(*touch.pos), dp(TAP_REACH_DP) / self.zoom)
        return True

    def _pan(self, dx: float, dy: float) -> None:
        self.middle = [self.middle[0] - dx / self.zoom, self.middle[1] - dy / self.zoom]

    def _stretch(self, touch: MotionEvent) -> None:
        other = next(each for each in self._touches if each is not touch)
        before = math.hypot(touch.px - other.x, touch.py - other.y)
        after = math.hypot(touch.x - other.x, touch.y - other.y)
        held = self.place_at(*other.pos)
        self.zoom = self._kept(self.zoom * after / max(before, 1.0))
        now = self.place_at(*other.pos)
        self.middle = [
            self.middle[0] + held[0] - now[0],
            self.middle[1] + held[1] - now[1],
        ]

    # --- drawing

    def _draw(self, *_: object) -> None:
        if not self.colours or self.width < dp(50):
            return
        self._ground.rgba = self.colours["map_bg"]
        self._floor.pos, self._floor.size = self.pos, self.size
        self._centre.xy = self.center
        self._scale.xyz = (self.zoom, self.zoom, 1)
        self._shift.xy = (-self.middle[0], -self.middle[1])
        self._mesh()
        self._draw_grid()
        self._draw_above()

    def _mesh(self) -> None:
        """Mesh the pipes, only when they, the zoom step or the colours are others."""
        step = zoom_step(self.zoom)
        wanted = (self.view.network_no, step, id(self.colours), self.view.lit)
        if wanted == self._meshed:
            return
        self._meshed = wanted
        self._pipes.clear()
        pixel_m = 1 / step_zoom(step)
        for group in self.view.lines:
            self._add(group.lines, group.tone, dp(group.width_dp) / 2 * pixel_m)
            if group.core_dp:
                self._add(group.lines, "map_bg", dp(group.core_dp) / 2 * pixel_m)
        if self.view.lit:
            self._add(self.view.lit, "ink", dp(7) * pixel_m)
            self._add(self.view.lit, "accent", dp(5) * pixel_m)

    def _add(self, lines: "list[list[Place]]", tone: str, half_m: float) -> None:
        self._pipes.add(Color(*self.colours[tone]))
        for vertices, indices in quads(lines, half_m):
            self._pipes.add(Mesh(vertices=vertices, indices=indices, mode="triangles"))

    def _draw_grid(self) -> None:
        self._below.clear()
        spacing_m = next((each for each in _GRID_M if each * self.zoom > dp(_GRID_PX)), _GRID_M[-1])
        self._below.add(Color(*self.colours["map_grid"]))
        west, south = self.place_at(self.x, self.y)
        east, north = self.place_at(self.right, self.top)
        if (east - west) / spacing_m > _GRID_PX:
            return
        for number in range(math.ceil(west / spacing_m), math.floor(east / spacing_m) + 1):
            x, _ = self.pixel_of((number * spacing_m, 0))
            self._below.add(Rectangle(pos=(x, self.y), size=(dp(1), self.height)))
        for number in range(math.ceil(south / spacing_m), math.floor(north / spacing_m) + 1):
            _, y = self.pixel_of((0, number * spacing_m))
            self._below.add(Rectangle(pos=(self.x, y), size=(self.width, dp(1))))

    def _draw_above(self) -> None:
        self._above.clear()
        self.drawn_texts = []
        if self.zoom >= SIGNS_FROM:
            self._draw_signs()
        for sign in self.view.signs:
            if sign.is_lit:
                self._draw_sign(sign, is_large=True)
        if len(self.view.route) > 1:
            self._draw_route()
        if self.view.here is not None:
            self._draw_here(self.view.here)
        self._draw_stops()
        if self.view.here is not None:
            self._draw_ring(self.view.here)
        self._draw_scale()

    def _draw_stops(self) -> None:
        chosen = [stop for stop in self.view.stops if stop.is_chosen]
        others = [stop for stop in reversed(self.view.stops) if not stop.is_chosen]
        for stop in (*others, *chosen):
            if self._is_seen(stop.place):
                self._draw_stop(stop)

    def _is_seen(self, place: Place) -> bool:
        x, y = self.pixel_of(place)
        edge = dp(40)
        return bool(
            self.x - edge <= x <= self.right + edge and self.y - edge <= y <= self.top + edge
        )

    def _draw_signs(self) -> None:
        seen = [sign for sign in self.view.signs if self._is_seen(sign.place)]
        for sign in seen:
            if len(seen) <= MOST_SIGNS:
                self._draw_sign(sign, is_large=False)
            else:
                self._dot(sign)

    def _dot(self, sign: MapSign) -> None:
        x, y = self.pixel_of(sign.place)
        self._disc(x, y, dp(3.5), self.colours[sign.tone])

    def _draw_sign(self, sign: MapSign, *, is_large: bool) -> None:
        x, y = self.pixel_of(sign.place)
        radius = dp(17) if is_large else dp(12)
        if is_large:
            self._disc(x, y, radius + dp(4), self.colours["accent"])
        self._disc(x, y, radius, self.colours[sign.tone])
        self._disc(x, y, radius - dp(2), self.colours["surface"])
        icon = self._picture(self.icons.get(sign.icon, ""), "icon", radius * 1.25, sign.tone)
        self._centre_picture(icon, x, y)
        if is_large or self.zoom >= NAMES_FROM:
            name = self._picture(sign.name, "text", sp(14), "ink")
            self._label(name, x, y - radius - name.height / 2 - dp(4))

    def _draw_route(self) -> None:
        """Draw the way from checkpoint to checkpoint, with a rim that stands off from the pipes."""
        corners = [number for place in self.view.route for number in self.pixel_of(place)]
        for tone, width in (("surface", 3.4), ("primary", 1.8)):
            self._above.add(Color(*self.colours[tone]))
            self._above.add(SmoothLine(points=corners, width=dp(width)))

    def _draw_stop(self, stop: MapStop) -> None:
        x, y = self.pixel_of(stop.place)
        if stop.is_checkpoint:
            self._draw_checkpoint(stop, x, y)
            return
        radius = dp(24) if stop.is_chosen else dp(19)
        self._disc(x, y, radius + dp(3), self.colours["surface"])
        self._disc(x, y, radius, self.colours[stop.tone])
        if stop.is_chosen:
            self._above.add(Color(*self.colours["ink"]))
            self._above.add(SmoothLine(circle=(x, y, radius + dp(4)), width=dp(1.6)))
        icon = self._picture(
            self.icons.get(stop.icon, ""), "icon", sp(22 if stop.is_chosen else 19), "surface"
        )
        self._centre_picture(icon, x, y)
        number = self._picture(stop.number, "text", sp(17), "bar_ink")
        away = radius * 0.7
        self._disc(x + away, y + away, max(dp(13), number.width / 2 + dp(4)), self.colours["bar"])
        self._centre_picture(number, x + away, y + away)

    def _draw_checkpoint(self, stop: MapStop, x: float, y: float) -> None:
        """Draw a square with its number: an order is round."""
        half = dp(20) if stop.is_chosen else dp(15)
        rims = (("ink", dp(5)), ("surface", dp(3))) if stop.is_chosen else (("surface", dp(3)),)
        for tone, rim in (*rims, (stop.tone, 0.0)):
            self._above.add(Color(*self.colours[tone]))
            side = 2 * (half + rim)
            self._above.add(
                RoundedRectangle(
                    pos=(x - half - rim, y - half - rim), size=(side, side), radius=[dp(5) + rim]
                )
            )
        number = self._picture(stop.number, "text", sp(18 if stop.is_chosen else 15), "surface")
        self._centre_picture(number, x, y)

    def _draw_here(self, here: Place) -> None:
        x, y = self.pixel_of(here)
        red, green, blue, _ = self.colours["primary"]
        reach = max(self.view.accuracy_m * self.zoom, dp(22))
        self._disc(x, y, reach, (red, green, blue, 0.18))
        self._disc(x, y, dp(12), self.colours["surface"])
        self._disc(x, y, dp(9), self.colours["primary"])

    def _draw_ring(self, here: Place) -> None:
        """Draw a ring around the position that also shows around an order on the same spot."""
        x, y = self.pixel_of(here)
        for tone, width in (("surface", 4.0), ("primary", 2.2)):
            self._above.add(Color(*self.colours[tone]))
            self._above.add(SmoothLine(circle=(x, y, dp(32)), width=dp(width)))

    def _draw_scale(self) -> None:
        length_m = round_length_m(self.width * 0.28 / self.zoom)
        length, x, y = length_m * self.zoom, self.x + dp(20), self.y + dp(20)
        self._above.add(Color(*self.colours["ink"]))
        self._above.add(
            Line(points=[x, y + dp(8), x, y, x + length, y, x + length, y + dp(8)], width=dp(1.2))
        )
        text = f"{length_m:g} m" if length_m < 1000 else f"{length_m / 1000:g} km"  # noqa: PLR2004 - metres of a kilometre
        picture = self._picture(text, "text", sp(14), "ink")
        self._label(picture, x + length / 2, y + dp(18))

    def _disc(
        self, x: float, y: float, radius: float, colour: "tuple[float, ...] | list[float]"
    ) -> None:
        self._above.add(Color(*colour))
        self._above.add(Ellipse(pos=(x - radius, y - radius), size=(2 * radius, 2 * radius)))

    def _label(self, picture: "Texture", x: float, y: float) -> None:
        red, green, blue, _ = self.colours["surface"]
        self._above.add(Color(red, green, blue, 0.86))
        size = (picture.width + dp(8), picture.height + dp(2))
        self._above.add(Rectangle(pos=(x - size[0] / 2, y - size[1] / 2), size=size))
        self._centre_picture(picture, x, y)

    def _centre_picture(self, picture: "Texture", x: float, y: float) -> None:
        self._above.add(Color(1, 1, 1, 1))
        corner = (round(x - picture.width / 2), round(y - picture.height / 2))
        self._above.add(Rectangle(texture=picture, pos=corner, size=picture.size))

    def _picture(self, text: str, face: str, size: float, tone: str) -> "Texture":
        """Return a text as a picture, made once per theme."""
        if face == "text":
            self.drawn_texts.append(text)
        key = (text, face, size, f"{tone}{self.colours[tone]}")
        if key not in self._pictures:
            font = {"font_name": "LamplighterIcons"} if face == "icon" else {}
            label = TextPicture(text=text or " ", font_size=size, color=self.colours[tone], **font)
            label.refresh()
            self._pictures[key] = label.texture
        return self._pictures[key]
