"""A priority order reaches a real tablet in seconds, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from field_app.crew import HeadlessCrew
from field_app.sync import poke_io
from sync_server.access.tablet_store import revoke_tablet
from sync_server.sync import poke_io as server_pokes
from tests.field_app.office_parts import Office, office_app, serving
from tests.sync_server.real_parts import HandClock, wait_until
from wire_contracts.quantities import Medium


@pytest.fixture
def server(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(server_pokes, "LOOK_WALL_S", 0.02)
    monkeypatch.setattr(poke_io, "_NOT_WANTED_WAIT_S", 0.02)
    with serving(office_app(office)) as url:
        yield url


@pytest.fixture
def crew(
    tmp_path: Path, hand_clock: HandClock, office: Office, server: str
) -> Iterator[HeadlessCrew]:
    found = HeadlessCrew(tmp_path / "tablet", hand_clock)
    found.enrol(server, office.code())
    found.tablet.start_background_sync()
    yield found
    found.close()


def test_a_priority_order_arrives_long_before_the_next_poll(
    crew: HeadlessCrew, office: Office
) -> None:
    wait_until(lambda: crew.tablet.is_listening)
    order_id = office.new_order(Medium.GAS)

    # the hand-held clock stands still: no poll is due, whatever time passes
    wait_until(lambda: bool(crew.open_orders()))

    assert [line.order_id for line in crew.open_orders()] == [order_id]


def test_a_tablet_that_is_offline_does_not_listen_and_one_that_is_back_does(
    crew: HeadlessCrew, office: Office
) -> None:
    wait_until(lambda: crew.tablet.is_listening)
    crew.go_offline()
    wait_until(lambda: not crew.tablet.is_listening)
    order_id = office.new_order()
    crew.go_online()

    wait_until(lambda: bool(crew.open_orders()))
    wait_until(lambda: crew.tablet.is_listening)

    assert [line.order_id for line in crew.open_orders()] == [order_id]


def test_a_revoked_tablet_stops_listening(crew: HeadlessCrew, office: Office) -> None:
    wait_until(lambda: crew.tablet.is_listening)
    identity = crew.tablet.identity
    assert identity is not None
    with office.engine.begin() as connection:
        revoke_tablet(connection, identity.tablet_id, "test", office.clock.now_utc())

    wait_until(lambda: not crew.tablet.is_listening)
