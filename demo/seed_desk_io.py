"""Lets the service desk live through the weeks before the town is shown, by the server's own rules.

Every matter is a generator that takes its next step and yields how long it waits; whatever has not
ended when the town is shown stands open on the desk, as on any evening.
"""

import heapq
from collections.abc import Generator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from demo.areas import area_of_block
from demo.chance import key_of
from demo.desk_past import Finding, Matter, PastCall, plan_calls
from demo.tablet_crews import TWO_TABLET_CREW
from demo.town import Town
from demo.town_time import ZONE_NAME
from sync_server.access.account_store import list_people
from sync_server.aftercare.callback_store import Answers, keep_answers
from sync_server.aftercare.opinion_store import collect_suggestions
from sync_server.service_desk.call_store import called_back, note_call
from sync_server.service_desk.calls import CallEvent, CallNotice
from sync_server.service_desk.catalogue import RULES, commitments_for
from sync_server.service_desk.order_follow_store import follow_orders
from sync_server.service_desk.request import (
    Caller,
    Channel,
    NewRequest,
    RequestRecord,
)
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import (
    Office,
    record_request,
    send_crew,
    send_slip,
    take_step,
)
from sync_server.suspects.suspect_store import make_list
from sync_server.work_orders.order import Mover, NewOrder
from sync_server.work_orders.order_rows_store import change_order, move_order, record_of, show_order
from sync_server.work_orders.order_store import act, create_order
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.request_states import RequestEvent, RequestState
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent

HOTLINE = "96777"
"""What the town dials; three to five digits behind 96 are a utility's hotline in China."""

_AGENT, _CLERK, _DISPATCHER, _QUALITY = "service5", "service3", "service2", "service4"
_DIRECTOR = "director"
_FOLLOWER = "rule:follow"

_E = RequestEvent
_W = WorkOrderEvent
_Minutes = Generator[float]


def seed_desk(engine: Engine, town: Town, until_utc: datetime) -> int:
    """Let the desk live through the weeks before a moment; return how many requests were taken."""
    with engine.begin() as connection:
        past = DeskPast(connection, town.seed)
        past.live(plan_calls(town, until_utc), until_utc)
    return past.taken


def seed_suspects(engine: Engine, now_utc: datetime) -> int:
    """Make the list of last month's suspect meters; return how many are on it."""
    zone = ZoneInfo(ZONE_NAME)
    first = now_utc.astimezone(zone).replace(day=1)
    month = f"{first - timedelta(days=1):%Y-%m}"
    with engine.begin() as connection:
        ids = {person.login: person.account_id for person in list_people(connection)}
        return make_list(connection, month, zone, ids[_DIRECTOR], now_utc)


def seed_shared_order(engine: Engine, town: Town, now_utc: datetime) -> str:
    """Give the crew with two tablets an order over a heat meter; return the order's id."""
    meter = next(each for each in town.meters if each.medium is Medium.HEAT)
    new = NewOrder(
        order_type=OrderType.COMM_CHECK,
        medium=meter.medium,
        safety_class=SafetyClass.C,
        priority=3,
        title=BilingualText(en="Heat meter reports with gaps", zh="热表通讯时断时续"),
        address=f"{meter.place.address} {meter.name}",
        area_id=area_of_block(meter.community_no),
        meter_id=str(meter.meter_id),
        device_serial=meter.serial,
        due_at_utc=now_utc + timedelta(days=1),
        crew_id=TWO_TABLET_CREW,
    )
    with engine.begin() as connection:
        ids = {person.login: person.account_id for person in list_people(connection)}
        return create_order(connection, new, ids[_DISPATCHER], now_utc).order_id


