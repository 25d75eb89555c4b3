"""As `oaflib.lean`, for the processes of the yardstick: see README.md."""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
