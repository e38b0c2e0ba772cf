"""Carries out orders that concern one meter, in the thread of its link."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.driver import JobRead
from edge_gateway.links.modbus_write_io import WriteOutcome
from edge_gateway.polling.link_crew_io import LinkCrew
from edge_gateway.polling.link_io import Errand, LinkWorker
from edge_gateway.remote.answers import Verdict, done, failed, refused
from wire_contracts.codes import Code
from wire_contracts.gateway_commands import (
    MAX_FACT_CHARACTERS,
    MAX_FACTS,
    CommandOutcome,
    IdentifyMeter,
    ReadNow,
    WriteRegister,
)
from wire_contracts.quality import BAD_MISMATCH

Answer = Callable[[Verdict], None]
MeterOrder = ReadNow | IdentifyMeter | WriteRegister


def send_to_meter(crew: LinkCrew, order: MeterOrder, answer: Answer) -> None:
    """Hand an order to the link of its meter; `answer` is called once, from whichever thread."""
    worker = crew.worker_of(order.meter)
    if worker is None:
        text = f"meter: {order.meter!r} is not on any link here; name one of the settings in force"
        answer(refused(Code.METER_UNKNOWN, text))
        return
    ended = failed(Code.COMMAND_INTERRUPTED, "the link was ended before its turn; send it again")
    errand = Errand(
        work=lambda link: answer(_carried_out(link, order)), cancel=lambda: answer(ended)
    )
    if not worker.ask(errand):
        answer(ended)


def _carried_out(link: LinkWorker, order: MeterOrder) -> Verdict:
    try:
        match order:
            case ReadNow():
                return _read(link, order)
            case IdentifyMeter():
                return _identify(link, order)
            case WriteRegister():
                return _write(link, order)
    except Exception as error:  # noqa: BLE001  # an order must never end the link's thread
        return failed(Code.OPERATION_FAILED, f"{type(error).__name__}: {error}"[:500])


def _read(link: LinkWorker, order: ReadNow) -> Verdict:
    groups = link.groups(order.meter)
    if not groups:
        text = f"{order.meter}: is not read, because nobody knows what it is; send identify"
        return refused(Code.METER_UNKNOWN, text)
    if order.group is not None and order.group not in groups:
        text = f"group: {order.group!r} is none of this meter's; use {', '.join(groups)}"
        return refused(Code.FIELD_RANGE, text)
    wanted = groups if order.group is None else (order.group,)
    reads = [link.read_now(order.meter, group) for group in wanted]
    facts: dict[str, str] = {}
    for read in reads:
        facts.update(_facts(read))
    if not any(read.has_answered for read in reads):
        faults = "; ".join(fault.detail for read in reads for fault in read.faults)
        return failed(Code.METER_SILENT, f"{order.meter} does not answer: {faults}"[:500])
    return done(f"{len(reads)} groups read", dict(list(facts.items())[:MAX_FACTS]))


def _facts(read: JobRead) -> Mapping[str, str]:
    """Return each quantity's value, or its quality where it has none; doubts stand beside it."""
    facts = {str(name): repr(value) for name, value in read.values.items()}
    for name, quality in read.quality.items():
        facts[str(name)] = f"{facts[name]} {quality}" if name in facts else str(quality)
    if read.events:
        facts["events"] = ", ".join(read.events)[:MAX_FACT_CHARACTERS]
    return facts


def _identify(link: LinkWorker, order: IdentifyMeter) -> Verdict:
    found = link.identify(order.meter)
    if isinstance(found, Fault):
        return failed(Code.METER_SILENT, f"{order.meter}: {found.detail or found.kind}"[:500])
    facts = {name: text[:MAX_FACT_CHARACTERS] for name, text in found.facts.items() if text}
    facts["address"] = found.device_address
    facts["profiles"] = ", ".join(found.profiles)[:MAX_FACT_CHARACTERS] or "none known"
    return done(f"{order.meter} says what it is", facts)


def _write(link: LinkWorker, order: WriteRegister) -> Verdict:
    stranger = _stranger(link, order.meter) if link.is_writable else None
    if stranger is not None:
        text = f"{order.meter}: is not what answers there ({stranger}); nothing was written"
        return failed(Code.METER_UNKNOWN, text[:1000])
    report = link.write(order.meter, order.register, Decimal(order.value))
    if report is None:
        text = f"{order.meter}: {order.register}: the link is read-only; see [[link]] writes"
        return refused(Code.WRITE_DISABLED, text)
    facts = {name: text for name, text in (("old", report.old), ("new", report.new)) if text}
    outcome, code = _ENDS[report.outcome]
    return Verdict(outcome=outcome, code=code, text=report.text, facts=facts)


def _stranger(link: LinkWorker, meter: str) -> str | None:
    """Return what speaks against the meter's being the one of the settings, None for nothing.

    It is read once more before it is written: its guard and its identity are looked at then.
    """
    groups = link.groups(meter)
    if not groups:
        return "nobody knows yet what it is"
    read = link.read_now(meter, groups[0])
    details = [fault.detail for fault in read.faults if fault.kind is FaultKind.MISMATCH]
    if details or BAD_MISMATCH in read.quality.values():
        return next(iter(details), "its guard shows another meter")
    return None


_ENDS: Mapping[WriteOutcome, tuple[CommandOutcome, Code | None]] = {
    WriteOutcome.WRITTEN: (CommandOutcome.DONE, None),
    WriteOutcome.DISALLOWED: (CommandOutcome.REFUSED, Code.WRITE_DISABLED),
    WriteOutcome.REFUSED: (CommandOutcome.REFUSED, Code.WRITE_RANGE),
    WriteOutcome.FAILED: (CommandOutcome.FAILED, Code.WRITE_REFUSED),
    WriteOutcome.MISMATCH: (CommandOutcome.FAILED, Code.WRITE_MISMATCH),
    WriteOutcome.UNKNOWN: (CommandOutcome.UNKNOWN, Code.METER_SILENT),
}
"""How the end of a write is answered."""