class DeskPast:
    """The desk while it lives through its past.

    Attributes:
        now_utc: The moment that the desk has reached.
        taken: How many requests were taken so far.
    """

    def __init__(self, connection: Connection, seed: int) -> None:
        """Keep the connection, whose transaction is the caller's, and who works for the town."""
        self._connection = connection
        self._draw = Random(key_of(seed, "desk-past"))
        people = list_people(connection)
        self._id_of = {person.login: person.account_id for person in people}
        self._of_crew: Mapping[str, str] = {
            person.crew_id: person.account_id for person in reversed(people) if person.crew_id
        }
        self.now_utc = datetime.min.replace(tzinfo=UTC)
        self.taken = 0

    def live(self, calls: Iterable[PastCall], until_utc: datetime) -> None:
        """Take every call and every step behind it that lies before a moment."""
        waiting = [(call.at_utc, call.number, self._matter(call)) for call in calls]
        heapq.heapify(waiting)
        while waiting and waiting[0][0] < until_utc:
            self.now_utc, number, matter = heapq.heappop(waiting)
            minutes = next(matter, None)
            if minutes is not None:
                later_utc = self.now_utc + timedelta(minutes=minutes)
                heapq.heappush(waiting, (later_utc, number, matter))
        self.now_utc = until_utc
        collect_suggestions(self._connection, self._office(_QUALITY))

    def _matter(self, call: PastCall) -> _Minutes:
        if call.channel is Channel.PHONE:
            yield from self._phone(call)
        if call.matter is None:
            return
        record = self._take(call, call.matter)
        yield self._draw.uniform(0.5, 2.0)
        if call.matter.finding is not None:
            yield from self._by_crew(record, call.matter.finding)
        else:
            yield from self._by_desk(record, call.matter)

    def _phone(self, call: PastCall) -> _Minutes:
        self._rings(call, CallEvent.RINGING)
        yield self._draw.uniform(0.05, 0.3)
        if call.matter is not None:
            self._rings(call, CallEvent.ANSWERED, seat=_AGENT)
            yield self._draw.uniform(0.5, 3.0)
            self._rings(call, CallEvent.ENDED)
            return
        self._rings(call, CallEvent.MISSED)
        yield self._draw.uniform(3.0, 40.0)
        called_back(self._connection, _call_id(call), self._id_of[_AGENT], self.now_utc)

    def _rings(self, call: PastCall, event: CallEvent, seat: str = "") -> None:
        notice = CallNotice(
            call_id=_call_id(call),
            event=event,
            at_utc=self.now_utc,
            number=HOTLINE,
            caller=call.phone,
            seat=seat,
            hung_up_by="caller" if event is CallEvent.ENDED else "",
        )
        note_call(self._connection, notice, self.now_utc)

    def _take(self, call: PastCall, matter: Matter) -> RequestRecord:
        _, home = call.home
        rule = RULES[matter.request_class]
        is_call = call.channel is Channel.PHONE
        caller = Caller(
            name=home.customer_name,
            phone=call.phone,
            words=matter.words,
            customer_id=home.household_id,
        )
        new = NewRequest(
            kind=rule.kind,
            request_class=matter.request_class,
            caller=caller,
            received_at_utc=call.at_utc,
            medium=rule.medium,
            priority=rule.priority,
            safety_class=rule.safety_class,
            channel=call.channel,
            premises_id=home.household_id,
            community_id=f"community-{home.community_no:02d}",
            address=home.address,
            meter_id=str(home.meter_id),
            call_id=_call_id(call) if is_call else None,
        )
        self.taken += 1
        promised = commitments_for(matter.request_class) if matter.finding else ()
        office = self._office(_AGENT if is_call else _CLERK)
        return record_request(self._connection, new, promised, office)

    def _by_crew(self, record: RequestRecord, finding: Finding) -> _Minutes:
        if record.is_safety:
            sent = send_crew(self._connection, record, None, self._office(_AGENT))
        else:
            send_slip(self._connection, record, None, self._office(record.first_contact))
            yield self._draw.uniform(1.0, 10.6)
            accepted = self._step(record, _E.ACCEPT, _DISPATCHER)
            yield self._draw.uniform(1.0, 10.0)
            sent = send_crew(self._connection, accepted, None, self._office(_DISPATCHER))
        yield from self._work(sent, finding)
        yield from self._answer(record, finding.reply)

    def _work(self, sent: RequestRecord, finding: Finding) -> _Minutes:
        order_id, crew_id = sent.order_id or "", sent.team or ""
        pace = 0.5 if sent.is_safety else 2.0
        for event, minutes in (
            (_W.ACCEPT, 4.0),
            (_W.DEPART, 5.0),
            (_W.ARRIVE, 18.0),
            (_W.BEGIN, 3.0),
            (_W.FINISH, 30.0),
        ):
            yield pace * minutes * self._draw.uniform(0.5, 1.8)
            self._crew_does(order_id, crew_id, event, finding)
        for event in (_W.VERIFY, _W.CLOSE):
            yield self._draw.uniform(20.0, 90.0)
            act(self._connection, order_id, event, self._id_of[_DISPATCHER], self.now_utc)

    def _crew_does(
        self, order_id: str, crew_id: str, event: WorkOrderEvent, finding: Finding
    ) -> None:
        connection, now_utc = self._connection, self.now_utc
        mover = Mover(actor=self._of_crew[crew_id], happened_at_utc=now_utc, crew_id=crew_id)
        move_order(connection, record_of(connection, order_id), event, mover, now_utc)
        if event is _W.FINISH:
            found = {
                "result": str(finding.result),
                "cause": str(finding.cause),
                "diagnosis": finding.note,
            }
            change_order(connection, order_id, dict(found), now_utc)
        show_order(connection, order_id, now_utc)
        follow_orders(connection, Office(actor=_FOLLOWER, now_utc=now_utc, zone=_ZONE))

    def _by_desk(self, record: RequestRecord, matter: Matter) -> _Minutes:
        if RULES[matter.request_class].priority == _QUESTION:
            self._step(record, _E.SOLVE, record.first_contact, matter.answer)
            yield self._draw.uniform(1.0, 3.0) * _DAY_MIN
            self._step(record, _E.CLOSE, _QUALITY)
            return
        send_slip(self._connection, record, None, self._office(record.first_contact))
        yield self._draw.uniform(1.0, 10.6)
        self._step(record, _E.ACCEPT, _DISPATCHER)
        yield self._draw.uniform(5.0, 20.0)
        self._step(record, _E.START, _DISPATCHER)
        yield self._draw.uniform(120.0, 1400.0)
        self._step(record, _E.FINISH, _DISPATCHER, matter.answer)
        yield from self._answer(record, matter.answer)

    def _answer(self, record: RequestRecord, reply: str) -> _Minutes:
        """Reply, call back within days by somebody else, close."""
        yield self._draw.uniform(3.0, 32.0)
        self._step(record, _E.REPLY, record.first_contact, reply)
        days = self._draw.randint(0, 3)
        yield self._until_ten() + days * _DAY_MIN + self._draw.uniform(0.0, 180.0)
        score = self._draw.choices((5, 4, 3, 2), (60, 25, 10, 5))[0]
        answers = Answers(is_finished=True, is_kept=score > 2, score=score)  # noqa: PLR2004
        keep_answers(self._connection, record.request_id, answers, self._office(_QUALITY))
        yield self._draw.uniform(5.0, 600.0)
        self._step(record, _E.CLOSE, _QUALITY)

    def _until_ten(self) -> float:
        """Return the minutes until it is ten in the morning, when calls disturb nobody."""
        local = self.now_utc.astimezone(_ZONE)
        return ((10 - local.hour) % 24) * 60.0 - local.minute

    def _step(
        self, record: RequestRecord, event: RequestEvent, actor: str, text: str = ""
    ) -> RequestRecord:
        standing = get_request(self._connection, record.request_id)
        if standing.state is RequestState.CLOSED:
            return standing
        office = self._office(actor)
        attempt = Attempt(event=event, actor=office.actor, text=text)
        return take_step(self._connection, record.request_id, attempt, office)

    def _office(self, who: str) -> Office:
        """Return the office of a person, by log-in or account."""
        return Office(actor=self._id_of.get(who, who), now_utc=self.now_utc, zone=_ZONE)


_ZONE = ZoneInfo(ZONE_NAME)
_QUESTION = 4
"""The priority of what is answered at once."""

_DAY_MIN = 1440.0


def _call_id(call: PastCall) -> str:
    return f"past-{call.number:04d}"
