"""In whatever order tablets repeat their work after a restore, an order stands where it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.server_store import note_restored
from sync_server.sync.inbox import ReadPush
from sync_server.sync.late_judgement import judge_late_work
from sync_server.sync.lost_orders import make_again
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import act, create_order, get_order
from tests.sync_server.people_parts import Pen, Utility, enrol
from tests.sync_server.real_parts import NOON
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import NO_EFFECT, Operation, OperationKind
from wire_contracts.order_copies import OrderCopy
from wire_contracts.orders import OrderType, SafetyClass, order_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

E = WorkOrderEvent
WAY = (E.ACCEPT, E.DEPART, E.ARRIVE, E.BEGIN, E.FINISH)
STORES = ("one", "mate", "other")
ANSWERS = ("taken", "unsent", "refused")
RESTORED = NOON + timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one tablet did before the restore.

    Its last contact before it began, minutes after the copy; how many steps it took; the minutes
    from its contact until a server took what it did, and how much of it was sent.
    """

    contact_min: int
    steps: int
    sent_after_min: int
    sent: int
    answer: str
    result: str


WORK = st.builds(
    Work,
    contact_min=st.integers(1, 60),
    steps=st.integers(1, len(WAY)),
    sent_after_min=st.integers(10, 60),
    sent=st.integers(0, len(WAY)),
    answer=st.sampled_from(ANSWERS),
    result=st.sampled_from(["leak", "other"]),
)
STORIES = st.fixed_dictionaries(dict.fromkeys(STORES, WORK))
ARRIVALS = st.permutations([*STORES, *STORES])
PRESSED = st.none() | st.integers(1, 2 * len(STORES))
"""After how many pushes a dispatcher makes the order again; None: the copy has it."""


@dataclass(slots=True, kw_only=True)
class Sent:
    """What one tablet repeats, its user actions in their order, and what it was told."""

    tablet: TabletIdentity
    replica_id: str
    actions: list[list[Operation]]
    told: dict[str, int]


UNSENT = Work(contact_min=1, steps=5, sent_after_min=10, sent=0, answer="unsent", result="leak")
TAKEN = Work(contact_min=20, steps=2, sent_after_min=10, sent=2, answer="taken", result="leak")
TOLD_LATER: Mapping[str, Work] = {
    "one": UNSENT,
    "mate": TAKEN,
    "other": replace(UNSENT, result="other"),
}
"""The colleague alone was told that the crew has the order; everything else is unsent."""

TWO_VISITS: Mapping[str, Work] = {
    "one": replace(UNSENT, sent=5, answer="taken"),
    "mate": replace(TAKEN, steps=4, sent=4),
    "other": replace(UNSENT, steps=1),
}
"""A visit was finished, the colleague is at work on the next one."""


@example(
    stories=TOLD_LATER,
    crew_id=None,
    first=["other", "other", "one", "one", "mate", "mate"],
    second=(["mate", "mate", "one", "one", "other", "other"], None),
)
@example(
    stories=TWO_VISITS,
    crew_id="crew-1",
    first=["one", "one", "mate", "mate", "other", "other"],
    second=(["mate", "mate", "one", "one", "other", "other"], None),
)
@example(
    stories=TWO_VISITS,
    crew_id="crew-1",
    first=["one", "one", "mate", "mate", "other", "other"],
    second=(["mate", "mate", "one", "one", "other", "other"], 2),
)
@example(
    stories=TOLD_LATER,
    crew_id="crew-1",
    first=["one", "one", "mate", "mate", "other", "other"],
    second=(["other", "mate", "one", "other", "mate", "one"], 6),
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    stories=STORIES,
    crew_id=st.sampled_from([None, "crew-1"]),
    first=ARRIVALS,
    second=st.tuples(ARRIVALS, PRESSED),
)
def test_the_order_in_which_tablets_come_does_not_change_where_an_order_stands(
    utility: Utility,
    stories: Mapping[str, Work],
    crew_id: str | None,
    first: Sequence[str],
    second: tuple[Sequence[str], int | None],
) -> None:
    one = after_the_restore(utility, stories, crew_id, first)
    two = after_the_restore(utility, stories, crew_id, *second)

    assert one == two


def test_who_was_refused_too_early_is_told_that_its_work_counts(utility: Utility) -> None:
    said = after_the_restore(utility, TOLD_LATER, None, ["other", "one", "mate"])

    with utility.engine.connect() as connection:
        asked = {(each.kind, each.resolved_by) for each in list_reviews(connection, is_open=None)}
    assert said[:3] == (WorkOrderState.FINISHED, "crew-1", "leak")
    assert (ReviewKind.UNKNOWN_AUTHOR, None) in asked
    assert (ReviewKind.REFUSED, "server") in asked


