// Layers of the map: unpacks the tables, draws them on one canvas, writes names. `card.js`, `side.js` and `tools.js` follow in the page.
const config = JSON.parse(document.getElementById("map-config").textContent);
const map = window[config.map];
const words = config.words;
const layers = config.styles.map((style) => ({ style, group: null, on: false, counts: style.counts }));
const layerOf = (key) => layers.find((layer) => layer.style.key === key);
const NO_DATA = { label: words.nodata, color: "#d8dcdf", size: null };
const OUTSIDE = { label: words.outside, color: "#9aa1a8", size: null };
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
const narrow = window.matchMedia("(max-width: 699px)");

// --- numbers ------------------------------------------------------------------------------------------------------
// Browsers write English numbers for Kazakh, which writes them as Russian does.
const numbers = config.lang === "kk" ? "ru" : config.lang;
const plain = (digits) => new Intl.NumberFormat(numbers, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = plain(0), tenth = plain(1), thousandth = plain(3);
const threeDigits = new Intl.NumberFormat(numbers, { maximumSignificantDigits: 3 });

function write(value, kind) {
  if (kind === "bool") return value ? words.yes : words.no;
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (kind === "count" || kind === "metres") return whole.format(value);
  if (kind === "minutes" || kind === "km") return (size < 9.95 ? tenth : whole).format(value);
  if (kind === "share") return (size && size < 0.0995 ? tenth : whole).format(100 * value) + "\u00a0%";
  if (kind === "p") return thousandth.format(value);
  return threeDigits.format(value);
}

// --- tables -------------------------------------------------------------------------------------------------------
const tables = new Map();

async function unpack(index) {
  const node = document.getElementById("map-table-" + index);
  const packed = Uint8Array.from(atob(node.textContent), (c) => c.charCodeAt(0));
  node.remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const held = await new Response(stream).json();
  return held.features ? held : new LineTable(held.nodes ? unfolded(held) : held);
}

// A table is unpacked when it is first needed, and once for all the styles that draw it.
function table(index) {
  if (!tables.has(index)) tables.set(index, unpack(index));
  return tables.get(index);
}

// --- drawing ------------------------------------------------------------------------------------------------------
function classOf(style, properties) {
  const index = properties[style.slot];
  return index >= 0 ? style.classes[index] : index === -1 ? NO_DATA : OUTSIDE;
}

// Stripes for what is less sure: one tile per colour, repeated by the canvas.
const stripes = new Map();

function striped(color) {
  if (!stripes.has(color)) {
    const tile = document.createElement("canvas"), side = 8;
    tile.width = tile.height = side;
    const pen = tile.getContext("2d");
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, side, side);
    pen.strokeStyle = color;
    pen.lineWidth = 3;
    for (const shift of [-side, 0, side]) { pen.moveTo(shift, side); pen.lineTo(shift + side, 0); }
    pen.stroke();
    stripes.set(color, tile);
  }
  return stripes.get(color);
}

const Canvas = L.Canvas.extend({
  _fillStroke(pen, path) {
    const { hatch, fillOpacity, weight, opacity, color } = path.options;
    if (!hatch) { L.Canvas.prototype._fillStroke.call(this, pen, path); return; }
    pen.globalAlpha = fillOpacity;
    pen.fillStyle = pen.createPattern(striped(hatch), "repeat");
    pen.fill("evenodd");
    if (!weight) return;
    pen.globalAlpha = opacity;
    pen.lineWidth = weight;
    pen.strokeStyle = color;
    pen.stroke();
  },
});

// Lines grow with the zoom, so that a country full of roads stays light.
const growth = () => Math.min(2, Math.max(0.75, 0.75 + (map.getZoom() - 5.5) * 0.25));

// Seen from near an area fills the window: the ground shows through.
const CLOSE = 8, CLEAR = 0.55;

// The one style function of a layer: the class of each feature is a number in its properties.
function styleOf(style) {
  const scale = growth(), zoom = map.getZoom(), bare = tiles.on && style.key === "regions";
  return (feature) => {
    const { color, size, hatched, from } = classOf(style, feature.properties);
    if (style.geometry === "Line") {
      const away = from && zoom < from;
      return { color, weight: away ? 0 : 4 * (size || style.size) * scale, opacity: away ? 0 : style.opacity, stroke: !away };
    }
    const point = style.geometry === "Point";
    const shape = { color: style.outline, weight: point ? 1 : 0.7, fillColor: color, hatch: hatched ? color : undefined };
    return { ...shape, opacity: style.opacity, fillOpacity: bare ? 0 : !point && zoom >= CLOSE && style.key !== "regions" ? CLEAR * style.opacity : style.opacity };
  };
}

function radiusOf(style, properties) {
  const size = 2 * (classOf(style, properties).size || style.size);
  if (!style.sized.length || size > 8) return size; // what is new is large whatever it carries
  const [column, most] = style.sized, share = Math.max(0, properties[column] || 0) / most;
  return 3 + 10 * Math.sqrt(share);
}

const radiusAt = () => (map.getZoom() < 4.5 ? 0.5 : map.getZoom() < 5.25 ? 0.8 : 1);

// One canvas for all: with a canvas per pane the topmost would swallow the clicks meant for the layers below it.
const canvas = new Canvas({ padding: 0.3, tolerance: 4 });
const tiles = { on: false, layer: null };

function build(layer, collection, renderer = canvas, more = {}) {
  const style = layer.style;
  if (collection instanceof LineTable) return buildLines(layer, collection, renderer, more);
  const group = L.geoJSON(collection, {
    renderer, ...more,
    style: styleOf(style),
    pointToLayer: (feature, latlng) => L.circleMarker(latlng, { renderer, ...more, radius: radiusOf(style, feature.properties) }),
  });
  if (more.interactive === false) return group;
  group.on("click", (event) => {
    L.DomEvent.stopPropagation(event);
    if (ruler.on) addPoint(event); else openCard(layer, event.layer, event.latlng);
  });
  if (style.name && !config.ground.includes(style.key)) group.bindTooltip((item) => nameOf(style, item.feature), { sticky: true, direction: "top" });
  return group;
}

