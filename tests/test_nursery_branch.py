"""The nursery's branch: what works on notebooks comes from it, and kernels do not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from conftest import Notebook

from oaflib import lean
from oaflib.run import nursery
from oaflib.run.environment import common
from oaflib.run.execution import execute
from oaflib.run.nursery import Nursery
from oaflib.run.request import Request

kernel = pytest.mark.kernel


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs are forked from a nursery of this test's own."""
    monkeypatch.setattr(nursery, "_standing", None)
    monkeypatch.setattr(nursery, "_failed", 0)
    yield
    home = nursery.living()
    if home:
        home.close()


def executed(notebook: Notebook, folder: Path, code: str) -> str:
    """What a run with that code prints."""
    request = Request(notebook(code), folder / "run", folder, folder / "records", {"day": "x"})
    assert execute(request) == ""
    cells = nbformat.read(request.notebook, as_version=4).cells
    return "".join(o.text for cell in cells for o in cell.get("outputs", []) if "text" in o)


ABOUT = """
import json, os, sys
from pathlib import Path
held = [name for name in ("papermill", "nbformat", "nbconvert") if name in sys.modules]
kin = Path(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read_text().split()
import jsonschema, requests
formats = sorted(set(("duration", "date-time", "color")) & set(jsonschema.FormatChecker.checkers))
print(json.dumps([held, os.getppid(), len(kin), formats, hasattr(requests, "__path__")]))
"""


@kernel
@pytest.mark.usefixtures("forking")
def test_a_kernel_holds_nothing_of_papermill(notebook: Notebook, tmp_path: Path) -> None:
    """Nor lacks what the branch left out; its only brother is the branch."""
    told = json.loads(executed(notebook, tmp_path, ABOUT))
    home = nursery.living()
    assert home is not None
    assert told == [[], home.pid, 2, ["color", "date-time", "duration"], True]


@kernel
@pytest.mark.usefixtures("forking")
def test_a_branch_that_dies_is_the_end_of_the_trunk(notebook: Notebook, tmp_path: Path) -> None:
    """And the run that went down with it is made again by an ordinary process."""
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "if 'oaflib.run.newborn' in sys.modules:\n"
        "    Path('trunk').write_text(str(os.getppid()))\n"
        "    trunk = f'/proc/{os.getppid()}/task/{os.getppid()}/children'\n"
        "    for pid in map(int, Path(trunk).read_text().split()):\n"
        "        if pid != os.getpid():\n"
        "            os.kill(pid, 9)\n"
        "    time.sleep(60)\n"
        "print('made')"
    )
    assert executed(notebook, tmp_path, code) == "made\n"
    trunk = int((tmp_path / "run/trunk").read_text())
    home = nursery.living()
    assert home is None or home.pid != trunk
    assert executed(notebook, tmp_path, "import os\nprint(os.getppid() > 1)") == "True\n"
    assert nursery.living() is not None


def test_what_is_pending_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    """A fork need not wait for all imports, but has what its call is made of."""
    home = Nursery.started("lean", common(tmp_path))
    log = tmp_path / "log.txt"
    try:
        with log.open("wb") as file:
            here = (file.fileno(), file.fileno())
            early = home.fork(
                "oaflib.run.child:main", ["x"], env=home.env, cwd=tmp_path, output=here
            )
            assert early.wait(60) == 1  # no request is named
    finally:
        home.close()
    assert "IndexError" in log.read_text()
    assert "oaflib/run/child.py" in log.read_text()


def test_a_stand_in_gives_way_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    later = lean.Later("colorsys")
    monkeypatch.setitem(sys.modules, "colorsys", later)
    import colorsys

    assert colorsys.rgb_to_hsv is not colorsys.rgb_to_hsv  # made on the spot, nothing imported
    assert colorsys.rgb_to_hsv(1, 1, 1) == (0.0, 0.0, 1)
    assert sys.modules["colorsys"] is not later
    with pytest.raises(AttributeError):
        later.__file__  # noqa: B018
