"""Owns the view data of the map: lines, signs, stops and the card of what was tapped."""

from collections.abc import Sequence
from dataclasses import dataclass

from field_app.presenters.sheet_views import SheetButton
from field_app.presenters.views import Tone

ROUND = "round:"
"""A button of a card whose key begins so leads to a page of rounds, by the rest of the key."""

Place = tuple[float, float]
"""Metres east and north on the site's plane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLines:
    """All pipes of one look: one colour, one width, drawn at once.

    Attributes:
        tone: Token of the colour.
        width_dp: Width on the screen, whatever the zoom.
        core_dp: Width of the bare middle of a line that is drawn double, 0 for a single one.
        lines: Corners of each pipe.
    """

    tone: str
    width_dp: float
    lines: Sequence[Sequence[Place]]
    core_dp: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSign:
    """A well, a valve, a box; `icon` names its sign, `tone` the colour of its medium."""

    key: str
    icon: str
    tone: str
    name: str
    place: Place
    is_lit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MapStop:
    """One order of today, or a checkpoint of the route; `number` counts the way, from 1."""

    key: str
    number: str
    icon: str
    tone: str
    place: Place
    is_chosen: bool = False
    is_checkpoint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCard:
    """What was tapped: what it is, and what can be done with it."""

    title: str
    detail: str
    tone: Tone
    icon: str
    button: SheetButton | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendLine:
    """One line of the legend: a stroke as pipes are drawn, or the icon of a sign."""

    tone: str
    text: str
    width_dp: float = 0.0
    core_dp: float = 0.0
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """The map.

    Attributes:
        network_no: Counts up when the pipes are others: then they are meshed anew.
        route: The way from checkpoint to checkpoint.
        lit: Sections that what was tapped closes, or the section that was tapped.
        here: Where the tablet is, None where nobody knows; `accuracy_m` how well.
        bounds: West, south, east and north of everything, None for an empty map.
    """

    network_no: int
    lines: Sequence[MapLines]
    signs: Sequence[MapSign]
    stops: Sequence[MapStop]
    route: Sequence[Place]
    lit: Sequence[Sequence[Place]]
    here: Place | None
    accuracy_m: float
    position_text: str
    bounds: tuple[float, float, float, float] | None
    legend: Sequence[LegendLine]
    card: MapCard | None
    empty_text: str
    is_busy: bool


BLANK_MAP = MapView(
    network_no=0,
    lines=(),
    signs=(),
    stops=(),
    route=(),
    lit=(),
    here=None,
    accuracy_m=0.0,
    position_text="",
    bounds=None,
    legend=(),
    card=None,
    empty_text="",
    is_busy=True,
)
"""What the map shows before anything was read."""
