// The page: asks the server what the edits change, and shows it.
import { element, whole } from "./format.js";
import { BorderMap } from "./map.js";
import { Posts, editLine, groundText, newPostForm, tabs, wayText } from "./panel.js";
import { State, linkOf, readLink } from "./state.js";
import { cards, effects, gainsTable, headline, loads, regions, totals } from "./tables.js";

const $ = (id) => document.getElementById(id);
const SNAP_KM = 25;
const VIEWS = [["before", "Before"], ["after", "After"], ["change", "Change"], ["swipe", "Swipe"]];

// A notebook's frame has the token in its fragment, for a cookie of ours does not reach a frame of another site.
let token = "";
const parts = new URLSearchParams(location.hash.slice(1));
if (parts.has("token")) {
  token = parts.get("token");
  parts.delete("token");
  history.replaceState(null, "", location.pathname + (parts.size ? "#" + parts : ""));
}

class Refusal extends Error {}

async function ask(path, body, signal, raw = false) {
  for (let attempt = 0; ; attempt += 1) {
    const headers = { ...(body ? { "Content-Type": "application/json" } : {}), ...(token ? { "X-Borderlink-Token": token } : {}) };
    const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal, credentials: "same-origin" });
    if (answer.status === 429 && attempt < 30) {
      await new Promise((done) => setTimeout(done, 300 + 700 * Math.random()));
      if (signal && signal.aborted) throw new DOMException("aborted", "AbortError");
      continue;
    }
    if (!answer.ok) {
      const told = await answer.json().catch(() => ({}));
      throw new Refusal(answer.status === 401 ? "This page has no token of a running server. Start `borderlink serve` and open the address that it prints; the link's changes stay in the address and can be opened there." : told.error || `the server answered ${answer.status}`);
    }
    return raw ? answer : answer.json();
  }
}

