"""The conversations about a second factor: set up, prove, recover, take away."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from sync_server.access.account_store import Person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.factor_store import (
    begin_factor,
    confirm_factor,
    count_recovery_codes,
    load_factor,
    remove_factor,
    use_code,
    use_recovery_code,
)
from sync_server.access.login_limits import LimitScope
from sync_server.access.one_time_codes import SECRET_BYTES, looks_like_code
from sync_server.access.secrets_io import new_code, new_secret_bytes
from sync_server.access.session_store import (
    end_sessions,
    note_failure,
    prove_session,
    refuse_if_limited,
)
from sync_server.db.engine_io import reading
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

RECOVERY_CODES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorState:
    """What a person's page shows: `secret` only while the factor is not confirmed."""

    is_confirmed: bool
    secret: bytes
    recovery_count: int


class FactorDesk:
    """One per process, over one database; its clock is the wall's, as the authenticator's is."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        """Take the database and the wall's time."""
        self._engine = engine
        self._clock = clock

    def state_of(self, person: Person) -> FactorState:
        """Return the person's factor; where there is none a new secret is drawn and kept."""
        with reading(self._engine) as connection:
            factor = load_factor(connection, person.account_id)
            count = count_recovery_codes(connection, person.account_id)
        if factor is None:
            with self._engine.begin() as connection:
                begin_factor(connection, person.account_id, new_secret_bytes(SECRET_BYTES))
                factor = load_factor(connection, person.account_id)
        is_confirmed = factor is not None and factor.is_confirmed
        return FactorState(
            is_confirmed=is_confirmed,
            secret=b"" if factor is None or is_confirmed else factor.secret,
            recovery_count=count,
        )

    def confirm(self, person: Person, token: str, typed: str, address: str) -> Sequence[str]:
        """Return the recovery codes, shown once; the session counts as proved.

        Raises:
            ContractError: The code does not fit, or there were too many wrong ones.
        """
        now_utc = self._clock.now_utc()
        self._check_limits(person.account_id, address)
        codes = [f"{new_code()}-{new_code()}" for _ in range(RECOVERY_CODES)]
        with self._engine.begin() as connection:
            factor = load_factor(connection, person.account_id)
            if factor is None or factor.is_confirmed:
                raise _refused("is set already or was never begun", "open the page again")
            is_good = use_code(connection, person.account_id, typed, now_utc)
            if is_good:
                confirm_factor(connection, person.account_id, codes, now_utc)
                prove_session(connection, token, now_utc)
                self._note(connection, person.account_id, "factor.set", person.account_id)
        if not is_good:
            self._fail(person.account_id, address)
        return codes

    def prove(self, person: Person, token: str, typed: str, address: str) -> None:
        """Let a session in whose password was right, for a code of the app or a recovery code.

        A recovery code is looked at even when the account had too many failures elsewhere: who
        knows the password cannot keep the owner out.

        Raises:
            ContractError: The code does not fit, or there were too many wrong ones.
        """
        now_utc = self._clock.now_utc()
        is_code = looks_like_code(typed)
        self._check_limits(person.account_id, address, is_narrow=not is_code)
        with self._engine.begin() as connection:
            use = use_code(connection, person.account_id, typed, now_utc) if is_code else False
            is_recovery = not is_code and use_recovery_code(connection, person.account_id, typed)
            if use or is_recovery:
                prove_session(connection, token, now_utc)
            if is_recovery:
                self._note(connection, person.account_id, "factor.recovery", person.account_id)
        if not use and not is_recovery:
            self._fail(person.account_id, address)

    def take_away(self, account_id: str, actor: str) -> bool:
        """Remove a person's factor and end their sessions; return whether there was one."""
        with self._engine.begin() as connection:
            is_removed = remove_factor(connection, account_id)
            if is_removed:
                end_sessions(connection, account_id, self._clock.now_utc())
                self._note(connection, actor, "factor.removed", account_id)
        return is_removed

    def _check_limits(self, account_id: str, address: str, *, is_narrow: bool = False) -> None:
        now_utc = self._clock.now_utc()
        keys = _keys(account_id, address)
        if is_narrow:
            del keys[LimitScope.FACTOR]
        with reading(self._engine) as connection:
            for scope, key in keys.items():
                refuse_if_limited(connection, scope, key, now_utc)

    def _fail(self, account_id: str, address: str) -> None:
        with self._engine.begin() as connection:
            for scope, key in _keys(account_id, address).items():
                note_failure(connection, scope, key, self._clock.now_utc())
        raise _refused("does not fit", "type the six digits that the app shows now")

    def _note(self, connection: Connection, actor: str, action: str, account_id: str) -> None:
        event = AuditEvent(actor=actor, action=action, subject=account_id, detail={})
        append_audit(connection, event, self._clock.now_utc())


def _keys(account_id: str, address: str) -> dict[LimitScope, str]:
    return {
        LimitScope.FACTOR_PAIR: f"{account_id}\0{address}",
        LimitScope.FACTOR: account_id,
    }


def _refused(problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="second factor",
        field="code",
        problem=problem,
        remedy=remedy,
        code=Code.LOGIN_REFUSED,
    )
