"""``python -m oaflib.cli``: the same as ``oaf``, for callers that know a Python and no PATH."""

import sys

from oaflib.cli import main

sys.exit(main())
