"""Orders that leave a tablet with something begun: what was typed reaches the office."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC

import pytest

from field_app.crew import HeadlessCrew
from field_app.i18n import CatalogueWords
from field_app.orders.site_sheet import SiteSheet
from field_app.presenters.order import OrderPresenter
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.valves_page import ValvesPage
from field_app.presenters.work_page import WorkPage
from field_app.store import draft_store
from sync_server.access.roles import Role
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.work_orders.fact_store import facts_of_order
from tests.field_app.office_parts import Office
from tests.field_app.test_office_forms import TRIAL, fill_in, publish, subject_of
from tests.sync_server.people_parts import person
from wire_contracts.fields import JsonObject
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderEvent

LEAK = {"result": "leak", "note": "at the joint", "measured.gas_lel_pct": "12"}


def told(office: Office, order_id: str, fact_type: FactType) -> Sequence[tuple[str, JsonObject]]:
    """Return who told what of one type about an order, as the office keeps it."""
    with office.engine.connect() as connection:
        facts = facts_of_order(connection, order_id)
    return [
        (each.actor, each.payload)
        for each in facts
        if each.fact_type is fact_type and isinstance(each.payload, Mapping)
    ]


def told_answers(office: Office, order_id: str) -> Sequence[tuple[str, JsonObject]]:
    return told(office, order_id, FactType.FORM_ANSWERSET)


def begin(crew: HeadlessCrew, office: Office) -> str:
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(order_id)
    crew.sync_now()
    return order_id


def reviews(office: Office) -> list[ReviewKind]:
    with office.engine.connect() as connection:
        return [each.kind for each in list_reviews(connection)]


def give_away(office: Office, order_id: str) -> None:
    office.assign(order_id, "crew-2")


def cancel(office: Office, order_id: str) -> None:
    office.act(order_id, WorkOrderEvent.CANCEL)


@pytest.mark.parametrize("leave", [give_away, cancel])
def test_a_finding_that_was_begun_is_told_when_its_order_leaves(
    crew: HeadlessCrew, office: Office, leave: Callable[[Office, str], None]
) -> None:
    order_id = begin(crew, office)
    crew.tablet.desk.save_answers(order_id, LEAK)
    leave(office, order_id)
    for _contact in range(3):
        crew.sync_now()

    ((actor, payload),) = told(office, order_id, FactType.FORM_ANSWERSET)
    assert actor == office.utility.member.account_id
    assert payload["is_unfinished"] is True
    assert payload["answers"] == {
        "result": "leak",
        "cause": "",
        "note": "at the joint",
        "measured": {"gas_lel_pct": 12.0},
    }
    ((_actor, handover),) = told(office, order_id, FactType.HANDOVER)
    assert handover["lel_pct"] == 12
    assert ReviewKind.HANDED_OVER in reviews(office), "gas that nobody can see is looked at"
    assert crew.tablet.database.read(draft_store.drafts) == []
    assert crew.status().outbox.waiting == 0


def test_everybodys_words_are_told_and_gas_typed_on_any_page(
    crew: HeadlessCrew, office: Office
) -> None:
    with office.engine.begin() as connection:
        anna = person(connection, "anna", Role.CREW_MEMBER, "crew-1").account_id
    order_id = begin(crew, office)
    crew.tablet.desk.save_answers(order_id, {"note": "smell behind the meter"})
    crew.tablet.site.keep(order_id, "", {"gate.lel_pct": ">40", "handover.note": "bring DN50"})
    assert crew.tablet.choose_person(anna)
    crew.tablet.desk.save_answers(order_id, {"measured.flow_actual_m3h": "about 3"})
    give_away(office, order_id)
    crew.sync_now()

    found = {actor: payload["answers"] for actor, payload in told_answers(office, order_id)}
    mine = found[office.utility.member.account_id]
    assert isinstance(mine, Mapping)
    assert mine["note"] == "smell behind the meter\nbring DN50"
    assert "40.0000" in str(mine["measured"]), "more than forty"
    hers = found[anna]
    assert isinstance(hers, Mapping)
    assert hers["note"] == "flow_actual_m3h: about 3"


@pytest.mark.parametrize("page", ["finding", "gate", "checklist"])
def test_gas_that_was_typed_over_or_stands_in_a_checklist_is_handed_over_once(
    crew: HeadlessCrew, office: Office, page: str
) -> None:
    publish(office, TRIAL)
    order_id = begin(crew, office)
    for text in ("45", "0"):
        if page == "finding":
            crew.tablet.desk.save_answers(order_id, {"measured.gas_lel_pct": text})
        elif page == "gate":
            crew.tablet.site.keep(order_id, "gate", {"lel_pct": text})
        else:
            fill_in(crew.tablet.forms, subject_of(order_id), lel=text)
        office.clock.advance(minutes=30)
    give_away(office, order_id)
    for _ in range(3):
        crew.sync_now()
        office.clock.advance(minutes=1)

    handed = told(office, order_id, FactType.HANDOVER)
    assert [payload["lel_pct"] for _actor, payload in handed] == [45]
    assert ReviewKind.HANDED_OVER in reviews(office)


def test_gas_of_a_case_that_was_finished_is_handed_over_to_nobody(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order(Medium.WATER)
    crew.sync_now()
    crew.go_to_work(order_id)
    crew.tablet.site.keep(order_id, "gate", {"lel_pct": "8"})
    office.clock.advance(minutes=30)
    crew.tablet.site.keep(order_id, "gate", {"lel_pct": "0"})
    found = {"result": "normal", "cause": "nothing_found", "measured.flow_m3h": "2"}
    crew.tablet.desk.save_answers(order_id, {**found, "note": "gas smell from the sewer"})
    crew.tablet.desk.finish(order_id)
    crew.sync_now()
    for event in (WorkOrderEvent.VERIFY, WorkOrderEvent.CLOSE, WorkOrderEvent.REOPEN):
        office.act(order_id, event)
    give_away(office, order_id)
    for _ in range(2):
        crew.sync_now()

    assert told(office, order_id, FactType.HANDOVER) == []
    assert ReviewKind.HANDED_OVER not in reviews(office)
    assert crew.tablet.database.read(draft_store.drafts) == []


def test_the_page_of_the_order_says_that_what_was_begun_is_told(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = begin(crew, office)
    crew.tablet.desk.save_answers(order_id, LEAK)
    give_away(office, order_id)
    crew.sync_now()
    context = PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("zh_CN"), clock=office.clock, zone=UTC
    )
    presenter = OrderPresenter(crew.tablet, context, order_id)
    presenter.attach(lambda _view: None)

    assert "已填的内容会原样送交办公室" in presenter.view.problem


def test_what_was_begun_stays_while_the_order_is_here_or_the_first_pull_is_not_whole(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = begin(crew, office)
    crew.tablet.desk.save_answers(order_id, LEAK)
    crew.sync_now()

    assert told(office, order_id, FactType.FORM_ANSWERSET) == []
    assert crew.tablet.desk.finding(order_id).answers.note == "at the joint"


def page_of(
    page: type[WorkPage | ValvesPage], crew: HeadlessCrew, office: Office, order_id: str
) -> SheetPresenter[SiteSheet]:
    context = PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("en"), clock=office.clock, zone=UTC
    )
    sheet = SheetPresenter(page(crew.tablet, context, order_id), context)
    sheet.attach(lambda _view: None)
    return sheet


GONE = "This order is not on this tablet any more."


@pytest.mark.parametrize("key", ["isolate", "undo:isolate", "unsafe:remeasure"])
def test_a_step_of_an_order_that_left_meanwhile_is_answered_in_words(
    crew: HeadlessCrew, office: Office, key: str
) -> None:
    order_id = begin(crew, office)
    steps = page_of(WorkPage, crew, office, order_id)
    steps.choose("isolate.how", "not_needed")
    give_away(office, order_id)
    crew.sync_now()

    steps.tap(key)

    assert steps.view.message == GONE


def test_a_valve_that_was_closed_for_an_order_that_left_meanwhile_is_told(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = begin(crew, office)
    valves = page_of(ValvesPage, crew, office, order_id)
    for name, text in (("valve_id", "VW-1"), ("may_reopen", "control room")):
        valves.type(name, text)
    valves.flush()
    give_away(office, order_id)
    crew.sync_now()
    valves.tap("close:VW-1")
    for _contact in range(2):
        crew.sync_now()

    ((_actor, payload),) = told(office, order_id, FactType.ISOLATION)
    assert (payload["valve_id"], payload["action"]) == ("VW-1", "closed")
