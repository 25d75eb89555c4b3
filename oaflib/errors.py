"""Everything OAF raises on purpose, sorted by whose turn it is.

::

    OafError
    ├── ConfigurationError      the author of a file under config/
    ├── IngestError             whoever brings measurements into the store
    ├── SourceError             the logging system
    │   ├── SourceUnavailable   it does not answer
    │   └── QueryRefused        it answers, but not this question (too large, too many)
    ├── RecordsError            the run's records on disk are damaged or missing
    ├── SnapshotError           a snapshot that cannot be saved, or a file that is no sound one
    ├── StateError              the state database under runs/ is damaged, locked or too new
    ├── HistoryError            the history under runs/ is damaged, or a file to import is wrong
    ├── TemplateError           the author of a notebook
    ├── ExpressionError         the author of a gate, a computed variable or an expression check
    ├── ComputationError        the author of a computed variable, told by the data
    ├── ReportError             a document that is not a report
    ├── RunError                one report could not be made
    ├── DeliveryError           the mail server
    ├── ClockError              whoever sets the machine's clock
    └── LockHeld                another morning is at work

A message names the thing, the place and the likely cause, and what is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class OafError(Exception):
    """Root of everything OAF raises on purpose."""


class Problem(NamedTuple):
    """One thing wrong in one place of a file.

    `about` is the dataset, instrument or table that it is about; empty when it stops everything.
    """

    file: str
    place: str
    message: str
    about: str = ""

    def stops(self, dataset_id: str) -> bool:
        """Whether a report of that dataset cannot be made before this is mended."""
        return self.about in ("", dataset_id, dataset_id.partition("_")[0])

    def __str__(self) -> str:
        where = f"{self.file}: {self.place}" if self.place else self.file
        return f"{where}: {self.message}"


class ConfigurationError(OafError):
    """All that is wrong with the configuration, found in one pass."""

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = [Problem("configuration", "", problems)]
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class IngestError(OafError):
    """A file of measurements that cannot be read, or lines of it."""


class SourceError(OafError):
    """The logging system failed; nothing is known about the instrument."""


class SourceUnavailable(SourceError):
    """The logging system does not answer."""


class QueryRefused(SourceError):
    """The logging system answers, but refuses this query."""


class RecordsError(OafError):
    """Records on disk that are missing, damaged or of another version."""


class SnapshotError(OafError):
    """A snapshot that cannot be saved or found, is damaged, or made to harm."""


class StateError(OafError):
    """The state database is damaged, out of reach, or of another version."""


class HistoryError(OafError):
    """The history is damaged, or a file cannot join it."""


class TemplateError(OafError):
    """A notebook that cannot be a template."""


class ExpressionError(OafError):
    """An expression outside the small language OAF evaluates."""


class ComputationError(OafError):
    """A computed variable that cannot be made of these records."""


class ReportError(OafError):
    """A document that is not a valid ``oaf-report/1``."""


class RunError(OafError):
    """A run that ended without concluding."""


class DeliveryError(OafError):
    """The mail server did not take a message."""


class ClockError(OafError):
    """The machine's clock contradicts what was done already."""


class LockHeld(OafError):
    """Another run holds the project's lock."""
