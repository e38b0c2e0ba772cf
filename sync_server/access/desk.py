"""The conversations about access that hash, and therefore must not hold a transaction open."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from sync_server.access.account_store import Person, get_person, password_hash_of
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.browser_store import is_known_browser, know_browser
from sync_server.access.contact_store import ContactBook
from sync_server.access.factor_desk import FactorDesk
from sync_server.access.login_limits import LimitScope
from sync_server.access.passwords_io import PasswordHasherIo
from sync_server.access.session_store import (
    Visitor,
    close_session,
    forget_failures,
    is_touch_due,
    note_failure,
    open_session,
    proved_person,
    refuse_if_limited,
    touch_session,
    visitor_of_session,
)
from sync_server.access.tablet_store import (
    TOKEN_LIFE,
    TabletIdentity,
    TokenHolder,
    enrol_tablet,
    holder_of_token,
    valid_holder,
)
from sync_server.db.engine_io import reading
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.enrolment import EnrolAnswer, EnrolRequest
from wire_contracts.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGrant:
    """A fresh session.

    Attributes:
        token: For the cookie of the session.
        person: Whom it belongs to.
        browser: For the cookie by which the browser is known; None: it is known already.
    """

    token: str
    person: Person
    browser: str | None = None


class AccessDesk:
    """One per process, over one database; kept in `app.state.access` for the guards."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hasher: PasswordHasherIo,
        *,
        token_life: timedelta = TOKEN_LIFE,
    ) -> None:
        """Take what the conversations need; a tablet's token holds `token_life` after a contact."""
        self._engine = engine
        self._token_life = token_life
        self._contacts = ContactBook(engine, token_life)
        self._clock = clock
        self.hasher = hasher
        self.factors = FactorDesk(engine, clock)

    def log_in(
        self, login: str, password: str, address: str, browser: str | None = None
    ) -> SessionGrant:
        """Return a session for the right name and password.

        The answer to a wrong name, a wrong password and an ended account is one and the same,
        and takes the same time. `browser` is what the browser got at an earlier log-in: then its
        own failures count and nobody else's.

        Raises:
            ContractError: Refused, limited after failures, or too busy to check.
        """
        login = login.strip().casefold()
        with reading(self._engine) as connection:
            is_known = is_known_browser(connection, browser, login, self._clock.now_utc())
            keys = _keys(login, address, browser if is_known else None)
            for scope, key in keys.items():
                refuse_if_limited(connection, scope, key, self._clock.now_utc())
            known = password_hash_of(connection, login)
        if not self.hasher.is_right(None if known is None else known[1], password) or not known:
            self._count_failures(keys)
            raise ContractError(
                place="log-in",
                field="password",
                problem="log-in name and password do not fit",
                remedy="check both; an administrator can set a new password",
                code=Code.LOGIN_REFUSED,
            )
        return self._welcome(known[0], keys, is_known=is_known)

    def _count_failures(self, keys: dict[LimitScope, str]) -> None:
        with self._engine.begin() as connection:
            for scope, key in keys.items():
                note_failure(connection, scope, key, self._clock.now_utc())

    def _welcome(
        self, account_id: str, keys: dict[LimitScope, str], *, is_known: bool
    ) -> SessionGrant:
        now_utc = self._clock.now_utc()
        with self._engine.begin() as connection:
            own = LimitScope.BROWSER if is_known else LimitScope.PAIR
            forget_failures(connection, own, keys[own])
            browser = None if is_known else know_browser(connection, account_id, now_utc)
            token = open_session(connection, account_id, now_utc)
            event = AuditEvent(
                actor=account_id, action="session.open", subject=account_id, detail={}
            )
            append_audit(connection, event, now_utc)
            person = get_person(connection, account_id)
            return SessionGrant(token=token, person=person, browser=browser)

    def log_out(self, token: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            close_session(connection, token, self._clock.now_utc())

    def person_for(self, token: str) -> Person:
        """Return who holds the session; raise ContractError when nobody may with it."""
        return proved_person(self.visitor_for(token))

    def visitor_for(self, token: str) -> Visitor:
        """Return who holds the session, also where a second factor was not shown yet."""
        now_utc = self._clock.now_utc()
        with reading(self._engine) as connection:
            visitor = visitor_of_session(connection, token, now_utc)
            is_due = is_touch_due(connection, token, now_utc)
        if is_due:
            with self._engine.begin() as connection:
                touch_session(connection, token, now_utc)
        return visitor

    def tablet_for(self, token: str) -> TabletIdentity:
        """Return which tablet holds the token; raise ContractError when none may with it."""
        now_utc = self._clock.now_utc()
        with reading(self._engine) as connection:
            holder = valid_holder(connection, token, now_utc)
        if holder.is_contact_due(now_utc):
            self._contacts.note(holder.tablet.tablet_id, now_utc)
        return holder.tablet

    def holder_of(self, token: str) -> TokenHolder:
        """Return whom a tablet's token was issued to, revoked and expired ones too.

        For what a tablet may do even then: send in what is sealed (RULINGS R4).
        """
        with reading(self._engine) as connection:
            return holder_of_token(connection, token)

    def enrol(self, request: EnrolRequest, address: str) -> EnrolAnswer:
        """Return the token of a new tablet; wrong codes of one address are limited."""
        now_utc = self._clock.now_utc()
        with reading(self._engine) as connection:
            refuse_if_limited(connection, LimitScope.CODE_ADDRESS, address, now_utc)
        try:
            with self._engine.begin() as connection:
                return enrol_tablet(connection, request, now_utc, token_life=self._token_life)
        except ContractError as error:
            if error.code is Code.CODE_REFUSED:
                self._count_failures({LimitScope.CODE_ADDRESS: address})
            raise


def _keys(login: str, address: str, browser: str | None) -> dict[LimitScope, str]:
    """Return what a log-in is counted by; a browser that is known is counted alone."""
    if browser is not None:
        return {LimitScope.BROWSER: browser}
    return {
        LimitScope.PAIR: f"{login}\0{address}",
        LimitScope.ADDRESS: address,
        LimitScope.LOGIN: login,
    }
