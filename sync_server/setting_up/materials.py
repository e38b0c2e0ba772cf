"""Decides what a bill of materials says: every package pinned, with its hashes and its licence."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from wire_contracts.fields import FieldReader
from wire_contracts.payloads import read_json

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NODE_MODULES = "node_modules/"
_UNKNOWN = "not told by the package"
_SHA_512 = "sha512-"
_SPECIFICATION = "1.6"
"""CycloneDX: https://cyclonedx.org/docs/1.6/json/"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A package of somebody else's that the product is built or tested with.

    Attributes:
        kind: `pypi` or `npm`, as in a package URL.
        name: As its maker writes it.
        version: The one that is pinned.
        licence: As the package names it; None where it does not, or is not installed here.
        hashes: (algorithm, hexadecimal digits) of each file that may be installed.
        is_for_tests: Whether the running product does without it.
    """

    kind: str
    name: str
    version: str
    licence: str | None
    hashes: Sequence[tuple[str, str]]
    is_for_tests: bool = False

    @property
    def url(self) -> str:
        """The package URL: unique among all materials."""
        return f"pkg:{self.kind}/{quote(self.name)}@{quote(self.version)}"


Pin = tuple[str, str]
"""Name and version."""


def pins_of(lock: str) -> Sequence[Pin]:
    """Return what the text of a `requirements.lock` pins."""
    return [(found[1], found[2]) for found in map(_PINNED.match, lock.splitlines()) if found]


def python_materials(lock: str, licences: Mapping[Pin, str]) -> Sequence[Material]:
    """Return what the text of a `requirements.lock` pins, with the licences that are known."""
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    for line in lock.splitlines():
        pinned = _PINNED.match(line)
        if pinned:
            found.append((pinned[1], pinned[2], []))
        if found:
            found[-1][2].extend(("SHA-256", digits) for digits in _HASH.findall(line))
    return [
        Material(
            kind="pypi",
            name=name,
            version=version,
            licence=licences.get((name, version)),
            hashes=hashes,
        )
        for name, version, hashes in found
    ]


def page_materials(place: str, lock: bytes) -> Sequence[Material]:
    """Return what a `package-lock.json` pins.

    Raises:
        ContractError: It is none.
    """
    packages = read_json(place, lock).object("packages")
    return [
        _page_material(packages.object(path), path.rpartition(_NODE_MODULES)[2])
        for path in packages.values
        if _NODE_MODULES in path
    ]


def _page_material(package: FieldReader, name: str) -> Material:
    integrity = package.text_or_empty("integrity", longest=1000)
    digits = base64.b64decode(integrity.removeprefix(_SHA_512)).hex()
    return Material(
        kind="npm",
        name=name,
        version=package.text("version"),
        licence=package.text_or_none("license") if package.has("license") else None,
        hashes=[("SHA-512", digits)] if integrity.startswith(_SHA_512) else [],
        is_for_tests=package.has("dev") and package.boolean("dev"),
    )


def bill_of_materials(materials: Sequence[Material], version: str) -> str:
    """Return the bill as CycloneDX JSON; the same materials give the same text."""
    product = {"type": "application", "name": "lamplighter", "version": version}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": _SPECIFICATION,
        "version": 1,
        "metadata": {"component": product},
        "components": [_component(each) for each in sorted(materials, key=lambda each: each.url)],
    }
    return json.dumps(bill, indent=2, ensure_ascii=False) + "\n"


def _component(material: Material) -> Mapping[str, object]:
    named = {} if material.licence is None else {"licenses": [_licence(material.licence)]}
    return {
        "type": "library",
        "bom-ref": material.url,
        "name": material.name,
        "version": material.version,
        "scope": "excluded" if material.is_for_tests else "required",
        **named,
        "purl": material.url,
        "hashes": [{"alg": name, "content": digits} for name, digits in material.hashes],
    }


def _licence(text: str) -> Mapping[str, object]:
    """Return a licence by the name that the package gives: not each is of the SPDX list."""
    return {"license": {"name": text}}


def licence_list(materials: Sequence[Material]) -> str:
    """Return a line for each licence with the packages under it, those that tell none last."""
    under: dict[str, list[str]] = {}
    for each in sorted(materials, key=lambda each: (each.name.lower(), each.version)):
        under.setdefault(each.licence or _UNKNOWN, []).append(f"{each.name} {each.version}")
    names = sorted(under, key=lambda name: (name == _UNKNOWN, name.lower()))
    return "".join(f"{name}: {', '.join(under[name])}\n" for name in names)
