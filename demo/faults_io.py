"""The truth file: faults are appended by whoever injects them and read by the meters alone."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo.faults import Fault, FaultKind

SETTLE = timedelta(minutes=15)
"""Town time that running meters have to learn of a repair before the flow changes: a second of
the machine at the town's usual rate, five times what they need. Otherwise a total could fall."""


class TruthFileError(ValueError):
    """A line of the truth file cannot be read; the text names file, line and remedy."""


class TruthFile:
    """One JSON object per line; a later line with the same `fault_id` replaces an earlier one.

    It belongs to the town. Server, gateways and tablets are never told its place.
    """

    def __init__(self, path: Path) -> None:
        """Keep the place; a file that does not exist holds no fault."""
        self.path = path
        self._seen_bytes = -1
        self._faults: tuple[Fault, ...] = ()

    def inject(self, fault: Fault) -> None:
        """Append a fault; running meters have it within a second of the machine's time.

        One that makes a meter count less should begin at least `SETTLE` from now.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(_body(fault), ensure_ascii=False) + "\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def repair(self, fault_id: str, repaired_at_utc: datetime) -> None:
        """End a fault; its flow stops at the first quarter of an hour after `SETTLE`.

        Raises:
            KeyError: There is no such fault.
        """
        by_id = {fault.fault_id: fault for fault in self.faults()}
        self.inject(replace(by_id[fault_id], end_utc=repaired_at_utc + SETTLE))

    def faults(self) -> Sequence[Fault]:
        """Return the faults as they stand; reads the file only when it has grown.

        Raises:
            TruthFileError: A whole line is not a fault.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if size != self._seen_bytes:
            text = self.path.read_text(encoding="utf-8") if size else ""
            whole = text[: text.rfind("\n") + 1]
            found: dict[str, Fault] = {}
            for number, line in enumerate(whole.splitlines(), start=1):
                fault = self._parse(number, line)
                found[fault.fault_id] = fault
            self._faults = tuple(found.values())
            self._seen_bytes = size
        return self._faults

    def _parse(self, number: int, line: str) -> Fault:
        try:
            body = json.loads(line)
            end_utc = body.get("end_utc")
            return Fault(
                fault_id=body["fault_id"],
                meter_id=body["meter_id"],
                kind=FaultKind(body["kind"]),
                start_utc=datetime.fromisoformat(body["start_utc"]).astimezone(UTC),
                end_utc=None if end_utc is None else datetime.fromisoformat(end_utc),
                flow_m3h=float(body["flow_m3h"]),
                share=float(body["share"]),
                profile=str(body["profile"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{self.path}: line {number}: is not a fault ({error}); delete the line"
            raise TruthFileError(message) from error


def _body(fault: Fault) -> dict[str, str | float | None]:
    return {
        "fault_id": fault.fault_id,
        "meter_id": fault.meter_id,
        "kind": str(fault.kind),
        "start_utc": fault.start_utc.isoformat(),
        "end_utc": fault.end_utc.isoformat() if fault.end_utc else None,
        "flow_m3h": fault.flow_m3h,
        "share": fault.share,
        "profile": fault.profile,
    }
