// The map: cells coloured by minutes or their change, checkpoints, the border and the roads, on canvas.
import { element, known, minutes, percent, signed, oneDecimal, whole } from "./format.js";
import { _, word } from "./say.js";

// Near is strong and far fades into the paper.
const STEPS = [60, 90, 120, 180, 240, 300, 420];
const SEQUENCE = ["#0d3f5e", "#15607a", "#2c8089", "#579f93", "#8cbd9f", "#bdd6ae", "#e0e5bf", "#f3edd3"];
const CHANGES = [-60, -30, -10, -1, 1, 10, 30, 60];
const DIVERGING = ["#0f6b5c", "#2f9482", "#79bfae", "#c4e3da", "#f1efe9", "#f7d3b8", "#ee9f6d", "#d8642f", "#a83c10"];
const NO_WAY = "#cfcac0", NO_WAY_THEN = "#e2ddd2";
const MEASURES = {
  time_to_city_min: () => _("minutes to a city across, waits included"),
  time_to_checkpoint_min: () => _("minutes to an open post of the own side"),
};
const CHANGE_OF = {
  time_to_city_min: () => _("change of the minutes to a city across, waits included"),
  time_to_checkpoint_min: () => _("change of the minutes to an open post of the own side"),
};

function colour(value, steps, colours) {
  if (!known(value)) return NO_WAY;
  let n = 0;
  while (n < steps.length && value >= steps[n]) n += 1;
  return colours[n];
}

export function minutesColour(value) { return colour(value, STEPS, SEQUENCE); }

export function changeColour(was, is) {
  const differs = known(was) && known(is) ? is - was : known(was) === known(is) ? (known(was) ? 0 : null) : known(is) ? -Infinity : Infinity;
  if (differs === null) return NO_WAY_THEN;
  let n = 0;
  while (n < CHANGES.length && (differs > CHANGES[n] || (differs === CHANGES[n] && CHANGES[n] < 0))) n += 1;
  return DIVERGING[n];
}

// Colours and their classes in words, of the minutes or of their change.
export function legendRows(change) {
  const [steps, colours] = change ? [CHANGES, DIVERGING] : [STEPS, SEQUENCE];
  const label = (n) => {
    if (change && n === 4) return _("less than {n}", { n: 1 });
    if (n === 0) return change ? _("{n} or more sooner", { n: 60 }) : _("under {n}", { n: steps[0] });
    if (n === steps.length) return change ? _("{n} or more later", { n: 60 }) : _("{n} or more", { n: steps[n - 1] });
    if (!change) return `${steps[n - 1]}–${steps[n]}`;
    return n < 4 ? _("{a}–{b} sooner", { a: -steps[n], b: -steps[n - 1] }) : _("{a}–{b} later", { a: steps[n - 1], b: steps[n] });
  };
  return [...colours.map((fill, n) => [fill, label(n)]), change ? [NO_WAY_THEN, _("no way before or after")] : [NO_WAY, _("no way")]];
}

export class BorderMap {
  constructor(holder, study, handlers = {}) {
    Object.assign(this, { study, handlers, view: "after", measure: "time_to_city_min", after: study.before, change: null });
    this.leaflet = L.map(holder, { preferCanvas: true, zoomControl: false, minZoom: 2.5, maxZoom: 12, zoomSnap: 0.25, zoomDelta: 0.5, wheelPxPerZoomLevel: 120, attributionControl: true });
    this.leaflet.attributionControl.setPrefix(false);
    // A phone has room for what the licence of the data asks; all sources stand in the footer.
    const narrow = holder.clientWidth < 500;
    for (const source of study.sources) if (!narrow || source.includes("OpenStreetMap")) this.leaflet.attributionControl.addAttribution(element("span", {}, source).innerHTML);
    L.control.zoom({ position: "topleft", zoomInTitle: _("Zoom in"), zoomOutTitle: _("Zoom out") }).addTo(this.leaflet);
    const pane = (name, z) => { this.leaflet.createPane(name).style.zIndex = z; return L.canvas({ pane: name, padding: 0.3 }); };
    this.painters = { ground: pane("ground", 300), before: pane("before", 340), after: pane("after", 350), lines: pane("lines", 380), posts: pane("posts", 420) };
    this.ground();
    this.cells = { before: this.paint("before"), after: this.paint("after") };
    this.lines();
    this.posts = L.layerGroup().addTo(this.leaflet);
    this.marks = L.layerGroup().addTo(this.leaflet);
    this.works = L.layerGroup().addTo(this.leaflet);
    this.places();
    this.leaflet.on("click", (event) => this.handlers.click && this.handlers.click(event.latlng));
    this.leaflet.on("move zoomend resize", () => this.clip());
    this.leaflet.on("zoomend", () => { this.showPosts(); this.edge(); });
    this.fit();
    this.edge();
  }

