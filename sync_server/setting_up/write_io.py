"""Writes a site's files and certificates; what is there already is never written over."""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sync_server.authority.authority_io import CERTIFICATE, REVOKED, Authority, begin_authority
from sync_server.authority.certificate_terms import Purpose
from sync_server.config_io import load_config
from sync_server.private_files_io import PRIVATE, PRIVATE_FOLDER, PUBLIC, write_whole
from sync_server.setting_up.answers import Answers, SetUpError
from sync_server.setting_up.monitoring import alert_rules, grafana_page
from sync_server.setting_up.site_files import (
    SERVER_NAME,
    Folders,
    SiteFile,
    gateway_files,
    server_files,
)
from wire_contracts.topics import check_gateway_id


def set_up_server(
    answers: Answers, folders: Folders, program: Path, now_utc: datetime, passphrase: str | None
) -> Sequence[Path]:
    """Make authority, certificates and files; return the files in the order they were written.

    Raises:
        SetUpError: Something is there already, or a folder cannot be written to.
        AuthorityError: A certificate cannot be made.
        ConfigError: An answer makes settings that the server would refuse.
    """
    files = [*server_files(answers, folders, program), *_monitoring_files(folders)]
    _refuse_present([each.path for each in files])
    try:
        folders.data.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        folders.anchors.parent.mkdir(parents=True, exist_ok=True)
        authority_folder = folders.data / "authority"
        begin_authority(authority_folder, answers.site, now_utc, passphrase)
        authority = Authority(authority_folder, passphrase)
        names = list(dict.fromkeys([answers.host, "localhost"]))
        authority.issue(Purpose.SERVER, names, now_utc, folders.broker)
        authority.issue(Purpose.SERVER, names, now_utc, folders.settings / "pages")
        authority.issue(Purpose.CLIENT, [SERVER_NAME], now_utc, folders.settings / "client")
        for name in (CERTIFICATE, REVOKED):
            shutil.copyfile(authority_folder / name, folders.broker / name)
        shutil.copyfile(authority_folder / CERTIFICATE, folders.settings / "client" / CERTIFICATE)
        _write(files)
    except OSError as error:
        raise SetUpError(f"{folders.root}: folder: {error.strerror}; run it as root") from error
    load_config(folders.settings / "server.toml")
    return [each.path for each in files]


def set_up_gateway(
    gateway_id: str, target: Path, folders: Folders, now_utc: datetime, passphrase: str | None
) -> Sequence[Path]:
    """Make what is copied to a gateway box; return the files.

    Raises:
        SetUpError: The folder holds something already, or cannot be written to.
        AuthorityError: A certificate cannot be made, or no server was set up here.
        ContractError: The id is none.
    """
    check_gateway_id(gateway_id, place="gateway", field="id")
    host = load_config(folders.settings / "server.toml").broker.host
    program = Path("/opt/lamplighter/bin/edge-gateway")
    files = [
        SiteFile(path=target / each.path, text=each.text)
        for each in gateway_files(gateway_id, host, program)
    ]
    _refuse_present([each.path for each in files])
    try:
        target.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        authority = Authority(folders.data / "authority", passphrase)
        issued = authority.issue(Purpose.CLIENT, [gateway_id], now_utc, target)
        shutil.copyfile(folders.data / "authority" / CERTIFICATE, target / CERTIFICATE)
        _write(files)
    except OSError as error:
        raise SetUpError(f"{target}: folder: {error.strerror}; name another one") from error
    return [*(each.path for each in files), issued.certificate, issued.key, target / CERTIFICATE]


def _monitoring_files(folders: Folders) -> Sequence[SiteFile]:
    folder = folders.settings / "monitoring"
    return [
        SiteFile(path=folder / "alerts.yml", text=alert_rules()),
        SiteFile(path=folder / "grafana.json", text=grafana_page()),
    ]


def _refuse_present(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.exists():
            raise SetUpError(f"{path}: file: is there already; move it away to set up anew")


def _write(files: Sequence[SiteFile]) -> None:
    for each in files:
        each.path.parent.mkdir(parents=True, exist_ok=True)
        mode = PRIVATE if each.is_secret else PUBLIC
        write_whole(each.path, each.text.encode(), mode)
