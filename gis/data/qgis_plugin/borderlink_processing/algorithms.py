"""The algorithms: each turns its parameters into a command of borderlink, and loads what that wrote."""

import os
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputFile,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
    QgsProcessingParameterVectorLayer,
    QgsProject,
    QgsVectorLayer,
)

from . import runner

MODES, NETWORKS = ("road", "rail", "any"), ("actual", "open", "borderless")
LANGUAGES = ("en", "ru", "kk")
OBJECTIVES, CANDIDATES = ("time", "people", "potential", "equity"), ("crossing", "ends", "sample")


class Algorithm(QgsProcessingAlgorithm):
    """What all have in common: the study, and the call."""

    NAME = TITLE = HELP = ""
    GROUP = "Questions"

    def name(self):
        """Return the id."""
        return self.NAME

    def displayName(self):  # noqa: N802
        """Return the name."""
        return self.TITLE

    def group(self):
        """Return the name of the group."""
        return self.GROUP

    def groupId(self):  # noqa: N802
        """Return the id of the group."""
        return self.GROUP.lower()

    def shortHelpString(self):  # noqa: N802
        """Return the help."""
        return (
            f"{self.HELP}\n\nWithout a study the packaged Russia–Kazakhstan border is taken. Calls the program "
            "borderlink, which is installed beside QGIS."
        )

    def createInstance(self):  # noqa: N802
        """Return a new one."""
        return type(self)()

    def study(self):
        """Add the study's parameter."""
        self.addParameter(
            QgsProcessingParameterFile(
                "STUDY", "Study (TOML), empty for the packaged one", extension="toml", optional=True
            )
        )

    def modes(self):
        """Add mode and network."""
        self.addParameter(QgsProcessingParameterEnum("MODE", "Mode", MODES, defaultValue=0))
        self.addParameter(QgsProcessingParameterEnum("NETWORK", "Network", NETWORKS, defaultValue=0))

    def given(self, parameters, context):
        """Return the options of mode, network and study."""
        words = ["--mode", MODES[self.parameterAsEnum(parameters, "MODE", context)]]
        words += ["--network", NETWORKS[self.parameterAsEnum(parameters, "NETWORK", context)]]
        study = self.parameterAsFile(parameters, "STUDY", context)
        return words + (["--study", study] if study else [])


class Folder(Algorithm):
    """What leaves a folder of results: its project is named, its layers are loaded."""

    GROUP = "Results"
    FILE = ""
    LOADED = ()

    def language(self):
        """Add the language of map, report and project."""
        self.addParameter(QgsProcessingParameterEnum("LANGUAGE", "Language", LANGUAGES, defaultValue=0))

    def spoken(self, parameters, context):
        """Return the option of the language; nothing for English."""
        number = self.parameterAsEnum(parameters, "LANGUAGE", context)
        return ["--lang", LANGUAGES[number]] if number else []

    def out(self):
        """Add the folder and what is in it."""
        self.addParameter(QgsProcessingParameterFolderDestination("OUT", "Folder for the results"))
        self.addOutput(QgsProcessingOutputFile("PROJECT", "QGIS project"))
        self.addOutput(QgsProcessingOutputFile("GEOPACKAGE", "GeoPackage"))

    def finished(self, parameters, context, feedback, words):
        """Call the command and return where its files are."""
        folder = Path(self.parameterAsString(parameters, "OUT", context))
        # QGIS makes the folder beforehand; borderlink takes new and empty ones, and its own.
        folder.mkdir(parents=True, exist_ok=True)
        runner.call([*words, "--out", str(folder)], feedback)
        base = folder / f"{self.FILE}.gpkg"
        for name in self.LOADED:
            source = f"{base}|layername={name}"
            if QgsVectorLayer(source, name, "ogr").isValid():
                details = QgsProcessingContext.LayerDetails(name, context.project() or QgsProject.instance(), name)
                context.addLayerToLoadOnCompletion(source, details)
        return {"OUT": str(folder), "PROJECT": str(folder / f"{self.FILE}.qgz"), "GEOPACKAGE": str(base)}


