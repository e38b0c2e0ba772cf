"""Days that a restore takes back: work shared by a crew's tablets, handed over, with clocks off.

Whoever works has the order in truth, and knows it: a contact comes before. What a backup has
forgotten of that the tablets repeat, in whatever order they come.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.crews import Crews
from tests.sync_simulation.mail import Mail
from tests.sync_simulation.office import Office
from tests.sync_simulation.tablets import Image, SimulatedTablet
from tests.sync_simulation.town import CREWS
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

SHORTEST_DAY, LONGEST_DAY = 4, 9
"""Deeds of a day that is lost, beside those that finish the order."""

GIVEN_AND_TAKEN = 0.3
"""Share of the contested days on which the backup falls between an order's being given away and
back."""

LEFT_ALONE = 0.5
"""Share of the hand-backs at which what the other crew did off the network is not sent before."""

SECOND_RESTORE = 0.4
"""Share of the contested days that are lost twice, to the same copy."""

MADE_AGAIN = 0.5
"""Share of these, where the copy has no such order, on which it is made again in between."""

MADE_AFTER = 0.3
"""Share of the days on which the order is made after the backup."""

ASKED_FOR = 0.3
"""Share of the days on which the field asks for the order."""

MINUTES_OFF = 25.0
"""How far a tablet's clock is set on such a day: no hours, but more than is flagged."""

_REOPENING = (WorkOrderEvent.VERIFY, WorkOrderEvent.CLOSE, WorkOrderEvent.REOPEN)


@dataclass(slots=True, kw_only=True)
class LostOrder:
    """What truly became of an order, whatever any server remembers.

    `work`: the operations of the crew that has it, since it has it, of this visit. `finish`: the
    one that finished it.
    """

    order_id: str
    crew_id: str
    work: list[str] = field(default_factory=list)
    finish: str = ""

    def begin_anew(self, crew_id: str) -> None:
        """Give the order to a crew, or to the same one for another visit."""
        self.crew_id = crew_id
        self.work.clear()
        self.finish = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cellar:
    """A crew that works off the network on an order that the office gives to another meanwhile.

    `work`: its operations; `finish`: the one that finished the order.
    """

    tablet: SimulatedTablet
    crew_id: str
    work: tuple[str, ...]
    finish: str


