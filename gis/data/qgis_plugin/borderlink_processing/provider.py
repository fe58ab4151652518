"""The provider: its algorithms, and the setting of the program's place."""

from qgis.core import QgsProcessingProvider

from .algorithms import ALGORITHMS


class Provider(QgsProcessingProvider):
    """Algorithms that call borderlink."""

    def id(self):
        """Return the id under which Processing knows it."""
        return "borderlink"

    def name(self):
        """Return its name."""
        return "Borderlink"

    def longName(self):  # noqa: N802
        """Return its long name."""
        return "Borderlink: a land border as a transport model"

    def loadAlgorithms(self):  # noqa: N802
        """Add the algorithms."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
