"""Fits, vectors and images: made ones with known answers, and measured ones."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import curve_fit

from oaflib.compute.base import Computation
from oaflib.compute.fit import GaussianProfile, StraightLine
from oaflib.compute.gaussian import fit_gaussians
from oaflib.compute.images import BadPixels, ImageReduced
from oaflib.compute.vectors import BadElements, ElementsReduced, ProfileDistance, VectorReduced
from oaflib.errors import ComputationError
from oaflib.records import records_of
from oaflib.series import Kind, Series, stack
from oaflib.window import calendar_day

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
SECOND = 10**9
DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")
T0 = DAY.start_ns
NAN = float("nan")


def vectors(rows: list[object], name: str = "W:PROF", unit: str = "", at: int = 0) -> Series:
    parts = [np.asarray(row, dtype=np.float64) for row in rows]
    time = T0 + (at + np.arange(len(parts), dtype=np.int64)) * SECOND
    return Series(name, Kind.VECTORNUMERIC, unit, time, stack(parts, 1))  # type: ignore[arg-type]


def images(frames: list[np.ndarray]) -> Series:
    time = T0 + np.arange(len(frames), dtype=np.int64) * SECOND
    return Series("C:IMAGE", Kind.MATRIXNUMERIC, "", time, stack(frames, 2))


def made(computation: Computation, *series: Series) -> dict[str, np.ndarray]:
    found = computation.compute(records_of(list(series), DAY))
    return {one.name.removeprefix("n."): one.value for one in found}


def bell(x: np.ndarray, c: float, s: float, a: float, o: float) -> np.ndarray:
    return np.asarray(o + a * np.exp(-((x - c) ** 2) / (2 * s**2)))


X = np.linspace(-20.0, 20.0, 81)


# Gaussian


@pytest.mark.parametrize(
    ("center", "sigma", "amplitude", "offset"),
    [
        (0, 3, 1, 0),
        (7, 1, 5e6, 1e6),
        (-12, 0.8, 2e-9, -1e-9),
        (3, 4, -2, 10),
        (0, 9, 1, 0.5),
        (18, 3, 1, 0),
    ],
)
def test_a_gaussian_is_found_exactly(
    center: float, sigma: float, amplitude: float, offset: float
) -> None:
    profile = bell(X, center, sigma, amplitude, offset)
    fit = fit_gaussians(X[np.newaxis], profile[np.newaxis])
    assert fit.center[0] == pytest.approx(center, abs=1e-4)
    assert fit.sigma[0] == pytest.approx(sigma, rel=1e-4)
    assert fit.amplitude[0] == pytest.approx(amplitude, rel=1e-4)
    assert fit.offset[0] == pytest.approx(offset, rel=1e-3, abs=1e-3 * abs(amplitude))
    assert fit.quality[0] == pytest.approx(1)


def test_the_same_as_one_fit_at_a_time() -> None:
    generator = np.random.default_rng(11)
    profiles = np.stack(
        [
            bell(X, generator.uniform(-10, 10), generator.uniform(1, 5), 3, 1)
            + generator.normal(0, 0.1, len(X))
            for _ in range(60)
        ]
    )
    profiles[3, 10:14] = NAN
    fits = fit_gaussians(np.broadcast_to(X, profiles.shape), profiles)
    for i, profile in enumerate(profiles):
        known = np.isfinite(profile)
        start = [X[np.nanargmax(profile)], 2.0, 3.0, 1.0]
        best, _ = curve_fit(bell, X[known], profile[known], start)
        assert fits.center[i] == pytest.approx(best[0], abs=1e-4)
        assert fits.sigma[i] == pytest.approx(abs(best[1]), rel=1e-4)
        assert fits.quality[i] > 0.95


def test_what_is_no_peak_has_quality_zero_or_low() -> None:
    generator = np.random.default_rng(5)
    rows = np.stack([np.zeros(81), np.full(81, 3.0), np.full(81, NAN), generator.normal(size=81),
                     np.arange(81.0), np.where(np.arange(81) == 40, 1.0, 0.0)])  # fmt: skip
    fits = fit_gaussians(np.broadcast_to(X, rows.shape), rows)
    assert fits.quality[:3].tolist() == [0, 0, 0]
    assert np.isnan(fits.sigma[:3]).all()
    assert fits.quality[3] < 0.5
    assert ((fits.quality > 0) == np.isfinite(fits.sigma)).all()


@settings(deadline=None, max_examples=60)
@given(
    arrays(
        np.float64, st.tuples(st.integers(0, 3), st.integers(0, 12)), elements=st.floats(width=64)
    )
)
def test_any_numbers_at_all_give_numbers_or_nothing(profiles: np.ndarray) -> None:
    x = np.broadcast_to(np.arange(float(profiles.shape[1])), profiles.shape)
    with np.errstate(all="ignore"):
        fits = fit_gaussians(x, profiles)
    assert ((fits.quality >= 0) & (fits.quality <= 1)).all()
    assert (np.isfinite(fits.center) == (fits.quality > 0)).all()


def test_profiles_with_their_positions() -> None:
    here, there = X[::2], X + 5
    data = vectors([bell(here, 1, 2, 3, 0), bell(there, 1, 2, 3, 0), [1.0, 2.0]], unit="V")
    positions = vectors([here, there, here], "W:POS", "mm")
    one = GaussianProfile(name="n", variable="W:PROF", positions="W:POS")
    found = {s.name: s for s in one.compute(records_of([data, positions], DAY))}
    np.testing.assert_allclose(found["n.center"].value[:2], 1, atol=1e-4)
    assert np.isnan(found["n.center"].value[2])
    assert found["n.quality"].value[2] == 0
    assert (found["n.sigma"].unit, found["n.amplitude"].unit) == ("mm", "V")
    late = vectors([here], "W:POS", at=1)
    assert made(one, data, late)["quality"].tolist() == [0, 0, 0]
    pitched = GaussianProfile(
        name="n", variable="W:PROF", pitch=0.5, origin=-20, position_unit="mm"
    )
    assert made(pitched, vectors([bell(X, 1, 2, 3, 0)]))["center"][0] == pytest.approx(1, abs=1e-4)


def test_many_profiles_are_quick() -> None:
    import time

    profiles = np.stack([bell(X, i % 10 - 5, 2, 3, 1) for i in range(5000)])
    profiles += np.random.default_rng(0).normal(0, 0.05, profiles.shape)
    begun = time.process_time()
    fits = fit_gaussians(np.broadcast_to(X, profiles.shape), profiles)
    assert time.process_time() - begun < 10
    assert (fits.quality > 0.9).all()


# Lines


def test_a_straight_line_over_time_and_over_positions() -> None:
    hours = np.arange(24)
    trend = Series("A:X", Kind.NUMERIC, "V", T0 + hours * 3600 * SECOND, 5 + 0.5 * hours)
    one = StraightLine(name="n", variable="A:X", per=timedelta(hours=1))
    found = {s.name: s for s in one.compute(records_of([trend], DAY))}
    assert found["n.slope"].value == pytest.approx([0.5])
    assert found["n.intercept"].value == pytest.approx([5])
    assert found["n.quality"].value == pytest.approx([1])
    assert found["n.slope"].unit == "V/h"
    per_day = StraightLine(name="n", variable="A:X")
    assert made(per_day, trend)["slope"] == pytest.approx([12])
    of_vectors = StraightLine(name="n", variable="W:PROF", pitch=2)
    rows = made(of_vectors, vectors([[1, 2, 3], [5, NAN, 5], [NAN, 1, NAN], []]))
    assert rows["slope"][:2] == pytest.approx([0.5, 0])
    assert rows["quality"].tolist() == [1, 1, 0, 0]


# Vectors


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("mean", [2, 4]),
        ("median", [2, 4]),
        ("std", [1, 0]),
        ("rms", [np.sqrt(5), 4]),
        ("min", [1, 4]),
        ("max", [3, 4]),
        ("sum", [4, 4]),
        ("argmin", [0, 0]),
        ("argmax", [2, 0]),
        ("length", [3, 1, 0, 2]),
        ("known", [2, 1, 0, 0]),
    ],
)
def test_one_number_of_each_vector(statistic: str, expected: list[float]) -> None:
    one = VectorReduced(name="n", variable="W:PROF", statistic=statistic)  # type: ignore[arg-type]
    found = made(one, vectors([[1, NAN, 3], [4], [], [NAN, np.inf]]))["n"]
    np.testing.assert_allclose(found[: len(expected)], expected)
    assert np.isnan(found[len(expected) :]).all()


def test_elements_over_the_window() -> None:
    rows = vectors([[1, 2], [3, NAN], [9], [5, 6]])
    assert made(ElementsReduced(name="n", variable="W:PROF"), rows)["n"].tolist() == [[3, 4]]
    count = ElementsReduced(name="n", variable="W:PROF", statistic="count")
    assert made(count, rows)["n"].tolist() == [[3, 2]]


def test_dead_and_noisy_elements() -> None:
    rows = np.random.default_rng(2).normal(size=(50, 30))
    rows[:, 3] = 7.1
    rows[:, 4] = NAN
    rows[:, 5] *= 100
    found = made(BadElements(name="n", variable="W:PROF"), vectors(list(rows)))
    assert (found["dead"].tolist(), found["noisy"].tolist()) == ([2], [1])
    assert np.flatnonzero(found["flags"][0]).tolist() == [3, 4, 5]
    assert np.isnan(made(BadElements(name="n", variable="W:PROF"), vectors([[1, 2]]))["dead"]).all()


def test_distance_to_a_reference_profile() -> None:
    rows = vectors([[1, 2, 3], [2, 4, 6], [1, 2], [NAN, NAN, NAN]], unit="V")
    reference = vectors([[1, 2, 3]], "W:REF", "V")
    for measure, expected in {
        "rms": [0, np.sqrt(14 / 3)],
        "max": [0, 3],
        "relative": [0, 1],
        "correlation": [1, 1],
    }.items():
        one = ProfileDistance(name="n", variable="W:PROF", reference="W:REF", measure=measure)  # type: ignore[arg-type]
        found = made(one, rows, reference)["n"]
        np.testing.assert_allclose(found[:2], expected, atol=1e-12)
        assert np.isnan(found[2:]).all()
    own = ProfileDistance(name="n", variable="W:PROF", baseline="first", measure="max")
    assert made(own, rows)["n"][:2].tolist() == [0, 3]
    with pytest.raises(ComputationError, match="is in V, W:REF in mm"):
        made(one, rows, vectors([[1, 2, 3]], "W:REF", "mm"))


# Images


def spot(shape: tuple[int, int], x: float, y: float, wide: float, tall: float) -> np.ndarray:
    rows, columns = np.indices(shape)
    return np.asarray(
        200 * np.exp(-((columns - x) ** 2) / (2 * wide**2) - (rows - y) ** 2 / (2 * tall**2))
    )


def test_centroid_and_size_of_an_image() -> None:
    frame = spot((120, 200), 90.3, 40.7, 12, 6)
    found = made(ImageReduced(name="n", variable="C:IMAGE"), images([frame]))
    assert found["centroid_x"][0] == pytest.approx(90.3, abs=1e-3)
    assert found["centroid_y"][0] == pytest.approx(40.7, abs=1e-3)
    assert found["size_x"][0] == pytest.approx(12, rel=1e-3)
    assert found["size_y"][0] == pytest.approx(6, rel=1e-3)
    assert found["sum"][0] == pytest.approx(200 * 2 * np.pi * 12 * 6, rel=1e-3)
    assert (found["rows"][0], found["columns"][0]) == (120, 200)
    scaled = ImageReduced(
        name="n", variable="C:IMAGE", pitch_x=0.5, position_unit="mm", background="border"
    )
    lifted = made(scaled, images([frame + 30]))
    assert lifted["size_x"][0] == pytest.approx(6, rel=1e-2)


def test_saturation_and_images_of_any_size() -> None:
    frames = [
        np.array([[255, 255], [0, 0]], np.uint8),
        np.zeros((3, 1), np.uint8),
        np.zeros((0, 0), np.uint8),
    ]
    found = made(ImageReduced(name="n", variable="C:IMAGE"), images(frames))
    np.testing.assert_array_equal(found["saturated"], [0.5, 0, NAN])
    np.testing.assert_array_equal(found["centroid_y"], [0, NAN, NAN])
    assert found["rows"].tolist() == [2, 3, 0]
    twelve = ImageReduced(name="n", variable="C:IMAGE", saturation=4095)
    assert made(twelve, images([np.full((2, 2), 4095, np.uint16)]))["saturated"].tolist() == [1]


def test_dead_and_hot_pixels() -> None:
    frame = spot((60, 80), 40, 30, 15, 12) + np.random.default_rng(4).normal(2, 0.5, (60, 80))
    frame[30, 41] = 0
    frame[5, 5] = frame[50, 70] = 250
    found = made(BadPixels(name="n", variable="C:IMAGE"), images([frame] * 3))
    assert (found["dead"].tolist(), found["hot"].tolist()) == ([1], [2])
    clean = made(BadPixels(name="n", variable="C:IMAGE"), images([spot((60, 80), 40, 30, 15, 12)]))
    assert (clean["dead"].tolist(), clean["hot"].tolist()) == ([0], [0])


# Measured


@dataclass
class Scan:
    """One plane of one wire scanner: positions, signal, and what the operators' program fitted."""

    x: np.ndarray
    y: np.ndarray
    fitted: dict[str, float]


