"""How much of everything the tests do: less on the sanitizer builds, which are several times
slower. They look for races and misuse of memory, for which a part of the load is enough."""

from .portico import sanitizer

IS_RELEASE = sanitizer() is None


def scaled(release, sanitized):
    """`release` on the release build, `sanitized` on the others."""
    return release if IS_RELEASE else sanitized


def some(items, step):
    """All items on the release build; every step-th, and the last, on the others."""
    items = list(items)
    return items if IS_RELEASE else items[:-1:step] + items[-1:]
