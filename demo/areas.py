"""Which part of the town a block belongs to: crews take unassigned orders by area."""

from demo.town_places import BLOCK_HEIGHT_M, COLUMNS, ROWS, block_of

WEST = "area-west"
CENTRE = "area-centre"
EAST = "area-east"

AREAS = (WEST, CENTRE, EAST)

CREW_AREAS = {
    "crew-repair-1": AREAS,
    "crew-repair-2": (CENTRE, EAST),
    "crew-safety-1": AREAS,
    "crew-patrol-1": (WEST, CENTRE),
    "crew-patrol-2": (CENTRE, EAST),
}


def area_of_block(number: int) -> str:
    """Return the area of block 1..72: three columns of blocks each."""
    column, _ = block_of(number)
    return AREAS[column * len(AREAS) // COLUMNS]


def north_m(y_m: float) -> float:
    """Return metres north of the town's southern edge, as the server's plane counts them."""
    return ROWS * BLOCK_HEIGHT_M - y_m
