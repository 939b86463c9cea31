// Two images: from A to B, and latents of one swapped into the other.

const STEPS = 11; // images from A to B

class TwoImages {
  constructor(state, strips) {
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
    this.ticks = this.run.rows.filter((row) => !row.off).map((row) => ({ row, box: el("input", { type: "checkbox", onchange: () => this.later() }), text: el("span", {}, state.name(row)) }));
    this.swapped = ["A", "B"].map((name) => el("canvas", { role: "img", "aria-label": `${name} with the ticked latents of the other` }));
    this.grid = el("div", { class: "swaps" });
    const holders = this.slots.map((slot, at) => el("figure", {}, slot.canvas, el("figcaption", {}, slot.name, " ",
      el("button", { type: "button", class: "small", onclick: () => this.take(at) }, "set to the present image"))));
    this.root = el("div", {},
      el("div", { class: "pair" }, ...holders),
      el("h2", {}, "From A to B"), this.line, this.share,
      this.run.about.prior === "gaussian" ? el("label", { class: "check" }, this.norms, " along norms between those of A and B") : null,
      el("h2", {}, "Swap latents"),
      el("div", { class: "ticks", role: "group", "aria-label": "Latents to swap" }, ...this.ticks.map(({ box, text }) => el("label", {}, box, " ", text))),
      el("div", { class: "pair" }, ...this.swapped.map((canvas, at) => el("figure", {}, canvas, el("figcaption", {}, `${"AB"[at]} with ${"BA"[at]}\u2019s `,
        el("button", { type: "button", class: "small", onclick: () => { if (this.mixed) { state.setCode(this.mixed[at]); state.save(); } } }, "keep"))))),
      el("p", { class: "note" }, "Each latent swapped alone: above in A, below in B."), this.grid);
    state.on("names", () => { for (const { row, text } of this.ticks) text.textContent = state.name(row); });
  }

  /** Have two images to start with: the present one, and the next of another class. */
  begin() {
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
    this.mixed = this.mix(this.ticks.filter(({ box }) => box.checked).map(({ row }) => row));
    const paint = (canvas) => ([image]) => run.painter.paint(canvas, image);
    const jobs = this.slots.map((slot) => ({ run, codes: [slot.code], then: paint(slot.canvas) }));
    jobs.push({ run, codes: Array.from({ length: STEPS }, (_, at) => this.way(at / (STEPS - 1))), then: (images) => run.painter.paint(this.line, images) });
    this.mixed.forEach((code, at) => jobs.push({ run, codes: [code], then: paint(this.swapped[at]) }));
    this.grid.replaceChildren();
    for (const { row } of this.ticks.filter((tick) => !tick.row.same(a, b)).slice(0, 20)) {
      const pair = [el("canvas"), el("canvas")];
      this.grid.append(el("figure", {}, ...pair, el("figcaption", {}, this.state.name(row))));
      jobs.push({ run, codes: this.mix([row]), then: (images) => images.forEach((image, at) => run.painter.paint(pair[at], image)) });
    }
    this.strips.ask(this, jobs);
  }
}
