"""Opens transcripts as they are, or unpacked where a client, or whoever tidied up, has compressed them."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from typing import IO, cast

SUFFIXES = (".gz", ".xz", ".zst")


class NoUnpacker(OSError):
    """Nothing here can read that kind of compression."""


def plain(path: str) -> str:
    """A file's name without what says how it is compressed."""
    return path.rpartition(".")[0] if path.endswith(SUFFIXES) else path


def blocks(path: str, size: int) -> Iterator[bytes]:
    """What a file holds, unpacked, in pieces of at most `size` bytes. Raises OSError for a damaged one too."""
    try:
        with _opened(path) as file:
            while block := file.read(size):
                yield block
    except OSError:
        raise
    except Exception as error:  # each way to unpack has errors of its own
        raise OSError(f"damaged: {error}") from error


def first_line(path: str, longest: int) -> bytes:
    """At most so many bytes of what a file begins with, up to its first line end. Raises OSError."""
    if path.endswith(SUFFIXES):
        return next(blocks(path, longest), b"").partition(b"\n")[0]
    with open(path, "rb") as file:
        return file.readline(longest)


def _opened(path: str) -> IO[bytes]:
    if path.endswith(".gz"):
        import gzip

        return cast(IO[bytes], gzip.open(path))
    if path.endswith(".xz"):
        return lzma.open(path)
    return _zstd(path) if path.endswith(".zst") else open(path, "rb")


def _zstd(path: str) -> IO[bytes]:
    """By the standard library from 3.14 on, else by the package that goes with ours."""
    try:
        from compression import zstd  # type: ignore[import-not-found]
    except ImportError:
        return _zstandard(path)
    return cast(IO[bytes], zstd.open(path))


def _zstandard(path: str) -> IO[bytes]:
    try:
        import zstandard
    except ImportError as error:
        raise NoUnpacker("zstd is not to be had in this Python: install `zstandard`") from error
    return cast(IO[bytes], zstandard.open(path))
