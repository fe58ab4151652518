// What a reader does with the map: table, address of the view, download, measure, full screen, print, before and after, online map.
const toolBox = document.querySelector(".tools"), said = document.getElementById("said"), drawer = document.getElementById("drawer");

function say(text, ...more) {
  said.replaceChildren(text, ...more);
  said.hidden = !text;
}

function tool(label, act, pressed) {
  const button = element("button", { type: "button", ...(pressed === undefined ? {} : { "aria-pressed": String(pressed) }) }, label);
  button.addEventListener("click", () => act(button));
  toolBox.append(button);
  return button;
}

const press = (button, on) => button.setAttribute("aria-pressed", String(on));

// The layer that the chapter is about: what table and download hold.
function subject() {
  const mine = view.layers.map(layerOf).filter((layer) => layer.on);
  return mine.find((layer) => layer.style.geometry !== "Point") || mine[0] || layers.find((layer) => layer.on && !config.ground.includes(layer.style.key)) || layers.find((layer) => layer.on);
}

// --- table --------------------------------------------------------------------------------------------------------
const ROWS = 200;
const WORDS = new Set(["text", "code", "bool"]);

function fillDrawer() {
  if (drawer.hidden) return;
  const layer = subject();
  if (!layer) { drawer.replaceChildren(); return; }
  const { style } = layer, bounds = map.getBounds();
  const columns = style.lead.length ? style.lead : style.fields.map(([column]) => column).filter((column) => column !== style.name).slice(0, 5);
  const fields = new Map(style.fields.map(([column, label, kind]) => [column, [label, kind]]));
  const first = columns[0], value = (item) => item.feature.properties[first], items = itemsOf(layer, bounds, first, ROWS), all = items.all ?? items.length;
  items.sort((p, q) => (typeof value(q) === "number" ? value(q) : -Infinity) - (typeof value(p) === "number" ? value(p) : -Infinity));
  const numeric = new Set(columns.filter((column) => !WORDS.has(fields.get(column)[1])));
  const heads = [[words.place, ""], ...columns.map((column) => [fields.get(column)[0], numeric.has(column) ? "num" : ""])]
    .map(([text, kind]) => element("th", { scope: "col", class: kind }, text));
  const rows = items.slice(0, ROWS).map((item) => rowOf(layer, item, columns, fields, numeric));
  const close = element("button", { type: "button" }, words.close);
  close.addEventListener("click", () => toggleDrawer(false));
  const head = element("header", {}, element("span", { id: "drawer-title" }, fill(words.tableof, { title: style.title, n: whole.format(all) })), close);
  const body = element("table", { "aria-labelledby": "drawer-title" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
  drawer.replaceChildren(head, body, ...(all > ROWS ? [element("p", {}, fill(words.tablecut, { n: ROWS }))] : []));
}

function rowOf(layer, item, columns, fields, numeric) {
  const properties = item.feature.properties;
  const button = element("button", { type: "button" }, titleOf(layer.style, properties));
  button.addEventListener("click", () => openCard(layer, item, spotOf(item)).focus({ preventScroll: true }));
  const cells = columns.map((column) => element("td", { class: numeric.has(column) ? "num" : "" },
    given(properties[column]) ? withUnit(properties[column], fields.get(column)[1]) : "–"));
  return element("tr", item.feature === current.feature ? { class: "at" } : {}, element("td", {}, button), ...cells);
}

let drawerTool = null;

function toggleDrawer(on) {
  drawer.hidden = !on;
  press(drawerTool, on);
  map.invalidateSize({ animate: false });
  map._popup?.update(); // moves into what is left of the map
  fillDrawer();
  if (!on) drawerTool.focus();
}

// --- address of the view ------------------------------------------------------------------------------------------
function address() {
  const { lat, lng } = map.getCenter();
  const on = layers.filter((layer) => layer.on).map((layer) => layer.style.key).join(",");
  return "#" + [map.getZoom().toFixed(2), lat.toFixed(4), lng.toFixed(4), view.key, on].join("/");
}

function fromAddress() {
  const [zoom, lat, lng, key, on] = window.location.hash.slice(1).split("/");
  if (![zoom, lat, lng].every((text) => text && Number.isFinite(Number(text)))) return null;
  return { zoom: Number(zoom), at: L.latLng(Number(lat), Number(lng)), key, keys: on ? on.split(",") : null };
}

function keepAddress() {
  window.history.replaceState(null, "", address());
}

function shareView() {
  keepAddress();
  const copied = navigator.clipboard ? navigator.clipboard.writeText(window.location.href) : Promise.reject(new Error("no clipboard"));
  copied.then(() => say(words.copied), () => say(words.address)).finally(() => setTimeout(() => say(""), 3500));
}

// --- download -----------------------------------------------------------------------------------------------------
function save(name, type, text) {
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// A text that a spreadsheet would take for a formula gets an apostrophe before it.
const cellText = (value) => {
  if (!given(value)) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? "'" + value : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

async function download(kind) {
  const layer = subject();
  if (!layer) return;
  const { style } = layer, { features } = await table(style.table);
  const columns = style.fields.map(([column]) => column);
  if (kind === "csv") {
    const lines = [[...columns, "lon", "lat"], ...itemsOf(layer).map((item) => {
      const { lat, lng } = spotOf(item);
      return [...columns.map((column) => item.feature.properties[column]), lng.toFixed(5), lat.toFixed(5)].map(cellText);
    })];
    save(style.key + ".csv", "text/csv", lines.map((line) => line.join(",")).join("\n") + "\n");
    return;
  }
  const kept = features.map(({ geometry, properties }) => ({
    type: "Feature", geometry, properties: Object.fromEntries(columns.map((column) => [column, properties[column] ?? null])),
  }));
  save(style.key + ".geojson", "application/geo+json", JSON.stringify({ type: "FeatureCollection", features: kept }));
}

function downloads() {
  const body = element("div", {}), box = element("details", { class: "menu" }, element("summary", {}, words.download), body);
  box.addEventListener("toggle", () => {
    const title = subject()?.style.title ?? "";
    body.replaceChildren(...["geojson", "csv"].map((kind) => {
      const button = element("button", { type: "button" }, fill(words[kind], { title }));
      button.addEventListener("click", () => { download(kind); box.open = false; });
      return button;
    }));
  });
  toolBox.append(box);
}

// --- measure ------------------------------------------------------------------------------------------------------
// Length on the ellipsoid WGS 84 by Andoyer's formula: some metres off at most.
function geodesic(p, q) {
  const rad = Math.PI / 180, f = 1 / 298.257223563, F = ((p.lat + q.lat) / 2) * rad, G = ((p.lat - q.lat) / 2) * rad, l = ((p.lng - q.lng) / 2) * rad;
  const sq = (x) => x * x;
  const S = sq(Math.sin(G)) * sq(Math.cos(l)) + sq(Math.cos(F)) * sq(Math.sin(l)), C = sq(Math.cos(G)) * sq(Math.cos(l)) + sq(Math.sin(F)) * sq(Math.sin(l));
  if (S < 1e-18) return 0;
  const w = Math.atan(Math.sqrt(S / C)), R = Math.sqrt(S * C) / w;
  const h1 = (3 * R - 1) / (2 * C), h2 = (3 * R + 1) / (2 * S);
  return 2 * w * 6378.137 * (1 + f * h1 * sq(Math.sin(F)) * sq(Math.cos(G)) - f * h2 * sq(Math.cos(F)) * sq(Math.sin(G)));
}

const ruler = { on: false, points: [], line: L.polyline([], { color: "#111111", weight: 2, dashArray: "5 5", interactive: false }), button: null };

function measure(on) {
  ruler.on = on;
  ruler.points = [];
  ruler.line.setLatLngs([]);
  press(ruler.button, on);
  if (on) { ruler.line.addTo(map); closeCard(); say(words.measuring); } else { ruler.line.remove(); say(""); }
}

function addPoint({ latlng }) {
  if (!ruler.on) return;
  ruler.points.push(latlng);
  ruler.line.setLatLngs(ruler.points);
  const km = ruler.points.slice(1).reduce((sum, point, i) => sum + geodesic(ruler.points[i], point), 0);
  if (ruler.points.length > 1) say(fill(words.measured, { km: write(km, "km") }));
}

// --- before and after ---------------------------------------------------------------------------------------------
const swipe = { on: false, keys: [], groups: [], line: null, input: null };

function clipSides() {
  const { x: width, y: height } = map.getSize(), at = (width * swipe.input.value) / 100;
  const west = map.containerPointToLayerPoint([0, 0]), middle = map.containerPointToLayerPoint([at, 0]), end = map.containerPointToLayerPoint([width, height]);
  swipe.line.style.left = at + "px";
  const clip = (left, right) => `polygon(${left}px ${west.y}px, ${right}px ${west.y}px, ${right}px ${end.y}px, ${left}px ${end.y}px)`;
  map.getPane("before").style.clipPath = clip(west.x, middle.x);
  map.getPane("after").style.clipPath = clip(middle.x, end.x);
}

async function showSwipe(on, button) {
  swipe.on = on;
  press(button, on);
  swipe.groups.forEach((group) => group.remove());
  swipe.groups = [];
  swipe.keys = [];
  swipe.line?.remove();
  swipe.input?.remove();
  map.off("move zoom resize", clipSides);
  if (!on) { openView(config.views[0].key); return; }
  const pairs = config.swipe.map((pair) => pair.map(layerOf));
  const areas = pairs.find(([, after]) => after.on && after.style.geometry === "Polygon") || pairs.find(([, after]) => after.style.geometry === "Polygon");
  const shown = [...pairs.filter(([, after]) => after.style.geometry === "Point"), areas].filter(Boolean).reverse();
  swipe.keys = shown.map(([, after]) => after.style.key);
  view = config.views.find((each) => each.layers.includes(swipe.keys.at(-1)) && each.key !== "change") || view;
  layers.filter((layer) => layer.on && !config.ground.includes(layer.style.key)).forEach(hide);
  drawLegend();
  for (const [number, side] of ["before", "after"].entries()) {
    const pane = map.getPane(side) || map.createPane(side);
    pane.style.zIndex = 450;
    pane.style.pointerEvents = "none";
    for (const pair of shown) {
      const group = build(pair[number], await table(pair[number].style.table), new Canvas({ pane: side, padding: 0.3 }), { interactive: false, pane: side });
      swipe.groups.push(group.addTo(map));
    }
  }
  swipe.line = element("div", { class: "swipe-line" });
  swipe.input = element("input", { type: "range", class: "swipe", min: "0", max: "100", value: "50", "aria-label": words.swipehint });
  swipe.input.addEventListener("input", clipSides);
  document.querySelector(".map-box").append(swipe.line, swipe.input);
  map.on("move zoom resize", clipSides);
  clipSides();
}

// --- online map ---------------------------------------------------------------------------------------------------
function showTiles(on, button) {
  tiles.on = on;
  press(button, on);
  say("");
  if (on) {
    tiles.layer = tiles.layer || L.tileLayer(config.basemap.url, { attribution: config.basemap.attribution, maxZoom: 14 });
    tiles.layer.addTo(map);
  } else tiles.layer?.remove();
  restyle(true);
}

function askForTiles(button) {
  if (tiles.on) { showTiles(false, button); return; }
  const yes = element("button", { type: "button" }, words.yes), no = element("button", { type: "button" }, words.no);
  yes.addEventListener("click", () => showTiles(true, button));
  no.addEventListener("click", () => say(""));
  say(fill(words.basemapask, { host: config.basemap.host }), yes, no);
  yes.focus();
}

// --- start --------------------------------------------------------------------------------------------------------
function tools() {
  tool("+", () => map.zoomIn()).setAttribute("aria-label", words.zoomin);
  tool("−", () => map.zoomOut()).setAttribute("aria-label", words.zoomout);
  if (config.swipe.length) tool(words.swipe, (button) => showSwipe(!swipe.on, button), false);
  drawerTool = tool(words.table, () => toggleDrawer(drawer.hidden), false);
  tool(words.share, shareView);
  downloads();
  ruler.button = tool(words.measure, () => measure(!ruler.on), false);
  tool(words.full, () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()));
  tool(words.print, () => window.print());
  tool(words.basemap, askForTiles, false);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { if (ruler.on) measure(false); closeCard(); } });
}

function sheet() {
  const side = document.querySelector(".side"), handle = document.querySelector(".handle");
  handle.addEventListener("click", () => {
    const tall = side.classList.toggle("tall");
    handle.setAttribute("aria-expanded", String(tall));
    map.invalidateSize({ animate: false });
  });
}

async function start() {
  map.attributionControl.setPrefix(false);
  map.attributionControl.addAttribution(config.attribution);
  document.querySelector(".credits").textContent = new DOMParser().parseFromString(config.attribution, "text/html").body.textContent;
  const kept = fromAddress();
  map.invalidateSize({ animate: false });
  if (kept) map.setView(kept.at, kept.zoom, { animate: false });
  else map.fitBounds(config.bounds, { animate: false, paddingTopLeft: [20, 56], paddingBottomRight: [20, 36] });
  const scale = L.control.scale({ position: "bottomleft", imperial: false });
  scale._updateMetric = (most) => {
    const metres = scale._getRoundNum(most), [value, unit] = metres < 1000 ? [metres, words.m] : [metres / 1000, words.km];
    scale._updateScale(scale._mScale, `${value} ${unit}`, metres / most);
  };
  scale.addTo(map);
  placeNames();
  chapters();
  tools();
  sheet();
  map.on("zoomend moveend resize", () => { thinNames(); restyle(); fillDrawer(); });
  map.on("overlayadd overlayremove legend cardopen", fillDrawer);
  map.on("click", (event) => (ruler.on ? addPoint(event) : undefined));
  map.on("popupclose", () => { current.feature = null; mark(); });
  showNames(true);
  await openView(kept ? kept.key : config.views[0].key, kept ? kept.keys : null);
  map.on("moveend overlayadd overlayremove legend", keepAddress);
  const entries = await searchIndex();
  searchBox(entries);
}

// A test or a script of the reader can wait for `map.borderlink.ready`.
map.borderlink = { layers, ready: start() };
