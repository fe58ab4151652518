#!/usr/bin/python3
"""Ask QGIS's own network tools for ways and service areas on a layer of ours, and say in JSON what they find.

usage: network_tools.py FILE.gpkg LAYER JOBS.json

JOBS is {"ways": [[x, y, x, y], …], "areas": [[x, y, minutes], …]}. Exit 77: no PyQGIS, or no Processing.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="qgis"))
sys.path.insert(0, "/usr/share/qgis/python/plugins")

try:
    import processing
    from processing.core.Processing import Processing
    from qgis.analysis import QgsNativeAlgorithms
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProject
except ImportError as error:
    sys.stdout.write(json.dumps({"problem": str(error)}))
    sys.exit(77)

application = QgsApplication([], False)
application.initQgis()
Processing.initialize()
registry = QgsApplication.processingRegistry()
if registry.providerById("native") is None:
    registry.addProvider(QgsNativeAlgorithms())
path, layer, jobs = sys.argv[1], sys.argv[2], json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))
project = QgsProject.instance()
project.read(str(Path(path).with_suffix(".qgz")))
context = QgsProcessingContext()
context.setProject(project)
NETWORK = {
    "INPUT": f"{path}|layername={layer}",
    "STRATEGY": 1,
    "SPEED_FIELD": "drawn_kph",
    "DEFAULT_SPEED": 50,
    "TOLERANCE": 0,
    "DIRECTION_FIELD": "travel_direction",
    "VALUE_FORWARD": "forward",
    "VALUE_BACKWARD": "backward",
    "VALUE_BOTH": "both",
    "DEFAULT_DIRECTION": 2,
}


def point(x, y):
    return f"{x!r},{y!r} [EPSG:4326]"


def way(x, y, to_x, to_y):
    ends = {"START_POINT": point(x, y), "END_POINT": point(to_x, to_y), "OUTPUT": "memory:"}
    try:
        found = processing.run("native:shortestpathpointtopoint", {**NETWORK, **ends}, context=context)
    except QgsProcessingException:
        return None
    return 60 * found["TRAVEL_COST"]


def area(x, y, minutes):
    """Return the ends of all pieces of line that are reached."""
    more = {"START_POINT": point(x, y), "TRAVEL_COST2": minutes / 60, "OUTPUT_LINES": "memory:"}
    found = processing.run("native:serviceareafrompoint", {**NETWORK, **more}, context=context)
    lines = found["OUTPUT_LINES"]
    parts = [part for feature in lines.getFeatures() for part in feature.geometry().asMultiPolyline()]
    return sorted({(p.x(), p.y()) for part in parts for p in part})


facts = {"ways": [way(*job) for job in jobs["ways"]], "areas": [area(*job) for job in jobs["areas"]]}
sys.stdout.write(json.dumps(facts))
sys.stdout.flush()
os._exit(0)  # some versions crash on the way out, with all said
