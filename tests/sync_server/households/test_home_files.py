"""Files of homes, changes with four eyes, new buildings, applications."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from sync_server.access.audit_store import list_audit, verify_audit
from sync_server.access.roles import Role
from sync_server.customers.customer_store import get_household
from sync_server.households.application_store import (
    Account,
    Application,
    decide_application,
    open_account,
    show_papers,
    tell,
)
from sync_server.households.applications import (
    FEES,
    PAPERS,
    PROCEDURES,
    Decision,
    check_decision,
)
from sync_server.households.building_store import announce, move_building, not_heated
from sync_server.households.change_store import changes_of, decide_change, propose_change
from sync_server.households.completeness import (
    METER,
    REQUIRED,
    Contents,
    completeness,
    contract_state,
    media_of,
)
from sync_server.households.file_store import (
    add_document,
    contents_of,
    contracts,
    fix_issue,
    open_issue,
    open_issues,
    review,
)
from sync_server.households.home_file import (
    BuildingEvent,
    BuildingState,
    ChangeKind,
    ChangeState,
    ContractState,
    Document,
    DocumentKind,
    FileState,
    IssueKind,
    NewDocument,
)
from sync_server.service_desk.catalogue import classes_of
from sync_server.service_desk.request import RequestClass, RequestKind, RequestRecord
from sync_server.service_desk.request_store import record_request
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import DeskTown, found_desk_town, wanted
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.quantities import Medium

TODAY = date(2026, 11, 2)
_D = DocumentKind


def paper(kind: DocumentKind, valid_to: date | None = None) -> NewDocument:
    return NewDocument(
        medium=Medium.GAS, kind=kind, reference=f"no {kind}", dated_on=TODAY, valid_to=valid_to
    )


def kept(kind: DocumentKind, **dates: date | None) -> Document:
    return Document(
        document_id=1,
        premises_id="p-1",
        medium=Medium.GAS,
        kind=kind,
        reference="7",
        dated_on=dates.get("dated_on") or TODAY,
        valid_to=dates.get("valid_to"),
        added_by="liu",
        added_at_utc=NOON,
    )


def contents(documents: Sequence[Document], *, is_metered: bool = True) -> Contents:
    return Contents(
        documents=documents,
        issues=(),
        metered=frozenset({Medium.GAS} if is_metered else ()),
        is_heated=False,
        reviewed_at_utc=None,
    )


def test_a_file_is_complete_when_everything_that_belongs_into_it_is_there(engine: Engine) -> None:
    """Rules E-05, A-41, E-09: one household one file, with its score and its state."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        empty = completeness(contents_of(connection, "p-1"), Medium.GAS, TODAY)
        for kind in (_D.CONTRACT, _D.REGISTRATION_FORM, _D.INVOICE, _D.CARD, _D.SAFETY_CHECK):
            add_document(connection, "p-1", paper(kind), town.office())
        almost = completeness(contents_of(connection, "p-1"), Medium.GAS, TODAY)
        add_document(connection, "p-1", paper(_D.SAFETY_EDUCATION), town.office())
        whole = completeness(contents_of(connection, "p-1"), Medium.GAS, TODAY)
        review(connection, "p-1", town.office(minutes=1))
        seen = completeness(contents_of(connection, "p-1"), Medium.GAS, TODAY)
        add_document(connection, "p-1", paper(_D.OTHER), town.office(minutes=2))
        again = completeness(contents_of(connection, "p-1"), Medium.GAS, TODAY)
        media = media_of(contents_of(connection, "p-1"))

    assert (empty.present, round(empty.score, 2)) == ([METER], 0.14)
    assert (almost.missing, almost.state) == ([_D.SAFETY_EDUCATION], FileState.DRAFT)
    assert [each.state for each in (whole, seen, again)] == [
        FileState.COMPLETE,
        FileState.REVIEWED,
        FileState.COMPLETE,
    ]
    assert media == [Medium.HEAT, Medium.GAS]


@given(st.sets(st.sampled_from(DocumentKind)), st.sampled_from(DocumentKind))
def test_another_document_never_makes_a_file_less_complete(
    kinds: set[DocumentKind], more: DocumentKind
) -> None:
    some = [kept(each) for each in sorted(kinds)]
    before = completeness(contents(some), Medium.GAS, TODAY)
    after = completeness(contents([*some, kept(more)]), Medium.GAS, TODAY)

    assert after.score >= before.score
    assert len(before.present) + len(before.missing) == len(REQUIRED[Medium.GAS])


def test_a_contract_that_has_ended_is_none() -> None:
    """Rule A-30: draft, in force, expired."""
    ended = kept(_D.CONTRACT, dated_on=date(2025, 1, 1), valid_to=TODAY - timedelta(days=1))
    states = [
        contract_state(kept(_D.CONTRACT, dated_on=dated, valid_to=valid_to), TODAY)
        for dated, valid_to in (
            (TODAY + timedelta(days=1), None),
            (TODAY, None),
            (TODAY, TODAY + timedelta(days=61)),
            (TODAY, TODAY + timedelta(days=60)),
            (TODAY, TODAY),
        )
    ]

    assert _D.CONTRACT in completeness(contents([ended]), Medium.GAS, TODAY).missing
    assert contract_state(ended, TODAY) is ContractState.EXPIRED
    assert states == [
        ContractState.NOT_YET,
        ContractState.IN_FORCE,
        ContractState.IN_FORCE,
        ContractState.EXPIRING,
        ContractState.EXPIRING,
    ]


