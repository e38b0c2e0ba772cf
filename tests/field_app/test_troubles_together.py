"""Two troubles at once: a server put back from a backup while something else is wrong, too."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from field_app.access.personal_data import Gap
from field_app.crew import HeadlessCrew
from field_app.store.base_store import load_row
from field_app.store.identity_io import save_identity
from field_app.store.record_states import RecordState
from field_app.sync import poke_io
from field_app.sync.reasons import Reason
from field_app.tablet import Tablet, open_tablet
from sync_server.db.engine_io import reading
from sync_server.forms.form_store import withdraw_form
from sync_server.sync import poke_io as server_pokes
from sync_server.sync.upkeep import keep_current
from sync_server.work_orders.fact_store import facts_of_order, waiting_facts
from sync_server.work_orders.person_store import save_person
from tests.field_app.office_parts import Office, office_app, serving
from tests.field_app.test_office_forms import TRIAL, fill_in, publish, subject_of
from tests.field_app.vault_parts import quick_vault
from tests.free_ports import free_port
from tests.sync_server.real_parts import HandClock, wait_until
from wire_contracts.forms.model import FORM_ENTITY
from wire_contracts.order_person import OrderPerson
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

PIN = "482916"
CHEN = OrderPerson(name="Mrs. Chen 陈", phone="139 0000 0000", note="ring twice")


@pytest.fixture
def tablet_clock() -> HandClock:
    return HandClock()


@pytest.fixture
def tablet(tmp_path: Path, office: Office, tablet_clock: HandClock) -> Iterator[Tablet]:
    """A tablet with a PIN, whose clock is not the server's."""
    folder = tmp_path / "tablet"
    save_identity(folder, office.identity())
    found = open_tablet(
        folder,
        tablet_clock,
        connect=lambda _identity: office.api(),
        vault=quick_vault(folder),
    )
    with closing(found):
        found.set_pin(PIN)
        yield found


def order_with_person(office: Office) -> str:
    order_id = office.new_order()
    actor = office.utility.dispatcher.account_id
    with office.engine.begin() as connection:
        save_person(connection, order_id, CHEN, actor, office.clock.now_utc())
    return order_id


def name_of(tablet: Tablet, order_id: str) -> str | None:
    person = tablet.personal.person_of(order_id).person
    return None if person is None else person.name


def test_after_the_lease_and_a_restore_the_person_is_back_and_every_word_is_there(
    tablet: Tablet, office: Office, tablet_clock: HandClock, tmp_path: Path
) -> None:
    order_id = order_with_person(office)
    backup = office.back_up(tmp_path / "backup.sqlite3")
    tablet.sync_now()
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.sync_now()
    tablet.desk.tap(order_id, WorkOrderEvent.DEPART)
    for clock in (tablet_clock, office.clock):
        clock.advance(days=8)
    tablet.personal.check_lease()
    ended = tablet.personal.person_of(order_id)
    kept = [entry.operation.field for entry in tablet.waiting()]
    office.restore(backup)
    verdict = tablet.sync_now()
    tablet.sync_now()

    assert (ended.person, ended.gap, kept) == (None, Gap.LEASE_ENDED, ["depart"])
    assert (verdict.reason, verdict.settled) == (Reason.NONE, 2)
    assert office.order(order_id).state is WorkOrderState.EN_ROUTE
    assert name_of(tablet, order_id) == CHEN.name
    assert tablet.look_here() == ()


