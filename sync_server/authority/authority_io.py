"""Owns one certificate authority in its folder: its key, what it made, what it revoked."""

import ipaddress
import json
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sync_server.authority.certificate_terms import (
    AUTHORITY_LIFE,
    CLOCK_DOUBT,
    AuthorityError,
    Issued,
    Purpose,
    check_name,
    issued_json,
    life_of,
    parse_issued,
)
from sync_server.private_files_io import PRIVATE_FOLDER, PUBLIC, write_whole
from wire_contracts.fields import FieldReader

CERTIFICATE: Final = "ca.crt"
KEY: Final = "ca.key"
REVOKED: Final = "ca.crl"
RECORD: Final = "issued.json"

_USAGE = {
    Purpose.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
    Purpose.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a certificate and its key were written."""

    certificate: Path
    key: Path


def begin_authority(folder: Path, name: str, now_utc: datetime, passphrase: str | None) -> None:
    """Make the key and the certificate of a new authority, and an empty list of revoked ones.

    Raises:
        AuthorityError: There is one already, or the folder cannot be written to.
    """
    if (folder / KEY).exists() or (folder / CERTIFICATE).exists():
        raise AuthorityError(f"{folder}: folder: holds an authority already; name another folder")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _blank(subject, subject, key.public_key())
        .not_valid_before(now_utc - CLOCK_DOUBT)
        .not_valid_after(now_utc + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        write_whole(folder / KEY, _pem_of(key, passphrase))
        write_whole(folder / CERTIFICATE, certificate.public_bytes(Encoding.PEM), PUBLIC)
        _write_record(folder, ())
        _write_revoked(folder, certificate, key, (), now_utc)
    except OSError as error:
        raise _unwritable(folder, error) from error


class Authority:
    """An authority that was begun; every change is on the disk when its method returns."""

    def __init__(self, folder: Path, passphrase: str | None) -> None:
        """Open the authority of `folder`.

        Raises:
            AuthorityError: There is none, its key is wrong, or others may read it.
        """
        self._folder = folder
        self._key = _read_key(folder / KEY, passphrase)
        self._certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        self._issued = _read_record(folder / RECORD)

    @property
    def issued(self) -> Sequence[Issued]:
        """Return every certificate that was made, the newest last."""
        return self._issued

    def issue(
        self, purpose: Purpose, names: Sequence[str], now_utc: datetime, target: Path
    ) -> Paths:
        """Make a key and a certificate and put both into `target`.

        Args:
            purpose: What it proves.
            names: Host names or addresses of a server; of a client the one name of its account.
            now_utc: When.
            target: The folder; files of the same name there are replaced.

        Raises:
            AuthorityError: A name that cannot be, the authority ends before, or an unwritable
                folder.
        """
        common_name = check_name(names[0])
        until_utc = min(now_utc + life_of(purpose), self._certificate.not_valid_after_utc)
        if until_utc <= now_utc:
            raise AuthorityError(f"{self._folder}: {CERTIFICATE}: has ended; begin a new authority")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(purpose, names, key.public_key(), (now_utc, until_utc))
        issued = Issued(
            serial=f"{certificate.serial_number:x}",
            name=common_name,
            purpose=purpose,
            made_at_utc=now_utc,
            until_utc=until_utc,
        )
        paths = Paths(certificate=target / f"{common_name}.crt", key=target / f"{common_name}.key")
        try:
            self._keep((*self._issued, issued))
            target.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            write_whole(paths.key, _pem_of(key, None))
            write_whole(paths.certificate, certificate.public_bytes(Encoding.PEM), PUBLIC)
        except OSError as error:
            raise _unwritable(target, error) from error
        return paths

    def revoke(self, which: str, now_utc: datetime) -> Sequence[Issued]:
        """Revoke the certificate of a serial number, or all of a name; return those it was.

        The list of revoked ones is written anew; brokers must be given it.

        Raises:
            AuthorityError: No such certificate is good, or the folder cannot be written to.
        """
        found = [
            each
            for each in self._issued
            if which in {each.name, each.serial} and each.revoked_at_utc is None
        ]
        if not found:
            raise AuthorityError(
                f"{which!r}: name: no certificate of it is good; see `sync-server ca list`"
            )
        gone = [replace(each, revoked_at_utc=now_utc) for each in found]
        serials = {each.serial: each for each in gone}
        try:
            self._keep([serials.get(each.serial, each) for each in self._issued])
            _write_revoked(self._folder, self._certificate, self._key, self._issued, now_utc)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        return gone

    def _sign(
        self,
        purpose: Purpose,
        names: Sequence[str],
        public_key: ec.EllipticCurvePublicKey,
        span_utc: tuple[datetime, datetime],
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        builder = (
            _blank(subject, self._certificate.subject, public_key)
            .not_valid_before(span_utc[0] - CLOCK_DOUBT)
            .not_valid_after(span_utc[1])
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(is_authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_USAGE[purpose]]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if purpose is Purpose.SERVER:
            hosts = x509.SubjectAlternativeName([_host(name) for name in names])
            builder = builder.add_extension(hosts, critical=False)
        return builder.sign(self._key, SHA256())

    def _keep(self, issued: Sequence[Issued]) -> None:
        _write_record(self._folder, issued)
        self._issued = tuple(issued)


def _blank(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(check_name(name))


def _pem_of(key: ec.EllipticCurvePrivateKey, passphrase: str | None) -> bytes:
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase:
        encryption = BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _read_key(path: Path, passphrase: str | None) -> ec.EllipticCurvePrivateKey:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise AuthorityError(f"{path}: file: others may read it; chmod 600, and begin anew")
        key = load_pem_private_key(path.read_bytes(), (passphrase or "").encode() or None)
    except OSError as error:
        remedy = "begin one with `sync-server ca new`, or name its folder"
        raise AuthorityError(f"{path}: file: {error.strerror}; {remedy}") from error
    except (ValueError, TypeError) as error:
        remedy = "set LAMPLIGHTER_CA_PASSPHRASE, or give the file back from the backup"
        raise AuthorityError(f"{path}: file: does not open; {remedy}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError(f"{path}: file: is another kind of key; give it back from the backup")
    return key


def _write_record(folder: Path, issued: Sequence[Issued]) -> None:
    lines = [json.dumps(issued_json(each)) for each in issued]
    write_whole(folder / RECORD, f"[{','.join(lines)}]".encode())


def _read_record(path: Path) -> tuple[Issued, ...]:
    rows = json.loads(path.read_bytes())
    return tuple(parse_issued(FieldReader(place=str(path), values=row)) for row in rows)


def _write_revoked(
    folder: Path,
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    issued: Sequence[Issued],
    now_utc: datetime,
) -> None:
    """Write the list of revoked certificates; it is good as long as the authority.

    A broker that is given a list which has ended refuses everybody.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now_utc - CLOCK_DOUBT)
        .next_update(authority.not_valid_after_utc)
    )
    for each in issued:
        if each.revoked_at_utc is not None:
            revoked = x509.RevokedCertificateBuilder().serial_number(int(each.serial, 16))
            builder = builder.add_revoked_certificate(
                revoked.revocation_date(each.revoked_at_utc).build()
            )
    listed = builder.sign(key, SHA256())
    write_whole(folder / REVOKED, listed.public_bytes(Encoding.PEM), PUBLIC)


def _unwritable(folder: Path, error: OSError) -> AuthorityError:
    return AuthorityError(f"{folder}: folder: {error.strerror}; name one that may be written to")
