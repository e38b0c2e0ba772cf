"""Decides for whom the frames of a file are marked: a restored server, one that lost some, or two.

A word of another server, or words that have lacked for a minute what was acknowledged, mean a
restored one: what is kept is opened for it. More than three such within an hour are several servers
that answer in turn: then nothing is opened again until one alone has answered for an hour.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from edge_gateway.queue.seq_ranges import Ranges, intersect, merged, subtract
from wire_contracts.acks import MAX_RANGES, EpochAck
from wire_contracts.frames import MAX_SEQ

NO_SERVER = -1
"""The server epoch of a file whose frames no server has acknowledged yet."""

SEVERAL = -2
"""The server epoch of a file whose frames several servers acknowledge in turn."""

LACKS_FOR_MS = 60_000
"""A word may be overtaken by a later one of another process on the same database; for a minute
none is (judgement: two broker connections deliver within seconds)."""

CHANGES_WITHIN_MS = 3_600_000
MOST_CHANGES = 3
"""So many restored servers in an hour are believed; a restore is rarely repeated (judgement)."""


class Word(StrEnum):
    """What a word means for the marks."""

    SAME = "of the server that all marks are of"
    RESTORED = "of a server for which everything kept is opened again"
    DISPUTED = "of one of several servers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Which server the marks of a file are of.

    Attributes:
        server_epoch: That of the server; NO_SERVER, SEVERAL.
        heard: Of several, whose word came last; None: none since the start.
        since_ms: Since when it alone has answered, ms since 1970.
        lacking_since_ms: Since when its words have lacked what it acknowledged; None: none does.
        changes: When everything was opened again lately, ms since 1970.
    """

    server_epoch: int = NO_SERVER
    heard: int | None = None
    since_ms: int = 0
    lacking_since_ms: int | None = None
    changes: tuple[int, ...] = ()


def take_word(
    lineage: Lineage, server_epoch: int, now_ms: int, *, lacks: bool | None
) -> tuple[Lineage, Word]:
    """Return what is known after a word, and what it means.

    Args:
        lineage: What was known.
        server_epoch: That of the word.
        now_ms: Now, ms since 1970.
        lacks: Whether the word lacks what was acknowledged before; None: it brings nothing new, and
            may be an old one.
    """
    if lineage.server_epoch == SEVERAL:
        return _of_several(lineage, server_epoch, now_ms)
    if lineage.server_epoch not in (NO_SERVER, server_epoch):
        return _changed(lineage, server_epoch, now_ms)
    if not lacks:
        since_ms = lineage.lacking_since_ms if lacks is None else None
        same = replace(lineage, server_epoch=server_epoch, lacking_since_ms=since_ms)
        return same, Word.SAME
    since_ms = now_ms if lineage.lacking_since_ms is None else lineage.lacking_since_ms
    if now_ms - since_ms < LACKS_FOR_MS:
        return replace(lineage, lacking_since_ms=min(since_ms, now_ms)), Word.SAME
    return _changed(lineage, server_epoch, now_ms)


def _changed(lineage: Lineage, server_epoch: int, now_ms: int) -> tuple[Lineage, Word]:
    recent = [at for at in lineage.changes if 0 <= now_ms - at < CHANGES_WITHIN_MS]
    if len(recent) >= MOST_CHANGES:
        return Lineage(server_epoch=SEVERAL, heard=server_epoch, since_ms=now_ms), Word.DISPUTED
    return Lineage(server_epoch=server_epoch, changes=(*recent, now_ms)), Word.RESTORED


def _of_several(lineage: Lineage, server_epoch: int, now_ms: int) -> tuple[Lineage, Word]:
    if server_epoch != lineage.heard or now_ms < lineage.since_ms:
        return replace(lineage, heard=server_epoch, since_ms=now_ms), Word.DISPUTED
    if now_ms - lineage.since_ms < CHANGES_WITHIN_MS:
        return lineage, Word.DISPUTED
    return Lineage(server_epoch=server_epoch), Word.RESTORED


def complete_upto(entry: EpochAck) -> int:
    """Return up to which number a word names all that the server holds."""
    if entry.whole_upto is not None:
        return entry.whole_upto
    return MAX_SEQ if len(entry.ranges) < MAX_RANGES else entry.upto


def lost(acked: Ranges, entry: EpochAck) -> Ranges:
    """Return the numbers that were acknowledged and that a word should name, and does not."""
    said = merged([(1, entry.upto), *entry.ranges])
    return subtract(intersect(acked, ((1, complete_upto(entry)),)), said)
