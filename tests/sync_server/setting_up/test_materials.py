"""The bill of materials names every pinned package, and the licence of what is installed."""

import json
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from sync_server.setting_up.__main__ import main
from sync_server.setting_up.materials import (
    Material,
    bill_of_materials,
    licence_list,
    page_materials,
    pins_of,
    python_materials,
)
from wire_contracts.errors import ContractError

ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "requirements.lock"
PAGES = ROOT / "sync_server" / "web" / "package-lock.json"
PINS = """\
alpha==1.0 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
Beta.x==2.1rc1 ; sys_platform == 'win32' \\
    --hash=sha256:{b}
""".format(a="a" * 64, b="b" * 64)
PAGE_PINS = json.dumps(
    {
        "packages": {
            "": {"name": "ours"},
            "node_modules/@of/font": {"version": "5.0", "license": "OFL-1.1"},
            "node_modules/x/node_modules/y": {
                "version": "1.2",
                "license": "MIT",
                "integrity": "sha512-AAEC",
                "dev": True,
            },
        }
    }
).encode()


def test_every_pin_becomes_a_material_with_each_of_its_hashes() -> None:
    found = python_materials(PINS, {("alpha", "1.0"): "MIT"})

    assert found == [
        Material(
            kind="pypi",
            name="alpha",
            version="1.0",
            licence="MIT",
            hashes=[("SHA-256", "a" * 64), ("SHA-256", "b" * 64)],
        ),
        Material(
            kind="pypi",
            name="Beta.x",
            version="2.1rc1",
            licence=None,
            hashes=[("SHA-256", "b" * 64)],
        ),
    ]


def test_the_pages_packages_say_what_is_only_for_tests() -> None:
    found = page_materials("package-lock.json", PAGE_PINS)

    assert [(each.url, each.licence, each.hashes, each.is_for_tests) for each in found] == [
        ("pkg:npm/%40of/font@5.0", "OFL-1.1", [], False),
        ("pkg:npm/y@1.2", "MIT", [("SHA-512", "000102")], True),
    ]


def test_a_list_that_is_no_package_lock_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match=r"x\.json"):
        page_materials("x.json", b"[]")


def test_the_bill_is_the_same_whatever_the_order_of_the_pins() -> None:
    found = [*python_materials(PINS, {("alpha", "1.0"): "MIT"}), *page_materials("p", PAGE_PINS)]

    assert bill_of_materials(found, "1") == bill_of_materials(found[::-1], "1")
    assert licence_list(found[::-1]) == (
        "MIT: alpha 1.0, y 1.2\nOFL-1.1: font 5.0\nnot told by the package: Beta.x 2.1rc1\n"
    ).replace("font", "@of/font")


def test_the_products_own_bill_has_every_package_with_hashes_and_licence(tmp_path: Path) -> None:
    status = main(["materials", "--lock", str(LOCK), "--pages", str(PAGES), "--out", str(tmp_path)])

    bill = json.loads((tmp_path / "lamplighter.cdx.json").read_text(encoding="utf-8"))
    components = bill["components"]
    pinned = pins_of(LOCK.read_text(encoding="utf-8"))
    python = [each for each in components if each["purl"].startswith("pkg:pypi/")]
    assert status == 0
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert sorted((each["name"], each["version"]) for each in python) == sorted(pinned)
    assert len(components) > len(python)
    assert len({each["bom-ref"] for each in components}) == len(components)
    assert [each["name"] for each in python if not each["hashes"]] == []
    without = {(each["name"], each["version"]) for each in components if "licenses" not in each}
    assert {name for name, told in without if _is_installed(name, told)} <= {"atheris", "pyxform"}
    text = (tmp_path / "licences.txt").read_text(encoding="utf-8")
    assert all(f"{each['name']} {each['version']}" in text for each in components)
    assert max(len(re.split(": ", line)[0]) for line in text.splitlines()) < 200


def _is_installed(name: str, pinned: str) -> bool:
    try:
        return version(name) == pinned
    except PackageNotFoundError:
        return False


def test_a_list_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["materials", "--lock", str(tmp_path / "none"), "--pages", str(PAGES),
                   "--out", str(tmp_path)])  # fmt: skip

    assert status == 1
    assert "none" in capsys.readouterr().err
