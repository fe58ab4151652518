// What a reader works with: layers control, legend, search. `map.js` comes before it in the page.
const wide = window.matchMedia("(min-width: 700px)").matches;

function panel(position, className, label, body) {
  const details = element("details", {}, element("summary", {}, label), body);
  details.open = wide;
  const box = element("div", { class: className + " panel", role: "region", "aria-label": label }, details);
  L.DomEvent.disableClickPropagation(box);
  L.DomEvent.disableScrollPropagation(box);
  const control = L.control({ position });
  control.onAdd = () => box;
  control.addTo(map);
  return box;
}

// --- layers -------------------------------------------------------------------------------------------------------
const inputs = new Map();

function sync() {
  for (const [layer, input] of inputs) input.checked = layer.on;
  for (const input of document.querySelectorAll("input[data-none]"))
    input.checked = !layers.some((layer) => layer.style.choice === input.name && layer.on);
}

async function choose(layer, on) {
  const rivals = layers.filter((other) => other !== layer && other.style.choice && other.style.choice === layer.style.choice);
  if (on) { rivals.forEach(hide); await show(layer); } else hide(layer);
  sync();
}

function line(input, text, title) {
  return element("label", title ? { title } : {}, input, element("span", {}, text));
}

function lineOf(layer) {
  const { key, title, description, choice, rows } = layer.style;
  const kind = choice ? { type: "radio", name: choice } : { type: "checkbox" };
  const input = element("input", { ...kind, "data-key": key });
  inputs.set(layer, input);
  input.disabled = rows === 0;
  input.addEventListener("change", () => choose(layer, input.checked));
  const label = line(input, rows === 0 ? title + " (none)" : title, description);
  if (rows === 0) label.classList.add("empty");
  return label;
}

function layersControl() {
  const body = element("div", { class: "body" });
  for (const group of [...new Set(layers.map((layer) => layer.style.group))]) {
    const set = element("fieldset", {}, element("legend", {}, group));
    const members = layers.filter((layer) => layer.style.group === group);
    members.forEach((layer) => set.append(lineOf(layer)));
    const choice = (members.find((layer) => layer.style.choice) || { style: {} }).style.choice;
    if (choice) {
      const none = element("input", { type: "radio", name: choice, "data-none": "" });
      none.addEventListener("change", () => { members.filter((layer) => layer.style.choice).forEach(hide); sync(); });
      set.append(line(none, "None of these"));
    }
    body.append(set);
  }
  if (config.names.length) {
    const input = element("input", { type: "checkbox", "data-key": "names" });
    input.checked = true;
    input.addEventListener("change", () => showNames(input.checked));
    body.lastChild.append(line(input, "Names of regions and large places"));
  }
  panel("topright", "leaflet-control-layers leaflet-control-layers-expanded", "Layers", body);
}

// --- legend -------------------------------------------------------------------------------------------------------
const SVG = "http://www.w3.org/2000/svg";

// Thin lines are all made thicker by one factor, so that the thinnest is seen and the classes still differ.
function lineScale(style) {
  return Math.max(1, 1 / Math.min(...style.classes.map((each) => 4 * (each.size || style.size))));
}

function swatch(style, { color, size }) {
  const svg = document.createElementNS(SVG, "svg");
  const mark = document.createElementNS(SVG, style.geometry === "Point" ? "circle" : style.geometry === "Line" ? "line" : "rect");
  const px = 4 * (size || style.size);
  const sets = {
    Point: { cx: 11, cy: 8, r: Math.min(px / 2, 7), fill: color, stroke: style.outline === "#ffffff" ? color : style.outline },
    Line: { x1: 1, y1: 8, x2: 21, y2: 8, stroke: color, "stroke-width": px * lineScale(style) },
    Polygon: { x: 1, y: 2, width: 20, height: 12, fill: color, "fill-opacity": style.opacity, stroke: "#7b8790", "stroke-width": 0.8 },
  };
  for (const [key, value] of Object.entries({ class: style.geometry.toLowerCase(), width: 22, height: 16, "aria-hidden": "true" })) svg.setAttribute(key, value);
  for (const [key, value] of Object.entries(sets[style.geometry])) mark.setAttribute(key, value);
  svg.append(mark);
  return svg;
}

