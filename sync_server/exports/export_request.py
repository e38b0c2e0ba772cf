"""What is asked for when a file is to leave the house, and the states of asking."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExportKind(StrEnum):
    """Why a file waits: for its many rows, or because it is about one person."""

    BULK = "bulk"
    PERSON = "person"


class ExportState(StrEnum):
    """Held back until a reason is given, asked until a director decided."""

    HELD = "held"
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What somebody wants to take away.

    Attributes:
        kind: Whether the rows are counted.
        target: The address of the file with its query; an approval holds for it alone.
        row_count: Rows of the file.
    """

    kind: ExportKind
    target: str
    row_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """One file that waited, with who asked and who decided."""

    export_id: int
    taking: Taking
    state: ExportState
    reason: str
    asked_by: str
    asked_at_utc: datetime
    decision: str
    decided_by: str | None
    decided_at_utc: datetime | None
