"""Stand-ins, major incidents, paper slips."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from sync_server.access.audit_store import AuditSearch, find_audit, verify_audit
from sync_server.db.feed_store import Topic, read_feed
from sync_server.service_desk.paper_store import (
    MOST_AT_ONCE,
    enter_slip,
    open_slips,
    print_slips,
    void_slip,
)
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.request_store import record_request
from sync_server.shifts.delegation_store import (
    Delegation,
    NewDelegation,
    coming_delegations,
    end_delegation,
    register,
    standing_in,
)
from sync_server.shifts.incident_store import (
    begin,
    end_incident,
    entries_of,
    get_incident,
    newest_incidents,
    report_up,
    write_entry,
)
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import DeskTown, found_desk_town, wanted
from wire_contracts.errors import ContractError


def away(
    connection: Connection,
    town: DeskTown,
    to: str,
    hours: tuple[float, float],
    contact: str = "155",
) -> Delegation:
    new = NewDelegation(
        from_account=town.leader,
        to_account=to,
        contact=contact,
        from_utc=NOON + timedelta(hours=hours[0]),
        to_utc=NOON + timedelta(hours=hours[1]),
    )
    return register(connection, new, town.leader, NOON)


def test_a_stand_in_is_registered_beforehand_with_where_that_person_is_reached(
    engine: Engine,
) -> None:
    """Rule C-35: leave and meetings are no excuse."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        for arguments, refusal in (
            ((town.leader, (1.0, 5.0)), "name another person"),
            ((town.dispatcher, (5.0, 1.0)), "is not behind its beginning"),
            ((town.dispatcher, (-5.0, -1.0)), "is registered beforehand"),
        ):
            with pytest.raises(ContractError, match=refusal):
                away(connection, town, *arguments)
        with pytest.raises(ContractError, match="where the stand-in is reached"):
            away(connection, town, town.dispatcher, (1, 5), contact=" ")
        late = away(connection, town, town.dispatcher, (-5, 2))
        coming = away(connection, town, town.quality, (24, 48))
        now = {key: each.to_account for key, each in standing_in(connection, NOON).items()}
        listed = [each.delegation_id for each in coming_delegations(connection, NOON)]
        with pytest.raises(ContractError, match="of other people"):
            end_delegation(connection, late.delegation_id, town.agent, NOON)
        end_delegation(connection, late.delegation_id, town.leader, NOON)
        left = standing_in(connection, NOON + timedelta(seconds=1))

    assert late.from_utc == NOON
    assert now == {town.leader: town.dispatcher}
    assert (listed, left) == ([late.delegation_id, coming.delegation_id], {})


def test_an_incident_begins_at_once_is_reported_upward_and_ends_with_what_was_learnt(
    engine: Engine,
) -> None:
    """Rule B-15: plan started at once, reported upward, logged."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        with pytest.raises(ContractError, match="what happens, and where"):
            begin(connection, " ", town.dispatcher, NOON)
        incident = begin(connection, "Main burst, Binhe", town.dispatcher, NOON)
        number = incident.incident_id
        write_entry(connection, number, "valve 7 closed", town.leader, NOON)
        with pytest.raises(ContractError, match="tell somebody above"):
            end_incident(connection, number, "fixed", town.dispatcher, NOON)
        told = report_up(connection, number, "Director Han", town.dispatcher, NOON)
        later = NOON + timedelta(hours=1)
        again = report_up(connection, number, "Mayor's office", town.dispatcher, later)
        with pytest.raises(ContractError, match="what was learnt"):
            end_incident(connection, number, "", town.dispatcher, later)
        end_incident(connection, number, "spare valve in the van", town.dispatcher, later)
        with pytest.raises(ContractError, match="has ended"):
            write_entry(connection, number, "more", town.leader, later)
        found = get_incident(connection, number)
        log = [each.text for each in entries_of(connection, number)]
        listed = [each.incident_id for each in newest_incidents(connection)]
        topics = {each.topic for each in read_feed(connection, 0, 100)}

    assert (told.reported_to, again.reported_to) == ("Director Han", "Director Han")
    assert (found.ended_at_utc, found.lessons) == (later, "spare valve in the van")
    assert log == ["→ Mayor's office", "→ Director Han", "valve 7 closed"]
    assert (listed, Topic.SHIFT in topics) == ([number], True)


def test_every_paper_slip_is_entered_once_or_void(engine: Engine) -> None:
    """Rules B-14, C-19: numbered slips for an outage; what does not match is a list."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        office = town.office()
        numbers = print_slips(connection, 3, office)
        more = print_slips(connection, 1000, office)
        record = record_request(connection, wanted(RequestClass.NO_GAS), (), office)
        enter_slip(connection, 1, record.request_id, office)
        with pytest.raises(ContractError, match="is entered already"):
            enter_slip(connection, 1, record.request_id, office)
        with pytest.raises(ContractError, match="what became of it"):
            void_slip(connection, 2, " ", office)
        void_slip(connection, 2, "coffee", office)
        with pytest.raises(ContractError, match="is void already"):
            enter_slip(connection, 2, record.request_id, office)
        with pytest.raises(ContractError, match="does not exist"):
            void_slip(connection, 5000, "x", office)
        left = [each.slip_number for each in open_slips(connection)]

    assert (numbers, more[0], len(more)) == ([1, 2, 3], 4, MOST_AT_ONCE)
    assert left == [3, *more]


def test_the_audit_is_searched_by_person_action_and_subject_page_by_page(
    sqlite_engine: Engine,
) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        print_slips(connection, 2, town.office())
        void_slip(connection, 1, "torn", town.office(town.quality))
        void_slip(connection, 2, "lost", town.office())
        all_paper = find_audit(connection, AuditSearch(action="paper."), 10)
        own = find_audit(connection, AuditSearch(actor=town.quality), 10)
        one = find_audit(connection, AuditSearch(action="paper.", subject="2"), 10)
        first = find_audit(connection, AuditSearch(action="paper."), 1)[0]
        older = find_audit(connection, AuditSearch(action="paper.", before=first.position), 10)
        wild = find_audit(connection, AuditSearch(action="%"), 10)
        is_whole = verify_audit(connection).is_whole

    assert [each.action for each in all_paper] == ["paper.void", "paper.void", "paper.print"]
    assert ([each.subject for each in own], [each.subject for each in one]) == (["1"], ["2"])
    assert [*[first], *older] == all_paper
    assert (wild, is_whole) == ([], True)
