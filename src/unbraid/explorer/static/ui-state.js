// The state of the page: the code, where it came from, names; told to the parts, and kept in the address.

/** What all parts of the page look at and change. */
class State {
  constructor(runs, sheet) {
    this.runs = runs;
    this.run = runs[0];
    this.sheet = sheet;
    this.listeners = {};
    this.names = { ...runs[0].about.rowNames };
    this.image = null; // the held-out image, or null for one's own
    this.pixels = null; // the input, (C, H, W)
    this.sides = runs.map((run) => ({ run, code: new Float32Array(run.width), base: new Float32Array(run.width), sd: null }));
    this.extra = {}; // what parts keep in the address: name -> [get, set]
    this.dirty = false;
    this.writing = "";
  }

  get code() { return this.sides[0].code; }

  get base() { return this.sides[0].base; }

  get sd() { return this.sides[0].sd; }

  on(event, then) { (this.listeners[event] ??= []).push(then); }

  emit(event, detail) { for (const then of this.listeners[event] || []) then(detail); }

  /** Have the picture drawn at the next frame; several changes before it are one. */
  touch(rows = null) {
    this.changed = rows === null || (this.dirty && this.changed === null) ? null : new Set([...(this.changed || []), ...rows]);
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => this.flush());
  }

  flush() {
    if (!this.dirty) return;
    this.dirty = false;
    const rows = this.changed;
    this.changed = new Set();
    this.emit("code", rows);
  }

  /** Set a row of a side, the first unless told. */
  set(row, value, side = 0) {
    row.set(this.sides[side].code, value);
    this.emit("moved", { row, value, side });
    this.touch([row]);
  }

  /** Set the whole code. */
  setCode(code, side = 0) {
    this.sides[side].code.set(code);
    this.touch();
  }

  /** Show a held-out image: its code, as stored, and its posterior. */
  setImage(image, keep = false) {
    this.image = image;
    this.pixels = this.sheet.pixels(image);
    for (const side of this.sides) {
      side.base.set(side.run.codeOf(image));
      side.sd = side.run.about.posterior && side.run.encoder ? side.run.encode(this.pixels).sd : null;
      if (!keep) side.code.set(side.base);
    }
    this.touch();
    this.emit("image");
  }

  /** Show one's own image, in the form of the data; null takes it away. */
  setPixels(pixels) {
    if (pixels === null) return;
    this.image = null;
    this.pixels = pixels;
    for (const side of this.sides) {
      const { code, sd } = side.run.encode(pixels);
      side.base.set(code);
      side.code.set(code);
      side.sd = sd;
    }
    this.touch();
    this.emit("image");
  }

  reset(row = null, side = 0) {
    const { code, base, run } = this.sides[side];
    for (const each of row ? [row] : run.rows) each.copy(base, code);
    if (row) this.emit("moved", { row, value: row.get(code), side });
    this.touch(row ? [row] : null);
  }

  name(row) { return this.names[row.name] || row.title; }

  rename(row, name) {
    if (!name.trim() || name === row.title) delete this.names[row.name];
    else this.names[row.name] = name.trim().slice(0, 40);
    this.emit("names");
  }

  // -- the address --

  /** Return the state as the address's hash. */
  hash() {
    const parts = new URLSearchParams();
    parts.set("image", this.image === null ? "none" : this.image);
    this.sides.forEach(({ run, code, base }, side) => {
      for (const row of run.rows) {
        if (this.image !== null && row.same(code, base)) continue;
        const value = row.get(code);
        if (this.image === null && row.kind !== "categories" && Math.abs(value) < 5e-3) continue;
        parts.set(`${side ? "b." : ""}${row.name}`, row.kind === "categories" ? value : round(value, Math.max(row.digits, 3)));
      }
    });
    for (const [name, text] of Object.entries(this.names)) parts.set(`name.${name}`, text);
    for (const [name, [get]] of Object.entries(this.extra)) {
      const value = get();
      if (value !== "" && value !== null && value !== undefined) parts.set(name, value);
    }
    return `#${parts}`;
  }

  /** Take the state of a hash; throws a sentence if it is none. */
  read(hash) {
    const parts = new URLSearchParams(hash.replace(/^#/, ""));
    const text = parts.get("image") ?? "0";
    const image = text === "none" ? null : Number(text);
    if (image !== null && !(Number.isInteger(image) && image >= 0 && image < this.run.count)) {
      throw new Error(`there is no held-out image ${text}: they are 0 to ${this.run.count - 1}`);
    }
    const values = [];
    this.sides.forEach(({ run }, side) => {
      for (const row of run.rows) {
        const given = parts.get(`${side ? "b." : ""}${row.name}`);
        if (given === null) continue;
        if (given === "" || !Number.isFinite(Number(given)) || Math.abs(Number(given)) > 1e4) {
          throw new Error(`${row.name} is "${given.slice(0, 20)}", expected a number`);
        }
        values.push([row, Number(given), side]);
      }
    });
    const known = new Set(["image", ...Object.keys(this.extra)]);
    for (const { run } of this.sides) for (const row of run.rows) for (const way of ["", "b.", "name."]) known.add(way + row.name);
    for (const name of parts.keys()) if (!known.has(name)) throw new Error(`"${name.slice(0, 20)}" is nothing that this page has`);
    const named = [...parts.keys()].some((name) => name.startsWith("name."));
    this.names = named ? {} : { ...this.run.about.rowNames };
    for (const [name, value] of parts) if (name.startsWith("name.")) this.names[name.slice(5)] = value.slice(0, 40);
    if (image !== null) this.setImage(image);
    else {
      this.image = this.pixels = null;
      for (const side of this.sides) [side.sd, side.code] = [null, side.code.fill(0)];
      this.emit("image");
    }
    for (const [row, value, side] of values) row.set(this.sides[side].code, value);
    if (image === null) for (const side of this.sides) side.base.set(side.code); // what a reset goes back to
    for (const [name, [, set]] of Object.entries(this.extra)) set(parts.get(name), parts);
    this.emit("names");
    this.touch();
  }

  /** Write the state into the address: as a step to go back from, or in the place of the last one. */
  save(step = true) {
    const hash = this.hash();
    if (hash === this.writing) return;
    this.writing = hash;
    try {
      history[step ? "pushState" : "replaceState"](null, "", hash);
    } catch { // a frame without an address
    }
  }

  /** Write it soon: one step for a series of changes, after what they have drawn at the next frame. */
  settle() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => requestAnimationFrame(() => this.save()), 400);
  }
}