function problem(error) {
  if (error && error.name === "AbortError") return;
  const text = error ? error instanceof Refusal ? error.message : error instanceof TypeError ? "The server does not answer: is `borderlink serve` still running?" : String(error.message || error) : "";
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

function busy(state, text) { document.body.dataset.state = state; $("status").textContent = text; }

function keep(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function start() {
  const study = await ask("/api/study");
  const state = new State(study.study);
  let change = null, running = null, spreading = null, ends = [], takenBack = false;
  document.title = `${study.title}: what if`;
  $("eyebrow").textContent = `${study.title} · what if`;
  $("sources").textContent = study.sources.join(" · ");
  if (study.assumed_waits) {
    $("assumed").textContent = `Waits are assumed at ${study.assumed_waits} of ${study.checkpoints.length} posts; cities are places of ${whole(study.city_people)} people or more.`;
    $("assumed").hidden = false;
  }
  $("legend").open = window.innerWidth > 760;
  const choose = tabs(document.querySelector("[role=tablist]"));
  const posts = new Posts($("tab-posts"), study, state);
  const map = new BorderMap($("map"), study, {
    click: (place) => clicked(place),
    post: (id) => { choose("posts"); posts.choose(id); },
    closed: () => state.closed(),
    legend: (body) => $("legend-body").replaceChildren(body),
    divide: (share) => { $("divide").style.left = (100 * share).toFixed(2) + "%"; },
  });
  window.borderlink = { map, state, study };

  for (const [key, name] of VIEWS) {
    const input = element("input", { type: "radio", name: "view", value: key, checked: key === "after", onchange: () => { map.show({ view: key }); $("swipe").hidden = $("divide").hidden = key !== "swipe"; } });
    $("views").append(element("label", {}, input, element("span", {}, name)));
  }
  $("swipe").addEventListener("input", () => { map.swipe = $("swipe").value / 100; map.clip(); });
  $("measure").addEventListener("change", () => map.show({ measure: $("measure").value }));
  $("tool").addEventListener("change", () => { ends = []; map.marks.clearLayers(); });

  // --- new posts ------------------------------------------------------------------------------------------------
  function withNew(post, done) { state.addPost(post); if (done) done(); }

  function newTab() {
    const form = newPostForm(study, (post) => withNew(post));
    form.append(element("button", { type: "submit", class: "main" }, "Add the post"));
    $("tab-new").replaceChildren(element("p", { class: "empty" }, `A post within ${study.far_km} km of the border: click the map near the line, or give its place.`), form);
  }

  function propose(place, onLine) {
    const dialog = $("dialog");
    const form = newPostForm(study, (post) => withNew(post, () => dialog.close()), place);
    const cancel = element("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    form.append(element("div", { class: "buttons" }, element("button", { type: "submit", class: "main" }, "Add the post"), cancel));
    dialog.replaceChildren(element("h2", { id: "dialog-title" }, "A new post here?"), element("p", { class: "empty" }, onLine ? "At the point of the border line nearest to the click." : "Where you clicked, away from the line."), form);
    dialog.onclose = () => map.marks.clearLayers();
    map.mark(place);
    dialog.showModal();
    form.elements.wait.focus();
  }

  async function clicked(place) {
    const tool = $("tool").value;
    problem(null);
    if (tool === "post") {
      const { km, ...line } = map.onBorder(place);
      if (km > study.far_km) { $("status").textContent = `${whole(km)} km from the border: a new post stands within ${study.far_km} km of it.`; return; }
      // A click near the line means the line: a post stands on it, and a pixel is a kilometre wide.
      propose(km < SNAP_KM ? line : place, km < SNAP_KM);
    } else if (tool === "reach") await reach([place.lng, place.lat]);
    else {
      ends.push([place.lng, place.lat]);
      if (ends.length === 1) { map.mark(place); $("status").textContent = "Now click where the way ends."; return; }
      const [origin, target] = ends;
      ends = [];
      await way(origin, target);
    }
  }

  // --- ways and reach -------------------------------------------------------------------------------------------
  async function way(origin, target) {
    busy("working", "Looking for the way …");
    try {
      const found = await ask("/api/route", { study: study.study, edits: state.edits, origin, target });
      map.drawWay(found.line);
      $("way-answer").replaceChildren(wayText(found));
      choose("ways");
      busy("done", "The way is drawn.");
    } catch (error) { problem(error); busy("done", ""); }
  }

  async function reach(place) {
    busy("working", "Drawing the ground within 1, 2 and 4 hours …");
    try {
      const found = await ask("/api/isochrone", { study: study.study, edits: state.edits, place, minutes: [60, 120, 240] });
      map.drawGround(found, [place[1], place[0]]);
      $("way-answer").replaceChildren(element("h3", {}, `Within minutes of ${place.map((x) => x.toFixed(3)).join(", ")}`), groundText(found, study.sides));
      choose("ways");
      busy("done", "The ground is drawn.");
    } catch (error) { problem(error); busy("done", ""); }
  }

  function waysTab() {
    const towns = element("datalist", { id: "towns" }, ...study.settlements.filter((t) => t.people > 0).map((t) => element("option", { value: t.name }, t.region)));
    const input = (name) => element("input", { type: "text", list: "towns", name, required: true, autocomplete: "off" });
    const from = input("from"), to = input("to");
    to.required = false;
    const find = (text) => {
      const pair = text.split(",").map(Number);
      if (pair.length === 2 && pair.every(Number.isFinite)) return pair;
      const town = study.settlements.find((one) => one.name.toLowerCase() === text.trim().toLowerCase());
      if (!town) throw new Refusal(`no settlement is called ${text}: allowed is a name of the list, or lon,lat`);
      return [town.lon, town.lat];
    };
    const form = element("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      problem(null);
      try { if (to.value.trim()) await way(find(from.value), find(to.value)); else await reach(find(from.value)); } catch (error) { problem(error); }
    } },
    element("div", { class: "pair" }, element("label", {}, "From (a settlement, or lon,lat)", from), element("label", {}, "To (empty: what is within reach)", to)),
    towns, element("button", { type: "submit", class: "main" }, "Show"));
    $("tab-ways").replaceChildren(element("p", { class: "empty" }, "With the changes made. On the map: choose what a click does."), form, element("div", { id: "way-answer", "aria-live": "polite" }));
  }

  // --- the answer -----------------------------------------------------------------------------------------------
  function showEdits() {
    let opened = 0;
    const items = state.edits.map((edit, n) => {
      if (edit.edit === "open") opened += 1;
      const number = opened, line = editLine(edit, study, change ? change.places : [], number);
      const dial = line.wait === undefined ? null : element("input", { type: "number", min: 0, max: study.most_wait_min, step: "any", value: line.wait, "aria-label": `Wait at new post ${number}, minutes`, onchange: (event) => state.setNewWait(number, Number(event.target.value)) });
      const wait = dial && element("label", {}, "wait", dial, "min");
      return element("li", {}, element("span", {}, line.text, line.more ? element("small", {}, line.more) : null, wait),
        element("button", { type: "button", class: "icon", "aria-label": `Take back: ${line.text}`, onclick: () => state.remove(n) }, "×"));
    });
    $("edits").replaceChildren(...(items.length ? items : [element("li", { class: "hint" }, "Nothing yet. Click the map near the border to propose a post, or change a wait below.")]));
    $("undo").disabled = !state.canUndo;
    $("redo").disabled = !state.canRedo;
    $("clear").disabled = !state.edits.length;
  }

  function showAnswer() {
    $("headline").textContent = headline(change, state.edits);
    $("cards").replaceChildren(cards(change));
    $("tab-gains").replaceChildren(gainsTable(change, study, true));
    $("tab-losses").replaceChildren(gainsTable(change, study, false));
    $("tab-loads").replaceChildren(loads(change));
    $("tab-regions").replaceChildren(totals(change), element("h3", {}, "Regions"), regions(change), element("h3", {}, "Effects with their spread"), element("div", { id: "spread", "aria-live": "polite" }));
    posts.shares(change);
    showEdits();
    map.update(change);
  }

  // The spread of waits, speeds, half-life and people that nobody measured: seconds, so that it follows the answer.
  async function spread(edits) {
    const mine = spreading = new AbortController();
    const holder = $("spread");
    holder.dataset.state = "pending";
    holder.textContent = edits.length ? "Pending: draws of what nobody measured …" : "Nothing is changed.";
    if (!edits.length) return;
    try {
      await new Promise((later) => setTimeout(later, 1200));
      if (mine !== spreading) return;
      const found = await ask("/api/spread", { study: study.study, edits }, mine.signal);
      if (mine !== spreading) return;
      holder.replaceChildren(element("p", { class: "empty" }, `${found.draws} draws of waits, speeds, half-life and people; the middle nine tenths.`), effects(found));
      holder.dataset.state = "done";
    } catch (error) {
      if (mine !== spreading || error.name === "AbortError") return;
      holder.textContent = `No spread: ${error.message}`;
      holder.dataset.state = "failed";
    }
  }

  async function answer() {
    showEdits();
    if (running) running.abort();
    if (spreading) spreading.abort();
    const mine = running = new AbortController();
    const edits = state.edits, begun = performance.now();
    busy("working", "Working it out …");
    try {
      const found = await ask("/api/whatif", { study: study.study, edits }, mine.signal);
      if (mine !== running) return;
      change = found;
      if (!takenBack) problem(null);
      takenBack = false;
      showAnswer();
      spread(edits);
      busy("done", `Exact, central values; answered in ${whole(performance.now() - begun)} ms${found.rebuilt ? " (the network was built again)" : ""}.`);
    } catch (error) {
      if (mine !== running || error.name === "AbortError") return;
      problem(error);
      // What can't be is taken back, so that the page and its tables say the same.
      if (error instanceof Refusal && state.canUndo && change) { takenBack = true; state.undo(); return; }
      busy("done", "");
    }
  }

  // --- files and links ------------------------------------------------------------------------------------------
  const view = () => { const at = map.leaflet.getCenter(); return [map.leaflet.getZoom(), at.lat.toFixed(4), at.lng.toFixed(4)].join("/"); };
  const file = (path, name) => async () => {
    problem(null);
    try { keep(await (await ask(path, { study: study.study, edits: state.edits }, null, true)).blob(), name); $("status").textContent = `${name} is saved.`; } catch (error) { problem(error); }
  };
  $("save-toml").addEventListener("click", file("/api/scenario.toml", "scenario.toml"));
  $("save-html").addEventListener("click", file("/api/page.html", "whatif.html"));
  $("save-layers").addEventListener("click", file("/api/layers.gpkg", "whatif.gpkg"));
  $("open-toml").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", async () => {
    const chosen = $("file").files[0];
    $("file").value = "";
    if (!chosen) return;
    try { state.set((await ask("/api/edits", { toml: await chosen.text() })).edits); } catch (error) { problem(error); }
  });
  $("share").addEventListener("click", async () => {
    const link = await linkOf(state, view());
    history.replaceState(null, "", link);
    try { await navigator.clipboard.writeText(location.href); $("status").textContent = "The link is copied: it holds the changes and the view."; } catch { $("status").textContent = "The link stands in the address bar: it holds the changes and the view."; }
  });
  $("undo").addEventListener("click", () => state.undo());
  $("redo").addEventListener("click", () => state.redo());
  $("clear").addEventListener("click", () => state.set([]));
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input, textarea") || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    if (event.shiftKey) state.redo(); else state.undo();
  });

  async function follow() {
    const link = await readLink(location.hash);
    if (!link) return false;
    if (link.study !== study.study && !window.confirm("This link is of another study, or of another state of it. Try its changes here?")) return false;
    state.set(link.edits);
    if (link.map.length === 3 && link.map.every(Number.isFinite)) map.leaflet.setView([link.map[1], link.map[2]], link.map[0], { animate: false });
    return true;
  }
  window.addEventListener("hashchange", () => follow().catch((error) => problem(new Refusal("The link can't be read: " + error.message))));

  newTab();
  waysTab();
  map.draw();
  let begun = false;
  state.listen(() => { if (begun) answer(); });
  try { begun = await follow(); } catch (error) { problem(new Refusal("The link can't be read: " + error.message)); }
  const first = begun ? state.edits : study.start.length ? study.start : state.saved() || [];
  state.steps = [first];
  state.at = 0;
  posts.refresh();
  begun = true;
  await answer();
}

start().catch((error) => { $("headline").textContent = "The border can't be shown"; problem(error); busy("failed", ""); });
