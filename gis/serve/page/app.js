// The page: asks the server what the edits change, and shows it.
import { element, minutes, percent, whole } from "./format.js";
import { Compare } from "./compare.js";
import { Drawing } from "./draw.js";
import { editLine, lineForm, newPostForm, passesAt, written } from "./edits.js";
import { BorderMap } from "./map.js";
import { Posts, groundText, tabs, waitOf, wayText } from "./panel.js";
import { _ } from "./say.js";
import { State, linkOf, readLink } from "./state.js";
import { cards, effects, gainsTable, headline, loads, queues, regions, tornado, totals } from "./tables.js";

const $ = (id) => document.getElementById(id);
const SNAP_KM = 25;
const VIEWS = [["before", _("Before")], ["after", _("After")], ["change", _("Change")], ["swipe", _("Swipe")]];

// A notebook's frame has the token in its fragment, for a cookie of ours does not reach a frame of another site.
let token = "";
const parts = new URLSearchParams(location.hash.slice(1));
if (parts.has("token")) {
  token = parts.get("token");
  parts.delete("token");
  history.replaceState(null, "", location.pathname + (parts.size ? "#" + parts : ""));
}

class Refusal extends Error {}

async function ask(path, body, signal, raw = false, patience = 30) {
  for (let attempt = 0; ; attempt += 1) {
    const headers = { ...(body ? { "Content-Type": "application/json" } : {}), ...(token ? { "X-Borderlink-Token": token } : {}) };
    const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal, credentials: "same-origin" });
    if (answer.status === 429 && attempt < patience) {
      await new Promise((done) => setTimeout(done, 300 + 700 * Math.random()));
      if (signal && signal.aborted) throw new DOMException("aborted", "AbortError");
      continue;
    }
    if (!answer.ok) {
      const told = await answer.json().catch(() => ({}));
      throw new Refusal(answer.status === 413 ? _("Too much at once: 64 kB are allowed.") : answer.status === 401 ? _("This page has no token of a running server. Start `borderlink serve` and open the address that it prints; the link's changes stay in the address and can be opened there.") : told.error || _("The server answered {code}.", { code: answer.status }));
    }
    return raw ? answer : answer.json();
  }
}

