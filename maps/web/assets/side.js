// What stands beside the map: chapters, layers with their legend, search.
const legendBox = document.querySelector(".legend");
let view = config.views[0];

// --- chapters -----------------------------------------------------------------------------------------------------
function rivalsOf(layer) {
  return layers.filter((other) => other !== layer && other.style.choice && other.style.choice === layer.style.choice);
}

async function choose(layer, on) {
  if (on) { rivalsOf(layer).forEach(hide); await show(layer); } else hide(layer);
  drawLegend();
}

async function openView(key, keys) {
  view = config.views.find((each) => each.key === key) || config.views[0];
  const wanted = keys || [...view.on, ...config.ground];
  layers.filter((layer) => !wanted.includes(layer.style.key)).forEach(hide);
  await Promise.all(layers.filter((layer) => wanted.includes(layer.style.key)).map(show));
  document.querySelector(".side").classList.toggle("inside", view.key !== config.views[0].key);
  for (const button of document.querySelectorAll(".chapters button")) button.setAttribute("aria-pressed", String(button.dataset.view === view.key));
  drawLegend();
}

function chapters() {
  const nav = document.querySelector(".chapters");
  nav.hidden = config.views.length < 2;
  for (const each of config.views) {
    const button = element("button", { type: "button", "aria-pressed": "false", "data-view": each.key }, each.title);
    button.addEventListener("click", () => { closeCard(); openView(each.key); });
    nav.append(button);
  }
}

// --- legend -------------------------------------------------------------------------------------------------------
const SVG = "http://www.w3.org/2000/svg";

