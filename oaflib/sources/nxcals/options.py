"""The options of ``kind = "nxcals"``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oaflib.sources.options import fault_of_passwords

SERVICE = "nxcals.spark_session_builder"  # CERN's package, from CERN's own index


@dataclass(frozen=True)
class NxcalsOptions:
    """``[sources.NAME]`` with ``kind = "nxcals"``.

    Attributes
    ----------
    system : of NXCALS: ``CMW``, ``WINCCOA`` …
    lake : a folder in the NXCALS layout, from the project's folder, or an address Spark reads
        (``hdfs://…``); empty: CERN's own services, through their package.
    remote : a Spark Connect server, ``sc://host:15002``; its token from `password_env` or
        `password_file`. Empty: a server of OAF's own, started for a morning on `master`.
    master : where that server computes: ``local[2]``, ``spark://host:7077``, ``yarn``.
    flavor : of CERN's sessions: ``LOCAL``, ``YARN_SMALL`` …
    spark : settings of Spark, as ``{"spark.driver.memory" = "2g"}``.
    aliases : other names a field had: ``{lsaCycleName = ["LSA_CYCLE"]}``.
    owner : of snapshots; empty: anybody's. look_back : days in which the last sample before a
        window is looked for.
    distinct : rows logged twice count once where Spark reduces, which costs a shuffle.
    timeout : seconds to wait for the server to answer; start : until OAF's own has started.
    deadline : seconds one query may take. rows : brought back at once.
    """

    system: str = "CMW"
    lake: str = ""
    remote: str = ""
    password_env: str = ""
    password_file: str = ""
    master: str = "local[*]"
    flavor: str = "LOCAL"
    spark: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""
    look_back: int = 30
    distinct: bool = False
    timeout: float = 20.0
    start: float = 180.0
    deadline: float = 1800.0
    rows: int = 2_000_000

    def __post_init__(self) -> None:
        if not self.system.replace("-", "").replace("_", "").isalnum():
            raise ValueError("system must be a name of letters and digits, as CMW")
        if self.remote and not self.remote.startswith("sc://"):
            raise ValueError("remote must be the address of a Spark Connect server, sc://host:port")
        if "token=" in self.remote:
            raise ValueError(
                "remote holds a token, and the site file is shared; write password_env or "
                "password_file"
            )
        if not self.lake and self.remote:
            raise ValueError(
                "remote needs lake: CERN's services speak to a session of their own, not through "
                "Spark Connect"
            )
        for name in ("timeout", "start", "deadline", "rows", "look_back"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        for key, value in self.spark.items():
            if not key.startswith("spark.") or not isinstance(value, str | int | float):
                raise ValueError(f"spark: '{key}' must be a setting spark.… with a text or number")
        for key, names in self.aliases.items():
            texts = isinstance(names, list | tuple) and all(isinstance(n, str) for n in names)
            if not texts:
                raise ValueError(f"aliases: '{key}' must be a list of names the field had")
        if fault := fault_of_passwords(self.password_env, self.password_file):
            raise ValueError(fault)

    @property
    def settings(self) -> dict[str, str]:
        """`spark`, as Spark takes it."""
        return {key: _worded(value) for key, value in self.spark.items()}


def _worded(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
