"""A tablet is withdrawn: what it received goes, what its crew entered arrives all the same."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from field_app.access.withdrawal import Withdrawal, send_sealed, withdraw
from field_app.config import TabletConfig
from field_app.config_io import load_zone
from field_app.i18n import ChosenWords
from field_app.orders.order_list_store import OrderQuery
from field_app.platform.no_vault import NoVault
from field_app.platform.vault_file_io import VAULT_FILE
from field_app.presenters.enrol import EnrolPresenter
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.store import base_store, look_store
from field_app.store.identity_io import load_identity
from field_app.store.tables import sealed_item
from field_app.sync.reasons import Reason
from field_app.tablet import STORE_FILE, Tablet, open_tablet
from sync_server.db.engine_io import reading
from sync_server.db.server_store import server_epoch
from sync_server.db.sync_tables import OP_LEDGER
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.review_store import list_reviews
from sync_server.work_orders.order_store import order_history
from tests.field_app.office_parts import Office, serving
from tests.field_app.vault_parts import quick_vault
from tests.field_app.withdrawal_parts import (
    PIN,
    WORDS,
    app_with_keys,
    files_with,
    kinds_kept,
    ledger,
    new_tablet,
    revoke,
    work_offline,
    work_offline_after_accepting,
)
from tests.sync_server.blobs.blob_parts import jpeg
from tests.sync_server.real_parts import HandClock
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Outcome
from wire_contracts.sealed import MAX_ENVELOPES, SealedAnswer, SealedRequest, SealedResult
from wire_contracts.sync import PROTOCOL
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


@pytest.fixture
def server(office: Office, tmp_path: Path) -> Iterator[str]:
    with serving(app_with_keys(office, tmp_path / "keys")) as url:
        yield url


@pytest.fixture
def tablet(office: Office, server: str, tmp_path: Path) -> Iterator[Tablet]:
    with closing(new_tablet(tmp_path / "tablet", office, server)) as found:
        found.set_pin(PIN)
        yield found


def test_a_revoked_tablet_hands_in_every_word_and_keeps_none(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    actor = tablet.stamps.actor()
    op_ids = work_offline(tablet, order_id)
    revoke(office, tablet)

    verdict = tablet.sync_now()

    address = office.order(order_id).document.address
    assert verdict.reason is Reason.WITHDRAWN
    assert {op_id: ledger(office)[op_id] for op_id in op_ids} == dict.fromkeys(op_ids, actor)
    assert ("draft", True) in kinds_kept(office)
    assert tablet.withdrawal() == Withdrawal(
        is_withdrawn=True, sealed_waiting=0, readable_waiting=0, photos_waiting=0
    )
    assert tablet.desk.page(OrderQuery()).total_count == 0
    assert files_with(tmp_path / "tablet", WORDS) == []
    assert files_with(tmp_path / "tablet", address) == []
    assert not (tmp_path / "tablet" / VAULT_FILE).exists()
    assert tablet.people() == ()


def outcomes(office: Office) -> set[Outcome]:
    with office.engine.begin() as connection:
        return {each.outcome for each in read_ledger(connection)}


def work_and_finish(tablet: Tablet, order_id: str, clock: HandClock) -> None:
    """Do a whole order; between leaving and arriving the clock is set back by two hours."""
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.desk.tap(order_id, WorkOrderEvent.DEPART)
    clock.advance(hours=-2)
    tablet.desk.tap(order_id, WorkOrderEvent.ARRIVE)
    tablet.desk.tap(order_id, WorkOrderEvent.BEGIN)
    tablet.desk.save_answers(order_id, {"result": "leak", "cause": "joint", "note": WORDS})
    tablet.desk.finish(order_id)


def test_what_a_revoked_tablet_did_takes_effect_in_the_order_of_its_taps(
    office: Office, server: str, tmp_path: Path
) -> None:
    order_id, clock = office.new_order(), HandClock()
    folder = tmp_path / "tablet"
    with closing(open_tablet(folder, clock, vault=quick_vault(folder))) as tablet:
        tablet.enrol(server, office.code(), "van 3")
        tablet.sync_now()
        work_and_finish(tablet, order_id, clock)
        revoke(office, tablet)
        tablet.sync_now()

    assert outcomes(office) == {Outcome.APPLIED}
    assert office.order(order_id).document.state is WorkOrderState.FINISHED


def test_what_a_withdrawal_left_sealed_goes_before_what_was_done_since(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.desk.tap(order_id, WorkOrderEvent.DEPART)
    at_ms = ms_from_utc(office.clock.now_utc())
    tablet.database.write(partial(withdraw, seal=tablet.vault.seal, at_ms=at_ms))
    tablet.enrol(server, office.code(), "van 3")
    tablet.photos.add(order_id, jpeg())

    tablet.sync_now()

    with reading(office.engine) as connection:
        decided = connection.execute(select(OP_LEDGER.c.n).order_by(text("rowid"))).scalars().all()
    assert decided == sorted(decided)
    assert len(decided) == 3


@dataclass(slots=True)
class Recorder:
    """Holds everything at once, and knows what came together."""

    requests: list[list[str]]
    epoch: int

    def send_sealed(self, request: SealedRequest) -> SealedAnswer:
        self.requests.append([each.about for each in request.envelopes])
        results = [
            SealedResult(kind=each.kind, about=each.about, is_opened=True)
            for each in request.envelopes
        ]
        return SealedAnswer(
            server_epoch=self.epoch, server_now_ms=1, protocol=PROTOCOL, results=results
        )


def test_the_taps_of_one_action_leave_sealed_in_one_request(tablet: Tablet, office: Office) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    for event in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(event))
    for number in range(MAX_ENVELOPES - 6):
        tablet.desk.add_note(order_id, f"{WORDS} {number}")
    tablet.desk.save_answers(order_id, {"result": "leak", "cause": "joint", "note": WORDS})
    tablet.desk.finish(order_id)
    waiting = tablet.database.read(lambda c: look_store.waiting_entries(c, 2 * MAX_ENVELOPES))
    tablet.database.write(partial(withdraw, seal=tablet.vault.seal, at_ms=1))
    with reading(office.engine) as connection:
        recorder = Recorder([], server_epoch(connection))

    send_sealed(tablet.database, recorder, office.clock)

    group = waiting[-1].operation.group
    finding = [each.operation.op_id for each in waiting if each.operation.group == group]
    assert [op_id for request in recorder.requests for op_id in request] == [
        each.operation.op_id for each in waiting
    ]
    assert [len(request) for request in recorder.requests] == [MAX_ENVELOPES - 2, len(finding)]
    assert recorder.requests[-1] == finding


@pytest.mark.parametrize("knows_the_withdrawal", [True, False])
def test_a_restored_server_gets_again_what_a_withdrawn_tablet_had_handed_in(
    tablet: Tablet, office: Office, tmp_path: Path, *, knows_the_withdrawal: bool
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    early = office.back_up(tmp_path / "early.sqlite3")
    tablet.sync_now()
    op_ids = [*ledger(office), *work_offline_after_accepting(tablet, order_id)]
    revoke(office, tablet)
    backup = office.back_up(tmp_path / "late.sqlite3") if knows_the_withdrawal else early
    tablet.sync_now()
    office.restore(backup)

    tablet.sync_now()
    tablet.sync_now()

    assert set(op_ids) <= ledger(office).keys()
    assert tablet.withdrawal().sealed_waiting == 0


def test_a_withdrawn_tablet_stays_empty_where_a_restored_server_forgot_the_withdrawal(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    office.new_order()
    tablet.sync_now()
    backup = office.back_up(tmp_path / "early.sqlite3")
    revoke(office, tablet)
    tablet.sync_now()
    office.restore(backup)

    verdict = tablet.sync_now()

    assert verdict.reason is Reason.WITHDRAWN
    assert tablet.must_enrol()
    assert tablet.desk.page(OrderQuery()).total_count == 0


def test_without_the_network_the_sealed_words_wait_over_restarts(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    op_ids = work_offline(tablet, order_id)
    tablet.database.write(partial(withdraw, seal=tablet.vault.seal, at_ms=1))
    tablet.close()
    revoke(office, tablet)

    folder = tmp_path / "tablet"
    with closing(open_tablet(folder, office.clock, vault=quick_vault(folder))) as later:
        waits = later.withdrawal()
        is_left = (folder / VAULT_FILE).exists()
        plain = files_with(folder, WORDS)
        later.sync_now()
        through = later.withdrawal()

    assert (waits.is_withdrawn, waits.sealed_waiting, is_left, plain) == (True, 3, False, [])
    assert through.sealed_waiting == 0
    assert set(op_ids) <= set(ledger(office))


def test_what_could_not_be_sealed_stays_and_arrives_after_a_new_enrolment(
    office: Office, server: str, tmp_path: Path
) -> None:
    order_id = office.new_order()
    folder = tmp_path / "bare"
    with closing(new_tablet(folder, office, server, NoVault())) as tablet:
        op_ids = work_offline(tablet, order_id)
        revoke(office, tablet)
        tablet.sync_now()
        left = tablet.withdrawal()
        shown = [entry.operation.op_id for entry in tablet.waiting()]
        rows = tablet.database.read(lambda c: base_store.load_documents(c, "work_order"))

        tablet.enrol(server, office.code(), "van 3")
        tablet.sync_now()

        assert left == Withdrawal(
            is_withdrawn=True, sealed_waiting=0, readable_waiting=2, photos_waiting=0
        )
        assert (shown, rows) == (op_ids, [])
        assert set(op_ids) <= set(ledger(office))
        assert not tablet.withdrawal().is_withdrawn
        assert tablet.desk.finding(order_id).fields["note"] == f"draft of {WORDS}"


def test_what_was_sent_and_could_not_be_sealed_comes_again_to_a_restored_server(
    office: Office, server: str, tmp_path: Path
) -> None:
    order_id = office.new_order()
    with closing(new_tablet(tmp_path / "bare", office, server, NoVault())) as tablet:
        backup = office.back_up(tmp_path / "early.sqlite3")
        op_ids = work_offline(tablet, order_id)
        tablet.sync_now()
        revoke(office, tablet)
        tablet.sync_now()
        office.restore(backup)
        tablet.sync_now()
        waits = tablet.withdrawal().readable_waiting

        tablet.enrol(server, office.code(), "van 3")
        tablet.sync_now()

    assert waits == len(op_ids)
    assert set(op_ids) <= set(ledger(office))


def test_a_tablet_that_was_withdrawn_can_be_enrolled_again(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    revoke(office, tablet)
    tablet.sync_now()

    tablet.enrol(server, office.code(), "van 3")
    verdict = tablet.sync_now()

    assert verdict.reason is Reason.NONE
    assert [line.order_id for line in tablet.desk.page(OrderQuery()).lines] == [order_id]
    assert [person.name for person in tablet.people()] == ["Wang"]


def test_the_first_page_says_that_the_tablet_was_withdrawn_and_takes_a_new_code(
    tablet: Tablet, office: Office, server: str
) -> None:
    context = PresenterContext(
        worker=InlineWorker(),
        words=ChosenWords("en"),
        clock=office.clock,
        zone=load_zone("test", "UTC"),
    )
    presenter = EnrolPresenter(tablet, context, TabletConfig())
    presenter.attach(lambda _view: None)
    before = presenter.view.is_enrolled
    revoke(office, tablet)
    tablet.sync_now()
    presenter.refresh()
    withdrawn = presenter.view
    presenter.type_server(server)
    presenter.type_code(office.code())
    presenter.enrol()

    assert (before, withdrawn.is_enrolled, presenter.view.is_enrolled) == (True, False, True)
    assert withdrawn.message == (
        "The office has withdrawn this tablet. All that you entered has arrived there."
    )
    assert presenter.view.message == ""


def test_words_are_sealed_in_the_transaction_that_keeps_them(
    tablet: Tablet, office: Office
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    op_ids = work_offline(tablet, order_id)

    kept = tablet.database.read(sealed_abouts)
    tablet.sync_now()

    assert kept == {*op_ids, order_id}
    assert tablet.database.read(sealed_abouts) == {order_id}


def sealed_abouts(connection: Connection) -> set[str]:
    return set(connection.execute(select(sealed_item.c.about)).scalars())


def test_words_from_before_the_key_was_known_are_sealed_with_the_first_contact(
    office: Office, server: str, tmp_path: Path
) -> None:
    order_id = office.new_order()
    folder = tmp_path / "tablet"
    with closing(new_tablet(folder, office, server, NoVault())) as tablet:
        tablet.desk.save_answers(order_id, {"note": WORDS})
        before = tablet.database.read(sealed_abouts)
    with closing(open_tablet(folder, office.clock, vault=quick_vault(folder))) as tablet:
        tablet.sync_now()

        assert (before, tablet.database.read(sealed_abouts)) == (set(), {order_id})


def test_a_sealed_draft_goes_with_the_finding_that_it_became(
    tablet: Tablet, office: Office
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    for event in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(event))
    answers = {"result": "leak", "cause": "joint", "note": WORDS}
    tablet.desk.save_answers(order_id, answers)
    tablet.desk.finish(order_id)

    assert order_id not in tablet.database.read(sealed_abouts)


def test_a_kill_before_any_statement_of_the_wipe_loses_no_word(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    op_ids = {*work_offline(tablet, order_id), order_id}
    tablet.close()
    folder = tmp_path / "tablet"
    whole = (folder / STORE_FILE).read_bytes()
    points = 0

    while True:
        told = Teller(points)
        (folder / STORE_FILE).write_bytes(whole)
        again = open_tablet(folder, office.clock, vault=quick_vault(folder), watch=told)
        told.is_on = True
        try:
            again.database.write(partial(withdraw, seal=again.vault.seal, at_ms=1))
        except PowerCutError:
            points += 1
            found = again.database.read(words_left)
        else:
            found = again.database.read(words_left)
            break
        finally:
            told.is_on = False
            again.close()
        assert found == op_ids

    assert points > 10
    assert found == op_ids


class PowerCutError(RuntimeError):
    """The statement was never run."""


class Teller:
    """Stops the work before statement number `last`."""

    def __init__(self, last: int) -> None:
        self.is_on = False
        self._left = last

    def __call__(self, statement: str) -> None:
        if not self.is_on or statement == "ROLLBACK":
            return
        if self._left == 0:
            raise PowerCutError(statement)
        self._left -= 1


def words_left(connection: Connection) -> set[str]:
    """Return the names of all words on the tablet, sealed or readable."""
    operations = connection.exec_driver_sql("SELECT op_id FROM outbox_op WHERE status='queued'")
    drafts = connection.exec_driver_sql("SELECT order_id FROM draft_answer")
    return {
        *(str(row[0]) for row in operations),
        *(str(row[0]) for row in drafts),
        *sealed_abouts(connection),
    }


def test_copies_and_rescued_files_go_with_a_withdrawal(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "tablet"
    office.new_order()
    tablet.sync_now()
    (folder / f"{STORE_FILE}.v1").write_bytes((folder / STORE_FILE).read_bytes())
    revoke(office, tablet)
    tablet.sync_now()

    assert not (folder / f"{STORE_FILE}.v1").exists()
    assert load_identity(folder) is not None


def test_a_tablet_that_is_enrolled_anew_is_nobodys_clone_and_its_times_stay_in_order(
    tablet: Tablet, office: Office, server: str
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.sync_now()
    office.clock.advance(hours=2)
    tablet.desk.tap(order_id, WorkOrderEvent.DEPART)
    office.clock.advance(hours=2)
    tablet.enrol(server, office.code(), "van 3")
    office.clock.advance(hours=-3)
    tablet.desk.tap(order_id, WorkOrderEvent.ARRIVE)
    office.clock.advance(hours=3)
    verdict = tablet.sync_now()

    with reading(office.engine) as connection:
        kinds = [item.kind for item in list_reviews(connection)]
        steps = order_history(connection, order_id)
    moments = [
        step.happened_at_utc for step in steps if step.actor == tablet.people()[0].account_id
    ]
    assert (verdict.reason, verdict.settled, kinds) == (Reason.NONE, 2, [])
    assert len(moments) == 3
    assert moments == sorted(moments)
    assert moments[1] == office.clock.now_utc() - timedelta(hours=2)
