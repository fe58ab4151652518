"use strict";
// Layers of the map: unpacks the tables, draws them on one canvas, writes the pop-ups. `controls.js` follows in the page.
const config = JSON.parse(document.getElementById("map-config").textContent);
const map = window[config.map];
const layers = config.styles.map((style) => ({ style, group: null, on: false, counts: style.counts }));
const NO_DATA = { label: "No data", color: "#c4c8cc", size: null };
const OUTSIDE = { label: "Outside the classes", color: "#9aa1a8", size: null };

// --- numbers ------------------------------------------------------------------------------------------------------
const plain = (digits) => new Intl.NumberFormat(config.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = plain(0), tenth = plain(1), thousandth = plain(3);
const threeDigits = new Intl.NumberFormat(config.lang, { maximumSignificantDigits: 3 });

function write(value, kind) {
  if (kind === "bool") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (kind === "count" || kind === "metres") return whole.format(value);
  if (kind === "minutes" || kind === "km") return (size < 9.95 ? tenth : whole).format(value);
  if (kind === "share") return (size < 0.0995 ? tenth : whole).format(100 * value) + " %";
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
  return JSON.parse(await new Response(stream).text());
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

// The one style function of a layer: the class of each feature is a number in its properties.
function styleOf(style) {
  return (feature) => {
    const { color, size } = classOf(style, feature.properties);
    if (style.geometry === "Line") return { color, weight: 4 * (size || style.size), opacity: style.opacity };
    const shape = { color: style.outline, weight: style.geometry === "Point" ? 1 : 0.7, fillColor: color };
    return { ...shape, opacity: style.opacity, fillOpacity: style.opacity };
  };
}

// One canvas for all: with a canvas per pane the topmost would swallow the clicks meant for the layers below it.
const canvas = L.canvas({ padding: 0.3, tolerance: 4 });

function build(layer, collection) {
  const style = layer.style;
  const group = L.geoJSON(collection, {
    renderer: canvas,
    style: styleOf(style),
    pointToLayer: (feature, latlng) => {
      const size = classOf(style, feature.properties).size || style.size;
      return L.circleMarker(latlng, { renderer: canvas, radius: 2 * size });
    },
  });
  group.on("click", (event) => openPopup(layer, event.layer, event.latlng));
  if (style.name) group.bindTooltip((item) => nameOf(style, item.feature), { sticky: true, direction: "top" });
  return group;
}

// The list of styles is the order of the map, top first, whatever was switched on last.
function restack() {
  for (let i = layers.length - 1; i >= 0; i--) if (layers[i].on) layers[i].group.bringToFront();
}

async function show(layer) {
  layer.wanted = true;
  if (layer.on) return;
  if (!layer.group) {
    const collection = await table(layer.style.table);
    layer.group = layer.group || build(layer, collection);
  }
  if (layer.on || !layer.wanted) return; // switched again while the table was unpacked
  layer.on = true;
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

// --- pop-ups ------------------------------------------------------------------------------------------------------
// Names come from data: they only ever become text nodes, never markup.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function nameOf(style, feature) {
  return element("span", {}, String(feature.properties[style.name] ?? "no name"));
}

function popupOf(layer, feature) {
  const style = layer.style, properties = feature.properties;
  const rows = style.fields.filter(([column]) => column !== style.name).map(([column, label, kind]) => {
    const missing = properties[column] === undefined || properties[column] === null;
    const value = missing ? element("td", { class: "nodata" }, "no data") : element("td", {}, write(properties[column], kind));
    return element("tr", {}, element("th", { scope: "row" }, label), value);
  });
  const title = style.name ? nameOf(style, feature).textContent : style.title;
  return element("div", { tabindex: "0" }, element("p", { class: "popup-title" }, title),
    element("table", {}, element("tbody", {}, ...rows)));
}

function openPopup(layer, item, latlng) {
  const size = map.getSize();
  const limits = { maxWidth: Math.min(400, size.x - 60), minWidth: Math.min(230, size.x - 60), maxHeight: Math.max(160, size.y - 110) };
  const content = popupOf(layer, item.feature);
  L.popup(limits).setLatLng(latlng).setContent(content).openOn(map);
  return content;
}

// --- ground and names ---------------------------------------------------------------------------------------------
// Lines of latitude and longitude, so that a map without tiles has a scale for the eye.
function graticule() {
  const pane = map.createPane("graticule");
  pane.style.zIndex = 350;
  pane.style.pointerEvents = "none";
  const lines = [], [[south, west], [north, east]] = config.bounds;
  const step = Math.max(north - south, east - west) > 12 ? 5 : 1;
  const down = (x) => Math.floor(x / step) * step, reach = 6 * step;
  for (let lon = Math.max(-180, down(west) - reach); lon <= Math.min(180, east + reach); lon += step)
    lines.push([[Math.max(-84, down(south) - reach), lon], [Math.min(84, north + reach), lon]]);
  for (let lat = Math.max(-80, down(south) - reach); lat <= Math.min(80, north + reach); lat += step)
    lines.push([[lat, Math.max(-180, down(west) - reach)], [lat, Math.min(180, east + reach)]]);
  L.polyline(lines, { renderer: L.svg({ pane: "graticule" }), pane: "graticule", color: "#d3dade", weight: 1, interactive: false }).addTo(map);
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

// First come, first served: the list is sorted by weight, a name that would cover one before it steps back.
function thinNames() {
  if (!names.on) return;
  const taken = [], frame = map.getSize();
  for (const { marker, html, sort } of names.items) {
    const { x, y } = map.latLngToContainerPoint(marker.getLatLng());
    const width = html.offsetWidth + 6, height = html.offsetHeight;
    const left = sort === "area" ? x - width / 2 : x - 6, top = y - height / 2;
    const box = [left, top, left + width + 6, top + height];
    const inside = box[2] > 0 && box[3] > 0 && left < frame.x && top < frame.y;
    const free = inside && !taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3]);
    if (free) taken.push(box);
    marker.getElement().classList.toggle("away", !free);
  }
}

function showNames(on) {
  names.on = on;
  if (on) names.group.addTo(map); else names.group.remove();
  thinNames();
}
