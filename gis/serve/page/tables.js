// The answer as tables and a chart: who does not see the map reads the same here.
import { changeInUnit, element, inUnit, known, minutes, oneDecimal, percent, signed, tone, whole } from "./format.js";

export function table(caption, head, rows, empty) {
  if (!rows.length) return element("p", { class: "empty" }, empty);
  const cells = (row) => row.map((cell, n) => {
    const { text, css } = cell !== null && typeof cell === "object" && !(cell instanceof Node) ? cell : { text: cell, css: "" };
    const tag = n === 0 ? "th" : "td";
    return element(tag, { class: css || null, scope: n === 0 ? "row" : null }, text);
  });
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {},
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row))))));
}

const LESS = new Set([0, 3, 5]);

export function totals(change) {
  const rows = change.totals.map((row, n) => [
    row.measure, inUnit(row.before, row.unit), inUnit(row.after, row.unit),
    { text: changeInUnit(row.change, row.unit), css: tone(row.change, 5e-4, LESS.has(n)) },
  ]);
  return table("The whole border", ["measure", "before", "after", "change"], rows, "");
}

export function regions(change) {
  const moved = change.regions.filter((row) =>
    Math.abs(row.time_to_checkpoint_min_change || 0) > 0.05 || Math.abs(row.border_loss_change || 0) > 5e-4);
  const rows = moved.map((row) => [
    row.name, minutes(row.time_to_checkpoint_min_before), minutes(row.time_to_checkpoint_min_after),
    percent(row.border_loss_before), percent(row.border_loss_after),
    { text: signed(row.border_loss_change, (size) => (100 * size).toFixed(1) + " points"), css: tone(row.border_loss_change, 5e-4, true) },
  ]);
  const head = ["region", "min to a post, before", "after", "border loss, before", "after", "change"];
  return table("Regions whose figures change", head, rows, "No region changes.");
}

export function gains(change, side, better) {
  const effect = (row) => {
    if (known(row.time_to_city_min_change)) return row.time_to_city_min_change;
    // A way that is new gains, one that is gone loses.
    return known(row.time_to_city_min_after) ? -Infinity : known(row.time_to_city_min_before) ? Infinity : 0;
  };
  return change.settlements.filter((row) => row.side === side && (better ? effect(row) < -0.05 : effect(row) > 0.05));
}

export function gainsTable(change, study, better, most = 40) {
  const parts = ["a", "b"].map((side) => {
    const found = gains(change, side, better);
    const people = found.reduce((sum, row) => sum + row.population, 0);
    const rows = found.slice(0, most).map((row) => [
      element("span", {}, row.name, element("small", { class: "under" }, row.region_name)), whole(row.population), minutes(row.time_to_city_min_before), minutes(row.time_to_city_min_after),
      { text: signed(row.time_to_city_min_change, oneDecimal), css: better ? "better" : "worse" },
    ]);
    const title = `${study.sides[side]}: ${whole(found.length)} settlements, ${whole(people)} people ${better ? "gain" : "lose"}`;
    const head = ["settlement", "people", "before", "after", "change"];
    const more = found.length > most ? element("p", { class: "empty" }, `The ${most} with the most people-minutes of ${whole(found.length)}.`) : null;
    const unit = found.length ? element("p", { class: "empty" }, "Minutes to the nearest city across, waits included.") : null;
    return element("section", {}, element("h3", {}, title), unit, found.length ? table(title, head, rows, "") : null, more);
  });
  return element("div", {}, ...parts);
}

export function loads(change, most = 16) {
  const known_ = change.checkpoints.filter((row) => known(row.share_after) || known(row.share_before));
  const size = (row) => Math.max(row.share_before || 0, row.share_after || 0);
  const shown = known_.filter((row) => size(row) >= 5e-4)
    .sort((one, two) => Math.abs(two.share_change || 0) - Math.abs(one.share_change || 0) || size(two) - size(one)).slice(0, most);
  const widest = Math.max(...shown.map(size), 1e-9);
  const bar = (css, share) => {
    const made = element("span", { class: "bar " + css });
    made.style.width = (100 * (share || 0) / widest).toFixed(2) + "%";
    return made;
  };
  const rows = shown.map((row) => element("li", {},
    element("span", { class: "bar-name" }, row.name, element("small", {}, " " + row.mode)),
    element("span", { class: "bars", "aria-hidden": "true" }, bar("was", row.share_before), bar("is", row.share_after)),
    element("span", { class: "bar-text" }, `${percent(row.share_before || 0)} → ${percent(row.share_after || 0)}`,
      element("small", { class: tone(row.share_change, 5e-4, false) === "same" ? "" : "moved" }, " " + signed(row.share_change || 0, (s) => (100 * s).toFixed(1))))));
  return element("div", {},
    element("p", { class: "key" }, element("span", { class: "dot was" }), "before ", element("span", { class: "dot is" }), "after: share of all modelled trips across; no counts, so shares and not vehicles"),
    element("ul", { class: "loads" }, ...rows));
}

const EFFECT_UNITS = {
  min: oneDecimal, persons: whole, "person-equivalents": whole,
  "min per trip of before": (value) => value.toFixed(2), "share of the trips of before": (value) => (100 * value).toFixed(1) + " %",
};

export function effects(spread) {
  const rows = spread.effects.map((row) => {
    const write = (value) => signed(value, EFFECT_UNITS[row.unit] || whole);
    return [element("span", {}, row.measure, element("small", { class: "under" }, row.unit)), write(row.change), known(row.low) ? `${write(row.low)} … ${write(row.high)}` : "–"];
  });
  return table(`Effects with their spread over ${spread.draws} draws`, ["effect", "central", "5–95 %"], rows, "");
}

export function headline(change, edits) {
  if (!edits.length) return "The border as it stands";
  const sum = (better) => ["a", "b"].flatMap((side) => gains(change, side, better)).reduce((all, row) => all + row.population, 0);
  const [won, lost] = [sum(true), sum(false)];
  if (!won && !lost) return "Nobody's way to a city across changes";
  const words = [];
  if (won) words.push(`${whole(won)} people come nearer to a city across`);
  if (lost) words.push(`${whole(lost)} ${won ? "come further" : "people come further from a city across"}`);
  return words.join(", ");
}

export function cards(change) {
  const row = (n) => change.totals[n];
  const more = (n) => {
    const text = changeInUnit(row(n).change, row(n).unit);
    return text === "0" || text === "–" ? "" : ` (${text})`;
  };
  const card = (big, small, css) => element("li", { class: css || null }, element("strong", {}, big), element("span", {}, small));
  return element("ul", { class: "cards" },
    card(minutes(row(0).after) + " min", `to an open post, mean over people${more(0)}`, tone(row(0).change, 0.05, true)),
    card(whole(row(2).after), `people within 2 h of a post${more(2)}`, tone(row(2).change, 1, false)),
    card(percent(row(5).after), `of the pull across is lost at the border${more(5)}`, tone(row(5).change, 5e-4, true)));
}
