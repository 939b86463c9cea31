// The map: held-out codes in two latents or two principal components; the pointer decodes, a click keeps.

const PALETTES = {
  light: ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#7a7a7a", "#B8A800", "#663311", "#8800FF"],
  dark: ["#2f8fd0", "#E69F00", "#00a97c", "#e0661a", "#7cc7f2", "#d68bb5", "#9a9a9a", "#d9cb1f", "#a8703f", "#a866ff"],
};
// of viridis, at nine even steps
// of equal lightness, and a circle: its last colour goes on to its first
const CYCLE = ["#cd6153", "#b47806", "#7e9114", "#0c9e71", "#0d97a8", "#4488d8", "#9271ce", "#bf609b", "#cd6153"];
const RAMP = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const PLANE = 17; // images across the plane of a model with two latents
const DOT = 2.4;

class CodeMap {
  constructor(state, strips) {
    Object.assign(this, { state, strips });
    this.run = state.run;
    this.specs = this.run.about.factors;
    this.numbers = this.run.rows.filter((row) => row.kind === "number" || row.kind === "levels");
    this.hidden = new Set();
    this.cursor = null;
    const options = this.numbers.map((row) => [row.name, row]);
    const [first, second] = [this.numbers[0], this.numbers[1] || this.numbers[0]];
    const pca = this.run.about.plane;
    this.x = this.select("across", [...options.map(([name]) => name), ...(pca ? ["PC 1"] : [])], first?.name);
    this.y = this.select("up", [...options.map(([name]) => name), ...(pca ? ["PC 2"] : [])], second?.name);
    this.by = this.select("colour", ["none", ...this.specs.map((spec) => spec.name)], this.specs[0]?.name || "none");
    this.dots = el("canvas", { class: "dots", "aria-hidden": "true" });
    this.over = el("canvas", { class: "over", tabIndex: 0, role: "application", "aria-roledescription": "map",
      "aria-label": "Map of held-out codes: arrow keys move a cursor, Enter keeps its code, Escape leaves it" });
    this.preview = el("div", { class: "preview", hidden: true, "aria-hidden": "true" }, el("canvas"), el("canvas"), el("span"));
    this.frame = el("div", { class: "map" }, this.dots, this.over, this.preview);
    this.legend = el("div", { class: "legend", role: "group", "aria-label": "Levels shown" });
    this.says = el("p", { class: "note" });
    this.live = el("p", { class: "unseen", role: "status" });
    this.root = el("div", {},
      el("div", { class: "line axes" }, el("label", {}, "across ", this.x), el("label", {}, "up ", this.y),
        this.specs.length ? el("label", {}, "colour ", this.by) : null,
        pca ? el("button", { type: "button", class: "small", onclick: () => { [this.x.value, this.y.value] = ["PC 1", "PC 2"]; this.chosen(); } }, "PCA") : null),
      this.frame, this.legend, this.says, this.live);
    this.listen();
    state.on("code", () => this.overlay());
    state.on("names", () => this.rename());
    state.extra.x = [() => (this.x.value === first?.name ? "" : this.x.value), (value) => this.restore(this.x, value, first?.name)];
    state.extra.y = [() => (this.y.value === second?.name ? "" : this.y.value), (value) => this.restore(this.y, value, second?.name)];
    state.extra.colour = [() => (this.by.value === (this.specs[0]?.name || "none") ? "" : this.by.value), (value) => this.restore(this.by, value, this.specs[0]?.name || "none")];
    new ResizeObserver(() => { if (!matchMedia("print").matches && this.pixels() !== this.dots.width) this.draw(); }).observe(this.frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  select(title, values, chosen) {
    return el("select", { "aria-label": { across: "Latent across", up: "Latent up", colour: "Colour by" }[title], onchange: () => this.chosen() },
      ...values.map((value) => el("option", { value, selected: value === chosen }, value)));
  }

  restore(select, value, standard) {
    const wanted = value ?? standard;
    if (![...select.options].some((option) => option.value === wanted)) throw new Error(`the map has no axis or colour "${wanted}"`);
    if (select.value === wanted) return;
    select.value = wanted;
    this.hidden.clear();
    this.levelsOf = null;
    this.draw();
  }

  chosen() {
    this.hidden.clear();
    this.levelsOf = null;
    this.cursor = null;
    this.draw();
    this.state.save();
  }

  rename() {
    for (const select of [this.x, this.y]) {
      for (const option of select.options) {
        const row = this.rowOf(option.value);
        if (row) option.textContent = this.state.name(row) === row.name ? row.name : `${this.state.name(row)} (${row.name})`;
      }
    }
  }

  rowOf(name) { return this.numbers.find((row) => row.name === name); }

  /** Return an axis: a row, or a direction in the space of codes through a centre. */
  axis(select) {
    const row = this.rowOf(select.value);
    if (row) return { row, of: (code) => code[row.first], low: row.low, high: row.high };
    const { centre, axes, shares } = this.run.about.plane;
    const way = axes[select.value === "PC 1" ? 0 : 1];
    const of = (code) => way.reduce((sum, part, at) => sum + part * (code[at] - centre[at]), 0);
    const all = Array.from({ length: this.run.count }, (_, image) => of(this.run.codeOf(image)));
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const room = (high - low) * 0.04;
    return { way, of, low: low - room, high: high + room, share: shares[select.value === "PC 1" ? 0 : 1] };
  }

  place(u, v) {
    const { width, height } = this.over;
    return [((u - this.ax.low) / (this.ax.high - this.ax.low)) * width, (1 - (v - this.ay.low) / (this.ay.high - this.ay.low)) * height];
  }

  /** Return the present code moved to a place of the map. */
  at(u, v) {
    const code = Float32Array.from(this.state.code);
    for (const [axis, value] of [[this.ax, u], [this.ay, v]]) {
      if (axis.row) axis.row.set(code, axis.row.fit(value));
      else {
        const by = value - axis.of(code);
        axis.way.forEach((part, index) => { code[index] += by * part; });
      }
    }
    return code;
  }

  /** Return how many pixels of a canvas the map's side is; 0 while it is not shown. */
  pixels() {
    this.scale = Math.min(devicePixelRatio || 1, 2);
    return Math.round(this.frame.clientWidth * this.scale);
  }

  /** Draw everything: the plane where there is one, the dots and the overlay. */
  draw() {
    const side = this.pixels();
    if (!side || this.numbers.length < 1) return;
    for (const canvas of [this.dots, this.over]) [canvas.width, canvas.height] = [side, side];
    [this.ax, this.ay] = [this.axis(this.x), this.axis(this.y)];
    this.points = new Float32Array(2 * this.run.count);
    for (let image = 0; image < this.run.count; image++) {
      const code = this.run.codeOf(image);
      [this.points[2 * image], this.points[2 * image + 1]] = this.place(this.ax.of(code), this.ay.of(code));
    }
    this.plane();
    this.spots();
    this.levels();
    this.overlay();
    const parts = [this.ax, this.ay].map((axis) => (axis.row ? "" : percent(axis.share))).filter(Boolean);
    this.says.textContent = `${this.run.count.toLocaleString("en")} ${this.run.about.images.split === "train" ? "training" : "held-out"} codes`
      + `${parts.length ? `; principal components with ${parts.join(" and ")} of the variance` : ""}. Point to decode a place, click to keep its code, double-click a dot to take its image.`;
  }

  /** Ask for the decoded plane of a model with two latents. */
  plane() {
    const two = this.run.width === 2 && this.ax.row && this.ay.row && this.ax.row !== this.ay.row;
    if (!two) { this.ground = null; return; }
    const key = `${this.x.value},${this.y.value}`;
    if (this.ground?.key === key) return;
    const ground = { key, rows: [] };
    this.ground = ground;
    const jobs = Array.from({ length: PLANE }, (_, down) => ({
      run: this.run,
      codes: Array.from({ length: PLANE }, (__, across) => {
        const code = new Float32Array(2);
        code[this.ax.row.first] = this.ax.low + ((across + 0.5) / PLANE) * (this.ax.high - this.ax.low);
        code[this.ay.row.first] = this.ay.high - ((down + 0.5) / PLANE) * (this.ay.high - this.ay.low);
        return code;
      }),
      then: (images) => {
        const canvas = el("canvas");
        this.run.painter.paint(canvas, images);
        ground.rows[down] = canvas;
        if (ground.rows.filter(Boolean).length === PLANE) this.spots();
      },
    }));
    this.strips.ask(ground, jobs);
  }

  spots() {
    const pen = this.dots.getContext("2d");
    const { width, height } = this.dots;
    pen.clearRect(0, 0, width, height);
    this.ground?.rows.forEach((row, down) => { pen.imageSmoothingEnabled = true; pen.drawImage(row, 0, (down * height) / PLANE, width, height / PLANE); });
    this.rings(pen);
    const spec = this.specs.find((each) => each.name === this.by.value);
    const column = this.specs.indexOf(spec);
    const radius = DOT * this.scale;
    for (let image = 0; image < this.run.count; image++) {
      const level = spec ? this.run.factors[image * this.specs.length + column] : NaN;
      if (spec && this.hidden.has(this.group(spec, level))) continue;
      pen.fillStyle = spec ? this.shade(spec, level) : colour("--dot");
      pen.beginPath();
      pen.arc(this.points[2 * image], this.points[2 * image + 1], radius, 0, 2 * Math.PI);
      pen.fill();
      if (this.ground) { pen.strokeStyle = "#fff"; pen.lineWidth = 0.7; pen.stroke(); }
    }
  }

  /** Draw the circles within which half and 95% of a standard normal prior lie. */
  rings(pen) {
    if (this.run.about.prior !== "gaussian" || !this.ax.row || !this.ay.row || this.ax.row === this.ay.row) return;
    pen.strokeStyle = colour("--soft");
    pen.lineWidth = this.scale;
    for (const share of [0.5, 0.95]) {
      const radius = Math.sqrt(-2 * Math.log(1 - share));
      const [left, top] = this.place(-radius, radius);
      const [right, bottom] = this.place(radius, -radius);
      pen.setLineDash(share === 0.5 ? [4 * this.scale, 4 * this.scale] : []);
      pen.beginPath();
      pen.ellipse((left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2, 0, 0, 2 * Math.PI);
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  group(spec, level) { return Number.isNaN(level) ? "unknown" : String(Math.round(level)); }

  listed(spec) { return spec.values && spec.values.length <= 24; }

  shade(spec, level) {
    if (Number.isNaN(level)) return colour("--soft");
    if (this.listed(spec) && spec.kind === "categorical") return PALETTES[theme()][Math.round(level) % 10];
    const ramp = this.ramp(spec), share = this.share(spec, level) * (ramp.length - 1);
    const [one, other] = [ramp[Math.floor(share)], ramp[Math.ceil(share)]].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    return `rgb(${one.map((value, c) => Math.round(value + (other[c] - value) * (share % 1))).join()})`;
  }

  /** Return where a stored value is between the ends of a factor, or on its circle, from 0 to 1. */
  share({ values, range, period }, level) {
    if (period) {
      const turns = (values ? values[Math.round(level)] - values[0] : level - range[0]) / period;
      return clamp(turns - Math.floor(turns), 0, 1); // levels are rounded, so one may be below the range
    }
    const [low, high] = values ? [0, Math.max(values.length - 1, 1)] : range;
    return clamp((level - low) / (high - low), 0, 1);
  }

  ramp(spec) { return spec.period ? CYCLE : RAMP; }

  /** Show the levels of the factor, each a switch; of a real factor its ends. */
  levels() {
    const spec = this.specs.find((each) => each.name === this.by.value);
    const key = `${this.by.value} ${theme()}`;
    if (this.levelsOf === key) return; // its buttons keep the focus
    this.levelsOf = key;
    if (!spec) { this.legend.replaceChildren(); return; }
    if (!this.listed(spec)) {
      const ramp = el("span", { class: "ramp" });
      ramp.style.background = `linear-gradient(90deg, ${this.ramp(spec).join()})`;
      const ends = spec.values ? [spec.values[0], spec.values.at(-1)].map(levelName)
        : spec.range.map((value) => brief(value, placesOf(...spec.range)));
      this.legend.replaceChildren(el("span", {}, ends[0]), ramp, el("span", {}, `${ends[1]}${spec.unit ? ` ${spec.unit}` : ""}`));
      return;
    }
    this.legend.replaceChildren(...spec.values.map((value, level) => {
      const spot = el("i");
      spot.style.background = this.shade(spec, level);
      const button = el("button", { type: "button", class: "level", "aria-pressed": String(!this.hidden.has(String(level))), onclick: () => {
        const key = String(level);
        if (!this.hidden.delete(key)) this.hidden.add(key);
        button.setAttribute("aria-pressed", String(!this.hidden.has(key)));
        this.spots();
      } }, spot, levelName(value));
      return button;
    }));
  }

  /** Draw the present code's ring, its posterior, and the cursor. */
  overlay() {
    if (!this.ax || !this.over.width) return;
    const pen = this.over.getContext("2d");
    pen.clearRect(0, 0, this.over.width, this.over.height);
    const { code, sd } = this.state;
    const [x, y] = this.place(this.ax.of(code), this.ay.of(code));
    pen.lineWidth = 2 * this.scale;
    if (sd && this.ax.row && this.ay.row) {
      const [right, top] = this.place(this.ax.of(code) + sd[this.ax.row.first], this.ay.of(code) + sd[this.ay.row.first]);
      pen.strokeStyle = colour("--accent");
      pen.beginPath();
      pen.ellipse(x, y, Math.abs(right - x), Math.abs(top - y), 0, 0, 2 * Math.PI);
      pen.stroke();
    }
    for (const [radius, shade] of [[7, colour("--paper")], [5, colour("--accent")]]) {
      pen.strokeStyle = shade;
      pen.beginPath();
      pen.arc(x, y, radius * this.scale, 0, 2 * Math.PI);
      pen.stroke();
    }
    if (this.cursor) {
      const [u, v] = this.place(...this.cursor);
      pen.strokeStyle = colour("--ink");
      pen.lineWidth = this.scale;
      pen.beginPath();
      pen.moveTo(u - 9 * this.scale, v); pen.lineTo(u + 9 * this.scale, v);
      pen.moveTo(u, v - 9 * this.scale); pen.lineTo(u, v + 9 * this.scale);
      pen.stroke();
    }
  }
}
