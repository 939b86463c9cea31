// The map under the pointer and the keyboard: preview, keep, leave.

Object.assign(CodeMap.prototype, {
  listen() {
    const here = (event) => {
      const box = this.over.getBoundingClientRect();
      const [across, up] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
      return [this.ax.low + across * (this.ax.high - this.ax.low), this.ay.low + up * (this.ay.high - this.ay.low)];
    };
    this.over.addEventListener("pointermove", (event) => {
      if (!this.ax) return;
      this.cursor = here(event);
      if (event.pointerType === "touch" && event.buttons) this.keep(false);
      else this.soon();
    });
    this.over.addEventListener("pointerleave", () => this.leave());
    this.over.addEventListener("pointerdown", (event) => {
      if (!this.ax || event.button !== 0) return;
      this.cursor = here(event);
      this.keep();
    });
    this.over.addEventListener("pointerup", (event) => { if (event.pointerType === "touch") { this.state.settle(); this.leave(); } });
    this.over.addEventListener("dblclick", () => {
      if (this.nearby >= 0) { this.state.setImage(this.nearby); this.state.save(); }
    });
    this.over.addEventListener("keydown", (event) => this.key(event));
    this.over.addEventListener("blur", () => this.leave());
  },

  key(event) {
    if (!this.ax || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const size = event.shiftKey ? 0.1 : 0.02;
    if (by) {
      const [u, v] = this.cursor || [this.ax.of(this.state.code), this.ay.of(this.state.code)];
      this.cursor = [
        clamp(u + by[0] * size * (this.ax.high - this.ax.low), this.ax.low, this.ax.high),
        clamp(v + by[1] * size * (this.ay.high - this.ay.low), this.ay.low, this.ay.high),
      ];
      this.soon();
    } else if (event.key === "Enter" && this.cursor) this.keep();
    else if (event.key === "Escape") this.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  },

  /** Decode the place at the next frame. */
  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.look(); });
  },

  /** Show the image of the cursor's place, and the original of a dot that is close. */
  look() {
    if (!this.cursor) return;
    const [canvas, original, text] = this.preview.children;
    this.run.painter.paint(canvas, this.run.decode(this.at(...this.cursor)));
    const [x, y] = this.place(...this.cursor);
    const image = this.dotAt(x, y);
    original.hidden = image < 0;
    const told = image < 0 ? "" : this.run.told(image, 1) || `image ${image}`;
    if (image >= 0) this.run.painter.paint(original, this.state.sheet.pixels(image));
    const [u, v] = this.cursor;
    const places = `${this.ax.row?.physical(u) || shown(u)}, ${this.ay.row?.physical(v) || shown(v)}`;
    text.textContent = told ? `decoded, and ${told}` : places;
    this.preview.hidden = false;
    const side = this.frame.clientWidth;
    const [left, top] = [x / this.scale, y / this.scale];
    const [wide, tall] = [this.preview.offsetWidth, this.preview.offsetHeight];
    this.preview.style.left = `${left + 16 + wide > side ? Math.max(left - 16 - wide, 0) : left + 16}px`;
    this.preview.style.top = `${top + 16 + tall > side ? Math.max(top - 16 - tall, 0) : top + 16}px`;
    this.overlay();
    clearTimeout(this.telling);
    this.telling = setTimeout(() => { this.live.textContent = `${places}${told ? `, on ${told}` : ""}`; }, 500);
  },

  /** Return the image whose dot is within a few pixels, or -1. */
  dotAt(x, y) {
    let [best, least] = [-1, (6 * this.scale) ** 2];
    const spec = this.specs.find((each) => each.name === this.by.value);
    const column = this.specs.indexOf(spec);
    for (let image = 0; image < this.run.count; image++) {
      const distance = (this.points[2 * image] - x) ** 2 + (this.points[2 * image + 1] - y) ** 2;
      if (distance >= least) continue;
      if (spec && this.hidden.has(this.group(spec, this.run.factors[image * this.specs.length + column]))) continue;
      [best, least] = [image, distance];
    }
    return best;
  },

  /** Make the place's code the present one. */
  keep(step = true) {
    if (!this.cursor) return;
    const [x, y] = this.place(...this.cursor);
    this.state.setCode(this.at(...this.cursor));
    if (step) {
      this.live.textContent = "kept";
      this.state.save();
      this.nearby = this.dotAt(x, y);
    }
    this.preview.hidden = true;
  },

  leave() {
    this.cursor = null;
    this.preview.hidden = true;
    this.overlay();
  },
});
