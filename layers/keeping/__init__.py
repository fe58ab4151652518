"""Results of stages that stay in the cache: the same function of the same content is not computed twice.

A key is the digest of everything that a function is given, of the code and of the libraries: a result is found only
where nothing that it hangs on has changed. What is found is what was written, byte by byte, or it is not taken.
"""

from layers.keeping.results import (
    Keeper,
    is_keeping,
    keeping,
    kept,
    kept_as,
    kept_each,
    key_of,
    known_as,
    scratch_folder,
)

__all__ = ["Keeper", "is_keeping", "keeping", "kept", "kept_as", "kept_each", "key_of", "known_as", "scratch_folder"]
