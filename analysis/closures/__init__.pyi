from .checkpoints import close_each, close_pairs, fallbacks, pair_fallbacks
from .links import close_links, links_towards_frame

__all__ = [
    "close_each",
    "close_links",
    "close_pairs",
    "fallbacks",
    "links_towards_frame",
    "pair_fallbacks",
]
