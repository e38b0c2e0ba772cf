"""Names and numbers are on a tablet only while they are needed, and can be erased."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, inspect, text

from sync_server.access.account_store import (
    ERASED,
    deactivate_account,
    erase_account,
    get_person,
    move_account,
)
from sync_server.access.audit_store import list_audit, verify_audit
from sync_server.access.tablet_store import accounts_of_tablet
from sync_server.db.access_tables import AUDIT_EVENT
from sync_server.db.change_store import broken_buckets
from sync_server.db.order_tables import FACT
from sync_server.db.sync_tables import OP_LEDGER
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.upkeep import keep_current
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import act, assign, create_order
from sync_server.work_orders.person_store import (
    erase_persons,
    orders_with,
    person_of,
    save_person,
)
from tests.sync_server.people_parts import Pen, Utility, found_utility
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.tablet_model import ModelTablet
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject
from wire_contracts.operations import Outcome
from wire_contracts.order_person import ENTITY, OrderPerson, order_person_json
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.pulls import hash_row
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent

MRS_CHEN = OrderPerson(name="Mrs. Chen 陈", phone="139 0000 0000", note="ring twice")


def make_order(utility: Utility, due_in: timedelta | None) -> str:
    new = NewOrder(
        order_type=OrderType.METER_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.C,
        priority=3,
        title=BilingualText(en="Check", zh="核查"),
        address="Lamp street",
        due_at_utc=None if due_in is None else NOON + due_in,
        crew_id="crew-1",
    )
    actor = utility.dispatcher.account_id
    with utility.engine.begin() as connection:
        order_id = create_order(connection, new, actor, NOON).order_id
        save_person(connection, order_id, MRS_CHEN, actor, NOON)
    return order_id


def persons(utility: Utility, *, crew: int = 1, protocol: int = 2) -> dict[str, JsonObject]:
    """Return the personal rows of a crew's tablet that starts from nothing."""
    tablet = utility.tablet if crew == 1 else utility.other_tablet
    answer = utility.service.for_tablet(tablet, protocol).pull(None, 500)
    rows = [row for page in answer.buckets for row in page.rows]
    found = {row.entity_id: dict(row.document) for row in rows if row.entity == ENTITY}
    for document in found.values():
        document.pop("salt")
    return {**found}


def keep(utility: Utility) -> None:
    with utility.engine.begin() as connection:
        keep_current(connection, utility.clock.now_utc())


@pytest.mark.parametrize(
    ("due_in", "is_there"),
    [
        (timedelta(hours=47), True),
        (timedelta(hours=-5), True),
        (timedelta(hours=49), False),
        (None, False),
    ],
)
def test_a_person_is_on_the_tablet_two_days_before_the_order_is_due(
    utility: Utility, due_in: timedelta | None, *, is_there: bool
) -> None:
    order_id = make_order(utility, due_in)

    expected = {order_id: order_person_json(MRS_CHEN)} if is_there else {}
    assert persons(utility) == expected


def hashes_on_the_wire(utility: Utility) -> dict[str, int]:
    answer = utility.service.for_tablet(utility.tablet).pull(None, 500)
    rows = [row for page in answer.buckets for row in page.rows]
    return {row.entity_id: row.row_hash for row in rows if row.entity == ENTITY}


def test_who_guesses_the_person_cannot_confirm_it_by_the_rows_hash(utility: Utility) -> None:
    order_id = make_order(utility, timedelta(hours=1))
    guess = hash_row(ENTITY, order_id, order_person_json(MRS_CHEN))
    first = hashes_on_the_wire(utility)
    with utility.engine.begin() as connection:
        save_person(connection, order_id, MRS_CHEN, utility.dispatcher.account_id, NOON)

    again = hashes_on_the_wire(utility)

    assert len({guess, first[order_id], again[order_id]}) == 3


def test_the_window_moves_with_the_time_and_with_an_appointment(utility: Utility) -> None:
    order_id = make_order(utility, timedelta(hours=60))
    early = persons(utility)
    utility.clock.advance(hours=13)
    keep(utility)
    later = persons(utility)
    moved = OrderPerson(name="Mrs. Chen 陈", appointment_at_utc=NOON + timedelta(days=1))
    other = make_order(utility, None)
    with utility.engine.begin() as connection:
        save_person(connection, other, moved, utility.dispatcher.account_id, NOON)

    assert (early, list(later)) == ({}, [order_id])
    assert set(persons(utility)) == {order_id, other}


def test_a_person_leaves_the_tablet_when_the_work_is_done_or_goes_to_another_crew(
    utility: Utility, pen: Pen
) -> None:
    done, moved = (make_order(utility, None) for _ in range(2))
    tablet = ModelTablet(identity=utility.tablet, pen=pen)
    pen.push(utility.sync(), *pen.steps_to_work(done), *pen.steps_to_work(moved)[:1])
    tablet.pull(utility.service)
    under_way = persons(utility)
    pen.push(utility.sync(), *pen.finding(done))
    with utility.engine.begin() as connection:
        assign(connection, moved, "crew-2", utility.dispatcher.account_id, NOON)
    tablet.pull(utility.service)
    held = [key for rows in tablet.disk.buckets.values() for key in rows if key[0] == ENTITY]

    assert set(under_way) == {done, moved}
    assert (persons(utility), persons(utility, crew=2), held) == ({}, {}, [])


