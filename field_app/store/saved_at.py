"""Says when an answer was kept: by the clocks, and in the order of writing that none changes."""

from typing import Final, NamedTuple

UNKNOWN_N: Final = 2**62
"""After which operation an answer of a file before schema step 2 stands: after all, so that no
danger in it is taken for one of a former round."""


Place = tuple[int, int]
"""Where something stands in the order of writing: after which operation, and as which answer since.
Operation `n` itself stands at (n, 0)."""


def place_text(place: Place) -> str:
    """Return a place as a draft keeps it."""
    return f"{place[0]}.{place[1]}"


def place_of(text: str) -> Place:
    """Return the place that a draft keeps; before everything where it keeps none."""
    after_n, _, turn = text.partition(".")
    return (int(after_n), int(turn)) if after_n.isdecimal() and turn.isdecimal() else (0, 0)


class SavedAt(NamedTuple):
    """When an answer was kept.

    Attributes:
        wall_ms: The tablet's wall clock, which people and networks set.
        elapsed_ms: The clock of the boot, which nobody sets; None where there is none.
        boot_id: Names that boot.
        after_n: The number of the last operation before it; None: not known.
        turn: The how manyth answer it was that this tablet kept; None: not known.
    """

    wall_ms: int
    elapsed_ms: int | None = None
    boot_id: str = ""
    after_n: int | None = None
    turn: int | None = None

    @property
    def place(self) -> Place:
        """Return where it stands in the order of writing."""
        return (UNKNOWN_N if self.after_n is None else self.after_n, self.turn or 1)
