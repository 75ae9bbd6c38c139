"""How much of everything the tests do: less on the sanitizer builds, which are several times
slower. They look for races and misuse of memory, for which a part of the load is enough."""

from .portico import BINARY


def find_variant(path):
    """What a binary was built as: "asan", "tsan" or "release"."""
    data = path.read_bytes() if path.exists() else b""
    for variant in ("asan", "tsan"):
        if b"__%s_init" % variant.encode() in data:
            return variant
    return "release"


VARIANT = find_variant(BINARY)
IS_RELEASE = VARIANT == "release"


def scaled(release, sanitized):
    """`release` on the release build, `sanitized` on the others."""
    return release if IS_RELEASE else sanitized


def some(items, step):
    """All items on the release build; every step-th, and the last, on the others."""
    items = list(items)
    return items if IS_RELEASE else items[:-1:step] + items[-1:]