def test_a_clock_set_back_and_a_restore_make_no_lease_longer(
    tablet: Tablet, office: Office, tablet_clock: HandClock, tmp_path: Path
) -> None:
    order_id = order_with_person(office)
    backup = office.back_up(tmp_path / "backup.sqlite3")
    tablet.sync_now()
    for clock in (tablet_clock, office.clock):
        clock.advance(days=5)
    office.restore(backup)
    tablet_clock.advance(days=-20)
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.desk.tap(order_id, WorkOrderEvent.DEPART)
    tablet.sync_now()
    renewed = name_of(tablet, order_id)
    tablet_clock.advance(days=6)
    still = name_of(tablet, order_id)
    tablet_clock.advance(days=-6)
    tablet_clock.advance(days=7, hours=1)
    tablet.personal.check_lease()
    ended = tablet.personal.person_of(order_id)
    tablet.desk.tap(order_id, WorkOrderEvent.ARRIVE)
    tablet.sync_now()
    tablet.sync_now()

    assert (renewed, still) == (CHEN.name, CHEN.name)
    assert (ended.person, ended.gap) == (None, Gap.LEASE_ENDED)
    assert office.order(order_id).state is WorkOrderState.ON_SITE
    assert name_of(tablet, order_id) == CHEN.name


def test_a_form_withdrawn_and_lost_with_the_backup_still_takes_what_was_begun_with_it(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    backup = office.back_up(tmp_path / "backup.sqlite3")
    key = publish(office, TRIAL)
    crew.sync_now()
    desk, subject = crew.tablet.forms, subject_of(order_id)
    fill_in(desk, subject, smell="yes", place="cellar")
    with office.engine.begin() as connection:
        withdraw_form(connection, key, "office", office.clock.now_utc())
    crew.sync_now()
    office.restore(backup)
    crew.sync_now()
    crew.sync_now()
    fill_in(desk, subject, lel="12.5")
    desk.finish(desk.open(subject, "trial"))
    crew.sync_now()
    with reading(office.engine) as connection:
        parked = [fact.waits_for for fact in waiting_facts(connection)]
    publish(office, TRIAL)
    with office.engine.begin() as connection:
        keep_current(connection, office.clock.now_utc())
    with reading(office.engine) as connection:
        facts = facts_of_order(connection, order_id)
    seen = crew.order(order_id)
    left = crew.tablet.database.read(partial(load_row, entity=FORM_ENTITY, entity_id=key))

    assert len(parked) == 1
    assert left is None, "a form is kept as long as somebody fills it in"
    assert [(fact.fact_type, fact.waits_for) for fact in facts] == [(FactType.FORM_ANSWERSET, None)]
    assert isinstance(facts[0].payload, dict)
    assert facts[0].payload["answers"] == {"smell": "yes", "place": "cellar", "lel": "12.5"}
    assert seen is not None
    assert seen.mark is RecordState.SHOWN_TO_OFFICE
    assert crew.tablet.look_here() == ()


def test_a_restored_server_pokes_its_tablets_as_before(
    office: Office, tmp_path: Path, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_pokes, "LOOK_WALL_S", 0.02)
    monkeypatch.setattr(poke_io, "_NOT_WANTED_WAIT_S", 0.02)
    monkeypatch.setattr(poke_io, "wait_after", lambda _reason, _tries: 0.02)
    backup = office.back_up(tmp_path / "backup.sqlite3")
    port = free_port()
    with closing(HeadlessCrew(tmp_path / "tablet", hand_clock)) as crew:
        with serving(office_app(office), port) as url:
            crew.enrol(url, office.code())
            crew.tablet.start_background_sync()
            wait_until(lambda: crew.tablet.is_listening)
            lost = office.new_order(Medium.WATER)
            wait_until(lambda: bool(crew.open_orders()))
        wait_until(lambda: not crew.tablet.is_listening)
        office.restore(backup)
        with serving(office_app(office), port) as url:
            crew.enrol(url, office.code())
            wait_until(lambda: crew.tablet.is_listening)
            wait_until(lambda: crew.open_orders() == ())
            order_id = office.new_order(Medium.GAS)
            # the hand-held clock stands still: no poll is due, whatever time passes
            wait_until(lambda: bool(crew.open_orders()))
            lines = [line.order_id for line in crew.open_orders()]

    assert lines == [order_id]
    assert lost != order_id
