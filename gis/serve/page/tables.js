// The answer as tables and a chart: who does not see the map reads the same here.
import { changeInUnit, element, inUnit, known, minutes, oneDecimal, percent, points, signed, tone, whole } from "./format.js";
import { _, ngettext, number, word } from "./say.js";

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
    word(row.measure), inUnit(row.before, row.unit), inUnit(row.after, row.unit),
    { text: changeInUnit(row.change, row.unit), css: tone(row.change, 5e-4, LESS.has(n)) },
  ]);
  return table(_("The whole border"), [_("measure"), _("before"), _("after"), _("change")], rows, "");
}

export function regions(change) {
  const moved = change.regions.filter((row) =>
    Math.abs(row.time_to_checkpoint_min_change || 0) > 0.05 || Math.abs(row.border_loss_change || 0) > 5e-4);
  const rows = moved.map((row) => [
    row.name, minutes(row.time_to_checkpoint_min_before), minutes(row.time_to_checkpoint_min_after),
    percent(row.border_loss_before), percent(row.border_loss_after),
    { text: signed(row.border_loss_change, points), css: tone(row.border_loss_change, 5e-4, true) },
  ]);
  const head = [_("region"), _("min to a post, before"), _("after"), _("border loss, before"), _("after"), _("change")];
  return table(_("Regions whose figures change"), head, rows, _("No region changes."));
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
    const found = gains(change, side, better), n = found.length;
    const people = whole(found.reduce((sum, row) => sum + row.population, 0));
    const rows = found.slice(0, most).map((row) => [
      element("span", {}, row.name, element("small", { class: "under" }, _("{region}, {n} people", { region: row.region_name, n: whole(row.population) }))), minutes(row.time_to_city_min_before), minutes(row.time_to_city_min_after),
      { text: signed(row.time_to_city_min_change, oneDecimal), css: better ? "better" : "worse" },
    ]);
    const values = { side: study.sides[side], n: whole(n), people };
    const title = better ? ngettext("{side}: {n} settlement with {people} people gains", "{side}: {n} settlements with {people} people gain", n, values)
      : ngettext("{side}: {n} settlement with {people} people loses", "{side}: {n} settlements with {people} people lose", n, values);
    const head = [_("settlement"), _("before"), _("after"), _("change")];
    const more = n > most ? element("p", { class: "empty" }, _("The {most} with the most people-minutes of {n}.", { most, n: whole(n) })) : null;
    const unit = n ? element("p", { class: "empty" }, _("Minutes to the nearest city across, waits included.")) : null;
    return element("section", {}, element("h3", {}, title), unit, n ? table(title, head, rows, "") : null, more);
  });
  return element("div", {}, ...parts);
}

export function loads(change, most = 16) {
  const some = change.checkpoints.filter((row) => known(row.share_after) || known(row.share_before));
  const size = (row) => Math.max(row.share_before || 0, row.share_after || 0);
  const shown = some.filter((row) => size(row) >= 5e-4)
    .sort((one, two) => Math.abs(two.share_change || 0) - Math.abs(one.share_change || 0) || size(two) - size(one)).slice(0, most);
  const widest = Math.max(...shown.map(size), 1e-9);
  const bar = (css, share) => {
    const made = element("span", { class: "bar " + css });
    made.style.width = (100 * (share || 0) / widest).toFixed(2) + "%";
    return made;
  };
  const rows = shown.map((row) => element("li", {},
    element("span", { class: "bar-name" }, row.name, element("small", {}, " " + word(row.mode))),
    element("span", { class: "bars", "aria-hidden": "true" }, bar("was", row.share_before), bar("is", row.share_after)),
    element("span", { class: "bar-text" }, `${percent(row.share_before || 0)} → ${percent(row.share_after || 0)}`,
      element("small", { class: tone(row.share_change, 5e-4, false) === "same" ? "" : "moved" }, " " + signed(row.share_change || 0, (s) => oneDecimal(100 * s))))));
  return element("div", {},
    element("p", { class: "key" }, element("span", { class: "dot was" }), _("before") + " ", element("span", { class: "dot is" }), _("after: share of all modelled trips across; no counts, so shares and not vehicles")),
    element("ul", { class: "loads" }, ...rows));
}

const EFFECT_UNITS = {
  min: oneDecimal, persons: whole, "person-equivalents": whole,
  "min per trip of before": (value) => number(value, 2, false), "share of the trips of before": (value) => percent(value),
};