def test_a_tablet_of_the_first_protocol_is_given_no_person(utility: Utility) -> None:
    make_order(utility, timedelta(hours=1))

    assert persons(utility, protocol=1) == {}


def test_an_erased_customer_is_nowhere_and_the_audit_chain_is_whole(
    engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(engine, clock)
    pen = Pen(actor=utility.member.account_id, clock=clock)
    order_id = make_order(utility, timedelta(hours=1))
    pen.push(utility.sync(), *pen.steps_to_work(order_id), *pen.finding(order_id))
    pen.push(utility.sync(), pen.set(order_id, "priority", 3, 1))
    with utility.engine.begin() as connection:
        found = orders_with(connection, name=MRS_CHEN.name, phone=MRS_CHEN.phone)
        count = erase_persons(connection, found, utility.dispatcher.account_id, NOON)

    assert (found, count, persons(utility)) == ([order_id], 1, {})
    with utility.engine.connect() as connection:
        assert person_of(connection, order_id) is None
        assert verify_audit(connection).is_whole
        assert broken_buckets(connection) == []
        assert list_audit(connection, 1)[0].action == "person.erase"
        left = [
            str(row)
            for table in inspect(connection).get_table_names()
            for row in connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608  # ours
        ]
    assert not [row for row in left if "Chen" in row or "139 0000" in row or "ring twice" in row]


def test_an_erased_colleague_keeps_the_work_under_an_id(utility: Utility, pen: Pen) -> None:
    order_id = make_order(utility, None)
    pen.push(utility.sync(), pen.set(order_id, "note", "", "dog"))
    account_id, actor = utility.member.account_id, utility.dispatcher.account_id
    with utility.engine.begin() as connection, pytest.raises(ContractError, match="end the access"):
        erase_account(connection, account_id, actor, NOON)
    with utility.engine.begin() as connection:
        deactivate_account(connection, account_id, actor, NOON)
        erase_account(connection, account_id, actor, NOON)

    with utility.engine.connect() as connection:
        erased = get_person(connection, account_id)
        ledger = read_ledger(connection)
        assert verify_audit(connection).is_whole
        texts = [
            str(row)
            for table in (AUDIT_EVENT, OP_LEDGER, FACT)
            for row in connection.execute(table.select())
        ]
    assert (erased.display_name, erased.is_active) == (ERASED, False)
    assert [each.actor for each in ledger] == [account_id]
    assert not [each for each in texts if "wang" in each.casefold()]


def test_somebody_who_changes_crews_leaves_one_tablet_and_appears_on_the_other(
    utility: Utility, pen: Pen
) -> None:
    order_id = make_order(utility, None)
    before = pen.set(order_id, "note", "", "made before the move")
    account_id = utility.member.account_id
    mine, others = (
        ModelTablet(identity=identity, pen=pen)
        for identity in (utility.tablet, utility.other_tablet)
    )
    mine.pull(utility.service)
    others.pull(utility.service)
    utility.clock.advance(hours=1)
    with utility.engine.begin() as connection:
        now_utc = utility.clock.now_utc()
        move_account(connection, account_id, "crew-2", utility.dispatcher.account_id, now_utc)
        until = accounts_of_tablet(connection, utility.tablet.tablet_id)[account_id]
    mine.pull(utility.service)
    others.pull(utility.service)
    user = f"user:{account_id}"
    late = pen.push(utility.sync(), before)
    utility.clock.advance(hours=1)
    stranger = pen.push(utility.sync(), pen.set(order_id, "note", "", "made after it"))

    def people(tablet: ModelTablet, bucket: str) -> set[str]:
        return {key[1] for key in tablet.disk.buckets[bucket] if key[0] == "person"}

    assert account_id not in people(mine, "crew:crew-1")
    assert account_id in people(others, "crew:crew-2")
    assert (user in mine.disk.buckets, user in others.disk.buckets) == (False, True)
    assert until == NOON + timedelta(hours=1)
    assert [late[0].outcome, stranger[0].outcome] == [Outcome.APPLIED, Outcome.REFUSED]
    with utility.engine.begin() as connection:
        move_account(connection, account_id, "crew-1", utility.dispatcher.account_id, now_utc)
        assert accounts_of_tablet(connection, utility.tablet.tablet_id)[account_id] is None


def test_a_cancelled_order_takes_its_person_off_the_tablets(utility: Utility) -> None:
    order_id = make_order(utility, timedelta(hours=1))
    with utility.engine.begin() as connection:
        act(connection, order_id, WorkOrderEvent.CANCEL, utility.dispatcher.account_id, NOON)

    assert persons(utility) == {}
