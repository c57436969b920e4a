"""Pedals and nosepieces by what the command line says; a turn of the nosepiece in the whole instrument."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from armicro.app.case_run import CaseOptions
from armicro.app.cli import main
from armicro.app.detectors import DetectorChoice
from armicro.app.instrument import InstrumentOptions, make_camera, make_instrument
from armicro.app.pedals import Turret, make_pedal, make_turret
from armicro.app.profiles import load_nosepiece_profile, load_pedal_profile, profile_names
from armicro.assays.her2_ihc import Reading
from armicro.contracts.errors import ArmicroError, InputError, ProfileError
from armicro.contracts.frame import Optics
from armicro.devices.pedal_protocols import ByteProtocol, Contact, LineProtocol
from armicro.devices.serial_nosepiece import SerialNosepiece
from armicro.devices.serial_port import PortSettings
from armicro.inference.choose import EngineName
from armicro.scoring.guidelines import DEFAULT_GUIDELINE
from armicro.sim.case import CaseParams
from armicro.sim.params import parse_mix
from armicro.sim.recording import Pace, simulate_recording, write_recording
from tests.serial_rig import PtyPlug, until

CASE = CaseOptions(
    "case",
    DEFAULT_GUIDELINE,
    "default-hdab",
    Reading.PER_CELL,
    0,
    DetectorChoice("classical", EngineName.AUTO),
)
PEDAL = """
schema = "armicro.pedal-profile/1"
name = "mine"
version = "3"
source = "a test"
[port]
baud = 19200
parity = "E"
[lines]
press = "down"
release = "up"
[times]
debounce_ms = 10
long_ms = 900
double_ms = 0
"""
NOSEPIECE = """
schema = "armicro.nosepiece-profile/1"
name = "mine"
version = "3"
source = "a test"
[tells]
at = "P([0-9])"
[ask]
lines = ["P", "?"]
end = "cr"
[objectives]
1 = "paper-20x"
2 = "mine-40x.toml"
"""
OPTICS = """
schema = "armicro.optics-profile/1"
name = "mine-40x"
version = "1"
source = "a test"
objective = "40x"
um_per_px = 0.21
"""


def written(folder: Path, name: str, text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_every_shipped_profile_loads_and_is_named_like_its_file() -> None:
    pedals = {name: load_pedal_profile(name) for name in profile_names("pedals")}
    assert {name: p.name for name, p in pedals.items()} == {name: name for name in pedals}
    assert pedals["line"].speech == LineProtocol()
    assert pedals["line"].port == PortSettings(9600, 8, "N", 1)
    assert pedals["byte"].speech == ByteProtocol(ord("D"), release=ord("U"))
    assert pedals["contact-cts"].speech == Contact()
    assert profile_names("nosepieces") == ("olympus-bx",)
    olympus = load_nosepiece_profile("olympus-bx")
    assert (olympus.name, olympus.port) == ("olympus-bx", PortSettings(19200, 8, "E", 2))


def test_a_pedal_profile_of_ones_own(tmp_path: Path) -> None:
    profile = load_pedal_profile(written(tmp_path, "p.toml", PEDAL))
    assert (profile.name, profile.version, profile.kind) == ("mine", "3", "line")
    assert profile.speech == LineProtocol("down", release="up")
    assert profile.port == PortSettings(19200, 8, "E", 1)
    assert (profile.times.debounce_ms, profile.times.long_ms, profile.times.double_ms) == (10, 900, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '[lines]\npress = "down"\nrelease = "up"\n',
            "",
            "give exactly one of [lines], [bytes] and [contact]",
        ),
        ("[lines]", '[contact]\nline = "cts"\n[lines]', "give exactly one of"),
        ('press = "down"', 'press = "(down"', "pattern of press"),
        ('release = "up"', 'release = "up"\nlong = "long"', "tells its release has no lines for long"),
        ('release = "up"', 'relaese = "up"', "lines.relaese: unknown key"),
        ('parity = "E"', 'parity = "even"', "port.parity"),
        ("baud = 19200", "baud = 0", "port.baud"),
        ("debounce_ms = 10", "debounce_ms = 1000", "a press is long after 900"),
        ("pedal-profile/1", "pedal-profile/2", "schema"),
    ],
)
def test_faulty_pedal_profiles_are_refused_with_file_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = written(tmp_path, "p.toml", PEDAL, (old, new))
    with pytest.raises(ProfileError) as caught:
        load_pedal_profile(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"P([0-9])"', '"P."', "has no (group)"),
        ('1 = "paper-20x"', '0 = "paper-20x"', "objectives"),
        ('end = "cr"', 'end = "\\r"', "ask.end"),
        ('["P", "?"]', '["\\u00b5"]', "ask.lines.0"),
    ],
)
def test_faulty_nosepiece_profiles_are_refused_with_file_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = written(tmp_path, "n.toml", NOSEPIECE, (old, new))
    with pytest.raises(ProfileError) as caught:
        load_nosepiece_profile(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("address", "profile", "identity"),
    [
        ("keyboard", None, "keyboard"),
        ("COM3", None, "COM3 (line)"),
        ("COM3", "byte", "COM3 (byte)"),
        ("COM3", "contact-cts", "COM3 (contact on CTS)"),
        ("socket://host:7000", None, "socket://host:7000 (line)"),
        ("contact:/dev/ttyS0", None, "/dev/ttyS0 (contact on CTS)"),
        ("Contact:COM3:DSR", None, "COM3 (contact on DSR)"),
        ("contact:rfc2217://host:7000:dcd-low", "contact-cts", "rfc2217://host:7000 (contact on DCD)"),
    ],
)
def test_pedals_by_their_address(address: str, profile: str | None, identity: str) -> None:
    pedal = make_pedal(address, profile)
    assert pedal is not None
    assert pedal.identity == identity


def test_no_pedal_and_no_nosepiece() -> None:
    assert make_pedal(None) is None
    assert make_turret(None) == Turret()


def test_objectives_come_from_the_profile_and_from_the_user(tmp_path: Path) -> None:
    written(tmp_path, "mine-40x.toml", OPTICS)
    path = written(tmp_path, "n.toml", NOSEPIECE)
    assert load_nosepiece_profile(path).ask == (b"P\r", b"?\r")
    turret = make_turret(f"COM4,{path}", ["3=paper-20x"])
    assert isinstance(turret.nosepiece, SerialNosepiece)
    assert turret.objectives == {"20x": Optics(0.424, "20x"), "40x": Optics(0.21, "40x")}
    assert turret.positions == {1: "20x", 2: "40x", 3: "20x"}
    assert make_turret(f"COM4,{path}", ["2=paper-40x"]).objectives["40x"] == Optics(0.212, "40x")
    with pytest.raises(InputError, match="two positions of the nosepiece have an objective '40x'"):
        make_turret(f"COM4,{path}", ["4=paper-40x"])


def test_a_webcam_beside_a_nosepiece_needs_no_scale_of_its_own() -> None:
    options = InstrumentOptions("webcam:0", CASE, um_per_px=0.3, nosepiece="COM4")
    assert make_camera(options)._optics is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pedal", "contact:"], "there is no pedal 'contact:'"),
        (["--pedal", "keyboard", "--pedal-profile", "line"], "name the port with --pedal"),
        (["--pedal-profile", "line"], "name the port with --pedal"),
        (["--pedal", "contact:COM3", "--pedal-profile", "byte"], "is not for a contact"),
        (["--pedal", "COM3", "--pedal-profile", "nobody"], "no pedal profile named 'nobody'"),
        (["--nosepiece", "COM4,nobody"], "no nosepiece profile named 'nobody'"),
        (["--nosepiece", ",olympus-bx"], "takes ADDRESS or ADDRESS,PROFILE"),
        (["--nosepiece", "COM4", "--position", "40x"], "takes POSITION=OPTICS"),
        (["--nosepiece", "COM4", "--position", "0=paper-40x"], "takes POSITION=OPTICS"),
        (["--position", "1=paper-40x"], "name its port with --nosepiece"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--headless", "--detector", "classical", "--camera", "sim", *arguments]) == 3
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[PtyPlug]:
    made = PtyPlug(tmp_path)
    made.plug_in()
    yield made
    made.pull_out()


@pytest.mark.slow
def test_between_two_positions_nothing_is_shown(plug: PtyPlug, tmp_path: Path) -> None:
    params = CaseParams(mix=parse_mix("2+"), um_per_px=0.424, shape_px=(320, 320), fields=1)
    pace = Pace(fps=10, rest_frames=12, move_frames=2)
    slide = write_recording(tmp_path / "slide", simulate_recording(params, 5, pace), 0.424, pace).path
    options = InstrumentOptions(
        f"replay:{slide}", CASE, nosepiece=plug.address, positions=("2=paper-20x", "3=paper-40x")
    )
    instrument = make_instrument(options, lambda _: None)
    session = instrument.session
    try:
        assert session.snapshot().objective is None
        instrument.start()
        until(lambda: plug.received().endswith(b"1OB?\r\n"))
        until(lambda: session.snapshot().camera is not None)
        time.sleep(0.5)
        assert session.live() is None
        plug.send(b"1OB 2\r\n")
        until(lambda: session.snapshot().objective == "20x")
        until(lambda: session.live() is not None, 60)
        plug.send(b"1OBM X\r\n")
        until(lambda: session.snapshot().objective is None)
        for _ in range(10):
            time.sleep(0.1)
            assert session.live() is None
        plug.send(b"1OBM 3\r\n")
        until(lambda: session.snapshot().objective == "40x")
        until(lambda: session.live() is not None, 60)
        plug.send(b"1OBM 5\r\n")
        until(lambda: session.snapshot().faults)
        assert session.snapshot().faults[0].words.startswith("Position 5 of the nosepiece has no objective")
        assert session.live() is None
        plug.pull_out()
        until(lambda: any(f.words.endswith("Plug it in again.") for f in session.snapshot().faults))
    finally:
        instrument.close()


def test_an_objective_whose_profile_is_missing_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "n.toml", NOSEPIECE)
    with pytest.raises(ArmicroError, match="mine-40x"):
        make_turret(f"COM4,{path}")
