"""The same deaths over PostgreSQL: by day those around the commits, every one at night."""

import pytest

from tests.sync_simulation.test_kill_points import deaths_of

OF_THE_SERVER = ("push", "pull", "photo", "sealed", "opened")


@pytest.mark.parametrize("name", OF_THE_SERVER)
def test_a_kill_around_any_commit_over_postgresql_breaks_no_invariant(
    postgres_url: str, postgres_template: str, name: str
) -> None:
    found = deaths_of(name, "--postgresql", postgres_url, postgres_template)

    assert found.broken == []
    assert found.deaths == found.chosen > found.commits > 0


@pytest.mark.nightly
@pytest.mark.parametrize("name", [*OF_THE_SERVER, "repeat"])
def test_a_kill_at_any_moment_over_postgresql_breaks_no_invariant(
    postgres_url: str, postgres_template: str, name: str
) -> None:
    found = deaths_of(name, "--every-moment", "--postgresql", postgres_url, postgres_template)

    assert found.broken == []
    assert found.deaths == found.chosen == len(found.moments)
