"""Named scripts that are the files of a directory."""

from __future__ import annotations

from typing import List, NamedTuple, Set, Tuple

from . import _native
from ._errors import Error


class Report(NamedTuple):
    """What came of loading a directory, or of a change in a watched one."""

    loaded: List[str]
    """The names of scripts that are new or changed."""
    removed: List[str]
    """The names that no longer serve, because their files are gone."""
    failed: List[Tuple[str, Error]]
    """The files that could not be put, and why. What served under their names before goes on."""


class Watch(_native.Watch):
    """Keeps named scripts as the files of a directory are, until it is closed or its engine is gone: see `Engine.watch`."""

    _open: Set[Watch]

    def close(self) -> None:
        """Ends it, and waits for what is under way. The scripts stay as they are."""
        self._close()
        self._open.discard(self)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
