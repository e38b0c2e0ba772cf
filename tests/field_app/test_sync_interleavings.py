"""Any interleaving of taps, office work, bad networks and restarts ends with all applied once."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from field_app.crew import HeadlessCrew
from field_app.forms.finding import MEASURED_PREFIX
from field_app.orders.next_action import next_event, side_events
from field_app.orders.seen_order_store import OrderGoneError
from field_app.store import base_store, outbox_store
from field_app.store.identity_io import save_identity
from field_app.store.record_states import OpStatus
from field_app.store.tables import outbox_op
from field_app.sync.reasons import Reason
from sync_server.db.sync_tables import OP_LEDGER
from tests.field_app.office_parts import BadNetwork, Fate, FoundedOffice, Office
from tests.sync_server.real_parts import HandClock
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import ENTITY
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.work_order_states import WorkOrderEvent

ORDERS = 2

STEPS = st.one_of(
    st.tuples(st.just("step"), st.integers(0, ORDERS - 1)),
    st.tuples(st.just("side"), st.integers(0, ORDERS - 1)),
    st.tuples(st.just("note"), st.integers(0, ORDERS - 1)),
    st.tuples(st.just("answer"), st.integers(0, ORDERS - 1)),
    st.tuples(st.just("sync"), st.lists(st.sampled_from(Fate), max_size=4)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("cancel"), st.integers(0, ORDERS - 1)),
    st.tuples(st.just("reassign"), st.integers(0, ORDERS - 1)),
    st.tuples(st.just("office_note"), st.integers(0, ORDERS - 1)),
)


@dataclass(slots=True)
class World:
    """One office and one crew; `orders` are the orders both began with."""

    folder: Path
    office: Office
    network: BadNetwork
    crew: HeadlessCrew
    orders: list[str] = field(default_factory=list)

    def restart(self) -> None:
        self.crew.close()
        self.crew = open_crew(self.folder, self.office, self.network)


def open_crew(folder: Path, office: Office, network: BadNetwork) -> HeadlessCrew:
    return HeadlessCrew(folder, office.clock, connect=lambda _identity: network)


@contextmanager
def world(template: FoundedOffice) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        engine = template.copy_to(root / "server.sqlite3")
        office = template.office(engine, HandClock())
        save_identity(root / "tablet", office.identity())
        network = BadNetwork(office.api())
        found = World(
            folder=root / "tablet",
            office=office,
            network=network,
            crew=open_crew(root / "tablet", office, network),
        )
        try:
            yield found
        finally:
            found.crew.close()
            engine.dispose()


def take(one: World, name: str, what: object) -> None:
    """Take one step; what the tablet or the office refuses at once changes nothing."""
    if name == "sync":
        assert isinstance(what, list)
        one.network.fates = iter(what)
        one.crew.sync_now()
        one.network.fates = iter(())
        return
    if name == "restart":
        one.restart()
        return
    assert isinstance(what, int)
    order_id = one.orders[what]
    try:
        ACTIONS[name](one, order_id)
    except (RefusedTransition, OrderGoneError):
        return


def crew_step(one: World, order_id: str) -> None:
    seen = one.crew.order(order_id)
    document = None if seen is None else seen.document
    event = None if document is None else next_event(document.state)
    if event is WorkOrderEvent.FINISH:
        answers = {
            "result": "leak",
            "cause": "joint",
            f"{MEASURED_PREFIX}{Quantity.GAS_LEL_PCT}": "2,5",
        }
        one.crew.answer(order_id, answers)
        one.crew.tablet.desk.finish(order_id)
    elif event is not None:
        one.crew.act(order_id, event)


def side_step(one: World, order_id: str) -> None:
    seen = one.crew.order(order_id)
    if seen is not None and seen.document is not None:
        for event in side_events(seen.document.state)[:1]:
            one.crew.act(order_id, event)


def office_note(one: World, order_id: str) -> None:
    one.office.add_note(order_id, "from the office")


ACTIONS = {
    "step": crew_step,
    "side": side_step,
    "note": lambda one, order_id: one.crew.tablet.desk.add_note(order_id, "from the crew"),
    "answer": lambda one, order_id: one.crew.answer(order_id, {"note": "typing"}),
    "cancel": lambda one, order_id: one.office.act(order_id, WorkOrderEvent.CANCEL),
    "reassign": lambda one, order_id: one.office.assign(order_id, "crew-2"),
    "office_note": office_note,
}


def drain(one: World) -> None:
    """A fair network at last."""
    for _ in range(2):
        assert one.crew.sync_now().reason is Reason.NONE


def check_everything(one: World) -> None:
    database = one.crew.tablet.database
    entries = database.read(lambda c: outbox_store.load_entries(c, outbox_op.c.n > 0))
    with one.office.engine.begin() as connection:
        ledger = Counter(connection.execute(select(OP_LEDGER.c.op_id)).scalars())
    made = {entry.operation.op_id for entry in entries}
    assert set(ledger) == made, "every tap is in the ledger"
    assert set(ledger.values()) <= {1}, "exactly once"
    settled = {OpStatus.SHOWN, OpStatus.REFUSED}
    assert {entry.status for entry in entries} <= settled, "every tap has its permanent outcome"
    for name in database.read(base_store.bucket_names):
        kept = database.read(partial(base_store.load_tally, name=name))
        anew = database.read(partial(base_store.recount_tally, name=name))
        assert kept == anew, "the checksum kept is the checksum of the rows"
    reports = database.read(base_store.load_reports)
    assert reports == [], "the server's checksums agreed all the time"
    for order_id in one.orders:
        ours = one.crew.order(order_id)
        theirs = one.office.order(order_id)
        if theirs.document.crew_id == "crew-1":
            assert ours is not None
            assert ours.document == theirs.document, "the tablet shows what the office sees"
        else:
            row = database.read(partial(base_store.load_row, entity=ENTITY, entity_id=order_id))
            assert row is None or row.is_kept, "an order of another crew is out of sight"


@given(steps=st.lists(STEPS, min_size=5, max_size=25))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_interleaving_ends_with_everything_applied_once(
    founded: FoundedOffice, steps: list[tuple[str, object]]
) -> None:
    with world(founded) as one:
        one.orders = [one.office.new_order(Medium.GAS), one.office.new_order(Medium.WATER)]
        one.crew.sync_now()
        for name, what in steps:
            take(one, name, what)
        drain(one)

        check_everything(one)