  fit() { this.leaflet.fitBounds(L.latLngBounds(this.study.border.flat()), { padding: [12, 12], animate: false }); }

  ground() {
    for (const land of this.study.land)
      L.polygon(land.rings.map((ring) => [ring]), { renderer: this.painters.ground, pane: "ground", stroke: true, color: "#d9d4c8", weight: 0.8,
        fillColor: land.side === "a" ? "#fbfaf6" : "#f4f0e6", fillOpacity: 1, interactive: false }).addTo(this.leaflet);
  }

  paint(state) {
    return this.study.cells.map((cell, n) => {
      const drawn = L.polygon(cell.ring, { renderer: this.painters[state], pane: state, color: "#fff", weight: 0.6, opacity: 0.7, fillOpacity: 0.86 });
      drawn.on("click", (event) => { L.DomEvent.stopPropagation(event); if (this.handlers.click) this.handlers.click(event.latlng); });
      drawn.bindTooltip(() => this.told(n), { sticky: true });
      return drawn.addTo(this.leaflet);
    });
  }

  // From far, lines between cells would be all that is seen of them.
  edge() {
    const weight = this.leaflet.getZoom() < 4.2 ? 0 : 0.6;
    if (weight === this.weight) return;
    this.weight = weight;
    for (const cell of [...this.cells.before, ...this.cells.after]) cell.setStyle({ stroke: weight > 0, weight });
  }

  lines() {
    const thin = { renderer: this.painters.lines, pane: "lines", interactive: false };
    L.polyline(this.study.railways, { ...thin, color: "#8d8577", weight: 0.8, opacity: 0.55, dashArray: "4 3" }).addTo(this.leaflet);
    L.polyline(this.study.roads, { ...thin, color: "#7a7468", weight: 0.9, opacity: 0.6 }).addTo(this.leaflet);
    L.polyline(this.study.border, { ...thin, color: "#ffffff", weight: 5, opacity: 0.75 }).addTo(this.leaflet);
    L.polyline(this.study.border, { ...thin, color: "#5b2a6e", weight: 2.2 }).addTo(this.leaflet);
  }

  told(n) {
    const cell = this.study.cells[n];
    const [was, is] = [this.study.before[this.measure][n], this.after[this.measure][n]];
    const where = cell.near ? _("near {place}", { place: cell.near }) : _("cell");
    return element("div", {}, element("strong", {}, where), element("br"), _("{n} people", { n: whole(cell.people) }), element("br"),
      `${minutes(was)} → ${_("{n} min", { n: minutes(is) })} (${known(was) && known(is) ? signed(is - was, oneDecimal) : "–"})`);
  }

  draw() {
    const was = this.study.before[this.measure], is = this.after[this.measure];
    this.study.cells.forEach((_cell, n) => {
      this.cells.after[n].setStyle({ fillColor: this.view === "change" ? changeColour(was[n], is[n]) : minutesColour(is[n]) });
      this.cells.before[n].setStyle({ fillColor: minutesColour(was[n]) });
    });
    this.clip();
    this.legend();
  }

  clip() {
    const [before, after] = [this.leaflet.getPane("before"), this.leaflet.getPane("after")];
    before.style.display = this.view === "before" || this.view === "swipe" ? "" : "none";
    after.style.display = this.view === "before" ? "none" : "";
    before.style.clip = after.style.clip = "";
    if (this.view !== "swipe") return;
    const size = this.leaflet.getSize();
    const [nw, se] = [this.leaflet.containerPointToLayerPoint([0, 0]), this.leaflet.containerPointToLayerPoint(size)];
    const share = this.swipe === undefined ? 0.5 : this.swipe;
    const x = nw.x + size.x * share;
    if (this.handlers.divide) this.handlers.divide(share);
    before.style.clip = `rect(${nw.y}px, ${x}px, ${se.y}px, ${nw.x}px)`;
    after.style.clip = `rect(${nw.y}px, ${se.x}px, ${se.y}px, ${x}px)`;
  }

  show({ view = this.view, measure = this.measure } = {}) { Object.assign(this, { view, measure }); this.draw(); }

