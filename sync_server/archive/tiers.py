"""Decides how long each tier of the readings stays, and from which moment on it has to leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wire_contracts.frames import ms_from_utc

DAY_MS: Final = 86_400_000
LEAST_RAW_DAYS: Final = 40
"""Monthly lists look a month back, and a frame may be late by days."""

TIER_NAMES: Final = ("raw", "hourly", "daily")


class TierError(ValueError):
    """Days that cannot be kept together; the text reads `place: field: problem; remedy`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Days that raw readings, hours and days stay in the database; 0: for ever."""

    raw: int = 0
    hourly: int = 0
    daily: int = 0


def tiers_of(policies: Mapping[str, float]) -> Tiers:
    """Return the tiers of the policies `retention.readings.*.days`.

    Raises:
        TierError: A tier would leave before the one that is made of it, or before it was used.
    """
    days = {name: int(policies.get(policy_name(name), 0)) for name in TIER_NAMES}
    if 0 < days["raw"] < LEAST_RAW_DAYS:
        raise TierError(
            f"policies: {policy_name('raw')}: {days['raw']} days are fewer than the reports of a"
            f" month look at; write {LEAST_RAW_DAYS} or more, or 0 for ever"
        )
    for finer, coarser in (("raw", "hourly"), ("hourly", "daily")):
        if days[coarser] and not 0 < days[finer] <= days[coarser]:
            raise TierError(
                f"policies: {policy_name(coarser)}: {days[coarser]} days are fewer than"
                f" {policy_name(finer)} has; write more, or 0 for ever"
            )
    return Tiers(raw=days["raw"], hourly=days["hourly"], daily=days["daily"])


def policy_name(tier: str) -> str:
    """Return the name of the policy that says how many days a tier stays."""
    return f"retention.readings.{tier}.days"


def leaves_before_ms(days: int, now_utc: datetime) -> int | None:
    """Return the midnight (UTC) before which a tier leaves, None when it stays for ever."""
    if days == 0:
        return None
    return day_of(ms_from_utc(now_utc - timedelta(days=days)))


def day_of(at_ms: int) -> int:
    """Return the midnight (UTC) of the day that a moment lies in."""
    return at_ms - at_ms % DAY_MS
