"""A dead man's switch: an address asked for, so that somebody else notices when it is not."""

from __future__ import annotations

import urllib.error
import urllib.request


def ping(url: str, timeout: float) -> str:
    """Ask for `url`; nothing when it answered, else a sentence. Certificates are verified.

    Never raises: who watches over a morning must not break it. `timeout` in seconds bounds each
    step of it.
    """
    if not url:
        return ""
    where = url.partition("://")[2].partition("/")[0] or url  # the path is often the key to it
    try:
        asked = urllib.request.Request(url, headers={"User-Agent": "oaf"})
        with urllib.request.urlopen(asked, timeout=timeout) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        return f"the ping of {where} was answered with {error.code} {error.reason}"
    except (OSError, ValueError) as error:
        return f"the ping of {where} did not get through: {getattr(error, 'reason', error)}"
    except Exception as error:  # http.client's own, for answers that are none
        return f"the ping of {where} was answered with nonsense: {type(error).__name__}"
    return ""
