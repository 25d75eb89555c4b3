"""Java's exceptions in the words of a source: it does not answer, or it refuses this query."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oaflib.errors import ConfigurationError, QueryRefused, SourceError, SourceUnavailable

# Names of classes in the chain of causes that say that nobody answered.
_AWAY = re.compile(
    r"ConnectException|ConnectionException|ConnectTimeout|UnknownHost|NoRouteToHost|SocketException"
    r"|SocketTimeout|RemoteAccess|RemoteConnect|RetryableException|LoginException|GSSException"
    r"|KrbException|SQLRecoverable|SQLTransientConn|SQLNonTransientConn|SSLException|EOFException"
    r"|ServiceUnavailable|UnresolvedAddress"
)
_TOO_MUCH = re.compile(r"limit|maximum|too (many|much|large|big|long|wide)|exceed|more than", re.I)
_NOBODY = re.compile(
    r"connect(?!or)|unreachable|unavailable|service (is )?not available|authenticat|kerberos"
    r"|no route",
    re.I,
)


@contextmanager
def asking(jpype: Any, what: str) -> Iterator[None]:
    """Around a call to the service: whatever Java throws there is told as a `SourceError`."""
    try:
        yield
    except jpype.JException as error:
        raise told(what, error) from None


def told(what: str, error: Any) -> SourceError | ConfigurationError:
    """The error to raise when asking for `what` ended in the Java exception `error`."""
    chain = _chain(error)
    names = [name for name, _ in chain]
    texts = [text for _, text in chain if text]
    said = f"{what}: " + "; ".join(dict.fromkeys(texts or [names[0]]))
    if any(name.endswith("OutOfMemoryError") for name in names):
        return QueryRefused(
            f"{said}. Java's memory is too small for the answer: ask for less at once, or give it "
            "more with -Xmx in jvm_options"
        )
    if any(re.search(r"NoClassDefFound|ClassNotFound|NoSuchField|LinkageErr", n) for n in names):
        return ConfigurationError(f"{said} ({names[0]}). A jar is missing in classpath, or is old")
    if any(_AWAY.search(name) for name in names):
        return SourceUnavailable(said)
    if any(_TOO_MUCH.search(text) and not re.search("connection", text, re.I) for text in texts):
        return QueryRefused(said)
    if any(_NOBODY.search(text) for text in texts):
        return SourceUnavailable(said)
    return QueryRefused(f"{said} ({names[0]})")


def _chain(error: Any) -> list[tuple[str, str]]:
    """Class and message of the exception and of its causes, at most ten."""
    chain: list[tuple[str, str]] = []
    while error is not None and len(chain) < 10:
        text = error.getMessage()
        chain.append((str(error.getClass().getName()), "" if text is None else str(text).strip()))
        error = error.getCause()
    return chain
