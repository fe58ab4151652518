// The forms: what the map's clicks do, by keyboard and without seeing it.
import { element, known, minutes, percent, whole } from "./format.js";

const TABS = [["posts", "Checkpoints"], ["new", "New post"], ["gains", "Who gains"], ["losses", "Who loses"], ["loads", "Loads"], ["regions", "Totals"], ["ways", "Way & reach"]];
const SLIDER = 240;

export function tabs(holder) {
  const buttons = TABS.map(([key, name]) => element("button", { type: "button", role: "tab", id: "to-" + key, "aria-controls": "tab-" + key }, name));
  const choose = (key, focus) => {
    TABS.forEach(([other], n) => {
      buttons[n].setAttribute("aria-selected", String(other === key));
      buttons[n].tabIndex = other === key ? 0 : -1;
      document.getElementById("tab-" + other).hidden = other !== key;
      if (other === key && focus) buttons[n].focus();
    });
  };
  buttons.forEach((button, n) => {
    button.addEventListener("click", () => choose(TABS[n][0]));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) { event.preventDefault(); choose(TABS[(n + step + TABS.length) % TABS.length][0], true); }
    });
  });
  holder.append(...buttons);
  choose("posts");
  return choose;
}

export class Posts {
  constructor(holder, study, state) {
    Object.assign(this, { study, state, rows: new Map() });
    const search = element("input", { type: "search", class: "search", placeholder: "Find a checkpoint", "aria-label": "Find a checkpoint", oninput: () => this.filter(search.value) });
    this.list = element("ul", { class: "posts" });
    const usable = study.checkpoints.filter((post) => post.open && (post.joined_by === "crossing" || post.joined_by === "connector"));
    const regions = [...new Set(usable.flatMap((post) => [post.region_a, post.region_b]).filter(Boolean))].sort();
    const region = element("select", { class: "search", "aria-label": "Close every post of a region" },
      element("option", { value: "" }, "Close every post of a region …"), ...regions.map((name) => element("option", { value: name }, name)));
    region.addEventListener("change", () => {
      const mine = usable.filter((post) => [post.region_a, post.region_b].includes(region.value)).map((post) => post.id);
      region.value = "";
      if (mine.length) state.closeAll(mine);
    });
    holder.append(element("p", { class: "empty" }, "Sliders set waits, switches close posts; the map and the tables follow."), search, region, this.list);
    [...study.checkpoints].sort((one, two) => (two.share || 0) - (one.share || 0)).forEach((post) => this.add(post));
    state.listen(() => this.refresh());
  }

  add(post) {
    const modelled = post.joined_by === "crossing" || post.joined_by === "connector";
    const usable = post.open && modelled;
    const standing = Math.round(post.wait_min * 1000) / 1000;
    const label = `Wait at ${post.name}, minutes`;
    const set = (value) => { const wait = Math.min(Math.max(Number(value), 0), this.study.most_wait_min); if (Number.isFinite(wait)) this.state.setWait(post.id, wait, standing); };
    const range = element("input", { type: "range", min: 0, max: SLIDER, step: 5, "aria-label": label + " (slider)", disabled: !usable, onchange: () => set(range.value), oninput: () => { number.value = range.value; } });
    const number = element("input", { type: "number", min: 0, max: this.study.most_wait_min, step: "any", "aria-label": label, disabled: !usable, onchange: () => set(number.value) });
    const open = element("input", { type: "checkbox", disabled: !usable, onchange: () => this.state.setOpen(post.id, open.checked) });
    const share = element("small", {});
    const item = element("li", { "data-id": post.id },
      element("div", { class: "head" }, element("span", { class: "name" }, post.name, element("small", {}, ` ${post.mode}${post.assumed ? ", wait assumed" : ""}`)), share),
      usable ? element("div", { class: "dial" }, element("label", { class: "switch" }, open, "open", element("span", { class: "unseen" }, ": " + post.name)), range, number)
        : element("small", {}, post.open ? "not modelled: too far from the roads of the data" : "closed in the study"));
    this.rows.set(post.id, { post, standing, range, number, open, share, item, text: post.name.toLowerCase() });
    this.list.append(item);
    this.refreshOne(post.id);
  }

  filter(text) { for (const row of this.rows.values()) row.item.hidden = !row.text.includes(text.trim().toLowerCase()); }

