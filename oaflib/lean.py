"""Imports that cost more than they give, left out. Import this before nbformat.

nbformat loads jsonschema, which loads ``rfc3987_syntax`` where some other package brought it along:
1.5 s of processor time, in each process, to compile 38 grammars of internationalised addresses that
no notebook's schema asks for. jsonschema does without when the import fails.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
