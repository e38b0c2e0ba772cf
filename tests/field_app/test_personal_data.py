"""Who is to be met at an order: readable with the PIN, while the lease lasts, never on disk."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, timedelta
from functools import reduce
from operator import xor
from pathlib import Path

import pytest
from sqlalchemy import Connection

from field_app.access.personal_data import Gap
from field_app.i18n import CatalogueWords
from field_app.orders.order_list_store import OrderQuery
from field_app.platform.no_vault import NoVault
from field_app.platform.pin_rules import MOST_WRONG
from field_app.platform.ports import PinOutcome, Vault
from field_app.presenters.order import OrderPresenter
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.store import base_store, lease_store, settings_store
from field_app.store.identity_io import save_identity
from field_app.store.personal_rows import CIPHERTEXT
from field_app.store.settings_store import Key
from field_app.sync.pulling import PulledPage, take_page
from field_app.tablet import Tablet, open_tablet
from tests.field_app.office_parts import Office
from tests.field_app.vault_parts import quick_vault
from tests.sync_server.real_parts import HandClock, wait_until
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.order_person import ENTITY, OrderPerson, order_person_json
from wire_contracts.pulls import BucketEnd, BucketPage, EntityRow, PullAnswer, Tombstone, hash_row
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import VisitEnd, VisitEndReason
from wire_contracts.work_order_states import WorkOrderEvent

PIN = "482916"
NAME, PHONE = "王秀英·Überprüf", "138-0013-8000"
PERSON = OrderPerson(name=NAME, phone=PHONE, note="gate code 4711")
SECRETS = [
    form
    for text in (NAME, PHONE, PERSON.note)
    for form in (
        text.encode(),
        text.encode("utf-16-le"),
        text.encode("ascii", "backslashreplace"),
    )
]
LEASE = timedelta(days=7)


@pytest.fixture
def tablet(tmp_path: Path, office: Office) -> Iterator[Tablet]:
    with closing(enrolled(tmp_path / "tablet", office)) as found:
        yield found


def enrolled(folder: Path, office: Office, vault: Vault | None = None) -> Tablet:
    save_identity(folder, office.identity())
    return open_tablet(
        folder,
        office.clock,
        connect=lambda _identity: office.api(),
        vault=vault or quick_vault(folder),
    )


def person_row(order_id: str, person: OrderPerson = PERSON) -> EntityRow:
    document = order_person_json(person)
    return EntityRow(
        entity=ENTITY,
        entity_id=order_id,
        seq=900,
        row_hash=hash_row(ENTITY, order_id, document),
        document=document,
    )


def bring(tablet: Tablet, clock: HandClock, *pages: BucketPage) -> None:
    """Let one page of the server arrive, as the sync takes it."""
    now_ms = ms_from_utc(clock.now_utc())

    def work(connection: Connection) -> None:
        token = settings_store.load_text(connection, Key.PULL_TOKEN)
        answer = PullAnswer(
            server_epoch=None,
            server_now_ms=now_ms,
            token=f"{token}+",
            has_more=False,
            buckets=pages,
            lease_until_ms=now_ms + LEASE // timedelta(milliseconds=1),
        )
        page = PulledPage(asked_token=token, round_no=1, answer=answer)
        take_page(connection, page, clock, tablet.personal.keep)

    tablet.database.write(work)


def with_person(tablet: Tablet, office: Office) -> str:
    (order_id,) = with_persons(tablet, office, office.new_order())
    return order_id


def with_persons(tablet: Tablet, office: Office, *order_ids: str) -> tuple[str, ...]:
    tablet.sync_now()
    rows = tuple(person_row(each) for each in order_ids)
    end = BucketEnd(count=len(rows), checksum=reduce(xor, (each.row_hash for each in rows)))
    bring(tablet, office.clock, BucketPage(bucket="user:x", is_reset=False, rows=rows, end=end))
    return order_ids


def actor_of(tablet: Tablet) -> str:
    assert tablet.identity is not None
    return tablet.identity.actor


def gap(tablet: Tablet, order_id: str) -> Gap:
    return tablet.personal.person_of(order_id).gap


def plain_words_in(folder: Path) -> list[str]:
    """Return the files that hold a secret in any plain form."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in SECRETS)
    )


def test_a_person_is_shown_while_the_tablet_is_open_and_not_while_it_is_locked(
    tablet: Tablet, office: Office
) -> None:
    tablet.set_pin(PIN)
    order_id = with_person(tablet, office)
    seen = tablet.personal.person_of(order_id)
    tablet.lock()
    locked = gap(tablet, order_id)

    assert (seen.person, locked) == (PERSON, Gap.LOCKED)
    assert tablet.unlock(actor_of(tablet), PIN).outcome is PinOutcome.OPENED
    assert tablet.personal.person_of(order_id).person == PERSON


