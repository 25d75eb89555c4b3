"""What the expert of a family looks at first: small tables from records and outcomes.

One file a family, each with ``tables(records, outcomes)``, pure; `family` picks by instrument.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.study.families.sheet import Family, FamilyTable

if TYPE_CHECKING:
    from oaflib.study.study import Study

FAMILIES = ("bbq", "bct", "blm", "bpm", "bsra", "bsrt", "btv", "bws", "machine")


def family(study: Study, records: Records, outcomes: Sequence[Outcome] = ()) -> Family:
    """What an expert of the instrument's family looks at first, as small tables.

    Of a family without tables of its own, nothing. A table judges nothing: what is wrong is said by
    the checks, so one that cannot be made says why and costs the report nothing else.
    """
    return tables_of(study.dataset.instrument, records, outcomes)


def tables_of(instrument: str, records: Records, outcomes: Sequence[Outcome] = ()) -> Family:
    """The tables of an instrument's family, for these records and outcomes."""
    name = instrument.lower()
    if name not in FAMILIES:
        return Family()
    room = import_module(f"oaflib.study.families.{name}")
    try:
        with np.errstate(all="ignore"):  # absurd numbers are shown as they are
            tables = room.tables(records, outcomes)
    except Exception as error:  # records are what a machine logged: anything may be in them
        reason = f"They could not be made: {type(error).__name__}: {error}"
        return Family([FamilyTable(f"Tables of the {instrument}", note=reason)])
    return Family(tables)
