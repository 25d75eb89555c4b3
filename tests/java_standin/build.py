"""Compile the stand-in of the logging API: one jar for each of its package roots.

    python tests/java_standin/build.py FOLDER

writes FOLDER/cals.jar and FOLDER/nxcals.jar. The API's packages are OAF's own sources with the
documented signatures; where they differ between the roots they are in cals/ and nxcals/.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOTS = {"cals": "cern.accsoft.cals.extr", "nxcals": "cern.nxcals.api.backport"}


def build(folder: Path) -> dict[str, Path]:
    """The two jars in `folder`, by the name of their root."""
    return {api: _jar(api, root, folder) for api, root in ROOTS.items()}


def _jar(api: str, root: str, folder: Path) -> Path:
    sources = folder / f"{api}-sources"
    for base in (HERE / "common", HERE / api):
        for path in base.rglob("*.java"):
            target = sources / root.replace(".", "/") / path.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text().replace("ROOT.", f"{root}."))
    shutil.copytree(HERE / "world", sources, dirs_exist_ok=True)
    files = [str(path) for path in sources.rglob("*.java")]
    classes = folder / f"{api}-classes"
    subprocess.run(["javac", "-nowarn", "-d", str(classes), *files], check=True)
    jar = folder / f"{api}.jar"
    subprocess.run(["jar", "cf", str(jar), "-C", str(classes), "."], check=True)
    return jar


if __name__ == "__main__":
    build(Path(sys.argv[1]))
