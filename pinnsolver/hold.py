"""One run at a time in a folder: a lock that the system lets go of when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pinnsolver.errors import RunFolderError

LOCK = ".lock"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # a lock that is a link would empty what it points to


@contextlib.contextmanager
def hold(place: Path) -> Iterator[None]:
    """Keep other runs out of a folder while this block lasts.

    A lock file that a killed process left behind holds nobody up: only a living process has the lock.

    Raises:
        RunFolderError: another run is in the folder.
        OSError: it cannot be written.
    """
    try:
        handle = _locked(place)
    except BlockingIOError:
        raise RunFolderError(
            f"{place} is in use by another run{_holder(place)}.\nWait for it to end, or name another folder with --out"
        ) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (place / LOCK).unlink()
        os.close(handle)


def refuse_held(place: Path) -> None:
    """Raise where another run is in a folder.

    Raises:
        RunFolderError: it is.
    """
    if (place / LOCK).exists():
        with hold(place):
            pass


def _locked(place: Path) -> int:
    """Return an open file with the lock; BlockingIOError where another process has it."""
    while True:
        handle = os.open(place / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | _NO_LINK, 0o644)
        try:
            _lock(handle)
            # Whoever had it may have removed the file in between: then this one is nobody's.
            if os.path.exists(place / LOCK) and os.path.samestat(os.fstat(handle), os.stat(place / LOCK)):
                os.ftruncate(handle, 0)
                os.write(handle, f"process {os.getpid()}".encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # not a Unix: there runs are not kept apart
        return
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _holder(place: Path) -> str:
    try:
        text = (place / LOCK).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    return f" ({text})" if text else ""
