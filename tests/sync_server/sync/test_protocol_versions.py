"""Every version of the protocol that is still accepted gets an answer that it can read (I15)."""

import pytest

from sync_server.sync.inbox import ReadPush
from tests.sync_server.people_parts import Utility
from wire_contracts.errors import ContractError
from wire_contracts.sync import (
    FIRST_PROTOCOL,
    OLDEST_PROTOCOL,
    PROTOCOL,
    SINCE,
    Feature,
    agreed_protocol,
    has_feature,
)

ACCEPTED = range(OLDEST_PROTOCOL, PROTOCOL + 1)
NEWER = PROTOCOL + 3


@pytest.mark.parametrize("protocol", [*ACCEPTED, NEWER])
def test_an_answer_is_written_in_the_lower_of_both_versions(
    utility: Utility, protocol: int
) -> None:
    push = ReadPush(protocol=protocol, replica_id="replica-1", entries=())

    pulled = utility.service.pull(utility.tablet, None, 10, protocol)
    pushed = utility.service.push(utility.tablet, push)

    assert (pulled.protocol, pushed.protocol) == (min(protocol, PROTOCOL),) * 2


def test_a_version_before_the_oldest_is_told_to_update(utility: Utility) -> None:
    for ask in (
        lambda: utility.service.pull(utility.tablet, None, 10, OLDEST_PROTOCOL - 1),
        lambda: utility.service.push(
            utility.tablet, ReadPush(protocol=OLDEST_PROTOCOL - 1, replica_id="r", entries=())
        ),
    ):
        with pytest.raises(ContractError, match="update the app; what is not sent yet stays"):
            ask()


def test_two_versions_back_are_accepted_as_far_as_there_were_any() -> None:
    assert max(FIRST_PROTOCOL, PROTOCOL - 2) == OLDEST_PROTOCOL
    assert agreed_protocol(NEWER) == PROTOCOL
    assert agreed_protocol(-1) == 0


@pytest.mark.parametrize("feature", list(Feature))
def test_a_feature_is_there_from_its_version_on(feature: Feature) -> None:
    since = SINCE[feature]

    assert FIRST_PROTOCOL < since <= PROTOCOL
    assert has_feature(since, feature)
    assert not has_feature(since - 1, feature)
