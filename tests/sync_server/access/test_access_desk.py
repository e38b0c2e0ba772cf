"""Log-in, sessions, tablets, the first start and the audit chain, on real databases."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Engine, select
from typing_extensions import override

from sync_server.access.account_store import (
    NewAccount,
    create_account,
    deactivate_account,
)
from sync_server.access.audit_store import verify_audit
from sync_server.access.bootstrap import (
    FIRST_START_PATH,
    LINK_LIFE,
    first_start_link,
    is_link_open,
    use_first_start_link,
)
from sync_server.access.desk import AccessDesk
from sync_server.access.login_limits import MOST_FAILURES, WINDOW, LimitScope
from sync_server.access.passwords_io import PasswordHasherIo
from sync_server.access.roles import Role
from sync_server.access.session_store import ABSOLUTE_LIMIT, IDLE_LIMIT
from sync_server.access.tablet_store import (
    CODE_LIFE,
    TOKEN_LIFE,
    issue_enrolment_code,
    list_tablets,
    revoke_tablet,
)
from sync_server.db.access_tables import AUDIT_EVENT, ENROLMENT_CODE, SESSION, TABLET_TOKEN
from tests.sync_server.people_parts import PASSWORD, QUICK_HASHER, found_utility, person
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.codes import Code
from wire_contracts.enrolment import EnrolAnswer, EnrolRequest
from wire_contracts.errors import ContractError


@pytest.fixture
def desk(sqlite_engine: Engine, clock: HandClock) -> AccessDesk:
    found_utility(sqlite_engine, clock)
    return AccessDesk(sqlite_engine, clock, QUICK_HASHER)


def says(code: Code) -> Callable[[ContractError], bool]:
    return lambda error: error.code is code


def enrol(desk: AccessDesk, engine: Engine, clock: HandClock) -> EnrolAnswer:
    with engine.begin() as connection:
        code = issue_enrolment_code(connection, "crew-1", "test", clock.now_utc())
    return desk.enrol(EnrolRequest(code=code.code.lower(), name="tablet 9"), "10.0.0.9")


def test_the_right_password_opens_a_session_of_which_only_the_hash_is_kept(
    desk: AccessDesk, sqlite_engine: Engine
) -> None:
    grant = desk.log_in("Dispatch ", PASSWORD, "10.0.0.1")

    assert desk.person_for(grant.token).login == "dispatch"
    with sqlite_engine.connect() as connection:
        stored = connection.execute(select(SESSION.c.token_hash)).scalar_one()
    assert stored != grant.token
    assert len(stored) == 64


@pytest.mark.parametrize(("login", "password"), [("dispatch", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_get_one_and_the_same_answer(
    desk: AccessDesk, login: str, password: str
) -> None:
    with pytest.raises(
        ContractError,
        match=r"log-in: password: log-in name and password do not fit; check both",
    ):
        desk.log_in(login, password, "10.0.0.1")


def test_guessing_is_stopped_and_the_owner_still_gets_in_from_elsewhere(
    desk: AccessDesk, clock: HandClock
) -> None:
    for _ in range(MOST_FAILURES[LimitScope.PAIR]):
        with pytest.raises(ContractError, check=says(Code.LOGIN_REFUSED)):
            desk.log_in("dispatch", "guess", "6.6.6.6")

    with pytest.raises(ContractError, check=says(Code.LOGIN_LIMITED)):
        desk.log_in("dispatch", PASSWORD, "6.6.6.6")
    assert desk.log_in("dispatch", PASSWORD, "10.0.0.1").person.login == "dispatch"
    clock.at_utc += WINDOW + timedelta(seconds=1)
    assert desk.log_in("dispatch", PASSWORD, "6.6.6.6").person.login == "dispatch"


def test_a_session_ends_when_it_is_not_used(desk: AccessDesk, clock: HandClock) -> None:
    token = desk.log_in("dispatch", PASSWORD, "10.0.0.1").token
    clock.at_utc += IDLE_LIMIT / 2
    desk.person_for(token)
    clock.at_utc += IDLE_LIMIT - timedelta(seconds=1)
    assert desk.person_for(token).login == "dispatch"

    clock.at_utc += IDLE_LIMIT
    with pytest.raises(ContractError, check=says(Code.TOKEN_EXPIRED)):
        desk.person_for(token)


def test_a_session_ends_after_one_shift_however_much_it_is_used(
    desk: AccessDesk, clock: HandClock
) -> None:
    token = desk.log_in("dispatch", PASSWORD, "10.0.0.1").token
    while clock.now_utc() < NOON + ABSOLUTE_LIMIT - IDLE_LIMIT:
        clock.at_utc += IDLE_LIMIT / 2
        desk.person_for(token)

    clock.at_utc = NOON + ABSOLUTE_LIMIT
    with pytest.raises(ContractError, check=says(Code.TOKEN_EXPIRED)):
        desk.person_for(token)


def test_logging_out_and_leaving_the_company_end_a_session(
    desk: AccessDesk, sqlite_engine: Engine
) -> None:
    first = desk.log_in("dispatch", PASSWORD, "10.0.0.1")
    second = desk.log_in("dispatch", PASSWORD, "10.0.0.1")
    desk.log_out(first.token)
    with pytest.raises(ContractError, check=says(Code.TOKEN_REVOKED)):
        desk.person_for(first.token)

    with sqlite_engine.begin() as connection:
        deactivate_account(connection, second.person.account_id, "test", NOON)

    with pytest.raises(ContractError, check=says(Code.TOKEN_REVOKED)):
        desk.person_for(second.token)
    with pytest.raises(ContractError, check=says(Code.LOGIN_REFUSED)):
        desk.log_in("dispatch", PASSWORD, "10.0.0.1")


def test_a_code_becomes_a_token_once(
    desk: AccessDesk, sqlite_engine: Engine, clock: HandClock
) -> None:
    with sqlite_engine.begin() as connection:
        code = issue_enrolment_code(connection, "crew-1", "test", clock.now_utc()).code
    request = EnrolRequest(code=code, name="tablet 9")
    answer = desk.enrol(request, "10.0.0.9")

    assert desk.tablet_for(answer.token).crew_id == "crew-1"
    assert [each.name for each in answer.people] == ["Wang"]
    with pytest.raises(
        ContractError,
        match=r"code: is not valid: mistyped, already used, or older than 10 minutes; ask",
    ):
        desk.enrol(request, "10.0.0.9")
    with sqlite_engine.connect() as connection:
        kept = connection.execute(select(ENROLMENT_CODE.c.code_hash)).scalars().all()
        tokens = connection.execute(select(TABLET_TOKEN.c.token_hash)).scalars().all()
    assert code not in kept
    assert answer.token not in tokens


def test_a_code_lives_ten_minutes(
    desk: AccessDesk, sqlite_engine: Engine, clock: HandClock
) -> None:
    with sqlite_engine.begin() as connection:
        code = issue_enrolment_code(connection, "crew-1", "test", clock.now_utc()).code
    clock.at_utc += CODE_LIFE

    with pytest.raises(ContractError, check=says(Code.CODE_REFUSED)):
        desk.enrol(EnrolRequest(code=code, name="late"), "10.0.0.9")


def test_codes_cannot_be_tried_out(desk: AccessDesk) -> None:
    for _ in range(MOST_FAILURES[LimitScope.CODE_ADDRESS]):
        with pytest.raises(ContractError, check=says(Code.CODE_REFUSED)):
            desk.enrol(EnrolRequest(code="0000-0000", name="x"), "6.6.6.6")

    with pytest.raises(ContractError, check=says(Code.LOGIN_LIMITED)):
        desk.enrol(EnrolRequest(code="0000-0000", name="x"), "6.6.6.6")


def test_a_revoked_tablet_is_told_so_and_what_to_do(
    desk: AccessDesk, sqlite_engine: Engine, clock: HandClock
) -> None:
    answer = enrol(desk, sqlite_engine, clock)
    with sqlite_engine.begin() as connection:
        revoke_tablet(connection, answer.tablet_id, "dispatch", clock.now_utc())

    with pytest.raises(
        ContractError,
        match=r"tablet token: token: was revoked at .*; ask the office for a new enrolment code",
    ) as caught:
        desk.tablet_for(answer.token)
    assert caught.value.code is Code.TOKEN_REVOKED
    with sqlite_engine.connect() as connection:
        shown = {each.tablet_id: each.revoked_at_utc for each in list_tablets(connection)}
    assert shown[answer.tablet_id] == clock.now_utc()


def test_an_expired_and_an_unknown_token_are_told_apart(
    desk: AccessDesk, sqlite_engine: Engine, clock: HandClock
) -> None:
    answer = enrol(desk, sqlite_engine, clock)
    clock.at_utc += TOKEN_LIFE

    with pytest.raises(
        ContractError, match=r"tablet token: token: expired at .*; ask the office"
    ) as caught:
        desk.tablet_for(answer.token)
    assert caught.value.code is Code.TOKEN_EXPIRED
    with pytest.raises(ContractError, match="is not one that this server issued") as caught:
        desk.tablet_for("made-up")
    assert caught.value.code is Code.TOKEN_INVALID


def test_the_first_start_link_makes_one_administrator_once(engine: Engine) -> None:
    account = NewAccount(login="root", display_name="Root", role=Role.CREW_MEMBER, password_hash="")
    with engine.begin() as connection:
        lost = first_start_link(connection, NOON)
        link = first_start_link(connection, NOON)
    assert lost is not None
    assert link is not None
    token = link.removeprefix(FIRST_START_PATH)
    with engine.begin() as connection:
        assert not is_link_open(connection, lost.removeprefix(FIRST_START_PATH), NOON)
        assert not is_link_open(connection, token, NOON + LINK_LIFE)
        made = use_first_start_link(connection, token, account, NOON)

    assert made.role is Role.ADMINISTRATOR
    with engine.begin() as connection:
        assert first_start_link(connection, NOON) is None
        with pytest.raises(ContractError, match="start the server again and use the link"):
            use_first_start_link(connection, token, account, NOON)


def test_a_taken_name_and_an_unknown_crew_are_refused(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        person(connection, "wang", Role.DISPATCHER)
        with pytest.raises(ContractError, match="'wang' is taken; choose another"):
            person(connection, "Wang", Role.DISPATCHER)
        stray = NewAccount(
            login="li", display_name="", role=Role.CREW_MEMBER, password_hash="", crew_id="none"
        )
        with pytest.raises(ContractError, match="there is no crew 'none'; create the crew first"):
            create_account(connection, stray, NOON)


def test_a_changed_audit_event_breaks_the_chain(desk: AccessDesk, sqlite_engine: Engine) -> None:
    desk.log_in("dispatch", PASSWORD, "10.0.0.1")
    with sqlite_engine.begin() as connection:
        assert verify_audit(connection).is_whole
        forged = AUDIT_EVENT.update().where(AUDIT_EVENT.c.position == 3).values(actor="nobody")
        connection.execute(forged)

        assert verify_audit(connection).broken_at == 3


def test_a_removed_end_of_the_audit_chain_is_noticed(
    desk: AccessDesk, sqlite_engine: Engine
) -> None:
    grant = desk.log_in("dispatch", PASSWORD, "10.0.0.1")
    assert grant.person.login == "dispatch"
    with sqlite_engine.begin() as connection:
        count = verify_audit(connection).event_count
        connection.execute(AUDIT_EVENT.delete().where(AUDIT_EVENT.c.position == count))

        assert verify_audit(connection).broken_at == count


def test_a_weak_password_is_refused_with_the_rule() -> None:
    with pytest.raises(ContractError, match="has 5 characters; choose 10 to 128 characters"):
        QUICK_HASHER.hash("short")


def test_a_name_that_nobody_has_costs_what_a_wrong_password_costs() -> None:
    hasher = _NotingHasher(time_cost=2, memory_cost=64, parallelism=1)
    desk = PasswordHasherIo(hasher)
    somebodys = desk.hash("somebody's own words")

    assert not desk.is_right(None, "a guess of anything")
    assert not desk.is_right(somebodys, "a guess of anything")
    nobodys, wrong = hasher.verified
    assert extract_parameters(nobodys) == extract_parameters(wrong)
    with pytest.raises(VerifyMismatchError):  # worked through, not refused at first sight
        PasswordHasher().verify(nobodys, "a guess of anything")


class _NotingHasher(PasswordHasher):
    """The real hasher, noting what it checked against."""

    def __init__(self, *, time_cost: int, memory_cost: int, parallelism: int) -> None:
        super().__init__(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)
        self.verified: list[str] = []

    @override
    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # argon2's name
        self.verified.append(str(hash))
        return super().verify(hash, password)


def test_no_more_passwords_are_hashed_at_once_than_allowed() -> None:
    hasher = _CountingHasher()
    desk = PasswordHasherIo(hasher, most_at_once=2)
    threads = [
        threading.Thread(target=desk.is_right, args=(None, f"password {n}")) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= hasher.most <= 2


class _CountingHasher(PasswordHasher):
    """The real hasher, counting how many of its threads are inside."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=1024, parallelism=1)
        self.inside = 0
        self.most = 0
        self._lock = threading.Lock()

    @override
    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # argon2's name
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.inside -= 1
