"""Keeps the sessions of people on the wall's clock when the site's clock runs faster."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from typing_extensions import override

from sync_server.access.desk import AccessDesk
from sync_server.access.passwords_io import PasswordHasherIo
from sync_server.access.tablet_store import TOKEN_LIFE, TabletIdentity
from wire_contracts.clock import Clock
from wire_contracts.enrolment import EnrolAnswer, EnrolRequest


class WallClock:
    """The wall's own time: a shift at the screen lasts as long as the person sits there."""

    def now_utc(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)

    def wall_seconds(self, seconds: float) -> float:
        """Return the same number: a second is a second."""
        return seconds


class SiteAccessDesk(AccessDesk):
    """Sessions and log-in limits follow the wall, tablets and their codes the site (R25)."""

    def __init__(
        self,
        engine: Engine,
        site_clock: Clock,
        hasher: PasswordHasherIo,
        *,
        token_life: timedelta = TOKEN_LIFE,
    ) -> None:
        """Take the site's clock for the tablets; people get the wall's."""
        super().__init__(engine, WallClock(), hasher)
        self._tablets = AccessDesk(engine, site_clock, hasher, token_life=token_life)

    @override
    def tablet_for(self, token: str) -> TabletIdentity:
        return self._tablets.tablet_for(token)

    @override
    def enrol(self, request: EnrolRequest, address: str) -> EnrolAnswer:
        return self._tablets.enrol(request, address)


def access_desk_for(
    engine: Engine,
    clock: Clock,
    hasher: PasswordHasherIo,
    *,
    token_life: timedelta = TOKEN_LIFE,
) -> AccessDesk:
    """Return the desk: the plain one where the site's clock is the wall's."""
    kind = AccessDesk if clock.wall_seconds(1.0) == 1.0 else SiteAccessDesk
    return kind(engine, clock, hasher, token_life=token_life)
