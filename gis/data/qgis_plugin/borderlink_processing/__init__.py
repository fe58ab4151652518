"""Borderlink in QGIS: a Processing provider that calls the program ``borderlink``."""


def classFactory(iface):  # noqa: N802  (the name that QGIS calls)
    """Return the plugin."""
    from .plugin import Plugin

    return Plugin(iface)
