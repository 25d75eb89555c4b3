"""Snapshots: opened elsewhere they replay to the same outcomes; strangers' zips are refused."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from project import DAY, PAIR, MadeProject, made_project, numeric

from oaflib.cli import main
from oaflib.errors import SnapshotError
from oaflib.report import read
from oaflib.series import Kind, Series
from oaflib.snapshot import Shelf, unpack
from oaflib.snapshot.archive import peek
from oaflib.window import calendar_day

DATASET = f"""{PAIR}
[[check]]
kind = "drift"
variables = ["T.A:INTENSITY"]
high = 1.05e14
horizon = 30
"""
SECRET = "hunter2-canary"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> MadeProject:
    """A project with a day that alarms, a past, an intervention and a secret in its site file."""
    made = made_project(tmp_path_factory.mktemp("origin"))
    made.site(f'\nuser = "oaf"\npassword_file = "{SECRET}"\n')
    made.dataset("BCT_pair", DATASET)
    made.tasks("BCT,LDB,pair,,FALSE,TRUE,wires:odd,daily,day,")
    (made.root / "notebooks/experts/wires.py").write_text(
        "import oaflib as oaf\n"
        "def odd(study, records):\n"
        "    return [oaf.alarm('T.A:INTENSITY', f'{len(records)} variables')]\n"
    )
    (made.root / "config/interventions.csv").write_text(
        "Date,Device,Done,By\n2026-11-20,T.A,amplifier changed,jb\n"
    )
    a, b = numeric("T.A:INTENSITY"), numeric("T.B:INTENSITY")
    value = a.value.copy()
    value[700:720] *= 1.05
    window = calendar_day(DAY, "Europe/Zurich")
    mode = np.array(["RAMP", "STABLE"], dtype=object)
    hours = window.start_ns + np.array([0, 6]) * 3_600_000_000_000
    made.fill(
        Series(a.name, a.kind, a.unit, a.time, value),
        b,
        Series("MODE:BMODE", Kind.TEXTUAL, "", hours, mode),
    )
    csv = "timestamp,variable,value,unit\n" + "".join(
        f"2026-11-{day:02}T00:00:00Z,T.A:INTENSITY,{1e14 + day * 1e11},charges\n"
        for day in range(1, 21)
    )
    (made.root / "past.csv").write_text(csv)
    assert oaf(made, "history", "import", str(made.root / "past.csv")) == 0
    assert oaf(made, "run", "BCT_pair", "--day", str(DAY)) == 0
    assert oaf(made, "snapshot", "save", "BCT_pair", "--day", str(DAY), "--name", "MD2162") == 0
    return made


def oaf(made: MadeProject, *words: str) -> int:
    return main([words[0], "--root", str(made.root), *words[1:]])


@pytest.fixture
def clean(tmp_path: Path) -> MadeProject:
    """Another machine: other instruments' project, an empty store, nothing of the origin."""
    made = made_project(tmp_path / "elsewhere")
    made.tasks()
    return made


@pytest.fixture
def packed(origin: MadeProject, tmp_path: Path) -> Path:
    path = tmp_path / "MD2162.zip"
    assert oaf(origin, "snapshot", "zip", "MD2162", str(path)) == 0
    return path


def documents(path: Path) -> list[dict[str, object]]:
    return [outcome.document() for outcome in read(path.read_bytes()).outcomes]


@pytest.mark.kernel
def test_a_replay_gives_the_same_outcomes_to_the_bit(
    origin: MadeProject, clean: MadeProject, packed: Path
) -> None:
    """The report of the day, and the one made from the zip in a project without any source."""
    assert oaf(clean, "snapshot", "import", str(packed)) == 0
    packed.unlink()
    assert oaf(clean, "run", "--snapshot", "MD2162") == 0
    was = documents(origin.report("BCT", "pair") / "report.json")
    now = documents(clean.report("BCT", "pair", "MD2162") / "report.json")
    assert len(now) > 4
    assert now == was
    assert {"agree", "drift", "expert", "usage"} <= {str(entry["check"]) for entry in now}
    snapshot = Shelf.of(clean.root / "runs").open("MD2162")
    _, _, judged = snapshot.judged(clean.root / "runs/again")
    assert [o.document() for o in judged] == [o.document() for o in snapshot.outcomes]
    assert [entry for entry in was if entry["check"] != "expert"] == [
        outcome.document() for outcome in snapshot.outcomes
    ]


