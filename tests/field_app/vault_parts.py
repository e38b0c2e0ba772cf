"""A vault that is quick to open, and moments of a tablet's clocks."""

from itertools import count
from pathlib import Path

from field_app.platform.aes_vault_io import AesVault
from field_app.platform.vault_file_io import ScryptCost
from wire_contracts.operations import DeviceTime

QUICK = ScryptCost(n=2, r=1, p=1)
"""Tests open vaults hundreds of times; a real one takes a good part of a second."""


def at(mono_ms: int, *, wall_ms: int = 1_793_592_000_000, boot: str = "first") -> DeviceTime:
    return DeviceTime(wall_ms=wall_ms, mono_ms=mono_ms, boot_id=boot, offset_ms=0)


class Moments:
    """Moments that are two hours apart: no wait is left between them."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def next(self) -> DeviceTime:
        return at(next(self._numbers) * 7_200_000)


def quick_vault(folder: Path) -> AesVault:
    folder.mkdir(parents=True, exist_ok=True)
    return AesVault(folder, cost=QUICK)
