// The forms: what the map's clicks do, by keyboard and without seeing it.
import { element, known, minutes, percent, whole } from "./format.js";
import { _, word } from "./say.js";

const TABS = [["posts", _("Checkpoints")], ["new", _("New")], ["gains", _("Who gains")], ["losses", _("Who loses")], ["loads", _("Loads")], ["regions", _("Totals")], ["ways", _("Way & reach")], ["kept", _("Side by side")]];
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

// Minutes as they were typed, within what is allowed; a field that was emptied says nothing, and is no zero.
export function waitOf(text, most) { return String(text).trim() === "" || !known(Number(text)) ? null : Math.min(Math.max(Number(text), 0), most); }

export class Posts {
  constructor(holder, study, state) {
    Object.assign(this, { study, state, rows: new Map() });
    const search = element("input", { type: "search", class: "search", placeholder: _("Find a checkpoint"), "aria-label": _("Find a checkpoint"), oninput: () => this.filter(search.value) });
    this.list = element("ul", { class: "posts" });
    const usable = study.checkpoints.filter((post) => post.open && (post.joined_by === "crossing" || post.joined_by === "connector"));
    const regions = [...new Set(usable.flatMap((post) => [post.region_a, post.region_b]).filter(Boolean))].sort();
    const region = element("select", { class: "search", "aria-label": _("Close every post of a region") },
      element("option", { value: "" }, _("Close every post of a region") + " …"), ...regions.map((name) => element("option", { value: name }, name)));
    region.addEventListener("change", () => {
      const mine = usable.filter((post) => [post.region_a, post.region_b].includes(region.value)).map((post) => post.id);
      region.value = "";
      if (mine.length) state.closeAll(mine);
    });
    holder.append(element("p", { class: "empty" }, _("Sliders set waits, switches close posts; the map and the tables follow.")), search, region, this.list);
    [...study.checkpoints].sort((one, two) => (two.share || 0) - (one.share || 0)).forEach((post) => this.add(post));
    state.listen(() => this.refresh());
  }

  add(post) {
    const modelled = post.joined_by === "crossing" || post.joined_by === "connector";
    const usable = post.open && modelled;
    const standing = Math.round(post.wait_min * 1000) / 1000;
    const label = _("Wait at {name}, minutes", { name: post.name });
    const set = (value) => {
      const wait = waitOf(value, this.study.most_wait_min);
      if (wait !== null) this.state.setWait(post.id, wait, standing);
      this.refreshOne(post.id);
    };
    const range = element("input", { type: "range", min: 0, max: SLIDER, step: 5, "aria-label": _("Wait at {name}, slider", { name: post.name }), disabled: !usable, onchange: () => set(range.value), oninput: () => { number.value = range.value; } });
    const number = element("input", { type: "number", min: 0, max: this.study.most_wait_min, step: "any", "aria-label": label, disabled: !usable, onchange: () => set(number.value) });
    const open = element("input", { type: "checkbox", disabled: !usable, onchange: () => this.state.setOpen(post.id, open.checked) });
    const share = element("small", {});
    const item = element("li", { "data-id": post.id },
      element("div", { class: "head" }, element("span", { class: "name" }, post.name, element("small", {}, ` ${word(post.mode)}${post.assumed ? ", " + _("wait assumed") : ""}`)), share),
      usable ? element("div", { class: "dial" }, element("label", { class: "switch" }, open, word("open"), element("span", { class: "unseen" }, ": " + post.name)), range, number)
        : element("small", {}, post.open ? _("not modelled: too far from the roads of the data") : _("closed in the study")));
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

export function wayText(way) {
  const wait = ({ wait_min: n, wait_p90_min: most }) => (!known(n) ? "" : known(most) ? _("{n} min, in one case of ten {most} or more", { n: whole(n), most: whole(most) }) : _("{n} min", { n: whole(n) }));
  const posts = way.checkpoints.map((post) => `${post.name}${wait(post) && ` (${wait(post)})`}`).join(", ");
  const km = whole(way.km);
  return element("div", {},
    element("h3", {}, _("{n} min, {km} km", { n: minutes(way.minutes), km })),
    element("p", {}, _("{drive} min driving and {wait} min waiting; checkpoints: {posts}.", { drive: minutes(way.time_min), wait: minutes(way.wait_min), posts: posts || _("none") })),
    ...way.notes.map((note) => element("p", { class: "empty" }, note)));
}

export function groundText(data, sides) {
  const rows = data.features.map((feature) => feature.properties).sort((one, two) => one.minutes - two.minutes);
  return element("ul", {}, ...rows.map((row) => element("li", {},
    _("{n} min: {area} km², {a} people in {side_a}, {b} in {side_b}", { n: whole(row.minutes), area: whole(row.area_km2), a: whole(row.people_a), b: whole(row.people_b), side_a: sides.a, side_b: sides.b }))));
}
