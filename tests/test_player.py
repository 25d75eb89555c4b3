"""The player without a browser: cursor, alarms when they appear, other limits, and back to TOML."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import PAIR, MadeProject, made_project

import oaflib as oaf
from oaflib.checks.range import Range
from oaflib.cli import main
from oaflib.config.dataset import Dataset
from oaflib.errors import ConfigurationError, SnapshotError
from oaflib.player import edit
from oaflib.player.cut import CutRecords
from oaflib.player.judge import Judge
from oaflib.player.lanes import COLUMNS, lanes
from oaflib.player.limits import changed, limits_of
from oaflib.player.player import Player
from oaflib.player.timeline import timeline
from oaflib.player.transport import Transport
from oaflib.records import State, records_of
from oaflib.report import Severity
from oaflib.series import Kind, Series
from oaflib.window import Window

START = datetime(2026, 11, 22, 8, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=2), "Europe/Zurich")
SECOND = 1_000_000_000
DATASET = f"""\
# What the beam instruments of ring 1 say.
{PAIR}
# nothing moves while nobody looks
[[check]]
kind = "stuck"
variables = ["T.%"]
max_unchanged = "5min"  # five are enough
"""


def series(name: str, value: np.ndarray, step: int = SECOND) -> Series:
    time = WINDOW.start_ns + step * np.arange(len(value))
    return Series(name, Kind.NUMERIC, "charges", time, value)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> MadeProject:
    """Two hours at 1 Hz: beam is stable after 30 min; A is off from 1:00:00 on for 60 s."""
    made = made_project(tmp_path_factory.mktemp("player"))
    made.dataset("BCT_pair", DATASET)
    made.tasks()
    rng = np.random.default_rng(3)
    a, b = 1e14 * (1 + 1e-3 * rng.standard_normal((2, 7200)))
    a[600:660] *= 1.05  # before stable beams: the gate is not open
    a[3600:3660] *= 1.05
    b[5000:5800] = b[5000]
    modes = np.array(["RAMP", "STABLE"], dtype=object)
    times = WINDOW.start_ns + np.array([0, 1800]) * SECOND
    made.fill(
        series("T.A:INTENSITY", a),
        series("T.B:INTENSITY", b),
        Series("MODE:BMODE", Kind.TEXTUAL, "", times, modes),
    )
    span = ["--from", "2026-11-22T08:00Z", "--to", "2026-11-22T10:00Z"]
    words = ["snapshot", "--root", str(made.root), "save", "BCT_pair", *span, "--name", "MD1"]
    assert main(words) == 0
    return made


@pytest.fixture
def player(project: MadeProject, monkeypatch: pytest.MonkeyPatch) -> Player:
    monkeypatch.setenv("OAF_ROOT", str(project.root))
    return oaf.replay("MD1")


def at(player: Player, seconds: float) -> Player:
    player.seek(timedelta(seconds=seconds))
    return player


def test_alarms_appear_when_they_would_have(player: Player) -> None:
    """To the second: the ratio leaves its limit with the sample of 1:00:00; stuck after 5 min."""
    appeared = {
        (event.outcome.check, event.outcome.variable): (event.time - WINDOW.start_ns) / 1e9
        for event in player.timeline.alarms
        if event.outcome.severity is Severity.ALARM
    }
    assert appeared["agree", "ratio"] == pytest.approx(3601, abs=1)
    assert appeared["stuck", "T.B:INTENSITY"] == pytest.approx(5301, abs=2)
    before = [event.outcome.check for event in at(player, 3599).alarms]
    after = [event.outcome.check for event in at(player, 3602).alarms]
    assert "agree" not in before
    assert "agree" in after


def test_the_cursor_sees_what_a_report_of_the_window_so_far_says(
    player: Player, project: MadeProject, tmp_path: Path
) -> None:
    """Against a real snapshot of the shorter window, extracted from the store anew."""
    span = ["--from", "2026-11-22T08:00Z", "--to", "2026-11-22T09:00:30Z"]
    name = f"short-{tmp_path.name}"
    words = ["snapshot", "--root", str(project.root), "save", "BCT_pair", *span, "--name", name]
    assert main(words) == 0
    shorter = oaf.replay(name)
    shorter.seek(timedelta(hours=9))
    now = [outcome.document() for outcome in at(player, 3630).outcomes]
    assert now == [outcome.document() for outcome in shorter.outcomes]
    assert any(entry["severity"] == "ALARM" for entry in now)


def test_at_its_end_it_says_what_was_saved(player: Player) -> None:
    from oaflib.snapshot import Shelf

    saved = Shelf.of(Path(player.study.folder).parents[1]).open("MD1").outcomes
    player.seek(timedelta(hours=99))
    assert [o.document() for o in player.outcomes] == [o.document() for o in saved]


def test_play_pause_step_and_jump() -> None:
    now = [100.0]
    transport = Transport(3600.0, lambda: now[0])
    transport.play(60)
    now[0] += 10
    assert transport.at == 600
    transport.pause()
    now[0] += 10
    assert transport.at == 600
    transport.play(1000)
    now[0] += 100
    assert (transport.at, transport.playing) == (3600, False)
    transport.play()
    assert transport.at == 0  # from the start again
    with pytest.raises(ValueError, match="between 1 and 1000"):
        transport.play(2000)


def test_the_player_moves_by_its_clock(player: Player) -> None:
    now = [0.0]
    player.transport.clock = lambda: now[0]
    at(player, 0).play(speed=1000)
    now[0] = 3.0
    assert player.cursor == START + timedelta(seconds=3000)
    assert player.playing
    player.pause()
    event = player.next_alarm()
    assert event is not None
    assert event.outcome.check == "agree"
    assert player.alarms[-1] is event
    assert player.next_alarm().outcome.check == "stuck"  # type: ignore[union-attr]
    assert player.next_alarm() is None
    assert player.previous_alarm() is event
    times = player.timeline.times
    at(player, 0).step()
    assert player._ns == times[0]
    player.step(3)
    assert player._ns == times[3]
    player.step(-4)
    assert player._ns == WINDOW.start_ns


def test_an_alarm_explains_itself(player: Player) -> None:
    at(player, 3700)
    told = dict(player.explain().rows())
    assert told["what"] == "ALARM: agree (calibration)"
    assert told["limit"] == "0.98 to 1.02"
    assert told["gate"].startswith("BMODE == 'STABLE': open since 09:30")
    assert told["since"] == "10:00:00"  # in the site's zone
    assert told["guidance"] == "Compare the calibration."
    (bad,) = [row for row in player.explain().samples() if row[2]]
    assert bad[0] == "10:00:00"
    assert float(bad[1]) > 1.02
    document = player.explain().document()
    assert len(document["values"]) == 121
    assert "<thead><tr><th>time</th><th>value</th></tr></thead>" in (player.explain()._repr_html_())
    with pytest.raises(ConfigurationError, match="no alarm 99"):
        player.explain(99)


def test_another_limit_shows_what_would_have_happened(player: Player) -> None:
    wider = player.set_limit("agree", "high", 1.08)
    assert (len(wider.before), len(wider.now)) == (1, 0)
    assert "no alarm (as saved: 1 alarm, at 10:00:01)" in str(wider)
    assert not [e for e in at(player, 7000).alarms if e.outcome.check == "agree"]
    assert "agree" not in {o.check for o in player.outcomes if o.severity.alarming}
    player.set_limit("agree", "high", 1.08)
    warned = player.set_limit("agree", "warning_high", 1.02)
    assert "warning_high none → 1.02: 1 warning, at 10:00:01 (as saved: 1 alarm," in str(warned)
    player.reset_limits()
    tighter = player.set_limit("agree", "high", 1.0005)
    assert tighter.now[0].time < tighter.before[0].time
    longer = player.set_limit("stuck", "max_unchanged", "20min")
    assert not longer.now
    player.reset_limits()
    assert "agree" in {o.check for o in player.outcomes if o.severity.alarming}


@pytest.mark.parametrize(
    ("check", "key", "value", "said"),
    [
        ("agre", "high", 1.0, "no check is called 'agre'. There are: usage, agree, stuck"),
        ("agree", "hihg", 1.0, "agree has no limit 'hihg'. There are: low, high, "),
        ("agree", "high", 0.5, "low = 0.98 is above high = 0.5"),
        ("agree", "gate", 1.0, "agree has no limit 'gate'"),
    ],
)
def test_a_limit_that_cannot_be(
    player: Player, check: str, key: str, value: float, said: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        player.set_limit(check, key, value)
    assert said in str(wrong.value)


def test_changed_limits_go_back_into_the_file_and_nothing_else(
    player: Player, project: MadeProject, tmp_path: Path
) -> None:
    assert player.diff() == ""
    player.set_limit("agree", "high", 1.03)
    player.set_limit("agree", "warning_high", 1.025)
    player.set_limit("stuck", "max_unchanged", 420.0)
    diff = player.diff()
    changes = [line for line in diff.splitlines() if line[0] in "+-"]
    assert changes == [
        "--- a/config/datasets/BCT_pair.toml",
        "+++ b/config/datasets/BCT_pair.toml",
        "+warning_high = 1.025",
        "-high = 1.02  # agreed with the RF group",
        "+high = 1.03  # agreed with the RF group",
        '-max_unchanged = "5min"  # five are enough',
        '+max_unchanged = "7min"  # five are enough',
    ]
    subprocess.run(["patch", "-p1"], input=diff, text=True, cwd=project.root, check=True)
    patched = (project.root / "config/datasets/BCT_pair.toml").read_text()
    (project.root / "config/datasets/BCT_pair.toml").write_text(DATASET)
    assert player.save_limits(tmp_path) == tmp_path / "BCT_pair.toml"
    assert (tmp_path / "BCT_pair.toml").read_text() == patched
    assert (project.root / "config/datasets/BCT_pair.toml").read_text() == DATASET


def test_limits_find_their_check_in_a_file_that_moved_on(player: Player, tmp_path: Path) -> None:
    player.set_limit("agree", "high", 1.03)
    moved = DATASET.replace('[[check]]\nkind = "usage"\n\n', "").replace(
        "high = 1.02", "high = 1.5"
    )
    (tmp_path / "BCT_pair.toml").write_text(moved)
    player.save_limits(tmp_path)
    assert "high = 1.03  # agreed" in (tmp_path / "BCT_pair.toml").read_text()
    (tmp_path / "BCT_pair.toml").write_text(moved.replace('name = "agree"', 'name = "other"'))
    with pytest.raises(ConfigurationError, match="'agree' is not in BCT_pair.toml as it is now"):
        player.save_limits(tmp_path)


def test_default_checks_become_the_datasets_own(tmp_path: Path) -> None:
    checks = [Range(low=0.0, high=2.0), Range(variables=("A:X",), name="b", high=1e13)]
    text = edit.rewritten("# mine\n", checks, {1: {"high": 8.5e12}}, tmp_path / "BCT_x.toml")
    assert text.startswith("# mine\n")
    assert text.endswith('kind = "range"\nvariables = ["A:X"]\nname = "b"\nhigh = 8.5e12\n')
    assert text.count("[[check]]") == 2


def test_a_zip_plays_where_there_is_no_project(
    project: MadeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "MD1.zip"
    assert main(["snapshot", "--root", str(project.root), "zip", "MD1", str(path)]) == 0
    monkeypatch.delenv("OAF_ROOT", raising=False)
    (tmp_path / "nowhere").mkdir()
    monkeypatch.chdir(tmp_path / "nowhere")
    player = oaf.replay(str(path))
    assert [event.outcome.check for event in at(player, 7200).alarms][-2:] == ["agree", "stuck"]
    with pytest.raises(SnapshotError, match="no snapshot is called 'MD7'"):
        oaf.replay("MD7")


def test_without_a_name_the_last_one_saved_plays_and_another_can_be_chosen(
    player: Player, project: MadeProject
) -> None:
    screen = player.screen
    assert player.scene().choices[0] == "MD1"
    player._ask_open({"snapshot": "MD1"})
    assert screen is player.screen
    assert oaf.replay().window.label in player.scene().choices


def judge_of(value: np.ndarray, *checks: Range) -> Judge:
    """A judge of one variable in memory."""
    made = object.__new__(Judge)
    logged = records_of([series("D:X", value)], WINDOW)
    dataset = Dataset("BCT", "x", "x", checks=checks)
    made.study = type("Study", (), {"dataset": dataset})()
    made.logged = made.records = logged
    made.past = None  # type: ignore[assignment]
    made.checks = checks
    made._cuts, made._keep = __import__("collections").OrderedDict(), True
    return made


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 5.0, 9.0]), min_size=30, max_size=200),
    st.integers(20, 90),
)
def test_the_timeline_agrees_with_judging_at_every_second(values: list[float], every: int) -> None:
    """A limit once broken stays broken: each change is dated as brute force dates it."""
    judge = judge_of(np.array(values), Range(high=8.0, warning_high=4.0))
    end = WINDOW.start_ns + len(values) * SECOND
    times = [*range(WINDOW.start_ns + every * SECOND, end, every * SECOND), end]
    found = timeline(judge, times)
    last: Severity | None = None
    brute = []
    for second in range(1, len(values) + 1):
        now = WINDOW.start_ns + second * SECOND
        (outcome,) = judge.verdicts(now).values()
        if now >= times[0] and outcome.severity is not last:
            brute.append((now, outcome.severity))
            last = outcome.severity
    assert [(event.time, event.outcome.severity) for event in found.events] == brute


def test_cut_records_are_those_of_the_time(player: Player) -> None:
    logged = player.judge.logged
    cut = CutRecords(logged, WINDOW.start_ns + 100 * SECOND)
    assert len(cut["T.A:INTENSITY"]) == 100
    assert cut.entries["T.GONE:INTENSITY"].state is State.ABSENT
    made = cut.with_series([series("new", np.ones(3))])
    assert len(made["T.B:INTENSITY"]) == 100
    assert len(made["new"]) == 3
    late = records_of([series("X:X", np.ones(9)).where(slice(5, 9))], WINDOW)
    empty = CutRecords(late, WINDOW.start_ns + SECOND)
    assert empty.entries["X:X"].state is State.EMPTY


def test_lanes_hold_every_spike_and_every_state(player: Player) -> None:
    made = {lane.name: lane for lane in lanes(player.judge.records, player.checks)}
    ratio = player.judge.records["ratio"].value
    assert made["ratio"].high is not None
    assert float(np.nanmax(made["ratio"].high)) == pytest.approx(float(ratio.max()), rel=1e-6)
    assert made["ratio"].limits == ((1, "low"), (1, "high"))
    assert [state[2] for state in made["MODE:BMODE"].states] == ["RAMP", "STABLE"]
    assert made["T.GONE:INTENSITY"].absent == "no such variable"
    scene = player.scene()
    assert len(scene.buffer()) == 3 * 2 * COLUMNS * 4


def test_sliders_span_the_data_and_the_limit(player: Player) -> None:
    found = {limit.name: limit for limit in limits_of(player.checks, player.judge.records)}
    high = found["agree: high"]
    assert high.least < 0.99 < 1.02 < 1.05 < high.most
    assert found["stuck: max_unchanged"].number == 300
    with pytest.raises(ConfigurationError, match="it must be a number"):
        changed(Range(high=1.0), "high", "abc")


@pytest.mark.kernel
def test_the_notebook_runs_through_papermill_without_a_browser(
    project: MadeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import papermill

    monkeypatch.setenv("OAF_ROOT", str(project.root))
    source = Path(__file__).resolve().parents[1] / "notebooks/replay.ipynb"
    done = papermill.execute_notebook(
        str(source), str(tmp_path / "out.ipynb"), {"snapshot": "MD1", "speed": 100}, cwd=tmp_path
    )
    said = str([cell.get("outputs") for cell in done.cells])
    assert "2 of 2 alarms" in said or "1 of" in said
    assert "agree" in said
    assert (tmp_path / "out.ipynb").stat().st_size < 300_000  # no data of the screen in it


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """In a Python of its own, where anywidget cannot be imported."""
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import oaflib\n"
        "assert not {'anywidget', 'ipywidgets', 'tomlkit'} & set(sys.modules) - {'anywidget'}\n"
        "from oaflib.player.player import Player\n"
        "try:\n    import oaflib.player.screen\n"
        "except Exception as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'oaflib[lab]'" in ran.stdout