def test_the_list_of_contracts_begins_with_what_ends_first(sqlite_engine: Engine) -> None:
    """Rule A-30: contract list."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        add_document(connection, "p-1", paper(_D.CONTRACT), town.office())
        add_document(connection, "p-2", paper(_D.CONTRACT, date(2027, 1, 1)), town.office())
        add_document(connection, "p-3", paper(_D.CONTRACT, date(2026, 12, 1)), town.office())
        found = [each.premises_id for each in contracts(connection)]
        wrong = paper(_D.CONTRACT, date(2026, 1, 1))
        with pytest.raises(ContractError, match="is before its date"):
            add_document(connection, "p-1", wrong, town.office())
        with pytest.raises(ContractError, match="write the number"):
            add_document(connection, "p-1", replace(wrong, reference=" "), town.office())
        with pytest.raises(ContractError, match="may not change_home"):
            add_document(connection, "p-1", paper(_D.CARD), town.office(town.auditor))
        with pytest.raises(ContractError, match="does not exist"):
            add_document(connection, "p-9", paper(_D.CARD), town.office())

    assert found == ["p-3", "p-2", "p-1"]


def test_an_archive_error_holds_the_file_open_until_it_was_put_right(
    sqlite_engine: Engine,
) -> None:
    """Rule A-27: four classes of errors, listed until they are fixed."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        open_issue(connection, "p-1", IssueKind.WRONG_AREA, "86, not 68 m2", town.office())
        open_issue(connection, "p-2", IssueKind.CANNOT_PAY, "card unreadable", town.office())
        listed = open_issues(connection)
        with pytest.raises(ContractError, match="write how it was put right"):
            fix_issue(connection, listed[0].issue_id, "", town.office())
        home = fix_issue(connection, listed[0].issue_id, "new card", town.office())
        with pytest.raises(ContractError, match="was written already"):
            fix_issue(connection, listed[0].issue_id, "again", town.office())
        left = [(each.premises_id, each.kind) for each in open_issues(connection)]

    assert [each.kind for each in listed] == [IssueKind.CANNOT_PAY, IssueKind.WRONG_AREA]
    assert (home, left) == ("p-2", [("p-1", IssueKind.WRONG_AREA)])


def boss_of(connection: Connection) -> str:
    return person(connection, "boss", Role.DIRECTOR).account_id


def test_area_capacity_supply_and_refund_need_evidence_and_another_persons_yes(
    engine: Engine,
) -> None:
    """Rules A-28, A-29, A-32: four eyes, and the chain of the audit."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        boss = town.office(boss_of(connection), 60)
        with pytest.raises(ContractError, match="write who measured what"):
            propose_change(connection, "p-1", ChangeKind.AREA_M2, 86.5, "", town.office())
        with pytest.raises(ContractError, match="write the figure of refund_yuan"):
            propose_change(connection, "p-1", ChangeKind.REFUND_YUAN, None, "bill", town.office())
        area = propose_change(connection, "p-1", ChangeKind.AREA_M2, 86.5, "laser", town.office())
        stop = propose_change(
            connection, "p-1", ChangeKind.RESUME_HEATING, None, "valve open", town.office()
        )
        waiting = [each.change_id for each in changes_of(connection, None)]
        with pytest.raises(ContractError, match="may not approve_home"):
            decide_change(connection, area.change_id, ChangeState.APPROVED, "", town.office())
        with pytest.raises(ContractError, match="write why it is refused"):
            decide_change(connection, area.change_id, ChangeState.REFUSED, "", boss)
        decide_change(connection, area.change_id, ChangeState.APPROVED, "", boss)
        decide_change(connection, stop.change_id, ChangeState.APPROVED, "", boss)
        is_heated = get_household(connection, "p-1").premises.is_heated
        own = propose_change(connection, "p-1", ChangeKind.STOP_HEATING, None, "seal 7", boss)
        with pytest.raises(ContractError, match="four eyes"):
            decide_change(connection, own.change_id, ChangeState.APPROVED, "", boss)
        done = [each.action for each in list_audit(connection)]
        is_whole = verify_audit(connection).is_whole

    assert waiting == [stop.change_id, area.change_id]
    assert (is_heated, is_whole) == (True, True)
    assert done.count("home.approved") == 2


def test_a_building_is_heated_only_after_its_homes_were_verified_and_it_was_accepted(
    sqlite_engine: Engine,
) -> None:
    """Rule A-31: readiness of new buildings before the season."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        office = town.office()
        later = announce(connection, "Beiyuan 9", 60, date(2027, 11, 15), office)
        soon = announce(connection, "Beiyuan 8", 144, date(2026, 11, 15), office)
        with pytest.raises(RefusedTransition, match="possible now: verify"):
            move_building(connection, soon.building_id, BuildingEvent.HEAT, office)
        for event in (BuildingEvent.VERIFY, BuildingEvent.ACCEPT):
            soon = move_building(connection, soon.building_id, event, office)
        before = [each.building_id for each in not_heated(connection)]
        move_building(connection, soon.building_id, BuildingEvent.HEAT, office)
        after = [each.building_id for each in not_heated(connection)]
        with pytest.raises(ContractError, match="write community and building"):
            announce(connection, " ", 1, TODAY, office)

    assert soon.state is BuildingState.ACCEPTED
    assert (before, after) == ([soon.building_id, later.building_id], [later.building_id])


