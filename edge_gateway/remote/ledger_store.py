"""Owns the memory of handled commands: the same id has the same effect, once."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.files_io import replace_file
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import LATEST_MS, ms_from_utc
from wire_contracts.gateway_commands import (
    Command,
    CommandResult,
    dump_result,
    parse_result,
)
from wire_contracts.payloads import dump_json, read_json

MAX_ENTRIES = 500
"""Commands remembered; when so many have not expired yet, further ones are refused."""

_FILE = "handled.json"
_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """A command that was begun.

    Attributes:
        expires_ms: When it expires; until then it must be remembered.
        result: What became of it; None: it was begun and nobody knows the end.
    """

    expires_ms: int
    result: CommandResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """The content of the file.

    Attributes:
        handled: Command id to what is known of it.
        forgotten_upto_ms: Commands that expire until then may have been forgotten.
        unknown_before_ms: Commands created before then may have been handled by a lost file.
    """

    handled: dict[str, Handled]
    forgotten_upto_ms: int = 0
    unknown_before_ms: int = 0


class Ledger:
    """The handled commands of one gateway, in one small file; used by one thread."""

    def __init__(self, folder: Path) -> None:
        """Read what earlier runs have handled.

        A damaged file is set aside; what was created before its last change is not taken then.
        """
        self._path = folder / _FILE
        self._memory = _load(self._path)

    def find(self, command_id: str) -> Handled | None:
        """Return what is known of a command; None: it is new."""
        return self._memory.handled.get(command_id)

    def is_forgotten(self, command: Command) -> bool:
        """Return whether a command without entry may have been handled all the same."""
        return (
            ms_from_utc(command.expires_at_utc) <= self._memory.forgotten_upto_ms
            or ms_from_utc(command.created_at_utc) <= self._memory.unknown_before_ms
        )

    def has_room(self, now_utc: datetime) -> bool:
        """Return whether one more command can be remembered."""
        self._make_room(ms_from_utc(now_utc))
        return len(self._memory.handled) < MAX_ENTRIES

    def begin(self, command: Command) -> None:
        """Remember that a command is being carried out, before it has any effect.

        Raises:
            OSError: The disk takes nothing; the command counts as never seen.
        """
        entry = Handled(expires_ms=ms_from_utc(command.expires_at_utc))
        self._memory.handled[command.command_id] = entry
        try:
            self._save()
        except OSError:
            del self._memory.handled[command.command_id]
            raise

    def finish(self, result: CommandResult) -> None:
        """Remember what became of a command; a later answer replaces an earlier one.

        What the disk does not take is remembered until the gateway ends: after that nobody knows
        how the command ended, and that is what it says then.
        """
        entry = self._memory.handled.get(result.command_id)
        expires_ms = LATEST_MS if entry is None else entry.expires_ms
        self._memory.handled[result.command_id] = Handled(expires_ms=expires_ms, result=result)
        try:
            self._save()
        except OSError:
            _LOG.exception("remote.end_not_kept", id=result.command_id)

    def open_ids(self) -> tuple[str, ...]:
        """Return the commands that were begun and not ended."""
        handled = self._memory.handled
        return tuple(name for name, entry in handled.items() if entry.result is None)

    def _make_room(self, now_ms: int) -> None:
        """Forget the expired ones when the ledger is full, and never take them again."""
        handled = self._memory.handled
        if len(handled) < MAX_ENTRIES:
            return
        kept = {name: entry for name, entry in handled.items() if entry.expires_ms > now_ms}
        gone = [entry.expires_ms for name, entry in handled.items() if name not in kept]
        upto_ms = max([self._memory.forgotten_upto_ms, *gone])
        self._memory = replace(self._memory, handled=kept, forgotten_upto_ms=upto_ms)
        self._save()

    def _save(self) -> None:
        memory = self._memory
        document: JsonObject = {
            "v": 1,
            "forgotten_upto": memory.forgotten_upto_ms,
            "unknown_before": memory.unknown_before_ms,
            "handled": {name: _entry_json(entry) for name, entry in memory.handled.items()},
        }
        replace_file(self._path, dump_json(document))


def _entry_json(entry: Handled) -> JsonObject:
    answer = None if entry.result is None else dump_result(entry.result).decode()
    return {"expires": entry.expires_ms, "answer": answer}


def _load(path: Path) -> _Memory:
    try:
        root = read_json(str(path), path.read_bytes())
        entries = root.object("handled")
        return _Memory(
            handled={name: _entry(entries.object(name)) for name in entries.values},
            forgotten_upto_ms=root.integer("forgotten_upto", low=0, high=LATEST_MS),
            unknown_before_ms=root.integer("unknown_before", low=0, high=LATEST_MS),
        )
    except FileNotFoundError:
        return _Memory(handled={})
    except ContractError:
        changed_ms = int(path.stat().st_mtime * 1000)
        path.replace(path.with_name(f"{_FILE}.damaged"))
        _LOG.exception("remote.ledger_set_aside", file=str(path))
        return _Memory(handled={}, unknown_before_ms=changed_ms)


def _entry(reader: FieldReader) -> Handled:
    answer = reader.text_or_none("answer", longest=1_000_000)
    result = None
    if answer is not None:
        result = parse_result(read_json(reader.place, answer.encode()))
    return Handled(expires_ms=reader.integer("expires", low=0, high=LATEST_MS), result=result)
