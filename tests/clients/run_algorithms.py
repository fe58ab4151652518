#!/usr/bin/python3
"""Run algorithms of our Processing provider in headless QGIS, and say in JSON what came of each.

usage: run_algorithms.py PLUGINS_FOLDER JOBS.json

JOBS is a list of [algorithm, parameters, cancel after so many seconds or null]. Exit 77: no PyQGIS, or no Processing.
"""

import json
import os
import sys
import tempfile
import threading
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="qgis"))
sys.path[:0] = ["/usr/share/qgis/python/plugins", sys.argv[1]]

try:
    from qgis.core import (
        QgsApplication,
        QgsProcessingContext,
        QgsProcessingException,
        QgsProcessingFeedback,
        QgsProject,
        QgsVectorLayer,
    )
except ImportError as error:
    sys.stdout.write(json.dumps({"problem": str(error)}))
    sys.exit(77)

application = QgsApplication([], False)
application.initQgis()
try:
    import processing
    from processing.core.Processing import Processing
except ImportError as error:
    sys.stdout.write(json.dumps({"problem": str(error)}))
    sys.exit(77)

Processing.initialize()
from borderlink_processing.plugin import Plugin  # noqa: E402  (QGIS must be there)

plugin = Plugin()
plugin.initProcessing()
registry = QgsApplication.processingRegistry()


class Feedback(QgsProcessingFeedback):
    def __init__(self):
        super().__init__(False)
        self.lines, self.steps = [], []
        self.progressChanged.connect(self.steps.append)

    def setProgressText(self, text):
        self.lines.append(text)

    def pushInfo(self, info):
        self.lines.append(info)


def done(name, parameters, cancel):
    feedback, context = Feedback(), QgsProcessingContext()
    context.setProject(QgsProject.instance())
    if cancel is not None:
        threading.Timer(cancel, feedback.cancel).start()
    try:
        result = processing.run(name, parameters, feedback=feedback, context=context)
    except QgsProcessingException as error:
        return {"error": str(error), "lines": feedback.lines, "steps": feedback.steps}
    facts = {
        "result": {k: str(v) for k, v in result.items()},
        "lines": feedback.lines,
        "steps": feedback.steps,
        "loaded": sorted(context.layersToLoadOnCompletion()),
    }
    layer = QgsVectorLayer(str(result.get("OUTPUT", "")), "x", "ogr")
    facts["features"] = layer.featureCount() if layer.isValid() else None
    return facts


facts = {
    "algorithms": sorted(a.id() for a in registry.algorithms() if a.id().startswith("borderlink:")),
    "jobs": [done(*job) for job in json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))],
}
plugin.unload()
QgsProject.instance().clear()
sys.stdout.write(json.dumps(facts, ensure_ascii=False))
sys.stdout.flush()
os._exit(0)  # some versions crash on the way out, with all said
