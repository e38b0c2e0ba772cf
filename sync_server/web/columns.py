"""Decides where the columns of a small chart stand: stacked parts, a gap for what is not known."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDE = 1320
NARROW = 400
HEIGHT = 150
_LEFT = 52
_BOTTOM = 22
_TOP = 14
_TICKS = 4
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LABEL_WIDTH = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a column: `tone` is the class that colours it; None: not known."""

    value: float | None
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnOf:
    """What a column stands for; `words` say it for whoever points at it or does not see it."""

    label: str
    words: str
    parts: Sequence[Part]
    href: str = ""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of a column in the chart's own plane."""

    y: str
    height: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column where it stands; without boxes nothing is known of it."""

    x: str
    middle: str
    width: str
    label: str
    words: str
    href: str
    is_chosen: bool
    boxes: Sequence[Box]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChart:
    """The chart: columns, lines of the scale as (y, number), a limit's y or an empty text."""

    columns: Sequence[Column]
    ticks: Sequence[tuple[str, float]]
    limit_y: str
    unit: str
    width: int
    height: int = HEIGHT
    left: int = _LEFT


def column_chart(
    wanted: Sequence[ColumnOf], unit: str, *, limit: float | None = None, width: int = NARROW
) -> ColumnChart | None:
    """Return the chart; None when nothing is known of any column."""
    sums = [_sum(each.parts) for each in wanted]
    known = [value for value in sums if value is not None]
    if not known:
        return None
    step = _step(max(*known, limit or 0.0, 1e-9))
    top = step * -(-max(*known, limit or 0.0, 1e-9) // step)
    room = HEIGHT - _TOP - _BOTTOM
    each_width = (width - _LEFT) / len(wanted)
    shown_every = max(1, -(-len(wanted) * _LABEL_WIDTH // (width - _LEFT)))

    def y_of(value: float) -> float:
        return _TOP + room * (1 - value / top)

    columns = [
        Column(
            x=f"{_LEFT + index * each_width + each_width * 0.15:.1f}",
            middle=f"{_LEFT + (index + 0.5) * each_width:.1f}",
            width=f"{each_width * 0.7:.1f}",
            label=each.label if index % shown_every == 0 else "",
            words=each.words,
            href=each.href,
            is_chosen=each.is_chosen,
            boxes=_boxes(each.parts, room / top),
        )
        for index, each in enumerate(wanted)
    ]
    count = round(top / step)
    return ColumnChart(
        columns=columns,
        ticks=[(f"{y_of(step * index):.1f}", step * index) for index in range(count + 1)],
        limit_y="" if limit is None else f"{y_of(limit):.1f}",
        unit=unit,
        width=width,
    )


def _sum(parts: Sequence[Part]) -> float | None:
    known = [max(each.value, 0.0) for each in parts if each.value is not None]
    return sum(known) if known else None


def _step(highest: float) -> float:
    """Return a round step that gives at most `_TICKS` lines above zero."""
    size = 10.0 ** len(str(int(highest / _TICKS))) / 10
    while size * _TICKS > highest:
        size /= 10
    return next(size * each for each in (*_STEPS, 20.0, 50.0) if size * each * _TICKS >= highest)


def _boxes(parts: Sequence[Part], scale: float) -> Sequence[Box]:
    """Return the boxes from the ground up."""
    ground = float(HEIGHT - _BOTTOM)
    boxes: list[Box] = []
    for part in parts:
        if part.value is None or part.value <= 0:
            continue
        height = part.value * scale
        ground -= height
        boxes.append(Box(y=f"{ground:.1f}", height=f"{height:.1f}", tone=part.tone))
    return boxes
