"""A tablet is enrolled anew: what waits belongs to the enrolment under which it was made."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from field_app.orders.order_list_store import OrderFilter, OrderQuery
from field_app.platform.ports import PinOutcome
from field_app.store import base_store
from field_app.store.outbox_store import entries_of
from field_app.store.tables import order_copy
from field_app.tablet import Tablet, open_tablet
from sync_server.access.account_store import move_account
from sync_server.access.roles import Role
from sync_server.access.tablet_store import revoke_tablet
from sync_server.db.order_tables import FACT
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.review_desk import Decision, settle
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.work_orders.person_store import save_person
from tests.field_app.office_parts import Office, office_app, serving
from tests.field_app.test_troubles_together import CHEN, PIN
from tests.field_app.vault_parts import quick_vault
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import HandClock
from wire_contracts.codes import Code
from wire_contracts.enrolment import token_mark
from wire_contracts.operations import Outcome
from wire_contracts.quantities import Medium
from wire_contracts.review_outcomes import OUTCOME_ENTITY, Choice
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


@pytest.fixture
def server(office: Office) -> Iterator[str]:
    with serving(office_app(office)) as url:
        yield url


@pytest.fixture
def tablet(office: Office, server: str, tmp_path: Path) -> Iterator[Tablet]:
    with closing(open_tablet(tmp_path / "t", office.clock, vault=quick_vault(tmp_path))) as found:
        found.enrol(server, office.code(), "van 3")
        yield found


def work_and_finish(tablet: Tablet, office: Office) -> str:
    order_id = office.new_order()
    office.clock.advance(minutes=5)
    tablet.sync_now()
    finish(tablet, order_id)
    office.clock.advance(minutes=5)
    return order_id


def finish(tablet: Tablet, order_id: str) -> None:
    for event in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(event))
    tablet.desk.save_answers(order_id, {"result": "leak", "cause": "joint", "note": "seal"})
    tablet.desk.finish(order_id)


def outcomes(connection: Connection) -> tuple[set[Outcome], int]:
    ledger = read_ledger(connection)
    facts = len(connection.execute(select(FACT.c.fact_id)).all())
    return {each.outcome for each in ledger}, facts


def test_what_was_done_for_the_former_crew_takes_effect_for_it(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = work_and_finish(tablet, office)

    tablet.enrol(server, office.code("crew-2"), "van 3")
    tablet.sync_now()

    with office.engine.begin() as connection:
        assert outcomes(connection) == ({Outcome.APPLIED}, 1)
    assert office.order(order_id).document.state is WorkOrderState.FINISHED
    assert office.order(order_id).document.crew_id == "crew-1"


def test_the_work_of_somebody_who_left_the_crew_meanwhile_is_still_theirs(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = work_and_finish(tablet, office)
    with office.engine.begin() as connection:
        member, dispatcher = office.utility.member, office.utility.dispatcher
        now_utc = office.clock.now_utc()
        move_account(connection, member.account_id, "crew-2", dispatcher.account_id, now_utc)

    tablet.enrol(server, office.code(), "van 3")
    tablet.sync_now()

    with office.engine.begin() as connection:
        assert {each.actor for each in read_ledger(connection)} == {member.account_id}
    assert office.order(order_id).document.state is WorkOrderState.FINISHED


def test_what_is_tapped_after_the_new_enrolment_is_the_new_crews(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = work_and_finish(tablet, office)
    theirs = office.new_order(Medium.HEAT, "crew-2")
    tablet.enrol(server, office.code("crew-2"), "van 3")
    office.clock.advance(minutes=1)
    tablet.sync_now()
    office.clock.advance(minutes=5)

    tablet.desk.tap(theirs, WorkOrderEvent.ACCEPT)
    tablet.sync_now()

    states = [office.order(each).document.state for each in (order_id, theirs)]
    assert states == [WorkOrderState.FINISHED, WorkOrderState.ACCEPTED]


def is_finished(office: Office, *order_ids: str) -> bool:
    states = {office.order(each).document.state for each in order_ids}
    with office.engine.begin() as connection:
        return states == {WorkOrderState.FINISHED} and outcomes(connection)[0] == {Outcome.APPLIED}


def test_a_tablets_clock_that_runs_ahead_gives_no_tap_to_the_next_crew(
    office: Office, server: str, tmp_path: Path
) -> None:
    clock = HandClock(office.clock.now_utc())
    with closing(open_tablet(tmp_path / "t", clock, vault=quick_vault(tmp_path))) as tablet:
        tablet.enrol(server, office.code(), "van 3")
        order_id = office.new_order()
        office.clock.advance(minutes=5)
        tablet.sync_now()
        clock.advance(minutes=20)
        finish(tablet, order_id)

        tablet.enrol(server, office.code("crew-2"), "van 3")
        tablet.sync_now()

    assert is_finished(office, order_id)


def test_what_the_former_crew_was_given_is_gone_before_the_next_one_has_its_own(
    tablet: Tablet, office: Office, server: str
) -> None:
    tablet.set_pin(PIN)
    order_id, at_work = office.new_order(), office.new_order(Medium.HEAT)
    dispatcher, now_utc = office.utility.dispatcher.account_id, office.clock.now_utc()
    with office.engine.begin() as connection:
        save_person(connection, at_work, CHEN, dispatcher, now_utc)
    tablet.sync_now()
    tablet.desk.tap(at_work, WorkOrderEvent.ACCEPT)
    tablet.sync_now()
    tablet.desk.tap(at_work, WorkOrderEvent.DEPART)
    seen = tablet.personal.person_of(at_work).person
    assert seen is not None
    assert seen.name == CHEN.name

    tablet.enrol(server, office.code("crew-2"), "van 4")

    assert tablet.desk.order(order_id) is None
    assert tablet.desk.page(OrderQuery()).total_count == 0
    assert tablet.desk.order(at_work) is not None, "own words are about it"
    assert tablet.personal.person_of(at_work).person is None
    other = office.utility.other_member
    assert [each.account_id for each in tablet.people()] == [other.account_id]
    assert tablet.choose_person(other.account_id)
    assert tablet.log_in.session.startswith("open:")
    tablet.sync_now()
    assert office.order(at_work).state is WorkOrderState.EN_ROUTE


def test_the_next_crew_reads_no_order_that_the_server_lost_of_the_former_one(
    tablet: Tablet, office: Office, server: str, tmp_path: Path
) -> None:
    tablet.sync_now()
    backup = office.back_up(tmp_path / "backup.sqlite3")
    order_id = office.new_order()
    tablet.sync_now()
    office.clock.advance(minutes=1)
    office.restore(backup)
    office.clock.advance(minutes=1)
    tablet.sync_now()
    lost = OrderQuery(chosen=OrderFilter.LOST)
    assert tablet.desk.page(lost).total_count == 1

    office.new_order()
    tablet.sync_now()
    tablet.enrol(server, office.code("crew-2"), "van 4")
    tablet.sync_now()

    assert tablet.desk.page(lost).total_count == 0
    assert tablet.desk.order(order_id) is None
    kept = tablet.database.read(lambda rows: rows.execute(select(order_copy.c.order_id)).all())
    assert kept == [], "the server was told"


def test_the_next_crew_begins_without_the_former_ones_pin(
    tablet: Tablet, office: Office, server: str
) -> None:
    tablet.set_pin(PIN)
    tablet.sync_now()
    wang, li = office.utility.member.account_id, office.utility.other_member.account_id

    tablet.enrol(server, office.code("crew-2"), "van 4")
    tablet.lock()

    assert tablet.choose_person(li)
    assert tablet.unlock(wang, PIN).outcome is PinOutcome.UNKNOWN
    tablet.set_pin("593027")
    tablet.lock()
    assert tablet.unlock(li, "593027").outcome is PinOutcome.OPENED


def test_a_tablet_that_nobody_of_its_crew_can_open_asks_for_a_code(
    tablet: Tablet, office: Office, server: str
) -> None:
    with office.engine.begin() as connection:
        anna = person(connection, "anna", Role.CREW_MEMBER, "crew-1").account_id
    tablet.sync_now()
    tablet.set_pin(PIN)
    move(office, "crew-2")
    office.clock.advance(minutes=1)
    tablet.sync_now()
    tablet.lock()
    assert not tablet.choose_person(anna)

    assert tablet.must_enrol()
    tablet.enrol(server, office.code(), "van 3")

    assert not tablet.must_enrol()
    assert tablet.choose_person(anna)


def test_a_tablets_clock_that_runs_ahead_takes_no_work_from_who_changed_the_crew_later(
    office: Office, server: str, tmp_path: Path
) -> None:
    clock = HandClock(office.clock.now_utc())
    with closing(open_tablet(tmp_path / "t", clock, vault=quick_vault(tmp_path))) as tablet:
        tablet.enrol(server, office.code(), "van 3")
        order_id = office.new_order()
        office.clock.advance(minutes=5)
        tablet.sync_now()
        clock.advance(minutes=25)
        finish(tablet, order_id)

        move(office, "crew-2")
        office.clock.advance(minutes=30)
        tablet.sync_now()

    assert is_finished(office, order_id)
    with office.engine.begin() as connection:
        kinds = [each.kind for each in list_reviews(connection)]
    assert kinds == [ReviewKind.UNKNOWN_AUTHOR]


def test_a_decision_reaches_the_tablet_of_the_entry_and_not_its_authors_new_crew(
    tablet: Tablet, office: Office, server: str, tmp_path: Path
) -> None:
    order_id = office.new_order()
    office.clock.advance(minutes=1)
    tablet.sync_now()
    office.act(order_id, WorkOrderEvent.CANCEL)
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.sync_now()
    move(office, "crew-2")
    with office.engine.begin() as connection:
        (item,) = list_reviews(connection)
        choice = Decision(choice=Choice.NOTED, reason="told Mrs. Chen")
        dispatcher, now_utc = office.utility.dispatcher.account_id, office.clock.now_utc()
        settle(connection, item.review_id, choice, dispatcher, now_utc)
    office.clock.advance(minutes=1)

    with closing(open_tablet(tmp_path / "o", office.clock, vault=quick_vault(tmp_path))) as other:
        other.enrol(server, office.code("crew-2"), "van 4")
        other.sync_now()
        tablet.sync_now()
        (told,) = tablet.look_here()

        assert told.decision is not None
        assert told.decision.reason == "told Mrs. Chen"
        assert other.database.read(has_decisions) is False


def test_a_decision_follows_the_tablet_to_its_next_crew_without_what_it_says(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    office.clock.advance(minutes=1)
    tablet.sync_now()
    office.act(order_id, WorkOrderEvent.CANCEL)
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.sync_now()
    move(office, "crew-2")
    tablet.enrol(server, office.code("crew-2"), "van 3")
    with office.engine.begin() as connection:
        (item,) = list_reviews(connection)
        choice = Decision(choice=Choice.NOTED, reason="told Mrs. Chen")
        dispatcher, now_utc = office.utility.dispatcher.account_id, office.clock.now_utc()
        settle(connection, item.review_id, choice, dispatcher, now_utc)
    office.clock.advance(minutes=1)

    tablet.sync_now()

    (told,) = tablet.look_here()
    assert told.decision is not None
    assert (told.decision.choice, told.decision.reason) == (Choice.NOTED, "")


def test_what_was_decided_and_seen_comes_up_no_more_after_a_restore(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    office.clock.advance(minutes=1)
    tablet.sync_now()
    office.act(order_id, WorkOrderEvent.CANCEL)
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.sync_now()
    with office.engine.begin() as connection:
        (item,) = list_reviews(connection)
        choice = Decision(choice=Choice.NOTED, reason="told")
        dispatcher, now_utc = office.utility.dispatcher.account_id, office.clock.now_utc()
        settle(connection, item.review_id, choice, dispatcher, now_utc)
    office.clock.advance(minutes=1)
    tablet.sync_now()
    (told,) = tablet.look_here()
    tablet.mark_seen(told.operation.op_id)

    office.restore(office.back_up(tmp_path / "backup.sqlite3"))
    office.clock.advance(minutes=1)
    for _ in range(3):
        tablet.sync_now()

    assert list(tablet.look_here()) == []
    (kept,) = tablet.database.read(lambda connection: entries_of(connection, order_id))
    assert kept.decision is not None


def has_decisions(connection: Connection) -> bool:
    return bool(base_store.load_documents(connection, OUTCOME_ENTITY))


def test_a_servers_clock_that_is_put_back_takes_no_work_from_the_new_crew(
    tablet: Tablet, office: Office, server: str
) -> None:
    office.clock.advance(minutes=1)
    tablet.sync_now()
    theirs = office.new_order(Medium.HEAT, "crew-2")
    tablet.enrol(server, office.code("crew-2"), "van 3")
    office.clock.advance(minutes=-60)
    tablet.sync_now()
    tablet.choose_person(office.utility.other_member.account_id)
    office.clock.advance(minutes=1)
    finish(tablet, theirs)
    office.clock.advance(minutes=1)
    tablet.sync_now()

    assert is_finished(office, theirs)


def test_a_tap_of_the_very_moment_of_the_enrolment_is_the_former_crews(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    finish(tablet, order_id)

    tablet.enrol(server, office.code("crew-2"), "van 3")
    tablet.sync_now()

    assert is_finished(office, order_id)


def move(office: Office, crew_id: str) -> None:
    member, dispatcher = office.utility.member, office.utility.dispatcher
    office.clock.advance(minutes=1)
    with office.engine.begin() as connection:
        now_utc = office.clock.now_utc()
        move_account(connection, member.account_id, crew_id, dispatcher.account_id, now_utc)


def test_who_came_back_to_the_crew_while_the_tablet_was_withdrawn_is_let_in(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    office.clock.advance(minutes=5)
    tablet.sync_now()
    assert tablet.identity is not None
    with office.engine.begin() as connection:
        dispatcher = office.utility.dispatcher.account_id
        revoke_tablet(connection, tablet.identity.tablet_id, dispatcher, office.clock.now_utc())
    move(office, "crew-2")
    move(office, "crew-1")
    office.clock.advance(minutes=5)
    finish(tablet, order_id)

    tablet.enrol(server, office.code(), "van 3")
    tablet.sync_now()

    assert is_finished(office, order_id)


def test_a_restored_server_takes_the_work_of_enrolments_and_people_it_has_forgotten(
    tablet: Tablet, office: Office, server: str, tmp_path: Path
) -> None:
    mine, theirs = office.new_order(), office.new_order(Medium.HEAT, "crew-2")
    backup = office.back_up(tmp_path / "backup.sqlite3")
    office.clock.advance(minutes=5)
    tablet.sync_now()
    finish(tablet, mine)
    move(office, "crew-2")
    tablet.enrol(server, office.code("crew-2"), "van 3")
    office.clock.advance(minutes=1)
    tablet.sync_now()
    tablet.choose_person(office.utility.member.account_id)
    finish(tablet, theirs)

    office.restore(backup)
    office.clock.advance(minutes=5)
    tablet.enrol(server, office.code("crew-2"), "van 3")
    for _ in range(2):
        office.clock.advance(minutes=1)
        tablet.sync_now()

    assert is_finished(office, mine, theirs)
    with office.engine.begin() as connection:
        kinds = [each.kind for each in list_reviews(connection)]
    assert kinds == [ReviewKind.UNKNOWN_AUTHOR]


def test_a_restored_server_takes_the_work_on_orders_that_it_has_forgotten_to_hand_over(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order(Medium.HEAT, "crew-2")
    office.clock.advance(minutes=1)
    backup = office.back_up(tmp_path / "backup.sqlite3")
    office.assign(order_id, "crew-1")
    office.clock.advance(minutes=1)
    tablet.sync_now()
    finish(tablet, order_id)
    tablet.sync_now()

    office.clock.advance(minutes=1)
    office.restore(backup)
    office.clock.advance(minutes=1)
    for _ in range(2):
        tablet.sync_now()

    assert is_finished(office, order_id)
    assert office.order(order_id).document.crew_id == "crew-1"
    assert list(tablet.look_here()) == []
    with office.engine.begin() as connection:
        asked = [(each.kind, each.entity_id) for each in list_reviews(connection)]
    assert asked == [(ReviewKind.UNKNOWN_AUTHOR, order_id)]


def test_who_began_after_the_restore_keeps_an_order_that_another_crew_had_before_it(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order(Medium.HEAT, "crew-2")
    office.clock.advance(minutes=1)
    backup = office.back_up(tmp_path / "backup.sqlite3")
    office.assign(order_id, "crew-1")
    office.clock.advance(minutes=1)
    tablet.sync_now()
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    office.clock.advance(minutes=1)
    office.restore(backup)
    office.clock.advance(minutes=1)
    office.assign(order_id, "crew-2")

    tablet.sync_now()

    order = office.order(order_id)
    assert (order.state, order.document.crew_id) == (WorkOrderState.RELEASED, "crew-2")
    assert [each.code for each in tablet.look_here()] == [Code.NOT_YOURS]


def test_a_tablet_tells_all_the_tokens_it_had_newest_first_and_no_more_than_it_must(
    tablet: Tablet, office: Office, server: str
) -> None:
    had: list[str] = []
    for _ in range(3):
        assert tablet.identity is not None
        had.insert(0, token_mark(tablet.identity.token))
        tablet.enrol(server, office.code(), "van 3")

    assert tablet.identity is not None
    assert tablet.identity.former_marks == tuple(had)
