"""Does what the operator's handbook says, line by line, on a root of its own."""

import io
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from httpx import Client, HTTPError

import edge_gateway.__main__ as edge_gateway
import sync_server.__main__ as sync_server
from sync_server.setting_up import __main__ as setting_up
from tests.free_ports import free_port
from tests.sync_server.real_parts import wait_until

DOCS = Path(__file__).resolve().parents[3] / "docs"
HOST = "localhost"
PASSWORD = "a lamp in every window"  # noqa: S105  # of accounts that live for one test
NOT_HERE = ("apt ", "python3 -m venv", "/opt/lamplighter/bin/pip", "adduser ", "chown ")
"""What only root on a machine of its own does."""


def commands_of(name: str) -> list[str]:
    """Return the lines of a handbook's command blocks, in their order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if re.match(r" {4}\S", line)]


@dataclass
class Machine:
    """A root folder with the services that the handbook starts and stops."""

    root: Path
    postgres_url: str = ""
    pages_port: int = field(default_factory=free_port)
    broker_port: int = field(default_factory=free_port)
    services: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def settings(self) -> Path:
        return self.root / "etc/lamplighter/server.toml"

    @property
    def authority(self) -> Path:
        return self.root / "var/lib/lamplighter/authority/ca.crt"

    def do(self, line: str) -> None:
        """Do one line of the handbook; an unknown one is an error."""
        words = shlex.split(self._here(line))
        match words[0]:
            case "lamplighter":
                self._run(setting_up.main, *words[1:], "--root", str(self.root))
                self._move_ports()
            case "sync-server":
                self._run(sync_server.main, *words[1:])
                if "migrate-database" in words:
                    with self.settings.open("a", encoding="utf-8") as file:
                        file.write(f'[database]\nurl = "{self.postgres_url}"\n')
            case "systemctl":
                self._systemctl(words[1], [each for each in words[2:] if each != "--now"])
            case "cp":
                _copy(*words[1:])
            case "edge-gateway":
                self._run(edge_gateway.main, *words[1:])
            case _:
                assert line.startswith(NOT_HERE), line
                self._install(line)

    def _install(self, line: str) -> None:
        """Name the archive's folder where its libraries would be installed."""
        if "[archive]" in line:
            with self.settings.open("a", encoding="utf-8") as file:
                file.write('[archive]\nfolder = "archive"\n')

    def _here(self, line: str) -> str:
        line = line.replace("lamp.example.com", HOST).replace("meters.csv", f"{self.root}/m.csv")
        line = line.replace(
            "postgresql+psycopg://lamplighter@db.example.com/lamplighter",
            shlex.quote(self.postgres_url),
        )
        return re.sub(r"(?<= )/(etc|var|srv)/", rf"{self.root}/\1/", line)

    def _run(self, main: Callable[[list[str]], int], *arguments: str) -> None:
        told = io.StringIO()
        with redirect_stderr(told), redirect_stdout(io.StringIO()):
            status = main(list(arguments))
        assert status == 0, f"{arguments}: {told.getvalue()}"

    def _move_ports(self) -> None:
        """Let tests run beside each other: loopback and free ports instead of the usual ones."""
        for path in self.root.rglob("*"):
            if path.suffix in {".toml", ".conf"}:
                text = path.read_text(encoding="utf-8").replace("8443", str(self.pages_port))
                text = text.replace("listener 8883", f"listener {self.broker_port} 127.0.0.1")
                text = text.replace("8883", str(self.broker_port)).replace("0.0.0.0", "127.0.0.1")  # noqa: S104  # it is taken out
                path.write_text(text, encoding="utf-8")

    def _systemctl(self, what: str, names: list[str]) -> None:
        if what in {"stop", "restart"}:
            for name in names:
                self.stop(name)
        if what in {"start", "restart", "enable"}:
            for name in names:
                self._start(name)

    def _start(self, name: str) -> None:
        if name == "lamplighter-gateway":
            command = self._command_of(name)
        elif name == "mosquitto":
            conf = self.root / "etc/mosquitto/conf.d/lamplighter.conf"
            own = self.root / "mosquitto.conf"
            own.write_text(f"user root\n{conf.read_text(encoding='utf-8')}", encoding="utf-8")
            command = ["/usr/sbin/mosquitto", "-c", str(own)]
        else:
            command = [sys.executable, "-m", "sync_server", "serve", "--config", str(self.settings)]
        self.run_service(name, command)
        if name == "lamplighter":
            wait_until(self._answers)

    def _command_of(self, name: str) -> list[str]:
        """Return what a unit of this machine starts, with our own interpreter."""
        unit = (self.root / f"etc/systemd/system/{name}.service").read_text(encoding="utf-8")
        found = re.search(r"^ExecStart=/opt/lamplighter/bin/edge-gateway (.*)$", unit, re.MULTILINE)
        assert found is not None, unit
        return [sys.executable, "-m", "edge_gateway", *shlex.split(self._here(f" {found[1]}"))]

    def run_service(self, name: str, command: list[str]) -> None:
        with (self.root / f"{name}.log").open("ab") as log:
            self.services[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def _answers(self) -> bool:
        try:
            with self.browser() as browser:
                return browser.get("/health/ready").status_code == 200
        except HTTPError:
            return False

    def browser(self) -> Client:
        """Return a browser that trusts the site's authority and nothing else."""
        context = ssl.create_default_context(cafile=str(self.authority))
        url = f"https://{HOST}:{self.pages_port}"
        headers = {"Origin": url, "Accept": "text/html"}
        return Client(base_url=url, verify=context, headers=headers, timeout=60)

    def stop(self, name: str) -> None:
        process = self.services.pop(name)
        process.terminate()
        process.wait(60)

    def close(self) -> None:
        for name in list(self.services):
            self.stop(name)


def _copy(*words: str) -> None:
    if words[0] == "-r":
        shutil.copytree(words[1], words[2], dirs_exist_ok=True)
    else:
        shutil.copy(words[0], words[1])


def blocks(name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each chapter of a handbook with the lines of its commands."""
    text = (DOCS / name).read_text(encoding="utf-8")
    for chapter in text.split("\n## ")[1:]:
        lines = [line.strip() for line in chapter.splitlines() if re.match(r" {4}\S", line)]
        yield chapter.splitlines()[0], lines
