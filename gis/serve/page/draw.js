// Drawing on the map: a way or an area, corner by corner, by mouse, finger or the form's keys.
import { element, whole } from "./format.js";
import { _, ngettext } from "./say.js";
import { lengthKm } from "./edits.js";

export class Drawing {
  constructor(holder, map, finished) {
    Object.assign(this, { holder, map, finished, kind: "", points: [] });
    this.text = element("span", { "aria-live": "polite" });
    const button = (words, act, css) => element("button", { type: "button", class: css || null, onclick: act }, words);
    this.end = button(_("Finish"), () => this.finish(), "main");
    this.last = button(_("Remove last"), () => { this.points.pop(); this.show(); });
    holder.replaceChildren(this.text, element("span", { class: "buttons" }, this.end, this.last, button(_("Cancel"), () => this.cancel())));
    document.addEventListener("keydown", (event) => {
      if (holder.hidden || event.target.matches("input, textarea, select, button")) return;
      if (event.key === "Enter") this.finish(); else if (event.key === "Escape") this.cancel(); else if (event.key === "Backspace") { this.points.pop(); this.show(); }
    });
  }

  get least() { return this.kind === "area" ? 3 : 2; }

  begin(kind) { this.kind = kind; this.points = []; this.holder.hidden = !kind; this.show(); }

  add(place) { this.points.push(place); this.show(); }

  // The corners; both ends of a way stand on the road or railway that was clicked: on a whole border a pixel is kilometres wide.
  corners(mode = "road") {
    const points = this.points.map((p, n) => (this.kind !== "area" && (n === 0 || n === this.points.length - 1) && this.map.onWay(p, mode)) || p);
    return points.map((p) => [Number(p.lng.toFixed(5)), Number(p.lat.toFixed(5))]);
  }

  cancel() { this.begin(this.kind); }

  show() {
    if (!this.kind) { this.map.marks.clearLayers(); return; }
    const lonlat = this.corners();
    this.map.sketch(lonlat, this.kind === "area");
    this.text.textContent = !this.points.length ? (this.kind === "area" ? _("Click the corners of an area.") : _("Click along the new road or railway."))
      : this.kind === "area" ? ngettext("{n} corner", "{n} corners", this.points.length, { n: this.points.length }) : ngettext("{n} point, {km} km", "{n} points, {km} km", this.points.length, { n: this.points.length, km: whole(lengthKm(lonlat)) });
    this.end.disabled = this.points.length < this.least;
    this.last.disabled = !this.points.length;
  }

  finish() {
    if (this.points.length < this.least) return;
    this.finished(this.kind, this.corners());
  }
}
