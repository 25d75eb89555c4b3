"""The demo project's configuration, and the queries saved in its logging system."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
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


def configuration() -> dict[str, str]:
    """The files of the demo's ``config/`` but ``site.toml``: relative path to text."""
    root = files("oaflib.demo") / "config"
    found = {name: (root / name).read_text("utf-8") for name in ("instruments.toml", "tasks.csv")}
    datasets = [entry for entry in (root / "datasets").iterdir() if entry.name.endswith(".toml")]
    for entry in sorted(datasets, key=lambda entry: entry.name):
        found[f"datasets/{entry.name}"] = entry.read_text("utf-8")
    return found


def write_configuration(folder: Path) -> list[Path]:
    """Write `configuration` under `folder` (the project's ``config/``); the files written.

    Raises
    ------
    FileExistsError
        One of them is there already: a newcomer's own work is never overwritten.
    """
    texts = configuration()
    for name in texts:
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name} is there already; the demo overwrites nothing")
    (folder / "datasets").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