def wire_scans(path: Path) -> Iterator[Scan]:
    """The scans of one file: for each device a table of fits, one of signals, one of curves."""
    fitted: list[dict[str, float]] = []
    rows: list[list[float]] = []
    table = ""
    with gzip.open(path, "rt") as file:
        for line in file:
            words = line.split()
            if not words or words[0].startswith(("-", "RTBT", "PVLogger", "start")):
                continue
            if words[0] in ("Name", "Position"):
                if rows:
                    columns = np.array(rows).T
                    for plane in range(3):
                        # The wire's travel for Y; less, by the fork's angle, for X and Z.
                        yield Scan(columns[(4, 6, 5)[plane]], columns[1 + plane], fitted[plane])
                table, rows = f"{words[0]} {words[2]}", []
                fitted = [{}, {}, {}] if words[0] == "Name" else fitted
            elif table == "Name Fit":
                for plane in range(3):
                    fitted[plane][words[0]] = float(words[1 + 2 * plane])
                    fitted[plane][f"{words[0]} RMS"] = float(words[2 + 2 * plane])
            elif table == "Position Raw" and len(words) == 7 and fitted:
                rows.append([float(word) for word in words])


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "sns-rtbt-wirescanners").exists(), reason="no SNS wire scans here")
def test_wire_scans_against_the_operators_fits() -> None:
    """Their program does not minimise the plain sum of squares: ours must be closer, always.

    The center agrees with their moments (their own fits and moments differ by up to 0.9 sigma where
    the beam is skew), and the size with their fits where these are good.
    """
    scans = [
        scan
        for path in sorted((DATA / "sns-rtbt-wirescanners").glob("*.gz"))
        for scan in wire_scans(path)
    ]
    assert len(scans) > 600
    good = 0
    for scan in scans:
        theirs = scan.fitted
        profile = vectors([scan.y], "SNS:WS:SIGNAL")
        positions = vectors([scan.x], "SNS:WS:POSITION", "mm")
        one = GaussianProfile(name="n", variable="SNS:WS:SIGNAL", positions="SNS:WS:POSITION")
        fit = {part: values[0] for part, values in made(one, profile, positions).items()}
        curve = bell(scan.x, theirs["Mean"], theirs["Sigma"], theirs["Ampl"], theirs["Offset"])
        spread = ((scan.y - scan.y.mean()) ** 2).sum()
        quality = 1 - ((scan.y - curve) ** 2).sum() / spread
        assert 0.6 < fit["quality"] <= 1
        assert fit["quality"] >= quality
        assert abs(fit["center"] - theirs["Mean RMS"]) < 0.05 * fit["sigma"]
        if quality > 0.95:
            good += 1
            assert 0.85 < fit["sigma"] / theirs["Sigma"] < 1.06
    assert good > 350


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "sns-target-images").exists(), reason="no SNS target images here")
def test_target_images() -> None:
    stored = np.load(DATA / "sns-target-images/target_images_2021-09-07.npz", allow_pickle=False)
    frames = stored["images"]
    one = ImageReduced(name="n", variable="C:IMAGE", background="border", threshold=0.1)
    found = made(one, images(list(frames)))
    # The beam is painted wider turn by turn in the second half, and hardly moves.
    assert ((found["centroid_x"] > 200) & (found["centroid_x"] < 208)).all()
    assert ((found["centroid_y"] > 94) & (found["centroid_y"] < 100)).all()
    assert (np.diff(found["size_x"][10:]) > 0).all()
    assert (np.diff(found["size_y"][10:]) > 0).all()
    np.testing.assert_array_equal(found["peak"], frames.max(axis=(1, 2)))
    np.testing.assert_array_equal(found["saturated"], (frames == 255).mean(axis=(1, 2)))
    projection = np.where(frames[5] >= 25.5, frames[5].astype(float), 0).sum(axis=0)
    assert found["centroid_x"][5] == pytest.approx(np.average(np.arange(400), weights=projection))
    # The image guide's fibres are a honeycomb of dark gaps; they are no dead and hot pixels.
    bad = made(BadPixels(name="n", variable="C:IMAGE"), images(list(frames)))
    assert (bad["dead"].tolist(), bad["hot"].tolist()) == ([0], [0])


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "slac-lcls-profmon").exists(), reason="no LCLS images here")
def test_a_profile_monitor() -> None:
    from scipy.io import loadmat

    path = DATA / "slac-lcls-profmon/ProfMon-CAMR_LGUN_210-2019-03-15-151532.mat"
    stored = loadmat(path, squeeze_me=True)["data"]
    frame, pitch = stored["img"].item(), float(stored["res"].item())
    one = ImageReduced(
        name="n", variable="C:IMAGE", background="median", threshold=0.2, saturation=4095,
        pitch_x=pitch, pitch_y=pitch, position_unit="um",
    )  # fmt: skip
    found = made(one, images([frame]))
    # Against a Gaussian fitted to the projections, which the tails pull less.
    wide = fit_gaussians(
        np.arange(1392.0)[np.newaxis] * pitch, frame.mean(axis=0, dtype=float)[np.newaxis]
    )
    tall = fit_gaussians(
        np.arange(1024.0)[np.newaxis] * pitch, frame.mean(axis=1, dtype=float)[np.newaxis]
    )
    for axis, fit in (("x", wide), ("y", tall)):
        assert fit.quality[0] > 0.97
        assert abs(found[f"centroid_{axis}"][0] - fit.center[0]) < 0.2 * fit.sigma[0]
        assert 0.5 < found[f"size_{axis}"][0] / fit.sigma[0] < 1.1
    assert found["saturated"].tolist() == [0]
    bad = made(BadPixels(name="n", variable="C:IMAGE"), images([frame]))
    assert bad["dead"].tolist() == [0]
    assert bad["hot"][0] < 5