class Run(Folder):
    """`borderlink run`."""

    NAME, TITLE, FILE, LOADED = (
        "run",
        "Run a study",
        "border",
        ("regions", "cells", "roads", "border_line", "checkpoints", "places"),
    )
    HELP = (
        "Builds the network of a border, measures it, finds growth points and bottlenecks; leaves project, "
        "GeoPackage, map, report and tables."
    )

    def initAlgorithm(self, configuration=None):  # noqa: N802, ARG002
        """Add the parameters."""
        self.study()
        self.addParameter(
            QgsProcessingParameterNumber(
                "PERMUTATIONS", "Permutations of the tests, 0 for the study's", defaultValue=0, minValue=0
            )
        )
        self.language()
        self.out()

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run it."""
        study = self.parameterAsFile(parameters, "STUDY", context)
        count = self.parameterAsInt(parameters, "PERMUTATIONS", context)
        words = ["run", *([study] if study else []), *(["--permutations", str(count)] if count else [])]
        words += self.spoken(parameters, context)
        return self.finished(parameters, context, feedback, words)


class Scenario(Folder):
    """`borderlink scenario`."""

    NAME, TITLE, FILE, LOADED = (
        "scenario",
        "Compare before and after",
        "scenario",
        ("cells_change", "checkpoints_after"),
    )
    HELP = "Opens and closes checkpoints, or makes the edits of a file, and compares the border before and after."

    def initAlgorithm(self, configuration=None):  # noqa: N802, ARG002
        """Add the parameters."""
        self.study()
        self.addParameter(QgsProcessingParameterString("OPEN", "Open at lon,lat (several between ;)", optional=True))
        self.addParameter(
            QgsProcessingParameterString("CLOSE", "Close by name or id (several between ;)", optional=True)
        )
        self.addParameter(QgsProcessingParameterFile("EDITS", "Edits (TOML)", extension="toml", optional=True))
        self.language()
        self.out()

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run it."""
        study, edits = (self.parameterAsFile(parameters, n, context) for n in ("STUDY", "EDITS"))
        words = ["scenario", *([study] if study else [])]
        for option, name in (("--open", "OPEN"), ("--close", "CLOSE")):
            for text in _parts(self.parameterAsString(parameters, name, context)):
                words += [option, text]
        words += [*(["--edits", edits] if edits else []), *self.spoken(parameters, context)]
        return self.finished(parameters, context, feedback, words)


class Sites(Folder):
    """`borderlink sites`, where the installed program has it."""

    NAME, TITLE, FILE, LOADED = "sites", "Find sites for new checkpoints", "sites", ("sites",)
    HELP = (
        "Says where the next checkpoints belong: the best set for each number, with its gain, the missing kilometres "
        "of road and how steady the choice is."
    )

    def initAlgorithm(self, configuration=None):  # noqa: N802, ARG002
        """Add the parameters."""
        self.study()
        self.addParameter(
            QgsProcessingParameterNumber(
                "COUNT", "New checkpoints at the most", defaultValue=5, minValue=1, maxValue=50
            )
        )
        self.addParameter(QgsProcessingParameterEnum("OBJECTIVE", "Objective", OBJECTIVES, defaultValue=0))
        self.addParameter(
            QgsProcessingParameterEnum(
                "CANDIDATES",
                "Candidates of the data",
                CANDIDATES,
                allowMultiple=True,
                defaultValue=[0, 1, 2],
                optional=True,
            )
        )
        self.addParameter(
            QgsProcessingParameterVectorLayer(
                "POINTS", "Candidates of your own", [QgsProcessing.TypeVectorPoint], optional=True
            )
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                "BUDGET",
                "Kilometres of missing road at the most",
                QgsProcessingParameterNumber.Double,
                optional=True,
                minValue=0.0,
            )
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                "DRAWS", "Draws of waits, speeds, half-life and people", defaultValue=200, minValue=0
            )
        )
        self.language()
        self.out()

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run it."""
        if not runner.has_command("sites"):
            raise QgsProcessingException("The installed borderlink has no command sites: a newer one is needed.")
        study = self.parameterAsFile(parameters, "STUDY", context)
        kinds = [CANDIDATES[i] for i in self.parameterAsEnums(parameters, "CANDIDATES", context)]
        words = ["sites", *([study] if study else []), "--candidates", ",".join(kinds) or "none"]
        words += ["--count", str(self.parameterAsInt(parameters, "COUNT", context))]
        words += ["--objective", OBJECTIVES[self.parameterAsEnum(parameters, "OBJECTIVE", context)]]
        words += ["--draws", str(self.parameterAsInt(parameters, "DRAWS", context))]
        if parameters.get("BUDGET") is not None:
            words += ["--budget-km", str(self.parameterAsDouble(parameters, "BUDGET", context))]
        layer = self.parameterAsVectorLayer(parameters, "POINTS", context)
        for lon, lat in _places(layer, context) if layer else []:
            words += ["--point", f"{lon},{lat}"]
        words += self.spoken(parameters, context)
        return self.finished(parameters, context, feedback, words)


class Compare(Folder):
    """`borderlink compare`."""

    NAME, TITLE, FILE, LOADED = (
        "compare",
        "Two runs side by side",
        "compare",
        ("regions", "cells_compared", "border_line", "posts_compared"),
    )
    HELP = "Says what differs between two runs of one border: inputs, findings, checkpoints, places, regions, cells."

    def shortHelpString(self):  # noqa: N802
        """Return the help, which knows no study."""
        return self.HELP

    def initAlgorithm(self, configuration=None):  # noqa: N802, ARG002
        """Add the parameters."""
        for name, title in (("FIRST", "Folder of the first run"), ("SECOND", "Folder of the second run")):
            self.addParameter(QgsProcessingParameterFile(name, title, behavior=QgsProcessingParameterFile.Folder))
        self.language()
        self.out()

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run it."""
        words = ["compare", *(self.parameterAsFile(parameters, n, context) for n in ("FIRST", "SECOND"))]
        words += self.spoken(parameters, context)
        return self.finished(parameters, context, feedback, words)


