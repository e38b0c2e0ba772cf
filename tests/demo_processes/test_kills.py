"""Power cuts at named points of one living town: nothing lost, nothing stored twice.

By day the server and the broker are killed in the town; the gateway's two points are passed by real
processes around one meter then (tests/edge_gateway/test_meter_to_server.py), here by night. A loop
that does not close is tried on the same town: each town keeps most of a core busy.

The processes are real: 131 meters on Modbus sockets, gateways, broker, server, database.
"""

from dataclasses import replace

import pytest

from demo.accounting_io import Account
from demo.check import play
from demo.check_report import CheckReport
from demo.kills import GATEWAYS, POINTS, Kill
from demo.loop import LoopBroke
from demo.town_run_io import BROKER
from tests.demo_processes.living_town import LivingTown

pytestmark = pytest.mark.timeout(900)
"""A machine that is busy with other work drains slowly; what is lost stays missing for 180 s."""

NAMED = [
    pytest.param(
        Kill(who=part, point=point),
        id=point,
        marks=[pytest.mark.nightly] if part == GATEWAYS else [],
    )
    for point, part in POINTS.items()
]


def check_nothing_lost(account: Account) -> None:
    assert account.sent > 0
    assert replace(account, readings=0) == Account(
        sent=account.sent, stored=account.sent, refused=0, lost=0, duplicated=0, readings=0
    )


@pytest.mark.parametrize("kill", NAMED)
def test_a_power_cut_at_a_named_point_loses_and_doubles_nothing(
    kill: Kill, living_town: LivingTown
) -> None:
    check_nothing_lost(living_town.account_after(kill))


def test_a_killed_broker_loses_and_doubles_nothing(living_town: LivingTown) -> None:
    check_nothing_lost(living_town.account_after(Kill(who=BROKER, at_s=1.0)))


def test_a_loop_that_does_not_close_is_reported_with_its_step_and_its_account(
    living_town: LivingTown,
) -> None:
    report = CheckReport(town_seconds_per_wall_second=900)

    with pytest.raises(LoopBroke, match=r"^the alert did not come in time$"):
        play(living_town.run, 0.5, [], report)

    assert report.account is not None
    assert report.account.lost == 0
    assert report.orders_closed_by_offline_crew == 0
    assert report.times.alert_wall_s is None
    assert not report.ok
