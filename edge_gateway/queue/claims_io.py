"""What is known of a file that was set aside, kept beside it until it has been read out."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_gateway.queue.doubts import Doubt
from wire_contracts.errors import ContractError
from wire_contracts.frames import MAX_EPOCH, MAX_SEQ
from wire_contracts.payloads import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is known of the numbers of a damaged file from outside.

    Attributes:
        epoch: Their epoch.
        last: The last number given, when the file tells of none itself or its end is missing.
        is_end_known: Whether the file's own last number counts.
    """

    epoch: int
    last: int
    is_end_known: bool

    def end(self, told: int | None) -> int:
        """Return up to where numbers were given, 0 when only the file's rows tell that."""
        return told if told is not None and self.is_end_known else max(self.last, told or 0)


def write_claim(todo: Path, why: Doubt, claim: Claim | None) -> None:
    """Write what is known of a file that is to be set aside; it must outlive a kill."""
    known = {} if claim is None else asdict(claim)
    with todo.open("x", encoding="utf-8") as file:
        json.dump({"why": why.value, **known}, file)
        file.flush()
        os.fsync(file.fileno())


def read_claim(todo: Path) -> tuple[str, Claim | None]:
    """Return what is wrong with a file that was set aside, and what is known of its numbers."""
    try:
        content = read_json("claim", todo.read_bytes())
        why = content.text("why")
        if "epoch" not in content.values:
            return why, None
        return why, Claim(
            epoch=content.integer("epoch", low=1, high=MAX_EPOCH),
            last=content.integer("last", low=0, high=MAX_SEQ),
            is_end_known=content.values.get("is_end_known") is True,
        )
    except (OSError, ContractError):
        return Doubt.DAMAGED.value, None
