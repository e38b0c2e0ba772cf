# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the evidence of an alert: the observed line, the expected band, the stretch judged."""

from collections.abc import Sequence
from dataclasses import dataclass

from kivy.clock import Clock
from kivy.core.text import Label as TextPicture
from kivy.graphics import Color, Ellipse, Line, Mesh, Rectangle, SmoothLine
from kivy.metrics import dp, sp
from kivy.properties import DictProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from field_app.presenters.views import EvidenceView
from field_app.ui.chart_scale import Pair, clipped, stretches, thinned, tick_text, tick_values

TEXT_SP = 15
"""Axis labels: the smallest text that is read at arm's length."""

MESH_LIMIT = 32_000
"""Vertices of one mesh: OpenGL ES 2 counts them with 16 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plot:
    """The area of the plot in pixels, and the value at its top."""

    x: float
    y: float
    width: float
    height: float
    top: float

    def at(self, point: Pair) -> Pair:
        """Return where a point of the chart lies on the screen."""
        return self.x + point[0] * self.width, self.y + point[1] / self.top * self.height

    def flat(self, run: Sequence[Pair]) -> list[float]:
        """Return the run as Kivy wants points: x, y, x, y."""
        return [number for point in run for number in self.at(point)]


class Swatch(Widget):
    """A sample of what the legend explains."""

    kind = StringProperty("line")
    tone = StringProperty("ink")


class LegendItem(BoxLayout):
    """A sample with its word."""

    kind = StringProperty("line")
    tone = StringProperty("ink")
    text = StringProperty("")


class EvidenceChart(Widget):
    """The chart of one `EvidenceView`; it redraws when size, evidence or theme change."""

    evidence = ObjectProperty(None, allownone=True)
    colours = DictProperty({})

    def __init__(self, **properties: object) -> None:
        """Draw on the next frame, however many properties change before it."""
        self.drawn_texts: list[str] = []
        super().__init__(**properties)
        self._redraw = Clock.create_trigger(self._draw, 0)
        for name in ("pos", "size", "evidence", "colours"):
            self.fbind(name, self._redraw)

    def _draw(self, _elapsed_s: float) -> None:
        self.canvas.clear()
        self.drawn_texts = []
        evidence = self.evidence
        if evidence is None or not self.colours or self.width < dp(120):
            return
        ticks = tick_values(evidence.top)
        labels = [self._picture(tick_text(tick, ticks[1]), "muted") for tick in ticks]
        left = max(label.width for label in labels) + dp(10)
        below, above = sp(TEXT_SP) + dp(16), sp(TEXT_SP) + dp(22)
        plot = _Plot(
            x=self.x + left,
            y=self.y + below,
            width=self.width - left - dp(8),
            height=max(dp(20), self.height - below - above),
            top=ticks[-1],
        )
        with self.canvas:
            self._draw_rule(plot, evidence)
            self._draw_band(plot, evidence)
            self._draw_grid(plot, ticks, labels)
            self._draw_line(plot, evidence)
            self._draw_times(plot, evidence.axis_texts)
            unit = self._picture(evidence.unit, "muted")
            self._place(unit, self.x, self.top - unit.height)

    def _colour(self, token: str, opacity: float = 1.0) -> None:
        red, green, blue, alpha = self.colours[token]
        Color(red, green, blue, alpha * opacity)

    def _picture(self, text: str, token: str) -> "Texture":
        self.drawn_texts.append(text)
        label = TextPicture(text=text, font_size=sp(TEXT_SP), color=self.colours[token])
        label.refresh()
        texture: Texture = label.texture
        return texture

    def _place(self, picture: "Texture", x: float, y: float) -> None:
        Color(1, 1, 1, 1)
        Rectangle(texture=picture, pos=(round(x), round(y)), size=picture.size)

    def _draw_rule(self, plot: _Plot, evidence: EvidenceView) -> None:
        left, _ = plot.at((evidence.rule_from_x, 0))
        right, _ = plot.at((evidence.rule_to_x, 0))
        self._colour("chart_rule")
        Rectangle(pos=(left, plot.y), size=(max(dp(2), right - left), plot.height))
        self._colour("danger")
        for x in (left, right):
            Line(points=[x, plot.y, x, plot.y + plot.height], width=dp(1))

    def _draw_band(self, plot: _Plot, evidence: EvidenceView) -> None:
        known = [
            (
                (point.x, None if point.expected_high is None else point.expected_low),
                (point.x, None if point.expected_low is None else point.expected_high),
            )
            for point in evidence.points
        ]
        lows = stretches([low for low, _ in known])
        highs = stretches([high for _, high in known])
        for low_run, high_run in zip(lows, highs, strict=True):
            corners: list[float] = []
            for low, high in list(zip(low_run, high_run, strict=True))[: MESH_LIMIT // 2]:
                corners += [*plot.at(low), 0, 0, *plot.at(high), 0, 0]
            self._colour("chart_band", 0.85)
            Mesh(
                vertices=corners,
                indices=list(range(len(corners) // 4)),
                mode="triangle_strip",
            )
            self._colour("ok", 0.4)
            columns = int(plot.width)
            for edge in (low_run, high_run):
                Line(points=plot.flat(thinned(edge, columns)), width=dp(0.6))

    def _draw_grid(self, plot: _Plot, ticks: Sequence[float], labels: Sequence["Texture"]) -> None:
        for tick, label in zip(ticks, labels, strict=True):
            x, y = plot.at((0, tick))
            self._colour("field_line", 1.0 if tick == 0 else 0.35)
            Rectangle(pos=(x, round(y)), size=(plot.width, dp(1)))
            self._place(label, x - label.width - dp(8), y - label.height / 2)

    def _draw_line(self, plot: _Plot, evidence: EvidenceView) -> None:
        columns = int(plot.width)
        for run in stretches([(point.x, point.observed) for point in evidence.points]):
            thin = thinned(run, columns)
            judged = clipped(thin, evidence.rule_from_x, evidence.rule_to_x)
            self._stroke(plot, thin, "chart_line", 1.5)
            self._stroke(plot, judged, "danger", 2.1)

    def _stroke(self, plot: _Plot, run: Sequence[Pair], token: str, width_dp: float) -> None:
        if not run:
            return
        self._colour(token)
        if len(run) == 1:
            x, y = plot.at(run[0])
            Ellipse(pos=(x - dp(3), y - dp(3)), size=(dp(6), dp(6)))
        else:
            SmoothLine(points=plot.flat(run), width=dp(width_dp), overdraw_width=dp(0.8))

    def _draw_times(self, plot: _Plot, texts: Sequence[str]) -> None:
        for index, text in enumerate(texts):
            share = index / (len(texts) - 1) if len(texts) > 1 else 0
            picture = self._picture(text, "muted")
            x = plot.x + share * plot.width - share * picture.width
            self._place(picture, x, self.y)
            self._colour("field_line")
            Rectangle(pos=(plot.x + share * plot.width, plot.y - dp(5)), size=(dp(1), dp(5)))


class Texture:
    """What the chart needs of a Kivy texture."""

    width: int
    height: int
    size: tuple[int, int]
