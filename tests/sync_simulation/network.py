"""The way between tablet and server: every message as JSON, lost, delayed, repeated, cut short."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from requests import Response
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from field_app.sync import client_io
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from field_app.sync.uploading import BlobApi
from sync_server.access.tablet_store import TabletIdentity
from sync_server.blobs.intake import Intake
from sync_server.db.engine_io import reading
from sync_server.db.server_store import server_epoch
from sync_server.sync.inbox import open_push
from sync_server.sync.service import SyncService
from tests.sync_simulation.mail import Mail
from tests.sync_simulation.photo_line import PhotoLine
from tests.sync_simulation.server_look import look
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.operations import (
    OperationResult,
    Outcome,
    PushAnswer,
    WrittenPush,
    dump_push_answer,
    dump_written,
    parse_push_answer,
)
from wire_contracts.payloads import read_json
from wire_contracts.pulls import PullAnswer, dump_poll, dump_pull, parse_pull
from wire_contracts.sealed import (
    SealedAnswer,
    SealedRequest,
    dump_sealed,
    dump_sealed_answer,
    parse_sealed,
    parse_sealed_answer,
)
from wire_contracts.sync import Feature, has_feature

T = TypeVar("T")

PAGE_ROWS = 3
"""So small that most pulls take several pages."""

IN_A_PORTAL = 0.08
"""How often a push is answered by the log-in page of somebody's network."""

LONGEST_LIFE = 40
"""Statements that a server which dies inside a request still gets to begin."""


_REVOKED = "SELECT revoked_at_ms FROM tablet WHERE tablet_id = ?"


class PowerCut(BaseException):
    """Ends a process at a statement, as far as the code under test can see."""


@contextmanager
def power_cut(engine: Engine, statement: int) -> Iterator[None]:
    """Let every statement from the n-th on fail: nothing at all happens after a death."""
    begun = [0]

    def count(*_details: object) -> None:
        begun[0] += 1
        if begun[0] >= statement:
            raise PowerCut

    moments = ("begin", "before_cursor_execute", "commit")
    had_events = engine._has_events
    for moment in moments:
        event.listen(engine, moment, count)
    try:
        yield
    finally:
        for moment in moments:
            event.remove(engine, moment, count)
        engine._has_events = had_events  # removing the last one does not say so


