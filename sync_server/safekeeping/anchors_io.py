"""The end of the audit chain, noted line by line in a file outside the database, and compared."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from sync_server.access.audit_store import audit_head, event_hashes
from sync_server.db.engine_io import reading


class AnchorError(ValueError):
    """The file of anchors cannot be read, or does not fit the chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """How far the chain was at a moment, and the hash of its last event then."""

    at: str
    position: int
    event_hash: str


def append_anchor(engine: Engine, path: Path, now_utc: datetime) -> bool:
    """Note the chain's end, synced to the disk; return False where nothing was appended since.

    The file is only ever appended to, so it may lie on a disk or share that allows no more.

    Raises:
        OSError: The file cannot be written.
        AnchorError: The file holds something else.
    """
    with reading(engine) as connection:
        position, event_hash = audit_head(connection)
    known = load_anchors(path)
    if position == 0 or (known and known[-1].position == position):
        return False
    line = json.dumps(
        {"at": now_utc.isoformat(timespec="seconds"), "position": position, "hash": event_hash}
    )
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def load_anchors(path: Path) -> Sequence[Anchor]:
    """Return the anchors in their order; none where there is no file yet.

    Raises:
        AnchorError: A line is no anchor.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_anchor(path, number, line) for number, line in enumerate(lines, 1)]


def _anchor(path: Path, number: int, line: str) -> Anchor:
    try:
        read = json.loads(line)
        return Anchor(at=str(read["at"]), position=int(read["position"]), event_hash=read["hash"])
    except (ValueError, KeyError, TypeError) as error:
        raise AnchorError(
            f"{path}: line {number}: is no anchor; compare the file with an earlier copy of it"
        ) from error


def check_anchors(connection: Connection, path: Path) -> int:
    """Return how many anchors fit the chain.

    Raises:
        AnchorError: The chain has another event at an anchor's place, or none: it was rewritten.
    """
    anchors = load_anchors(path)
    found = event_hashes(connection, [each.position for each in anchors])
    for number, anchor in enumerate(anchors, 1):
        if found.get(anchor.position) != anchor.event_hash:
            raise AnchorError(
                f"{path}: line {number}: event {anchor.position} was another one at {anchor.at}; "
                "the chain was rewritten or an older copy was restored: ask who did"
            )
    return len(anchors)
