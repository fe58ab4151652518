// The edits in words, and the forms that make them.
import { element, known, oneDecimal, whole } from "./format.js";
import { _, ngettext, number, word } from "./say.js";

export function lengthKm(points) {
  let sum = 0;
  for (let n = 1; n < points.length; n += 1) {
    const [[x, y], [u, v]] = [points[n - 1], points[n]].map((p) => p.map((d) => d * Math.PI / 180));
    const half = Math.sin((v - y) / 2) ** 2 + Math.cos(y) * Math.cos(v) * Math.sin((u - x) / 2) ** 2;
    sum += 2 * 6371 * Math.asin(Math.sqrt(half));
  }
  return sum;
}

function joinedWords(place, study) {
  if (place.of === undefined && place.match_km === undefined && place.road_a_km === undefined) return _("opened and closed again");
  if (place.match_km === undefined) return _("joined by assumed roads of {a} km in {side_a} and {b} km in {side_b}, which the data lack", { a: whole(place.road_a_km), b: whole(place.road_b_km), side_a: study.sides.a, side_b: study.sides.b });
  const at = _("joined at a crossing of the data {km} km away", { km: oneDecimal(place.match_km) });
  return place.of.length ? at + ", " + _("that of {names}: what changes is the wait there, no road is new", { names: place.of.join(", ") }) : at;
}

// A place by the nearest inhabited settlement, and by its degrees.
function placeWords(edit, study) {
  if (!known(edit.lon)) return [edit.crossing, ""];
  const degrees = `${Number(edit.lon.toFixed(3))}, ${Number(edit.lat.toFixed(3))}`;
  const away = (town) => lengthKm([[edit.lon, edit.lat], [town.lon, town.lat]]);
  let near = null, least = Infinity;
  for (const town of study.settlements) if (town.people > 0 && away(town) < least) { near = town; least = away(town); }
  return near ? [near.name, `${degrees}; ${_("{km} km from {place}", { km: whole(least), place: near.name })}`] : [degrees, ""];
}

const CLASS = (edit) => (edit.road_class ? word(edit.road_class) : "");
const KPH = (edit) => (known(edit.road_kph) ? _("{n} km/h", { n: number(edit.road_kph, 0) }) : "");

export function editLine(edit, study, places, opened) {
  const name = (id) => { const post = study.checkpoints.find((one) => one.id === id); return post ? post.name : id; };
  const min = (n) => _("{n} min", { n: String(n) });
  const again = _("the network is built again");
  const where = edit.region || (edit.polygon ? _("an area of {n} corners", { n: edit.polygon.length }) : (edit.osm_ids || []).length ? ngettext("{n} way", "{n} ways", edit.osm_ids.length, { n: edit.osm_ids.length }) : _("everywhere"));
  const what = [CLASS(edit), KPH(edit)].filter(Boolean).join(", ");
  const rail = edit.mode === "rail";
  const lines = {
    close: () => ({ text: edit.checkpoint ? _("{name} closes", { name: name(edit.checkpoint) }) : _("Every post of {region} closes", { region: edit.region }) }),
    wait: () => ({ text: _("{name}: wait {wait}", { name: name(edit.checkpoint), wait: min(edit.wait_min) }), more: edit.direction && edit.direction !== "both" ? edit.direction.replace(/\b[ab]\b/g, (side) => study.sides[side]).replace(" to ", " → ") : "" }),
    hours: () => ({ text: _("{name}: open {hours}", { name: name(edit.checkpoint), hours: edit.hours }), more: again }),
    capacity: () => ({ text: _("{name}: {n} vehicles a day", { name: name(edit.checkpoint), n: whole(edit.capacity_per_day) }), more: again }),
    open: () => {
      const place = places[opened - 1], [at, degrees] = placeWords(edit, study);
      const hours = edit.hours && edit.hours !== "24/7" ? _("open {hours}", { hours: edit.hours }) : "";
      const most = known(edit.capacity_per_day) ? _("{n} vehicles a day", { n: whole(edit.capacity_per_day) }) : "";
      const more = [degrees, place ? joinedWords(place, study) : "", hours, most].filter(Boolean).join("; ");
      return { text: rail ? _("New railway post: {place}", { place: at }) : _("New road post: {place}", { place: at }), more, wait: edit.wait_min };
    },
    road: () => ({ text: rail ? _("New railway of {km} km", { km: whole(lengthKm(edit.points)) }) : _("New road of {km} km", { km: whole(lengthKm(edit.points)) }), more: [what, again].filter(Boolean).join("; ") }),
    upgrade: () => ({ text: rail ? _("Railways upgraded: {what}", { what: what || "–" }) : _("Roads upgraded: {what}", { what: what || "–" }), more: `${where}; ${again}` }),
    speeds: () => ({ text: rail ? _("Speeds of railways × {factor}", { factor: known(edit.factor) ? number(edit.factor, 2) : "–" }) : _("Speeds of roads × {factor}", { factor: known(edit.factor) ? number(edit.factor, 2) : _("winter") }), more: `${where}; ${again}` }),
    electrify: () => ({ text: _("Railways under {current}", { current: edit.current || "25 kV 50 Hz" }), more: `${where}; ${again}` }),
    stop: () => ({ text: _("New stop: {place}", { place: edit.name || placeWords(edit, study)[0] }), more: `${placeWords(edit, study)[1]}; ${again}` }),
  };
  return { text: edit.edit, more: "", ...(lines[edit.edit] ? lines[edit.edit]() : {}) };
}