class Place(Protocol):
    """The world, as far as such a day needs it."""

    clock: HandClock
    rng: random.Random
    mail: Mail
    office: Office
    crews: Crews
    tablets: list[SimulatedTablet]

    def remember(self, tablet: SimulatedTablet, before: int) -> None: ...
    def contact(self, tablet: SimulatedTablet) -> None: ...
    def put_back(self, tablet: SimulatedTablet, image: Image) -> None: ...
    def server_is_backed_up(self) -> None: ...
    def server_is_restored(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class LostDay:
    """One such day; `spent` counts what it did, for it takes the place of as many steps."""

    place: Place
    order: LostOrder
    is_backed_up: bool = False
    is_contested: bool = False
    spent: int = 0
    unsent: SimulatedTablet | None = None
    cellar: Cellar | None = None
    image: tuple[SimulatedTablet, Image] | None = None
    at_work: list[SimulatedTablet] = field(default_factory=list)

    def run(self) -> None:
        """Work on the order around a backup, lose the server, and let the tablets come again."""
        rng = self.place.rng
        deeds = rng.randint(SHORTEST_DAY, LONGEST_DAY)
        backup_before = -1 if self.is_backed_up else rng.randrange(SHORTEST_DAY)
        with fair_network(self.place.mail):
            if self.is_contested and not self.is_backed_up and rng.random() < GIVEN_AND_TAKEN:
                self._give_away_and_back()
                deeds, backup_before = rng.randrange(3), -1
            for number in range(deeds):
                if number == backup_before:
                    self._send()
                    self.place.server_is_backed_up()
                self._pass_time()
                self._do_something()
            if rng.random() < 0.8:
                self._work_on(steps=len(WorkOrderState))
            if self.cellar is not None:
                self._send()  # of two crews' work unheard nobody can say whose counts (M-17)
            self._pass_time()
            self.place.server_is_restored()
            if rng.random() < 0.7:
                self._everybody_comes_again()
                if self._is_lost_twice():
                    self._make_again()
                    self.place.server_is_restored()
                    self._everybody_comes_again()

    def _is_lost_twice(self) -> bool:
        return self.is_contested and self.place.rng.random() < SECOND_RESTORE

    def _make_again(self) -> None:
        """Let an order that the copy has not be made again, and given to another crew."""
        if not self.is_backed_up or self.place.rng.random() > MADE_AGAIN:
            return
        self.place.office.make_lost_orders_again()
        self._everybody_comes_again()
        if self.place.rng.random() < LEFT_ALONE:
            if self.order.finish:
                self._reopen()
            self._hand_over()
            self._everybody_comes_again()

    def _pass_time(self) -> None:
        self.spent += 1
        self.place.clock.advance(minutes=self.place.rng.randint(3, 12))

    def _do_something(self) -> None:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (3, self._set_a_clock),
            (2 if self.image is None else 6, self._copy_or_put_back),
            (3, self._write_a_diagnosis),
        ]
        if self.order.finish:
            deeds.append((5, self._reopen))
        else:
            deeds.append((9, lambda: self._work_on(steps=self.place.rng.randint(1, 2))))
            deeds.append((9, self._hand_back) if self.cellar else (4, self._hand_over))
            if self.is_contested and self.cellar is None:
                deeds.append((4, self._go_into_a_cellar))
        self.place.rng.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()

    # --- the crew that has the order

    def _holder(self) -> SimulatedTablet:
        """Return a tablet of the crew that has the order and knows it."""
        self._send()
        tablets = tablets_of(self.place.tablets, self.order.crew_id)
        others = [each for each in tablets if each not in self.at_work[-1:]]
        tablet = self.place.rng.choice([*others, *others, *tablets])
        self._contact(tablet)
        return tablet

    def _contact(self, tablet: SimulatedTablet) -> None:
        self.spent += 1
        self.place.contact(tablet)

    def _send(self) -> None:
        if self.unsent is not None:
            self._contact(self.unsent)
            self.unsent = None

    def _work_on(self, steps: int) -> None:
        tablet = self._holder()
        before = tablet.last_n()
        for _ in range(steps):
            self.place.crews.step_on(tablet, self.order.order_id)
        self._note(tablet, before)

    def _write_a_diagnosis(self) -> None:
        tablet = self._holder()
        before = tablet.last_n()
        self.place.crews.correct(tablet, self.order.order_id, "diagnosis")
        self._note(tablet, before)

    def _note(self, tablet: SimulatedTablet, before: int) -> None:
        self.place.remember(tablet, before)
        for made in tablet.made_after(before):
            self.order.work.append(made.op_id)
            if made.kind == "go" and made.field == WorkOrderEvent.FINISH:
                self.order.finish = made.op_id
        self.at_work = [*(each for each in self.at_work if each is not tablet), tablet]
        self.unsent = tablet
        if self.place.rng.random() < 0.8:
            self._send()

    def _go_into_a_cellar(self) -> None:
        """Let a tablet of the crew work unheard while the office gives the order to another."""
        if self._other_crew() is None:
            return
        tablet, crew_id = self._holder(), self.order.crew_id
        before = tablet.last_n()
        for _ in range(self.place.rng.randint(1, len(WorkOrderState))):
            self.place.crews.step_on(tablet, self.order.order_id)
        self.place.remember(tablet, before)
        made = tablet.made_after(before)
        finish = [each.op_id for each in made if each.field == WorkOrderEvent.FINISH]
        self.cellar = Cellar(
            tablet=tablet,
            crew_id=crew_id,
            work=tuple(each.op_id for each in made),
            finish="".join(finish),
        )
        self.at_work = [*(each for each in self.at_work if each is not tablet), tablet]
        self._pass_time()
        self._hand_over()

    def _give_away_and_back(self) -> None:
        """Let a cellar's work come when it counts: the backup says that the order is another's."""
        self._go_into_a_cellar()
        self.place.server_is_backed_up()
        self._pass_time()
        if self.cellar is not None:
            if self.place.rng.random() < LEFT_ALONE:
                self._work_on(steps=len(WorkOrderState))
            if not self.order.finish:
                self._hand_back()

    # --- the office

    def _other_crew(self) -> str | None:
        others = [each for each in CREWS if each != self.order.crew_id]
        crew_id = self.place.rng.choice(others)
        return crew_id if tablets_of(self.place.tablets, crew_id) else None

    def _hand_over(self) -> None:
        """Give the order to the other crew while it is open."""
        crew_id = self._other_crew()
        if crew_id is None:
            return
        self._send()
        self.place.office.commit(self.place.office.handing_over(self.order.order_id, crew_id))
        self.order.begin_anew(crew_id)

    def _hand_back(self) -> None:
        """Give the order back to the crew in the cellar, whose work counts now."""
        assert self.cellar is not None
        cellar, self.cellar = self.cellar, None
        late: SimulatedTablet | None = None
        if self.place.rng.random() < LEFT_ALONE:
            late, self.unsent = self.unsent, None
        self._send()
        order_id = self.order.order_id
        self.place.office.commit(self.place.office.handing_over(order_id, cellar.crew_id))
        self.order.begin_anew(cellar.crew_id)
        self._pass_time()
        self._contact(cellar.tablet)
        if self.place.office.has_taken(cellar.work):
            self.order.work.extend(cellar.work)
            self.order.finish = cellar.finish
        if late is not None and self.place.rng.random() < 0.7:
            self._contact(late)

    def _reopen(self) -> None:
        """Close what is finished, and let the work begin anew."""
        self._send()
        for event in _REOPENING:
            self.place.office.commit(self.place.office.acting(self.order.order_id, event))
        self.order.begin_anew(self.order.crew_id)

    # --- what happens to tablets

    def _set_a_clock(self) -> None:
        """Let a clock be off by minutes; the next contact tells by how much."""
        rng = self.place.rng
        crew_id = self.order.crew_id
        tablet = rng.choice(tablets_of(self.place.tablets, crew_id))
        tablet.take_its_place()
        tablet.clock.skew = timedelta(minutes=rng.uniform(-MINUTES_OFF, MINUTES_OFF))

    def _copy_or_put_back(self) -> None:
        """Copy a tablet's folder, or put an earlier copy back once everything was sent."""
        self._send()
        if self.image is None:
            tablet = self.place.rng.choice(tablets_of(self.place.tablets, self.order.crew_id))
            tablet.take_its_place()
            self.image = tablet, tablet.image()
            return
        self.place.put_back(*self.image)
        self.image = None

    def _everybody_comes_again(self) -> None:
        self.place.rng.shuffle(self.at_work)
        for tablet in self.at_work:
            self._pass_time()
            self._contact(tablet)


