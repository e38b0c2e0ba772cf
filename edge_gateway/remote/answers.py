"""Writes what became of a command: outcome, stable code, text for people, facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wire_contracts.codes import Code
from wire_contracts.frames import EARLIEST_MS, utc_from_ms
from wire_contracts.gateway_commands import CommandOutcome, CommandResult

_LONGEST_TEXT = 1900
_EARLIEST_UTC = utc_from_ms(EARLIEST_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of an order, before it has an id and a time.

    Attributes:
        outcome: How it ended.
        code: A stable code where it was not done.
        text: For people.
        facts: What was asked for.
    """

    outcome: CommandOutcome
    code: Code | None = None
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def done(text: str, facts: Mapping[str, str] | None = None) -> Verdict:
    """Return the verdict on what was done."""
    return Verdict(outcome=CommandOutcome.DONE, text=text, facts=facts or {})


def refused(code: Code, text: str) -> Verdict:
    """Return the verdict on what was not even tried."""
    return Verdict(outcome=CommandOutcome.REFUSED, code=code, text=text)


def failed(code: Code, text: str) -> Verdict:
    """Return the verdict on what was tried without effect."""
    return Verdict(outcome=CommandOutcome.FAILED, code=code, text=text)


def unknown(code: Code, text: str) -> Verdict:
    """Return the verdict on what may or may not have had an effect."""
    return Verdict(outcome=CommandOutcome.UNKNOWN, code=code, text=text)


def result_of(
    verdict: Verdict, command_id: str, gateway_id: str, now_utc: datetime
) -> CommandResult:
    """Return the answer to one command.

    A clock that has not been set yet says the earliest time that the wire knows; the ledger could
    not be read again with less.
    """
    return CommandResult(
        command_id=command_id,
        gateway_id=gateway_id,
        at_utc=max(now_utc, _EARLIEST_UTC),
        outcome=verdict.outcome,
        code=str(verdict.code or ""),
        text=verdict.text[:_LONGEST_TEXT],
        facts=verdict.facts,
    )