@dataclass(slots=True, kw_only=True)
class Line:
    """The real server behind a bad network, as one tablet sees it; implements SyncApi."""

    service: SyncService
    engine: Engine
    seat: TabletIdentity
    protocol: int
    mail: Mail
    intake: Intake
    misread: list[str] = field(default_factory=list)
    seen: tuple[str, str] = ("", "")

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        return self._suffer(lambda: self._pull(token, min(limit, PAGE_ROWS)))

    def push(self, push: WrittenPush) -> PushAnswer:
        body = dump_written(replace(push, protocol=min(push.protocol, self.protocol)))
        seat = self.seat
        if not self.mail.is_fair and self.mail.rng.random() < 0.15:
            self.mail.late.append(lambda: self._arrive_late(seat, body))
        if self._is_in_a_portal():
            return self._taken_for_success(body)
        return self._suffer(lambda: self._push(seat, body))

    def blobs(self) -> BlobApi:
        return PhotoLine(
            intake=self.intake, seat=self.seat, mail=self.mail, admit=lambda: self._admit(self.seat)
        )

    def send_sealed(self, request: SealedRequest) -> SealedAnswer:
        body = dump_sealed(request)
        return self._suffer(lambda: self._take_sealed(body))

    def _take_sealed(self, body: bytes) -> SealedAnswer:
        """Let sealed things in; the token of a revoked tablet is enough for them."""
        is_revoked = self._is_revoked(self.seat)
        answer = self.service.take_sealed(
            self.seat, parse_sealed(read_json("sealed", body)), is_revoked=is_revoked
        )
        return self._read("sealed", dump_sealed_answer(answer), parse_sealed_answer)

    def is_shut_out(self) -> bool:
        """Return whether the server lets the tablet in no more, or does not know it."""
        try:
            return self._is_revoked(self.seat)
        except SyncProblem:
            return True

    def _admit(self, seat: TabletIdentity) -> None:
        """Do what the server's guard does with a token: let the tablet in, or say why not."""
        if self._is_revoked(seat):
            raise SyncProblem(Reason.WITHDRAWN, "the office has withdrawn this tablet")

    def _is_revoked(self, seat: TabletIdentity) -> bool:
        found = look(self.engine, _REVOKED, seat.tablet_id)
        if not found:
            raise SyncProblem(Reason.LOGIN, "a restored server does not know this tablet")
        return found[0][0] is not None

    def _pull(self, token: str | None, limit: int) -> PullAnswer:
        self._admit(self.seat)
        if token is not None and token == self.seen[0] and has_feature(self.protocol, Feature.SEEN):
            poll = self.service.poll(self.seat, self.seen[1], self.protocol)
            if not poll.has_news:
                return self._read("poll", dump_poll(poll), lambda root: parse_pull(root, token))
        answer = self.service.pull(self.seat, token, limit, self.protocol)
        if answer.seen:
            self.seen = (answer.token, answer.seen)
        return self._read("pull", dump_pull(answer), parse_pull)

    def _push(self, seat: TabletIdentity, body: bytes) -> PushAnswer:
        self._admit(seat)
        answer = self.service.push(seat, open_push("push", body))
        return self._read("push", dump_push_answer(answer), parse_push_answer)

    def _read(self, place: str, body: bytes, parse: Callable[[FieldReader], T]) -> T:
        """Return what the app makes of an answer; one of an older version refuses a newer one's."""
        root = read_json(place, body)
        try:
            root.integer("v", low=1, high=self.protocol)
            return parse(root)
        except ContractError as error:
            self.misread.append(str(error))
            raise SyncProblem(Reason.SERVER, str(error)) from error

    def _arrive_late(self, seat: TabletIdentity, body: bytes) -> None:
        with suppress(SyncProblem):
            self._ask(lambda: self._push(seat, body))

    def _taken_for_success(self, body: bytes) -> PushAnswer:
        """Return what a status of 200 says to an app that asks for no more."""
        op_ids = [str(each["op_id"]) for each in json.loads(body)["ops"]]
        with reading(self.engine) as connection:
            epoch = server_epoch(connection)
        return PushAnswer(
            server_epoch=epoch,
            server_now_ms=0,
            results=[OperationResult(op_id=each, outcome=Outcome.APPLIED) for each in op_ids],
        )

    def _is_in_a_portal(self) -> bool:
        """Say whether a page of something between is taken for an answer; raise what the app does.

        The page comes with status 200 (trap T24); the real client looks at it.
        """
        if self.mail.is_fair or self.mail.rng.random() >= IN_A_PORTAL:
            return False
        page = Response()
        page.status_code = 200
        page.headers["Content-Type"] = "text/html; charset=utf-8"
        client_io._demand_our_server(page, "push")
        return True

    def _suffer(self, ask: Callable[[], T]) -> T:
        """Return the answer, unless the network or the server's end has it otherwise."""
        mail = self.mail
        if mail.is_fair:
            return self._ask(ask)
        fate = mail.rng.random()
        if fate < 0.18:
            raise SyncProblem(Reason.NO_NETWORK, "the request was lost")
        if fate < 0.22:
            self._die_inside(ask)
        answer = self._ask(ask)
        if fate < 0.42:
            raise SyncProblem(Reason.NO_NETWORK, "the answer was lost")
        if fate < 0.52:
            mail.meanwhile()
        return answer

    def _die_inside(self, ask: Callable[[], T]) -> None:
        try:
            with power_cut(self.engine, self.mail.rng.randint(1, LONGEST_LIFE)):
                self._ask(ask)
        except PowerCut:
            raise SyncProblem(Reason.NO_NETWORK, "the server died") from None

    def _ask(self, ask: Callable[[], T]) -> T:
        """Return the answer; refusals become what the HTTP client makes of their status."""
        try:
            return ask()
        except ContractError as error:
            if error.code is Code.APP_TOO_OLD:
                raise SyncProblem(Reason.TOO_OLD, str(error)) from error
            raise RequestRefused(str(error)) from error
        except SQLAlchemyError as error:
            raise SyncProblem(Reason.SERVER, "status 500") from error
