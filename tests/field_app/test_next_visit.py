"""What an earlier visit leaves behind on the tablet: nothing of it is sealed as of today."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.crew import HeadlessCrew
from field_app.i18n import CatalogueWords
from field_app.orders.finding_sheet import FindingSheet
from field_app.presenters.form_tools import order_evidence
from field_app.presenters.leave_page import LeavePage
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import NoticeBlock
from field_app.store import draft_store
from field_app.store.identity_io import save_identity
from tests.field_app.office_parts import Office
from tests.field_app.photo_parts import Site, noisy_jpeg, photo_site
from tests.field_app.site_parts import TO_WORK
from tests.field_app.test_log_in import ANNA, reopened
from tests.field_app.test_office_forms import LEL, SMELL, TRIAL, fill_in, publish, subject_of
from tests.field_app.test_tablet_sync import finish_water
from tests.sync_server.forms.sheet_parts import workbook
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.site_facts import (
    IsolationEvent,
    SafetyStep,
    ValveAction,
    VisitEnd,
    VisitEndReason,
)
from wire_contracts.work_order_states import WorkOrderEvent

PARTS = VisitEnd(reason=VisitEndReason.PARTS_MISSING)
CROWN = (WorkOrderEvent.VERIFY, WorkOrderEvent.CLOSE, WorkOrderEvent.REOPEN)
LATER = timedelta(days=20)


def come_back(crew: HeadlessCrew, office: Office, order_id: str, *events: WorkOrderEvent) -> None:
    """Let the office give the order out again, three weeks later, and the crew come to it."""
    crew.sync_now()
    office.clock.advance(days=LATER.days)
    for event in events:
        office.act(order_id, event)
    crew.sync_now()
    crew.go_to_work(order_id)


def finding(crew: HeadlessCrew, order_id: str) -> FindingSheet:
    return crew.tablet.desk.finding(order_id)


def test_a_finding_of_the_last_time_is_not_that_of_today(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    finish_water(crew, order_id)
    assert finding(crew, order_id).answers.measured, "it can be corrected while one is there"
    come_back(crew, office, order_id, *CROWN)

    assert finding(crew, order_id).fields == {}


def test_what_was_typed_and_clocked_on_the_last_visit_is_left_behind(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(order_id)
    desk, site = crew.tablet.desk, crew.tablet.site
    desk.save_answers(order_id, {"result": "leak", "note": "x", "measured.gas_lel_pct": "12.5"})
    of_visit = {
        "ventilate.how": "fan",
        "ventilate.minutes": "10",
        "timer.remeasure": "1",
        "measure.gas_lel_pct": "7",
        "gate.lel_pct": "14",
        "gate.lel_pct.at": "1",
    }
    site.keep(order_id, "", of_visit | {"gate.place": "W-1", "valves.may_reopen": "Wang"})
    site.leave(order_id, WorkOrderEvent.CANNOT_FINISH, PARTS)
    come_back(crew, office, order_id, WorkOrderEvent.RELEASE)

    typed = {name: text for name, text in site.sheet(order_id).typed.items() if text}
    assert typed == {"gate.place": "W-1", "valves.may_reopen": "Wang", "earlier.lel_pct": "14"}
    assert finding(crew, order_id).fields == {"result": "leak", "note": "x"}
    assert finding(crew, order_id).record.lel_pct == 14, "it was in the air, and nobody kept it"


@pytest.mark.parametrize(
    ("how", "stands"), [("valve_closed", True), ("by_control_room", False), ("not_needed", False)]
)
def test_only_a_valve_of_the_list_stays_closed_until_the_next_visit(
    crew: HeadlessCrew, office: Office, how: str, *, stands: bool
) -> None:
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(order_id)
    site = crew.tablet.site
    if how == "valve_closed":
        closed = IsolationEvent(valve_id="vw-1", action=ValveAction.CLOSED, may_reopen="Wang")
        site.turn_valve(order_id, closed)
    site.keep(order_id, "isolate", {"how": how})
    site.do_step(order_id, SafetyStep.ISOLATE)
    site.leave(order_id, WorkOrderEvent.CANNOT_FINISH, PARTS)
    come_back(crew, office, order_id, WorkOrderEvent.RELEASE)

    record = site.sheet(order_id).record
    assert (SafetyStep.ISOLATE in record.done) is stands


def test_an_order_taken_away_and_given_again_begins_anew(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(order_id)
    crew.tablet.site.keep(order_id, "", {"ventilate.how": "fan", "measure.gas_lel_pct": "7"})
    crew.sync_now()
    office.assign(order_id, "crew-2")
    crew.sync_now()
    office.assign(order_id, "crew-1")
    come_back(crew, office, order_id)

    assert set(crew.tablet.site.sheet(order_id).typed) == {"earlier.lel_pct"}


def test_gas_of_a_case_that_is_over_is_not_that_of_the_next(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.go_to_work(order_id)
    crew.tablet.site.keep(order_id, "", {"gate.lel_pct": "14"})
    finish_water(crew, order_id)
    assert crew.tablet.site.sheet(order_id).record.lel_pct == 14
    come_back(crew, office, order_id, *CROWN)

    assert crew.tablet.site.sheet(order_id).record.lel_pct is None


def test_gas_that_a_colleague_typed_counts_for_everybody(office: Office, tmp_path: Path) -> None:
    order_id = office.new_order(Medium.GAS)
    identity = office.identity()
    save_identity(tmp_path, replace(identity, people=(*identity.people, ANNA)))
    with closing(reopened(tmp_path, office)) as tablet:
        tablet.sync_now()
        tablet.site.keep(order_id, "gate", {"lel_pct": "45"})
        assert tablet.choose_person("anna")

        assert tablet.site.sheet(order_id).typed == {}
        assert tablet.site.sheet(order_id).record.lel_pct == 45
        assert tablet.desk.finding(order_id).record.lel_pct == 45


def test_a_colleagues_begun_finding_counts_is_shown_and_goes_along(
    office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    identity = office.identity()
    save_identity(tmp_path, replace(identity, people=(*identity.people, ANNA)))
    with closing(reopened(tmp_path, office)) as tablet:
        tablet.sync_now()
        for event in TO_WORK:
            tablet.desk.tap(order_id, event)
        begun = {"result": "leak", "note": "at the joint", "measured.gas_lel_pct": "12,5"}
        tablet.desk.save_answers(order_id, begun)
        assert tablet.desk.finding(order_id).begun == [], "one's own is in the form"
        assert tablet.choose_person("anna")
        sheet = tablet.desk.finding(order_id)
        assert (sheet.fields, sheet.record.lel_pct) == ({}, 12.5)
        assert [(each.author, each.answers.note) for each in sheet.begun] == [
            (identity.actor, "at the joint")
        ]
        hers = {"result": "leak", "cause": "joint", "measured.flow_m3h": "0.1", "note": "wet"}
        tablet.desk.save_answers(order_id, hers)
        tablet.desk.finish(order_id)
        assert tablet.desk.finding(order_id).begun == []
        told = [
            (each.actor, each.payload)
            for each in (entry.operation for entry in tablet.waiting())
            if each.field == FactType.FORM_ANSWERSET and each.payload is not None
        ]

    assert [(actor, payload.get("is_unfinished")) for actor, payload in told] == [
        (identity.actor, True),
        ("anna", None),
    ]


def test_gas_in_a_finding_stands_when_the_visit_ends_without_one(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(order_id)
    crew.tablet.desk.save_answers(order_id, {"measured.gas_lel_pct": "12,5"})
    assert crew.tablet.site.sheet(order_id).record.lel_pct is None, "the form says it itself"
    crew.tablet.site.leave(order_id, WorkOrderEvent.CANNOT_FINISH, PARTS)

    assert crew.tablet.site.sheet(order_id).record.lel_pct == 12.5


def test_valves_of_an_order_that_is_gone_have_no_number(crew: HeadlessCrew, office: Office) -> None:
    gone, here = office.new_order(), office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(gone)
    closed = IsolationEvent(valve_id="v-1", action=ValveAction.CLOSED, may_reopen="Wang")
    crew.tablet.site.turn_valve(gone, closed)
    crew.sync_now()
    office.assign(gone, "crew-2")
    crew.sync_now()

    (elsewhere,) = crew.tablet.site.closed_elsewhere(here)
    assert (elsewhere.number, elsewhere.valve.valve_id) == ("", "v-1")
    office.clock.advance(days=31)
    assert crew.tablet.site.closed_elsewhere(here) == []


@pytest.fixture
def photographed(office: Office, tmp_path: Path) -> Iterator[Site]:
    with photo_site(office, tmp_path) as found:
        yield found


def test_photos_and_forms_of_the_last_case_prove_nothing_now(photographed: Site) -> None:
    crew, office = photographed.crew, photographed.office
    publish(office, TRIAL)
    order_id = office.new_order()
    crew.sync_now()
    photographed.album.add(order_id, noisy_jpeg())
    fill_in(crew.tablet.forms, subject_of(order_id), smell="no", lel="9")
    forms = crew.tablet.forms
    forms.finish(forms.open(subject_of(order_id), "trial"))
    t = CatalogueWords("en")
    assert finding(crew, order_id).photos == 1
    assert order_evidence(crew.tablet, finding(crew, order_id), t).forms_lel_pct == 9
    finish_water(crew, order_id)
    come_back(crew, office, order_id, *CROWN)

    assert finding(crew, order_id).photos == 0
    assert order_evidence(crew.tablet, finding(crew, order_id), t).forms_lel_pct is None
    assert Quantity.FLOW_M3H not in finding(crew, order_id).answers.measured


def test_photos_belong_to_a_case_by_the_order_of_writing(photographed: Site) -> None:
    crew, office = photographed.crew, photographed.office
    order_id = office.new_order()
    crew.sync_now()
    office.clock.advance(hours=3)
    photographed.album.add(order_id, noisy_jpeg())
    finish_water(crew, order_id)
    crew.sync_now()
    office.clock.advance(hours=-2)
    for event in CROWN:
        office.act(order_id, event)
    crew.sync_now()
    crew.go_to_work(order_id)
    assert finding(crew, order_id).photos == 0, "of the case before, by a clock that was fast"

    office.clock.advance(hours=-2)
    photographed.album.add(order_id, noisy_jpeg(2))
    assert finding(crew, order_id).photos == 1, "of this one, though the clock was put right"


def test_a_checklist_begun_on_the_last_visit_is_shown_and_asked_anew(
    crew: HeadlessCrew, office: Office
) -> None:
    publish(office, TRIAL)
    order_id = office.new_order()
    crew.sync_now()
    crew.go_to_work(order_id)
    fill_in(crew.tablet.forms, subject_of(order_id), smell="no", lel="0")
    crew.tablet.site.leave(order_id, WorkOrderEvent.CANNOT_FINISH, PARTS)
    come_back(crew, office, order_id, WorkOrderEvent.RELEASE)

    sheet = crew.tablet.forms.open(subject_of(order_id), "trial")
    assert sheet.session.drafted() == {}
    assert sheet.last == {"smell": "no", "lel": "0"}, "nothing that was typed is lost"
    assert crew.tablet.forms.begun(subject_of(order_id)) == frozenset()
    fill_in(crew.tablet.forms, subject_of(order_id), smell="no", lel="0.5")
    crew.tablet.forms.finish(crew.tablet.forms.open(subject_of(order_id), "trial"))
    assert crew.tablet.database.read(draft_store.drafts) == []


def test_a_checklist_of_a_stop_begun_on_another_day_is_asked_anew(
    crew: HeadlessCrew, office: Office
) -> None:
    publish(office, workbook(SMELL, LEL, about="checkpoint"))
    crew.sync_now()
    well = FormSubject(about="checkpoint", about_id="w-1")
    fill_in(crew.tablet.forms, well, smell="no", lel="0")
    office.clock.advance(hours=11)
    same_shift = crew.tablet.forms.open(well, "trial").session.drafted()
    office.clock.advance(hours=2)
    sheet = crew.tablet.forms.open(well, "trial")

    assert same_shift == {"smell": "no", "lel": "0"}
    assert (sheet.session.drafted(), sheet.last) == ({}, same_shift)


@pytest.mark.parametrize("how", ["cannot_finish", "handover"])
def test_gas_of_a_checklist_is_handed_over_and_stands_on_the_next_visit(
    crew: HeadlessCrew, office: Office, how: str
) -> None:
    publish(office, TRIAL)
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(order_id)
    fill_in(crew.tablet.forms, subject_of(order_id), lel="45")
    context = PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("en"), clock=office.clock, zone=UTC
    )
    page = SheetPresenter(LeavePage(crew.tablet, context, order_id, how), context)
    page.attach(lambda _view: None)
    page.type("reason", "dangerous")
    page.type("note", "rain")
    page.flush()
    notices = [each.text for each in page.view.blocks if isinstance(each, NoticeBlock)]
    page.tap("leave")

    assert any("45 % LEL" in text for text in notices)
    crew.sync_now()
    handover = office.order(order_id).document.handover
    assert handover is not None
    assert handover.lel_pct == 45
    come_back(crew, office, order_id, WorkOrderEvent.RELEASE)
    assert crew.tablet.site.sheet(order_id).record.lel_pct == 45
