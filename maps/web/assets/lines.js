"use strict";
// Lines that are held by the nodes at their ends, as steps from point to point.
function unfolded({ unit, nodes, first, last, bends, steps, ...held }) {
  const parts = bends.map((count) => count + 2), spots = Int32Array.from(nodes), xy = new Int32Array(2 * parts.reduce((sum, count) => sum + count, 0));
  for (let i = 2; i < spots.length; i++) spots[i] += spots[i - 2];
  let at = 0, step = 0, from = 0, x = 0, y = 0; // x and y: where the pen is
  const go = (dx, dy) => { xy[at++] = unit * dx; xy[at++] = unit * dy; x += dx; y += dy; };
  for (let part = 0; part < parts.length; part++) {
    from += first[part];
    const to = from + last[part];
    go(spots[2 * from] - x, spots[2 * from + 1] - y);
    for (let bend = 0; bend < bends[part]; bend++, step += 2) go(steps[step], steps[step + 1]);
    go(spots[2 * to] - x, spots[2 * to + 1] - y);
  }
  return { ...held, parts, xy };
}

// Many lines as one path: points in typed arrays, thinned to the pixels of the zoom, features made when somebody asks for one.
class LineTable {
  constructor({ n, columns, parts, rows, xy }) {
    this.n = n;
    this.columns = new Map(Object.entries(columns));
    this.kept = new Map();
    const count = parts.length;
    this.starts = new Int32Array(count + 1);
    this.rows = rows.length ? Int32Array.from(rows) : Int32Array.from({ length: count }, (_, i) => i);
    this.x = new Float64Array(xy.length / 2); // of the world in Mercator, 0 to 1
    this.y = new Float64Array(xy.length / 2);
    this.degrees = new Float64Array(xy.length);
    this.boxes = new Float64Array(4 * count);
    let at = 0, lon = 0, lat = 0;
    for (let part = 0; part < count; part++) {
      this.starts[part] = at;
      let west = 2, north = 2, east = -1, south = -1;
      for (const end = at + parts[part]; at < end; at++) {
        lon += xy[2 * at];
        lat += xy[2 * at + 1];
        const x = lon / 36e6 + 0.5, sine = Math.sin((lat * Math.PI) / 18e6);
        const y = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
        this.degrees[2 * at] = lon / 1e5;
        this.degrees[2 * at + 1] = lat / 1e5;
        this.x[at] = x;
        this.y[at] = y;
        if (x < west) west = x;
        if (x > east) east = x;
        if (y < north) north = y;
        if (y > south) south = y;
      }
      this.boxes.set([west, north, east, south], 4 * part);
    }
    this.starts[count] = at;
    this.first = new Int32Array(n + 1); // of the parts of a row, which stand together
    for (const row of this.rows) this.first[row + 1]++;
    for (let row = 0; row < n; row++) this.first[row + 1] += this.first[row];
  }

  value(column, row) {
    const held = this.columns.get(column);
    return held === undefined ? undefined : held.length === 2 ? held[0][held[1][row]] : held[0][row];
  }

  partOf(part) {
    const out = [];
    for (let i = this.starts[part]; i < this.starts[part + 1]; i++) out.push([this.degrees[2 * i], this.degrees[2 * i + 1]]);
    return out;
  }

  feature(row) {
    if (!this.kept.has(row)) {
      const properties = {};
      for (const name of this.columns.keys()) {
        const value = this.value(name, row);
        if (value !== null && value !== undefined) properties[name] = value;
      }
      const parts = [];
      for (let part = this.first[row]; part < this.first[row + 1]; part++) parts.push(this.partOf(part));
      const geometry = parts.length === 1 ? { type: "LineString", coordinates: parts[0] } : { type: "MultiLineString", coordinates: parts };
      this.kept.set(row, { type: "Feature", geometry, properties });
    }
    return this.kept.get(row);
  }

  get features() { return Array.from({ length: this.n }, (_, row) => this.feature(row)); }
}

const world = (latlng) => {
  const sine = Math.sin((latlng.lat * Math.PI) / 180);
  return L.point(latlng.lng / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI));
};

const BATCH = 3000; // parts to a stroke: one path with all of them takes far longer

