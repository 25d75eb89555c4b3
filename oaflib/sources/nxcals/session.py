"""The one door to pyspark: a session on a server, or one in this process; faults named."""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable
from oaflib.sources.asked import Asked
from oaflib.sources.base import SourceSettings
from oaflib.sources.nxcals.options import SERVICE, NxcalsOptions
from oaflib.sources.nxcals.server import Server, found_server
from oaflib.sources.options import password

_INSTALL = "pip install 'oaflib[nxcals]'"
_OURS = {
    "spark.sql.caseSensitive": "true",  # fields differ by case alone
    "spark.sql.session.timeZone": "UTC",
}
# What a server answers when it, or the way to it, is gone; anything else is about the query.
_DOWN = (
    "UNAVAILABLE", "UNAUTHENTICATED", "failed to connect", "Connection refused", "Socket closed",
    "SparkContext was shut down", "stopped SparkContext", "INVALID_HANDLE", "RETRIES_EXCEEDED",
    "ConnectionRefusedError", "Py4JNetworkError",
)  # fmt: skip


class Session:
    """A session of Spark; `asked` counts what is brought back through it.

    Raises
    ------
    ConfigurationError
        pyspark, or CERN's package where it is needed, is not installed.
    SourceUnavailable
        The server does not answer, or lets nobody in without the right token.
    """

    def __init__(self, settings: SourceSettings, options: NxcalsOptions) -> None:
        self.asked = Asked()
        self._settings, self._options = settings, options
        self._remote = False
        self._late = False
        with _quiet():
            self.spark, self.place = self._opened()
            try:
                from pyspark.sql.functions import expr
            except ImportError as error:
                raise _missing(error) from error
        self.expr: Callable[[str], Any] = expr

    def close(self) -> None:
        """Leave a server; a session in this process stays for the next source that wants one."""
        if self._remote:
            with _quiet(), self._named():
                self.spark.stop()

    def table(self, frame: Any) -> Any:
        """The frame's rows as an Arrow table, counted.

        Raises
        ------
        QueryRefused
            Spark refuses the query, or it took longer than the deadline.
        SourceUnavailable
            Spark does not answer any more.
        """
        began = time.monotonic()
        self.asked.queries += 1
        self._late = False
        timer = threading.Timer(self._options.deadline, self._interrupt)
        timer.daemon = True
        timer.start()
        try:
            with _quiet(), self._named():
                table = frame.toArrow()
        finally:
            timer.cancel()
            self.asked.seconds += time.monotonic() - began
        self.asked.rows += table.num_rows
        self.asked.nbytes += table.nbytes
        return table

    def frame(self, table: Any) -> Any:
        """A small Arrow table, as a frame."""
        with _quiet(), self._named():
            return self.spark.createDataFrame(table)

    def parquet(self, path: str, schema: str) -> Any | None:
        """The Parquet files of `path` (a glob) with the columns `schema`; None: there are none."""
        try:
            with _quiet(), self._named():
                frame = self.spark.read.schema(schema).parquet(path)
                _ = frame.schema  # a server looks for the files only when it must
        except QueryRefused as error:
            if "PATH_NOT_FOUND" in str(error):
                return None
            raise
        return frame

    def _opened(self) -> tuple[Any, str]:
        options = self._options
        if not options.lake:
            return self._of_cern(), "NXCALS"
        try:
            import pyspark.sql  # noqa: F401
        except ImportError as error:
            raise _missing(error) from error
        server = self._server()
        if server is not None:
            return self._connected(server), server.place
        return self._classic(), f"Spark on {options.master}"

    def _server(self) -> Server | None:
        options = self._options
        if options.remote:
            token = password(self._settings, options.password_env, options.password_file)
            return Server(options.remote, token)
        return found_server(self._settings, options.start)

    def _connected(self, server: Server) -> Any:
        url = urlparse(server.address)
        try:
            port = url.port or 15002
            with socket.create_connection((url.hostname or "", port), self._options.timeout):
                pass
        except (OSError, ValueError) as error:
            raise SourceUnavailable(
                f"Spark Connect at {server.place} does not answer: {error}"
            ) from error
        try:
            from pyspark.sql import SparkSession
            from pyspark.sql.connect.client.retries import DefaultPolicy
        except ImportError as error:
            raise _missing(error) from error
        self._remote = True
        self.place = server.place
        with self._named():
            session = SparkSession.builder.remote(server.url).create()
            session.client.set_retry_policies([DefaultPolicy(max_retries=3, max_backoff=5000)])
            own = {key: value for key, value in self._options.settings.items() if ".sql." in key}
            try:
                for key, value in {**_OURS, **own}.items():
                    session.conf.set(key, value)
            except BaseException:
                session.client.close()
                raise
        return session

    def _classic(self) -> Any:
        from pyspark.sql import SparkSession

        self.place = f"Spark on {self._options.master}"
        builder = SparkSession.builder.master(self._options.master).appName("oaf")
        local = {"spark.ui.enabled": "false", **self._options.settings, **_OURS}
        if self._options.master.startswith("local"):
            local = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
                     **local}  # fmt: skip
        for key, value in local.items():
            builder = builder.config(key, value)
        try:
            return builder.getOrCreate()
        except Exception as error:  # no Java, no master: each has an exception of its own
            raise SourceUnavailable(f"{self.place} could not begin: {_said(error)}") from error

    def _of_cern(self) -> Any:
        try:
            from importlib import import_module

            builder = import_module(SERVICE)
        except ImportError as error:
            raise ConfigurationError(
                f"source {self._settings.name} says no lake, so it needs CERN's package nxcals, "
                f"which is not installed ({error}): install it from CERN's package index, or write "
                "lake = a folder in the NXCALS layout"
            ) from error
        self.place = "NXCALS"
        flavor = getattr(builder.Flavor, self._options.flavor, None)
        if flavor is None:
            raise ConfigurationError(f"NXCALS has no flavor '{self._options.flavor}'")
        try:
            return builder.get_or_create(
                app_name="oaf", flavor=flavor, conf={**self._options.settings, **_OURS}
            )
        except Exception as error:  # no ticket, no service: each has an exception of its own
            raise SourceUnavailable(f"NXCALS gives no session: {_said(error)}") from error

    def _interrupt(self) -> None:
        self._late = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self._remote:
                self.spark.interruptAll()
            else:
                self.spark.sparkContext.cancelAllJobs()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of Spark as ours."""
        try:
            yield
        except (QueryRefused, SourceUnavailable):
            raise
        except Exception as error:  # pyspark's, grpc's and Py4J's have no root of their own
            if self._late:
                raise QueryRefused(
                    f"{self.place} took longer than {self._options.deadline:g} s, the deadline"
                ) from error
            said = _said(error)
            if any(word in f"{type(error).__name__} {error}"[:1000] for word in _DOWN):
                raise SourceUnavailable(f"{self.place} does not answer: {said}") from error
            raise QueryRefused(f"{self.place} refuses the query: {said}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without pyspark's warnings of what it thinks of other packages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def _missing(error: ImportError) -> ConfigurationError:
    return ConfigurationError(
        f"this source needs pyspark, which is not installed ({error}): {_INSTALL}"
    )


def _said(error: BaseException) -> str:
    """The first line of what Spark said, without its stack."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = next((line for line in lines if not line.startswith("<")), type(error).__name__)
    details = next((line.strip() for line in lines if line.strip().startswith("details =")), "")
    return (details or words)[:500]


def address_of(root: Path, place: str) -> str:
    """Where Spark finds `place`: an address as it is, a folder from the project's."""
    return place if "://" in place else (root / Path(place)).absolute().as_uri()
