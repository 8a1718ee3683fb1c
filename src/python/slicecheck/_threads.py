"""How many threads the library uses."""

from . import _core
from ._arrays import whole


def threads() -> int:
    """The number of threads that the library may use."""
    return _core.threads()


def set_threads(count: int) -> None:
    """Sets it, for the whole process. No result depends on it."""
    _core.set_threads(whole(count, "the number of threads", 1, 2**31 - 1))