function problem(error) {
  if (error && error.name === "AbortError") return;
  const text = error ? error instanceof Refusal ? error.message : error instanceof TypeError ? _("The server does not answer: is `borderlink serve` still running?") : String(error.message || error) : "";
  // A message may list all names that are allowed: what was given, and the likeliest, come first.
  $("problem").textContent = text.length > 600 ? text.slice(0, 600) + " …" : text;
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
  let change = null, running = null, spreading = null, ends = [], takenBack = false, reopen = null;
  document.title = _("{study}: what if", { study: study.title });
  $("eyebrow").textContent = `${study.title} · ${_("what if")}`;
  $("sources").textContent = study.sources.join(" · ");
  if (study.assumed_waits) {
    $("assumed").textContent = _("Waits are assumed at {n} of {all} posts; cities are places of {people} people or more.", { n: study.assumed_waits, all: study.checkpoints.length, people: whole(study.city_people) });
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
  const drawing = new Drawing($("drawing"), map, (kind, points) => proposeLine(kind, points));
  $("tool").addEventListener("change", () => { const tool = $("tool").value; ends = []; map.marks.clearLayers(); drawing.begin(["line", "area"].includes(tool) ? tool : ""); });

  // --- new posts, roads and areas -------------------------------------------------------------------------------
  const refuse = (text) => problem(new Refusal(text));

  // A road over the line is a crossing without a post: one is added where that is asked.
  function withLine(edit, wait) {
    const at = wait === undefined || wait === null ? null : passesAt(edit.points, study.border);
    state.add(edit, ...(at ? [{ edit: "open", lon: Number(at[0].toFixed(6)), lat: Number(at[1].toFixed(6)), mode: edit.mode, wait_min: wait }] : []));
  }

  function newTab() {
    const part = (title, text, form, words) => {
      form.append(element("button", { type: "submit", class: "main" }, words));
      return element("details", {}, element("summary", {}, title), element("p", { class: "empty" }, text), form);
    };
    const first = part(_("A post"), _("Within {km} km of the border: click the map near the line, or give its place.", { km: study.far_km }), newPostForm(study, (post) => state.add(post)), _("Add the post"));
    first.open = true;
    $("tab-new").replaceChildren(first,
      part(_("A road or railway"), _("Draw it on the map, or give its points; both ends join the network."), lineForm(study, (edit, wait) => withLine(edit, wait), refuse), _("Build it")),
      part(_("Roads of an area"), _("Draw its edge on the map, or give its corners: what lies within gets another class or speed."), lineForm(study, (edit) => state.add(edit), refuse, [], "area"), _("Change them")));
  }

  function inDialog(text) { const line = $("dialog").querySelector(".problem"); line.textContent = text; line.hidden = !text; }

  // Edits of a dialog that can't be: it comes back as it was filled in, and says why.
  function closeDialog(again) {
    reopen = (why) => { again(); inDialog(why); $("dialog").showModal(); };
    $("dialog").close();
  }

  function openDialog(title, text, form, words, close) {
    const dialog = $("dialog");
    const cancel = element("button", { type: "button", onclick: () => dialog.close() }, _("Cancel"));
    form.append(element("div", { class: "buttons" }, element("button", { type: "submit", class: "main" }, words), cancel));
    dialog.replaceChildren(element("h2", { id: "dialog-title" }, title), element("p", { class: "empty" }, text), element("p", { class: "problem", role: "alert", hidden: true }), form);
    dialog.onclose = close;
    dialog.showModal();
  }

  function propose(place, onLine) {
    const form = newPostForm(study, (post) => { closeDialog(() => map.mark(place)); state.add(post); }, place);
    map.mark(place);
    openDialog(_("A new post here?"), onLine ? _("At the point of the border line nearest to the click.") : _("Where you clicked, away from the line."), form, _("Add the post"), () => map.marks.clearLayers());
    form.elements.wait.focus();
  }

  function proposeLine(kind, points) {
    const area = kind === "area", clicks = drawing.points;
    const done = () => { drawing.begin(kind); closeDialog(() => { drawing.points = clicks; drawing.show(); }); };
    const form = area ? lineForm(study, (edit) => { done(); state.add(edit); }, inDialog, points, "area") : lineForm(study, (edit, wait) => { done(); withLine(edit, wait); }, inDialog, points);
    form.elements.mode.addEventListener("change", () => { form.elements.points.value = written(drawing.corners(form.elements.mode.value)); });
    if (!area && !passesAt(points, study.border)) { form.elements.post.checked = false; form.elements.post.disabled = form.elements.wait.disabled = true; }
    openDialog(area ? _("What changes in this area?") : _("A new road or railway here?"), area ? _("Roads or railways within it get another class or speed.") : _("Both ends join the nearest road or railway of the data; in between it passes over what it meets."), form, area ? _("Change them") : _("Build it"), () => {});
    form.elements.class.focus();
  }

  async function clicked(place) {
    const tool = $("tool").value;
    problem(null);
    if (tool === "post") {
      const { km, ...line } = map.onBorder(place);
      if (km > study.far_km) { $("status").textContent = _("{km} km from the border: a new post stands within {most} km of it.", { km: whole(km), most: study.far_km }); return; }
      // A click near the line means the line: a post stands on it, and a pixel is a kilometre wide.
      propose(km < SNAP_KM ? line : place, km < SNAP_KM);
    } else if (drawing.kind) drawing.add(place);
    else if (tool === "reach") await reach([place.lng, place.lat]);
    else {
      ends.push([place.lng, place.lat]);
      if (ends.length === 1) { map.mark(place); $("status").textContent = _("Now click where the way ends."); return; }
      const [origin, target] = ends;
      ends = [];
      await way(origin, target);
    }
  }

  // --- ways and reach -------------------------------------------------------------------------------------------
  async function way(origin, target) {
    busy("working", _("Looking for the way …"));
    try {
      const found = await ask("/api/route", { study: study.study, edits: state.edits, origin, target });
      map.drawWay(found.line);
      $("way-answer").replaceChildren(wayText(found));
      choose("ways");
      // On a phone the rest of the answer lies below.
      busy("done", `${_("The way is drawn.")} ${_("{n} min, {km} km", { n: minutes(found.minutes), km: whole(found.km) })}`);
    } catch (error) { problem(error); busy("done", ""); }
  }

  async function reach(place) {
    busy("working", _("Drawing the ground within 1, 2 and 4 hours …"));
    try {
      const found = await ask("/api/isochrone", { study: study.study, edits: state.edits, place, minutes: [60, 120, 240] });
      map.drawGround(found, [place[1], place[0]]);
      $("way-answer").replaceChildren(element("h3", {}, _("Within minutes of {place}", { place: place.map((x) => x.toFixed(3)).join(", ") })), groundText(found, study.sides));
      choose("ways");
      busy("done", _("The ground is drawn."));
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
      if (!town) throw new Refusal(_("No settlement is called {name}: allowed is a name of the list, or lon,lat.", { name: text }));
      return [town.lon, town.lat];
    };
    const form = element("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      problem(null);
      try { if (to.value.trim()) await way(find(from.value), find(to.value)); else await reach(find(from.value)); } catch (error) { problem(error); }
    } },
    element("div", { class: "pair" }, element("label", {}, _("From (a settlement, or lon,lat)"), from), element("label", {}, _("To (empty: what is within reach)"), to)),
    towns, element("button", { type: "submit", class: "main" }, _("Show")));
    $("tab-ways").replaceChildren(element("p", { class: "empty" }, _("With the changes made. On the map: choose what a click does.")), form, element("div", { id: "way-answer", "aria-live": "polite" }));
  }

  // --- the answer -----------------------------------------------------------------------------------------------
  function showEdits() {
    let opened = 0;
    const items = state.edits.map((edit, n) => {
      if (edit.edit === "open") opened += 1;
      const number = opened, line = editLine(edit, study, change ? change.places : [], number);
      const dial = line.wait === undefined ? null : element("input", { type: "number", min: 0, max: study.most_wait_min, step: "any", value: line.wait, "aria-label": _("Wait at new post {n}, minutes", { n: number }), onchange: (event) => { const wait = waitOf(event.target.value, study.most_wait_min); if (wait !== null) state.setNewWait(number, wait); showEdits(); } });
      const wait = dial && element("label", {}, _("wait"), dial, _("min"));
      return element("li", {}, element("span", {}, line.text, line.more ? element("small", {}, line.more) : null, wait),
        element("button", { type: "button", class: "icon", "aria-label": _("Take back: {what}", { what: line.text }), onclick: () => state.remove(n) }, "×"));
    });
    $("edits").replaceChildren(...(items.length ? items : [element("li", { class: "hint" }, _("Nothing yet. Click the map near the border to propose a post, or change a wait below."))]));
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
    $("tab-regions").replaceChildren(totals(change), element("h3", {}, _("Regions")), regions(change), element("h3", {}, _("Effects with their spread")), element("div", { id: "spread", "aria-live": "polite" }));
    $("tab-loads").append(element("h3", {}, _("Queues by load")), element("div", { id: "queues", "aria-live": "polite" }));
    posts.shares(change);
    showEdits();
    map.update(change);
    map.drawn(state.edits);
  }

  // Queues, and the spread of waits, speeds, half-life and people that nobody measured: seconds, so that they follow the answer.
  async function spread(edits) {
    const mine = spreading = new AbortController();
    const stages = [
      ["queues", "/api/queues", (found) => [queues(found)]],
      ["spread", "/api/spread", (found) => [element("p", { class: "empty" }, _("{n} draws of waits, speeds, half-life and people; the middle nine tenths.", { n: found.draws })), effects(found), element("h3", {}, _("What matters most")), tornado(found)]],
    ];
    const pause = new Promise((later) => setTimeout(later, 1200));
    for (const [id] of stages) {
      $(id).dataset.state = "pending";
      $(id).textContent = edits.length ? _("Pending: it follows the answer …") : _("Nothing is changed.");
    }
    if (!edits.length) return;
    await pause;
    for (const [id, path, shown] of stages) {
      if (mine !== spreading) return;
      // Without counts there are no queues: nobody waits for an answer that is known.
      if (id === "queues" && !study.counted) { $(id).replaceChildren(queues({ known: false })); $(id).dataset.state = "done"; continue; }
      const holder = $(id);
      try {
        // Draws are worked on one at a time: of several people each waits for those before.
        const found = await ask(path, { study: study.study, edits }, mine.signal, false, 300);
        if (mine !== spreading) return;
        holder.replaceChildren(...shown(found));
        holder.dataset.state = "done";
      } catch (error) {
        if (mine !== spreading || error.name === "AbortError") return;
        holder.textContent = _("Not known: {why}", { why: error.message });
        holder.dataset.state = "failed";
      }
    }
  }

  async function answer() {
    showEdits();
    if (running) running.abort();
    if (spreading) spreading.abort();
    const mine = running = new AbortController();
    const edits = state.edits, begun = performance.now();
    busy("working", _("Working it out …"));
    try {
      const show = (found) => { change = found; if (!takenBack) problem(null); showAnswer(); };
      // A border with thousands of places: a sampled answer at once, and the exact one after it.
      if (study.sample) {
        const first = await ask("/api/whatif", { study: study.study, edits, sample: true }, mine.signal);
        if (mine !== running) return;
        show(first);
        if (!first.exact) busy("working", _("Sampled: shares and potentials over {n} places of a side, off by {off} before any change; the exact answer follows …", { n: whole(study.sample.places), off: percent(study.sample.off) }));
      }
      const found = await ask("/api/whatif", { study: study.study, edits }, mine.signal);
      if (mine !== running) return;
      show(found);
      takenBack = false;
      reopen = null;
      spread(edits);
      const values = { ms: whole(performance.now() - begun) };
      busy("done", found.rebuilt ? _("Exact, central values; the network was built again in {ms} ms.", values) : _("Exact, central values; answered in {ms} ms.", values));
    } catch (error) {
      if (mine !== running || error.name === "AbortError") return;
      const again = reopen;
      reopen = null;
      // What can't be is taken back, so that the page and its tables say the same.
      if (error instanceof Refusal && (change ? state.canUndo : edits.length)) {
        takenBack = true;
        if (again) again(error.message); else problem(error);
        if (change) state.takeBack(); else state.set([]);
        return;
      }
      problem(error);
      busy("done", "");
    }
  }

  // --- files and links ------------------------------------------------------------------------------------------
  const view = () => { const at = map.leaflet.getCenter(); return [map.leaflet.getZoom(), at.lat.toFixed(4), at.lng.toFixed(4)].join("/"); };
  const file = (path, name) => async () => {
    problem(null);
    try { keep(await (await ask(path, { study: study.study, edits: state.edits }, null, true)).blob(), name); $("status").textContent = _("{name} is saved.", { name }); } catch (error) { problem(error); }
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
    try { await navigator.clipboard.writeText(location.href); $("status").textContent = _("The link is copied: it holds the changes and the view."); } catch { $("status").textContent = _("The link stands in the address bar: it holds the changes and the view."); }
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
    if (link.study !== study.study && !window.confirm(_("This link is of another study, or of another state of it. Try its changes here?"))) return false;
    state.set(link.edits);
    if (link.map.length === 3 && link.map.every(Number.isFinite)) map.leaflet.setView([link.map[1], link.map[2]], link.map[0], { animate: false });
    return true;
  }
  window.addEventListener("hashchange", () => follow().catch((error) => problem(new Refusal(_("The link can't be read: {why}", { why: error.message })))));

  newTab();
  waysTab();
  const compare = new Compare($("tab-kept"), $("multiples"), study, state, (edits) => ask("/api/whatif", { study: study.study, edits }), refuse);
  map.draw();
  let begun = false;
  state.listen(() => { if (begun) answer(); });
  try { begun = await follow(); } catch (error) { problem(new Refusal(_("The link can't be read: {why}", { why: error.message }))); }
  const saved = state.saved() || { edits: [], kept: [] };
  const first = begun ? state.edits : study.start.length ? study.start : saved.edits;
  state.kept = saved.kept;
  state.steps = [first];
  state.at = 0;
  compare.list();
  posts.refresh();
  begun = true;
  await answer();
}

start().catch((error) => { $("headline").textContent = _("The border can't be shown"); problem(error); busy("failed", ""); });
