"""Writes readings' register words to a file, and takes corrections from one (R17)."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, Engine

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.db.engine_io import reading
from sync_server.readings.correction_store import correct_readings
from sync_server.readings.corrections import REFUSALS, Corrected, CorrectionRule, Tally, Verdict
from sync_server.readings.raw_export_store import Wanted, raw_frames
from wire_contracts.clock import Clock
from wire_contracts.errors import ContractError
from wire_contracts.meter_frames import (
    MeterFrame,
    dump_meter_frame,
    frame_lines,
    parse_meter_frame,
)

LINES_AT_ONCE = 2000
"""Lines in one transaction: the ingest waits for as long as one takes (judgement: under 1 s)."""

_ACTION = "readings.correct"
_ACTOR = "sync-server apply-corrections"
_LONGEST_SUBJECT = 120

LINES_A_STEP = 10_000
"""Lines between two words about the progress of an export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who follows long work.

    Attributes:
        complain: Takes one line for a person: what of the file was not used, and why.
        progress: Takes how many lines are done.
    """

    complain: Callable[[str], None]
    progress: Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOrder:
    """How a file is applied: for show only, and what is allowed beyond the next revision."""

    is_dry_run: bool = False
    rule: CorrectionRule = field(default_factory=CorrectionRule)


class CorrectionFileError(RuntimeError):
    """The file cannot be read or written; the text says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a file; `unread_count` lines were no corrections at all."""

    tally: Tally
    unread_count: int

    @property
    def unused_count(self) -> int:
        """Return how many lines were not used."""
        return self.unread_count + self.tally.count(*REFUSALS)


def export_raw(engine: Engine, wanted: Wanted, path: Path, listener: Listener) -> int:
    """Write the words of the wanted readings, one line each; return how many.

    The file appears when it is whole.

    Raises:
        CorrectionFileError: It cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    count = 0
    try:
        with reading(engine) as connection, part.open("wb") as file:
            for line in raw_frames(connection, wanted):
                file.write(dump_meter_frame(line) + b"\n")
                count += 1
                if count % LINES_A_STEP == 0:
                    listener.progress(count)
        part.replace(path)
    except OSError as error:
        raise _file_error(path, error, "name a file that can be written") from error
    return count


def apply_corrections(
    engine: Engine,
    path: Path,
    clock: Clock,
    listener: Listener,
    *,
    order: ApplyOrder,
) -> Applied:
    """Return what the corrections of a file changed, or would change in a dry run.

    Each LINES_AT_ONCE lines are one transaction with its own event in the audit. A file that was
    interrupted, or applied before, may be applied again.

    Raises:
        CorrectionFileError: It cannot be read.
    """
    tally = Tally()
    unread = _Unread(path=path, complain=listener.complain)
    try:
        file_hash = _hash_of(path)
        with path.open("rb") as file:
            lines = unread.parsed(file)
            while chunk := list(islice(lines, LINES_AT_ONCE)):
                found = _apply_chunk(engine, chunk, (clock, file_hash), order)
                _count(tally, chunk, found, listener)
                listener.progress(tally.count(*Verdict))
    except OSError as error:
        raise _file_error(path, error, "name a file of corrections") from error
    return Applied(tally=tally, unread_count=unread.count)


@dataclass(slots=True)
class _Unread:
    """Reads the lines of a file and counts those that are no corrections."""

    path: Path
    complain: Callable[[str], None]
    count: int = 0

    def parsed(self, file: BinaryIO) -> Iterator[tuple[str, MeterFrame]]:
        """Return each line that is a correction, with its place for messages."""
        for number, data in frame_lines(file):
            place = f"{self.path}: line {number}"
            try:
                yield place, parse_meter_frame(place, data)
            except ContractError as error:
                self.count += 1
                self.complain(str(error))


def _apply_chunk(
    engine: Engine,
    chunk: Sequence[tuple[str, MeterFrame]],
    origin: tuple[Clock, str],
    order: ApplyOrder,
) -> Sequence[Corrected]:
    lines = [line for _, line in chunk]
    if order.is_dry_run:
        with reading(engine) as connection:
            return correct_readings(connection, lines, is_dry_run=True, rule=order.rule)
    with engine.begin() as connection:
        found = correct_readings(connection, lines, is_dry_run=False, rule=order.rule)
        _audit(connection, lines, found, (*origin, order.rule))
    return found


def _audit(
    connection: Connection,
    lines: Sequence[MeterFrame],
    found: Sequence[Corrected],
    origin: tuple[Clock, str, CorrectionRule],
) -> None:
    used = [
        line
        for line, corrected in zip(lines, found, strict=True)
        if corrected.verdict is Verdict.CHANGES
    ]
    if not used:
        return
    clock, file_hash, rule = origin
    event = AuditEvent(
        actor=_ACTOR,
        action=_ACTION,
        subject=", ".join(sorted({line.frame.profile for line in used}))[:_LONGEST_SUBJECT],
        detail={
            "file": file_hash,
            "other_profile": rule.is_other_profile,
            "over": rule.over,
            "lines": len(used),
            "meters": len({line.meter_id for line in used}),
            "values": sum(len(corrected.changes) for corrected in found),
        },
    )
    append_audit(connection, event, clock.now_utc())


def _count(
    tally: Tally,
    chunk: Sequence[tuple[str, MeterFrame]],
    found: Sequence[Corrected],
    listener: Listener,
) -> None:
    for (place, _), corrected in zip(chunk, found, strict=True):
        tally.add(corrected.verdict, corrected.changes)
        if corrected.verdict in REFUSALS:
            listener.complain(f"{place}: {REFUSALS[corrected.verdict]}")


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file_error(path: Path, error: OSError, remedy: str) -> CorrectionFileError:
    problem = error.strerror or "cannot be used"
    return CorrectionFileError(f"{path}: file: {problem}; {remedy}")
