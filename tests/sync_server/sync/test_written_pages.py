"""Pages that are written once and spliced into many answers say what pages made anew say."""

import gzip
import zlib
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_server.db.change_store import (
    ORG_BUCKET,
    Publication,
    crew_bucket,
    publish,
    purge_tombstones,
)
from sync_server.sync.page_bytes import WrittenAnswer, written_answer, written_page
from sync_server.sync.page_shelf import KeptPage, PageKey, PageShelf
from tests.sync_server.people_parts import Utility
from tests.sync_server.real_parts import NOON
from wire_contracts.payloads import read_json
from wire_contracts.pulls import (
    MAX_ROWS,
    BucketPage,
    EntityRow,
    PullAnswer,
    Tombstone,
    dump_pull,
    parse_pull,
)

BUCKETS = st.sets(st.sampled_from([ORG_BUCKET, crew_bucket("crew-1"), crew_bucket("crew-2")]))
STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcde"),
        BUCKETS,
        st.integers(0, 2),
        st.sampled_from([1, 3, MAX_ROWS]),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=10,
)


def read(answer: WrittenAnswer, token: str | None) -> PullAnswer:
    assert gzip.decompress(answer.gzipped()) == answer.plain()
    return parse_pull(read_json("pull", answer.plain()), token)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(steps=STEPS)
def test_whatever_changes_a_tablet_is_told_what_it_would_be_told_without_the_shelf(
    utility: Utility, steps: list[tuple[str, set[str], int, int, int, bool]]
) -> None:
    """Several tablets of two crews stand at any of the places where one has ever stood."""
    service = utility.service
    tokens: list[str | None] = [None]
    for name, buckets, text, limit, place, is_purged in steps:
        with utility.engine.begin() as connection:
            document = {"text": text}
            thing = Publication(
                entity="thing", entity_id=name, document=document, buckets=frozenset(buckets)
            )
            publish(connection, thing, NOON)
            if is_purged:
                purge_tombstones(connection, NOON + timedelta(seconds=1))
        for tablet in (utility.tablet, utility.other_tablet):
            token = tokens[place % len(tokens)]
            for protocol in (1, 2):
                anew = service.pull(tablet, token, limit, protocol)
                shelved = service.pull_written(tablet, token, limit, protocol)
                tokens.append(anew.token)

                assert read(shelved, token) == parse_pull(
                    read_json("pull", dump_pull(anew, token)), token
                )


PLACE_OF_PAGES = '"buckets":[]'


def page(text: str) -> BucketPage:
    row = EntityRow(
        entity="thing", entity_id="a", seq=7, row_hash=1, document={"note": text, PLACE_OF_PAGES: 1}
    )
    gone = Tombstone(entity="thing", entity_id="b", seq=8)
    return BucketPage(bucket="org", is_reset=True, rows=(row,), tombstones=(gone,), total=1)


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_any_pages_spliced_together_are_one_answer_deflated_or_not(texts: list[str]) -> None:
    pages = [page(text) for text in texts]
    answer = PullAnswer(
        server_epoch=3, server_now_ms=5, token=PLACE_OF_PAGES, has_more=True, protocol=2
    )
    whole = replace(answer, buckets=tuple(pages))

    spliced = written_answer(answer, [written_page(each, 2) for each in pages], None)

    assert read(spliced, None) == parse_pull(read_json("pull", dump_pull(whole)))
    assert zlib.decompress(spliced.gzipped(), wbits=31) == spliced.plain()


def key(number: int) -> PageKey:
    return PageKey(
        server_epoch=1,
        horizon=0,
        bucket="org",
        first_seq=number,
        last_seq=9,
        is_reset=False,
        is_first_pass=False,
        row_limit=500,
        byte_limit=1000,
        protocol=2,
    )


def test_a_full_shelf_makes_room_by_what_was_asked_for_longest_ago() -> None:
    kept = KeptPage(page=written_page(page("x" * 3000), 2), end_pos=None, rows=1, byte_count=1)
    shelf = PageShelf(most_bytes=15_000)
    for number in range(3):
        shelf.keep(key(number), kept)
        shelf.find(key(0))
    shelf.keep(key(3), kept)

    assert [shelf.find(key(number)) for number in range(4)] == [kept, None, kept, kept]


def test_a_page_larger_than_the_shelf_is_not_kept() -> None:
    kept = KeptPage(page=written_page(page("x" * 3000), 2), end_pos=None, rows=1, byte_count=1)
    shelf = PageShelf(most_bytes=2000)
    shelf.keep(key(1), kept)

    assert shelf.find(key(1)) is None
