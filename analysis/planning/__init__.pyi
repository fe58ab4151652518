from .openings import try_openings
from .scenarios import before_and_after, compare_tables, totals
from .whatif import Answer, Standing, answer, stand

__all__ = [
    "Answer",
    "Standing",
    "answer",
    "before_and_after",
    "compare_tables",
    "stand",
    "totals",
    "try_openings",
]
