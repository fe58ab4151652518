#!/usr/bin/python3
"""Open a QGIS project, or the layers of a GeoPackage, in headless QGIS and say in JSON what a user would get.

usage: open_project.py FILE.qgz|FILE.gpkg [PICTURE.png]

Exit 0: all is well. 1: something is not, see "problems". 77: no PyQGIS for this Python.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="qgis"))

try:
    from qgis.core import (
        QgsApplication,
        QgsExpression,
        QgsMapRendererParallelJob,
        QgsMapSettings,
        QgsProject,
        QgsProviderRegistry,
        QgsRasterLayer,
        QgsRenderContext,
        QgsVectorLayer,
        QgsWkbTypes,
    )
    from qgis.PyQt.QtCore import QSize
except ImportError as error:
    sys.stdout.write(json.dumps({"problems": [f"no PyQGIS: {error}"]}))
    sys.exit(77)

BOOKKEEPING = {"layer_styles", "qgis_projects"}


def add_geopackage(project, path):
    """Add each spatial table as a user would: the default style comes from the file or not at all."""
    for sub in QgsProviderRegistry.instance().providerMetadata("ogr").querySublayers(path):
        if sub.wkbType() != QgsWkbTypes.NoGeometry and sub.name() not in BOOKKEEPING:
            layer = QgsVectorLayer(f"{path}|layername={sub.name()}", sub.name(), "ogr")
            project.addMapLayer(layer)
            project.setCrs(layer.crs())


def features_by_legend(layer):
    """Return how many features each line of the legend draws; None counts those that are not drawn."""
    renderer = layer.renderer().clone()
    labels = {item.ruleKey(): item.label() for item in renderer.legendSymbolItems()}
    counts = dict.fromkeys(labels.values(), 0)
    context = QgsRenderContext()
    context.setExpressionContext(layer.createExpressionContext())
    renderer.startRender(context, layer.fields())
    for feature in layer.getFeatures():
        context.expressionContext().setFeature(feature)
        keys = renderer.legendKeysForFeature(feature, context) if renderer.willRenderFeature(feature, context) else []
        for label in [labels[key] for key in keys] or [None]:
            counts[label] = counts.get(label, 0) + 1
    renderer.stopRender(context)
    return [[label, count] for label, count in counts.items()]


def labelled(layer):
    """Return the texts of the labels that the layer wants to show."""
    if not layer.labelsEnabled() or layer.labeling() is None:
        return []
    settings = layer.labeling().settings()
    column = QgsExpression.quotedColumnRef(settings.fieldName)
    expression = QgsExpression(settings.fieldName if settings.isExpression else column)
    context = layer.createExpressionContext()
    texts = []
    for feature in layer.getFeatures():
        context.setFeature(feature)
        texts.append(expression.evaluate(context))
    return sorted(str(text) for text in texts if text)


def vector(layer, problems):
    facts = {"features": layer.featureCount(), "renderer": layer.renderer().type(), "opacity": layer.opacity()}
    if not layer.featureCount():
        problems.append(f"{layer.name()}: empty")
    attribute = getattr(layer.renderer(), "classAttribute", str)()
    missing = set(QgsExpression(attribute).referencedColumns()) - set(layer.fields().names())
    if missing:
        problems.append(f"{layer.name()}: the renderer wants columns that are not there: {sorted(missing)}")
    facts["aliases"] = {field.name(): field.alias() for field in layer.fields() if field.alias()}
    facts["display"] = layer.displayExpression()
    facts["legend"] = [item.label() for item in layer.renderer().legendSymbolItems()]
    facts["drawn"] = features_by_legend(layer)
    facts["labels"] = labelled(layer)
    return facts


def raster(layer):
    provider, renderer = layer.dataProvider(), layer.renderer()
    facts = {"size": [layer.width(), layer.height()], "renderer": renderer.type(), "opacity": renderer.opacity()}
    facts["nodata"] = provider.sourceNoDataValue(1) if provider.sourceHasNoDataValue(1) else None
    if renderer.type() == "singlebandpseudocolor":
        items = renderer.shader().rasterShaderFunction().colorRampItemList()
        facts["legend"] = [item.label for item in items]
        facts["colors"] = [item.color.name() for item in items]
    return facts


def describe(project, node, problems):
    layer = node.layer()
    facts = {
        "id": layer.id(),
        "name": layer.name(),
        "group": node.parent().name(),
        "visible": node.isVisible(),
        "crs": layer.crs().authid() or layer.crs().description(),
        "rights": layer.metadata().rights(),
        "licences": layer.metadata().licenses(),
        "title": layer.metadata().title(),
    }
    if not layer.isValid():
        problems.append(f"{layer.name()}: invalid")
        return facts
    if not layer.crs().isValid():
        problems.append(f"{layer.name()}: no CRS")
    return facts | (raster(layer) if isinstance(layer, QgsRasterLayer) else vector(layer, problems))


def draw(project, nodes, picture, problems):
    """Draw the first view, save it if a name is given, and return how many colours it has."""
    settings = QgsMapSettings()
    settings.setLayers([node.layer() for node in nodes if node.isVisible()])
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setOutputSize(QSize(1200, 700))
    saved = project.viewSettings().defaultViewExtent()
    settings.setExtent(settings.fullExtent() if saved.isEmpty() else saved)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    problems += [f"drawing {error.layerID}: {error.message}" for error in job.errors()]
    image = job.renderedImage()
    if picture:
        image.save(picture)
    small = image.scaled(200, 200)
    colors = len({small.pixel(x, y) for x in range(200) for y in range(200)})
    if colors < 2:
        problems.append("the picture is blank")
    return colors


def look(path, picture):
    problems, project = [], QgsProject.instance()
    if path.endswith(".gpkg"):
        add_geopackage(project, path)
    elif not project.read(path):
        return {"problems": [f"not read: {project.error()}"]}
    # A layer whose table is gone is not invalid: QGIS drops it, and only its place in the tree is left.
    nodes = project.layerTreeRoot().findLayers()
    problems += [f"{node.name()}: in the tree, but no such layer" for node in nodes if node.layer() is None]
    nodes = [node for node in nodes if node.layer() is not None]
    loose = set(project.mapLayers()) - {node.layerId() for node in nodes}
    if loose:
        problems.append(f"layers that are not in the tree: {sorted(loose)}")
    if not nodes:
        problems.append("no layers")
    if not project.crs().isValid():
        problems.append("the project has no CRS")
    view = project.viewSettings().defaultViewExtent()
    facts = {
        "title": project.title(),
        "extent": [view.xMinimum(), view.yMinimum(), view.xMaximum(), view.yMaximum()],
        "crs": project.crs().description(),
        "proj": project.crs().toProj(),
        "groups": [group.name() for group in project.layerTreeRoot().findGroups(True)],
        "layers": [describe(project, node, problems) for node in nodes],
    }
    if nodes and not problems:
        facts["colors"] = draw(project, nodes, picture, problems)
    return facts | {"problems": problems}


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    application = QgsApplication([], False)
    application.initQgis()
    facts = look(str(Path(sys.argv[1]).resolve()), sys.argv[2] if len(sys.argv) == 3 else None)
    # QGIS crashes at exit if a layer outlives the application.
    QgsProject.instance().clear()
    application.exitQgis()
    sys.stdout.write(json.dumps(facts, ensure_ascii=False))
    sys.exit(1 if facts["problems"] else 0)


main()
