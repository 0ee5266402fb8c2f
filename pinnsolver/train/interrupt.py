"""Ctrl-C and SIGTERM while training: it ends after the step, and what there is is kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Interrupt:
    """Whether the user has had enough."""

    asked: bool = False


@contextlib.contextmanager
def interruptible(interrupt: Interrupt) -> Iterator[None]:
    """Note Ctrl-C or SIGTERM, to end after the step; a second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, frame: Any) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True

    before = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