def apply(
    connection: Connection, town: DeskTown, request_class: RequestClass = RequestClass.OPEN_ACCOUNT
) -> RequestRecord:
    return record_request(connection, wanted(request_class), (), town.office())


def test_every_application_has_its_papers_and_fees_in_both_languages() -> None:
    """Rules D-09, E-04: told at once, step by step."""
    assert set(PROCEDURES) == set(classes_of(RequestKind.APPLICATION))
    for procedure in PROCEDURES.values():
        assert set(procedure.papers) <= set(PAPERS)
        assert set(procedure.fees) <= set(FEES)


def test_papers_are_told_at_once_checked_and_accepted_with_a_slip(sqlite_engine: Engine) -> None:
    """Rules D-09, B-02, B-03, D-13: one-time notice, papers with signatures, acceptance slip."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = apply(connection, town).request_id
        with pytest.raises(ContractError, match="does not exist"):
            show_papers(connection, request_id, frozenset({"identity"}), town.office())
        told = tell(connection, request_id, town.office())
        again = tell(connection, request_id, town.office(minutes=5))
        some = frozenset({"identity", "property", "invoice", "registration", "nonsense"})
        shown = show_papers(connection, request_id, some, town.office())
        yes = Decision(is_accepted=True)
        with pytest.raises(ContractError, match="lack: Signatures, and seals"):
            decide_application(connection, request_id, yes, town.office())
        show_papers(connection, request_id, some | {"signature"}, town.office())
        taken = decide_application(connection, request_id, yes, town.office())
        with pytest.raises(ContractError, match="was made already"):
            decide_application(connection, request_id, yes, town.office())

    assert told.told_at_utc == again.told_at_utc == NOON
    assert "nonsense" not in shown.shown
    assert (taken.is_accepted, taken.slip_number) == (True, "S-000001")


@pytest.mark.parametrize(
    ("reason", "alternative", "refusal"),
    [("", "x", "write why it is refused"), ("x", " ", "what the customer can do instead")],
)
def test_a_refusal_says_why_and_what_else_can_be_done(
    reason: str, alternative: str, refusal: str
) -> None:
    """Rules B-04, I11."""
    procedure = PROCEDURES[RequestClass.BUY_GAS]
    decision = Decision(is_accepted=False, reason=reason, alternative=alternative)

    with pytest.raises(ContractError, match=refusal):
        check_decision(procedure, frozenset(), decision)


def opened(connection: Connection, town: DeskTown, account: Account) -> Application:
    request_id = apply(connection, town).request_id
    tell(connection, request_id, town.office())
    every = frozenset(PROCEDURES[RequestClass.OPEN_ACCOUNT].papers)
    show_papers(connection, request_id, every, town.office())
    decide_application(connection, request_id, Decision(is_accepted=True), town.office())
    return open_account(connection, request_id, account, town.office())


def test_an_account_is_opened_in_four_steps_and_the_file_has_what_came_of_it(
    sqlite_engine: Engine,
) -> None:
    """Rule E-11: invoice and form, contract, volume, card."""
    account = Account(
        contract_number="C-7", invoice_number="I-9", initial_m3=50.0, card_number="K-3"
    )
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        with pytest.raises(ContractError, match="contract, invoice, volume, card"):
            opened(connection, town, replace(account, card_number=""))
        done = opened(connection, town, account)
        with pytest.raises(ContractError, match="was handed over already"):
            open_account(connection, done.request_id, account, town.office())
        found = contents_of(connection, "p-1").documents

    assert (done.card_number, done.initial_m3) == ("K-3", 50.0)
    assert {each.kind: each.reference for each in found}[_D.CONTRACT] == "C-7"
    assert {each.kind for each in found} == {
        _D.CONTRACT,
        _D.INVOICE,
        _D.REGISTRATION_FORM,
        _D.CARD,
    }


def test_only_applications_have_papers_and_only_accounts_a_card(sqlite_engine: Engine) -> None:
    account = Account(contract_number="C", invoice_number="I", initial_m3=1.0, card_number="K")
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        leak = apply(connection, town, RequestClass.NO_GAS)
        with pytest.raises(ContractError, match="no application"):
            tell(connection, leak.request_id, town.office())
        pipe = apply(connection, town, RequestClass.PIPE_WORK)
        tell(connection, pipe.request_id, town.office())

        with pytest.raises(ContractError, match="accept it first"):
            open_account(connection, pipe.request_id, account, town.office())
