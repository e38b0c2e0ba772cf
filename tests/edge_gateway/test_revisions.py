"""Settings from afar: exchanged without a lost frame, left by themselves when they do not work."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import GatewayConfig, RemoteConfig
from edge_gateway.queue.queue_store import read_figures
from edge_gateway.queue.queued import QueueFigures
from edge_gateway.remote.revisions_io import FOLDER, Revisions, revision_in_force
from edge_gateway.remote.trials_io import REVISION_STARTED, REVISION_STORED
from edge_gateway.run import QUEUE_FILE, run_gateway
from firmware_profiles import library_io
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from tests.edge_gateway.order_rig import (
    OrderDesk,
    Signer,
    hasty,
    link,
    settings,
    settings_text,
    sound,
)
from tests.edge_gateway.rig import (
    ROOT,
    LedgerServer,
    MeterServer,
    Mosquitto,
    from_image,
    running,
    until,
)
from tests.free_ports import free_port
from wire_contracts.gateway_commands import (
    ApplyConfig,
    CommandOutcome,
    GetConfig,
    RevisionProfile,
    RollbackConfig,
)
from wire_contracts.quantities import Quantity

BROKER = "allow_anonymous true\n"


@dataclass
class Site:
    """A broker, a server, and one gateway's settings; the gateway runs when it is told to."""

    desk: OrderDesk
    config: GatewayConfig
    folder: Path
    old: MeterServer
    new: MeterServer
    broker_port: int

    @property
    def server(self) -> LedgerServer:
        return self.desk.server

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with running(lambda stop: run_gateway(self.config, SystemClock(), stop)):
            yield

    def process(self, point: str, passing: int) -> "subprocess.Popen[bytes]":
        """A gateway of its own process that dies of SIGKILL at a named point."""
        file = self.folder / "gateway.toml"
        text = settings_text(self.folder, self.broker_port, self.desk.signer, link(self.old.port))
        file.write_text(text)
        module = "tests.edge_gateway.gateway_process"
        return subprocess.Popen(
            [sys.executable, "-m", module, str(file), point, str(passing)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def revision(self) -> str:
        return self.desk.ask(GetConfig()).facts["revision"]

    def devices(self) -> set[str]:
        return {frame.device for frame in self.server.frames()}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    signer = Signer()
    with (
        MeterServer(units={1: sound()}) as old,
        MeterServer(units={1: sound()}) as new,
        Mosquitto(folder=tmp_path, lines=BROKER) as broker,
        LedgerServer(broker.port) as server,
    ):
        yield Site(
            desk=OrderDesk(server=server, signer=signer),
            config=settings(tmp_path, broker.port, signer, link(old.port)),
            folder=tmp_path,
            old=old,
            new=new,
            broker_port=broker.port,
        )


def revision(number: int, port: int) -> ApplyConfig:
    return ApplyConfig(number=number, settings=link(port, serial=f"HM-{number + 1}"))


def has_all_but_waiting(server: LedgerServer, figures: QueueFigures) -> bool:
    """Return whether the server has every frame but what was committed as the gateway stopped."""
    seqs = server.seqs()
    sent = figures.last_seq - figures.open_count
    return seqs == list(range(1, len(seqs) + 1)) and sent <= len(seqs) <= figures.last_seq


def test_a_good_revision_exchanges_the_links_and_loses_no_frame(site: Site) -> None:
    with site.at_work():
        until(lambda: site.server.ledger)
        epoch = read_figures(site.config.data / QUEUE_FILE).epoch
        answer = site.desk.ask(revision(1, site.new.port))
        until(lambda: "HM-2" in site.devices())
        in_force = site.revision()
    figures = read_figures(site.config.data / QUEUE_FILE)

    assert answer.outcome is CommandOutcome.DONE
    assert in_force == "1"
    assert figures.epoch == epoch
    assert has_all_but_waiting(site.server, figures)
    assert site.server.conflicts == []


def test_the_gateway_goes_on_with_a_confirmed_revision_after_a_restart(site: Site) -> None:
    with site.at_work():
        site.desk.ask(revision(1, site.new.port))
    with site.at_work():
        until(lambda: "HM-2" in site.devices())
        again = site.revision()

    assert again == "1"


def test_the_check_of_the_settings_names_the_revision_that_goes_before_them(site: Site) -> None:
    before = revision_in_force(site.config)
    with site.at_work():
        site.desk.ask(revision(1, site.new.port))

    assert before == 0
    assert revision_in_force(site.config) == 1
    assert revision_in_force(replace(site.config, remote=RemoteConfig())) == 0


@pytest.mark.nightly
def test_many_revisions_leave_no_thread_behind(site: Site) -> None:
    with site.at_work():
        until(lambda: site.server.ledger)
        site.desk.ask(revision(1, site.new.port))
        before = sorted(thread.name for thread in threading.enumerate())
        for number in range(2, 6):
            site.desk.ask(revision(number, site.new.port))
        after = sorted(thread.name for thread in threading.enumerate())
    names = [name for name in after if name.startswith("link-")]

    assert names == ["link-plant"]
    assert len(after) <= len(before) + 1


def test_a_revision_with_dead_links_is_left_after_three_periods(site: Site) -> None:
    with site.at_work():
        until(lambda: site.server.ledger)
        dead = ApplyConfig(number=1, settings=hasty(link(free_port(), serial="HM-2")))
        answer = site.desk.ask(dead)
        before = len(site.server.ledger)
        until(lambda: len(site.server.ledger) > before + 1)
        in_force = site.revision()

    assert (answer.outcome, answer.code) == (CommandOutcome.FAILED, "revision.rolled_back")
    assert "no good frame came within 3 s" in answer.text
    assert in_force == "0"
    assert any("config_rolled_back" in each for each in site.desk.events())
    assert {frame.device for frame in site.server.frames() if frame.values} == {"HM-1"}


def test_a_revision_that_reads_everything_wrongly_is_left_after_three_periods(site: Site) -> None:
    right, wrong = "cn_precession_vortex_abcd@1", "cn_precession_vortex_cdab@1"
    values = {
        Quantity.TEMPERATURE_DEGC: 21.5,
        Quantity.FLOW_BASE_M3H: 36.0,
        Quantity.VOLUME_BASE_M3: 123400.0,
    }
    image = encode_values(load_profile(right), values)
    with MeterServer(units={1: from_image(image)}) as plant:
        links = link(plant.port, profile=right)
        site.config = settings(site.folder, site.broker_port, site.desk.signer, links)
        with site.at_work():
            until(lambda: any(not each.quality for each in site.server.frames() if each.values))
            order = ApplyConfig(number=1, settings=hasty(link(plant.port, profile=wrong)))
            answer = site.desk.ask(order)
            in_force = site.revision()

    assert (answer.outcome, answer.code) == (CommandOutcome.FAILED, "revision.rolled_back")
    assert "only frames with strange or missing values came within 3 s" in answer.text
    assert in_force == "0"


def test_a_number_that_was_taken_is_never_taken_again(site: Site) -> None:
    with site.at_work():
        until(lambda: site.server.ledger)
        site.desk.ask(revision(2, site.new.port))
        answers = [site.desk.ask(revision(number, site.old.port)) for number in (1, 2)]
        in_force = site.revision()

    assert [answer.code for answer in answers] == ["revision.old", "revision.old"]
    assert "1 is not above 2" in answers[0].text
    assert in_force == "2"


def test_a_replayed_revision_is_answered_and_not_applied(site: Site) -> None:
    with site.at_work():
        until(lambda: site.server.ledger)
        command = site.desk.signer.command(revision(1, site.new.port))
        payload = site.desk.signer.sign(command)
        site.desk.send(payload)
        site.desk.wait(command.command_id)
        site.desk.ask(revision(2, site.old.port))
        heard = len(site.desk.answers(command.command_id))
        site.desk.send(payload)
        until(lambda: len(site.desk.answers(command.command_id)) > heard)
        in_force = site.revision()

    assert in_force == "2"


def test_an_order_goes_back_to_the_settings_before(site: Site) -> None:
    with site.at_work():
        until(lambda: site.server.ledger)
        site.desk.ask(revision(1, site.new.port))
        site.desk.ask(revision(2, site.new.port))
        back = site.desk.ask(RollbackConfig(number=2))
        once = site.revision()
        site.desk.ask(RollbackConfig(number=1))
        twice = site.revision()

    assert back.outcome is CommandOutcome.DONE
    assert (once, twice) == ("1", "0")


def test_queue_bounds_of_a_revision_hold_and_the_file_stays(site: Site) -> None:
    bounds = ApplyConfig(number=1, settings="[queue]\nmax_open_mb = 7\ncommit_s = 0.05\n")
    with site.at_work():
        until(lambda: site.server.ledger)
        epoch = read_figures(site.config.data / QUEUE_FILE).epoch
        answer = site.desk.ask(bounds)
        before = len(site.server.ledger)
        until(lambda: len(site.server.ledger) > before)

    assert answer.outcome is CommandOutcome.DONE
    assert read_figures(site.config.data / QUEUE_FILE).epoch == epoch


def test_a_revision_brings_a_profile_of_the_site_which_no_later_one_changes(site: Site) -> None:
    text = (Path(library_io.__file__).parent / "profiles" / "tuf_2000m@1.toml").read_text()
    own = text.replace('"tuf_2000m"', '"own_meter"')
    assert own != text
    order = ApplyConfig(
        number=1,
        settings=link(site.new.port, serial="HM-2").replace("tuf_2000m@1", "own_meter@1"),
        profiles=(RevisionProfile(file_name="own_meter@1.toml", text=own),),
    )
    changed = RevisionProfile(file_name="own_meter@1.toml", text=f"{own}\n# another scale\n")
    with site.at_work():
        until(lambda: site.server.ledger)
        answer = site.desk.ask(order)
        until(lambda: any(frame.profile == "own_meter@1" for frame in site.server.frames()))
        other = site.desk.ask(replace(order, number=2, profiles=(changed,)))
        same = site.desk.ask(replace(order, number=3))
    with site.at_work():
        again = site.revision()

    assert answer.outcome is CommandOutcome.DONE
    assert (other.outcome, other.code) == (CommandOutcome.REFUSED, "revision.settings")
    assert same.outcome is CommandOutcome.DONE
    assert again == "3"


def test_a_profile_that_is_here_already_is_not_replaced_by_other_content(site: Site) -> None:
    order = ApplyConfig(
        number=1,
        settings=link(site.new.port),
        profiles=(RevisionProfile(file_name="tuf_2000m@1.toml", text="rev = 1"),),
    )
    with site.at_work():
        answer = site.desk.ask(order)

    assert answer.code == "revision.settings"
    assert "is here already with other content; raise the profile's revision" in answer.text


@pytest.mark.parametrize(
    "point", [REVISION_STORED, pytest.param(REVISION_STARTED, marks=pytest.mark.nightly)]
)
def test_a_kill_in_the_middle_of_a_swap_is_survived(site: Site, point: str) -> None:
    gateway = site.process(point, 1)
    command = site.desk.signer.command(revision(1, site.new.port))
    until(lambda: site.server.ledger)
    site.desk.send(site.desk.signer.sign(command))
    killed = gateway.wait(60)
    with site.at_work():
        answer = site.desk.wait(command.command_id)
        until(lambda: "HM-2" in site.devices())
        in_force = site.revision()
    figures = read_figures(site.config.data / QUEUE_FILE)

    assert killed == -signal.SIGKILL
    assert (answer.outcome, in_force) == (CommandOutcome.DONE, "1")
    assert has_all_but_waiting(site.server, figures)


@pytest.mark.nightly
def test_a_revision_that_keeps_killing_the_gateway_is_left_at_the_third_start(site: Site) -> None:
    first = site.process(REVISION_STARTED, 1)
    command = site.desk.signer.command(revision(1, free_port()))
    until(lambda: site.server.ledger)
    site.desk.send(site.desk.signer.sign(command))
    first.wait(60)
    state = site.config.data / FOLDER / "state.json"
    second = site.process("never", 1)
    until(lambda: '"starts":2' in state.read_text())
    os.kill(second.pid, signal.SIGKILL)
    second.wait(60)
    with site.at_work():
        answer = site.desk.wait(command.command_id)
        in_force = site.revision()

    assert (answer.outcome, answer.code) == (CommandOutcome.FAILED, "revision.rolled_back")
    assert "ended 2 times while it was on trial" in answer.text
    assert in_force == "0"


def test_a_revision_of_a_key_that_is_trusted_no_longer_is_not_used(site: Site) -> None:
    with site.at_work():
        site.desk.ask(revision(1, site.new.port))
    other = Signer()
    trusted = RemoteConfig(trusted_keys=(other.public_line,))
    site.config = replace(site.config, remote=trusted)
    site.desk.signer = other
    with site.at_work():
        in_force = site.revision()

    assert in_force == "0"


def test_a_damaged_state_file_costs_the_revisions_and_not_the_numbers(site: Site) -> None:
    with site.at_work():
        site.desk.ask(revision(3, site.new.port))
    state = site.config.data / FOLDER / "state.json"
    state.write_text("{")
    start, standing = Revisions(site.config).at_start()

    assert start.number == 0
    assert standing.highest == 3
    assert state.with_name("state.json.damaged").exists()


def test_a_replaced_box_with_the_moved_folder_goes_on_where_the_old_one_ended(site: Site) -> None:
    """docs/operation.md: the data folder moves, the identity and the numbers with it."""
    with site.at_work():
        site.desk.ask(revision(1, site.new.port))
        site.server.is_acknowledging = False
        until(lambda: read_figures(site.config.data / QUEUE_FILE).open_count > 0)
    before = read_figures(site.config.data / QUEUE_FILE)
    box = site.folder / "new box"
    shutil.copytree(site.config.data, box)
    shutil.rmtree(site.config.data)
    site.server.is_acknowledging = True
    signer = site.desk.signer
    site.config = settings(site.folder / "x", site.broker_port, signer, link(site.old.port))
    site.config = replace(site.config, data=box)
    with site.at_work():
        until(lambda: max(site.server.seqs()) > before.last_seq)
        in_force = site.revision()
    after = read_figures(box / QUEUE_FILE)

    assert after.epoch == before.epoch
    assert in_force == "1"
    assert site.server.conflicts == []
    delivered = site.server.seqs()
    assert delivered == list(range(1, len(delivered) + 1))
    assert len(delivered) + after.open_count >= after.last_seq
