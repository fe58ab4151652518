from .chapter import Chapter, Chapters
from .further import further_measures

__all__ = ["Chapter", "Chapters", "further_measures"]