def test_what_arrives_while_the_tablet_is_locked_is_there_after_the_pin(
    tablet: Tablet, office: Office
) -> None:
    tablet.set_pin(PIN)
    tablet.lock()
    order_id = with_person(tablet, office)
    tablet.unlock(actor_of(tablet), PIN)

    assert tablet.personal.person_of(order_id).person == PERSON


def test_without_a_pin_nothing_is_kept_and_the_checksum_still_adds_up(
    tablet: Tablet, office: Office
) -> None:
    order_id = with_person(tablet, office)

    row = tablet.database.read(lambda c: base_store.load_row(c, ENTITY, order_id))
    assert row is not None
    assert (row.document, gap(tablet, order_id)) == ({}, Gap.NO_PIN)
    assert tablet.database.read(base_store.load_reports) == []


def test_the_first_pin_fetches_what_could_not_be_kept(tablet: Tablet, office: Office) -> None:
    with_person(tablet, office)
    before = tablet.database.read(lambda c: settings_store.load_text(c, Key.PULL_TOKEN))

    tablet.set_pin(PIN)

    after = tablet.database.read(lambda c: settings_store.load_text(c, Key.PULL_TOKEN))
    assert before is not None
    assert after is None
    assert tablet.seconds_until_due() == 0


def test_without_a_vault_nothing_is_kept_and_it_says_so(tmp_path: Path, office: Office) -> None:
    with closing(enrolled(tmp_path / "bare", office, NoVault())) as tablet:
        order_id = with_person(tablet, office)

        assert gap(tablet, order_id) is Gap.NO_VAULT
        assert not tablet.vault.availability().is_available
    assert plain_words_in(tmp_path / "bare") == []