export function effects(spread) {
  const rows = spread.effects.map((row) => {
    const write = (value) => signed(value, EFFECT_UNITS[row.unit] || whole);
    return [element("span", {}, word(row.measure), element("small", { class: "under" }, word(row.unit))), write(row.change), known(row.low) ? `${write(row.low)} … ${write(row.high)}` : "–"];
  });
  const caption = _("Effects with their spread over {n} draws", { n: spread.draws });
  return table(caption, [_("effect"), _("central"), "5–95 %"], rows, "");
}

const INPUTS = { waits: () => _("waits"), speeds: () => _("speeds"), half_life: () => _("half-life"), people: () => _("people") };

// What matters most: each input at its 5 and 95 %, the others as they are; a bar from the one figure to the other.
export function tornado(spread) {
  const units = new Map(spread.effects.map((row) => [row.key, row]));
  const keys = [...new Set(spread.tornado.map((row) => row.key))];
  const parts = keys.filter((key) => units.has(key)).map((key) => {
    const rows = spread.tornado.filter((row) => row.key === key);
    const ends = rows.flatMap((row) => [row.at_low, row.at_high]);
    const [least, widest] = [Math.min(...ends), Math.max(...ends)], span = widest - least || 1;
    const write = (value) => signed(value, EFFECT_UNITS[units.get(key).unit] || whole);
    return element("section", {}, element("h4", {}, word(units.get(key).measure)), element("ul", { class: "loads tornado" }, ...rows.map((row) => {
      const low = Math.min(row.at_low, row.at_high), made = element("span", { class: "bar is" });
      made.style.marginLeft = (100 * (low - least) / span).toFixed(2) + "%";
      made.style.width = (100 * row.span / span).toFixed(2) + "%";
      return element("li", {}, element("span", { class: "bar-name" }, INPUTS[row.input] ? INPUTS[row.input]() : row.input), element("span", { class: "bars", "aria-hidden": "true" }, made),
        element("span", { class: "bar-text" }, `${write(row.at_low)} … ${write(row.at_high)}`));
    })));
  });
  if (!parts.length) return element("p", { class: "empty" }, _("No input moves the figures."));
  return element("div", {}, element("p", { class: "empty" }, _("Each input at its 5 and 95 %, the others as they are.")), ...parts);
}

export function queues(found) {
  if (!found.known) return element("p", { class: "empty" }, _("Not known: queues need vehicles a day ([trips] per_day of the study) and capacities of posts."));
  const rows = found.rows.map((row) => [row.name, whole(row.flow_per_day_before), whole(row.flow_per_day_after), percent(row.load_factor_after, 0),
    minutes(row.wait_min_before), minutes(row.wait_min_after)]);
  const head = [_("checkpoint"), _("vehicles a day, before"), _("after"), _("load"), _("wait, before"), _("after")];
  return element("div", {}, element("p", { class: "empty" }, _("Waits as loads make them: settled until the loads of two rounds differ by less than {n} %.", { n: number(100 * found.tolerance, 2) })),
    table(_("Queues by load"), head, rows, ""));
}

export function headline(change, edits) {
  if (!edits.length) return _("The border as it stands");
  const sum = (better) => ["a", "b"].flatMap((side) => gains(change, side, better)).reduce((all, row) => all + row.population, 0);
  const [won, lost] = [sum(true), sum(false)];
  if (!won && !lost) return _("Nobody's way to a city across changes");
  if (!lost) return _("{n} people come nearer to a city across", { n: whole(won) });
  if (!won) return _("{n} people come further from a city across", { n: whole(lost) });
  return _("{won} people come nearer to a city across, {lost} come further", { won: whole(won), lost: whole(lost) });
}

export function cards(change) {
  const row = (n) => change.totals[n];
  const more = (n) => {
    const text = changeInUnit(row(n).change, row(n).unit);
    return text === "0" || text === "–" ? "" : ` (${text})`;
  };
  const card = (big, small, css) => element("li", { class: css || null }, element("strong", {}, big), element("span", {}, small));
  return element("ul", { class: "cards" },
    card(_("{n} min", { n: minutes(row(0).after) }), _("to an open post, mean over people") + more(0), tone(row(0).change, 0.05, true)),
    card(whole(row(2).after), _("people within 2 h of a post") + more(2), tone(row(2).change, 1, false)),
    card(percent(row(5).after), _("of the pull across is lost at the border") + more(5), tone(row(5).change, 5e-4, true)));
}
