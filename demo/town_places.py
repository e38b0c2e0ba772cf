"""Where things stand: a street grid in metres, with the addresses on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from demo.names import AVENUES, STREETS, TOWN_NAME

BLOCK_WIDTH_M = 620.0
BLOCK_HEIGHT_M = 540.0
COLUMNS = len(AVENUES) - 1
ROWS = len(STREETS) - 1
"""One community fills one block between two avenues and two streets: 9 x 8 = 72."""

_METRES_PER_NUMBER = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point of the town: metres east and south of the north-western corner."""

    x_m: float
    y_m: float
    address: str


def block_of(number: int) -> tuple[int, int]:
    """Return column and row of block 1..72, counted from the north-west, row by row."""
    row, column = divmod(number - 1, COLUMNS)
    return column, row


def community_place(number: int) -> Place:
    """Return the gate of a community: on the avenue west of its block."""
    column, row = block_of(number)
    return place_at(column * BLOCK_WIDTH_M + 20.0, (row + 0.5) * BLOCK_HEIGHT_M)


def place_in_block(number: int, draw: Random) -> Place:
    """Return a place somewhere inside a block, off the middle of its streets."""
    column, row = block_of(number)
    return place_at(
        (column + draw.uniform(0.06, 0.94)) * BLOCK_WIDTH_M,
        (row + draw.uniform(0.06, 0.94)) * BLOCK_HEIGHT_M,
    )


def place_on_street(number: int, draw: Random) -> Place:
    """Return a place in the street or avenue beside a block, where wells lie."""
    column, row = block_of(number)
    along = draw.random()
    if draw.random() < BLOCK_HEIGHT_M / (BLOCK_HEIGHT_M + BLOCK_WIDTH_M):
        return place_at(column * BLOCK_WIDTH_M, (row + along) * BLOCK_HEIGHT_M)
    return place_at((column + along) * BLOCK_WIDTH_M, row * BLOCK_HEIGHT_M)


def place_at(x_m: float, y_m: float) -> Place:
    """Return the place with the address of the nearest street; numbers grow by 1 per 6 m."""
    column = min(round(x_m / BLOCK_WIDTH_M), COLUMNS)
    row = min(round(y_m / BLOCK_HEIGHT_M), ROWS)
    off_avenue_m = abs(x_m - column * BLOCK_WIDTH_M)
    off_street_m = abs(y_m - row * BLOCK_HEIGHT_M)
    is_avenue = off_avenue_m <= off_street_m
    road = AVENUES[column] if is_avenue else STREETS[row]
    number = 1 + int((y_m if is_avenue else x_m) / _METRES_PER_NUMBER)
    address = f"{TOWN_NAME}{road}{number}号"
    return Place(x_m=round(x_m, 1), y_m=round(y_m, 1), address=address)


def cumulative_places(lengths_m: Sequence[int]) -> list[Place]:
    """Return the ends of sections laid one after another along the streets, snake-wise."""
    line_m = COLUMNS * BLOCK_WIDTH_M
    places: list[Place] = []
    run_m = 0.0
    for length_m in (0, *lengths_m):
        run_m += length_m
        row, along_m = divmod(run_m, line_m)
        x_m = along_m if int(row) % 2 == 0 else line_m - along_m
        places.append(place_at(x_m, (row % (ROWS + 1)) * BLOCK_HEIGHT_M))
    return places
