"""The demo project's configuration, and the queries saved in its logging system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SavedQuery:
    """A query saved in the demo's source: variables by name or ``%`` pattern, and no when."""

    name: str
    variables: tuple[str, ...]
    description: str = ""


_SAVED = (
    SavedQuery(
        "BI_BCT_SPS",
        ("SPS.BCTDC.%", "SPS.LSA:CYCLE"),
        "SPS transformers; a dataset without a file",
    ),
    SavedQuery(
        "BI_BWS_PSB-R3",
        ("BR3.BWS.%",),
        "Wire scanners of booster ring 3; a dataset without a file",
    ),
    SavedQuery(
        "BI_BWS_SPS-416",
        ("SPS.BWS.41677.%",),
        "Wire scanners of the SPS in 416; saved, and in no task yet",
    ),
)


def saved_queries() -> tuple[SavedQuery, ...]:
    """The snapshots of the demo; some datasets of its tasks have nothing but one of these."""
    return _SAVED


def project_files() -> dict[str, bytes]:
    """The files of the demo's project: relative path (``config/…``, ``notebooks/…``) to content.

    In an installed OAF they are beside this module; in a source checkout they are the checkout's
    own ``config/`` and ``notebooks/``.
    """
    packaged = Path(__file__).parent / "project"
    root = packaged if packaged.is_dir() else Path(__file__).resolve().parents[2]
    return {
        str(path.relative_to(root)): path.read_bytes()
        for part in ("config", "notebooks")
        for path in sorted((root / part).rglob("*"))
        if path.suffix in (".toml", ".csv", ".ipynb", ".py")
        and ".ipynb_checkpoints" not in path.parts
    }


def write_project(root: Path) -> list[Path]:
    """Write `project_files` under `root`; the files written.

    Raises
    ------
    FileExistsError
        One of them is there already: a newcomer's own work is never overwritten.
    """
    files = project_files()
    for name in files:
        if (root / name).exists():
            raise FileExistsError(f"{root / name} is there already; the demo overwrites nothing")
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return [root / name for name in files]