function buildLines(layer, lines, renderer, more) {
  const path = new Lines(lines, layer.style, { renderer, ...more }).setStyle(styleOf(layer.style));
  const group = L.featureGroup([path]);
  group.lines = path;
  if (more.interactive === false) return group;
  group.on("click", (event) => {
    L.DomEvent.stopPropagation(event);
    if (ruler.on) addPoint(event); else openCard(layer, path.item(path.hit), event.latlng);
  });
  return group;
}

// Features of a layer as items with `feature` and a place; of many lines only those in a window, and no more than are asked for.
function itemsOf(layer, bounds, first, most) {
  const { lines } = layer.group;
  if (!lines) {
    const all = layer.group.getLayers();
    return bounds ? all.filter((item) => (item.getBounds ? bounds.intersects(item.getBounds()) : bounds.contains(item.getLatLng()))) : all;
  }
  const rows = bounds ? lines.rowsIn(bounds) : Array.from({ length: lines.table.n }, (_, row) => row);
  if (!most) return rows.map((row) => lines.item(row));
  const value = (row) => { const found = lines.table.value(first, row); return typeof found === "number" ? found : -Infinity; };
  const items = rows.sort((p, q) => value(q) - value(p)).slice(0, most).map((row) => lines.item(row));
  return Object.assign(items, { all: rows.length });
}

// The list of styles is the order of the map, top first, whatever was switched on last.
function restack() {
  for (let i = layers.length - 1; i >= 0; i--) if (layers[i].on) layers[i].group.bringToFront();
}

async function show(layer) {
  layer.wanted = true;
  if (layer.on) return;
  const fresh = !layer.group;
  if (fresh) {
    const collection = await table(layer.style.table);
    layer.group = layer.group || build(layer, collection);
  }
  if (layer.on || !layer.wanted) return; // switched again while the table was unpacked
  layer.on = true;
  if (!fresh) layer.group.setStyle(styleOf(layer.style)); // the zoom may be another since
  if (layer.style.sized.length) resize(layer);
  layer.group.addTo(map);
  restack();
  map.fire("overlayadd", { layer: layer.group, name: layer.style.title });
}

function hide(layer) {
  layer.wanted = false;
  if (!layer.on) return;
  layer.on = false;
  layer.group.remove();
  map.fire("overlayremove", { layer: layer.group, name: layer.style.title });
}

let drawnAt = null;

function restyle(force) {
  const at = Math.round(map.getZoom());
  if (at === drawnAt && force !== true) return;
  const crossed = (drawnAt >= CLOSE) !== (at >= CLOSE);
  drawnAt = at;
  for (const layer of layers.filter((each) => each.on)) {
    if (layer.style.geometry === "Line" || force === true || (crossed && layer.style.geometry === "Polygon" && layer.style.key !== "regions")) layer.group.setStyle(styleOf(layer.style));
    if (layer.style.sized.length) resize(layer);
  }
}

function resize(layer) {
  layer.group.eachLayer((item) => item.setRadius(radiusAt() * radiusOf(layer.style, item.feature.properties)));
}

// --- names --------------------------------------------------------------------------------------------------------
// Names come from data: they only ever become text nodes, never markup.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function nameOf(style, feature) {
  return element("span", {}, String(feature.properties[style.name] ?? words.noname));
}

const names = { group: L.layerGroup(), items: [], on: true };

function placeNames() {
  const pane = map.createPane("names");
  pane.style.zIndex = 620;
  pane.style.pointerEvents = "none";
  for (const [text, lat, lon, sort] of config.names) {
    const html = element("span", {}, text);
    const icon = L.divIcon({ className: "place-name " + sort, html, iconSize: [0, 0] });
    const marker = L.marker([lat, lon], { icon, pane: "names", interactive: false, keyboard: false });
    names.items.push({ marker, html, sort });
    names.group.addLayer(marker);
  }
}

// First come, first served: the list is sorted by weight, a name that would cover or crowd one before it steps back.
function thinNames() {
  if (!names.on) return;
  // Nothing is written below the tools, nor cut by the edge.
  const box = map.getContainer().getBoundingClientRect(), bar = document.querySelector(".tools").getBoundingClientRect();
  const taken = [[bar.left - box.left, bar.top - box.top, bar.right - box.left, bar.bottom - box.top]], frame = map.getSize(), zoom = map.getZoom(), air = zoom < 6 ? 26 : zoom < 8 ? 10 : 2;
  for (const { marker, html, sort } of names.items) {
    const { x, y } = map.latLngToContainerPoint(marker.getLatLng());
    const width = html.offsetWidth + 6, height = html.offsetHeight;
    const left = sort === "spot" ? x - 6 : x - width / 2, top = y - height / 2;
    const around = [left - air / 2, top - air / 2, left + width + 6 + air, top + height + air / 2];
    const inside = left >= 0 && top >= 0 && left + width <= frame.x && top + height <= frame.y;
    const due = sort === "country" ? zoom < 6.5 : sort === "area" ? zoom >= 6 : true;
    const free = inside && due && !taken.some((t) => around[0] < t[2] && t[0] < around[2] && around[1] < t[3] && t[1] < around[3]);
    if (free) taken.push(around);
    marker.getElement().classList.toggle("away", !free);
  }
}

function showNames(on) {
  names.on = on;
  if (on) names.group.addTo(map); else names.group.remove();
  thinNames();
}
