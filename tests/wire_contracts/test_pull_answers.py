"""How a pull travels: an idle answer says little, a broken page is refused by the field's name."""

import json
from dataclasses import replace

import pytest

from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonValue
from wire_contracts.payloads import read_json
from wire_contracts.pulls import (
    BucketPage,
    EntityRow,
    PullAnswer,
    Tombstone,
    dump_pull,
    hash_row,
    parse_pull,
)

TOKEN = "1~7~org~5~"  # noqa: S105  # a position, not a secret
IDLE = PullAnswer(
    server_epoch=7,
    server_now_ms=1_795_000_000_000,
    token=TOKEN,
    has_more=False,
    lease_until_ms=1_795_000_000_001,
    protocol=2,
)
ROW = EntityRow(
    entity="work_order",
    entity_id="o-1",
    seq=1,
    row_hash=hash_row("work_order", "o-1", {"note": "x"}),
    document={"note": "x"},
)


def test_an_idle_answer_says_when_and_no_more() -> None:
    brief = dump_pull(IDLE, TOKEN)

    assert json.loads(brief) == {"v": 2, "now": 1_795_000_000_000, "lease_until": 1_795_000_000_001}
    assert parse_pull(read_json("pull", brief), TOKEN) == replace(IDLE, server_epoch=None)


@pytest.mark.parametrize(
    "answer",
    [
        replace(IDLE, protocol=1),
        replace(IDLE, token="1~7~org~6~"),  # noqa: S106  # a position
        replace(IDLE, has_more=True),
        replace(IDLE, dropped_buckets=("crew:1",)),
        replace(IDLE, buckets=(BucketPage(bucket="org", is_reset=False, rows=(ROW,)),)),
        replace(IDLE, buckets=(BucketPage(bucket="org", is_reset=True),)),
    ],
)
def test_an_answer_with_news_or_of_version_1_is_whole(answer: PullAnswer) -> None:
    assert parse_pull(read_json("pull", dump_pull(answer, TOKEN)), TOKEN) == answer


@pytest.mark.parametrize(("version", "asked"), [(1, TOKEN), (2, None)])
def test_a_whole_answer_without_a_token_is_refused(version: int, asked: str | None) -> None:
    body = json.dumps({"v": version, "now": 5, "se": 1, "more": False, "buckets": []}).encode()

    with pytest.raises(ContractError, match="is missing"):
        parse_pull(read_json("pull", body), asked)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("id", ["o-1", 7], r"tables\[0\]\[1\]\.id: is 7, not a text"),
        ("id", ["o-1", ""], r"tables\[0\]\[1\]\.id: has 0 characters"),
        ("seq", [1, "2"], r"tables\[0\]\[1\]\.seq: is '2', not a whole number"),
        ("seq", [1, True], r"tables\[0\]\[1\]\.seq: is True, not a whole number"),
        ("seq", [1], r"seq: has 1 entries for 2 rows"),
        ("hash", [1, -1], r"tables\[0\]\[1\]\.hash: -1 is outside"),
        ("hash", [1, None], r"tables\[0\]\[1\]\.hash: is missing"),
        ("cells", [["x"]], r"cells: has 1 entries for 2 rows"),
        ("cells", ["xy"], r"cells: has a column that is no array"),
        ("cells", [], r"cells: has 0 entries for 1 rows"),
        ("type", None, r"type: is missing"),
    ],
)
def test_a_broken_page_is_refused_by_the_name_of_its_field(
    field: str, value: JsonValue, problem: str
) -> None:
    second = ROW._replace(entity_id="o-2", seq=2)
    page = BucketPage(bucket="org", is_reset=False, rows=(ROW, second))
    body = json.loads(dump_pull(replace(IDLE, buckets=(page,))))
    body["buckets"][0]["tables"][0][field] = value

    with pytest.raises(ContractError, match=problem):
        parse_pull(read_json("pull", json.dumps(body).encode()))


def test_rows_come_in_the_order_of_their_changes_whatever_their_type() -> None:
    rows = (
        ROW._replace(seq=3),
        ROW._replace(entity="asset", seq=2),
        ROW._replace(entity="asset", entity_id="a-2", seq=4, document={}),
    )
    page = BucketPage(
        bucket="org",
        is_reset=False,
        rows=rows,
        tombstones=(Tombstone(entity="asset", entity_id="a-3", seq=1),),
    )
    pulled = parse_pull(read_json("pull", dump_pull(replace(IDLE, buckets=(page,)))))

    assert pulled.buckets[0].rows == (rows[1], rows[0], rows[2])
