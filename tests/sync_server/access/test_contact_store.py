"""Contacts of many tablets at one moment are all written down."""

import threading
from datetime import timedelta

from sqlalchemy import Engine, event, select

from sync_server.access.contact_store import ContactBook
from sync_server.access.tablet_store import enrol_tablet, issue_enrolment_code, tablet_of_token
from sync_server.db.access_tables import TABLET
from tests.sync_server.people_parts import found_utility
from tests.sync_server.real_parts import HandClock
from wire_contracts.enrolment import EnrolAnswer, EnrolRequest
from wire_contracts.frames import ms_from_utc

LIFE = timedelta(days=30)
TABLETS = 24
PATIENCE_S = 60


def enrolled(engine: Engine, clock: HandClock) -> list[EnrolAnswer]:
    found_utility(engine, clock)
    with engine.begin() as connection:
        return [
            enrol_tablet(
                connection,
                EnrolRequest(
                    code=issue_enrolment_code(connection, "crew-1", "test", clock.now_utc()).code,
                    name=f"tablet {number}",
                ),
                clock.now_utc(),
            )
            for number in range(TABLETS)
        ]


def test_tablets_that_come_together_are_each_noted(sqlite_engine: Engine, clock: HandClock) -> None:
    tablets = enrolled(sqlite_engine, clock)
    clock.at_utc += timedelta(days=1)
    book = ContactBook(sqlite_engine, LIFE)
    commits: list[int] = []
    event.listen(sqlite_engine, "commit", lambda _: commits.append(1))
    calls = [
        threading.Thread(target=book.note, args=(each.tablet_id, clock.now_utc()))
        for each in tablets
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join(PATIENCE_S)

    assert 1 <= len(commits) <= TABLETS
    with sqlite_engine.connect() as connection:
        ours = TABLET.c.tablet_id.in_([each.tablet_id for each in tablets])
        seen = connection.execute(select(TABLET.c.last_seen_at_ms).where(ours)).scalars().all()
        assert seen == [ms_from_utc(clock.now_utc())] * TABLETS
        last_moment = clock.now_utc() + LIFE - timedelta(seconds=1)
        for each in tablets:
            assert tablet_of_token(connection, each.token, last_moment).tablet_id == each.tablet_id


def test_an_unknown_tablet_stands_in_nobodys_way(sqlite_engine: Engine, clock: HandClock) -> None:
    tablet = enrolled(sqlite_engine, clock)[0]
    clock.at_utc += timedelta(days=1)
    book = ContactBook(sqlite_engine, LIFE)
    book.note("nobody has this one", clock.now_utc())
    book.note(tablet.tablet_id, clock.now_utc())

    with sqlite_engine.connect() as connection:
        mine = TABLET.c.tablet_id == tablet.tablet_id
        seen = connection.execute(select(TABLET.c.last_seen_at_ms).where(mine)).scalar_one()
    assert seen == ms_from_utc(clock.now_utc())
