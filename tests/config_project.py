"""The good project that the configuration's tests start from."""

from __future__ import annotations

import json
from pathlib import Path

SITE = """
title = "Beam instrumentation"
zone = "Europe/Zurich"
machine = "LHC"
url = "https://oaf.example.org/"

[mail]
server = "smtp.example.org"
security = "starttls"
domain = "example.org"
operator = "oaf-admin@example.org jdoe"
password_file = "secrets/mail"
user = "oaf"

[sources.LDB]
kind = "embedded"
folder = "runs/store"

[limits]
seconds = 900
memory = "2GB"

[limits.expert]
seconds = 60
"""
INSTRUMENTS = """
[BCT]
title = "Beam current transformers"
[BWS]
title = "Wire scanners"
template = "scans"
"""
TASKS = """Instrument,Source,DataSet,UserId,email,DftPlot,ExpCode
BCT,LDB,L2,jjgras,TRUE,TRUE,None
BCT,LDB,LHC-B1-cmp,jjgras ops@example.org,TRUE,FALSE,compare
BWS,LDB,PS,,FALSE,TRUE,bws_experts:widths
"""
DATASET = """
title = "LHC beam 1 BCTs, compared"
description = "DC and fast transformers of beam 1, against each other"
variables = [
    "LHC.BCTDC.%.B1:BEAM_INTENSITY",
    { name = "LHC.BCTFR.A6R4.B1:BEAM_INTENSITY", unit = "charges" },
]
"""


def notebook(tags: list[str] | None = None) -> str:
    """A notebook with one cell, tagged ``parameters`` unless told otherwise."""
    cell = {
        "cell_type": "code",
        "metadata": {"tags": ["parameters"] if tags is None else tags},
        "source": "dataset = ''",
        "outputs": [],
        "execution_count": None,
    }
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]})


def make_project(root: Path) -> Path:
    """A good project in `root`."""
    write(root, "config/site.toml", SITE)
    write(root, "config/instruments.toml", INSTRUMENTS)
    write(root, "config/tasks.csv", TASKS)
    write(root, "config/datasets/BCT_LHC-B1-cmp.toml", DATASET)
    for name in ("templates/generic", "templates/scans", "experts/compare"):
        write(root, f"notebooks/{name}.ipynb", notebook())
    return root


def write(root: Path, name: str, text: str | bytes) -> None:
    """A file of the project."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
