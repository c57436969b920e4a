"""`armicro calibrate`: each measurement from simulated files to the stored result and back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from armicro.app.calibration_files import (
    ControlFile,
    EyepieceFile,
    FlatFile,
    ScaleFile,
    StainFile,
    ThresholdsFile,
)
from armicro.app.calibration_store import newest, read_as
from armicro.app.commands.calibrate.eyepiece import COLUMNS
from armicro.app.profiles import load_optics, load_stain_profile
from armicro.contracts.arrays import F64
from armicro.devices.image_files import read_image, write_png
from armicro.devices.loaded_image import LoadedImage
from armicro.imaging.homography import apply_homography
from armicro.imaging.stain_vectors import angle_deg
from armicro.sim.case import CaseParams, case_looks, simulate_field
from armicro.sim.params import OpticsParams, parse_mix

Run = Callable[..., tuple[int, str, str]]
DAY = ("--date", "2026-11-25", "--operator", "A. Reader", "--instrument", "SN 7")


def light(side: float = 0.0) -> F64:
    y, x = np.mgrid[-1:1:240j, -1:1:320j]
    out: F64 = 1 - 0.12 * (y**2 + x**2) + side * x
    return out


def glass(path: Path, seed: int, level: float = 1.0, side: float = 0.0) -> Path:
    mean = light(side)[..., None] * np.array([236.0, 231.0, 226.0]) * level
    noise = np.random.default_rng(seed).normal(0, 2, mean.shape)
    write_png(path, np.clip(np.rint(mean + noise), 0, 255).astype(np.uint8))
    return path


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for seed in range(6):
        glass(folder / f"{seed}.png", seed)
    return folder


def test_flat_then_check_then_list(run: Run, frames: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept"
    code, text, err = run("calibrate", "flat", "--frames", frames, "--objective", "40x", *DAY, "--out", out)
    assert (code, err) == (0, "")
    kept = newest(out, FlatFile, "40x")
    assert kept.white_rgb == pytest.approx((236, 231, 226), abs=0.8)
    assert (kept.operator, kept.instrument, kept.date, kept.expires) == (
        "A. Reader", "SN 7", "2026-11-25", "2026-12-25",
    )  # fmt: skip
    assert kept.uneven_after < 0.01 < kept.uneven_before
    assert kept.identity in text
    check = ("calibrate", "check", "--objective", "40x", "--out", out)
    good = glass(tmp_path / "good.png", 50)
    code, text, err = run(*check, "--frame", good, "--date", "2026-11-26")
    assert (code, err, text.splitlines()[-1]) == (0, "", "ok")
    code, text, _ = run(*check, "--frame", good, "--date", "2027-01-01")
    assert (code, text.splitlines()[-1].partition(":")[0]) == (0, "warn")
    code, text, _ = run(*check, "--frame", glass(tmp_path / "dim.png", 1, 0.97), "--date", "2026-11-26")
    assert (code, text.splitlines()[-1].partition(":")[0]) == (0, "warn")
    code, _, err = run(*check, "--frame", glass(tmp_path / "dark.png", 1, 0.9), "--date", "2026-11-26")
    assert code == 3
    assert "refuse: the white point changed" in err
    code, text, _ = run("calibrate", "list", "--out", out, "--date", "2026-12-20")
    assert "expires in 5 days" in text
    assert "expired" in run("calibrate", "list", "--out", out, "--date", "2027-01-01")[1]
    run("calibrate", "flat", "--frames", frames, "--objective", "40x", *DAY, "--out", out)
    _, text, _ = run("calibrate", "list", "--out", out, "--date", "2026-11-25")
    assert text.count("replaced") == 1
    assert text.count("in use") == 1


def test_the_file_of_the_instrument_is_not_taken_for_its_serial_number(
    run: Run, frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "kept"
    flat = ("calibrate", "flat", "--frames", frames, "--objective", "40x", "--out", out, "--date")
    monkeypatch.setenv("ARMICRO_INSTRUMENT", str(tmp_path / "instrument.toml"))
    run(*flat, "2026-11-25")
    assert newest(out, FlatFile, "40x").instrument == "unnamed"
    monkeypatch.setenv("ARMICRO_SERIAL", "SN 9")
    run(*flat, "2026-11-26")
    assert newest(out, FlatFile, "40x").instrument == "SN 9"


def test_flat_refuses_and_leaves_nothing(run: Run, frames: Path, fields: list[Path], tmp_path: Path) -> None:
    tissue = tmp_path / "tissue"
    tissue.mkdir()
    for i in range(4):
        (tissue / f"{i}.png").write_bytes(fields[0].read_bytes())
    code, _, err = run(
        "calibrate", "flat", "--frames", tissue, "--objective", "40x", "--out", tmp_path / "kept"
    )
    assert code == 3
    assert "empty glass" in err
    assert not (tmp_path / "kept").exists()
    code, _, err = run(
        "calibrate", "check", "--frame", frames / "0.png", "--objective", "40x", "--out", tmp_path / "kept"
    )
    assert code == 3
    assert "armicro calibrate flat" in err


def test_an_empty_folder_lists_nothing_and_a_broken_file_is_named(run: Run, tmp_path: Path) -> None:
    assert "no calibrations" in run("calibrate", "list", "--out", tmp_path / "none")[1]
    (tmp_path / "bad.toml").write_text("kind = 3", encoding="utf-8")
    code, _, err = run("calibrate", "list", "--out", tmp_path)
    assert code == 0
    assert "bad.toml" in err


def rulings(path: Path, period_px: float, *, across: bool = False) -> Path:
    at = np.arange(600)
    profile = 230 - 120 * np.exp(-0.5 * ((((at + 7) % period_px) - period_px / 2) / 2.5) ** 2)
    grey = np.repeat(profile[None], 500, axis=0)
    turn = cv2.getRotationMatrix2D((300, 250), 2.0, 1.0)
    grey = cv2.warpAffine(grey, turn, (600, 500), borderMode=cv2.BORDER_REPLICATE)[50:450, 100:500]
    rgb = np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)
    write_png(path, np.ascontiguousarray(rgb.transpose(1, 0, 2) if across else rgb))
    return path


def test_scale_gives_a_calibration_and_an_optics_profile(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "kept"
    pictures = [rulings(tmp_path / "a.png", 40.0), rulings(tmp_path / "b.png", 40.0, across=True)]
    code, text, err = run(
        "calibrate", "scale", "--image", pictures[0], "--image", pictures[1], "--division-um", "10",
        "--objective", "40x", *DAY, "--out", out,
    )  # fmt: skip
    assert (code, err) == (0, "")
    kept = newest(out, ScaleFile, "40x")
    assert kept.um_per_px == pytest.approx(0.25, rel=0.005)
    assert kept.standard_error_um_per_px is not None
    assert kept.standard_error_um_per_px < 0.0005
    assert "standard error" in text
    optics = load_optics(str(out / "optics-40x-2026-11-25.toml"))
    assert (optics.um_per_px, optics.objective) == (kept.um_per_px, "40x")
    assert "optics" not in run("calibrate", "list", "--out", out)[1]


def test_pictures_of_two_scales_are_refused(run: Run, tmp_path: Path) -> None:
    pictures = [rulings(tmp_path / "a.png", 40.0), rulings(tmp_path / "b.png", 41.0)]
    code, _, err = run(
        "calibrate", "scale", "--image", pictures[0], "--image", pictures[1], "--division-um", "10",
        "--objective", "40x", "--out", tmp_path,
    )  # fmt: skip
    assert code == 3
    assert "must agree" in err


def test_scale_by_hand(run: Run, tmp_path: Path) -> None:
    by_hand = ("calibrate", "scale", "--objective", "20x", "--out", tmp_path, *DAY, "--known-length", "500")
    code, text, _ = run(*by_hand, "--from", "100,100", "--to", "700,900")
    assert code == 0
    assert newest(tmp_path, ScaleFile, "20x").um_per_px == pytest.approx(0.5)
    assert "by hand" in text
    assert run(*by_hand)[0] == 3
    assert run(*by_hand, "--from", "1,1", "--to", "2,2")[0] == 3
    assert run(*by_hand, "--from", "1,x", "--to", "2,2")[0] == 3
    assert run("calibrate", "scale", "--objective", "20x", "--out", tmp_path)[0] == 3


@pytest.fixture(scope="module")
def stained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CaseParams]:
    params = CaseParams(
        mix=parse_mix("3+"),
        um_per_px=0.424,
        shape_px=(480, 480),
        fields=1,
        optics=OpticsParams(stain_jitter_deg=5),
    )
    path = tmp_path_factory.mktemp("stained") / "field.png"
    write_png(path, simulate_field(params, 31, 0).rgb)
    return path, params


def test_stain_writes_a_profile_that_loads(
    run: Run, stained: tuple[Path, CaseParams], tmp_path: Path
) -> None:
    path, params = stained
    lens = case_looks(params, 31)[1]
    white = ",".join(f"{v:.2f}" for v in lens.white_rgb)
    code, text, err = run(
        "calibrate", "stain", "--images", path, "--um-per-px", "0.424", "--white", white, "--name", "our lab",
        *DAY, "--out", tmp_path,
    )  # fmt: skip
    assert (code, err) == (0, "")
    made = load_stain_profile(str(tmp_path / "profile-our-lab.toml"))
    assert angle_deg(made.haematoxylin_rgb_od, lens.haematoxylin_rgb_od) < 3
    assert angle_deg(made.dab_rgb_od, lens.dab_rgb_od) < 3
    assert made.white_rgb == pytest.approx(lens.white_rgb, abs=0.01)
    assert made.thresholds == load_stain_profile().thresholds
    kept = newest(tmp_path, StainFile, "any")
    assert kept.profile == "profile-our-lab.toml"
    assert "turned" in text
    code, _, err = run(
        "calibrate", "stain", "--images", path, "--um-per-px", "0.424", "--name", "our lab", "--out", tmp_path
    )
    assert code == 3
    assert "there already" in err


def test_picked_pixels(run: Run, tmp_path: Path) -> None:
    pick = ("calibrate", "stain", "--out", tmp_path, *DAY, "--pick", "haematoxylin=120,110,190")
    code, _, err = run(*pick, "--pick", "dab=150,100,60")
    assert code == 3
    assert "--white" in err
    assert run(*pick, "--white", "240,240,240")[0] == 3
    assert run(*pick, "--pick", "dab=150,100", "--white", "240,240,240")[0] == 3
    assert run(*pick, "--pick", "dab=150,100,60", "--white", "240,240,240")[0] == 0
    made = load_stain_profile(str(tmp_path / "profile-stain-2026-11-25.toml"))
    want = np.log10(240 / np.array([150, 100, 60]))
    assert angle_deg(made.dab_rgb_od, (want[0], want[1], want[2])) < 0.01


def test_a_control_carries_thresholds(run: Run, stained: tuple[Path, CaseParams], tmp_path: Path) -> None:
    path, _ = stained
    control = ("calibrate", "control", "--positive", path, "--um-per-px", "0.424", "--out", tmp_path)
    code, _, err = run(*control, *DAY)
    assert (code, err) == (0, "")
    first = read_as(tmp_path / "control-2026-11-25.toml", ControlFile)
    assert (first.factor, first.reference, first.profile) == (1.0, "itself", None)
    # A reference with 0.8 times the DAB: this run's thresholds must be 1.25 times as high.
    text = (tmp_path / "control-2026-11-25.toml").read_text(encoding="utf-8")
    weaker = tmp_path / "weaker.txt"
    weaker.write_text(text.replace(repr(first.positive_od), repr(first.positive_od * 0.8)), encoding="utf-8")
    code, _, err = run(*control, "--date", "2026-12-01", "--reference", weaker)
    assert (code, err) == (0, "")
    later = newest(tmp_path, ControlFile, "any")
    assert later.factor == pytest.approx(1.25)
    assert later.profile is not None
    made, base = load_stain_profile(str(tmp_path / later.profile)), load_stain_profile()
    assert made.thresholds.intense_od == pytest.approx(1.25 * base.thresholds.intense_od, abs=1e-4)


TRUTH = np.array([[0.62, 0.03, 80.0], [-0.025, 0.63, 40.0], [1e-6, -2e-6, 1.0]])


def pairs_file(path: Path, noise_px: float, *, outlier: bool, count: int = 9) -> F64:
    rng = np.random.default_rng(4)
    y, x = (v.ravel() for v in np.meshgrid([200, 1000, 1800], [200, 1200, 2200], indexing="ij"))
    camera = np.stack([y, x], axis=1)[:count].astype(np.float64)
    display = apply_homography(TRUTH, camera) + rng.normal(0, noise_px, camera.shape)
    if outlier:
        display[4] += (60, -45)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows(np.hstack([camera, display]).tolist())
    return camera


def eyepiece(path: Path, out: Path) -> tuple[object, ...]:
    return (
        "calibrate", "eyepiece", "--pairs", path, "--camera", "2048,2448", "--display", "1400,1680",
        "--um-per-px", "0.25", *DAY, "--out", out,
    )  # fmt: skip


def test_eyepiece_with_noise_and_one_outlier(run: Run, tmp_path: Path) -> None:
    camera = pairs_file(tmp_path / "pairs.csv", 0.7, outlier=True)
    code, text, err = run(*eyepiece(tmp_path / "pairs.csv", tmp_path / "kept"))
    assert code == 0
    assert "pair 5 contradicts" in err
    kept = newest(tmp_path / "kept", EyepieceFile, "40x")
    assert (kept.pairs, kept.outliers) == (9, 1)
    off = apply_homography(np.array(kept.matrix), camera) - apply_homography(TRUTH, camera)
    assert float(np.linalg.norm(off, axis=1).max()) <= 2
    assert kept.residual_um is not None
    assert kept.residual_um < 1
    calibration = kept.calibration()
    assert calibration.identity == kept.identity
    assert calibration.serves("40x")
    assert "µm RMS" in text


def test_eyepiece_refuses_what_is_too_far_off(run: Run, tmp_path: Path) -> None:
    pairs_file(tmp_path / "pairs.csv", 1.5, outlier=False)
    code, _, err = run(*eyepiece(tmp_path / "pairs.csv", tmp_path), "--limit-um", "0.1")
    assert code == 3
    assert "allowed are" in err
    pairs_file(tmp_path / "few.csv", 0, outlier=False, count=3)
    code, _, err = run(*eyepiece(tmp_path / "few.csv", tmp_path))
    assert code == 3
    assert "too few" in err
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "expected the columns" in run(*eyepiece(tmp_path / "odd.csv", tmp_path))[2]


@pytest.mark.parametrize(
    "name", ["flat", "scale", "stain", "control", "thresholds", "eyepiece", "check", "list"]
)
def test_every_calibration_has_help(run: Run, name: str) -> None:
    code, out, err = run("calibrate", name, "--help")
    assert (code, err) == (0, "")
    assert "Exit codes" in out


def points_folder(folder: Path) -> None:
    """Two simulated images with all their cells marked by the truth."""
    letters = ("no", "fa", "wi", "wc", "ii", "ic")
    index = ["file\timage\ty0\tx0\tsize\tum_per_px"]
    for seed, mix in ((1, "3+"), (2, "2+"), (3, "1+")):
        params = CaseParams(mix=parse_mix(mix), um_per_px=0.424, shape_px=(400, 400), fields=1)
        field = simulate_field(params, seed, 0)
        write_png(folder / f"{seed}.png", field.rgb)
        rows = [
            f"{y:.1f},{x:.1f},T,{letters[c]}"
            for (y, x), c in zip(field.truth.yx_px, field.truth.category, strict=True)
        ]
        (folder / f"{seed}.csv").write_text("y_px,x_px,kind,category\n" + "\n".join(rows), encoding="utf-8")
        index.append(f"{seed}.csv\t{seed}.png\t0\t0\t400\t0.424")
    (folder / "index.tsv").write_text("\n".join(index), encoding="utf-8")


def test_thresholds_from_labelled_fields(run: Run, tmp_path: Path) -> None:
    points_folder(tmp_path)
    fit = ("calibrate", "thresholds", "--points", tmp_path, "--images", tmp_path, *DAY)
    code, text, _ = run(*fit, "--out", tmp_path / "kept")
    assert code == 0
    kept = newest(tmp_path / "kept", ThresholdsFile, "any")
    # The simulator's levels are well apart, so that thresholds between them agree with its truth.
    assert kept.kappa_held_out > 0.8
    assert kept.kappa_held_out <= kept.kappa_fitted
    assert kept.images == 3
    made = load_stain_profile(str(tmp_path / "kept" / kept.profile))
    assert f"weak {made.thresholds.weak_od:g}" in text
    assert (tmp_path / "kept" / kept.profile.replace(".toml", ".svg")).read_text("utf-8").startswith("<svg")


def test_an_image_is_decoded_once_however_many_crops_it_has(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points_folder(tmp_path)
    index = tmp_path / "index.tsv"
    head, *rows = index.read_text(encoding="utf-8").splitlines()
    # Two crops of each image, and those of one image not one after the other.
    index.write_text("\n".join([head, *rows, *reversed(rows)]), encoding="utf-8")
    decoded = []

    def counted(path: Path, um_per_px: float | None = None) -> LoadedImage:
        decoded.append(path.name)
        return read_image(path, um_per_px)

    monkeypatch.setattr("armicro.app.labelled_fields.read_image", counted)
    fit = ("calibrate", "thresholds", "--points", tmp_path, "--images", tmp_path, *DAY)
    assert run(*fit, "--out", tmp_path / "kept")[0] == 0
    assert decoded == ["1.png", "2.png", "3.png"]
    assert newest(tmp_path / "kept", ThresholdsFile, "any").images == 3


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("index.tsv", "um_per_px", "scale", "expected the columns"),
        ("index.tsv", "\t0\t0\t400", "\t0\tx\t400", "must be numbers"),
        ("index.tsv", "\t0\t0\t400", "\t900\t0\t400", "outside"),
        ("1.csv", "kind", "sort", "expected the columns"),
        ("1.csv", ".", "000.", "outside"),
    ],
)
def test_faulty_points_are_told(
    run: Run, tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    points_folder(tmp_path)
    path = tmp_path / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    code, _, err = run(
        "calibrate", "thresholds", "--points", tmp_path, "--images", tmp_path, "--out", tmp_path / "kept"
    )
    assert code == 3
    assert message in err
    assert name in err
    assert not (tmp_path / "kept").exists()
