"""What holds for every detector: described with each parameter; feedback moves it inside bounds."""

import importlib
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sync_server.detection import detectors
from sync_server.detection.alerting.feedback import LEAST, MOST, threshold_multiplier
from wire_contracts.kinds import Family, Label
from wire_contracts.quantities import Medium

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@given(
    labels=st.lists(st.tuples(st.sampled_from(Label), st.integers(0, 90)), max_size=20),
    medium=st.sampled_from(Medium),
    family=st.sampled_from(Family),
)
def test_feedback_stays_in_its_bounds_and_never_dulls_gas_safety(
    labels: list[tuple[Label, int]], medium: Medium, family: Family
) -> None:
    factor = threshold_multiplier(
        [(label, NOW - timedelta(days=days)) for label, days in labels],
        medium=medium,
        family=family,
        now_utc=NOW,
    )

    assert LEAST <= factor <= MOST
    assert factor <= 1.0 or (medium, family) != (Medium.GAS, Family.EXCESS)


def test_every_detector_and_parameter_is_in_its_document() -> None:
    document = (Path(__file__).parents[3] / "docs" / "detectors.md").read_text()
    sections = dict(each.split("\n", 1) for each in document.split("\n## ")[1:])
    fleet = {
        path.stem: f"{detectors.__name__}.{path.stem}"
        for path in Path(detectors.__path__[0]).glob("*.py")
        if path.stem != "__init__"
    }

    assert fleet
    for name, where in fleet.items():
        section = sections[name]
        module = importlib.import_module(where)
        rules = [
            each
            for each in vars(module).values()
            if isinstance(each, type) and is_dataclass(each) and each.__name__.endswith("Rule")
        ]
        parameters = [parameter.name for rule in rules for parameter in fields(rule)]
        assert f"`{module.__name__}`" in section
        assert parameters
        assert [each for each in parameters if f"`{each}`" not in section] == []
