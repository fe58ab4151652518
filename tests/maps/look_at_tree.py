#!/usr/bin/python3
"""Say in JSON how QGIS reads a project's groups, and what is drawn after each layer of an exclusive group is checked.

usage: look_at_tree.py FILE.qgz, with the system Python. Exit 77: no PyQGIS.
"""

import json
import os
import sys
import tempfile

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="qgis"))

try:
    from qgis.core import QgsApplication, QgsProject
except ImportError:
    sys.exit(77)


def names(nodes):
    return [node.name() for node in nodes if node.isVisible()]


def describe(group):
    layers = group.findLayers()
    facts = {
        "name": group.name(),
        "exclusive": group.isMutuallyExclusive(),
        "on": group.isVisible(),
        "layers": [node.name() for node in layers],
        "visible": names(layers),
    }
    if group.isMutuallyExclusive():
        facts["in turn"] = []
        for node in layers:
            node.setItemVisibilityCheckedParentRecursive(True)
            facts["in turn"].append(names(layers))
    return facts


def widths(layer):
    renderer = layer.renderer()
    if renderer.type() != "categorizedSymbol" or layer.geometryType() != 1:
        return {}
    return {category.label(): category.symbol().width() for category in renderer.categories()}


def main():
    application = QgsApplication([], False)
    application.initQgis()
    project = QgsProject.instance()
    project.read(sys.argv[1])
    facts = {
        "groups": [describe(group) for group in project.layerTreeRoot().findGroups(True)],
        "widths": {
            layer.name(): widths(layer) for layer in project.mapLayers().values() if hasattr(layer, "geometryType")
        },
    }
    project.clear()
    application.exitQgis()
    sys.stdout.write(json.dumps(facts))


main()
