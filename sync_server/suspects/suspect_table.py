"""The list as a table in one language, for the sheet and the paper."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectTable:
    """What is written, in the reader's words; each line has as many cells as the heading."""

    month: str
    title: str
    subtitle: str
    heading: Sequence[str]
    lines: Sequence[Sequence[str | float | None]]
    footer: str
