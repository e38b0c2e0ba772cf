"""Keeps, on the gateway itself, who ordered what and what became of it."""

from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.files_io import append_line
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.gateway_commands import Command, CommandResult, WriteRegister
from wire_contracts.payloads import dump_json

MAX_BYTES = 1_000_000
"""Beyond it the file becomes `audit.jsonl.1` and a new one begins."""

_FILE = "audit.jsonl"
_LOG: FilteringBoundLogger = structlog.get_logger()


class Audit:
    """One line for each command and its end, in the order they happened."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; the file is made with the first line."""
        self._path = folder / _FILE

    def note(self, command: Command, key_id: str, result: CommandResult) -> None:
        """Write one line; it is on disk when this returns, or the log says that it is not."""
        line: JsonObject = {
            "t": ms_from_utc(result.at_utc),
            "id": command.command_id,
            "do": str(command.kind),
            "what": _subject(command),
            "by": command.by,
            "key": key_id,
            "outcome": str(result.outcome),
            "code": result.code,
            "text": result.text,
        }
        try:
            if self._path.exists() and self._path.stat().st_size > MAX_BYTES:
                self._path.replace(self._path.with_name(f"{_FILE}.1"))
            append_line(self._path, dump_json(line))
        except OSError:
            _LOG.exception("remote.audit_not_kept", id=command.command_id)


def _subject(command: Command) -> str:
    order = command.order
    if isinstance(order, WriteRegister):
        return f"{order.meter} {order.register} = {order.value}"
    return str(getattr(order, "meter", getattr(order, "number", "")))
