"""Second factors and the limits of failed log-ins, on real databases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from sync_server.access.account_store import Person
from sync_server.access.audit_store import list_audit
from sync_server.access.desk import AccessDesk
from sync_server.access.login_limits import MOST_FAILURES, WINDOW, LimitScope
from sync_server.access.one_time_codes import (
    STEP_S,
    code_at,
    enrolment_uri,
    matching_step,
    step_at,
)
from sync_server.db.access_tables import RECOVERY_CODE
from tests.sync_server.people_parts import PASSWORD, QUICK_HASHER, found_utility
from tests.sync_server.real_parts import HandClock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

RFC_SECRET = b"12345678901234567890"
HERE = "10.0.0.1"


@pytest.fixture
def desk(engine: Engine, clock: HandClock) -> AccessDesk:
    found_utility(engine, clock)
    return AccessDesk(engine, clock, QUICK_HASHER)


def shown(secret: bytes, clock: HandClock) -> str:
    return code_at(secret, step_at(int(clock.now_utc().timestamp())))


def set_up(desk: AccessDesk, clock: HandClock) -> tuple[Person, bytes, list[str]]:
    grant = desk.log_in("dispatch", PASSWORD, HERE)
    secret = desk.factors.state_of(grant.person).secret
    codes = desk.factors.confirm(grant.person, grant.token, shown(secret, clock), HERE)
    clock.advance(seconds=STEP_S)
    return grant.person, secret, list(codes)


def code_of(error: pytest.ExceptionInfo[ContractError]) -> Code:
    return error.value.code


# RFC 6238 appendix B, SHA-1, the last six of its eight digits
@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_standard(at_s: int, code: str) -> None:
    assert code_at(RFC_SECRET, step_at(at_s)) == code


@given(at_s=st.integers(0, 2**35), aside=st.integers(-3, 3))
def test_a_code_counts_one_step_early_and_one_late_and_never_twice(at_s: int, aside: int) -> None:
    step = step_at(at_s) + aside
    typed = code_at(RFC_SECRET, max(step, 0))

    found = matching_step(RFC_SECRET, typed, at_s, -1)

    if found is not None:
        assert abs(found - step_at(at_s)) <= 1
        assert matching_step(RFC_SECRET, typed, at_s, found) != found
    else:
        assert abs(aside) > 1 or step < 0


def test_an_app_scans_who_and_where_the_code_is_for() -> None:
    uri = enrolment_uri(RFC_SECRET, "wang li", "Beicheng & Co")

    assert uri == (
        "otpauth://totp/Beicheng%20%26%20Co:wang%20li?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=Beicheng%20%26%20Co&algorithm=SHA1&digits=6&period=30"
    )


def test_the_password_alone_opens_nothing_once_a_factor_is_set(
    desk: AccessDesk, clock: HandClock
) -> None:
    _, secret, _ = set_up(desk, clock)
    grant = desk.log_in("dispatch", PASSWORD, HERE)

    with pytest.raises(ContractError) as refused:
        desk.person_for(grant.token)
    desk.factors.prove(grant.person, grant.token, shown(secret, clock), HERE)

    assert code_of(refused) is Code.FACTOR_MISSING
    assert desk.person_for(grant.token).login == "dispatch"


def test_a_code_that_was_used_opens_no_second_session(desk: AccessDesk, clock: HandClock) -> None:
    _, secret, _ = set_up(desk, clock)
    first, second = (desk.log_in("dispatch", PASSWORD, HERE) for _ in range(2))
    desk.factors.prove(first.person, first.token, shown(secret, clock), HERE)

    with pytest.raises(ContractError, match="second factor: code: does not fit"):
        desk.factors.prove(second.person, second.token, shown(secret, clock), HERE)


def test_a_recovery_code_opens_once_and_is_in_the_audit(
    desk: AccessDesk, engine: Engine, clock: HandClock
) -> None:
    person, _, codes = set_up(desk, clock)
    first, second = (desk.log_in("dispatch", PASSWORD, HERE) for _ in range(2))

    desk.factors.prove(first.person, first.token, codes[0].lower(), HERE)
    with pytest.raises(ContractError):
        desk.factors.prove(second.person, second.token, codes[0], HERE)

    with engine.connect() as connection:
        actions = [each.action for each in list_audit(connection)]
        kept = connection.execute(select(RECOVERY_CODE.c.code_hash)).scalars().all()
    assert actions.count("factor.recovery") == 1
    assert desk.factors.state_of(person).recovery_count == len(kept) == 9
    assert not set(kept) & set(codes)


def test_who_guesses_codes_is_stopped_and_the_owner_keeps_the_recovery_codes(
    desk: AccessDesk, clock: HandClock
) -> None:
    _, secret, codes = set_up(desk, clock)
    thief, owner = (desk.log_in("dispatch", PASSWORD, HERE) for _ in range(2))
    wrong = "000000" if shown(secret, clock) != "000000" else "000001"
    for number in range(MOST_FAILURES[LimitScope.FACTOR]):
        with pytest.raises(ContractError):
            desk.factors.prove(thief.person, thief.token, wrong, f"10.1.0.{number % 5}")

    with pytest.raises(ContractError) as refused:
        desk.factors.prove(thief.person, thief.token, shown(secret, clock), "10.2.0.1")
    desk.factors.prove(owner.person, owner.token, codes[1], HERE)

    assert code_of(refused) is Code.LOGIN_LIMITED
    assert desk.person_for(owner.token).login == "dispatch"


def test_taking_a_factor_away_ends_every_session(desk: AccessDesk, clock: HandClock) -> None:
    person, secret, _ = set_up(desk, clock)
    grant = desk.log_in("dispatch", PASSWORD, HERE)
    desk.factors.prove(grant.person, grant.token, shown(secret, clock), HERE)

    is_removed = desk.factors.take_away(person.account_id, "somebody")

    with pytest.raises(ContractError) as refused:
        desk.person_for(grant.token)
    assert is_removed
    assert code_of(refused) is Code.TOKEN_REVOKED
    assert not desk.factors.take_away(person.account_id, "somebody")


def test_strangers_with_many_addresses_do_not_keep_the_owner_out(desk: AccessDesk) -> None:
    browser = desk.log_in("dispatch", PASSWORD, HERE).browser
    for number in range(MOST_FAILURES[LimitScope.LOGIN]):
        with pytest.raises(ContractError):
            desk.log_in("dispatch", "a guess", f"10.3.{number // 4}.1")

    with pytest.raises(ContractError) as refused:
        desk.log_in("dispatch", PASSWORD, "10.4.0.1")
    grant = desk.log_in("dispatch", PASSWORD, HERE, browser)

    assert code_of(refused) is Code.LOGIN_LIMITED
    assert grant.browser is None
    assert desk.person_for(grant.token).login == "dispatch"


def test_a_known_browser_is_limited_by_its_own_failures_and_known_for_its_own_name_only(
    desk: AccessDesk, clock: HandClock
) -> None:
    browser = desk.log_in("dispatch", PASSWORD, HERE).browser
    for _ in range(MOST_FAILURES[LimitScope.BROWSER]):
        with pytest.raises(ContractError, match="do not fit"):
            desk.log_in("dispatch", "a guess", HERE, browser)
    with pytest.raises(ContractError) as refused:
        desk.log_in("dispatch", PASSWORD, HERE, browser)
    clock.advance(seconds=WINDOW.total_seconds() + 1)

    assert code_of(refused) is Code.LOGIN_LIMITED
    assert desk.log_in("dispatch", PASSWORD, HERE, browser).person.login == "dispatch"
    with pytest.raises(ContractError):
        desk.log_in("nobody", PASSWORD, HERE, browser)


def test_what_is_no_digit_fits_no_step() -> None:
    assert matching_step(RFC_SECRET, "28708é", 59, -1) is None
