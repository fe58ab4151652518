// How numbers are written and elements are made: the same in the page and in its still copy.
import { _, number } from "./say.js";

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function known(value) { return value !== null && value !== undefined && Number.isFinite(value); }

export function minutes(value) { return known(value) ? number(value, 1, false) : _("no way"); }

export function whole(value) { return known(value) ? number(Math.round(value)) : "–"; }

export function percent(value, digits = 1) { return known(value) ? number(100 * value, digits, false) + " %" : "–"; }

export function points(value) { return _("{n} points", { n: number(100 * value, 1, false) }); }

export function signed(value, write) {
  if (!known(value)) return "–";
  const text = write(Math.abs(value));
  if (!/[1-9]/.test(text)) return "0";
  return (value > 0 ? "+" : "−") + text;
}

export function oneDecimal(value) { return number(value, 1, false); }

const UNITS = {
  min: (value) => minutes(value),
  persons: (value) => whole(value),
  share: (value) => percent(value),
  "person-equivalents": (value) => whole(value),
};

export function inUnit(value, unit) { return known(value) ? (UNITS[unit] || whole)(value) : "–"; }

export function changeInUnit(value, unit) {
  if (unit === "share") return signed(value, points);
  return signed(value, (size) => inUnit(size, unit));
}

// Less than a printed digit is no change.
export function tone(value, edge, lessIsBetter) {
  if (!known(value) || Math.abs(value) < edge) return "same";
  return value < 0 === lessIsBetter ? "better" : "worse";
}
