"""The one door to SQLAlchemy: connections, quoted names, bound values, faults named."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable
from oaflib.series import Kind
from oaflib.sources.asked import Asked
from oaflib.sources.base import SourceSettings
from oaflib.sources.options import refused
from oaflib.sources.patience import Patience
from oaflib.sources.postgres import Lost

if TYPE_CHECKING:
    from oaflib.sources.sql import SqlOptions

_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}


class SqlDoor:
    """One table of one database, read only.

    Raises
    ------
    ConfigurationError
        SQLAlchemy is not installed, or the address is none.
    """

    def __init__(self, settings: SourceSettings, options: SqlOptions) -> None:
        try:
            import sqlalchemy
        except ImportError as error:
            raise ConfigurationError(
                "this source needs SQLAlchemy, which is not installed: pip install 'oaflib[sql]'"
            ) from error
        self._sql: Any = sqlalchemy
        self._settings = settings
        self._options = options
        try:
            self._url = sqlalchemy.engine.make_url(options.url)
        except sqlalchemy.exc.ArgumentError as error:
            raise refused(settings, "url", f"is not an SQLAlchemy address: {error}") from error
        if self._url.drivername in _DRIVERS:
            self._url = self._url.set(
                drivername=f"{self._url.drivername}+{_DRIVERS[self._url.drivername]}"
            )
        self.asked = Asked()
        self._engine: Any = None
        name = sqlalchemy.sql.quoted_name(options.table, quote=True)
        schema = sqlalchemy.sql.quoted_name(options.schema, quote=True) if options.schema else None
        words = [options.time, options.variable, options.value, options.unit]
        columns = [self._plain(word) for word in dict.fromkeys(words) if word]
        self._table: Any = sqlalchemy.table(name, *columns, schema=schema)

    @property
    def place(self) -> str:
        """The database in words, without its password."""
        return str(self._url.render_as_string(hide_password=True))

    @property
    def sqlite(self) -> bool:
        """Whether it is SQLite, which has no timestamps: what is called one is a text."""
        return str(self._url.get_backend_name()) == "sqlite"

    def enter(self, secret: str) -> Mapping[str, Any]:
        """Connect, and say the types of the table's columns by name.

        Raises
        ------
        ConfigurationError
            The driver is not installed, or there is no such table or column.
        SourceUnavailable
            The database does not answer.
        """
        self.asked = Asked()
        self._engine = self._made(secret)
        options = self._options
        last = ""
        for _ in Patience(options.attempts, options.pause).tries():
            try:
                with self._watched():
                    inspector = self._sql.inspect(self._engine)
                    found = inspector.get_columns(options.table, schema=options.schema or None)
                break
            except self._sql.exc.NoSuchTableError:
                raise refused(self._settings, "table", self._no_table()) from None
            except Lost as error:
                last = str(error)
            except QueryRefused as error:
                raise SourceUnavailable(str(error)) from error
        else:
            raise SourceUnavailable(f"{self.place} was asked {options.attempts} times: {last}")
        types = {entry["name"]: entry["type"] for entry in found}
        for key in ("time", "variable", "value", "unit"):
            name = getattr(options, key)
            if name and name not in types:
                there = ", ".join(types)
                raise refused(
                    self._settings, key, f"is no column of {options.table}; there are: {there}"
                )
        return types

    def close(self) -> None:
        """Leave the database."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    def kind_of(self, column_type: Any, holds: str) -> Kind:
        """The kind of the values of a column of that type, unless it is said."""
        if holds != "auto":
            return Kind(holds)
        types = self._sql.types
        if isinstance(column_type, types.ARRAY):
            texts = isinstance(column_type.item_type, types.String)
            return Kind.VECTORSTRING if texts else Kind.VECTORNUMERIC
        if isinstance(column_type, types.JSON):
            return Kind.VECTORNUMERIC
        return Kind.TEXTUAL if isinstance(column_type, types.String) else Kind.NUMERIC

    def column(self, name: str) -> Any:
        """A column of the table, its name quoted."""
        return self._table.c[name]

    def select(self, *columns: Any) -> Any:
        """A query of the table."""
        return self._sql.select(*columns).select_from(self._table)

    def many(self) -> Any:
        """How many rows."""
        return self._sql.func.count()

    def rows(self, query: Any) -> list[Any]:
        """All rows of a small answer; asked again when the connection is lost."""
        last = ""
        patience = Patience(self._options.attempts, self._options.pause)
        for _ in patience.tries():
            try:
                return [row for part in self.stream(query, 10_000) for row in part]
            except Lost as error:
                last = str(error)
        raise SourceUnavailable(f"{self.place} was asked {patience.attempts} times: {last}")

    def stream(self, query: Any, rows: int) -> Iterator[list[Any]]:
        """The answer in parts of at most `rows` rows.

        Raises
        ------
        Lost
            The connection could not be made, or went.
        QueryRefused
            The database refuses this query.
        """
        with self.streaming(query, rows) as parts:
            yield from parts

    @contextmanager
    def streaming(self, query: Any, rows: int) -> Iterator[Iterator[list[Any]]]:
        """As `stream`, for answers of which only the beginning is wanted."""
        with self._watched(), self._engine.connect() as connection:
            streamed = connection.execution_options(stream_results=True, max_row_buffer=rows)
            result = streamed.execute(query)
            try:
                yield self._counted(result.partitions(rows))
            finally:
                # A cursor left open warns when it is swept; one whose connection went cannot close.
                with suppress(self._sql.exc.SQLAlchemyError):
                    result.close()

    def _counted(self, parts: Iterator[Any]) -> Iterator[list[Any]]:
        for part in parts:
            self.asked.rows += len(part)
            yield part

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if self._engine is None:
            raise SourceUnavailable(f"the source {self._settings.name} was not entered")
        began = time.monotonic()
        self.asked.queries += 1
        try:
            yield
        except self._sql.exc.DBAPIError as error:
            words = " ".join(str(error.orig).split())
            timeout = getattr(error.orig, "sqlstate", "") == "57014"
            passing = self._sql.exc.OperationalError, self._sql.exc.InterfaceError
            if error.connection_invalidated or (isinstance(error, passing) and not timeout):
                raise Lost(words) from error
            raise QueryRefused(f"{self.place} refuses the query: {words}") from error
        finally:
            self.asked.seconds += time.monotonic() - began

    def _made(self, secret: str) -> Any:
        url = self._url.set(password=secret) if secret else self._url
        backend = url.get_backend_name()
        about: dict[str, Any] = {"pool_pre_ping": True}
        if backend == "sqlite":
            about = {"creator": lambda: self._sqlite(url.database)}
        elif backend == "postgresql":
            about["connect_args"] = {
                "connect_timeout": max(2, round(self._options.timeout)),
                "application_name": "oaf",
                "options": (
                    "-c default_transaction_read_only=on -c timezone=UTC "
                    f"-c statement_timeout={round(self._options.deadline * 1000)}"
                ),
            }
        try:
            return self._sql.create_engine(url, **about)
        except (ImportError, self._sql.exc.NoSuchModuleError) as error:
            hint = "pip install 'oaflib[sql]'" if backend == "postgresql" else "install its driver"
            raise refused(
                self._settings, "url", f"needs a driver that is not installed ({error}): {hint}"
            ) from error

    def _sqlite(self, name: str | None) -> sqlite3.Connection:
        """Open for reading only: a file that is not there is not made."""
        path = (self._settings.root / Path(name or "")).absolute()
        address = f"file:{quote(str(path))}?mode=ro"
        return sqlite3.connect(
            address, uri=True, timeout=self._options.timeout, check_same_thread=False
        )

    def _no_table(self) -> str:
        with self._watched():
            there = self._sql.inspect(self._engine).get_table_names(self._options.schema or None)
        said = ", ".join(sorted(there)[:20]) or "none"
        return f"{self._options.table} is not in {self.place}; there are: {said}"

    def _plain(self, name: str) -> Any:
        return self._sql.column(self._sql.sql.quoted_name(name, quote=True))
