"""The deeds in which processes are killed: what comes before each, and what is done again after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sync_server.sync.sealed_room import SealedRoom
from sync_server.sync.sealing_keys_io import SealingKeys
from tests.sync_simulation.photo_line import picture
from tests.sync_simulation.tablets import SimulatedTablet
from tests.sync_simulation.world import World
from wire_contracts.fields import JsonValue
from wire_contracts.work_order_states import WorkOrderEvent

Act = Callable[[World, SimulatedTablet], None]

ANSWERS: dict[str, JsonValue] = {"result": "leak", "cause": "joint", "note": "v1"}


def nothing(_one: World, _tablet: SimulatedTablet) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is done while somebody kills the process.

    Attributes:
        do: The deed; every statement of tablet and server is a moment of death.
        before: What has happened until then.
        again: What a person does once more after a death; the rest goes on by itself.
        fewest: Moments that it has at the least: an enumeration of nothing would prove nothing.
        fewest_of_server: Of these, statements of the server.
    """

    do: Act
    before: Act
    again: Act = nothing
    fewest: int
    fewest_of_server: int = 0


def begin_work(one: World, tablet: SimulatedTablet) -> None:
    """Let a crew have four orders, and be at work at the first."""
    office = one.office
    for _ in range(4):
        one.clock.advance(minutes=7)
        office.begin(lambda c: office.create(c, office.new_order("crew-1")))
        office.commit_all()
    tablet.take_its_place()
    tablet.pull()
    for event in (
        WorkOrderEvent.ACCEPT,
        WorkOrderEvent.DEPART,
        WorkOrderEvent.ARRIVE,
        WorkOrderEvent.BEGIN,
    ):
        tablet.real.desk.tap(first_order(tablet), event)
    tablet.real.sync_now()


def record_a_finding(_one: World, tablet: SimulatedTablet) -> None:
    order_id = first_order(tablet)
    tablet.real.desk.save_answers(order_id, ANSWERS)
    tablet.real.desk.finish(order_id)


def begin_much(one: World, tablet: SimulatedTablet) -> None:
    """Let both sides have something that the other does not know yet."""
    begin_work(one, tablet)
    record_a_finding(one, tablet)
    tablet.real.desk.add_note(first_order(tablet), "crew 1.")
    office = one.office
    office.begin_something()
    office.commit_all()
    office.begin(office.take_stock())
    office.commit_all()
    one.remember(tablet, 0)


def lose_a_day(one: World, tablet: SimulatedTablet) -> None:
    """Have the server put back to before a finish and a remark that it had taken."""
    begin_work(one, tablet)
    one.server_is_backed_up()
    _tell_and_lose(one, tablet)


def lose_a_new_order(one: World, tablet: SimulatedTablet) -> None:
    """As `lose_a_day`, with steps at an order that was made after the copy, too."""
    begin_work(one, tablet)
    one.server_is_backed_up()
    known = {order_id for order_id, *_ in tablet.orders()}
    office = one.office
    office.begin(lambda c: office.create(c, office.new_order("crew-1")))
    office.commit_all()
    tablet.real.sync_now()
    (new,) = {order_id for order_id, *_ in tablet.orders()} - known
    tablet.real.desk.tap(new, WorkOrderEvent.ACCEPT)
    tablet.real.desk.tap(new, WorkOrderEvent.DEPART)
    _tell_and_lose(one, tablet)


def _tell_and_lose(one: World, tablet: SimulatedTablet) -> None:
    one.clock.advance(minutes=7)
    record_a_finding(one, tablet)
    tablet.real.desk.add_note(first_order(tablet), "crew 1.")
    tablet.real.sync_now()
    one.clock.advance(minutes=7)
    one.remember(tablet, 0)
    one.server_is_restored()
    one.clock.advance(minutes=7)


def be_withdrawn(one: World, tablet: SimulatedTablet) -> None:
    """Have the office withdraw a tablet on which taps, a photo and a draft wait."""
    begin_much(one, tablet)
    tablet.real.photos.add(first_order(tablet), picture(1))
    tablet.real.desk.save_answers(tablet.orders()[1][0], {"cause": "joint"})
    one.remember(tablet, 0)
    one.custody.withdraw(tablet)


def send_to_a_server_without_keys(one: World, tablet: SimulatedTablet) -> None:
    """Have all that came sealed, while the folder of the keys was not put back yet."""
    be_withdrawn(one, tablet)
    other = SealingKeys(one.folder / "other keys")
    other.ensure(one.clock.now_utc())
    one.serve_with(one.new_service(other))
    tablet.real.sync_now()
    one.serve_with(one.new_service(one.keys))


def open_what_waits(one: World, _tablet: SimulatedTablet) -> None:
    """Do what `sync-server sealing-keys open` does."""
    SealedRoom(one.server.engine, one.keys, one.intake).open_waiting(one.clock.now_utc())


def take_a_photo(one: World, tablet: SimulatedTablet) -> None:
    """Have a photo whose record the server knows."""
    begin_work(one, tablet)
    tablet.real.photos.add(first_order(tablet), picture(1))
    tablet.push()
    one.remember(tablet, 0)


def send_photos(_one: World, tablet: SimulatedTablet) -> None:
    tablet.real._contact.engine(tablet.real.identity)  # as at the first contact after a start
    tablet.send_photos()


def sync(_one: World, tablet: SimulatedTablet) -> None:
    tablet.real.sync_now()


def push(_one: World, tablet: SimulatedTablet) -> None:
    tablet.push()


def pull(_one: World, tablet: SimulatedTablet) -> None:
    tablet.pull()


def start(_one: World, tablet: SimulatedTablet) -> None:
    tablet.stop()
    tablet.start()


def first_order(tablet: SimulatedTablet) -> str:
    return tablet.orders()[0][0]


DEEDS: Mapping[str, Deed] = {
    "tap": Deed(do=record_a_finding, before=begin_work, fewest=30),
    "push": Deed(do=push, before=begin_much, fewest=40, fewest_of_server=20),
    "pull": Deed(do=pull, before=begin_much, fewest=20, fewest_of_server=10),
    "photo": Deed(do=send_photos, before=take_a_photo, fewest=20, fewest_of_server=15),
    "sealed": Deed(do=sync, before=be_withdrawn, fewest=120, fewest_of_server=60),
    "opened": Deed(
        do=open_what_waits,
        before=send_to_a_server_without_keys,
        again=open_what_waits,
        fewest=30,
        fewest_of_server=30,
    ),
    "repeat": Deed(do=sync, before=lose_a_day, fewest=250, fewest_of_server=100),
    "repeat_new": Deed(do=sync, before=lose_a_new_order, fewest=250, fewest_of_server=100),
    "start": Deed(do=start, before=begin_much, fewest=20),
}
