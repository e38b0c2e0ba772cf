"""Nothing that is left in sealed form stops what is behind it: long names, damage, refusals."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from field_app.access.withdrawal import send_sealed, withdraw
from field_app.patrols.inspection_book import home_draft
from field_app.store import draft_store
from field_app.store.draft_store import DraftKey
from field_app.store.look_store import waiting_entries
from field_app.store.sealed_store import draft_about
from field_app.store.tables import sealed_item
from field_app.sync.engine import CONTACTS_THAT_STEPS_WAIT
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from field_app.tablet import Tablet, open_tablet
from sync_server.access.account_store import admit
from sync_server.access.roles import Role
from sync_server.db.sync_tables import SEALED_ITEM
from tests.field_app.office_parts import Office, serving
from tests.field_app.restore_parts import give_area
from tests.field_app.test_left_orders import told
from tests.field_app.test_office_forms import TRIAL, publish, subject_of
from tests.field_app.vault_parts import quick_vault
from tests.field_app.withdrawal_parts import (
    PIN,
    app_with_keys,
    kinds_kept,
    ledger,
    new_tablet,
    revoke,
    work_offline,
)
from tests.sync_server.people_parts import person
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.quantities import Medium
from wire_contracts.sealed import LONGEST_ABOUT, SealedAnswer, SealedRequest, SealedResult
from wire_contracts.site_facts import HelpCall, HelpReason
from wire_contracts.sync import PROTOCOL
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

LONG_HOME = "sunny-garden-phase-2-building-14-unit-3-floor-18-room-1802"


@pytest.fixture
def server(office: Office, tmp_path: Path) -> Iterator[str]:
    with serving(app_with_keys(office, tmp_path / "keys")) as url:
        yield url


@pytest.fixture
def tablet(office: Office, server: str, tmp_path: Path) -> Iterator[Tablet]:
    with closing(new_tablet(tmp_path / "tablet", office, server)) as found:
        found.set_pin(PIN)
        yield found


def at_work(tablet: Tablet, office: Office) -> set[str]:
    order_id = office.new_order()
    tablet.sync_now()
    return set(work_offline(tablet, order_id))


def spoil_one(tablet: Tablet, op_id: str) -> None:
    def work(connection: Connection) -> None:
        mine = sealed_item.c.about == op_id
        connection.execute(update(sealed_item).where(mine).values(envelope='{"v":1,"kind":"op'))

    tablet.database.write(work)


def test_a_draft_about_a_home_with_a_long_name_leaves_a_withdrawn_tablet_with_the_rest(
    tablet: Tablet, office: Office
) -> None:
    op_ids = at_work(tablet, office)
    tablet.inspections.save_answers(home_draft(LONG_HOME), {"note": "CO alarm in the kitchen"})
    revoke(office, tablet)

    verdict = tablet.sync_now()

    assert verdict.reason is Reason.WITHDRAWN
    assert op_ids <= ledger(office).keys()
    assert kinds_kept(office) == [("draft", True), ("draft", True), *[("operation", True)] * 2]
    assert tablet.withdrawal().sealed_waiting == 0


def test_an_envelope_that_nobody_can_read_stops_none_behind_it_and_is_counted(
    tablet: Tablet, office: Office, server: str
) -> None:
    op_ids = at_work(tablet, office)
    spoilt = min(op_ids)
    # the words have gone already, only the damaged envelope is left of them
    tablet.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM outbox_op"))
    spoil_one(tablet, spoilt)
    revoke(office, tablet)
    tablet.sync_now()

    waiting = tablet.withdrawal().sealed_waiting
    tablet.enrol(server, office.code(), "van 3")
    after = tablet.sync_now()

    assert op_ids - ledger(office).keys() == {spoilt}
    assert (waiting, after.reason) == (1, Reason.NONE)


@dataclass(slots=True)
class PickyServer:
    """Takes everything but requests in which one thing is, of which it cannot read a word."""

    poison: str
    asked: list[list[str]] = field(default_factory=list)

    def send_sealed(self, request: SealedRequest) -> SealedAnswer:
        abouts = [each.about for each in request.envelopes]
        self.asked.append(abouts)
        if self.poison in abouts:
            raise RequestRefused("sealed: box: is not base64; send base64 with padding")
        results = tuple(
            SealedResult(kind=each.kind, about=each.about, is_opened=True)
            for each in request.envelopes
        )
        return SealedAnswer(server_epoch=1, server_now_ms=1, results=results, protocol=PROTOCOL)


def test_what_the_server_refuses_to_read_is_set_aside_with_its_action_alone(
    tablet: Tablet, office: Office
) -> None:
    op_ids = at_work(tablet, office)
    office.clock.advance(minutes=1)
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    picky = PickyServer(poison=max(op_ids))

    sent = send_sealed(tablet.database, picky, office.clock)
    once = len(picky.asked)
    again = send_sealed(tablet.database, picky, office.clock)

    assert (sent, again) == (2, 0)  # the other tap and the draft
    assert len(picky.asked) == once
    assert tablet.withdrawal().sealed_waiting == 1


def _withdraw_only(connection: Connection, tablet: Tablet) -> None:
    withdraw(connection, tablet.vault.seal, 1)


def test_a_damaged_envelope_stops_no_withdrawal_and_its_words_are_sealed_anew(
    tablet: Tablet, office: Office
) -> None:
    op_ids = at_work(tablet, office)
    spoil_one(tablet, min(op_ids))
    revoke(office, tablet)

    verdict = tablet.sync_now()

    assert verdict.reason is Reason.WITHDRAWN
    assert op_ids <= ledger(office).keys()
    assert tablet.withdrawal().sealed_waiting == 0


def test_what_was_set_aside_is_still_set_aside_after_a_restart(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    op_ids = at_work(tablet, office)
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    spoil_one(tablet, min(op_ids))
    sent = send_sealed(tablet.database, PickyServer(poison=""), office.clock)
    before = tablet.withdrawal().sealed_waiting
    tablet.close()

    vault = quick_vault(tmp_path / "tablet")
    with closing(open_tablet(tmp_path / "tablet", office.clock, vault=vault)) as again:
        assert (sent, before) == (2, 1)
        assert again.withdrawal().sealed_waiting == 1
        assert again.damaged_files_count() == 0


def never(detail: str = "/sealed: status 503", reason: Reason = Reason.SERVER) -> int:
    raise SyncProblem(reason, detail)


def steps_waiting(tablet: Tablet) -> int:
    return len(tablet.database.read(lambda connection: waiting_entries(connection, 100)))


def test_a_filter_before_the_sealed_things_is_no_captive_portal_where_the_pull_is_answered(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    work_offline(tablet, order_id)
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    tablet.enrol(server, office.code(), "van 3")
    engine = tablet._contact.engine(tablet.identity)
    assert engine is not None
    engine.send_first(partial(never, "403 without our header", Reason.CAPTIVE_PORTAL))
    tablet.calls.call_help(HelpCall(reason=HelpReason.GAS, place="cellar"))

    verdict = tablet.sync_now()

    assert verdict.reason is Reason.SERVER, "nobody is told to sign in to the network"
    assert steps_waiting(tablet) == 0
    assert verdict.detail == "403 without our header"


@pytest.mark.parametrize("contacts", [1, CONTACTS_THAT_STEPS_WAIT])
def test_a_step_waits_for_the_sealed_ones_before_it_but_words_do_not(
    tablet: Tablet, office: Office, server: str, contacts: int
) -> None:
    order_id, other = office.new_order(), office.new_order(Medium.GAS)
    tablet.sync_now()
    sealed = set(work_offline(tablet, order_id))
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    tablet.enrol(server, office.code(), "van 3")
    engine = tablet._contact.engine(tablet.identity)
    assert engine is not None
    send_sealed_things = engine._send_older
    engine.send_first(never)
    shut = tablet.sync_now()
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.desk.add_note(other, "the gate is locked")

    reasons = {tablet.sync_now().reason for _ in range(contacts - 1)} | {shut.reason}
    held = steps_waiting(tablet)
    known = set(ledger(office))
    engine.send_first(send_sealed_things)
    after = tablet.sync_now()

    assert (reasons, after.reason) == ({Reason.SERVER}, Reason.NONE)
    assert held == (2 if contacts == 1 else 1)
    assert not known & sealed
    assert sealed <= set(ledger(office))
    assert steps_waiting(tablet) == 0


def test_no_word_about_a_free_order_goes_before_the_step_that_takes_it(
    tablet: Tablet, office: Office, server: str
) -> None:
    sealed, free = office.new_order(), office.new_order(Medium.GAS, crew_id=None)
    give_area(office, free)
    office.act(free, WorkOrderEvent.RELEASE)
    tablet.sync_now()
    work_offline(tablet, sealed)
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    tablet.enrol(server, office.code(), "van 3")
    engine = tablet._contact.engine(tablet.identity)
    assert engine is not None
    send_sealed_things = engine._send_older
    engine.send_first(never)
    tablet.sync_now()
    for step in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(free, WorkOrderEvent(step))
    tablet.desk.add_note(free, "gas smell in the cellar, valve V7 closed")
    tablet.calls.call_help(HelpCall(reason=HelpReason.GAS, place="cellar"), free)

    tablet.sync_now()
    held = tablet.database.read(lambda connection: waiting_entries(connection, 100))
    engine.send_first(send_sealed_things)
    tablet.sync_now()

    order = office.order(free)
    assert len(held) == 5, "four steps and the note; the call for help has gone"
    assert (order.state, order.document.crew_id) == (WorkOrderState.WORKING, "crew-1")
    assert "valve V7 closed" in order.document.note
    assert not tablet.look_here()


def test_gas_that_was_begun_at_an_order_that_left_does_not_wait_for_what_is_sealed(
    tablet: Tablet, office: Office, server: str
) -> None:
    gas, other = office.new_order(Medium.GAS), office.new_order()
    tablet.sync_now()
    work_offline(tablet, other)
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    tablet.enrol(server, office.code(), "van 3")
    engine = tablet._contact.engine(tablet.identity)
    assert engine is not None
    engine.send_first(never)
    tablet.sync_now()
    tablet.desk.save_answers(gas, {"result": "leak", "measured.gas_lel_pct": "12"})
    office.assign(gas, "crew-2")

    assert tablet.sync_now().reason is Reason.SERVER

    assert [each["lel_pct"] for _, each in told(office, gas, FactType.HANDOVER)] == [12]


def test_after_many_contacts_steps_wait_no_longer_for_what_is_sealed(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    work_offline(tablet, order_id)
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    tablet.enrol(server, office.code(), "van 3")
    engine = tablet._contact.engine(tablet.identity)
    assert engine is not None
    engine.send_first(never)
    tablet.sync_now()
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)

    waiting = []
    for _ in range(CONTACTS_THAT_STEPS_WAIT):
        tablet.sync_now()
        waiting.append(steps_waiting(tablet))

    assert waiting == [*[1] * (CONTACTS_THAT_STEPS_WAIT - 1), 0]


def drafts_at_the_office(office: Office) -> list[str]:
    """Return the notes of the drafts that arrived and could be opened."""
    with office.engine.connect() as connection:
        bodies = connection.execute(
            select(SEALED_ITEM.c.body).where(
                SEALED_ITEM.c.kind == "draft", SEALED_ITEM.c.is_opened.is_(True)
            )
        ).scalars()
        return sorted(json.loads(body)["answers"]["note"] for body in bodies)


def test_a_damaged_draft_sets_nobody_elses_draft_of_the_same_order_aside(
    tablet: Tablet, office: Office
) -> None:
    identity = tablet.identity
    assert identity is not None
    with office.engine.begin() as connection:
        anna = person(connection, "anna", Role.CREW_MEMBER, "crew-1").account_id
        admit(connection, identity.tablet_id, anna, office.clock.now_utc())
    order_id = office.new_order()
    tablet.sync_now()
    tablet.desk.save_answers(order_id, {"note": "wang's words"})
    tablet.choose_person(anna)
    tablet.desk.save_answers(order_id, {"note": "anna's words"})
    revoke(office, tablet)
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    wangs = sealed_item.c.owner != anna
    tablet.database.write(
        lambda connection: connection.execute(update(sealed_item).where(wangs).values(envelope="{"))
    )

    tablet.sync_now()

    assert drafts_at_the_office(office) == ["anna's words"]
    assert tablet.withdrawal().sealed_waiting == 1


@pytest.mark.parametrize("is_finished", [False, True], ids=["begun", "begun and emptied"])
def test_a_draft_begun_anew_leaves_the_one_that_a_withdrawal_left_alone(
    tablet: Tablet, office: Office, server: str, *, is_finished: bool
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.desk.save_answers(order_id, {"note": "twelve readings of the cellar"})
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    tablet.enrol(server, office.code(), "van 3")

    tablet.desk.save_answers(order_id, {"note": "begun anew"})
    if is_finished:
        tablet.desk.save_answers(order_id, {})
    tablet.sync_now()

    assert drafts_at_the_office(office) == ["twelve readings of the cellar"]
    assert tablet.withdrawal().sealed_waiting == 0


def test_an_unfinished_finding_goes_to_the_office_when_the_tablet_is_given_to_another_crew(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.desk.save_answers(order_id, {"note": "gas in the cellar"})

    tablet.enrol(server, office.code("crew-2"), "van 4")
    tablet.sync_now()

    assert drafts_at_the_office(office) == ["gas in the cellar"]
    assert tablet.database.read(draft_store.drafts) == []


def test_a_checklist_goes_to_the_office_as_it_stands_when_its_order_is_given_away(
    tablet: Tablet, office: Office
) -> None:
    order_id = office.new_order()
    publish(office, TRIAL)
    tablet.sync_now()
    sheet = tablet.forms.open(subject_of(order_id), "trial")
    sheet.session.answer("lel", "7")
    tablet.forms.save(sheet)
    office.assign(order_id, "crew-2")
    tablet.sync_now()

    with office.engine.connect() as connection:
        bodies = connection.execute(select(SEALED_ITEM.c.body)).scalars().all()
    assert [json.loads(body)["answers"] for body in bodies] == [{"lel": "7"}]
    assert tablet.database.read(draft_store.drafts) == []


@pytest.mark.parametrize("is_refused", [False, True], ids=["taken", "refused"])
def test_an_envelope_under_a_damaged_name_leaves_and_is_not_sent_again_and_again(
    tablet: Tablet, office: Office, *, is_refused: bool
) -> None:
    op_ids = at_work(tablet, office)
    tablet.database.write(partial(_withdraw_only, tablet=tablet))
    damaged = sealed_item.c.about == min(op_ids)
    tablet.database.write(
        lambda connection: connection.execute(
            update(sealed_item).where(damaged).values(about="damaged")
        )
    )
    picky = PickyServer(poison=min(op_ids) if is_refused else "")

    sent = send_sealed(tablet.database, picky, office.clock)

    assert sent == (2 if is_refused else 3)
    assert tablet.withdrawal().sealed_waiting == (1 if is_refused else 0)


@given(record=st.text(min_size=1, max_size=200), form=st.sampled_from([FINDING_FORM, "home@3"]))
def test_every_draft_has_a_name_that_fits_an_envelope(record: str, form: str) -> None:
    about = draft_about(DraftKey(order_id=record, form=form, author="wang"))
    other = draft_about(DraftKey(order_id=f"{record}x", form=form, author="wang"))

    assert 0 < len(about) <= LONGEST_ABOUT
    assert about != other