@pytest.mark.kernel
def test_the_replay_notebook_of_a_zip_runs_by_itself(
    origin: MadeProject, clean: MadeProject, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    assert oaf(clean, "replay", str(packed)) == 0
    path = clean.root / "runs/replay/MD2162.ipynb"
    notebook = nbformat.read(path, 4)
    assert str(origin.root) not in path.read_text()
    monkeypatch.chdir(clean.root)
    NotebookClient(notebook, timeout=120).execute()
    from oaflib import scraps

    nbformat.write(notebook, path)
    report = scraps.read(path, "")
    assert [o.document() for o in report.outcomes] == documents(
        origin.report("BCT", "pair") / "report.json"
    )
    assert Shelf.of(clean.root / "runs").open(str(packed))  # running left it as it was


def test_a_snapshot_holds_no_secret_and_no_path(origin: MadeProject, packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
        whole = b"".join(archive.read(name) for name in names)
    assert "config/interventions.csv" in names
    assert "notebooks/experts/wires.py" in names
    assert SECRET.encode() not in whole
    assert str(origin.root).encode() not in whole
    assert b"password" not in whole


def test_a_snapshot_holds_its_own_samples_alone(origin: MadeProject) -> None:
    """Records of a run are links to the store's files, which hold more than the window."""
    span = ["--from", "2026-11-22T08:00Z", "--to", "2026-11-22T09:00Z"]
    assert oaf(origin, "snapshot", "save", "BCT_pair", *span, "--name", "hour") == 0
    snapshot = Shelf.of(origin.root / "runs").open("hour")
    kept = [name for name in snapshot.manifest.files if name.startswith("records/")]
    assert sorted(kept) == ["records/numeric.parquet", "records/records.json"]
    assert pq.read_metadata(snapshot.folder / "records/numeric.parquet").num_rows == 120


def test_packing_twice_gives_the_same_bytes(origin: MadeProject, tmp_path: Path) -> None:
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    for path in (one, two):
        assert oaf(origin, "snapshot", "zip", "MD2162", str(path)) == 0
    assert one.read_bytes() == two.read_bytes()


def test_list_show_pin(
    origin: MadeProject, clean: MadeProject, packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from oaflib.sources.base import Snapshot as Query
    from oaflib.sources.embedded import Lake

    with Lake(clean.root / "runs/store") as lake:
        lake.save_snapshot(Query("BI_BCT_ring", ("T.A:INTENSITY",), "of the whole ring"))
    oaf(clean, "snapshot", "import", str(packed), "--name", "MD9")
    assert oaf(clean, "snapshot", "pin", "MD9", "--reason", "for the paper") == 0
    capsys.readouterr()
    assert oaf(clean, "snapshot", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("MD9 ")
    assert lines[0].endswith("pinned")
    assert lines[1].split() == [
        *["BI_BCT_ring", "a", "query", "of", "LDB:", "1", "variable"],
        *["of", "the", "whole", "ring"],
    ]
    assert (clean.root / "runs/snapshots/MD9.pinned").read_text() == "for the paper\n"
    assert oaf(clean, "snapshot", "show", "MD9") == 0
    shown = capsys.readouterr().out
    assert "BCT_pair, Two transformers" in shown
    assert "ALARM ratio:" in shown
    assert "pinned" in shown
    oaf(clean, "snapshot", "unpin", "MD9")
    assert not Shelf.of(clean.root / "runs").pinned("MD9")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "MD2163"], "no snapshot is called 'MD2163'. Did you mean 'MD2162'?"),
        (["pin", "nothing"], "no snapshot is called 'nothing'"),
        (["save", "BCT_pair", "--name", "../out"], "a snapshot's name:"),
        (["save", "BCT_pair", "--name", "BCT_pair"], "is the name of a dataset"),
        (["save", "BCT_pair", "--name", "MD2162"], "is called 'MD2162' already"),
        (["show", "nowhere/x.zip"], "neither a snapshot's folder nor a .zip"),
    ],
)
def test_what_cannot_be_is_said(
    origin: MadeProject, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert oaf(origin, "snapshot", words[0], *words[1:]) != 0
    assert said in capsys.readouterr().err


def test_a_changed_folder_is_not_opened(origin: MadeProject, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, tmp_path / "cache")
    shutil.copytree(origin.root / "runs/snapshots/MD2162", tmp_path / "A")
    shelf.open("A")
    limits = tmp_path / "A/config/datasets/BCT_pair.toml"
    limits.write_text(limits.read_text().replace("1.02", "1.2"))
    with pytest.raises(SnapshotError, match="BCT_pair.toml is not what it was when"):
        shelf.open("A")
    shutil.copytree(origin.root / "runs/snapshots/MD2162", tmp_path / "B")
    (tmp_path / "B/config/aliases.csv").write_text("Old,New\n")
    with pytest.raises(SnapshotError, match="aliases.csv is not of the snapshot"):
        shelf.open("B")


Rewrite = Callable[[zipfile.ZipFile, dict[str, bytes]], None]


def _with(name: str, data: bytes = b"x", mode: int = 0o644) -> Rewrite:
    def write(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
        for known, content in files.items():
            archive.writestr(known, content)
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, data, zipfile.ZIP_DEFLATED)

    return write


def _manifest(change: Callable[[dict[str, object]], None]) -> Rewrite:
    def write(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
        document = json.loads(files["snapshot.json"])
        change(document)
        for known, content in {**files, "snapshot.json": json.dumps(document).encode()}.items():
            archive.writestr(known, content)

    return write


def _bomb(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    document = json.loads(files["snapshot.json"])
    document["files"]["bomb.bin"] = {"bytes": 100_000_000, "sha256": "0" * 64}
    for known, content in {**files, "snapshot.json": json.dumps(document).encode()}.items():
        archive.writestr(known, content)
    archive.writestr("bomb.bin", bytes(100_000_000), zipfile.ZIP_DEFLATED)


def _changed(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    name = "config/datasets/BCT_pair.toml"
    files = {**files, name: files[name].replace(b"1.02", b"1.99")}
    for known, content in files.items():
        archive.writestr(known, content)


@pytest.mark.parametrize(
    ("rewrite", "said"),
    [
        (_with("../../evil.py"), "leads out of the snapshot's folder"),
        (_with("/etc/cron.d/evil"), "leads out of the snapshot's folder"),
        (_with("..\\evil.py"), "is not a path a snapshot has"),
        (_with("C:/evil.py"), "is not a path a snapshot has"),
        (_with("config/site.toml"), "is there twice"),
        (_with("notebooks/experts/extra.py"), "is not of the snapshot"),
        (_with("link", b"/etc/passwd", 0o120777), "is a link or a device"),
        (_bomb, "would unpack to 100,000,000 bytes"),
        (_changed, "is not what it was when the snapshot was saved"),
        (_manifest(lambda d: d.update(name="../x")), "a snapshot's name"),
        (_manifest(lambda d: d["window"].update(label="../../x")), "a snapshot's name"),
        (_manifest(lambda d: d.update(dataset="../BCT_x")), "not a valid oaf-snapshot/1"),
        (_manifest(lambda d: d.update(template="../../t")), "is a path"),
        (_manifest(lambda d: d.update(schema="oaf-snapshot/9")), "its schema is 'oaf-snapshot/9'"),
        (_manifest(lambda d: d["files"].pop("outcomes.json")), "outcomes.json is not of the"),
        (_manifest(lambda d: d["files"].update({"a/../../b": {}})), "leads out of"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_strangers_zip_is_refused(
    packed: Path, tmp_path: Path, rewrite: Rewrite, said: str
) -> None:
    with zipfile.ZipFile(packed) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    evil = tmp_path / "evil" / "evil.zip"
    evil.parent.mkdir()
    with zipfile.ZipFile(evil, "w") as archive:
        rewrite(archive, files)
    with pytest.raises(SnapshotError) as refused:
        unpack(evil, tmp_path / "evil" / "folder")
    assert said in str(refused.value)
    assert [path.name for path in evil.parent.iterdir()] == ["evil.zip"]
    assert not (tmp_path / "evil.py").exists()


def test_a_size_that_lies_writes_no_more_than_it_says(packed: Path, tmp_path: Path) -> None:
    """The zip's own list says a few bytes, the compressed stream holds ten million."""
    data = bytes(10_000_000)
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(packed) as given, zipfile.ZipFile(evil, "w") as archive:
        for name in given.namelist():
            archive.writestr(name, given.read(name) if name != "outcomes.json" else data)
    whole = evil.read_bytes().replace(len(data).to_bytes(4, "little"), (990).to_bytes(4, "little"))
    evil.write_bytes(whole)
    with pytest.raises(SnapshotError):
        unpack(evil, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("cut", [0, 10, 5_000, -30])
def test_half_a_zip_is_said_to_be_damaged(packed: Path, tmp_path: Path, cut: int) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(packed.read_bytes()[:cut])
    with pytest.raises(SnapshotError, match="is not a zip that can be read"):
        peek(broken)