// --- forms ------------------------------------------------------------------------------------------------------
const modes = () => element("select", { name: "mode" }, element("option", { value: "road" }, word("road")), element("option", { value: "rail" }, word("rail")));

export function newPostForm(study, add, place) {
  const lon = element("input", { type: "number", step: "any", min: -180, max: 180, required: true, value: place ? Number(place.lng.toFixed(6)) : null, name: "lon" });
  const lat = element("input", { type: "number", step: "any", min: -90, max: 90, required: true, value: place ? Number(place.lat.toFixed(6)) : null, name: "lat" });
  const wait = element("input", { type: "number", step: "any", min: 0, max: study.most_wait_min, value: 30, required: true, name: "wait" });
  const mode = modes();
  const form = element("form", { class: "form" },
    element("div", { class: "pair" }, element("label", {}, _("Longitude, degrees"), lon), element("label", {}, _("Latitude, degrees"), lat)),
    element("div", { class: "pair" }, element("label", {}, _("Wait, minutes"), wait), element("label", {}, _("By"), mode)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    add({ edit: "open", lon: Number(lon.value), lat: Number(lat.value), mode: mode.value, wait_min: Number(wait.value) });
  });
  return form;
}

export function written(points) { return points.map((p) => p.join(", ")).join("\n"); }

function readPoints(text, least) {
  const points = text.trim().split(/[;\n]+/).map((line) => line.split(/[\s,]+/).filter(Boolean).map(Number));
  const good = points.length >= least && points.every((p) => p.length === 2 && p.every(Number.isFinite));
  return good ? points : null;
}

// A line: a road or railway is built along it, or, as the edge of an area, what lies within gets another class or speed.
export function lineForm(study, add, refuse, points = [], kind = "line") {
  const area = kind === "area", least = area ? 3 : 2;
  const given = element("textarea", { name: "points", rows: 3, required: true, spellcheck: "false" });
  given.value = written(points);
  const mode = modes();
  const classes = element("select", { name: "class" });
  const offer = () => classes.replaceChildren(element("option", { value: "" }, _("as it is by default")), ...study.classes[mode.value].map((one) => element("option", { value: one }, word(one))));
  mode.addEventListener("change", offer);
  offer();
  const kph = element("input", { type: "number", name: "kph", min: 1, max: 150, step: "any" });
  const factor = area ? element("input", { type: "number", name: "factor", min: 0.1, max: 3, step: "any" }) : null;
  const post = area ? null : element("input", { type: "checkbox", name: "post", checked: true });
  const wait = area ? null : element("input", { type: "number", name: "wait", min: 0, max: study.most_wait_min, step: "any", value: 30 });
  const form = element("form", { class: "form" },
    element("label", {}, area ? _("Corners of the area, lon, lat on each line") : _("Points of the way, lon, lat on each line"), given),
    element("div", { class: "pair" }, element("label", {}, _("By"), mode), element("label", {}, _("Class"), classes)),
    element("div", { class: "pair" }, element("label", {}, _("Speed, km/h (empty: of the class)"), kph),
      area ? element("label", {}, _("Or all speeds times"), factor) : element("label", {}, _("Wait, minutes"), wait)),
    area ? null : element("label", { class: "switch" }, post, _("with a post where it first passes the border line")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const line = readPoints(given.value, least);
    if (!line) { refuse(area ? _("An area has three corners or more, each as lon, lat.") : _("A way has two points or more, each as lon, lat.")); return; }
    const made = { mode: mode.value };
    if (classes.value) made.road_class = classes.value;
    if (kph.value) made.road_kph = Number(kph.value);
    if (!area) add({ edit: "road", points: line, ...made }, post.checked ? Number(wait.value) : null);
    else if (factor.value) add({ edit: "speeds", polygon: line, mode: mode.value, factor: Number(factor.value) });
    else if (made.road_class || made.road_kph) add({ edit: "upgrade", polygon: line, ...made });
    else refuse(_("What changes in the area: a class, a speed, or a factor?"));
  });
  return form;
}

// The first place where a line passes the border line, as lon and lat; nothing where it does not.
export function passesAt(points, border) {
  for (let n = 1; n < points.length; n += 1) {
    const [[ax, ay], [bx, by]] = [points[n - 1], points[n]];
    let first = null;
    for (const line of border) for (let k = 1; k < line.length; k += 1) {
      const [[cy, cx], [dy, dx]] = [line[k - 1], line[k]];
      const turn = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx);
      if (!turn) continue;
      const t = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / turn, s = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / turn;
      if (t >= 0 && t <= 1 && s >= 0 && s <= 1 && (first === null || t < first)) first = t;
    }
    if (first !== null) return [ax + first * (bx - ax), ay + first * (by - ay)];
  }
  return null;
}
