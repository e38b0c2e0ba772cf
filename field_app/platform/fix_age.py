"""Decides whether a position is of now: a receiver keeps its last one for days."""

from datetime import datetime
from typing import Final

from field_app.platform.ports import Fix, Locator
from wire_contracts.frames import ms_from_utc

FRESH_MS: Final = 60_000
"""Who walks is 80 m farther after a minute, beyond every checkpoint's circle (judgement)."""

TELLING_MS: Final = 30 * 60_000
"""A position that is older helps nobody to find who calls for help (judgement)."""


def fix_age_ms(fix: Fix, now_utc: datetime) -> int:
    """Return how old a position is, 0 where the machine does not tell; never less than nothing."""
    return 0 if fix.at_ms is None else max(ms_from_utc(now_utc) - fix.at_ms, 0)


def fresh_fix(locator: Locator | None, now_utc: datetime) -> Fix | None:
    """Return where the tablet is now, None where nobody knows."""
    fix = None if locator is None else locator.fix()
    return fix if fix is not None and fix_age_ms(fix, now_utc) <= FRESH_MS else None


def last_fix(locator: Locator, now_utc: datetime) -> Fix | None:
    """Return where the tablet was last, None when that is long ago; whoever uses it tells its age.

    Who has gone down into a cellar calls for help from where the last position was taken.
    """
    fix = locator.fix()
    return fix if fix is not None and fix_age_ms(fix, now_utc) <= TELLING_MS else None
