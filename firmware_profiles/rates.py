"""Whether a value moved faster between two polls than the profile says it can."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from firmware_profiles.profile import Profile, wire_registers
from wire_contracts.quality import SUSPECT_RATE, QualityCode
from wire_contracts.quantities import Quantity

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The good values of one poll, in canonical units, and when it was."""

    at_utc: datetime
    values: Mapping[Quantity, float]


def rate_suspects(profile: Profile, earlier: Poll, later: Poll) -> dict[Quantity, QualityCode]:
    """Return `suspect_rate` for each quantity of `later` that moved faster than `max_rate`.

    `max_rate` is in the canonical unit per hour, up or down. Polls that are not in order of
    time, and quantities that only one of them has, are not judged.
    """
    hours = Fraction((later.at_utc - earlier.at_utc) / _HOUR)
    suspects: dict[Quantity, QualityCode] = {}
    if hours <= 0:
        return suspects
    for quantity, register in wire_registers(profile).items():
        limit = register.limits.max_rate_per_hour
        if limit is None or quantity not in earlier.values or quantity not in later.values:
            continue
        moved = abs(Fraction(later.values[quantity]) - Fraction(earlier.values[quantity]))
        if moved > limit * hours:
            suspects[quantity] = SUSPECT_RATE
    return suspects
