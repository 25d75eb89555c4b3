"""The command line: ``oaf`` and ``run_daily.py``. The only room that asks what time it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from oaflib.errors import ConfigurationError, LockHeld, OafError

DONE, SOME_FAILED, WRONG_CONFIGURATION, LOCKED = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None, default_root: Path | None = None) -> int:
    """Run a command; its exit code.

    0 every report was made, 1 some could not be, 2 the configuration or the command line is wrong
    and nothing ran, 3 another run holds the lock.
    """
    os.umask(os.umask(0o022) | 0o002)  # whatever it is, nothing OAF makes is for all to write
    words = sys.argv[1:] if argv is None else argv
    if argv is None and words[:1] == ["run"] and not {"-h", "--help"} & set(words):
        from oaflib.cli.forked import forked

        code = forked(words)
        if code is not None:
            return code
    from oaflib.cli.arguments import parse

    given = parse(words)
    if given.root is None and "OAF_ROOT" not in os.environ:
        given.root = default_root
    from oaflib.cli import commands

    try:
        code = commands.COMMANDS[given.command](given)
    except ConfigurationError as error:
        return complain(*(str(problem) for problem in error.problems), code=WRONG_CONFIGURATION)
    except LockHeld as error:
        return complain(str(error), code=LOCKED)
    except OafError as error:
        return complain(str(error), code=SOME_FAILED)
    except KeyboardInterrupt:
        return complain("interrupted; the next run finishes what was left", code=SOME_FAILED)
    except BrokenPipeError:  # the reader of our output left: `oaf list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def complain(*lines: str, code: int) -> int:
    """Say on standard error what is wrong, and with which code OAF leaves."""
    from oaflib.inform.texts import plain

    for line in lines:
        sys.stderr.write(f"oaf: {plain(line)}\n")
    return code
