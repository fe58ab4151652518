#!/usr/bin/python3
"""Load layers as a user adds them to QGIS, and say in JSON how they are drawn: files, or tables as provider|source.

usage: load_layers.py SOURCE…

Exit 77: no PyQGIS for this Python.
"""

import json
import os
import sys
import tempfile

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="qgis"))

try:
    from qgis.core import QgsApplication, QgsExpression, QgsProject, QgsVectorLayer
except ImportError as error:
    sys.stdout.write(json.dumps([{"problem": str(error)}]))
    sys.exit(77)


def described(text):
    """Return how one layer is read and drawn."""
    provider, _, source = text.rpartition("\t")
    layer = QgsVectorLayer(source, "layer", provider or "ogr")
    if not layer.isValid():
        return {"source": source, "valid": False, "problem": layer.error().summary()}
    QgsProject.instance().addMapLayer(layer)
    attribute = getattr(layer.renderer(), "classAttribute", str)()
    columns = set(QgsExpression(attribute).referencedColumns()) if attribute else set()
    return {
        "source": source,
        "valid": True,
        "features": layer.featureCount(),
        "renderer": layer.renderer().type(),
        "missing": sorted(columns - set(layer.fields().names())),
        "legend": [i.label() for i in layer.renderer().legendSymbolItems()],
        "crs": layer.crs().authid(),
        "aliases": {f.name(): f.alias() for f in layer.fields() if f.alias()},
    }


application = QgsApplication([], False)
application.initQgis()
facts = [described(text) for text in sys.argv[1:]]
QgsProject.instance().clear()
application.exitQgis()
sys.stdout.write(json.dumps(facts, ensure_ascii=False))
