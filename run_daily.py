#!/usr/bin/env python3
"""Cron's address: the morning's reports. The same as ``oaf daily``."""

import os
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
own = here / ".venv" / "bin" / "python"
if own.exists() and Path(sys.prefix) != own.parents[1]:
    os.execv(own, [str(own), *sys.argv])  # cron's python3 is not the one OAF is installed in

from oaflib.cli import main  # noqa: E402

if __name__ == "__main__":  # processes of a local cluster import this file
    sys.exit(main(["daily", *sys.argv[1:]], default_root=here))
