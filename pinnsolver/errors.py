"""The one tree of errors that a user can cause or has to know of.

Each message has three parts: what was declared, which rule it breaks, what to write instead.
Only `cli.py` turns one into a line on the terminal and an exit code; every other exception is a bug
and keeps its traceback.
"""


class PinnsolverError(Exception):
    """Base of everything that pinnsolver raises on purpose."""


class DeclarationError(PinnsolverError):
    """The problem, a setting or a file is wrong; the message says what to write instead."""


class UnsupportedProblem(PinnsolverError):
    """The problem is right, but pinnsolver cannot solve it yet."""


class CompileError(PinnsolverError):
    """An expression has no counterpart in torch, or is not finite where it is needed."""


class RunFolderError(PinnsolverError):
    """A run folder is missing, incomplete, in use, or not a run folder."""


class TrainingDiverged(PinnsolverError):
    """Training left the finite numbers before anything worth keeping was found."""
