"""Which numbers of rows a path may name: what no database could hold is refused at the door."""

from typing import Annotated

from fastapi import Path

RowNumber = Annotated[int, Path(ge=0, le=2**63 - 1)]
"""A number that the database drew (64 bits)."""

SmallNumber = Annotated[int, Path(ge=0, le=2**31 - 1)]
"""A number of a 32-bit column."""