  update(change) { this.change = change; this.after = change.after; this.draw(); this.showPosts(); }

  showPosts() {
    this.posts.clearLayers();
    const rows = new Map((this.change ? this.change.checkpoints : []).map((row) => [row.checkpoint_id, row]));
    const closed = this.handlers.closed ? this.handlers.closed() : new Set();
    const all = [...this.study.checkpoints, ...(this.change ? this.change.places.map((p) => ({ ...p, id: p.checkpoint_id, fresh: true, open: true })) : [])];
    const scale = Math.min(1.3, Math.max(0.5, 0.5 + 0.25 * (this.leaflet.getZoom() - 3)));
    for (const post of all) {
      const row = rows.get(post.id) || {};
      const share = row.share_after || 0;
      const gone = closed.has(post.id) || !post.open;
      const style = gone ? { color: "#b3261e", fillColor: "#fff", weight: 2 }
        : post.fresh ? { color: "#fff", fillColor: "#c94f1f", weight: 2 }
        : { color: "#fff", fillColor: post.mode === "road" ? "#16507f" : "#2b2f33", weight: 1.5 };
      const radius = scale * (post.fresh ? 8 : gone ? 5 : post.mode === "road" ? 4 + 26 * Math.sqrt(share) : 3.5 + 16 * Math.sqrt(share));
      const name = post.name || row.name || post.id;
      const spot = L.circleMarker([post.lat, post.lon], { renderer: this.painters.posts, pane: "posts", radius, fillOpacity: 1, ...style });
      spot.bindTooltip(() => element("div", {}, element("strong", {}, name), element("br"),
        gone ? word("closed") : _("{mode}, wait {n} min", { mode: word(post.mode), n: whole(known(row.wait_min_after) ? row.wait_min_after : post.wait_min) }), element("br"),
        known(row.share_after) ? _("{share} of modelled trips", { share: percent(row.share_after) }) : _("no share: not modelled")));
      spot.on("click", (event) => { L.DomEvent.stopPropagation(event); if (this.handlers.post) this.handlers.post(post.id, event.latlng); });
      spot.addTo(this.posts);
    }
  }

  places() {
    const holder = this.leaflet.createPane("names");
    holder.style.zIndex = 450;
    holder.style.pointerEvents = "none";
    const names = L.layerGroup().addTo(this.leaflet);
    const show = () => {
      names.clearLayers();
      const taken = [], bounds = this.leaflet.getBounds().pad(0.05);
      for (const town of this.study.settlements) {
        if (taken.length > 45 || town.people < 20000) break;
        if (!bounds.contains([town.lat, town.lon])) continue;
        const at = this.leaflet.latLngToContainerPoint([town.lat, town.lon]);
        const wide = 14 + 7 * town.name.length;
        if (taken.some((other) => Math.abs(other.x + other.w / 2 - at.x - wide / 2) < (other.w + wide) / 2 && Math.abs(other.y - at.y) < 18)) continue;
        taken.push({ x: at.x, y: at.y, w: wide });
        const icon = L.divIcon({ className: "town", html: element("span", {}, town.name).outerHTML, iconSize: [0, 0] });
        L.marker([town.lat, town.lon], { icon, pane: "names", interactive: false, keyboard: false }).addTo(names);
      }
    };
    this.leaflet.on("moveend", show);
    this.leaflet.whenReady(show);
  }

  legend() {
    if (!this.handlers.legend) return;
    const change = this.view === "change";
    const swatch = ([fill, text]) => { const box = element("i", {}); box.style.background = fill; return element("li", {}, box, text); };
    this.handlers.legend(element("div", {}, element("p", {}, (change ? CHANGE_OF : MEASURES)[this.measure]()), element("ul", {}, ...legendRows(change).map(swatch))));
  }

  // Roads and areas among the edits.
  drawn(edits) {
    this.works.clearLayers();
    const latlon = (points) => points.map(([x, y]) => [y, x]);
    for (const edit of edits) {
      if (edit.points) L.polyline(latlon(edit.points), { renderer: this.painters.posts, pane: "posts", color: "#c94f1f", weight: 3.5, interactive: false, dashArray: edit.mode === "rail" ? "8 5" : null }).addTo(this.works);
      if (edit.polygon) L.polygon(latlon(edit.polygon), { renderer: this.painters.posts, pane: "posts", color: "#c94f1f", weight: 2, fillColor: "#c94f1f", fillOpacity: 0.12, interactive: false }).addTo(this.works);
    }
  }

