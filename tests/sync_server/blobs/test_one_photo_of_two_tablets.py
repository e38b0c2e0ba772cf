"""Two tablets send one and the same photo at once: each goes on from its own, one file is kept."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.blobs.intake import MisplacedError
from tests.sync_server.blobs.blob_parts import Depot, depot_of, jpeg, name_of, offer_of
from tests.sync_server.people_parts import found_utility
from tests.sync_server.real_parts import HandClock
from wire_contracts.errors import ContractError


@pytest.fixture
def depot(sqlite_engine: Engine, clock: HandClock, tmp_path: Path) -> Depot:
    return depot_of(found_utility(sqlite_engine, clock), tmp_path / "blobs")


def test_whoever_is_first_finishes_and_the_other_hears_that_it_is_there(depot: Depot) -> None:
    content = jpeg(7, at_least_bytes=60_000)
    offer, half = offer_of(content), 30_000
    first, second = depot.utility.tablet, depot.utility.other_tablet
    depot.intake.offer(first, offer)
    depot.intake.offer(second, offer)
    one = depot.intake.upload(first, offer.sha256, 0)
    other = depot.intake.upload(second, offer.sha256, 0)
    assert one is not None
    assert other is not None
    one.add(content[:half])
    other.add(content[:10_000])
    one.add(content[half:])

    done = one.finish()
    other.add(content[10_000:20_000])
    late = other.finish()
    again = depot.intake.offer(second, offer)

    assert (done.is_had, late.is_had, again.is_had) == (True, False, True)
    assert depot.files.is_intact(name_of(content))
    with pytest.raises(MisplacedError):
        depot.intake.upload(second, offer.sha256, 20_000)
    assert list(depot.files.partials()) == []


def test_what_one_of_them_tears_is_not_the_others_loss(depot: Depot) -> None:
    content = jpeg(8, at_least_bytes=60_000)
    offer = offer_of(content)
    first, second = depot.utility.tablet, depot.utility.other_tablet
    depot.intake.offer(first, offer)
    depot.intake.offer(second, offer)
    wrong = depot.intake.upload(first, offer.sha256, 0)
    right = depot.intake.upload(second, offer.sha256, 0)
    assert wrong is not None
    assert right is not None
    right.add(content[:30_000])
    wrong.add(bytes(len(content)))

    with pytest.raises(ContractError, match="another hash"):
        wrong.finish()

    standing = depot.intake.standing(second, offer.sha256)
    assert standing is not None
    assert standing.offset == 30_000
    right.add(content[30_000:])
    assert right.finish().is_had
