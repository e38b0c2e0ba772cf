"""How hard the property tests look: `fast` at every change, `thorough` in the nightly run."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# properties are judged by what they find, never by how busy the machine is
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("fast", _UNHURRIED, max_examples=20, derandomize=True)
settings.register_profile("thorough", _UNHURRIED, max_examples=300)
settings.load_profile("fast")


@pytest.fixture(autouse=True)
def logs_as_they_are() -> Iterator[None]:
    """Undo what a command run inside the test has done to the logs of all."""
    yield
    structlog.reset_defaults()
