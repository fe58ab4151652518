"""The plugin: puts the provider into Processing, and takes it out again."""

from qgis.core import QgsApplication

from .provider import Provider


class Plugin:
    """What QGIS loads."""

    def __init__(self, iface=None):
        """Take the window of QGIS; None where there is none, as in qgis_process."""
        self.iface, self.provider = iface, None

    def initProcessing(self):  # noqa: N802
        """Add the provider."""
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):  # noqa: N802
        """Begin in the window."""
        self.initProcessing()

    def unload(self):
        """Remove the provider."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
