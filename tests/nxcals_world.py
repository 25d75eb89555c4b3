"""How the tests of NXCALS set their source and its Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spark_cluster import LIGHT

from oaflib.config.site import SourceSettings

SPARK = {
    "spark.executor.memory": "640m", "spark.executor.cores": "1", "spark.driver.memory": "640m",
    "spark.sql.shuffle.partitions": "2", "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": LIGHT, "spark.executor.extraJavaOptions": LIGHT,
}  # fmt: skip


def settings(root: Path, lake: Path, **options: Any) -> SourceSettings:
    """A source over `lake`; `root` is the project's folder, where its server is said."""
    about: dict[str, Any] = {"lake": str(lake), "spark": SPARK}
    return SourceSettings("NXC", "nxcals", {**about, **options}, root)
