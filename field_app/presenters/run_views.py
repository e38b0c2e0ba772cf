"""What the page of a run shows: its stops, the sketch of the route, the next place."""

from dataclasses import dataclass

from field_app.presenters.route_pipes import SketchPipe
from field_app.presenters.views import MarkView, Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRow:
    """One checkpoint of the route, in its order."""

    checkpoint_id: str
    number: str
    name: str
    detail: str
    icon: str
    state_text: str
    state_icon: str
    tone: Tone
    distance_text: str
    is_next: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchPoint:
    """One place on the sketch of the route: 0..1 from the west and from the south."""

    x: float
    y: float
    text: str
    tone: Tone
    is_next: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchView:
    """The route on the network; `ratio` is its width over its height.

    Who stands far from the route is shown at the edge where they are: the stops keep their room.
    """

    pipes: tuple[SketchPipe, ...] = ()
    stops: tuple[SketchPoint, ...] = ()
    walked: tuple[tuple[float, float], ...] = ()
    here: tuple[float, float] | None = None
    is_here_far: bool = False
    ratio: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run on its way.

    Attributes:
        next_id: The checkpoint that comes next, empty when nothing is left.
        arrow_deg: Its bearing, clockwise from north; None without a position.
        can_search: There are more stops than the page shows at once.
        alarm_text: What became of the orders that dangerous defects made; empty without any.
    """

    title: str
    progress_text: str
    share: float
    next_id: str
    next_name: str
    next_detail: str
    next_distance: str
    arrow_deg: float | None
    position_text: str
    position_tone: Tone
    stops: tuple[StopRow, ...]
    sketch: SketchView
    alarm_text: str
    mark: MarkView
    can_search: bool
    is_busy: bool
