"""A full disk at a tap: one calm sentence, nothing half written, and the answer is tried again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from field_app.crew import HeadlessCrew
from field_app.i18n import ChosenWords
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.order import OrderPresenter
from field_app.presenters.ports import PresenterContext
from field_app.presenters.wording import no_room_text
from field_app.store.database_io import StoreFullError
from field_app.tablet import Tablet
from tests.field_app.office_parts import Office
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

T = TypeVar("T")


@dataclass(slots=True)
class PatientWorker:
    """Does work at once, and what is for later when it is told to."""

    waiting: list[Callable[[], None]] = field(default_factory=list)

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        done(work())

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        del delay_s
        self.waiting.append(call)
        return lambda: self.waiting.remove(call) if call in self.waiting else None

    def wait(self) -> None:
        calls, self.waiting = self.waiting, []
        for call in calls:
            call()


@contextmanager
def full_disk(tablet: Tablet) -> Iterator[None]:
    """Let the store's file not grow by one page while the block runs."""

    def limit(connection: Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill(connection: Connection) -> None:
        # no free page inside the file may be left either
        connection.exec_driver_sql("CREATE TABLE filler (content BLOB)")

    def insert(connection: Connection) -> None:
        for _ in range(1000):
            connection.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(3000))")

    tablet.database.write(fill)
    pages = tablet.database.read(lambda c: int(c.exec_driver_sql("PRAGMA page_count").scalar_one()))
    tablet.database.write(lambda connection: limit(connection, pages))
    with pytest.raises(StoreFullError):
        tablet.database.write(insert)
    try:
        yield
    finally:
        tablet.database.write(lambda connection: limit(connection, 1_000_000))
        tablet.database.write(lambda c: c.exec_driver_sql("DROP TABLE filler"))


@pytest.fixture
def context(office: Office) -> PresenterContext:
    return PresenterContext(
        worker=PatientWorker(),
        words=ChosenWords("en"),
        clock=office.clock,
        zone=UTC,
    )


LONG = "漏" * 1900
"""More than what is free on any page that is there."""


def test_a_remark_without_room_is_not_half_written_and_says_so_calmly(
    crew: HeadlessCrew, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    shown: list[str] = []
    presenter = OrderPresenter(crew.tablet, context, order_id)
    presenter.attach(lambda view: shown.append(view.message))
    before = crew.tablet.waiting()

    with full_disk(crew.tablet):
        presenter.add_note(LONG)
        after = crew.tablet.waiting()
        has_room = crew.tablet.database.has_room

    assert shown[-1] == no_room_text(context.words)
    assert (before, after, has_room) == ((), (), False)
    crew.act(order_id, WorkOrderEvent.ACCEPT)
    assert len(crew.tablet.waiting()) == 1


def test_an_answer_without_room_stays_on_the_screen_and_is_tried_again(
    crew: HeadlessCrew, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.go_to_work(order_id)
    presenter = FindingPresenter(crew.tablet, context, order_id)
    presenter.attach(lambda _view: None)
    worker = context.worker
    assert isinstance(worker, PatientWorker)

    with full_disk(crew.tablet):
        presenter.type_note(LONG)
        presenter.flush()
        on_screen = (presenter.view.note, presenter.view.message)
        kept = crew.tablet.desk.finding(order_id).fields.get("note")
        worker.wait()
    worker.wait()

    assert on_screen == (LONG, no_room_text(context.words))
    assert kept is None
    assert crew.tablet.desk.finding(order_id).fields["note"] == LONG
    assert presenter.view.message == ""


def test_a_finding_that_cannot_be_sealed_leaves_order_and_answers_as_they_were(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.go_to_work(order_id)
    crew.answer(order_id, {"result": "leak", "cause": "joint", "note": LONG})
    before = crew.tablet.waiting()

    with full_disk(crew.tablet), pytest.raises(StoreFullError, match="free some space"):
        crew.tablet.desk.finish(order_id)

    seen = crew.order(order_id)
    assert seen is not None
    assert seen.document is not None
    assert seen.document.state is WorkOrderState.WORKING
    assert crew.tablet.waiting() == before
    assert crew.tablet.desk.finding(order_id).fields["note"] == LONG
    crew.tablet.desk.finish(order_id)
    assert len(crew.tablet.waiting()) > len(before)
