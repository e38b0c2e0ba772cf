"""Decides which files a server and a gateway box are given, and what stands in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sync_server.gateways.broker_acl import BrokerKind, broker_acl
from sync_server.setting_up.answers import Answers

PAGES_PORT, BROKER_PORT, HEALTH_PORT = 8443, 8883, 8001
SERVER_NAME = "server"
"""The server's name at the broker: the common name of its certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """One file with its text; `is_secret`: nobody but its owner may read it."""

    path: Path
    text: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where a site's files lie below its root."""

    root: Path

    @property
    def settings(self) -> Path:
        """Return the folder of the settings and certificates."""
        return self.root / "etc/lamplighter"

    @property
    def broker(self) -> Path:
        """Return the folder that the broker reads."""
        return self.settings / "broker"

    @property
    def data(self) -> Path:
        """Return the folder of the database, photos, keys and the authority."""
        return self.root / "var/lib/lamplighter"

    @property
    def anchors(self) -> Path:
        """Return the file in which the audit's end is noted."""
        return self.root / "var/log/lamplighter/audit.anchors"


def server_files(answers: Answers, folders: Folders, program: Path) -> Sequence[SiteFile]:
    """Return the files of a server: settings, the broker's settings and rules, the unit.

    Args:
        answers: What was asked.
        folders: Where they go.
        program: `sync-server` as it is installed.
    """
    settings = folders.settings / "server.toml"
    return [
        SiteFile(path=settings, text=_server_toml(answers, folders)),
        SiteFile(
            path=folders.root / "etc/mosquitto/conf.d/lamplighter.conf",
            text=_mosquitto_conf(answers, folders),
        ),
        SiteFile(
            path=folders.broker / "acl",
            text="\n".join([*broker_acl(BrokerKind.MOSQUITTO, SERVER_NAME), ""]),
        ),
        SiteFile(
            path=folders.root / "etc/systemd/system/lamplighter.service",
            text=_server_unit(settings, folders, program),
        ),
    ]


def _server_toml(answers: Answers, folders: Folders) -> str:
    settings, host = folders.settings, answers.host
    lines = [
        "[server]",
        f'data = "{folders.data}"',
        'listen_host = "0.0.0.0"',
        f"listen_port = {PAGES_PORT}",
        f'public_url = "https://{host}:{PAGES_PORT}"',
        f'cert_file = "{settings}/pages/{host}.crt"',
        f'key_file = "{settings}/pages/{host}.key"',
        f'site_name = "{answers.site}"',
        f'language = "{answers.language}"',
        f'timezone = "{answers.time_zone}"',
        "",
        "[mqtt]",
        f'host = "{host}"',
        f"port = {BROKER_PORT}",
        "tls = true",
        f'ca_file = "{settings}/client/ca.crt"',
        f'cert_file = "{settings}/client/{SERVER_NAME}.crt"',
        f'key_file = "{settings}/client/{SERVER_NAME}.key"',
        "",
        "[audit]",
        f'anchor_file = "{folders.anchors}"',
        "",
    ]
    if answers.database:
        lines += ["[database]", f'url = "{answers.database}"', ""]
    return "\n".join(lines)


def _mosquitto_conf(answers: Answers, folders: Folders) -> str:
    broker = folders.broker
    return "\n".join(
        [
            "per_listener_settings true",
            f"listener {BROKER_PORT}",
            f"cafile {broker}/ca.crt",
            f"certfile {broker}/{answers.host}.crt",
            f"keyfile {broker}/{answers.host}.key",
            f"crlfile {broker}/ca.crl",
            "require_certificate true",
            "use_identity_as_username true",
            "allow_anonymous false",
            f"acl_file {broker}/acl",
            "max_inflight_messages 200",
            "",
        ]
    )


_HARDENED = (
    "NoNewPrivileges=true",
    "ProtectSystem=strict",
    "ProtectHome=true",
    "PrivateTmp=true",
    "ProtectKernelTunables=true",
    "ProtectControlGroups=true",
    "RestrictSUIDSGID=true",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
)
"""systemd.exec(5): what a process of ours never needs."""


def _server_unit(settings: Path, folders: Folders, program: Path) -> str:
    return "\n".join(
        [
            "[Unit]",
            "Description=Lamplighter, the server",
            "After=network-online.target mosquitto.service postgresql.service",
            "Wants=network-online.target",
            "",
            "[Service]",
            "User=lamplighter",
            f"ExecStart={program} serve --config {settings}",
            "Restart=always",
            "RestartSec=2",
            "TimeoutStopSec=60",
            "LimitNOFILE=65536",
            "UMask=0077",
            *_HARDENED,
            f"ReadWritePaths={folders.data} {folders.anchors.parent}",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def gateway_files(gateway_id: str, host: str, program: Path) -> Sequence[SiteFile]:
    """Return the files of a gateway box, relative to the folder that is copied to it.

    Certificate, key and the authority's certificate lie beside them.

    Args:
        gateway_id: The gateway's id, which is the name in its certificate.
        host: Where the broker is.
        program: `edge-gateway` as it is installed on the box.
    """
    settings = "/etc/lamplighter"
    toml = [
        "[gateway]",
        f'id = "{gateway_id}"',
        'data = "/var/lib/lamplighter"',
        "",
        "[mqtt]",
        f'host = "{host}"',
        f"port = {BROKER_PORT}",
        "tls = true",
        'ca_file = "ca.crt"',
        f'cert_file = "{gateway_id}.crt"',
        f'key_file = "{gateway_id}.key"',
        'version = "5"',
        "",
        "# One [[link]] for each line, one [[link.meter]] for each meter on it:",
        "# [[link]]",
        '# name = "boiler house"',
        '# host = "192.0.2.10"',
        "# [[link.meter]]",
        '# serial = "HM-100001"',
        "# device_address = 1",
        '# profile = "tuf_2000m@1"',
        "",
    ]
    unit = [
        "[Unit]",
        "Description=Lamplighter, the gateway",
        "After=network-online.target time-sync.target",
        "",
        "[Service]",
        "User=lamplighter",
        "SupplementaryGroups=dialout",
        f"ExecStart={program} run --config {settings}/gateway.toml",
        "Restart=always",
        "RestartSec=2",
        "UMask=0077",
        *_HARDENED,
        "ReadWritePaths=/var/lib/lamplighter",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
        "",
    ]
    return [
        SiteFile(path=Path("gateway.toml"), text="\n".join(toml)),
        SiteFile(path=Path("lamplighter-gateway.service"), text="\n".join(unit)),
    ]


def what_is_left(answers: Answers, folders: Folders) -> Sequence[str]:
    """Return the commands that root types after the files are there."""
    return [
        "adduser --system --group --home /var/lib/lamplighter lamplighter",
        f"chown -R lamplighter: {folders.data} {folders.settings} {folders.anchors.parent}",
        f"chown -R mosquitto: {folders.broker}",
        "systemctl daemon-reload",
        "systemctl enable --now mosquitto lamplighter",
        f"journalctl -u lamplighter | grep 'https://{answers.host}'",
    ]