def after_the_restore(
    utility: Utility,
    stories: Mapping[str, Work],
    crew_id: str | None,
    arrivals: Sequence[str],
    pressed: int | None = None,
) -> tuple[object, ...]:
    """Return what an order says after the tablets repeated their work, each in two pushes.

    `pressed`: the order is not in the copy, and made again after so many pushes.
    """
    utility.clock.at_utc = NOON
    order_id, copy = released(utility, crew_id, is_kept=pressed is None)
    sent = {name: repeats(utility, name, work, order_id) for name, work in stories.items()}
    utility.clock.at_utc = RESTORED
    with utility.engine.begin() as connection:
        note_restored(connection, RESTORED)
    for at, name in enumerate(arrivals):
        utility.clock.advance(minutes=1)
        is_last = name not in arrivals[at + 1 :]
        push_some(utility, sent[name], copy, is_all=is_last)
        if at + 1 == pressed:
            make_it_again(utility, order_id)
    with utility.engine.connect() as connection:
        order = get_order(connection, order_id)
    document = order.document
    return (
        document.state,
        document.crew_id,
        document.result,
        document.cause,
        document.diagnosis,
        order.visit,
    )


def make_it_again(utility: Utility, order_id: str) -> None:
    now_utc = utility.clock.now_utc()
    with utility.engine.begin() as connection:
        items = [each for each in list_reviews(connection) if each.entity_id == order_id]
        [item] = [each for each in items if each.kind is ReviewKind.LOST_ORDER]
        make_again(connection, item.review_id, "", utility.dispatcher.account_id, now_utc)
    judge_late_work(utility.engine, now_utc)


def push_some(utility: Utility, sent: Sent, copy: OrderCopy, *, is_all: bool) -> None:
    count = len(sent.actions) if is_all else len(sent.actions) // 2
    entries = [each for action in sent.actions[:count] for each in action]
    del sent.actions[:count]
    sync = utility.service.for_tablet(sent.tablet)
    push = ReadPush(
        protocol=1, replica_id=sent.replica_id, entries=entries, told=sent.told, orders=(copy,)
    )
    sync.service.push(sync.tablet, push)


def released(utility: Utility, crew_id: str | None, *, is_kept: bool) -> tuple[str, OrderCopy]:
    """Return an order's id and what tablets remember of it; the server forgets one not kept."""
    new = NewOrder(
        order_type=OrderType.METER_CHECK,
        medium=Medium.WATER,
        safety_class=SafetyClass.C,
        priority=3,
        title=BilingualText(en="Check", zh="核查"),
        address="Lamp street",
        area_id="north",
        crew_id=crew_id,
    )
    actor = utility.dispatcher.account_id
    with utility.engine.connect() as connection:
        order_id = create_order(connection, new, actor, NOON).order_id
        if get_order(connection, order_id).state is WorkOrderState.PLANNED:
            act(connection, order_id, E.RELEASE, actor, NOON)
        document = order_json(get_order(connection, order_id).document)
        if is_kept:
            connection.commit()
    as_of_ms = ms_from_utc(NOON)
    copy = OrderCopy(order_id=order_id, as_of_ms=as_of_ms, document=document, area_id="north")
    return order_id, copy


def repeats(utility: Utility, name: str, work: Work, order_id: str) -> Sent:
    with utility.engine.begin() as connection:
        tablet = enrol(connection, "crew-2" if name == "other" else "crew-1", name)
    member = utility.other_member if name == "other" else utility.member
    pen = Pen(
        actor=member.account_id,
        clock=utility.clock,
        replica_id=f"{order_id}-{name}"[-60:],
        boot_id=f"{order_id}-{name}"[-60:],
    )
    contact_utc = NOON + timedelta(minutes=work.contact_min)
    utility.clock.at_utc = contact_utc
    actions: list[list[Operation]] = []
    for event in WAY[: work.steps]:
        utility.clock.advance(seconds=30)
        action = (
            finding(pen, order_id, work.result) if event is E.FINISH else [pen.go(order_id, event)]
        )
        actions.append([known_at(each, ms_from_utc(contact_utc)) for each in action])
    utility.clock.at_utc = NOON
    taken_ms = ms_from_utc(contact_utc + timedelta(minutes=work.sent_after_min))
    answer_ms = {"taken": taken_ms, "refused": NO_EFFECT}.get(work.answer)
    told = {
        each.op_id: answer_ms
        for action in actions[: work.sent]
        for each in action
        if answer_ms is not None
    }
    return Sent(tablet=tablet, replica_id=pen.replica_id, actions=actions, told=told)


def finding(pen: Pen, order_id: str, result: str) -> list[Operation]:
    group = next(pen.ids)
    words = (
        ("result", None, result),
        ("cause", "", "joint"),
        ("diagnosis", "", pen.replica_id.rsplit("-", 1)[1]),
    )
    return [
        pen.answers(order_id, group=group),
        *(
            pen.operation(OperationKind.SET, order_id, field, old=old, new=new, group=group)
            for field, old, new in words
        ),
        pen.operation(OperationKind.GO, order_id, str(E.FINISH), group=group),
    ]


def known_at(operation: Operation, contact_ms: int) -> Operation:
    mono_ms = operation.at.wall_ms - contact_ms
    return replace(operation, at=replace(operation.at, contact_ms=contact_ms, mono_ms=mono_ms))
