"""Turns a signed revision into links that can be started, or says why it cannot be used."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import ConfigError, GatewayConfig
from edge_gateway.config_io import parse_overlay
from edge_gateway.polling.profiles_io import LinkSetup, load_links
from edge_gateway.remote.permissions import keep_permissions
from edge_gateway.remote.revision_store import RevisionStore, peek
from edge_gateway.remote.standing import OWN_FILE, Standing, roll_back, start_again
from edge_gateway.remote.trust import Trust
from firmware_profiles.errors import ProfileError
from firmware_profiles.library_io import load_profile
from wire_contracts.errors import ContractError
from wire_contracts.gateway_commands import (
    ApplyConfig,
    Command,
    RevisionProfile,
    SignedText,
    parse_command,
)
from wire_contracts.payloads import read_json

FOLDER = "remote"
"""Folder of revisions and handled commands, inside the gateway's data folder."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """Settings that can be started.

    Attributes:
        number: The revision, OWN_FILE for the gateway's own file alone.
        config: The settings with everything the revision changes.
        links: The links, profiles loaded and reads planned.
    """

    number: int
    config: GatewayConfig
    links: tuple[LinkSetup, ...]

    def fingerprint(self) -> str:
        """Return the SHA-256 of what the settings say about links, queue and health."""
        config = self.config
        said = (config.links, config.queue, config.health_interval, config.is_raw_kept)
        return hashlib.sha256(repr(said).encode()).hexdigest()


class Revisions:
    """The revisions of one gateway: verified each time they are read, not only when they come."""

    def __init__(self, local: GatewayConfig) -> None:
        """Take the settings of the gateway's own file.

        Raises:
            ConfigError: The own file names a profile that is unknown or unfit.
        """
        self.local = local
        self.trust = Trust(local.remote.trusted_keys)
        self.store = RevisionStore(local.data / FOLDER)
        self._own = InForce(number=OWN_FILE, config=local, links=load_links(local))

    def at_start(self) -> tuple[InForce, Standing]:
        """Return what to start with; a trial that keeps ending the gateway is rolled back here.

        A confirmed revision that cannot be used any more (its key is not trusted any longer, its
        file is damaged) counts as none: the gateway works with the one before it, at last with
        its own file.
        """
        standing = self._counted(start_again(self.store.standing()))
        if not self.local.remote.trusted_keys:
            return self._own, standing
        if standing.trial is not None:
            number = standing.trial.number
            try:
                return self.prepared(number), standing
            except (ContractError, ConfigError, OSError) as error:
                _LOG.exception("remote.revision_unusable", number=number)
                standing = self._counted(roll_back(standing, f"it cannot be used: {error}"))
        return self.settled(standing), standing

    def _counted(self, standing: Standing) -> Standing:
        """Return the standing, kept on disk; a start that cannot be counted is no trial's."""
        try:
            self.store.save(standing)
        except OSError as error:
            _LOG.exception("remote.state_not_kept")
            return roll_back(standing, f"the disk takes nothing: {error}")
        return standing

    def settled(self, standing: Standing) -> InForce:
        """Return the newest confirmed revision that can be used, else the own file."""
        for number in reversed(standing.confirmed):
            try:
                return self.prepared(number)
            except (ContractError, ConfigError, OSError):
                _LOG.exception("remote.revision_unusable", number=number)
        return self._own

    def prepared(self, number: int) -> InForce:
        """Return a kept revision ready to be started.

        Raises:
            ContractError: Its signature does not count, or it is no revision.
            ConfigError: Its settings cannot be used.
            OSError: It cannot be read.
        """
        if number == OWN_FILE:
            return self._own
        place = f"revision {number}"
        signed = self.store.read(number)
        command = verified(self.trust, signed, place)
        if not isinstance(command.order, ApplyConfig) or command.order.number != number:
            message = f"{place}: command: is another command; push the revision again"
            raise ConfigError(message)
        return self._built(command.order)

    def take(self, signed: SignedText, order: ApplyConfig) -> InForce:
        """Keep a verified revision on disk and return it ready to be started.

        Raises:
            ConfigError: Its settings or profiles cannot be used; nothing is kept then.
            OSError: The disk refuses.
        """
        self._refuse_changed_profiles(order)
        try:
            ready = self._built(order)
            self.store.keep(order.number, signed, order.settings)
        except (ConfigError, OSError):
            self.store.forget_others(self.store.standing().kept())
            raise
        return ready

    def _built(self, order: ApplyConfig) -> InForce:
        config = parse_overlay(order.settings, place=f"revision {order.number}", local=self.local)
        config = keep_permissions(self.local, config)
        if order.profiles:
            folder = self.store.lay_out_profiles(order.number, order.profiles, self.local.profiles)
            config = replace(config, profiles=folder)
        return InForce(number=order.number, config=config, links=load_links(config))

    def _refuse_changed_profiles(self, order: ApplyConfig) -> None:
        """Raise ConfigError for a profile that is here already with other content.

        A reference means one content for ever: frames carry it, and corrections count on it.
        """
        for profile in order.profiles:
            if self._is_other(profile):
                message = (
                    f"revision {order.number}: {profile.file_name}: is here already with other "
                    "content; raise the profile's revision"
                )
                raise ConfigError(message)

    def _is_other(self, profile: RevisionProfile) -> bool:
        """Return whether the site, the package or a kept revision has other content for it."""
        if self.store.profile_texts(profile.file_name) - {profile.text.encode()}:
            return True
        try:
            known = load_profile(profile.file_name.removesuffix(".toml"), self.local.profiles)
        except ProfileError:
            return False
        return _text_of(known.place, self.local.profiles) != profile.text


def _text_of(place: str, site: Path | None) -> str | None:
    """Return the text of a site profile; None for one that ships with the package."""
    path = Path(place)
    return path.read_text("utf-8") if site is not None and path.parent == site else None


def revision_in_force(config: GatewayConfig) -> int:
    """Return which revision goes before a settings file, OWN_FILE for none; changes nothing."""
    standing = peek(config.data / FOLDER) if config.remote.trusted_keys else None
    return OWN_FILE if standing is None else standing.in_force


def verified(trust: Trust, signed: SignedText, place: str) -> Command:
    """Return the command inside a signed text; raise ContractError for what must not be obeyed."""
    trust.check(signed, place)
    return parse_command(read_json(place, signed.body.encode()))
