"""What the demo decides: when the network is gone, what the crew does, what a report says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.accounting_io import Account
from demo.cellar import is_in_the_cellar
from demo.check_report import CheckReport, LoopTimes
from demo.hands import FINDINGS, Job, Step, next_step
from demo.kills import Kill, UnknownKill, parse_kill
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

ALL_WELL = Account(sent=10, stored=10, refused=0, lost=0, duplicated=0, readings=10)


def job(state: WorkOrderState, medium: Medium = Medium.GAS) -> Job:
    return Job(order_id="o-1", state=state, medium=medium)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (WorkOrderState.RELEASED, WorkOrderEvent.ACCEPT),
        (WorkOrderState.ACCEPTED, WorkOrderEvent.DEPART),
    ],
)
def test_the_crew_sets_off_while_it_has_a_network(
    state: WorkOrderState, event: WorkOrderEvent
) -> None:
    assert next_step([job(state)], is_offline=False) == Step(order_id="o-1", event=event)


@pytest.mark.parametrize(
    "state", [WorkOrderState.EN_ROUTE, WorkOrderState.ON_SITE, WorkOrderState.WORKING]
)
def test_the_crew_waits_for_the_cellar_before_it_works(state: WorkOrderState) -> None:
    assert next_step([job(state)], is_offline=False) is None


@pytest.mark.parametrize("medium", Medium)
def test_the_finding_is_recorded_only_without_a_network(medium: Medium) -> None:
    step = next_step([job(WorkOrderState.WORKING, medium)], is_offline=True)

    assert step == Step(order_id="o-1", finding=FINDINGS[medium])


@given(st.sampled_from(WorkOrderState), st.booleans())
def test_every_step_is_one_the_life_cycle_allows(state: WorkOrderState, is_offline: bool) -> None:  # noqa: FBT001  # hypothesis passes by position
    step = next_step([job(state)], is_offline=is_offline)

    taken = [step.event or WorkOrderEvent.FINISH] if step else []
    assert set(taken) <= set(WORK_ORDER.possible_events(state))


def test_the_network_is_gone_from_en_route_until_the_finding_is_recorded() -> None:
    states = {"o-1": WorkOrderState.EN_ROUTE, "o-2": WorkOrderState.RELEASED}

    assert is_in_the_cellar(states, [])
    assert not is_in_the_cellar(states, ["o-1"])
    assert not is_in_the_cellar({"o-2": WorkOrderState.RELEASED}, [])


def closed_report() -> CheckReport:
    return CheckReport(
        town_seconds_per_wall_second=900,
        account=ALL_WELL,
        orders_closed_by_offline_crew=1,
        photos_arrived=2,
        times=LoopTimes(alert_wall_s=36.0, alert_closed_town_s=40_000.0),
    )


def test_a_closed_loop_without_loss_is_ok_in_one_line() -> None:
    report = closed_report()

    assert "\n" not in report.line()
    assert json.loads(report.line())["ok"] is True
    assert json.loads(report.line())["seconds_from_leak_to_alert"] == 36.0


@pytest.mark.parametrize(
    "account",
    [
        None,
        Account(sent=0, stored=0, refused=0, lost=0, duplicated=0, readings=0),
        Account(sent=10, stored=9, refused=0, lost=1, duplicated=0, readings=9),
        Account(sent=10, stored=10, refused=0, lost=0, duplicated=1, readings=11),
    ],
)
def test_a_loss_or_a_double_is_never_ok(account: Account | None) -> None:
    report = closed_report()
    report.account = account

    assert json.loads(report.line())["ok"] is False


def test_a_loop_that_broke_is_never_ok() -> None:
    report = closed_report()
    report.problem = "the alert did not come in time"

    assert json.loads(report.line())["ok"] is False


def test_a_kill_is_a_moment_or_a_named_point() -> None:
    assert parse_kill("server:12.5") == Kill(who="server", at_s=12.5)
    assert parse_kill("gateways:gateway.after_publish") == Kill(
        who="gateways", point="gateway.after_publish"
    )


@pytest.mark.parametrize("text", ["", "server", "meters:3", "server:gateway.after_publish", "a:b"])
def test_another_kill_is_refused_with_what_is_known(text: str) -> None:
    with pytest.raises(UnknownKill, match=r"use WHO:SECONDS of broker, server, gateways"):
        parse_kill(text)
