// Two images: from A to B, and latents or factors of one swapped into the other.

const STEPS = 11; // images from A to B

/** Two images with what is ticked of each other: boxes, and buttons to show one. */
class SwapPair {
  constructor(state, what, changed) {
    Object.assign(this, { what, changed, codes: null });
    this.canvases = ["A", "B"].map((name) => el("canvas", { role: "img", "aria-label": `${name} with the ticked ${what} of the other` }));
    this.boxes = el("div", { class: "ticks", role: "group", "aria-label": `${what[0].toUpperCase()}${what.slice(1)} to swap` });
    const show = (at) => () => { if (this.codes) { state.setCode(this.codes[at]); state.save(); } };
    this.root = el("div", {}, el("h2", {}, `Swap ${what}`), this.boxes,
      el("div", { class: "pair" }, ...this.canvases.map((canvas, at) => el("figure", {}, canvas,
        el("figcaption", {}, `${"AB"[at]} with ${"BA"[at]}\u2019s ticked ${what} `, el("button", { type: "button", class: "small", onclick: show(at) }, "show"))))));
  }

  /** Add a box; return it with the text beside it. */
  tick(name) {
    const [box, text] = [el("input", { type: "checkbox", onchange: this.changed }), el("span", {}, name)];
    this.boxes.append(el("label", {}, box, " ", text));
    return { box, text };
  }
}

/** Factors to swap, of a model that does not take factors: read from codes, and codes moved. */
class FactorSwap {
  constructor(state, words, changed) {
    Object.assign(this, { words, changed, reader: null });
    this.pair = new SwapPair(state, "factors", changed);
    this.root = el("div", { hidden: true }, this.pair.root, el("p", { class: "note" },
      "Factors are read from the code and the code is moved to others, by a linear model estimated from labelled images."));
  }

  async begin() {
    if (this.begun) return;
    this.begun = true;
    const table = JSON.parse(new TextDecoder().decode(await bytesOf("words")));
    this.reader = new WordsRead.Reader({ ...this.words, table });
    this.ticks = table.factors.map(({ name }) => this.pair.tick(name));
    this.root.hidden = false;
    this.changed();
  }

  /** Return the codes of A and B with the ticked factors of each other. */
  mix(codes) {
    const read = codes.map((code) => this.reader.read(code));
    this.pair.codes = codes.map((code, at) => this.reader.moved(code, read[at],
      read[at].map((value, factor) => (this.ticks[factor].box.checked ? read[1 - at][factor] : value))));
    return this.pair.codes;
  }
}

class TwoImages {
  constructor(state, strips, words) {
    Object.assign(this, { state, strips });
    this.run = state.run;
    this.slots = ["A", "B"].map((name) => ({ name, code: null, canvas: el("canvas", { role: "img", "aria-label": `Image ${name}` }) }));
    this.share = el("input", { type: "range", min: 0, max: 1, step: 0.02, value: 0, "aria-label": "From A to B", oninput: () => this.between(), onchange: () => state.settle() });
    this.norms = el("input", { type: "checkbox", onchange: () => { this.between(); this.later(); } });
    this.line = el("canvas", { class: "strip", "aria-hidden": "true", onclick: (event) => {
      this.share.value = Math.floor((event.offsetX / this.line.clientWidth) * STEPS) / (STEPS - 1);
      this.between();
      state.settle();
    } });
    this.pair = new SwapPair(state, "latents", () => this.later());
    this.ticks = this.run.rows.filter((row) => !row.off).map((row) => ({ row, ...this.pair.tick(state.name(row)) }));
    const depends = words?.kind === "linear" && (words.informative.some(Boolean) || words.links.some(({ factor }) => factor >= 0));
    this.factors = depends ? new FactorSwap(state, words, () => this.later()) : null;
    this.grid = el("div", { class: "swaps" });
    const holders = this.slots.map((slot, at) => el("figure", {}, slot.canvas, el("figcaption", {}, slot.name, " ",
      el("button", { type: "button", class: "small", onclick: () => this.take(at) }, "take current image"))));
    this.root = el("div", {},
      el("div", { class: "pair" }, ...holders),
      el("h2", {}, "From A to B"), this.line, this.share,
      this.run.about.prior === "gaussian" ? el("label", { class: "check" }, this.norms, " interpolate the norm of the code, too") : null,
      this.pair.root,
      el("p", { class: "note" }, "Each latent swapped alone: in A above, in B below."), this.grid,
      this.factors?.root);
    state.on("names", () => { for (const { row, text } of this.ticks) text.textContent = state.name(row); });
  }

  /** Have two images to start with: the present one, and the next of another class. */
  begin() {
    this.factors?.begin();
    if (this.slots[0].code) return;
    const { starts } = this.run.about.images;
    this.slots[0].code = Float32Array.from(this.state.code);
    this.slots[1].code = this.run.codeOf(starts.find((image) => image !== this.state.image) ?? 0);
    this.later();
  }

  take(at) {
    this.slots[at].code = Float32Array.from(this.state.code);
    this.share.value = at;
    this.later();
  }

  /** Return the code a share of the way: straight, or with a norm between those of both ends. */
  way(share) {
    const [a, b] = this.slots.map((slot) => slot.code);
    const norm = (code) => Math.hypot(...code);
    const code = a.map((value, at) => value + share * (b[at] - value));
    if (this.norms.checked) {
      const scale = (norm(a) + share * (norm(b) - norm(a))) / (norm(code) || 1);
      code.forEach((value, at) => { code[at] = value * scale; });
    }
    return code;
  }

  between() {
    this.begin();
    const share = Number(this.share.value);
    this.share.setAttribute("aria-valuetext", `${percent(share)} of the way to B`);
    this.state.setCode(this.way(share));
  }

  /** Return A and B with some rows of the other. */
  mix(rows) {
    return [[0, 1], [1, 0]].map(([to, from]) => {
      const code = Float32Array.from(this.slots[to].code);
      for (const row of rows) row.copy(this.slots[from].code, code);
      return code;
    });
  }

  later() {
    const { run } = this;
    const [a, b] = this.slots.map((slot) => slot.code);
    this.pair.codes = this.mix(this.ticks.filter(({ box }) => box.checked).map(({ row }) => row));
    const paint = (canvas) => ([image]) => run.painter.paint(canvas, image);
    const jobs = this.slots.map((slot) => ({ run, codes: [slot.code], then: paint(slot.canvas) }));
    jobs.push({ run, codes: Array.from({ length: STEPS }, (_, at) => this.way(at / (STEPS - 1))), then: (images) => run.painter.paint(this.line, images) });
    const swapped = (pair) => pair.codes.forEach((code, at) => jobs.push({ run, codes: [code], then: paint(pair.canvases[at]) }));
    swapped(this.pair);
    if (this.factors?.reader) {
      this.factors.mix([a, b]);
      swapped(this.factors.pair);
    }
    this.grid.replaceChildren();
    for (const { row } of this.ticks.filter((tick) => !tick.row.same(a, b)).slice(0, 20)) {
      const pair = [el("canvas"), el("canvas")];
      this.grid.append(el("figure", {}, ...pair, el("figcaption", {}, this.state.name(row))));
      jobs.push({ run, codes: this.mix([row]), then: (images) => images.forEach((image, at) => run.painter.paint(pair[at], image)) });
    }
    this.strips.ask(this, jobs);
  }
}