  refresh() { for (const id of this.rows.keys()) this.refreshOne(id); }

  refreshOne(id) {
    const row = this.rows.get(id);
    const wait = this.state.waitAt(id, row.standing), closed = this.state.closed().has(id);
    row.number.value = wait;
    row.range.value = Math.min(wait, SLIDER);
    row.open.checked = row.post.open && !closed;
    if (row.post.open) row.range.disabled = row.number.disabled = closed || row.open.disabled;
    row.item.classList.toggle("changed", closed || wait !== row.standing);
  }

  shares(change) {
    for (const found of change.checkpoints) {
      const row = this.rows.get(found.checkpoint_id);
      if (!row) continue;
      const [was, is] = [found.share_before, found.share_after];
      row.share.textContent = !known(was) && !known(is) ? "" : percent(was) === percent(is) ? percent(is) : `${percent(was)} → ${percent(is)}`;
    }
  }

  choose(id) {
    for (const row of this.rows.values()) row.item.classList.toggle("chosen", row.post.id === id);
    const row = this.rows.get(id);
    if (!row) return;
    row.item.hidden = false;
    row.item.scrollIntoView({ block: "center" });
    (row.number.disabled ? row.open : row.number).focus();
  }
}

export function newPostForm(study, add, place) {
  const lon = element("input", { type: "number", step: "any", min: -180, max: 180, required: true, value: place ? Number(place.lng.toFixed(6)) : null, name: "lon" });
  const lat = element("input", { type: "number", step: "any", min: -90, max: 90, required: true, value: place ? Number(place.lat.toFixed(6)) : null, name: "lat" });
  const wait = element("input", { type: "number", step: "any", min: 0, max: study.most_wait_min, value: 30, required: true, name: "wait" });
  const mode = element("select", { name: "mode" }, element("option", { value: "road" }, "road"), element("option", { value: "rail" }, "railway"));
  const form = element("form", { class: "form" },
    element("div", { class: "pair" }, element("label", {}, "Longitude, degrees", lon), element("label", {}, "Latitude, degrees", lat)),
    element("div", { class: "pair" }, element("label", {}, "Wait, minutes", wait), element("label", {}, "By", mode)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    add({ lon: Number(lon.value), lat: Number(lat.value), mode: mode.value, wait_min: Number(wait.value) });
  });
  return form;
}

export function editLine(edit, study, places, opened) {
  const name = (id) => { const post = study.checkpoints.find((one) => one.id === id); return post ? post.name : id; };
  if (edit.edit === "close" && edit.checkpoint) return { text: `${name(edit.checkpoint)} closes`, more: "" };
  if (edit.edit === "wait" && edit.checkpoint) return { text: `${name(edit.checkpoint)}: wait ${edit.wait_min} min`, more: "" };
  if (edit.edit === "open") {
    const place = places[opened - 1];
    const where = known(edit.lon) ? `${Number(edit.lon.toFixed(3))}, ${Number(edit.lat.toFixed(3))}` : edit.crossing;
    return { text: `New post by ${edit.mode || "road"} at ${where}`, more: place ? "joined " + place.joined : "", wait: edit.wait_min };
  }
  const rest = Object.entries(edit).filter(([key]) => key !== "edit").map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", ");
  return { text: `${edit.edit}: ${rest}`.slice(0, 200), more: "from the file; the network is built again" };
}

export function wayText(way) {
  const posts = way.checkpoints.map((post) => `${post.name} (${Math.round(post.wait_min)} min)`).join(", ");
  return element("div", {},
    element("h3", {}, `${minutes(way.minutes)} min, ${whole(way.km)} km`),
    element("p", {}, `${minutes(way.time_min)} min driving and ${minutes(way.wait_min)} min waiting; checkpoints: ${posts || "none"}.`),
    ...way.notes.map((note) => element("p", { class: "empty" }, note)));
}

export function groundText(data, sides) {
  const rows = data.features.map((feature) => feature.properties).sort((one, two) => one.minutes - two.minutes);
  return element("ul", {}, ...rows.map((row) => element("li", {},
    `${row.minutes} min: ${whole(row.area_km2)} km², ${whole(row.people_a)} people in ${sides.a}, ${whole(row.people_b)} in ${sides.b}`)));
}
