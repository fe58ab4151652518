// Several scenarios side by side: the same small map and the same figures for each.
import { changeInUnit, element, inUnit, tone } from "./format.js";
import { changeColour, legendRows, minutesColour } from "./map.js";
import { _, ngettext, word } from "./say.js";
import { headline, table } from "./tables.js";

const WIDE = 420;
const LESS = new Set([0, 3, 5]);

// Web Mercator within the box of the cells: the same frame for all.
function frame(study) {
  const at = ([lat, lon]) => [lon * Math.PI / 180, Math.log(Math.tan(Math.PI / 4 + lat * Math.PI / 360))];
  const all = study.cells.flatMap((cell) => cell.ring).map(at);
  const [xs, ys] = [all.map((p) => p[0]), all.map((p) => p[1])];
  const box = (values) => values.reduce(([least, most], v) => [Math.min(least, v), Math.max(most, v)], [Infinity, -Infinity]);
  const [[west, east], [south, north]] = [box(xs), box(ys)];
  const scale = (WIDE - 12) / (east - west);
  const tall = Math.min(600, Math.max(120, Math.round((north - south) * scale) + 12));
  const fit = Math.min(scale, (tall - 12) / (north - south));
  return { tall, place: (point) => { const [x, y] = at(point); return [6 + (x - west) * fit, 6 + (north - y) * fit]; } };
}

function path(pen, place, line) {
  pen.beginPath();
  line.forEach((point, n) => { const [x, y] = place(point); if (n) pen.lineTo(x, y); else pen.moveTo(x, y); });
}

export function smallMap(study, edits, change, view, measure, name) {
  const { tall, place } = frame(study);
  const canvas = element("canvas", { width: 2 * WIDE, height: 2 * tall, role: "img", "aria-label": `${name}: ${headline(change, edits)}` });
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  const was = study.before[measure], is = change.after[measure];
  study.cells.forEach((cell, n) => {
    path(pen, place, cell.ring);
    pen.fillStyle = view === "change" ? changeColour(was[n], is[n]) : minutesColour(is[n]);
    pen.fill();
  });
  pen.strokeStyle = "#5b2a6e";
  pen.lineWidth = 1.4;
  for (const line of study.border) { path(pen, place, line); pen.stroke(); }
  pen.strokeStyle = "#c94f1f";
  pen.lineWidth = 2;
  for (const edit of edits) if (edit.points) { path(pen, place, edit.points.map(([x, y]) => [y, x])); pen.stroke(); }
  const spot = (post, fill, edge) => {
    const [x, y] = place([post.lat, post.lon]);
    pen.beginPath();
    pen.arc(x, y, 4, 0, 2 * Math.PI);
    pen.fillStyle = fill;
    pen.strokeStyle = edge;
    pen.fill();
    pen.stroke();
  };
  const closed = new Set(edits.filter((edit) => edit.edit === "close").map((edit) => edit.checkpoint));
  for (const post of study.checkpoints) if (closed.has(post.id)) spot(post, "#fff", "#b3261e");
  for (const post of change.places) spot(post, "#c94f1f", "#fff");
  return canvas;
}

export function compared(found, before) {
  const rows = before.totals.map((row, n) => [word(row.measure), inUnit(row.before, row.unit), ...found.map(({ change }) => {
    const mine = change.totals[n], moved = changeInUnit(mine.change, mine.unit);
    const text = element("span", {}, inUnit(mine.after, mine.unit), element("small", { class: "under" }, moved === "0" ? "" : moved));
    return { text, css: tone(mine.change, 5e-4, LESS.has(n)) };
  })]);
  return table(_("Scenarios side by side"), [_("measure"), _("as it stands"), ...found.map((one) => one.name)], rows, "");
}

export class Compare {
  constructor(holder, dialog, study, state, ask, refuse) {
    Object.assign(this, { holder, dialog, study, state, ask, refuse });
    this.name = element("input", { type: "text", maxlength: 40, name: "scenario" });
    this.keeping = element("button", { type: "submit" }, _("Keep these changes"));
    const form = element("form", { class: "form", onsubmit: (event) => {
      event.preventDefault();
      if (!state.edits.length) { refuse(_("Nothing is changed yet.")); return; }
      if (!state.room) { refuse(_("Eight scenarios are kept: remove one.")); return; }
      state.keep(this.name.value.trim() || _("Scenario {n}", { n: this.free() }));
      this.name.value = "";
      this.list();
    } }, element("label", {}, _("Name of the scenario"), this.name), this.keeping);
    this.items = element("ul", { class: "kept" });
    this.open = element("button", { type: "button", class: "main", onclick: () => this.show() }, _("Show side by side"));
    holder.replaceChildren(element("p", { class: "empty" }, _("Keep the changes of now under a name, change on, and see up to eight scenarios beside each other.")), form, this.items, this.open);
    this.list();
  }

  free() { let n = 1; while (this.state.kept.some((one) => one.name === _("Scenario {n}", { n }))) n += 1; return n; }

  list() {
    this.items.replaceChildren(...this.state.kept.map((one) => element("li", {}, element("span", {}, one.name, element("small", { class: "under" }, ngettext("{n} change", "{n} changes", one.edits.length, { n: one.edits.length }))),
      element("span", { class: "buttons" },
        element("button", { type: "button", "aria-label": _("Work on {name}", { name: one.name }), onclick: () => this.state.set(one.edits) }, _("Work on")),
        element("button", { type: "button", class: "icon", "aria-label": _("Remove {name}", { name: one.name }), onclick: () => { this.state.drop(one.name); this.list(); } }, "×")))));
    this.open.disabled = !this.state.kept.length;
  }

  async show() {
    const lists = [...this.state.kept];
    const own = JSON.stringify(this.state.edits);
    if (this.state.edits.length && !lists.some((one) => JSON.stringify(one.edits) === own)) lists.push({ name: _("the changes of now"), edits: this.state.edits });
    const close = element("button", { type: "button", onclick: () => this.dialog.close() }, _("Close"));
    const view = element("select", { "aria-label": _("What the small maps show"), name: "shown" }, element("option", { value: "change" }, _("Change")), element("option", { value: "after" }, _("After")));
    const body = element("div", { class: "multiples" }, element("p", { class: "empty" }, _("Working it out …")));
    this.dialog.dataset.state = "working";
    this.dialog.replaceChildren(element("div", { class: "row" }, element("h2", { id: "multiples-title" }, _("Scenarios side by side")), element("span", { class: "buttons" }, view, close)), body);
    this.dialog.showModal();
    const found = [];
    try {
      // One after the other: four questions at once are the server's most, and others ask too.
      for (const one of lists) found.push({ ...one, change: await this.ask(one.edits) });
    } catch (error) { this.dialog.close(); this.refuse(error.message); return; }
    const draw = () => {
      const maps = found.map(({ name, edits, change }) => element("figure", {}, element("figcaption", {}, element("strong", {}, name), element("span", {}, headline(change, edits))), smallMap(this.study, edits, change, view.value, "time_to_city_min", name)));
      const keys = legendRows(view.value === "change").map(([fill, text]) => { const box = element("i", {}); box.style.background = fill; return element("li", {}, box, text); });
      body.replaceChildren(element("div", { class: "grid" }, ...maps), element("p", { class: "empty" }, view.value === "change" ? _("change of the minutes to a city across, waits included") : _("minutes to a city across, waits included")), element("ul", { class: "keys" }, ...keys), compared(found, found[0].change));
    };
    view.addEventListener("change", draw);
    draw();
    this.dialog.dataset.state = "done";
  }
}
