"""Decides what a home's file lacks, where it stands, and where a contract stands.

What belongs into a file: domain model 1.1 (contract, registration form, invoice, card, meter, last
safety check), rule E-09 for the safety education.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sync_server.households.home_file import (
    ContractState,
    Document,
    DocumentKind,
    FileState,
    Issue,
)
from wire_contracts.quantities import Medium

METER = "meter"
"""Stands in the list of what belongs into a file beside the documents."""

_D = DocumentKind
REQUIRED: Mapping[Medium, Sequence[str]] = {
    Medium.GAS: (
        _D.CONTRACT,
        _D.REGISTRATION_FORM,
        _D.INVOICE,
        _D.CARD,
        METER,
        _D.SAFETY_CHECK,
        _D.SAFETY_EDUCATION,
    ),
    Medium.HEAT: (_D.CONTRACT, _D.AREA_EVIDENCE),
    Medium.WATER: (_D.CONTRACT, _D.REGISTRATION_FORM, METER),
}
EXPIRES_SOON = timedelta(days=60)
"""Judgement: a contract is renewed within two months before its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What a file of one medium has and lacks."""

    medium: Medium
    present: Sequence[str]
    missing: Sequence[str]
    state: FileState

    @property
    def score(self) -> float:
        """Return which share of what belongs into it is there."""
        return len(self.present) / (len(self.present) + len(self.missing))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Everything that the state of a file follows from."""

    documents: Sequence[Document]
    issues: Sequence[Issue]
    metered: frozenset[Medium]
    is_heated: bool
    reviewed_at_utc: datetime | None


def media_of(contents: Contents) -> list[Medium]:
    """Return the media that a home has a file for."""
    found = set(contents.metered) | {each.medium for each in contents.documents}
    if contents.is_heated:
        found.add(Medium.HEAT)
    return [each for each in Medium if each in found]


def completeness(contents: Contents, medium: Medium, today: date) -> Completeness:
    """Return what the file of a medium has and lacks; an expired contract is none."""
    own = [each for each in contents.documents if each.medium is medium]
    valid = {str(each.kind) for each in own if each.valid_to is None or each.valid_to >= today}
    if medium in contents.metered:
        valid.add(METER)
    present = [str(each) for each in REQUIRED[medium] if each in valid]
    missing = [str(each) for each in REQUIRED[medium] if each not in valid]
    return Completeness(
        medium=medium, present=present, missing=missing, state=_state(contents, own, missing)
    )


def _state(contents: Contents, own: Sequence[Document], missing: Sequence[str]) -> FileState:
    if missing or any(each.fixed_by is None for each in contents.issues):
        return FileState.DRAFT
    reviewed_utc = contents.reviewed_at_utc
    newest = max((each.added_at_utc for each in own), default=None)
    is_reviewed = reviewed_utc is not None and (newest is None or newest <= reviewed_utc)
    return FileState.REVIEWED if is_reviewed else FileState.COMPLETE


def contract_state(document: Document, today: date) -> ContractState:
    """Return where a contract stands on a day."""
    if document.dated_on > today:
        return ContractState.NOT_YET
    if document.valid_to is None:
        return ContractState.IN_FORCE
    if document.valid_to < today:
        return ContractState.EXPIRED
    soon = document.valid_to - today <= EXPIRES_SOON
    return ContractState.EXPIRING if soon else ContractState.IN_FORCE
