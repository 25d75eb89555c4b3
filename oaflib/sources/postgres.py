"""PostgreSQL for sources: reading only, rows streamed from a server-side cursor, faults named."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable
from oaflib.sources.asked import Asked
from oaflib.sources.patience import Patience

Row = tuple[Any, ...]
# Classes of SQLSTATE that may pass by themselves: connection, resources, operator's work.
_PASSING = ("08", "53", "57P", "40")

_CLOSED = (
    "authentication failed",
    "does not exist",
    "no password supplied",
    "no pg_hba.conf entry",
)


class Lost(Exception):
    """The connection went; asking again may help."""


@dataclass(frozen=True)
class Login:
    """Where the database is and who we are there; `parameters` are libpq's.

    `timeout` is the seconds to wait for a connection, `deadline` those one query may take.
    """

    parameters: Mapping[str, str]
    timeout: float
    deadline: float
    patience: Patience

    @property
    def place(self) -> str:
        """The database in words, without secrets."""
        said = self.parameters
        return f"database {said.get('dbname', '')} at {said.get('host', 'the local socket')}"


class Database:
    """Connections, made when needed, kept when idle; counts what it asks.

    A stream has a connection to itself as long as it lasts, so that small questions can be asked
    between its parts: two connections, as OAF reads.
    """

    def __init__(self, login: Login) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise ConfigurationError(
                "this source needs psycopg, which is not installed: pip install 'oaflib[sql]'"
            ) from error
        self.login = login
        self.asked = Asked()
        self._psycopg: Any = psycopg
        self._idle: list[Any] = []

    def close(self) -> None:
        """Leave the database."""
        while self._idle:
            self._idle.pop().close()

    def rows(self, query: Any, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """All rows of a small answer; asked again when the connection is lost.

        Raises
        ------
        SourceUnavailable, QueryRefused
            See `stream`.
        """
        last = ""
        for _ in self.login.patience.tries():
            try:
                with self._borrowed() as connection:
                    found: list[Row] = connection.execute(query, values).fetchall()
                self.asked.rows += len(found)
                return found
            except Lost as error:
                last = str(error)
        raise self.silent(last)

    def stream(
        self, query: Any, values: Sequence[Any] | Mapping[str, Any], rows: int
    ) -> Iterator[list[Row]]:
        """The answer in parts of at most `rows` rows, so that memory stays bounded.

        Raises
        ------
        Lost
            The connection could not be made, or went.
        SourceUnavailable
            The database refuses us for good.
        QueryRefused
            It refuses this query: too long, or not allowed.
        """
        with (
            self._borrowed() as connection,
            connection.transaction(),
            connection.cursor(name="oaf") as cursor,
        ):
            cursor.execute(query, values)
            while part := cursor.fetchmany(rows):
                self.asked.rows += len(part)
                yield part

    def silent(self, last: str) -> SourceUnavailable:
        """The complaint that the database did not answer, after all attempts."""
        times = self.login.patience.attempts
        return SourceUnavailable(f"the {self.login.place} was asked {times} times: {last}")

    @contextmanager
    def _borrowed(self) -> Iterator[Any]:
        """An idle connection, or a new one; whatever went wrong on it, it is not used again."""
        began = time.monotonic()
        self.asked.queries += 1
        connection = None
        try:
            connection = self._idle.pop() if self._idle else self._connected()
            yield connection
            self._idle.append(connection)
            connection = None
        except self._psycopg.Error as error:
            raise self._meaning(error) from error
        finally:
            if connection is not None:
                connection.close()
            self.asked.seconds += time.monotonic() - began

    def _connected(self) -> Any:
        return self._psycopg.connect(
            **self.login.parameters,
            connect_timeout=max(2, round(self.login.timeout)),
            application_name="oaf",
            options=(
                "-c default_transaction_read_only=on -c timezone=UTC "
                f"-c statement_timeout={round(self.login.deadline * 1000)}"
            ),
            autocommit=True,
        )

    def _meaning(self, error: Any) -> Exception:
        state = error.sqlstate or ""
        words = " ".join(str(error).split())
        if state == "57014":
            return QueryRefused(
                f"the {self.login.place} took more than {self.login.deadline:g} s for one query; "
                "ask for less, or raise deadline"
            )
        # At the door libpq gives words alone, without a state.
        if state.startswith(("28", "3D")) or (not state and any(one in words for one in _CLOSED)):
            return SourceUnavailable(f"the {self.login.place} does not let us in: {words}")
        if state == "42P01":
            return SourceUnavailable(f"the {self.login.place} lacks a table of its schema: {words}")
        if isinstance(error, self._psycopg.OperationalError) and (
            not state or state.startswith(_PASSING)
        ):
            return Lost(words)
        return QueryRefused(f"the {self.login.place} refuses the query: {words}")