class Route(Algorithm):
    """`borderlink route`."""

    NAME, TITLE = "route", "Way between two places"
    HELP = "Finds the way between two places, with the checkpoints that it passes and the waits at them."

    def initAlgorithm(self, configuration=None):  # noqa: N802, ARG002
        """Add the parameters."""
        self.addParameter(QgsProcessingParameterString("FROM", "From: a settlement by any of its names, or lon,lat"))
        self.addParameter(QgsProcessingParameterString("TO", "To"))
        self.modes()
        self.study()
        self.addParameter(QgsProcessingParameterVectorDestination("OUTPUT", "Way", QgsProcessing.TypeVectorLine))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run it."""
        path = _geopackage(self.parameterAsOutputLayer(parameters, "OUTPUT", context))
        words = [self.parameterAsString(parameters, n, context) for n in ("FROM", "TO")]
        runner.call(["route", *words, *self.given(parameters, context), "--out", path], feedback)
        return {"OUTPUT": f"{path}|layername=way"}


class Isochrone(Algorithm):
    """`borderlink isochrone`."""

    NAME, TITLE = "isochrone", "Ground within minutes"
    HELP = "Draws the ground within minutes of places, across the border too."

    def initAlgorithm(self, configuration=None):  # noqa: N802, ARG002
        """Add the parameters."""
        self.addParameter(
            QgsProcessingParameterString("PLACES", "Settlements, lon,lat, or checkpoints (several between ;)")
        )
        self.addParameter(QgsProcessingParameterString("MINUTES", "Minutes, between commas", defaultValue="60,120"))
        self.modes()
        self.study()
        self.addParameter(
            QgsProcessingParameterVectorDestination("OUTPUT", "Isochrones", QgsProcessing.TypeVectorPolygon)
        )

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run it."""
        path = _geopackage(self.parameterAsOutputLayer(parameters, "OUTPUT", context))
        places = _parts(self.parameterAsString(parameters, "PLACES", context))
        minutes = self.parameterAsString(parameters, "MINUTES", context)
        words = ["isochrone", *places, "--minutes", minutes, *self.given(parameters, context), "--out", path]
        runner.call(words, feedback)
        return {"OUTPUT": f"{path}|layername=isochrones"}


class Matrix(Algorithm):
    """`borderlink matrix`."""

    NAME, TITLE = "matrix", "Minutes between places"
    HELP = "Finds the ways between all pairs of places: minutes, waits, kilometres, checkpoints."

    def initAlgorithm(self, configuration=None):  # noqa: N802, ARG002
        """Add the parameters."""
        self.addParameter(QgsProcessingParameterString("FROM", "From (several between ;)"))
        self.addParameter(
            QgsProcessingParameterString("TO", "To (several between ;), empty for the same", optional=True)
        )
        self.modes()
        self.study()
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", "Table", "CSV (*.csv)"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run it."""
        path = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        lists = [";".join(_parts(self.parameterAsString(parameters, n, context))) for n in ("FROM", "TO")]
        words = ["matrix", *(text for text in lists if text)]
        runner.call([*words, *self.given(parameters, context), "--out", path], feedback)
        return {"OUTPUT": path}


ALGORITHMS = (Run, Scenario, Sites, Compare, Route, Isochrone, Matrix)


def _parts(text):
    return [part.strip() for part in (text or "").split(";") if part.strip()]


def _places(layer, context):
    """Return longitude and latitude of the points of a layer."""
    lonlat = QgsCoordinateReferenceSystem("EPSG:4326")
    turn = QgsCoordinateTransform(layer.crs(), lonlat, context.transformContext())
    points = [turn.transform(p) for f in layer.getFeatures() for p in map(QgsPointXY, f.geometry().vertices())]
    return [(round(p.x(), 6), round(p.y(), 6)) for p in points]


def _geopackage(path):
    """Return the file that is written; QGIS may have made up another ending."""
    path = os.path.abspath(path)  # noqa: PTH100  (QGIS hands on what the user typed)
    return path if path.lower().endswith(".gpkg") else f"{os.path.splitext(path)[0]}.gpkg"  # noqa: PTH122