const Lines = L.Path.extend({
  options: { fill: false },
  initialize(table, style, options) {
    L.setOptions(this, options);
    Object.assign(this, { table, look: style, hit: -1 });
    this.slots = [...style.classes.keys(), -1, -2]; // the last two: no data, outside the classes
    const parts = new Map(this.slots.map((index) => [index, []]));
    for (let part = 0; part < table.rows.length; part++) parts.get(table.value(style.slot, table.rows[part])).push(part);
    this.byClass = [...parts.values()];
    const all = [1, 1, 0, 0], boxes = table.boxes;
    for (let i = 0; i < boxes.length; i += 4) {
      for (const k of [0, 1]) { all[k] = Math.min(all[k], boxes[i + k]); all[k + 2] = Math.max(all[k + 2], boxes[i + k + 2]); }
    }
    this.box = all;
  },

  // Leaflet asks for these of every path.
  _project() {
    this.scale = 256 * 2 ** this._map.getZoom();
    this.shift = this._map.getPixelOrigin();
    const [west, north, east, south] = this.box.map((value) => value * this.scale);
    this._pxBounds = L.bounds([west - this.shift.x - 9, north - this.shift.y - 9], [east - this.shift.x + 9, south - this.shift.y + 9]);
  },
  _update() {},
  _empty() { return !this.table.n; },
  _updatePath() { if (this._renderer._drawing) this.draw(this._renderer._ctx, this._renderer._bounds); },

  setStyle(styleOfFeature) {
    this.styles = this.slots.map((index) => styleOfFeature({ properties: { [this.look.slot]: index } }));
    this.options.weight = Math.max(...this.styles.map((each) => each.weight));
    if (this._map) this.redraw();
    return this;
  },

  // The window in parts of the world, a little wider than the pixels it is.
  frameOf({ min, max }, wider) {
    const { scale, shift } = this;
    return [(min.x + shift.x - wider) / scale, (min.y + shift.y - wider) / scale, (max.x + shift.x + wider) / scale, (max.y + shift.y + wider) / scale];
  },

  draw(pen, bounds) {
    const { scale, shift, table } = this, { boxes, starts, x, y } = table, [west, north, east, south] = this.frameOf(bounds, 8);
    pen.lineCap = pen.lineJoin = "round";
    for (let index = this.byClass.length - 1; index >= 0; index--) {
      const { weight, color, opacity } = this.styles[index];
      if (!weight) continue;
      Object.assign(pen, { globalAlpha: opacity, lineWidth: weight, strokeStyle: color });
      let open = 0;
      pen.beginPath();
      for (const part of this.byClass[index]) {
        const b = 4 * part;
        if (boxes[b] > east || boxes[b + 2] < west || boxes[b + 1] > south || boxes[b + 3] < north) continue;
        const last = starts[part + 1] - 1;
        let i = starts[part], px = Math.round(x[i] * scale - shift.x), py = Math.round(y[i] * scale - shift.y), begun = false;
        // Whole pixels: what stays within one is not drawn, and lines that meet still do.
        for (i += 1; i <= last; i++) {
          const qx = Math.round(x[i] * scale - shift.x), qy = Math.round(y[i] * scale - shift.y);
          if (qx === px && qy === py) continue;
          if (i < last && Math.abs(qx - px) + Math.abs(qy - py) < 3) continue;
          if (!begun) { pen.moveTo(px, py); begun = true; }
          pen.lineTo(qx, qy);
          px = qx;
          py = qy;
        }
        if (begun && ++open === BATCH) { pen.stroke(); pen.beginPath(); open = 0; }
      }
      if (open) pen.stroke();
    }
  },

  // Which row lies under a point of the map; the thinner ones first, as they lie below.
  _containsPoint(point) {
    const { scale, shift, table } = this, { boxes, starts, x, y } = table;
    const px = (point.x + shift.x) / scale, py = (point.y + shift.y) / scale;
    this.hit = -1;
    for (let index = 0; index < this.byClass.length && this.hit < 0; index++) {
      const weight = this.styles[index].weight;
      if (!weight) continue;
      let best = ((weight / 2 + this._renderer.options.tolerance) / scale) ** 2, reach = Math.sqrt(best);
      for (const part of this.byClass[index]) {
        const b = 4 * part;
        if (boxes[b] > px + reach || boxes[b + 2] < px - reach || boxes[b + 1] > py + reach || boxes[b + 3] < py - reach) continue;
        for (let i = starts[part] + 1; i < starts[part + 1]; i++) {
          const d = L.LineUtil._sqClosestPointOnSegment(L.point(px, py), L.point(x[i - 1], y[i - 1]), L.point(x[i], y[i]), true);
          if (d <= best) { best = d; this.hit = table.rows[part]; }
        }
      }
    }
    return this.hit >= 0;
  },

  item(row) {
    const { table } = this, box = [2, 2, -1, -1];
    for (let part = table.first[row]; part < table.first[row + 1]; part++) {
      for (const k of [0, 1]) { box[k] = Math.min(box[k], table.boxes[4 * part + k]); box[k + 2] = Math.max(box[k + 2], table.boxes[4 * part + k + 2]); }
    }
    const at = (u, v) => L.latLng((Math.atan(Math.sinh(Math.PI * (1 - 2 * v))) * 180) / Math.PI, (u - 0.5) * 360);
    return { row, feature: table.feature(row), getBounds: () => L.latLngBounds(at(box[0], box[3]), at(box[2], box[1])) };
  },

  // Rows that reach into a window, without their features.
  rowsIn(bounds) {
    const { boxes, rows } = this.table, nw = world(bounds.getNorthWest()), se = world(bounds.getSouthEast()), found = new Set();
    for (let part = 0; part < rows.length; part++) {
      const b = 4 * part;
      if (boxes[b] <= se.x && boxes[b + 2] >= nw.x && boxes[b + 1] <= se.y && boxes[b + 3] >= nw.y) found.add(rows[part]);
    }
    return [...found];
  },
});
