"""Several people on one tablet: every tap keeps its author, and drafts stay with theirs."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from field_app.access.log_in import LOCK_AFTER_S, LogIn
from field_app.config_io import load_zone
from field_app.i18n import ChosenWords
from field_app.orders.order_list_store import OrderQuery
from field_app.platform.ports import PinOutcome
from field_app.presenters.log_in import LogInPresenter
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.views import LogInView, PinStep
from field_app.store.identity_io import save_identity
from field_app.tablet import Tablet, open_tablet
from tests.field_app.office_parts import Office
from tests.field_app.vault_parts import at, quick_vault
from wire_contracts.enrolment import TabletPerson
from wire_contracts.operations import Operation
from wire_contracts.work_order_states import WorkOrderEvent

PIN, OTHER_PIN = "482916", "739105"
ANNA = TabletPerson(account_id="anna", name="Anna", role="crew_member", language="en")


@pytest.fixture
def tablet(tmp_path: Path, office: Office) -> Iterator[Tablet]:
    folder = tmp_path / "tablet"
    identity = office.identity()
    save_identity(folder, replace(identity, people=(*identity.people, ANNA)))
    with closing(reopened(folder, office)) as found:
        yield found


def reopened(folder: Path, office: Office) -> Tablet:
    return open_tablet(
        folder,
        office.clock,
        connect=lambda _identity: office.api(),
        vault=quick_vault(folder),
    )


@pytest.fixture
def presenter(tablet: Tablet, office: Office) -> LogInPresenter:
    context = PresenterContext(
        worker=InlineWorker(),
        words=ChosenWords("en"),
        clock=office.clock,
        zone=load_zone("test", "UTC"),
    )
    found = LogInPresenter(tablet, context)
    found.attach(lambda _view: None, lambda: None)
    return found


def wang(tablet: Tablet) -> str:
    assert tablet.identity is not None
    return tablet.identity.people[0].account_id


def operations(tablet: Tablet) -> list[Operation]:
    return [entry.operation for entry in tablet.waiting()]


def type_pin(presenter: LogInPresenter, pin: str) -> LogInView:
    for digit in pin:
        presenter.type_digit(digit)
    presenter.confirm()
    return presenter.view


def test_a_tablet_without_a_pin_works_as_ever_and_offers_one(
    tablet: Tablet, presenter: LogInPresenter
) -> None:
    assert presenter.view.step is PinStep.OFF
    assert presenter.view.can_set_pin
    assert "Without one none are kept" in presenter.view.offer_text
    assert tablet.choose_person("anna")


def test_every_tap_names_who_made_it_and_under_which_log_in(tablet: Tablet, office: Office) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    first = wang(tablet)
    tablet.desk.add_note(order_id, "of Wang, without a PIN")
    tablet.set_pin(PIN)
    tablet.desk.add_note(order_id, "of Wang, with a PIN")
    tablet.choose_person("anna")
    tablet.desk.add_note(order_id, "of Anna")

    made = operations(tablet)
    tablet.unlock(first, PIN)

    assert [each.actor for each in made] == [first, first, "anna"]
    assert [each.session.partition(":")[0] for each in made] == ["open", "pin", "open"]
    assert len({each.session for each in made}) == 3
    assert operations(tablet) == made


def test_drafts_stay_with_their_author(tablet: Tablet, office: Office) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    first = wang(tablet)
    tablet.desk.save_answers(order_id, {"note": "Wang's words"})
    tablet.choose_person("anna")
    hers_before = tablet.desk.finding(order_id).fields
    on_her_list = [line.has_draft for line in tablet.desk.page(OrderQuery()).lines]
    tablet.desk.save_answers(order_id, {"note": "Anna's words"})
    tablet.choose_person(first)

    assert hers_before == {}
    assert on_her_list == [False]
    assert tablet.desk.finding(order_id).fields == {"note": "Wang's words"}
    assert [line.has_draft for line in tablet.desk.page(OrderQuery()).lines] == [True]


def test_sealing_one_draft_tells_the_colleagues_words_in_their_name(
    tablet: Tablet, office: Office
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.desk.save_answers(order_id, {"note": "Wang's words"})
    first = wang(tablet)
    tablet.choose_person("anna")
    for step in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(step))
    answers = {"result": "leak", "cause": "joint", "note": "third joint"}
    tablet.desk.save_answers(order_id, answers)
    tablet.desk.finish(order_id)
    tablet.choose_person(first)

    (told,) = [each for each in operations(tablet) if each.actor == first]
    assert told.payload is not None
    assert told.payload["is_unfinished"] is True
    assert "Wang's words" in str(told.payload["answers"])
    assert {each.actor for each in operations(tablet)} == {"anna", first}


def test_the_outbox_is_pushed_whoever_is_at_work(tablet: Tablet, office: Office) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.set_pin(PIN)
    tablet.desk.add_note(order_id, "of Wang")
    tablet.lock()

    verdict = tablet.sync_now()

    assert verdict.settled == 1
    assert "of Wang" in office.order(order_id).document.note


def test_a_locked_tablet_stays_locked_over_a_restart(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    tablet.set_pin(PIN)
    actor = wang(tablet)
    tablet.close()

    with closing(reopened(tmp_path / "tablet", office)) as later:
        was_locked = later.log_in.is_locked()
        refused = later.choose_person("anna")
        later.unlock(actor, PIN)

        assert (was_locked, refused, later.log_in.is_locked()) == (True, False, False)


def test_a_tablet_that_lies_about_locks_itself(tmp_path: Path) -> None:
    seconds = [0.0]
    vault = quick_vault(tmp_path)
    log_in = LogIn(vault, lambda: at(0), lambda: seconds[0])
    log_in.set_pin("wang", PIN)
    seconds[0] = LOCK_AFTER_S - 1
    early = log_in.lock_if_idle()
    log_in.touch()
    seconds[0] += LOCK_AFTER_S - 1
    after_a_touch = log_in.lock_if_idle()
    seconds[0] += 1

    assert (early, after_a_touch) == (False, False)
    assert (log_in.lock_if_idle(), log_in.lock_if_idle()) == (True, False)
    assert log_in.is_locked()


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this monotonic clock never rests")
def test_a_tablet_that_has_slept_is_locked_by_the_touch_that_wakes_it(
    tablet: Tablet, presenter: LogInPresenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet.set_pin(PIN)
    presenter.touch()
    stayed_open = not tablet.log_in.is_locked()
    woken_s = time.clock_gettime(time.CLOCK_BOOTTIME) + LOCK_AFTER_S
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: woken_s)
    presenter.touch()

    assert stayed_open
    assert (tablet.log_in.is_locked(), presenter.view.step) == (True, PinStep.WHO)


def test_a_pin_is_chosen_twice_and_opens_again(tablet: Tablet, presenter: LogInPresenter) -> None:
    presenter.begin_set_pin()
    easy = type_pin(presenter, "123456")
    repeat = type_pin(presenter, PIN)
    unlike = type_pin(presenter, OTHER_PIN)
    type_pin(presenter, PIN)
    done = type_pin(presenter, PIN)
    presenter.lock()
    locked = presenter.view
    presenter.choose(wang(tablet))
    wrong = type_pin(presenter, OTHER_PIN)
    opened = type_pin(presenter, PIN)

    assert easy.message.startswith("Too easy")
    assert (repeat.step, unlike.step) == (PinStep.REPEAT, PinStep.CHOOSE)
    assert unlike.message == "The two are not alike; choose again."
    assert (done.step, done.has_pin, locked.step) == (PinStep.OFF, True, PinStep.WHO)
    assert wrong.message == "Wrong PIN. Tries left: 9."
    assert (opened.step, opened.message) == (PinStep.OFF, "")


def test_a_colleague_with_a_pin_must_give_it(tablet: Tablet, presenter: LogInPresenter) -> None:
    tablet.set_pin(PIN)
    first = wang(tablet)
    presenter.choose("anna")
    tablet.set_pin(OTHER_PIN)
    presenter.choose(first)
    asked = presenter.view
    presenter.cancel()
    stayed = tablet.stamps.actor()
    presenter.choose(first)
    type_pin(presenter, PIN)

    assert (asked.step, asked.can_cancel, stayed) == (PinStep.ENTER, True, "anna")
    assert tablet.stamps.actor() == first


def test_what_is_typed_is_never_part_of_a_view(presenter: LogInPresenter) -> None:
    presenter.begin_set_pin()
    for digit in PIN:
        presenter.type_digit(digit)
    presenter.rub_out()

    assert presenter.view.digits_count == 5
    assert PIN[:5] not in repr(presenter.view)


def test_a_person_without_a_pin_cannot_open_a_locked_tablet(
    tablet: Tablet, presenter: LogInPresenter
) -> None:
    tablet.set_pin(PIN)
    presenter.lock()
    presenter.choose("anna")
    view = presenter.view

    assert view.step == "who"
    assert view.message.startswith("Anna has set no PIN. Somebody with a PIN opens")
    assert tablet.unlock("anna", OTHER_PIN).outcome is PinOutcome.UNKNOWN
    assert tablet.log_in.is_locked()
