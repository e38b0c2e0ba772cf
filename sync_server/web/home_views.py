"""What the pages of homes show: files, errors, changes, contracts, buildings, applications."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sync_server.customers.customer import Household, masked
from sync_server.households.application_store import Application
from sync_server.households.applications import FEES, PAPERS, Procedure
from sync_server.households.completeness import (
    Contents,
    completeness,
    contract_state,
    media_of,
)
from sync_server.households.home_file import (
    BUILDING,
    Change,
    ChangeState,
    ContractState,
    Document,
    FileState,
    Issue,
    NewBuilding,
)
from sync_server.web.desk_labels import FLAGS
from sync_server.web.labels import MEDIA, label
from sync_server.web.office_labels import (
    BUILDING_EVENTS,
    BUILDING_STATES,
    CHANGE_KINDS,
    CHANGE_STATES,
    CONTRACT_STATES,
    CUSTOMER_CLASSES,
    DOCUMENT_KINDS,
    FILE_STATES,
    ISSUE_KINDS,
)
from sync_server.web.places import Place, place_for
from sync_server.web.request_views import Names
from sync_server.web.words import Words, number

_FILE_TONES: Mapping[FileState, str] = {
    FileState.DRAFT: "warn",
    FileState.COMPLETE: "info",
    FileState.REVIEWED: "ok",
}
_CONTRACT_TONES: Mapping[ContractState, str] = {
    ContractState.NOT_YET: "info",
    ContractState.IN_FORCE: "ok",
    ContractState.EXPIRING: "warn",
    ContractState.EXPIRED: "danger",
}
_CHANGE_TONES: Mapping[ChangeState, str] = {
    ChangeState.PROPOSED: "warn",
    ChangeState.APPROVED: "ok",
    ChangeState.REFUSED: "out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRow:
    """A home of the list; the customer is masked."""

    href: str
    place: Place
    customer: str
    phone: str
    meters: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """Whose home it is: whole for whoever gave a reason, masked else."""

    name: str
    phone: str
    customer_class: str
    flags: Sequence[str]
    window: str
    is_masked: bool
    is_confidential: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """The file of one medium."""

    medium: str
    medium_message: str
    percent: int
    state: str
    tone: str
    missing: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document; `tone` is that of a contract's state."""

    href: str
    kind: str
    medium: str
    reference: str
    dated: str
    valid_to: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRow:
    """An error of the archive."""

    issue_id: int
    href: str
    premises_id: str
    kind: str
    text: str
    at: str
    result: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A change with its figure."""

    change_id: int
    href: str
    premises_id: str
    kind: str
    figure: str
    evidence: str
    state: str
    tone: str
    who: str
    at: str
    reason: str
    can_decide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingRow:
    """A new building with the step that comes next."""

    building_id: int
    name: str
    homes: int
    season: str
    tone: str
    state: str
    event: str
    event_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRow:
    """A paper that an application needs."""

    code: str
    text: str
    is_shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """An application as the clerk sees it."""

    papers: Sequence[PaperRow]
    fees: str
    told: str
    is_told: bool
    is_open: bool
    is_accepted: bool
    is_refused: bool
    slip_number: str
    reason: str
    alternative: str
    has_account: bool
    account: Application | None
    is_finished: bool


def home_row(found: Household, words: Words) -> HomeRow:
    """Return a home as lists show it."""
    customer = found.customer
    return HomeRow(
        href=f"/homes/{found.premises.premises_id}",
        place=place_for(words, found.place_en, found.place_zh, found.premises.address),
        customer="" if customer is None else f"{customer.name[:1]}**",
        phone="" if customer is None else masked(customer.phone),
        meters=" · ".join(found.premises.meter_ids),
    )


def customer_view(found: Household, words: Words, *, is_whole: bool) -> CustomerView | None:
    """Return whose home it is, None when nobody is known."""
    customer = found.customer
    if customer is None:
        return None
    return CustomerView(
        name=customer.name if is_whole else f"{customer.name[:1]}**",
        phone=customer.phone if is_whole else masked(customer.phone),
        customer_class=label(words, CUSTOMER_CLASSES, customer.customer_class),
        flags=[label(words, FLAGS, each) for each in sorted(customer.flags)],
        window=customer.contact_window,
        is_masked=not is_whole,
        is_confidential=customer.is_confidential,
    )


def file_views(contents: Contents, words: Words, today: date) -> list[FileView]:
    """Return one file for each medium of the home."""
    found = [completeness(contents, medium, today) for medium in media_of(contents)]
    return [
        FileView(
            medium=str(each.medium),
            medium_message=MEDIA[each.medium],
            percent=round(100 * each.score),
            state=label(words, FILE_STATES, each.state),
            tone=_FILE_TONES[each.state],
            missing=[label(words, DOCUMENT_KINDS, kind) for kind in each.missing],
        )
        for each in found
    ]


def document_rows(documents: Sequence[Document], words: Words, today: date) -> list[DocumentRow]:
    """Return the documents; contracts say where they stand."""
    rows = []
    for each in documents:
        is_contract = each.kind == "contract"
        state = contract_state(each, today)
        rows.append(
            DocumentRow(
                href=f"/homes/{each.premises_id}",
                kind=label(words, DOCUMENT_KINDS, each.kind),
                medium=label(words, MEDIA, each.medium),
                reference=each.reference,
                dated=each.dated_on.isoformat(),
                valid_to="" if each.valid_to is None else each.valid_to.isoformat(),
                state=label(words, CONTRACT_STATES, state) if is_contract else "",
                tone=_CONTRACT_TONES[state],
            )
        )
    return rows


def issue_rows(issues: Sequence[Issue], words: Words) -> list[IssueRow]:
    """Return the errors of the archive as they come."""
    return [
        IssueRow(
            issue_id=each.issue_id,
            href=f"/homes/{each.premises_id}",
            premises_id=each.premises_id,
            kind=label(words, ISSUE_KINDS, each.kind),
            text=each.text,
            at=words.date(each.opened_at_utc),
            result=each.result,
            is_open=each.fixed_by is None,
        )
        for each in issues
    ]


def change_rows(
    changes: Sequence[Change], words: Words, names: Names, decider: str
) -> list[ChangeRow]:
    """Return the changes; `decider` may decide those of others, empty: none."""
    return [
        ChangeRow(
            change_id=each.change_id,
            href=f"/homes/{each.premises_id}",
            premises_id=each.premises_id,
            kind=label(words, CHANGE_KINDS, each.kind),
            figure="" if each.figure is None else number(each.figure),
            evidence=each.evidence,
            state=label(words, CHANGE_STATES, each.state),
            tone=_CHANGE_TONES[each.state],
            who=names.accounts.get(each.proposed_by, each.proposed_by),
            at=words.date(each.proposed_at_utc),
            reason=each.reason,
            can_decide=each.state is ChangeState.PROPOSED and decider not in {"", each.proposed_by},
        )
        for each in changes
    ]


def building_rows(buildings: Sequence[NewBuilding], words: Words, today: date) -> list[BuildingRow]:
    """Return the new buildings; one whose season has begun is late."""
    rows = []
    for each in buildings:
        event = BUILDING.possible_events(each.state)[0]
        rows.append(
            BuildingRow(
                building_id=each.building_id,
                name=each.name,
                homes=each.home_count,
                season=each.season_on.isoformat(),
                tone="danger" if each.season_on <= today else "",
                state=label(words, BUILDING_STATES, each.state),
                event=str(event),
                event_words=label(words, BUILDING_EVENTS, event),
            )
        )
    return rows


def application_view(
    procedure: Procedure, found: Application | None, words: Words, names: Names
) -> ApplicationView:
    """Return the application as it stands; before anything was told, what is to be told."""
    shown = frozenset() if found is None else found.shown
    told = ""
    if found is not None:
        who = names.accounts.get(found.told_by, found.told_by)
        told = f"{who} · {words.moment(found.told_at_utc)}"
    decided = None if found is None else found.is_accepted
    return ApplicationView(
        papers=[
            PaperRow(
                code=each, text=PAPERS[each].in_language(words.language), is_shown=each in shown
            )
            for each in procedure.papers
        ],
        fees=" · ".join(FEES[each].in_language(words.language) for each in procedure.fees),
        told=told,
        is_told=found is not None,
        is_open=found is not None and decided is None,
        is_accepted=decided is True,
        is_refused=decided is False,
        slip_number="" if found is None else found.slip_number,
        reason="" if found is None else found.reason,
        alternative="" if found is None else found.alternative,
        has_account=procedure.has_account,
        account=found,
        is_finished=found is not None and found.finished_at_utc is not None,
    )
