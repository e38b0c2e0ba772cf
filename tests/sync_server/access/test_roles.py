"""Who holds which action."""

import pytest

from sync_server.access.roles import ALLOWED, Action, Role, may, roles_with


def test_every_action_is_in_the_table_and_somebody_holds_it() -> None:
    assert set(ALLOWED) == set(Action)
    assert all(roles_with(action) for action in Action)


@pytest.mark.parametrize(
    "action", [Action.SEE_ALERTS, Action.SEE_ORDERS, Action.SEE_READINGS, Action.CHANGE_POLICY]
)
def test_an_administrator_manages_access_and_sees_no_work(action: Action) -> None:
    assert not may(Role.ADMINISTRATOR, action)


def test_an_auditor_reads_and_changes_nothing() -> None:
    held = {action for action in Action if may(Role.AUDITOR, action)}

    kinds = {str(action).partition("_")[0] for action in held - {Action.ASK_EXPORT}}
    assert kinds == {"see", "use"}
    assert not may(Role.AUDITOR, Action.APPROVE_EXPORT)


def test_a_crew_member_uses_the_tablet_and_no_page_of_the_office() -> None:
    held = {action for action in Action if may(Role.CREW_MEMBER, action)}

    assert held == {Action.OWN_SESSION, Action.WORK_ON_TABLET}


def test_only_the_administrator_manages_accounts() -> None:
    assert roles_with(Action.MANAGE_ACCOUNTS) == [Role.ADMINISTRATOR]
