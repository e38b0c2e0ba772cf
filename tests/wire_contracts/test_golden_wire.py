"""Frozen bytes of every version of the sync protocol: written as then, and read as then (I15)."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wire_contracts import wire_samples_v1, wire_samples_v2
from wire_contracts.blobs import parse_blob_answer, parse_blob_want, parse_offer
from wire_contracts.enrolment import parse_enrol, parse_enrol_answer
from wire_contracts.fields import FieldReader
from wire_contracts.operations import parse_push, parse_push_answer
from wire_contracts.order_person import parse_order_person
from wire_contracts.payloads import read_json
from wire_contracts.pokes import PokeReader
from wire_contracts.pulls import parse_pull
from wire_contracts.refusals import parse_refusal
from wire_contracts.sealed import parse_sealed, parse_sealed_answer
from wire_contracts.sync import FIRST_PROTOCOL, PROTOCOL

GOLDEN = Path(__file__).resolve().parent.parent / "data" / "wire"
FILES = {1: wire_samples_v1.FILES, 2: wire_samples_v2.FILES}
ALL = [(version, name) for version, files in FILES.items() for name in sorted(files)]
V1, V2 = wire_samples_v1, wire_samples_v2

Parse = Callable[[FieldReader], object]

READ: list[tuple[int, str, Parse, object]] = [
    (1, "enrol.json", parse_enrol, V1.ENROL),
    (1, "enrol_answer.json", parse_enrol_answer, V1.ENROL_ANSWER),
    (1, "pull_answer.json", parse_pull, V1.PULL),
    (1, "pull_idle.json", lambda root: parse_pull(root, V1.TOKEN), V1.IDLE),
    (1, "push.json", parse_push, V1.PUSH),
    (1, "push_answer.json", parse_push_answer, V1.PUSH_ANSWER),
    (2, "blob_have.json", parse_blob_answer, V2.HAVE),
    (2, "blob_offer.json", parse_offer, V2.OFFER),
    (2, "blob_upload.json", parse_blob_answer, V2.UPLOAD),
    (2, "blob_want.json", parse_blob_want, V2.WANT),
    (2, "enrol.json", parse_enrol, V1.ENROL),
    (2, "enrol_answer.json", parse_enrol_answer, V1.ENROL_ANSWER),
    (2, "order_person.json", parse_order_person, V2.PERSON),
    (2, "pull_answer.json", parse_pull, V2.PULL_2),
    (2, "push.json", parse_push, V2.PUSH_2),
    (2, "push_answer.json", parse_push_answer, V2.PUSH_ANSWER_2),
    (2, "refusal.json", parse_refusal, V2.REVOKED),
    (2, "sealed.json", parse_sealed, V2.SEALED),
    (2, "sealed_answer.json", parse_sealed_answer, V2.SEALED_ANSWER),
]


def frozen(version: int, name: str) -> bytes:
    return (GOLDEN / f"v{version}" / name).read_bytes()


def test_every_version_that_was_released_is_frozen() -> None:
    assert sorted(FILES) == list(range(FIRST_PROTOCOL, PROTOCOL + 1))
    for version, files in FILES.items():
        kept = {path.name for path in (GOLDEN / f"v{version}").iterdir()}
        assert kept == set(files)


def test_no_frozen_byte_was_changed() -> None:
    lines = (GOLDEN / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}

    assert sums == {
        f"v{version}/{name}": hashlib.sha256(frozen(version, name)).hexdigest()
        for version, name in ALL
    }


@pytest.mark.parametrize(("version", "name"), ALL)
def test_a_peer_of_that_version_is_written_to_in_its_very_bytes(version: int, name: str) -> None:
    assert FILES[version][name] == frozen(version, name)


@pytest.mark.parametrize(("version", "name", "parse", "message"), READ)
def test_a_message_of_that_version_is_read_as_it_was_meant(
    version: int, name: str, parse: Parse, message: object
) -> None:
    assert parse(read_json(name, frozen(version, name))) == message


def test_an_idle_answer_of_version_2_leaves_the_epoch_and_the_token_as_they_are() -> None:
    idle = parse_pull(read_json("pull", frozen(2, "pull_idle.json")), V1.TOKEN)

    assert (idle.token, idle.server_epoch, idle.has_more) == (V1.TOKEN, None, False)
    assert (idle.lease_until_ms, idle.server_now_ms) == (V1.NOW_MS + 1, V1.NOW_MS)


def test_the_pokes_of_version_2_are_heard() -> None:
    assert tuple(PokeReader().feed(frozen(2, "poke.txt").decode())) == V2.POKES