function legendOf(layer) {
  const { style, counts } = layer;
  const entries = style.classes.map((each, index) => [each, counts[index] || 0]);
  if (counts[-1]) entries.push([NO_DATA, counts[-1]]);
  if (counts[-2]) entries.push([OUTSIDE, counts[-2]]);
  const items = entries.map(([each, count]) => element("li", {}, swatch(style, each), element("span", {}, each.label),
    ...(style.kind === "single" ? [] : [element("span", { class: "count", title: "how many on the map" }, whole.format(count))])));
  const heading = style.kind === "single" ? [] : [element("p", { class: "legend-title" }, style.title)];
  return element("section", { "data-key": style.key }, ...heading, element("ul", {}, ...items));
}

function legendControl() {
  const body = element("div", { class: "body", tabindex: "0", role: "group", "aria-label": "Classes of the visible layers" });
  const fill = () => {
    const visible = layers.filter((layer) => layer.on);
    body.replaceChildren(...visible.map(legendOf));
    if (!visible.length) body.append("No layer is switched on.");
  };
  map.on("overlayadd overlayremove", fill);
  panel("topright", "legend", "Legend", body);
  fill();
}

// --- search -------------------------------------------------------------------------------------------------------
const fold = (text) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

async function searchIndex() {
  const entries = [];
  for (const layer of layers.filter((each) => each.style.search.length)) {
    const { features } = await table(layer.style.table);
    for (const feature of features) {
      const found = layer.style.search.map((column) => feature.properties[column]).filter((text) => text);
      if (found.length) entries.push({ layer, feature, text: String(found[0]), other: found.slice(1).join(", "), key: fold(found.join("\n")) });
    }
  }
  return entries;
}

// A place may be of a layer that is off: it is switched on first.
async function goTo(entry) {
  await choose(entry.layer, true);
  const item = entry.layer.group.getLayers().find((each) => each.feature === entry.feature);
  map.setView(item.getLatLng(), Math.max(map.getZoom(), 9), { animate: false });
  openPopup(entry.layer, item, item.getLatLng()).focus({ preventScroll: true });
}

function searchBox(entries) {
  const form = document.getElementById("search-form"), input = document.getElementById("search-input");
  const list = document.getElementById("search-results"), status = document.getElementById("search-status");
  let found = [];
  const close = () => { list.hidden = true; };
  const pick = (entry) => { close(); goTo(entry); };
  const look = () => {
    const wanted = fold(input.value.trim());
    const rank = (entry) => (entry.key.startsWith(wanted) ? 0 : 1);
    found = wanted ? entries.filter((entry) => entry.key.includes(wanted)).sort((p, q) => rank(p) - rank(q)) : [];
    list.replaceChildren(...found.slice(0, 12).map((entry) => {
      const button = element("button", { type: "button" }, entry.text + " ",
        element("small", {}, [entry.layer.style.title, entry.other].filter(Boolean).join(" · ")));
      button.addEventListener("click", () => pick(entry));
      return element("li", {}, button);
    }));
    list.hidden = !found.length;
    status.textContent = wanted ? found.length + " found" : "";
  };
  input.addEventListener("input", look);
  form.addEventListener("submit", (event) => { event.preventDefault(); look(); if (found.length) pick(found[0]); });
  form.addEventListener("keydown", (event) => {
    const buttons = [input, ...list.querySelectorAll("button")], at = buttons.indexOf(document.activeElement);
    if (event.key === "Escape") { close(); input.focus(); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !list.hidden && buttons[at + step]) { event.preventDefault(); buttons[at + step].focus(); }
  });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) close(); });
}

// --- start --------------------------------------------------------------------------------------------------------
async function start() {
  map.attributionControl.setPrefix(false);
  map.attributionControl.addAttribution(config.attribution);
  // The controls stand at the right on a wide screen: the first view keeps clear of it.
  map.fitBounds(config.bounds, { animate: false, paddingTopLeft: [20, 20], paddingBottomRight: [wide ? 290 : 20, 40] });
  L.control.scale({ position: "bottomleft", imperial: false }).addTo(map);
  graticule();
  placeNames();
  layersControl();
  legendControl();
  map.on("zoomend moveend resize", thinNames);
  showNames(true);
  await Promise.all(layers.filter((layer) => layer.style.visible).map(show));
  sync();
  const entries = await searchIndex();
  if (entries.length) searchBox(entries); else document.getElementById("search-form").hidden = true;
}

// A test or a script of the reader can wait for `map.borderlink.ready`.
map.borderlink = { layers, ready: start() };