def begin_a_lost_day(place: Place, *, is_contested: bool) -> LostDay | None:
    """Return a day that begins with a new order of a crew; None where no crew has a tablet.

    The office makes it, or a tablet asks for it, and on some days after the backup: then nobody but
    tablets remembers it. On a contested day a crew works unheard on what the office gives away.
    """
    fit = [crew_id for crew_id in CREWS if tablets_of(place.tablets, crew_id)]
    if not fit:
        return None
    shared = [crew_id for crew_id in fit if len(tablets_of(place.tablets, crew_id)) > 1]
    office, crew_id = place.office, place.rng.choice([*fit, *shared, *shared])
    office.commit_all()
    is_backed_up = place.rng.random() < MADE_AFTER
    if is_backed_up:
        place.server_is_backed_up()
    is_asked_for = place.rng.random() < ASKED_FOR
    order_id = _ask_for_order(place, crew_id) if is_asked_for else _made_order(place, crew_id)
    office.hands_off.add(order_id)
    place.crews.hands_off.add(order_id)
    order = LostOrder(order_id=order_id, crew_id=crew_id)
    return LostDay(place=place, order=order, is_backed_up=is_backed_up, is_contested=is_contested)


def _made_order(place: Place, crew_id: str) -> str:
    office, made = place.office, list[str]()
    office.commit(office.creating(office.new_order(crew_id), made))
    return made[0]


def _ask_for_order(place: Place, crew_id: str) -> str:
    """Let a tablet ask for an order, and the office give it to the crew."""
    tablet = place.rng.choice([each for one in CREWS for each in tablets_of(place.tablets, one)])
    before = tablet.last_n()
    with fair_network(place.mail):
        order_id = place.crews.ask_for_order(tablet)
        place.remember(tablet, before)
        place.contact(tablet)
    place.office.commit(place.office.handing_over(order_id, crew_id))
    return order_id


def tablets_of(tablets: list[SimulatedTablet], crew_id: str) -> list[SimulatedTablet]:
    """Return the tablets on which the crew may work."""
    return [
        tablet
        for tablet in tablets
        if tablet.seat.identity.crew_id == crew_id
        and not tablet.line.is_shut_out()
        and not tablet.is_withdrawn()
    ]


@contextmanager
def fair_network(mail: Mail) -> Iterator[None]:
    """Lose no message, and let nothing happen meanwhile."""
    before = mail.is_fair, mail.meanwhile
    mail.is_fair, mail.meanwhile = True, lambda: None
    yield
    mail.is_fair, mail.meanwhile = before