def test_no_plain_word_of_a_person_reaches_the_disk(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "tablet"
    tablet.set_pin(PIN)
    order_id = with_person(tablet, office)
    tablet.personal.person_of(order_id)
    tablet.desk.page(OrderQuery(search=NAME[:2]))
    tablet.lock()
    bring_again = BucketPage(bucket="user:y", is_reset=False, rows=(person_row(order_id),))
    bring(tablet, office.clock, bring_again)
    while_used = plain_words_in(folder)
    address = office.order(order_id).document.address.encode()
    finds_plain_words = any(address in path.read_bytes() for path in folder.glob("*sqlite3*"))
    tablet.database.tidy(patiently=True)

    assert finds_plain_words
    assert while_used == plain_words_in(folder) == []


def test_the_search_knows_no_person(tablet: Tablet, office: Office) -> None:
    tablet.set_pin(PIN)
    with_person(tablet, office)

    found = [tablet.desk.page(OrderQuery(search=text)).total_count for text in (NAME, PHONE)]

    assert found == [0, 0]


def test_a_person_out_of_the_window_goes_even_when_own_words_wait(
    tablet: Tablet, office: Office
) -> None:
    tablet.set_pin(PIN)
    order_id = with_person(tablet, office)
    tablet.desk.add_note(order_id, "waits")
    gone = (Tombstone(entity=ENTITY, entity_id=order_id, seq=901),)

    bring(tablet, office.clock, BucketPage(bucket="user:x", is_reset=False, tombstones=gone))

    assert gap(tablet, order_id) is Gap.NOBODY


def test_the_lease_ends_by_itself_and_unsent_words_stay(tablet: Tablet, office: Office) -> None:
    tablet.set_pin(PIN)
    order_id = with_person(tablet, office)
    tablet.desk.add_note(order_id, "never wiped")
    office.clock.advance(days=7, seconds=1)

    shown = gap(tablet, order_id)
    has_dropped = tablet.personal.check_lease()

    row = tablet.database.read(lambda c: base_store.load_row(c, ENTITY, order_id))
    assert (shown, has_dropped) == (Gap.LEASE_ENDED, True)
    assert row is not None
    assert row.document == {}
    assert [entry.operation.new for entry in tablet.waiting()] == ["never wiped"]
    assert tablet.desk.page(OrderQuery()).total_count == 1


def test_turning_the_clock_back_does_not_make_the_lease_longer(
    tablet: Tablet, office: Office
) -> None:
    tablet.set_pin(PIN)
    order_id = with_person(tablet, office)
    depart(tablet, order_id)
    office.clock.advance(days=6)
    tablet.personal.check_lease()
    office.clock.advance(days=-30)
    still = gap(tablet, order_id)
    office.clock.advance(days=31, minutes=1)

    assert still is Gap.NONE
    assert tablet.personal.check_lease()


def depart(tablet: Tablet, order_id: str) -> None:
    for event in (WorkOrderEvent.ACCEPT, WorkOrderEvent.DEPART):
        tablet.desk.tap(order_id, event)


def kept_of(tablet: Tablet, order_id: str) -> JsonObject:
    row = tablet.database.read(lambda c: base_store.load_row(c, ENTITY, order_id))
    assert row is not None
    return row.document


def test_after_two_days_without_contact_a_name_leaves_the_file_but_not_of_a_begun_visit(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    tablet.set_pin(PIN)
    orders = office.new_order(), office.new_order(Medium.GAS)
    order_id, begun = with_persons(tablet, office, *orders)
    depart(tablet, begun)
    tablet.desk.add_note(order_id, "never wiped")
    ciphertext = str(kept_of(tablet, order_id)[CIPHERTEXT]).encode()
    office.clock.advance(hours=47, minutes=59)
    assert not tablet.personal.check_lease()
    assert gap(tablet, order_id) is Gap.NONE
    office.clock.advance(days=-30)  # a network sets the clock back: no window grows longer
    tablet.personal.check_lease()
    office.clock.advance(days=30, minutes=1)

    assert gap(tablet, order_id) is Gap.LEASE_ENDED, "not shown, though nobody has dropped it yet"
    assert tablet.personal.check_lease()
    assert (kept_of(tablet, order_id), gap(tablet, begun)) == ({}, Gap.NONE)
    files = [each for each in (tmp_path / "tablet").rglob("*") if each.is_file()]
    assert [each.name for each in files if ciphertext in each.read_bytes()] == []
    assert "never wiped" in [entry.operation.new for entry in tablet.waiting()]
    assert not tablet.personal.check_lease()
    tablet.desk.tap(begun, WorkOrderEvent.ARRIVE)
    end = VisitEnd(reason=VisitEndReason.NOBODY_HOME, notice="17", appointment_ms=None)
    tablet.site.leave(begun, WorkOrderEvent.NO_ACCESS, end)
    assert tablet.personal.check_lease()
    bring(tablet, office.clock)
    assert tablet.personal.fetch_wanted()


def test_a_contact_after_the_end_of_the_lease_brings_the_person_back(
    tablet: Tablet, office: Office
) -> None:
    tablet.set_pin(PIN)
    order_id = with_person(tablet, office)
    office.clock.advance(days=8)
    tablet.personal.check_lease()

    bring(tablet, office.clock)
    asks_again = tablet.personal.fetch_wanted()
    again = BucketPage(bucket="user:x", is_reset=True, rows=(person_row(order_id),))
    bring(tablet, office.clock, again)

    assert asks_again
    assert tablet.personal.person_of(order_id).person == PERSON
    assert not tablet.personal.fetch_wanted()


def test_ten_wrong_pins_take_the_data_and_leave_the_words(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    tablet.set_pin(PIN)
    order_id = with_person(tablet, office)
    tablet.desk.add_note(order_id, "never wiped")
    tablet.lock()
    actor = actor_of(tablet)

    for _ in range(MOST_WRONG):
        wait_until(lambda: tablet.unlock(actor, "000001").outcome is not PinOutcome.WAIT)

    row = tablet.database.read(lambda c: base_store.load_row(c, ENTITY, order_id))
    assert row is not None
    assert row.document == {}
    assert tablet.unlock(actor, PIN).outcome is PinOutcome.WIPED
    assert tablet.log_in.is_locked()
    assert [entry.operation.new for entry in tablet.waiting()] == ["never wiped"]
    assert plain_words_in(tmp_path / "tablet") == []


def test_a_row_moved_to_another_order_is_not_shown(tablet: Tablet, office: Office) -> None:
    tablet.set_pin(PIN)
    order_id = with_person(tablet, office)

    def move(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE base_row SET entity_id='o-x' WHERE entity=?", (ENTITY,))

    tablet.database.write(move)

    assert gap(tablet, order_id) is Gap.NOBODY
    assert gap(tablet, "o-x") is Gap.UNREADABLE


def test_the_lease_is_what_the_server_says(tablet: Tablet, office: Office) -> None:
    with_person(tablet, office)
    until = tablet.database.read(lambda c: settings_store.load_integer(c, Key.LEASE_UNTIL_MS))

    assert until == ms_from_utc(office.clock.now_utc() + LEASE)
    assert tablet.database.read(lease_store.load_sealing_key) is None


class Telephone:
    """Notes what it was asked to show."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def dial(self, number: str) -> None:
        self.shown.append(number)


def test_a_number_is_called_only_while_it_may_be_seen(tablet: Tablet, office: Office) -> None:
    tablet.set_pin(PIN)
    order_id, telephone = with_person(tablet, office), Telephone()
    context = PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("en"), clock=office.clock, zone=UTC
    )
    presenter = OrderPresenter(tablet, context, order_id, telephone)
    presenter.attach(lambda _view: None)
    presenter.call()
    tablet.lock()
    presenter.refresh()
    presenter.call()
    plain = OrderPresenter(tablet, context, order_id)
    plain.attach(lambda _view: None)

    assert telephone.shown == [PHONE]
    assert (presenter.view.phone, plain.view.phone) == ("", "")
