// What a feature is: its name, two sentences, four numbers, a small chart, the rest folded. A pop-up, or a sheet on a phone.
const UNITS = { minutes: words.min, km: words.km, metres: words.m };
const COLORS = ["#154c79", "#c8501e", "#9aa5b1"];
const given = (value) => value !== undefined && value !== null && value !== "";

function withUnit(value, kind) {
  return write(value, kind) + (UNITS[kind] && typeof value === "number" ? " " + UNITS[kind] : "");
}

function chart(bars) {
  const most = Math.max(...bars.map(([, value]) => value), 1e-9);
  const box = element("div", { class: "bars" });
  for (const [label, value, color] of bars) {
    const bar = element("i", { "aria-hidden": "true" });
    bar.style.width = Math.max(1, (100 * value) / most) + "%";
    bar.style.background = COLORS[color];
    box.append(element("span", {}, label), bar, element("span", {}, withUnit(value, "minutes")));
  }
  return box;
}

function titleOf(style, properties) {
  return given(properties[style.name]) ? String(properties[style.name]) : given(properties.place) ? String(properties.place)
    : given(properties.near) ? String(properties.near) : style.title;
}

function cardOf(layer, feature) {
  const style = layer.style, properties = feature.properties;
  const fields = new Map(style.fields.map(([column, label, kind]) => [column, [label, kind]]));
  const lead = style.lead.filter((column) => given(properties[column])).slice(0, 4);
  const box = element("div", { class: "card", tabindex: "0" }, element("p", { class: "popup-title" }, titleOf(style, properties)));
  if (properties.said) box.append(element("p", { class: "said" }, properties.said));
  if (lead.length) {
    box.append(element("dl", {}, ...lead.map((column) => {
      const [label, kind] = fields.get(column);
      return element("div", {}, element("dt", {}, label), element("dd", {}, withUnit(properties[column], kind)));
    })));
  }
  if (properties.bars) box.append(chart(properties.bars));
  const rest = style.fields.filter(([column]) => column !== style.name && !lead.includes(column));
  const rows = rest.map(([column, label, kind]) => {
    const value = given(properties[column]) ? element("td", {}, write(properties[column], kind)) : element("td", { class: "nodata" }, words.nodata);
    return element("tr", {}, element("th", { scope: "row" }, label), value);
  });
  if (rows.length) {
    const body = element("table", {}, element("tbody", {}, ...rows));
    const folded = element("details", {}, element("summary", {}, words.more), body);
    folded.open = !lead.length;
    box.append(folded);
  }
  return box;
}

const card = document.getElementById("card");
const current = { layer: null, feature: null };

function closeCard() {
  card.hidden = true;
  card.replaceChildren();
  current.feature = null;
  map.closePopup();
}

function openCard(layer, item, latlng) {
  const content = cardOf(layer, item.feature);
  if (narrow.matches) {
    const close = element("button", { type: "button", "aria-label": words.close }, "×");
    close.addEventListener("click", closeCard);
    card.replaceChildren(content, close);
    card.hidden = false;
    card.parentElement.scrollTop = 0;
    map.panTo(latlng, { animate: false });
  } else {
    const size = map.getSize();
    const limits = { maxWidth: Math.min(350, size.x - 60), minWidth: Math.min(280, size.x - 60), maxHeight: Math.max(160, size.y - 150), autoPanPaddingTopLeft: [20, 60] };
    L.popup(limits).setLatLng(latlng).setContent(content).openOn(map);
  }
  Object.assign(current, { layer, feature: item.feature }); // after the pop-up before it has closed
  mark();
  map.fire("cardopen");
  return content;
}

// The feature that is open wears a ring, so that table and map show the same one.
const ring = L.layerGroup();

function mark() {
  ring.clearLayers();
  if (!current.feature) return;
  const look = { color: "#111111", weight: 2.5, fill: false, interactive: false };
  L.geoJSON(current.feature, {
    style: look, interactive: false,
    pointToLayer: (feature, latlng) => L.circleMarker(latlng, { ...look, radius: 4 + radiusAt() * radiusOf(current.layer.style, feature.properties) }),
  }).addTo(ring);
  ring.addTo(map);
}

// Where a feature is: a point itself, the middle of the box of all else.
function spotOf(item) {
  return item.getLatLng ? item.getLatLng() : item.getBounds().getCenter();
}
