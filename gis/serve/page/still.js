// One answer, without a server: the same map and tables as the page.
import { editLine } from "./edits.js";
import { element, whole } from "./format.js";
import { BorderMap } from "./map.js";
import { _ } from "./say.js";
import { cards, gainsTable, headline, loads, regions, totals } from "./tables.js";

const byId = (id) => document.getElementById(id);
const { study, change, edits } = JSON.parse(byId("data").textContent);
byId("eyebrow").textContent = `${study.title} · ${_("what if")}`;
byId("headline").textContent = headline(change, edits);
byId("cards").replaceChildren(cards(change));
byId("assumed").textContent = _("Waits are assumed at {n} of {all} posts; cities are places of {people} people or more.", { n: study.assumed_waits, all: study.checkpoints.length, people: whole(study.city_people) });
let opened = 0;
const listed = edits.map((edit) => {
  if (edit.edit === "open") opened += 1;
  const line = editLine(edit, study, change.places, opened);
  return element("li", {}, element("span", {}, line.text + (line.wait === undefined ? "" : ", " + _("{n} min", { n: line.wait })), line.more ? element("small", {}, line.more) : null));
});
byId("edits").replaceChildren(...(listed.length ? listed : [element("li", {}, _("Nothing is changed."))]));
byId("totals").replaceChildren(totals(change));
byId("gains").replaceChildren(gainsTable(change, study, true));
byId("losses").replaceChildren(gainsTable(change, study, false));
byId("loads").replaceChildren(loads(change));
byId("regions").replaceChildren(regions(change));
byId("sources").textContent = study.sources.join(" · ");
byId("legend").open = window.innerWidth > 760;
const gone = new Set(edits.filter((edit) => edit.edit === "close" && edit.checkpoint).map((edit) => edit.checkpoint));
const map = new BorderMap(byId("map"), study, { closed: () => gone, legend: (body) => byId("legend-body").replaceChildren(body),
  divide: (share) => { byId("divide").style.left = (100 * share).toFixed(2) + "%"; } });
for (const [key, name] of [["before", _("Before")], ["after", _("After")], ["change", _("Change")], ["swipe", _("Swipe")]]) {
  const input = element("input", { type: "radio", name: "view", value: key, onchange: () => { map.show({ view: key }); byId("swipe").hidden = byId("divide").hidden = key !== "swipe"; } });
  input.checked = key === "after";
  byId("views").append(element("label", {}, input, element("span", {}, name)));
}
byId("swipe").addEventListener("input", () => { map.swipe = byId("swipe").value / 100; map.clip(); });
byId("measure").addEventListener("change", () => map.show({ measure: byId("measure").value }));
map.update(change);
map.drawn(edits);
document.body.dataset.state = "done";
