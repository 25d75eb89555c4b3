"""The one door to the appliance: HTTP requests, repeated where that may help."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPSHandler, Request, build_opener

from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.sources.asked import Asked
from oaflib.sources.patience import Patience

_BLOCK = 1 << 20
_PASSING = (408, 425, 429, 500, 502, 503, 504)


class UnknownPv(Exception):
    """404: the appliance has never archived it; never leaves this room."""


class Interrupted(Exception):
    """An answer that broke off; asking again may help."""


@dataclass(frozen=True)
class Access:
    """How the appliance is reached.

    Attributes
    ----------
    url : the retrieval base, as ``http://host:17668/retrieval``, without a slash at its end.
    timeout : seconds without a byte. deadline : seconds for one answer in all.
    login : user and password, or None.
    """

    url: str
    timeout: float
    deadline: float
    patience: Patience
    ca_file: str | None = None
    login: tuple[str, str] | None = None


class Door:
    """Asks the appliance, and counts what it asked."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.asked = Asked()
        self._lock = Lock()
        context = ssl.create_default_context(cafile=access.ca_file)
        self._opener = build_opener(HTTPSHandler(context=context))

    def whole(self, path: str, query: Mapping[str, str], body: Any = None) -> Any:
        """The JSON that a call answers.

        Raises
        ------
        UnknownPv, QueryRefused, SourceUnavailable
            See `blocks`.
        """
        last = ""
        for _ in self.access.patience.tries():
            try:
                text = b"".join(self.blocks(path, query, body))
                return json.loads(text.decode("utf-8", "replace"), strict=False)
            except Interrupted as error:
                last = str(error)
            except ValueError as error:
                last = f"its answer to {path} is not JSON ({error})"
        raise self.silent(last)

    def blocks(
        self, path: str, query: Mapping[str, str] | Sequence[tuple[str, str]], body: Any = None
    ) -> Iterator[bytes]:
        """The bytes of one answer as they arrive; one request, sent once.

        Raises
        ------
        UnknownPv
            404.
        QueryRefused
            The appliance refuses the question for good.
        SourceUnavailable
            It refuses us, or its certificate is not to be trusted.
        Interrupted
            It does not answer now, or the answer breaks off.
        """
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.access.url}{path}?{urlencode(query)}", data)
        request.add_header("User-Agent", "oaf")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self.access.login:
            pair = ":".join(self.access.login).encode()
            request.add_header("Authorization", f"Basic {b64encode(pair).decode('ascii')}")
        began = time.monotonic()
        with self._lock:
            self.asked.queries += 1
        try:
            with self._opener.open(request, timeout=self.access.timeout) as answer:
                yield from self._body(answer, began)
        except HTTPError as error:
            raise self._meaning(error) from error
        except URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise SourceUnavailable(
                    f"the certificate of {self.access.url} is not to be trusted: {error.reason}; "
                    "if it is the site's own, write its authority's file as ca_file"
                ) from error
            raise Interrupted(f"{self.access.url} does not answer: {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"the answer of {self.access.url} broke off: {error!r}") from error
        finally:
            with self._lock:
                self.asked.seconds += time.monotonic() - began

    def silent(self, last: str) -> SourceUnavailable:
        """The complaint that the appliance did not answer, after all attempts."""
        times = self.access.patience.attempts
        return SourceUnavailable(f"asked {times} times, without success: {last}")

    def _body(self, answer: Any, began: float) -> Iterator[bytes]:
        framed = answer.chunked or answer.length is not None
        held: list[bytes] = []
        size = total = 0
        while block := answer.read1(_BLOCK):
            held.append(block)
            size += len(block)
            if size >= _BLOCK:
                total += self._count(size)
                yield b"".join(held)
                held, size = [], 0
            if time.monotonic() - began > self.access.deadline:
                raise Interrupted(
                    f"an answer of {self.access.url} took more than {self.access.deadline:g} s"
                )
        total += self._count(size)
        yield b"".join(held)
        if answer.length:
            raise Interrupted(
                f"the answer of {self.access.url} broke off: {answer.length} bytes are missing"
            )
        # Neither length nor chunks, as some proxies do: a cut shows only in the answer itself.
        if not framed and answer.headers.get_content_type() == "application/x-protobuf" and total:
            raise QueryRefused(
                f"{self.access.url} sends binary answers of unknown length, in which a cut would "
                'not show; write format = "json" for this source, or mend the proxy before it'
            )

    def _count(self, size: int) -> int:
        with self._lock:
            self.asked.nbytes += size
        return size

    def _meaning(self, error: HTTPError) -> Exception:
        said = error.read(300).decode("utf-8", "replace").strip().splitlines()
        words = f"{error.code} {error.reason}" + (f": {said[0][:200]}" if said else "")
        if error.code == 404:
            return UnknownPv(words)
        if error.code in (401, 403, 407):
            return SourceUnavailable(f"{self.access.url} does not let us in: {words}")
        if error.code in _PASSING:
            return Interrupted(f"{self.access.url} answers {words}")
        return QueryRefused(f"{self.access.url} refuses the query: {words}")
