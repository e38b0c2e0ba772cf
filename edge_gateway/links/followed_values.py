"""Decides which values of a job follow from those before it, whatever its protocol."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from edge_gateway.links.driver import JobRead, Notice
from edge_gateway.links.learnt import NO_TOTALS, Totals
from edge_gateway.links.notices import turn_notices
from firmware_profiles.rates import COUNTS_UP, Rule, Trail, follow, kept_totals, shifted
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import TOTALISERS, Quantity


class Followed(NamedTuple):
    """What the polls before mean for one more.

    Attributes:
        trails: What is known from now on.
        quality: The quality of its values with what is not believed.
        notices: What the server is told of its totals.
    """

    trails: Mapping[Quantity, Trail]
    quality: Mapping[Quantity, QualityCode]
    notices: tuple[Notice, ...]


class Poll(NamedTuple):
    """One poll of a meter.

    Attributes:
        serial: Whose.
        values: In canonical units.
        quality: The codes of those that are not good.
        at_utc: When it was.
    """

    serial: str
    values: Mapping[Quantity, float]
    quality: Mapping[Quantity, QualityCode]
    at_utc: datetime


def followed(
    rules: Mapping[Quantity, Rule], trails: Mapping[Quantity, Trail], poll: Poll
) -> Followed:
    """Return what the polls before mean for one more; only good values are looked at."""
    values, quality = poll.values, poll.quality
    if quality:
        values = {name: value for name, value in values.items() if name not in quality}
    found = follow(rules, trails, values, poll.at_utc)
    if found.suspects:
        quality = {**found.suspects, **quality}
    notices = tuple(turn_notices(poll.serial, found.turns)) if found.turns else ()
    return Followed(found.trails, quality, notices)


@dataclass(slots=True, kw_only=True)
class TelegramTotals:
    """The totals of the meters on a line without register maps; used by one thread.

    Attributes:
        trails: What is known, by serial.
        whose: The name of the device that showed it, by serial.
    """

    trails: dict[str, Mapping[Quantity, Trail]] = field(default_factory=dict)
    whose: dict[str, str] = field(default_factory=dict)

    def take_over(self, serial: str, totals: Totals) -> None:
        """Go on with what another driver has learnt."""
        self.trails[serial], self.whose[serial] = totals.trails, totals.of

    def learnt(self, serial: str) -> Totals:
        """Return what is known of one meter."""
        trails = self.trails.get(serial)
        return Totals(of=self.whose.get(serial, ""), trails=trails) if trails else NO_TOTALS

    def judged(self, serial: str, read: JobRead, device: str, at_utc: datetime) -> JobRead:
        """Return a read with what does not follow in doubt; another device begins anew.

        Args:
            serial: Serial number of the settings.
            read: What the job brought.
            device: The name that the device itself shows.
            at_utc: When it was read.
        """
        if not read.values:
            return read
        if self.whose.get(serial, device) != device:
            self.trails.pop(serial, None)
        self.whose[serial] = device
        poll = Poll(serial, read.values, read.quality, at_utc)
        found = followed(COUNTS_UP, self.trails.get(serial, {}), poll)
        self.trails[serial] = found.trails
        if found.quality == read.quality and not found.notices:
            return read
        return read._replace(quality=found.quality, notices=(*read.notices, *found.notices))

    def clock_moved(self, by: timedelta, before_utc: datetime) -> None:
        """Go on behind a step of the clock as if there had been none."""
        for serial, trails in self.trails.items():
            self.trails[serial] = shifted(trails, by, before_utc)


def lasting(totals: Totals, names: Iterable[Quantity] = TOTALISERS) -> Totals:
    """Return what outlasts a restart: what is known of the totals among these quantities."""
    wanted = frozenset(names)
    kept = {name: each for name, each in kept_totals(totals.trails).items() if name in wanted}
    return Totals(of=totals.of, trails=kept) if kept else NO_TOTALS
