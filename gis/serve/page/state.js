// The edits: the whole state of the page. Undo, redo, autosave under the study's hash, and the link that holds them.
import { _ } from "./say.js";

// Of what the browser keeps: 2 has the scenarios that stand side by side. A link holds edits alone, and its form is that of before.
const SCHEMA = 2;
const LINK = 1;
const MOST_KEPT = 8;

export class State {
  constructor(study) {
    this.study = study;
    this.steps = [[]];
    this.at = 0;
    this.kept = [];
    this.listeners = [];
  }

  get edits() { return this.steps[this.at]; }
  get canUndo() { return this.at > 0; }
  get canRedo() { return this.at < this.steps.length - 1; }
  get key() { return `borderlink:${this.study}`; }

  listen(listener) { this.listeners.push(listener); }
  tell() { this.save(); this.listeners.forEach((listener) => listener(this.edits)); }

  set(edits) {
    if (JSON.stringify(edits) === JSON.stringify(this.edits)) return;
    this.steps = [...this.steps.slice(Math.max(0, this.at - 99), this.at + 1), edits];
    this.at = this.steps.length - 1;
    this.tell();
  }

  undo() { if (this.canUndo) { this.at -= 1; this.tell(); } }
  // What can't be is no step that one could come back to.
  takeBack() { this.at -= 1; this.steps = this.steps.slice(0, this.at + 1); this.tell(); }
  redo() { if (this.canRedo) { this.at += 1; this.tell(); } }

  save() {
    try { localStorage.setItem(this.key, JSON.stringify({ schema: SCHEMA, edits: this.edits, kept: this.kept })); } catch { /* a full or forbidden store: nothing is kept */ }
  }

  saved() {
    try {
      const found = JSON.parse(localStorage.getItem(this.key));
      if (!found || ![1, SCHEMA].includes(found.schema) || !Array.isArray(found.edits)) return null;
      const kept = Array.isArray(found.kept) ? found.kept.filter((one) => one && typeof one.name === "string" && Array.isArray(one.edits)) : [];
      return { edits: found.edits, kept: kept.slice(0, MOST_KEPT) };
    } catch { return null; }
  }

  // --- scenarios that stand side by side -------------------------------------------------------------------------
  get room() { return this.kept.length < MOST_KEPT; }
  keep(name) { this.kept = [...this.kept.filter((one) => one.name !== name), { name, edits: this.edits }].slice(-MOST_KEPT); this.save(); }
  drop(name) { this.kept = this.kept.filter((one) => one.name !== name); this.save(); }

  // --- what the forms change --------------------------------------------------------------------------------------
  closed() { return new Set(this.edits.filter((e) => e.edit === "close" && e.checkpoint).map((e) => e.checkpoint)); }
  waitAt(id, standing) {
    const own = this.edits.find((e) => e.edit === "wait" && e.checkpoint === id);
    return own ? own.wait_min : standing;
  }

  setOpen(id, open) {
    const rest = this.edits.filter((e) => !(e.edit === "close" && e.checkpoint === id));
    // A closed post has no wait to set.
    this.set(open ? rest : [...rest.filter((e) => !(e.edit === "wait" && e.checkpoint === id)), { edit: "close", checkpoint: id }]);
  }

  closeAll(ids) {
    const rest = this.edits.filter((e) => !(["close", "wait"].includes(e.edit) && ids.includes(e.checkpoint)));
    this.set([...rest, ...ids.map((id) => ({ edit: "close", checkpoint: id }))]);
  }

  setWait(id, wait, standing) {
    const rest = this.edits.filter((e) => !(e.edit === "wait" && e.checkpoint === id));
    this.set(wait === standing ? rest : [...rest, { edit: "wait", checkpoint: id, wait_min: wait }]);
  }

  add(...more) { this.set([...this.edits, ...more]); }

  setNewWait(number, wait) {
    let seen = 0;
    this.set(this.edits.map((e) => (e.edit === "open" && (seen += 1) === number ? { ...e, wait_min: wait } : e)));
  }

  remove(index) { this.set(this.edits.filter((_, n) => n !== index)); }
}

// --- links ----------------------------------------------------------------------------------------------------------
async function through(stream, bytes) {
  const writer = stream.writable.getWriter();
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  return new Uint8Array(await new Response(stream.readable).arrayBuffer());
}

export async function pack(value) {
  const small = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(JSON.stringify(value)));
  return btoa(String.fromCharCode(...small)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(await through(new DecompressionStream("deflate-raw"), bytes)));
}

export async function linkOf(state, view) {
  return `#v=${LINK}&study=${state.study}&e=${await pack(state.edits)}&map=${view}`;
}

export async function readLink(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  if (!parts.has("e")) return null;
  if (parts.get("v") !== String(LINK)) throw new Error(_("it is of another version of the page"));
  const edits = await unpack(parts.get("e"));
  if (!Array.isArray(edits)) throw new Error(_("it holds no edits"));
  return { study: parts.get("study"), edits, map: (parts.get("map") || "").split("/").map(Number) };
}
