"""Words that other apps lose, double, block or mix up (sync spec 2, by number), on real parts."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, insert, select
from sqlalchemy.exc import OperationalError

from field_app.crew import HeadlessCrew
from field_app.i18n import ChosenWords
from field_app.orders.order_list_store import OrderQuery
from field_app.presenters.outcome_words import advice_text, outcome_text
from field_app.store.base_store import count_rows
from field_app.store.identity_io import save_identity
from field_app.store.record_states import RecordState
from field_app.sync.reasons import Reason
from sync_server.access.account_store import admit
from sync_server.access.roles import Role
from sync_server.db.access_tables import CREW_AREA
from sync_server.db.change_store import Publication, area_bucket, crew_bucket, publish
from sync_server.db.engine_io import reading
from sync_server.db.sync_tables import OP_LEDGER
from sync_server.sync.review_desk import Decision, settle
from sync_server.sync.review_store import ReviewItem, ReviewKind, list_reviews
from sync_server.sync.upkeep import KEEP_TOMBSTONES, keep_up
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.order_store import list_orders
from tests.field_app.office_parts import BadNetwork, Fate, Office, office_app, serving
from tests.sync_server.people_parts import enrol, person
from wire_contracts.findings import Cause
from wire_contracts.kinds import FindingResult
from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.orders import FactType
from wire_contracts.pulls import PullAnswer
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.review_outcomes import Choice
from wire_contracts.site_facts import PartUsed
from wire_contracts.sync import SyncApi
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

GASKET = PartUsed(part_id="g-15", name="gasket", quantity=1.0, unit="pc")


@pytest.fixture
def colleague(office: Office, tmp_path: Path) -> Iterator[HeadlessCrew]:
    """Another tablet of crew 1."""
    with office.engine.begin() as connection:
        tablet = enrol(connection, "crew-1", "tablet 3")
    folder = tmp_path / "colleague"
    save_identity(folder, replace(office.identity(), tablet_id=tablet.tablet_id))
    way = office.utility.service.for_tablet(tablet)
    found = HeadlessCrew(folder, office.clock, connect=lambda _identity: way)
    yield found
    found.close()


def open_reviews(office: Office) -> list[ReviewItem]:
    with reading(office.engine) as connection:
        return list_reviews(connection)


def state_seen(crew: HeadlessCrew, order_id: str) -> WorkOrderState:
    seen = crew.order(order_id)
    assert seen is not None
    assert seen.document is not None
    return seen.document.state


def mark_seen(crew: HeadlessCrew, order_id: str) -> RecordState:
    seen = crew.order(order_id)
    assert seen is not None
    return seen.mark


@contextmanager
def no_commit(engine: Engine) -> Iterator[None]:
    """Let every commit of the server fail, as a database that goes away does."""

    def fail(_connection: Connection) -> None:
        raise OperationalError("COMMIT", None, ConnectionResetError("the database is gone"))

    event.listen(engine, "commit", fail)
    try:
        yield
    finally:
        event.remove(engine, "commit", fail)


def test_1_what_the_server_could_not_keep_was_never_called_sent(
    office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    crew = HeadlessCrew(tmp_path / "tablet", office.clock)
    with serving(office_app(office)) as url:
        crew.enrol(url, office.code())
        crew.sync_now()
        crew.accept(order_id)
        with no_commit(office.engine):
            failed = crew.sync_now()
        during = (state_seen(crew, order_id), mark_seen(crew, order_id))
        waited = crew.status().outbox.waiting
        crew.sync_now()
        crew.sync_now()
    after = (state_seen(crew, order_id), mark_seen(crew, order_id))
    crew.close()

    assert (failed.reason, waited) == (Reason.SERVER, 1)
    assert during == (WorkOrderState.ACCEPTED, RecordState.QUEUED)
    assert after == (WorkOrderState.ACCEPTED, RecordState.SHOWN_TO_OFFICE)
    assert office.order(order_id).state is WorkOrderState.ACCEPTED


def test_4_one_entry_that_cannot_be_taken_blocks_nothing_behind_it(
    crew: HeadlessCrew, office: Office
) -> None:
    gone, fine = office.new_order(), office.new_order(Medium.GAS)
    crew.sync_now()
    crew.accept(gone)
    crew.accept(fine)
    office.assign(gone, "crew-2")

    verdict = crew.sync_now()

    assert (verdict.reason, verdict.settled, crew.status().outbox.waiting) == (Reason.NONE, 2, 0)
    assert office.order(fine).state is WorkOrderState.ACCEPTED


def test_5_what_was_refused_is_never_shown_as_sent_until_somebody_has_looked(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.accept(order_id)
    office.act(order_id, WorkOrderEvent.CANCEL)
    crew.sync_now()
    crew.sync_now()
    crew.close()
    again = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: office.api())
    marks = [mark_seen(again, order_id)]
    (entry,) = again.tablet.look_here()
    again.tablet.mark_seen(entry.operation.op_id)
    left = again.tablet.look_here()
    again.close()

    assert marks == [RecordState.LOOK_HERE]
    assert entry.detail
    assert left == ()
    assert [item.kind for item in open_reviews(office)] == [ReviewKind.REFUSED]


def test_6_twenty_seven_entries_stay_twenty_seven_however_often_they_are_sent(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    for _ in range(27):
        crew.tablet.site.use_part(order_id, GASKET)
    network.fates = iter([Fate.WELL, Fate.ANSWER_LOST] * 3 + [Fate.WELL, Fate.TWICE])

    reasons = [crew.sync_now().reason for _ in range(4)]

    with reading(office.engine) as connection:
        facts = facts_of_order(connection, order_id)
    assert reasons == [Reason.NO_NETWORK] * 3 + [Reason.NONE]
    assert [fact.fact_type for fact in facts] == [FactType.PART_USED] * 27


class TornPages:
    """Changes what a page says of its rows, as a broken proxy or disk does."""

    def __init__(self, api: SyncApi) -> None:
        self._api = api
        self.is_broken = False
        self.sent: list[str] = []

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        answer = self._api.pull(token, limit)
        return _emptied(answer) if self.is_broken else answer

    def push(self, push: WrittenPush) -> PushAnswer:
        self.sent.extend(push.bodies)
        return self._api.push(push)


def _emptied(answer: PullAnswer) -> PullAnswer:
    pages = [
        replace(page, rows=tuple(row._replace(document={}) for row in page.rows))
        for page in answer.buckets
    ]
    return replace(answer, buckets=tuple(pages))


def test_8_a_pull_that_failed_empties_nothing_and_pushes_no_emptiness(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    crew.close()
    torn = TornPages(office.api())
    tablet = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: torn)
    tablet.sync_now()
    before = (tablet.order(order_id), tablet.tablet.database.read(count_rows))
    office.add_note(order_id, "ring at 12")
    torn.is_broken = True
    verdict = tablet.sync_now()
    after = (tablet.order(order_id), tablet.tablet.database.read(count_rows))
    torn.is_broken = False
    tablet.sync_now()
    mended = tablet.order(order_id)
    tablet.close()

    assert verdict.reason is Reason.SERVER
    assert after == before
    assert torn.sent == []
    assert mended is not None
    assert mended.document is not None
    assert mended.document.note == office.order(order_id).document.note == "ring at 12"


def finish(crew: HeadlessCrew, order_id: str, note: str) -> None:
    crew.go_to_work(order_id)
    crew.finish(
        order_id,
        FindingResult.LEAK,
        Cause.JOINT,
        note=note,
        measured={Quantity.FLOW_M3H: 0.12},
    )


def test_9_a_conflict_is_one_order_with_both_words_that_a_person_settles(
    crew: HeadlessCrew, office: Office, colleague: HeadlessCrew
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    colleague.sync_now()
    finish(crew, order_id, "joint behind the stairs")
    finish(colleague, order_id, "joint in the cellar")
    crew.sync_now()

    colleague.sync_now()

    with reading(office.engine) as connection:
        orders = list_orders(connection)
    merged = [item for item in open_reviews(office) if item.kind is ReviewKind.MERGED]
    dispatcher = office.utility.dispatcher.account_id
    choice = Decision(choice=Choice.OTHER, reason="both leak", value="stairs and cellar")
    with office.engine.begin() as connection:
        settle(connection, merged[0].review_id, choice, dispatcher, office.clock.now_utc())
    for each in (crew, colleague):
        each.sync_now()
    assert [order.order_id for order in orders] == [order_id]
    assert len(merged) == 1
    assert office.order(order_id).document.diagnosis == "stairs and cellar"
    for each in (crew, colleague):
        seen = each.order(order_id)
        assert seen is not None
        assert seen.document is not None
        assert seen.document.diagnosis == "stairs and cellar"


def said(crew: HeadlessCrew, field: str) -> tuple[str, str]:
    (entry,) = (each for each in crew.tablet.look_here() if each.operation.field == field)
    t = ChosenWords("en")
    return outcome_text(t, entry), advice_text(t, entry)


def test_9_what_the_office_decides_is_read_once_by_who_wrote_it(
    crew: HeadlessCrew, office: Office, colleague: HeadlessCrew
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    colleague.sync_now()
    finish(crew, order_id, "joint behind the stairs")
    finish(colleague, order_id, "joint in the cellar")
    crew.sync_now()
    colleague.sync_now()
    before = said(colleague, "diagnosis")
    colleague.tablet.desk.mark_seen(order_id)
    (item,) = (each for each in open_reviews(office) if each.kind is ReviewKind.MERGED)

    with office.engine.begin() as connection:
        dispatcher, now_utc = office.utility.dispatcher.account_id, office.clock.now_utc()
        choice = Decision(choice=Choice.OFFICE, reason="the photo shows it")
        settle(connection, item.review_id, choice, dispatcher, now_utc)
    colleague.sync_now()
    after = said(colleague, "diagnosis")
    mark = mark_seen(colleague, order_id)
    colleague.tablet.desk.mark_seen(order_id)
    colleague.sync_now()

    assert before[0] == "Yours stands now. Somebody had written something else there."
    stands = "The office has decided: the other one stands. joint behind the stairs"
    assert after == (stands, "the photo shows it")
    assert mark is RecordState.LOOK_HERE
    assert colleague.tablet.look_here() == ()


def test_9_a_decision_that_a_restored_server_has_forgotten_is_not_said_to_stand(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    backup = office.back_up(tmp_path / "backup.sqlite3")
    office.act(order_id, WorkOrderEvent.CANCEL)
    finish(crew, order_id, "joint behind the stairs")
    crew.sync_now()
    with office.engine.begin() as connection:
        dispatcher, now_utc = office.utility.dispatcher.account_id, office.clock.now_utc()
        for item in list_reviews(connection):
            choice = Decision(choice=Choice.CREW, reason="thanks, it counts")
            settle(connection, item.review_id, choice, dispatcher, now_utc)
    crew.sync_now()
    told = said(crew, "finish")

    office.restore(backup)
    office.clock.advance(minutes=5)
    office.assign(order_id, "crew-2")
    crew.sync_now()
    crew.sync_now()

    assert told[1] == "thanks, it counts"
    assert "yours stands" not in told[0], "a step has no value that could stand"
    assert said(crew, "finish")[0] == "The order, or the person, was not this crew's at that time."


def test_10_what_was_taken_away_does_not_come_back_from_a_tablet_of_last_winter(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.go_offline()
    crew.tablet.desk.add_note(order_id, "found nobody")
    office.assign(order_id, "crew-2")
    office.clock.advance(days=1)
    office.act(order_id, WorkOrderEvent.CANCEL)
    office.clock.advance(days=KEEP_TOMBSTONES.days + 60)
    with office.engine.begin() as connection:
        report = keep_up(connection, office.clock.now_utc())
    crew.go_online()

    verdict = crew.sync_now()
    crew.sync_now()

    seen = crew.order(order_id)
    assert report.horizon > 0
    assert verdict.reason is Reason.NONE
    assert crew.open_orders() == ()
    assert seen is None or seen.is_gone
    assert office.order(order_id).document.crew_id == "crew-2"
    assert office.order(order_id).state is WorkOrderState.CANCELLED


def thing(number: int, bucket: str) -> Publication:
    return Publication(
        entity="asset",
        entity_id=f"a-{number:03d}",
        document={"number": number},
        buckets=frozenset({bucket}),
    )


class Counted:
    """Counts the rows that come down."""

    def __init__(self, api: SyncApi) -> None:
        self._api = api
        self.rows: list[str] = []

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        answer = self._api.pull(token, limit)
        self.rows += [row.entity_id for page in answer.buckets for row in page.rows]
        return answer

    def push(self, push: WrittenPush) -> PushAnswer:
        return self._api.push(push)

    def take(self) -> list[str]:
        rows, self.rows = self.rows, []
        return rows


@pytest.fixture
def counted(crew: HeadlessCrew, office: Office) -> Counted:
    """Crew 1's tablet again, on a way that counts; two hundred things are in its crew's bucket."""
    crew.close()
    with office.engine.begin() as connection:
        for number in range(200):
            publish(connection, thing(number, crew_bucket("crew-1")), office.clock.now_utc())
    return Counted(office.api())


def test_12_one_change_brings_one_row_and_not_the_whole_list(
    counted: Counted, office: Office, tmp_path: Path
) -> None:
    tablet = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: counted)
    orders = [office.new_order(medium) for medium in (Medium.WATER, Medium.GAS, Medium.HEAT)]
    tablet.sync_now()
    first = counted.take()
    office.add_note(orders[1], "ring at 12")
    tablet.sync_now()
    second = counted.take()
    lines = tablet.tablet.desk.page(OrderQuery(limit=2)).lines
    tablet.close()

    assert len(first) >= 203
    assert second == [orders[1]]
    assert len(lines) == 2, "a list is asked for as far as it is shown"


def test_15_a_new_area_brings_its_own_rows_and_nothing_again(
    counted: Counted, office: Office, tmp_path: Path
) -> None:
    with office.engine.begin() as connection:
        for number in (500, 501):
            publish(connection, thing(number, area_bucket("south")), office.clock.now_utc())
    tablet = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: counted)
    tablet.sync_now()
    counted.take()
    with office.engine.begin() as connection:
        connection.execute(insert(CREW_AREA).values(crew_id="crew-1", area_id="south"))
    tablet.sync_now()
    brought = counted.take()
    tablet.close()

    assert brought == ["a-500", "a-501"]


def test_16_taps_reach_the_office_in_their_order_though_every_second_request_is_lost(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.accept(order_id)
    network.fates = iter([Fate.WELL, Fate.REQUEST_LOST])
    crew.sync_now()
    crew.depart(order_id)
    network.fates = iter([Fate.WELL, Fate.ANSWER_LOST])
    crew.sync_now()
    crew.arrive(order_id)
    crew.begin(order_id)

    crew.sync_now()

    assert office.order(order_id).state is WorkOrderState.WORKING
    assert crew.tablet.look_here() == ()
    assert open_reviews(office) == []


def test_18_what_is_typed_while_the_record_is_on_its_way_is_kept_and_goes_next(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.tablet.desk.add_note(order_id, "gate locked")
    type_more = lambda: crew.tablet.desk.add_note(order_id, "neighbour has the key")  # noqa: E731  # a call for later
    network.meanwhile = iter((bool, type_more))
    crew.sync_now()
    crew.sync_now()

    note = office.order(order_id).document.note
    assert note.splitlines() == ["gate locked", "neighbour has the key"]
    assert crew.status().outbox.waiting == 0


def test_19_a_half_filled_form_outlives_the_app_the_contact_and_a_newer_order(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.answer(order_id, {"note": "half a sentence", "cause": "joint"})
    crew.close()
    office.add_note(order_id, "customer called again")
    again = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: office.api())
    again.sync_now()
    fields = again.tablet.desk.finding(order_id).fields
    mark = mark_seen(again, order_id)
    again.close()

    assert fields == {"note": "half a sentence", "cause": "joint"}
    assert mark is RecordState.DRAFT


def test_21_a_tablet_put_back_from_a_copy_loses_nothing_that_it_does_later(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id, other_id = office.new_order(), office.new_order(Medium.GAS)
    crew.sync_now()
    crew.close()
    folder, copy = tmp_path / "tablet", tmp_path / "copy"
    shutil.copytree(folder, copy)
    for here, tapped in ((folder, order_id), (copy, other_id)):
        tablet = HeadlessCrew(here, office.clock, connect=lambda _identity: office.api())
        tablet.accept(tapped)
        tablet.sync_now()
        tablet.depart(tapped)
        tablet.sync_now()
        waiting = tablet.status().outbox.waiting
        tablet.close()
        assert waiting == 0

    states = {office.order(each).state for each in (order_id, other_id)}
    assert states == {WorkOrderState.EN_ROUTE}
    assert [item.kind for item in open_reviews(office)] == [ReviewKind.CLONED_STORE]


def test_22_two_who_edit_what_the_office_cancelled_end_with_somebody_who_must_settle_it(
    crew: HeadlessCrew, office: Office, colleague: HeadlessCrew
) -> None:
    order_id = office.new_order()
    for each in (crew, colleague):
        each.sync_now()
        finish(each, order_id, "joint")
    office.act(order_id, WorkOrderEvent.CANCEL)
    for each in (crew, colleague):
        each.sync_now()

    items = open_reviews(office)
    now_utc = office.clock.now_utc()
    assert items
    assert {item.owner_role for item in items} == {Role.DISPATCHER}
    assert all(now_utc < item.due_at_utc <= now_utc + timedelta(days=7) for item in items)
    assert ReviewKind.DONE_AFTER_CANCEL in {item.kind for item in items}


def test_24_whoever_is_at_work_sends_what_a_colleague_did_under_the_colleagues_name(
    crew: HeadlessCrew, office: Office
) -> None:
    first = office.utility.member.account_id
    with office.engine.begin() as connection:
        second = person(connection, "anna", Role.CREW_MEMBER, "crew-1").account_id
        tablet_id = office.utility.tablet.tablet_id
        admit(connection, tablet_id, second, office.clock.now_utc())
    order_id, other_id = office.new_order(), office.new_order(Medium.GAS)
    crew.sync_now()
    crew.accept(order_id)
    assert crew.tablet.choose_person(second)
    crew.accept(other_id)

    crew.sync_now()

    with reading(office.engine) as connection:
        rows = connection.execute(select(OP_LEDGER.c.entity_id, OP_LEDGER.c.actor)).all()
    assert {row.entity_id: row.actor for row in rows} == {order_id: first, other_id: second}
