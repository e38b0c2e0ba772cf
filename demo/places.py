"""Where the demo keeps its things: one data folder, one place for each."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Paths inside the demo's data folder.

    What only the town knows (clock, truth) lies beside what a site would have (configs, data), so
    that no other process has a reason to look into it.
    """

    root: Path

    @property
    def clock_file(self) -> Path:
        """The town's clock, shared by all processes."""
        return self.root / "town" / "clock.json"

    @property
    def town_folder(self) -> Path:
        """What only the town may know: its clock, its faults, their truth."""
        return self.root / "town"

    @property
    def truth_file(self) -> Path:
        """What is wrong with which meter; read by the meters alone."""
        return self.town_folder / "truth.jsonl"

    @property
    def meter_ports_file(self) -> Path:
        """Gateway id to the loopback port on which its meters answer."""
        return self.root / "town" / "meter-ports.json"

    @property
    def ports_file(self) -> Path:
        """The loopback ports that were chosen for broker and server."""
        return self.root / "ports.json"

    @property
    def accounts_file(self) -> Path:
        """The demo's log-ins with their passwords, drawn when the town was set up."""
        return self.root / "accounts.json"

    @property
    def broker_accounts_file(self) -> Path:
        """Account to digest of its password, for the broker."""
        return self.root / "broker" / "accounts.json"

    @property
    def server_config(self) -> Path:
        """The server's settings file."""
        return self.root / "server" / "server.toml"

    @property
    def crew_folder(self) -> Path:
        """The tablet's data folder."""
        return self.root / "tablet"

    def other_tablet(self, name: str) -> Path:
        """Return the data folder of one of the other crews' tablets."""
        return self.root / "other-tablets" / name

    @property
    def ready_mark(self) -> Path:
        """Present when the town has been set up completely."""
        return self.root / "set-up-complete"

    def offline_mark(self, order_id: str) -> Path:
        """Present when the crew recorded its finding for an order without a network."""
        return self.root / "crew" / f"{order_id}.recorded-offline"

    def secret_file(self, account: str) -> Path:
        """The broker password of one account."""
        return self.root / "secrets" / f"{account}.txt"

    def gateway_folder(self, gateway_id: str) -> Path:
        """One gateway's data folder."""
        return self.root / "gateways" / gateway_id

    def gateway_config(self, gateway_id: str) -> Path:
        """One gateway's settings file."""
        return self.root / "gateways" / f"{gateway_id}.toml"

    def log_file(self, process: str) -> Path:
        """What one process printed."""
        return self.root / "logs" / f"{process}.log"