function svgNode(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// Thin lines are all made thicker by one factor, so that the thinnest is seen and the classes still differ.
function lineScale(style) {
  return Math.max(1, 1 / Math.min(...style.classes.map((each) => 4 * (each.size || style.size))));
}

let swatches = 0;

function swatch(style, { color, size, hatched }) {
  const svg = svgNode("svg", { class: style.geometry.toLowerCase(), width: 24, height: 16, "aria-hidden": "true" });
  const px = 4 * (size || style.size);
  let paint = color;
  if (hatched) {
    const id = "stripes-" + swatches++;
    const pattern = svgNode("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(svgNode("rect", { width: 3, height: 6, fill: color }));
    svg.append(pattern);
    paint = `url(#${id})`;
  }
  const sets = {
    Point: ["circle", { cx: 12, cy: 8, r: Math.min(Math.max(px / 2, 3), 7), fill: paint, stroke: style.outline === "#ffffff" ? color : style.outline }],
    Line: ["line", { x1: 1, y1: 8, x2: 23, y2: 8, stroke: color, "stroke-width": px * lineScale(style) }],
    Polygon: ["rect", { x: 1, y: 2, width: 22, height: 12, fill: paint, "fill-opacity": style.opacity, stroke: "#7b8790", "stroke-width": 0.8 }],
  };
  svg.append(svgNode(...sets[style.geometry]));
  return svg;
}

function classesOf(layer) {
  const { style, counts } = layer;
  const entries = style.classes.map((each, index) => [each, counts[index] || 0]).filter(([, count]) => count || style.kind !== "categorized" || style.classes.length < 3);
  if (counts[-1]) entries.push([NO_DATA, counts[-1]]);
  if (counts[-2]) entries.push([OUTSIDE, counts[-2]]);
  return element("ul", {}, ...entries.map(([each, count]) => element("li", {}, swatch(style, each), element("span", {}, each.label),
    ...(style.kind === "single" ? [] : [element("span", { class: "count", title: words.howmany }, whole.format(count))]))));
}

function sectionOf(layer) {
  const { key, title, description, choice } = layer.style;
  const input = element("input", { type: "checkbox", "data-key": key });
  input.checked = layer.on;
  input.addEventListener("change", async () => { await choose(layer, input.checked); legendBox.querySelector(`[data-key="${key}"]`)?.focus(); });
  const label = element("label", description ? { title: description } : {}, input, element("span", {}, title));
  const section = element("section", { "data-key": key, class: layer.on ? "on" : "off" }, label);
  if (layer.on || swipe.keys.includes(key)) section.append(classesOf(layer));
  return section;
}

function drawLegend() {
  const mine = view.layers.map(layerOf), others = layers.filter((layer) => layer.on && !mine.includes(layer));
  legendBox.replaceChildren(element("p", {}, view.sentence), ...mine.map(sectionOf));
  const heading = element("h2", {}, words.also);
  legendBox.append(heading, ...others.map(sectionOf), nameSwitch());
  map.fire("legend");
}

function nameSwitch() {
  const input = element("input", { type: "checkbox", "data-key": "names" });
  input.checked = names.on;
  input.addEventListener("change", () => showNames(input.checked));
  return element("section", { class: "names" }, element("label", {}, input, element("span", {}, words.names)));
}

// --- search -------------------------------------------------------------------------------------------------------
// Apostrophes, soft signs and marks over letters are written one way and another: none of them counts.
const fold = (text) => text.toLocaleLowerCase().normalize("NFD").replace(/[\p{M}'’‘ʼʹʺ`´"ʻ]/gu, "");

async function searchIndex() {
  const entries = [], seen = new Set();
  for (const layer of layers.filter((each) => each.style.search.length)) {
    if (seen.has(layer.style.table)) continue;
    seen.add(layer.style.table);
    const { features } = await table(layer.style.table);
    for (const feature of features) {
      const found = layer.style.search.map((column) => feature.properties[column]).filter((text) => text);
      if (!found.length) continue;
      const all = [...found, feature.properties.other || ""].join("|");
      entries.push({ layer, feature, text: String(found[0]), other: found.slice(1).join(", "), keys: fold(all).split("|") });
    }
  }
  return entries;
}

// A place may be of a layer that is off: it is switched on first.
async function goTo(entry) {
  await choose(entry.layer, true);
  const item = itemsOf(entry.layer).find((each) => each.feature === entry.feature);
  if (item.getLatLng) map.setView(item.getLatLng(), Math.max(map.getZoom(), 9), { animate: false });
  else map.fitBounds(item.getBounds(), { animate: false, maxZoom: 9 });
  openCard(entry.layer, item, spotOf(item)).focus({ preventScroll: true });
}

function lookUp(entries, text) {
  const wanted = fold(text.trim());
  if (!wanted) return [];
  const rank = ({ keys }) => Math.min(...keys.map((key) => (key === wanted ? 0 : key.startsWith(wanted) ? 1 : key.includes(wanted) ? 2 : 3)));
  return entries.map((entry) => [rank(entry), entry]).filter(([at]) => at < 3).sort((p, q) => p[0] - q[0]).map(([, entry]) => entry);
}

function pointIn(text) {
  const found = /^\s*(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text);
  if (!found) return null;
  const [lon, lat] = [Number(found[1]), Number(found[2])];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? L.latLng(lat, lon) : null;
}

function goToPoint(point) {
  map.setView(point, Math.max(map.getZoom(), 9), { animate: false });
  const text = fill(words.point, { lat: point.lat, lon: point.lng });
  L.popup().setLatLng(point).setContent(element("div", { class: "card" }, element("p", { class: "popup-title" }, text))).openOn(map);
}

function searchBox(entries) {
  const form = document.getElementById("search-form"), input = document.getElementById("search-input");
  const list = document.getElementById("search-results"), status = document.getElementById("search-status");
  let found = [];
  const close = () => { list.hidden = true; };
  const pick = (entry) => { close(); status.textContent = ""; goTo(entry); };
  const look = () => {
    const text = input.value.trim();
    found = lookUp(entries, text);
    list.replaceChildren(...found.slice(0, 12).map((entry) => {
      const button = element("button", { type: "button" }, entry.text + " ",
        element("small", {}, [entry.layer.style.title, entry.other].filter(Boolean).join(" · ")));
      button.addEventListener("click", () => pick(entry));
      return element("li", {}, button);
    }));
    list.hidden = !found.length;
    status.textContent = !text ? "" : found.length ? fill(words.found, { n: whole.format(found.length) }) : pointIn(text) ? "" : fill(words.notfound, { text });
  };
  input.addEventListener("input", look);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
    const point = pointIn(input.value);
    if (point) goToPoint(point); else if (found.length) pick(found[0]);
  });
  form.addEventListener("keydown", (event) => {
    const buttons = [input, ...list.querySelectorAll("button")], at = buttons.indexOf(document.activeElement);
    if (event.key === "Escape") { close(); input.focus(); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !list.hidden && buttons[at + step]) { event.preventDefault(); buttons[at + step].focus(); }
  });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) close(); });
}
