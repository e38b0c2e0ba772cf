"""Owns when the detectors last looked at the whole fleet, and from when on that is too long ago."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.server_tables import SERVER_STATE
from wire_contracts.frames import ms_from_utc, utc_from_ms

ROUND_EVERY = timedelta(hours=1)
"""The detectors look once an hour, see `fleet_watch.next_look_ms`."""

LATE_AFTER = 2 * ROUND_EVERY + timedelta(minutes=15)
"""One look may fail without an alarm, as long as the next one ends well within a quarter of an
hour; two in a row may not. Derived from `ROUND_EVERY`; no rule names a time."""

_GOOD = "detection_round_ms"
_AWAITED = "detection_awaited_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """What is known of the detectors' looks.

    Attributes:
        good_at_utc: When the last look that ended well began; None: there was none yet.
        awaited_from_utc: When the first look could be expected, and again whenever a process
            begins to detect; None: no server ever ran over this database.
    """

    good_at_utc: datetime | None = None
    awaited_from_utc: datetime | None = None

    def late_from_utc(self) -> datetime | None:
        """Return from when on the last good look is too long ago; None: nothing is awaited."""
        began_utc = self.good_at_utc or self.awaited_from_utc
        return None if began_utc is None else began_utc + LATE_AFTER

    def is_late(self, now_utc: datetime) -> bool:
        """Return whether nobody has looked for leaks for too long."""
        late_utc = self.late_from_utc()
        return late_utc is not None and late_utc <= now_utc


def load_rounds(connection: Connection) -> Rounds:
    """Return what is known of the detectors' looks, with one statement."""
    found: dict[str, int] = {
        row.name: row.number
        for row in connection.execute(
            select(SERVER_STATE.c.name, SERVER_STATE.c.number).where(
                SERVER_STATE.c.name.in_((_GOOD, _AWAITED))
            )
        )
    }
    return Rounds(good_at_utc=_moment(found, _GOOD), awaited_from_utc=_moment(found, _AWAITED))


def _moment(found: dict[str, int], name: str) -> datetime | None:
    return utc_from_ms(found[name]) if name in found else None


def note_good_round(connection: Connection, at_utc: datetime) -> None:
    """Note that a look which began then ended well, whether it found anything or not."""
    _note(connection, _GOOD, at_utc, OnExisting.REPLACE)


def await_rounds(connection: Connection, from_utc: datetime, *, anew: bool) -> None:
    """Note from when on looks can be expected; `anew`: a process begins to detect now."""
    _note(connection, _AWAITED, from_utc, OnExisting.REPLACE if anew else OnExisting.KEEP)


def _note(connection: Connection, name: str, at_utc: datetime, existing: OnExisting) -> None:
    rows: list[Row] = [(name, ms_from_utc(at_utc))]
    write_rows(connection, SERVER_STATE, rows, existing)