  // What is being drawn: its corners, as lon and lat, and the line through them.
  sketch(points, closed) {
    this.marks.clearLayers();
    const line = points.map(([x, y]) => [y, x]);
    (closed ? L.polygon(line, { color: "#c94f1f", weight: 2.5, fillOpacity: 0.1, interactive: false }) : L.polyline(line, { color: "#c94f1f", weight: 3, interactive: false })).addTo(this.marks);
    for (const spot of line) L.circleMarker(spot, { radius: 5, color: "#c94f1f", weight: 2, fillColor: "#fff", fillOpacity: 1, interactive: false }).addTo(this.marks);
  }

  drawWay(line) {
    this.marks.clearLayers();
    if (!line.length) return;
    L.polyline(line, { color: "#fff", weight: 7, opacity: 0.9, interactive: false }).addTo(this.marks);
    L.polyline(line, { color: "#c94f1f", weight: 3.5, interactive: false }).addTo(this.marks);
    for (const end of [line[0], line[line.length - 1]])
      L.circleMarker(end, { radius: 6, color: "#fff", weight: 2, fillColor: "#c94f1f", fillOpacity: 1, interactive: false }).addTo(this.marks);
  }

  drawGround(data, place) {
    this.marks.clearLayers();
    const shades = ["#c94f1f", "#e08a4f", "#f0bd8f", "#f7dcc2"];
    const limits = [...new Set(data.features.map((f) => f.properties.minutes))].sort((one, two) => one - two);
    L.geoJSON(data, { interactive: false, style: (feature) => ({ color: "#8c3410", weight: 1.2, fillOpacity: 0.45,
      fillColor: shades[Math.min(limits.indexOf(feature.properties.minutes), 3)] }) }).addTo(this.marks);
    L.circleMarker(place, { radius: 6, color: "#fff", weight: 2, fillColor: "#7d2a08", fillOpacity: 1, interactive: false }).addTo(this.marks);
  }

  mark(place) {
    this.marks.clearLayers();
    L.circleMarker(place, { radius: 8, color: "#c94f1f", weight: 3, fillColor: "#fff", fillOpacity: 1, interactive: false }).addTo(this.marks);
  }

  // The place of a road or railway that is nearest to a click; nothing where none passes within some pixels of it.
  onWay(place, mode, within = 14) {
    const at = (latlon) => this.leaflet.latLngToContainerPoint(latlon), spot = at(place);
    const box = L.latLngBounds([[-within, -within], [within, within]].map((by) => this.leaflet.containerPointToLatLng(spot.add(by))));
    let least = within, found = null;
    for (const line of mode === "rail" ? this.study.railways : this.study.roads) for (let n = 1; n < line.length; n += 1) {
      if (!box.intersects(L.latLngBounds(line[n - 1], line[n]))) continue;
      const [from, to] = [at(line[n - 1]), at(line[n])], nearest = L.LineUtil.closestPointOnSegment(spot, from, to);
      const away = spot.distanceTo(nearest);
      if (away >= least) continue;
      least = away;
      const along = from.equals(to) ? 0 : nearest.distanceTo(from) / from.distanceTo(to);
      found = { lat: line[n - 1][0] + along * (line[n][0] - line[n - 1][0]), lng: line[n - 1][1] + along * (line[n][1] - line[n - 1][1]) };
    }
    return found;
  }

  // The place on the border line that is nearest to another, and the kilometres between, on a sphere: good enough for a click.
  onBorder(place) {
    const wide = Math.cos(place.lat * Math.PI / 180), km = 111.2;
    let least = Infinity, spot = place;
    for (const line of this.study.border) for (let n = 1; n < line.length; n += 1) {
      const [ay, ax, by, bx] = [line[n - 1][0] - place.lat, (line[n - 1][1] - place.lng) * wide, line[n][0] - place.lat, (line[n][1] - place.lng) * wide];
      const [dx, dy] = [bx - ax, by - ay];
      const along = dx || dy ? Math.min(1, Math.max(0, -(ax * dx + ay * dy) / (dx * dx + dy * dy))) : 0;
      const away = Math.hypot(ax + along * dx, ay + along * dy) * km;
      if (away >= least) continue;
      least = away;
      const [one, two] = [line[n - 1], line[n]];
      spot = { lat: one[0] + along * (two[0] - one[0]), lng: one[1] + along * (two[1] - one[1]) };
    }
    return { km: least, lat: spot.lat, lng: spot.lng };
  }
}
