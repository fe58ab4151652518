// Words and numbers in the language of the page; English strings are the keys of the catalogue.
import { LANG, WORDS } from "./words.js";

const RULES = new Intl.PluralRules(LANG);
// Browsers seldom know Kazakh; it writes numbers as Russian does.
const NUMBERS = LANG === "kk" ? "ru" : LANG;
const FORMS = ["one", "few"];

function fill(text, values) { return text.replace(/\{(\w+)\}/g, (all, key) => (key in values ? values[key] : all)); }

export function _(text, values = {}) { return fill(WORDS[text] || text, values); }

// A text that goes with a count: the form that the language has for it.
export function ngettext(one, many, n, values = {}) {
  const forms = WORDS[one] || [one, many], at = FORMS.indexOf(RULES.select(n));
  // Other numbers take the last form: of three in Russian, of two in English and Kazakh.
  const form = at >= 0 ? at : RULES.select(n) === "many" ? 2 : forms.length - 1;
  return fill(forms[Math.min(form, forms.length - 1)], values);
}

// A word that comes with the data: a measure, a unit, a mode.
export function word(text) { return WORDS[text] || text; }

const WRITERS = new Map();

export function number(value, digits = 0, grouped = true) {
  const key = `${digits} ${grouped}`;
  if (!WRITERS.has(key)) WRITERS.set(key, new Intl.NumberFormat(NUMBERS, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: grouped }));
  return WRITERS.get(key).format(value);
}
