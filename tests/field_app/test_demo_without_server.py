"""The demo without a server: made-up work in a store of its own, which is never a crew's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from field_app.demo_office import SERVER, DemoOffice, prepare_demo
from field_app.store.identity_io import load_identity, save_identity
from field_app.tablet import open_tablet
from tests.field_app.office_parts import Office
from tests.sync_server.real_parts import HandClock
from wire_contracts.work_order_states import WorkOrderEvent

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_demo_has_orders_rounds_homes_and_meters_and_takes_every_word(tmp_path: Path) -> None:
    clock = HandClock()
    prepare_demo(tmp_path, clock)
    prepare_demo(tmp_path, clock)
    office = DemoOffice(clock)
    tablet = open_tablet(tmp_path, clock, connect=lambda _identity: office)
    try:
        tablet.sync_now()
        order_id = "01900000-0000-7000-8000-000000000000"
        tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
        tablet.sync_now()

        assert tablet.status().outbox.waiting == 0
        assert tablet.inspections.plans()["plan-1"].stops
        assert tablet.site.network()
        order = tablet.desk.order(order_id)
        assert order is not None
        assert order.document is not None
        assert order.document.evidence is not None
        assert len(tablet.inspections.homes()) == len(tablet.inspections.meters()) == 6
    finally:
        tablet.close()
    identity = load_identity(tmp_path)
    assert identity is not None
    assert identity.server_url == SERVER


def test_a_crews_tablet_is_never_made_a_demo(tmp_path: Path, office: Office) -> None:
    save_identity(tmp_path, office.identity())

    with pytest.raises(ValueError, match="give the demo a folder of its own"):
        prepare_demo(tmp_path, HandClock())


@pytest.mark.nightly
def test_the_demo_draws_its_first_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "field_app", "--demo", "--data", str(tmp_path), "--check"]
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )

    assert (done.returncode, done.stdout.splitlines()[-1:]) == (
        0,
        ["field-app: the first page was drawn"],
    )
