#!/usr/bin/python3
"""Open a project in headless QGIS, print its layouts, and say in JSON what a user finds beside the layers.

usage: print_project.py FILE.qgz FOLDER

Leaves FOLDER/sheet.png and FOLDER/atlas-N.png. Exit 0: all is well. 1: something is not. 77: no PyQGIS for this Python.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="qgis"))

try:
    from qgis.core import QgsApplication, QgsExpression, QgsExpressionContextUtils, QgsLayoutExporter, QgsProject
except ImportError as error:
    sys.stdout.write(json.dumps({"problems": [f"no PyQGIS: {error}"]}))
    sys.exit(77)


def printed(layout, folder, problems):
    """Export a layout and return what stands on it."""
    exporter, settings = QgsLayoutExporter(layout), QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 80
    facts = {
        "items": sorted(item.displayName() for item in layout.items() if hasattr(item, "displayName")),
        "pages": [],
    }
    atlas = layout.atlas()
    if not atlas.enabled():
        if exporter.exportToImage(str(folder / "sheet.png"), settings):
            problems.append(f"{layout.name()}: not printed")
        return facts
    atlas.beginRender()
    number = 0
    while atlas.next():
        facts["pages"].append(atlas.nameForPage(number))
        if number < 3 and exporter.exportToImage(str(folder / f"atlas-{number}.png"), settings):
            problems.append(f"{layout.name()}: page {number} not printed")
        texts = [item.currentText() for item in layout.items() if hasattr(item, "currentText")]
        facts.setdefault("texts", texts)
        problems += [f"{layout.name()}: {text!r} holds what was not evaluated" for text in texts if "[%" in text]
        number += 1
    atlas.endRender()
    return facts


def described(layer):
    """Return form, attribute table, scale range and the map tip of the first feature."""
    if not hasattr(layer, "editFormConfig"):
        return {}
    context = layer.createExpressionContext()
    context.appendScope(QgsExpressionContextUtils.layerScope(layer))
    feature = next(layer.getFeatures(), None)
    context.setFeature(feature)
    form = layer.editFormConfig()
    return {
        "tabs": {
            tab.name(): [child.name() for child in tab.children()] for tab in form.tabs() if hasattr(tab, "children")
        },
        "shown": [c.name for c in layer.attributeTableConfig().columns() if not c.hidden],
        "scale": layer.minimumScale() if layer.hasScaleBasedVisibility() else 0,
        "tip": QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context),
        "abstract": layer.metadata().abstract(),
    }


def main():
    application = QgsApplication([], False)
    application.initQgis()
    project, problems, folder = QgsProject.instance(), [], Path(sys.argv[2])
    if not project.read(str(Path(sys.argv[1]).resolve())):
        problems.append(f"not read: {project.error()}")
    themes = project.mapThemeCollection()
    facts = {
        "themes": {
            name: [record.layer().name() for record in themes.mapThemeState(name).layerRecords()]
            for name in themes.mapThemes()
        },
        "bookmarks": [[mark.group(), mark.name()] for mark in project.bookmarkManager().bookmarks()],
        "title": project.metadata().title(),
        "layouts": {
            layout.name(): printed(layout, folder, problems) for layout in project.layoutManager().printLayouts()
        },
        "layers": {layer.name(): described(layer) for layer in project.mapLayers().values()},
        "problems": problems,
    }
    project.clear()
    application.exitQgis()
    sys.stdout.write(json.dumps(facts, ensure_ascii=False))
    sys.exit(1 if problems else 0)


main()
