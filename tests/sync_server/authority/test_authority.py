"""A site's own certificates open real connections, and revoked ones do not."""

import socket
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.__main__ import main
from sync_server.authority.authority_io import CERTIFICATE, KEY, REVOKED, Authority, begin_authority
from sync_server.authority.certificate_terms import (
    AUTHORITY_LIFE,
    AuthorityError,
    Purpose,
    check_name,
)
from sync_server.clock_io import SystemClock

NOW = SystemClock().now_utc()
HOST = "127.0.0.1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    begin_authority(tmp_path / "authority", "Town heat", NOW, None)
    return tmp_path / "authority"


def connect(folder: Path, out: Path, client: str) -> str:
    """Return the common name that a server with our certificate sees of a client with ours."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(out / f"{HOST}.crt", out / f"{HOST}.key")
    server_side.load_verify_locations(folder / CERTIFICATE)
    server_side.load_verify_locations(folder / REVOKED)
    server_side.verify_mode = ssl.CERT_REQUIRED
    server_side.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    client_side = ssl.create_default_context(cafile=str(folder / CERTIFICATE))
    client_side.load_cert_chain(out / f"{client}.crt", out / f"{client}.key")
    seen: list[str] = []
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=_greet, args=(listener, server_side, seen))
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname()) as plain,
                client_side.wrap_socket(plain, server_hostname=HOST) as secure,
            ):
                secure.recv(1)
        except (ssl.SSLError, ConnectionError) as error:
            seen.append(str(error))
        finally:
            thread.join()
    return " ".join(seen)


def _greet(listener: socket.socket, server_side: ssl.SSLContext, seen: list[str]) -> None:
    plain, _ = listener.accept()
    with plain:
        try:
            with server_side.wrap_socket(plain, server_side=True) as secure:
                certificate = secure.getpeercert() or {}
                subject = certificate["subject"]
                seen.append(dict(pair for part in subject for pair in part)["commonName"])  # type: ignore[misc]  # the ssl module's nested tuples
                secure.sendall(b"!")
        except (ssl.SSLError, ConnectionError) as error:
            seen.append(str(error))


def test_a_gateway_is_known_by_its_certificate_until_it_is_revoked(
    folder: Path, tmp_path: Path
) -> None:
    authority = Authority(folder, None)
    authority.issue(Purpose.SERVER, [HOST, "localhost"], NOW, tmp_path)
    authority.issue(Purpose.CLIENT, ["gw-07"], NOW, tmp_path)
    authority.issue(Purpose.CLIENT, ["gw-08"], NOW, tmp_path)

    before = connect(folder, tmp_path, "gw-07")
    Authority(folder, None).revoke("gw-07", NOW)
    after = connect(folder, tmp_path, "gw-07")

    assert before == "gw-07"
    assert "certificate revoked" in after
    assert connect(folder, tmp_path, "gw-08") == "gw-08"


def test_a_servers_certificate_is_no_gateways(folder: Path, tmp_path: Path) -> None:
    authority = Authority(folder, None)
    authority.issue(Purpose.SERVER, [HOST], NOW, tmp_path)

    assert "unsuitable certificate purpose" in connect(folder, tmp_path, HOST)


def test_a_new_certificate_of_a_name_stays_good_when_the_old_one_is_revoked_by_number(
    folder: Path, tmp_path: Path
) -> None:
    authority = Authority(folder, None)
    authority.issue(Purpose.SERVER, [HOST], NOW, tmp_path)
    authority.issue(Purpose.CLIENT, ["gw-07"], NOW, tmp_path / "old")
    old = authority.issued[-1].serial
    authority.issue(Purpose.CLIENT, ["gw-07"], NOW, tmp_path)

    authority.revoke(old, NOW)

    assert connect(folder, tmp_path, "gw-07") == "gw-07"
    with pytest.raises(AuthorityError, match="no certificate of it is good"):
        authority.revoke(old, NOW)


def test_nothing_is_good_for_longer_than_the_authority(folder: Path, tmp_path: Path) -> None:
    authority = Authority(folder, None)
    late = NOW + AUTHORITY_LIFE - timedelta(days=2)

    authority.issue(Purpose.CLIENT, ["gw-07"], late, tmp_path)

    assert authority.issued[-1].until_utc <= NOW + AUTHORITY_LIFE
    with pytest.raises(AuthorityError, match="has ended; begin a new authority"):
        authority.issue(Purpose.CLIENT, ["gw-07"], NOW + AUTHORITY_LIFE, tmp_path)


def test_keys_are_for_nobody_else_and_one_that_others_may_read_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    paths = Authority(folder, None).issue(Purpose.CLIENT, ["gw-07"], NOW, tmp_path)

    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder / KEY, paths.key)}
    (folder / KEY).chmod(0o644)

    assert set(modes.values()) == {0o600}
    with pytest.raises(AuthorityError, match="others may read it"):
        Authority(folder, None)


def test_the_key_of_an_authority_may_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAMPLIGHTER_CA_PASSPHRASE", "four words of a book")
    data = ["--data", str(tmp_path)]
    out = ["--out", str(tmp_path / "out")]

    made = [main(["ca", *data, "new"]), main(["ca", *data, "client", "gw-07", *out])]
    monkeypatch.delenv("LAMPLIGHTER_CA_PASSPHRASE")
    refused = main(["ca", *data, "list"])

    assert (made, refused) == ([0, 0], 1)
    assert "set LAMPLIGHTER_CA_PASSPHRASE" in capsys.readouterr().err


def test_what_was_made_is_listed_and_a_second_authority_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    main(["ca", *data, "new"])
    main(["ca", *data, "server", "broker.example.com", "10.0.0.5", "--out", str(tmp_path)])
    main(["ca", *data, "client", "gw-07", "--out", str(tmp_path)])
    main(["ca", *data, "revoke", "gw-07"])
    capsys.readouterr()

    statuses = [main(["ca", *data, "list"]), main(["ca", *data, "new"])]

    said = capsys.readouterr()
    assert statuses == [0, 1]
    assert [line.split("  ")[1:3] for line in said.out.splitlines()] == [
        ["server", "broker.example.com"],
        ["client", "gw-07"],
    ]
    assert "revoked" in said.out.splitlines()[1]
    assert "holds an authority already" in said.err


def test_without_an_authority_the_remedy_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ca", "--data", str(tmp_path), "list"]) == 1
    assert "begin one with `sync-server ca new`" in capsys.readouterr().err


@given(st.text(max_size=70) | st.from_regex(r"[a-z./-]{1,8}", fullmatch=True))
def test_a_name_that_is_taken_stays_inside_its_folder(name: str) -> None:
    try:
        taken = check_name(name)
    except AuthorityError:
        taken = "refused"

    assert Path("folder", taken).name == taken
    assert taken.isascii()
    assert len(taken) <= 64


@pytest.mark.parametrize("name", ["", ".", "..", "a..b", "../x", "a/b", "-a", "a" * 65, "阀"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(AuthorityError, match="name: is no name of a gateway or host"):
        check_name(name)
