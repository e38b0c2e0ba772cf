"""Takes orders from afar, carries out each once, and answers it whatever happens."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.figures import RemoteFigures
from edge_gateway.remote import answers
from edge_gateway.remote.admission import admit
from edge_gateway.remote.answers import Verdict, result_of
from edge_gateway.remote.audit_io import Audit
from edge_gateway.remote.certificates_io import expiry_warning, good_until
from edge_gateway.remote.ledger_store import Ledger
from edge_gateway.remote.meter_orders_io import send_to_meter
from edge_gateway.remote.revisions_io import FOLDER, InForce, Revisions, verified
from edge_gateway.remote.standing import Standing
from edge_gateway.remote.trials_io import GatewayParts, Trials
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.gateway_commands import (
    ApplyConfig,
    Command,
    CommandOutcome,
    CommandResult,
    GetConfig,
    IdentifyMeter,
    Ping,
    ReadNow,
    RollbackConfig,
    SignedText,
    WriteRegister,
    dump_result,
    parse_command,
    parse_signed,
)
from wire_contracts.payloads import MAX_WIRE_BYTES, pack, read_json, unpack

MAX_WAITING = 100
"""Orders that wait; the server repeats what is not answered."""

_TICK_S = 0.25
_CERTIFICATE_EVERY = timedelta(days=1)
_COMPLAIN_WITHIN_S = 60.0
_MOST_COMPLAINTS = 30
"""Refusals in a minute that are kept and told; the others are only logged and answered."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """An order whose end another thread tells."""

    command: Command
    key_id: str
    verdict: Verdict


class Desk:
    """One thread through which everything from afar passes, one order after the other."""

    def __init__(
        self,
        revisions: Revisions,
        start: tuple[InForce, Standing],
        parts: GatewayParts,
        respond: Callable[[bytes], None],
    ) -> None:
        """Take what the gateway has been started with, and who publishes answers."""
        self._trust = revisions.trust
        self._gateway_id = revisions.local.gateway_id
        self._trials = Trials(revisions, start, parts)
        self._parts = parts
        self._respond = respond
        folder = revisions.local.data / FOLDER
        self._ledger = Ledger(folder)
        self._audit = Audit(folder)
        self._inbox: queue.SimpleQueue[bytes | _Ended] = queue.SimpleQueue()
        tls = revisions.local.mqtt.tls
        self._cert_file = None if tls is None else tls.cert_file
        self._certificate_until = good_until(self._cert_file)
        self._certificate_due_utc: datetime | None = None
        self._complaints: list[float] = []

    def take(self, payload: bytes) -> None:
        """Take an order as it came; any thread may, and nobody waits."""
        if self._inbox.qsize() < MAX_WAITING:
            self._inbox.put(payload)
        else:
            _LOG.warning("remote.too_many_orders", waiting=MAX_WAITING)

    def figures(self) -> RemoteFigures:
        """Return which settings are in force; any thread may ask."""
        in_force = self._trials.in_force
        return RemoteFigures(
            revision=in_force.number,
            is_on_trial=self._trials.standing.trial is not None,
            fingerprint=in_force.fingerprint(),
            certificate_until=self._certificate_until,
        )

    def run(self, halt: threading.Event) -> None:
        """Work until told to stop; no order is looked at before the time is known."""
        self._settle_earlier()
        while not halt.is_set():
            item = self._next(halt)
            if item is not None:
                self._handle(item)
            if self._trials.judge():
                self._tell_end()
            self._look_at_certificate()

    def _next(self, halt: threading.Event) -> bytes | _Ended | None:
        """Return what is to be handled now, None when there was nothing for a while.

        Orders wait while nobody knows what has expired. The server tells the time soon after the
        connection, and repeats what was not answered.
        """
        if not self._parts.is_time_known():
            halt.wait(_TICK_S)
            return None
        try:
            return self._inbox.get(timeout=_TICK_S)
        except queue.Empty:
            return None

    def _handle(self, item: bytes | _Ended) -> None:
        """Handle one thing, come what may: no order may end the threads that read meters."""
        try:
            self._work_on(item)
        except Exception as error:  # noqa: BLE001  # as said above
            _LOG.exception("remote.order_failed")
            self._complain(f"an order could not be handled: {type(error).__name__}: {error}")

    def _work_on(self, item: bytes | _Ended) -> None:
        if isinstance(item, _Ended):
            self._finish(item.command, item.key_id, item.verdict)
            return
        place = f"gateway {self._gateway_id} command"
        try:
            signed = _unsealed(place, item)
        except ContractError as error:
            self._complain(str(error))
            return
        try:
            command = verified(self._trust, signed, place)
            self._admit(command, place)
        except ContractError as error:
            self._refuse(signed, error)
            return
        self._carry_out(command, signed)

    def _admit(self, command: Command, place: str) -> None:
        if self._ledger.find(command.command_id) is not None:
            return
        now_utc = self._parts.clock.now_utc()
        admit(command, self._gateway_id, now_utc, place)
        if self._ledger.is_forgotten(command):
            problem = "is so old that nobody knows whether it was carried out"
            raise _refusal(place, "id", problem, "sign it again", Code.COMMAND_EXPIRED)
        if not self._ledger.has_room(now_utc):
            problem = "comes after too many orders that have not expired yet"
            raise _refusal(place, "id", problem, "let orders expire sooner", Code.COMMAND_BUSY)

    def _refuse(self, signed: SignedText, error: ContractError) -> None:
        """Answer what is not obeyed; a body nobody vouches for is read for its id alone."""
        _LOG.warning("remote.refused", error=str(error), key=signed.key_id)
        try:
            command = parse_command(read_json(error.place, signed.body.encode()))
        except ContractError:
            self._complain(str(error))
            return
        result = self._result(command.command_id, answers.refused(error.code, str(error)))
        if self._may_complain():
            self._audit.note(command, signed.key_id, result)
        self._send(result)

    def _complain(self, text: str) -> None:
        """Tell the server of an order that cannot be answered."""
        _LOG.warning("remote.unreadable", error=text)
        if self._may_complain():
            self._parts.announce("command_refused", text[:500])

    def _may_complain(self) -> bool:
        """Return whether disk and server can bear one more refusal: a flood must not wear them."""
        now_s = time.monotonic()
        self._complaints = [at_s for at_s in self._complaints if now_s - at_s < _COMPLAIN_WITHIN_S]
        may = len(self._complaints) < _MOST_COMPLAINTS
        if may:
            self._complaints.append(now_s)
        return may

    def _carry_out(self, command: Command, signed: SignedText) -> None:
        known = self._ledger.find(command.command_id)
        if known is not None:
            under_way = Verdict(outcome=CommandOutcome.ACCEPTED, text="it is being carried out")
            self._send(known.result or self._result(command.command_id, under_way))
            return
        try:
            self._ledger.begin(command)
        except OSError as error:
            text = f"nothing was done, because the disk takes nothing: {error}; order it again"
            result = self._result(command.command_id, answers.refused(Code.OPERATION_FAILED, text))
            self._send(result)
            return
        _LOG.info("remote.order", do=str(command.kind), id=command.command_id, by=command.by)
        verdict = self._obeyed(command, signed)
        if verdict is not None:
            self._finish(command, signed.key_id, verdict)

    def _obeyed(self, command: Command, signed: SignedText) -> Verdict | None:
        try:
            return self._obey(command, signed)
        except Exception as error:  # noqa: BLE001  # what was begun is always answered
            _LOG.exception("remote.order_failed", id=command.command_id)
            text = f"it ended half-way ({type(error).__name__}: {error}); look before you repeat it"
            return answers.unknown(Code.OPERATION_FAILED, text)

    def _obey(self, command: Command, signed: SignedText) -> Verdict | None:
        """Return what became of an order, None when a link's thread will tell."""
        order = command.order
        match order:
            case Ping():
                return answers.done("here")
            case GetConfig():
                return self._trials.facts()
            case ApplyConfig():
                return self._trials.apply(command.command_id, signed, order)
            case RollbackConfig():
                return self._leave(order, command.by)
            case ReadNow() | IdentifyMeter() | WriteRegister():

                def answer(verdict: Verdict) -> None:
                    ended = _Ended(command=command, key_id=signed.key_id, verdict=verdict)
                    self._inbox.put(ended)

                send_to_meter(self._parts.crew, order, answer)
                return None

    def _leave(self, order: RollbackConfig, by: str) -> Verdict:
        verdict = self._trials.leave(order.number, by)
        self._tell_end()
        return verdict

    def _finish(self, command: Command, key_id: str, verdict: Verdict) -> None:
        result = self._result(command.command_id, verdict)
        self._ledger.finish(result)
        self._audit.note(command, key_id, result)
        if isinstance(command.order, WriteRegister) and not _is_untouched(verdict):
            self._parts.announce("register_written", f"by {command.by}: {verdict.text}")
        self._send(result)

    def _result(self, command_id: str, verdict: Verdict) -> CommandResult:
        return result_of(verdict, command_id, self._gateway_id, self._parts.clock.now_utc())

    def _send(self, result: CommandResult) -> None:
        self._respond(pack(dump_result(result)))

    def _tell_end(self) -> None:
        """Answer the command whose revision's trial has ended, unless that was told already."""
        ended = self._trials.standing.ended
        known = None if ended is None else self._ledger.find(ended.command_id)
        if ended is None or known is None:
            return
        if known.result is not None and known.result.outcome is not CommandOutcome.ACCEPTED:
            return
        text = f"revision {ended.number}: {ended.why}"
        rolled_back = answers.failed(Code.REVISION_ROLLED_BACK, text)
        result = self._result(
            ended.command_id, answers.done(text) if ended.is_confirmed else rolled_back
        )
        self._ledger.finish(result)
        self._send(result)

    def _settle_earlier(self) -> None:
        """Say of orders that an earlier run left open that nobody knows their end."""
        self._tell_end()
        trial = self._trials.standing.trial
        text = "the gateway ended while it worked on it; look before you send it again"
        for command_id in self._ledger.open_ids():
            if trial is None or trial.command_id != command_id:
                verdict = answers.unknown(Code.COMMAND_INTERRUPTED, text)
                result = self._result(command_id, verdict)
                self._ledger.finish(result)
                self._send(result)

    def _look_at_certificate(self) -> None:
        now_utc = self._parts.clock.now_utc()
        if self._certificate_due_utc is not None and now_utc < self._certificate_due_utc:
            return
        self._certificate_due_utc = now_utc + _CERTIFICATE_EVERY
        self._certificate_until = good_until(self._cert_file)
        warning = expiry_warning(self._certificate_until, now_utc)
        if warning is not None:
            _LOG.warning("certificate.expires", text=warning)
            self._parts.announce("certificate_expires", warning)


def _is_untouched(verdict: Verdict) -> bool:
    return verdict.outcome is CommandOutcome.REFUSED


def _refusal(place: str, field: str, problem: str, remedy: str, code: Code) -> ContractError:
    return ContractError(place=place, field=field, problem=problem, remedy=remedy, code=code)


def _unsealed(place: str, payload: bytes) -> SignedText:
    if len(payload) > MAX_WIRE_BYTES:
        problem = f"has {len(payload)} bytes"
        remedy = f"send at most {MAX_WIRE_BYTES}"
        raise _refusal(place, "payload", problem, remedy, Code.PAYLOAD_TOO_LARGE)
    return parse_signed(unpack(place, payload))
