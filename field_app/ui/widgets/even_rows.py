# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Places the rows of a long list that are all of one height: by arithmetic, not by walking them."""

from collections.abc import Sequence
from typing import NamedTuple, overload

from kivy.uix.recycleboxlayout import RecycleBoxLayout
from typing_extensions import override

Placing = dict[str, object]
"""What Kivy's recycling wants to know of one row, by its own names."""


class Geometry(NamedTuple):
    """Where the rows stand, in pixels; `top` is the upper edge of the first."""

    left: float
    top: float
    width: float
    height: float
    spacing: float

    @property
    def pitch(self) -> float:
        """Return the distance from one row to the next."""
        return self.height + self.spacing

    def place(self, index: int) -> tuple[float, float]:
        """Return the lower left corner of a row."""
        return self.left, self.top - index * self.pitch - self.height

    def index_at(self, y: float) -> int:
        """Return the row at a height; the gap between two belongs half to each."""
        return int((self.top - y + self.spacing / 2) // max(self.pitch, 1))


class EvenPlacings(Sequence[Placing]):
    """The placing of every row, made when it is asked for."""

    def __init__(self, count: int, geometry: Geometry, viewclass: object) -> None:
        """Keep what all rows have in common."""
        self._count = count
        self.geometry = geometry
        self._viewclass = viewclass

    @override
    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Placing: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Placing]: ...

    @override
    def __getitem__(self, index: int | slice) -> Placing | Sequence[Placing]:
        if isinstance(index, slice):
            return [self._placing(each) for each in range(*index.indices(self._count))]
        return self._placing(range(self._count)[index])

    def _placing(self, index: int) -> Placing:
        return {
            "size": [self.geometry.width, self.geometry.height],
            "size_hint": [1, None],
            "size_hint_min": [None, None],
            "size_hint_max": [None, None],
            "pos": self.geometry.place(index),
            "pos_hint": {},
            "viewclass": self._viewclass,
            "width_none": True,
            "height_none": False,
        }


class EvenRows(RecycleBoxLayout):
    """The rows of a RecycleView from top to bottom, each `default_height` high.

    Kivy's own layout walks all rows whenever one is added, 15 us each: with 10,000 of them a
    thumb that reaches the end of what was read waited for 150 ms.
    """

    def __init__(self, **properties: object) -> None:
        """Begin without rows."""
        super().__init__(**properties)
        self._place(0)

    def compute_sizes_from_data(self, data: Sequence[object], flags: Sequence[object]) -> None:
        """Take note of how many rows there are; those that only got company stay where they are."""
        if not all(isinstance(flag, dict) and set(flag) == {"appended"} for flag in flags):
            self.clear_layout()
            self._place(len(data))
            return
        self.remove_views()
        above = (1 - self.recycleview.scroll_y) * self._travel()
        self._place(len(data))
        self._scroll_to(above)

    def _travel(self) -> float:
        return max(float(self.height - self.recycleview.height), 0.0)

    def _scroll_to(self, above: float) -> None:
        """Scroll until so many pixels are above the glass.

        Kivy keeps the share that is above: of twice the rows it would be another place.
        """
        view, travel = self.recycleview, self._travel()
        if travel:
            view.scroll_y = 1 - above / travel
            view.effect_y.value = -travel * view.scroll_y

    def compute_layout(self, data: Sequence[object], _flags: Sequence[object]) -> None:
        """Place the rows anew where the list has moved or has got another size."""
        self._size_needs_update = False
        if self.view_opts.geometry != self._geometry():
            self.remove_views()
            self._place(len(data))

    def compute_visible_views(
        self, data: Sequence[object], viewport: tuple[float, float, float, float]
    ) -> list[int]:
        """Return the rows that are seen."""
        if not data:
            return []
        _, y, _, height = viewport
        return list(range(self._row_at(y + height), self._row_at(y) + 1))

    def get_view_index_at(self, pos: tuple[float, float]) -> int:
        """Return the row at a place."""
        return self._row_at(pos[1])

    def _row_at(self, y: float) -> int:
        return min(max(self.view_opts.geometry.index_at(y), 0), max(len(self.view_opts) - 1, 0))

    def _place(self, count: int) -> None:
        left, top, right, bottom = self.padding
        gaps = self.spacing * max(count - 1, 0)
        self.minimum_size = left + right, top + bottom + gaps + count * self.default_height
        self.view_opts = EvenPlacings(count, self._geometry(), self.viewclass)

    def _geometry(self) -> Geometry:
        left, top, right, _ = self.padding
        return Geometry(
            left=self.x + left,
            top=self.top - top,
            width=max(self.width - left - right, 0),
            height=self.default_height,
            spacing=self.spacing,
        )
