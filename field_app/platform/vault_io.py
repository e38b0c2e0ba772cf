"""Opens the vault that this machine can have."""

import importlib.util
from pathlib import Path

from field_app.platform.no_vault import NoVault
from field_app.platform.ports import Vault


def open_vault(folder: Path) -> Vault:
    """Return the vault with its keys in `folder`, one that keeps nothing without `cryptography`.

    Android's Keystore through pyjnius belongs here, too; it was not built.
    """
    if importlib.util.find_spec("cryptography") is None:
        return NoVault()
    from field_app.platform.aes_vault_io import AesVault  # noqa: PLC0415  # a library not all have

    folder.mkdir(parents=True, exist_ok=True)
    return AesVault(folder)
