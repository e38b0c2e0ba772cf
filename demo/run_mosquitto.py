"""Mosquitto in the embedded broker's place, with the accounts and topic rules of a site."""

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
from pathlib import Path

from demo.broker_access import SERVER_ACCOUNT
from demo.places import Places
from wire_contracts.topics import DOWNWARD, UPWARD

_END_WITH_PARENT = 1
"""PR_SET_PDEATHSIG, prctl(2): kept over exec."""

_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


class MosquittoMissingError(RuntimeError):
    """Mosquitto is not on this machine; the text says what to install."""


def program(name: str) -> str:
    """Return where a program of Mosquitto lies; raise MosquittoMissingError when it does not."""
    found = shutil.which(name) or shutil.which(name, path=_FOLDERS)
    if found is None:
        raise MosquittoMissingError(f"{name}: is not installed; apt-get install -y mosquitto")
    return found


def topic_rules() -> str:
    """Return the access rules of docs/operation.md: a gateway only its own topics."""
    lines = [f"user {SERVER_ACCOUNT}"]
    lines += [f"topic read lamp/v1/+/+/{channel}" for channel in sorted(UPWARD)]
    lines += [f"topic write lamp/v1/+/+/{channel}" for channel in sorted(DOWNWARD)]
    lines += [f"pattern write lamp/v1/+/%u/{channel}" for channel in sorted(UPWARD)]
    lines += [f"pattern read lamp/v1/+/%u/{channel}" for channel in sorted(DOWNWARD)]
    return "\n".join(lines) + "\n"


def write_settings(places: Places, port: int) -> Path:
    """Write password file, rules and settings; return the settings file."""
    folder = places.broker_accounts_file.parent
    passwords = folder / "mosquitto.passwords"
    secrets = sorted(places.secret_file(SERVER_ACCOUNT).parent.glob("*.txt"))
    lines = [f"{each.stem}:{each.read_text(encoding='utf-8').strip()}" for each in secrets]
    passwords.touch(mode=0o600)
    passwords.write_text("\n".join(lines) + "\n", encoding="utf-8")
    subprocess.run([program("mosquitto_passwd"), "-U", str(passwords)], check=True)  # noqa: S603
    rules = folder / "mosquitto.acl"
    rules.touch(mode=0o600)
    rules.write_text(topic_rules(), encoding="utf-8")
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\n"
        f"password_file {passwords.resolve()}\nacl_file {rules.resolve()}\nuser root\n",
        encoding="utf-8",
    )
    return settings


def main() -> None:
    """Become Mosquitto, which ends with the demo that started it."""
    parser = argparse.ArgumentParser(description="Mosquitto for the demo's town")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    settings = write_settings(Places(arguments.data), arguments.port)
    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGTERM)
    os.execv(program("mosquitto"), ["mosquitto", "-c", str(settings)])  # noqa: S606


if __name__ == "__main__":
    main()
