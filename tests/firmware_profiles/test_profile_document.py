"""The document of the profiles knows every key, word and command."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from firmware_profiles.__main__ import main
from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import WireType
from firmware_profiles.completeness import open_points
from firmware_profiles.golden import golden_failures
from firmware_profiles.golden_vector import Origin
from firmware_profiles.library_io import available_profiles
from firmware_profiles.parse_profile import parse_profile
from firmware_profiles.status_rule import Severity
from firmware_profiles.vocabulary import EVENTS, KEYS, TABLES
from wire_contracts.quantities import Quantity

TEXT = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
WORDS = frozenset(re.findall(r"[A-Za-z0-9_@]+", TEXT))


@pytest.mark.parametrize("table", sorted(KEYS))
def test_every_key_of_a_table_is_explained(table: str) -> None:
    assert KEYS[table] - WORDS == set()
    assert f"[{table}]" in TEXT


def test_every_table_event_type_and_choice_is_named() -> None:
    for known in (TABLES, EVENTS, WireType, ByteOrder, Origin, Severity, available_profiles()):
        assert set(known) - WORDS == set()


def test_every_wire_quantity_is_named() -> None:
    assert set(Quantity) - WORDS == set()


@pytest.mark.parametrize("command", ["list", "show", "check", "test", "decode", "redecode"])
def test_every_command_is_named_and_known(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}

    assert ended.value.code == 0
    assert f"firmware-profiles {command}" in TEXT
    assert {option for option in options if option not in TEXT} == set()


def test_the_example_of_the_document_is_fit_for_release() -> None:
    example = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    profile = parse_profile("docs/profiles.md", tomllib.loads(example[1], parse_float=Decimal))

    assert open_points(profile) == ()
    assert [golden_failures(profile, vector) for vector in profile.golden] == [()]
