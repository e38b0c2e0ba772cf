"""Sealed envelopes: they survive the wire, and nothing else is taken for one."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.refusals import Refusal, parse_refusal, refusal_json
from wire_contracts.sealed import (
    Envelope,
    SealedAnswer,
    SealedKind,
    SealedRequest,
    SealedResult,
    bound_bytes,
    dump_sealed,
    dump_sealed_answer,
    envelope_json,
    parse_sealed,
    parse_sealed_answer,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=64)
ENVELOPES = st.builds(
    Envelope,
    kind=st.sampled_from(SealedKind),
    about=NAMES,
    key_id=st.just("0123456789abcdef"),
    ephemeral=st.binary(min_size=32, max_size=32),
    nonce=st.binary(min_size=12, max_size=12),
    box=st.binary(min_size=16, max_size=200),
)


@given(st.lists(ENVELOPES, max_size=5))
def test_a_sealed_request_arrives_as_it_left(envelopes: list[Envelope]) -> None:
    sent = SealedRequest(replica_id="r-1", envelopes=tuple(envelopes), protocol=2)

    assert parse_sealed(read_json("test", dump_sealed(sent))) == sent


@given(st.lists(st.builds(SealedResult, kind=st.sampled_from(SealedKind), about=NAMES,
                          is_opened=st.booleans()), max_size=5))  # fmt: skip
def test_an_answer_arrives_as_it_left(results: list[SealedResult]) -> None:
    sent = SealedAnswer(server_epoch=7, server_now_ms=9, protocol=2, results=tuple(results))

    assert parse_sealed_answer(read_json("test", dump_sealed_answer(sent))) == sent


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"eph": "AAAA"}, "sealed[0].eph"),
        ({"nonce": "!"}, "sealed[0].nonce"),
        ({"box": "AAAA"}, "sealed[0].box"),
        ({"kind": "diary"}, "sealed[0].kind"),
        ({"v": 2}, "sealed[0].v"),
    ],
)
def test_a_broken_envelope_is_refused_by_the_name_of_its_field(
    wrong: Mapping[str, str | int], field: str
) -> None:
    whole = envelope_json(
        Envelope(
            kind=SealedKind.DRAFT,
            about="order",
            key_id="0" * 16,
            ephemeral=bytes(32),
            nonce=bytes(12),
            box=bytes(16),
        )
    )
    body = dump_json({"v": 2, "replica": "r", "sealed": [{**whole, **wrong}]})

    with pytest.raises(ContractError) as caught:
        parse_sealed(read_json("test", body))

    assert caught.value.field == field


def test_a_box_is_bound_to_what_it_is_and_whose_it_is() -> None:
    bound = {bound_bytes(kind, about) for kind in SealedKind for about in ("a", "b")}

    assert len(bound) == 2 * len(SealedKind)


@pytest.mark.parametrize("must_wipe", [True, False])
def test_a_refusal_arrives_as_it_left(*, must_wipe: bool) -> None:
    sent = Refusal(code=Code.TOKEN_REVOKED, text="tablet token: revoked", must_wipe=must_wipe)

    assert parse_refusal(read_json("test", dump_json(refusal_json(sent)))) == sent


def test_a_refusal_of_a_newer_server_is_no_order_to_wipe() -> None:
    strange = read_json("test", b'{"code":"new.code","text":5,"wipe":"yes"}')

    assert parse_refusal(strange) == Refusal(code=None, text="")
