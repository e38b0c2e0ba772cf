"""An operation that is answered badly at every contact, without a verdict, delays no other."""

import json
from collections.abc import Collection
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from field_app.crew import HeadlessCrew
from field_app.i18n import ChosenWords
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sync import SyncPresenter
from field_app.store import passed_over_store
from field_app.store.database_io import Database
from field_app.store.outbox_store import NewOperation, TapStamp, append_group
from field_app.store.settings_store import Key, save
from field_app.store.tables import order_copy
from field_app.sync.pushing import Pusher
from field_app.sync.reasons import Reason, SyncProblem
from sync_server.db.engine_io import reading
from sync_server.db.order_tables import FACT
from tests.field_app.office_parts import BadNetwork, Office
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import (
    DeviceTime,
    OperationKind,
    OperationResult,
    Outcome,
    PushAnswer,
    WrittenPush,
    dump_written,
    parse_push,
)
from wire_contracts.payloads import read_json
from wire_contracts.pulls import PullAnswer
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import HelpCall, HelpReason
from wire_contracts.sync import SyncApi
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

POISON = "select * from"


@dataclass(slots=True)
class Filter:
    """What stands before a server and answers in its place whatever holds one of the texts."""

    api: SyncApi
    reason: Reason
    texts: Collection[str] = (POISON,)
    answers_pulls: bool = False
    is_down: bool = False
    pushed: list[int] = field(default_factory=list)

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        if self.answers_pulls:
            raise SyncProblem(self.reason, "the pull, too")
        return self.api.pull(token, limit)

    def push(self, push: WrittenPush) -> PushAnswer:
        self.pushed.append(len(push.bodies))
        bodies = [*push.bodies, *(json.dumps(each.document) for each in push.orders)]
        if self.is_down or any(text in body for body in bodies for text in self.texts):
            raise SyncProblem(self.reason, "answered by what stands before the server")
        return self.api.push(push)


def stand_before(network: BadNetwork, reason: Reason, *texts: str) -> Filter:
    found = Filter(network.api, reason, texts or (POISON,))
    network.api = found
    return found


def call(place: str) -> HelpCall:
    return HelpCall(reason=HelpReason.CREW, place=place)


def places(office: Office) -> list[str]:
    with reading(office.engine) as connection:
        rows = connection.execute(select(FACT.c.payload)).scalars()
        return sorted(str(json.loads(payload)["place"]) for payload in rows)


def contacts(crew: HeadlessCrew, office: Office, count: int) -> list[Reason]:
    found: list[Reason] = []
    for _ in range(count):
        found.append(crew.sync_now().reason)
        office.clock.advance(hours=9)  # nine seconds of its wall
    return found


def state(office: Office, order_id: str) -> WorkOrderState:
    document = office.order(order_id).document
    assert document is not None
    return document.state


@pytest.mark.parametrize("reason", [Reason.SERVER, Reason.CAPTIVE_PORTAL])
def test_all_but_the_poisoned_one_arrive_and_it_goes_once_it_is_let_through(
    crew: HeadlessCrew, office: Office, network: BadNetwork, reason: Reason
) -> None:
    ids = [office.new_order(medium) for medium in (Medium.WATER, Medium.GAS)]
    crew.sync_now()
    guard = stand_before(network, reason)
    crew.tablet.calls.call_help(call(f"{POISON} van"))
    crew.tablet.calls.call_help(call("pit 3"))
    for each in ids:
        crew.tablet.desk.tap(each, WorkOrderEvent.ACCEPT)

    assert contacts(crew, office, 3) == [reason, Reason.NONE, Reason.NONE]

    assert [state(office, each) for each in ids] == [WorkOrderState.ACCEPTED] * 2
    assert places(office) == ["pit 3"]
    assert crew.tablet.status().outbox.waiting == 1
    network.api = guard.api
    contacts(crew, office, 1)
    assert places(office) == ["pit 3", f"{POISON} van"]
    assert crew.tablet.database.read(passed_over_store.load) == frozenset()


def test_a_copy_of_an_order_that_is_answered_badly_ends_no_contact(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    crew.sync_now()
    stand_before(network, Reason.CAPTIVE_PORTAL)
    copy = {"order_id": "lost", "document": json.dumps({"note": POISON}), "as_of_ms": 1}
    crew.tablet.database.write(
        lambda connection: connection.execute(order_copy.insert(), {**copy, "is_told": 0})
    )
    crew.tablet.calls.call_help(call("pit 3"))

    assert contacts(crew, office, 2) == [Reason.NONE, Reason.NONE]

    assert places(office) == ["pit 3"]


def test_what_is_behind_it_about_the_same_order_waits_and_keeps_its_turn(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    poisoned, other = office.new_order(Medium.WATER), office.new_order(Medium.GAS)
    crew.sync_now()
    guard = stand_before(network, Reason.SERVER)
    crew.tablet.calls.call_help(call(POISON), poisoned)
    for each in (poisoned, other):
        crew.tablet.desk.tap(each, WorkOrderEvent.ACCEPT)

    contacts(crew, office, 3)

    assert state(office, poisoned) is not WorkOrderState.ACCEPTED
    assert state(office, other) is WorkOrderState.ACCEPTED
    network.api = guard.api
    contacts(crew, office, 1)
    assert state(office, poisoned) is WorkOrderState.ACCEPTED


@pytest.mark.parametrize(
    ("language", "wanted"), [("en", "the server has a problem"), ("zh_CN", "服务器故障")]
)
def test_the_sync_page_says_which_one_waits_and_why(
    crew: HeadlessCrew, office: Office, network: BadNetwork, language: str, wanted: str
) -> None:
    stand_before(network, Reason.CAPTIVE_PORTAL)
    crew.tablet.calls.call_help(call(POISON))
    crew.tablet.calls.call_help(call("pit 3"))
    contacts(crew, office, 2)
    context = PresenterContext(
        worker=InlineWorker(), words=ChosenWords(language), clock=office.clock, zone=UTC
    )
    presenter = SyncPresenter(crew.tablet, context, desktop_hardware(crew.tablet.vault))

    presenter.attach(lambda _view: None)

    assert [row.text.rpartition(" · ")[2] for row in presenter.view.waiting] == [wanted]
    assert (presenter.view.is_online, presenter.view.banner) == (True, "")


def test_a_portal_that_answers_the_pull_too_is_no_poison(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    guard = stand_before(network, Reason.CAPTIVE_PORTAL)
    guard.answers_pulls = True
    crew.tablet.calls.call_help(call(POISON))

    assert contacts(crew, office, 4) == [Reason.CAPTIVE_PORTAL] * 4

    assert guard.pushed == []


def test_a_server_that_answers_no_push_at_all_is_asked_no_more_than_twice(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    guard = stand_before(network, Reason.SERVER)
    guard.is_down = True
    for number in range(5):
        crew.tablet.calls.call_help(call(f"pit {number}"))

    assert contacts(crew, office, 4) == [Reason.SERVER] * 4

    assert guard.pushed == [5, 5, 0, 5, 0, 5, 0]
    assert crew.tablet.database.read(passed_over_store.load) == frozenset()


@dataclass(slots=True, kw_only=True)
class Server:
    """A server that applies everything but the notes that are poisoned."""

    is_poisoned: bool = True
    arrived: list[str] = field(default_factory=list)

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        raise SyncProblem(Reason.SERVER, f"pull of {limit} after {token}")

    def push(self, push: WrittenPush) -> PushAnswer:
        operations = parse_push(read_json("push", dump_written(push))).operations
        notes = [f"{each.entity_id} {each.new}" for each in operations]
        if self.is_poisoned and any("poison" in note for note in notes):
            raise SyncProblem(Reason.SERVER, "500")
        self.arrived += notes
        results = [
            OperationResult(op_id=each.op_id, outcome=Outcome.APPLIED, seq=1) for each in operations
        ]
        return PushAnswer(server_epoch=1, server_now_ms=ms_from_utc(NOON), results=results)

    def about(self, order_id: str) -> list[str]:
        return [note for note in self.arrived if note.startswith(order_id)]


def note(order_id: str, text: str) -> NewOperation:
    return NewOperation(
        kind=OperationKind.SET,
        entity="work_order",
        entity_id=order_id,
        order_id=order_id,
        field="note",
        old="",
        new=text,
    )


ACTIONS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=2, unique=True), st.booleans()
    ),
    min_size=1,
    max_size=8,
)


def may_go(actions: list[tuple[list[str], bool]]) -> list[str]:
    """What arrives while the poison stands, as it follows from the rule alone."""
    closed: set[str] = set()
    going: list[str] = []
    for number, (orders, is_bad) in enumerate(actions):
        if is_bad or closed & set(orders):
            closed |= set(orders)
        else:
            going += [f"{each} {number}" for each in orders]
    return going


@settings(max_examples=20, deadline=None, database=None)
@given(actions=ACTIONS)
def test_whichever_are_poisoned_all_others_arrive_and_none_overtakes_its_order(
    actions: list[tuple[list[str], bool]],
) -> None:
    at = DeviceTime(wall_ms=ms_from_utc(NOON), mono_ms=1, boot_id="b", offset_ms=0)
    stamp = TapStamp(actor="a", at=at, app="1")
    server, clock = Server(), HandClock()
    with TemporaryDirectory() as folder, closing(Database(Path(folder) / "t.sqlite3")) as store:
        store.write(lambda connection: save(connection, Key.REPLICA_ID, "replica-1"))
        for number, (orders, is_bad) in enumerate(actions):
            text = f"{number} poison" if is_bad else str(number)
            changes = [note(each, text) for each in orders]
            store.write(partial(append_group, changes=changes, stamp=stamp))
        pusher = Pusher(store, server, clock, lambda _connection: None)

        def contacts_at(count: int) -> None:
            for _ in range(count):
                with suppress(SyncProblem):
                    pusher.push_all()
                clock.advance(hours=400)

        contacts_at(5)
        assert sorted(server.arrived) == sorted(may_go(actions))
        server.is_poisoned = False
        contacts_at(3)

        for order_id in "abcd":
            numbers = [number for number, (orders, _) in enumerate(actions) if order_id in orders]
            assert [int(each.split()[1]) for each in server.about(order_id)] == numbers
        assert store.read(passed_over_store.load) == frozenset()
