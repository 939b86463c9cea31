// The latents: a row each, with name, share of the KL, strip, slider over the histogram, and number.

const SHOWN = 12; // rows that are unfolded at first, of a model with many latents

class LatentList {
  constructor(state, strips, side = 0) {
    Object.assign(this, { state, strips, side });
    this.run = state.sides[side].run;
    this.unit = this.run.about.unit;
    const heavy = this.run.rows.filter((row) => !row.factor);
    this.total = heavy.reduce((sum, row) => sum + row.weight, 0) || 1;
    this.most = Math.max(...heavy.map((row) => row.weight), 1e-9);
    this.parts = new Map();
    const on = this.run.rows.filter((row) => !row.off);
    const off = this.run.rows.filter((row) => row.off);
    const [first, more] = on.length > SHOWN + 3 ? [on.slice(0, SHOWN), on.slice(SHOWN)] : [on, []];
    this.root = el("div", { class: "latents" }, this.list(first), this.folded("More latents", more),
      this.folded("Switched off", off));
    this.root.addEventListener("toggle", () => this.later(), true);
    state.on("code", (rows) => this.update(rows));
    state.on("names", () => this.rename());
    if ("IntersectionObserver" in window) {
      this.watch = new IntersectionObserver((seen) => this.seen(seen));
      for (const part of this.parts.values()) this.watch.observe(part.root);
    }
  }

  list(rows) {
    return el("ol", { class: "rows" }, ...rows.map((row) => this.row(row)));
  }

  folded(title, rows) {
    if (!rows.length) return null;
    return el("details", {}, el("summary", {}, `${title} (${rows.length})`), this.list(rows));
  }

  row(row) {
    const name = el("input", {
      class: "name", value: this.state.name(row), "aria-label": `Name of ${row.name}`, maxlength: 40,
      spellcheck: "false", autocomplete: "off",
      onchange: () => { this.state.rename(row, name.value); this.state.save(); },
      onkeydown: (event) => { if (event.key === "Enter") name.blur(); },
    });
    const share = row.weight / this.total;
    const weight = this.unit === "nats" ? `${weightText(row.weight, row.weight < 0.1 ? 3 : 2)} nats` : `variance ${weightText(row.weight)}`;
    const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("i"));
    bar.firstChild.style.width = `${100 * clamp(row.weight / this.most, 0, 1)}%`;
    const told = row.factor ? el("span", { class: "weight" }, row.unit || "factor")
      : el("span", { class: "weight" }, weight, this.unit === "nats" ? ` \u00b7 ${percent(share)}` : "");
    const head = el("div", { class: "head" }, name, this.state.name(row) === row.name ? null : el("span", { class: "tag" }, row.name),
      row.factor ? null : bar, told);
    const part = { row, head, name };
    const buttons = [];
    if (row.kind !== "categories" && row.kind !== "circle") {
      buttons.push(el("button", { type: "button", class: "small", onclick: () => this.choose(row, row.fit(0)), "aria-label": `Set ${row.name} to 0`, title: "zero (0)" }, "0"));
    }
    buttons.push(el("button", { type: "button", class: "small", onclick: () => this.reset(row), "aria-label": `Reset ${row.name} to the image's code`, title: "reset to the image\u2019s code (r)" }, "\u21ba"));
    part.buttons = el("span", { class: "buttons" }, ...buttons);
    head.append(part.buttons);
    part.root = el("li", { class: `row kind-${row.kind}` }, head, ...(row.kind === "categories" ? this.categories(part) : this.slider(part)));
    part.root.addEventListener("pointerenter", () => this.state.emit("look", part));
    part.root.addEventListener("focusin", () => this.state.emit("look", part));
    this.parts.set(row, part);
    return part.root;
  }

  slider(part) {
    const { row } = part;
    part.strip = el("canvas", { class: "strip", "aria-hidden": "true", width: 9 * this.run.painter.width, height: this.run.painter.height,
      title: "click an image to go there",
      onclick: (event) => {
        const values = row.strip();
        const at = Math.floor((event.offsetX / part.strip.clientWidth) * values.length);
        this.choose(row, values[clamp(at, 0, values.length - 1)]);
      } });
    part.plot = el("canvas", { class: "plot", "aria-hidden": "true", width: 480, height: 40 });
    part.slider = el("input", { type: "range", min: row.low, max: row.high, step: "any", "aria-label": this.state.name(row), class: "slider",
      oninput: () => this.move(row, row.fit(Number(part.slider.value))),
      onchange: () => this.state.settle(),
      onkeydown: (event) => this.key(event, part) });
    part.number = el("input", { type: "number", step: row.step, class: "number", "aria-label": `Value of ${row.name}`,
      oninput: () => { if (part.number.value !== "" && Number.isFinite(part.number.valueAsNumber)) this.move(row, clamp(part.number.valueAsNumber, -1e4, 1e4), part.number); },
      onchange: () => { this.show(part); this.state.settle(); } });
    part.physical = el("output", { class: "physical" });
    return [part.strip, el("div", { class: "control" }, el("div", { class: "track" }, part.plot, part.slider), part.number, part.physical)];
  }

  categories(part) {
    const { row } = part;
    part.choices = row.order.map((index) => {
      const canvas = el("canvas", { width: this.run.painter.width, height: this.run.painter.height, "aria-hidden": "true" });
      const input = el("input", { type: "radio", name: `${this.side}-${row.name}`, value: index, onchange: () => this.choose(row, index) });
      return { index, canvas, input, label: el("label", {}, input, canvas, el("span", {}, row.category(index))) };
    });
    const group = el("div", { class: "choices", role: "radiogroup", "aria-label": this.state.name(row) }, ...part.choices.map((each) => each.label));
    group.addEventListener("keydown", (event) => {
      if (event.key === "r") { this.reset(row); event.preventDefault(); }
    });
    part.group = group;
    return [group];
  }

  /** Keys of a slider: arrows by a step, pages by five, ends, zero and reset. */
  key(event, part) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { row } = part;
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 }[event.key];
    const value = row.get(this.state.sides[this.side].code);
    let to = null;
    if (steps) to = row.moved(value, steps);
    else if (event.key === "Home") to = row.fit(row.quantile(0));
    else if (event.key === "End") to = row.fit(row.quantile(1));
    else if (event.key === "0" && row.kind !== "circle") to = row.fit(0);
    else if (event.key === "r") { this.reset(row); event.preventDefault(); return; }
    else return;
    event.preventDefault();
    this.choose(row, to);
  }

  move(row, value, from = null) {
    this.state.set(row, value, this.side);
    this.show(this.parts.get(row), from);
  }

  choose(row, value) {
    this.move(row, value);
    this.state.settle();
  }

  reset(row) {
    this.state.reset(row, this.side);
    this.show(this.parts.get(row));
    this.state.settle();
  }

  /** Show the row's value; `from` is the field that it is being typed into. */
  show(part, from = null) {
    const { row } = part;
    const { code, base, sd } = this.state.sides[this.side];
    const value = row.get(code);
    part.root.classList.toggle("changed", !row.same(code, base));
    if (part.choices) {
      for (const choice of part.choices) choice.input.checked = choice.index === value;
      return;
    }
    part.slider.value = value;
    part.slider.setAttribute("aria-valuetext", row.said(value));
    if (from !== part.number) part.number.value = round(value, row.digits);
    part.physical.textContent = row.physical(value);
    part.physical.hidden = !part.physical.textContent;
    if (part.visible !== false) this.plot(part, base, sd);
  }

  /** Draw the histogram of the held-out codes, and the posterior of the image as a band. */
  plot(part, base, sd) {
    const { row, plot } = part;
    const key = `${base[row.first]},${sd ? sd[row.first] : ""},${theme()}`;
    if (part.plotted === key) return;
    part.plotted = key;
    const pen = plot.getContext("2d");
    const { width, height } = plot;
    const place = (value) => ((value - row.low) / (row.high - row.low)) * width;
    pen.clearRect(0, 0, width, height);
    const at = row.get(base);
    if (sd && row.kind !== "circle") {
      const [left, right] = [place(at - sd[row.first]), place(at + sd[row.first])];
      pen.fillStyle = colour("--band");
      pen.fillRect(left, 0, Math.max(right - left, 3), height);
    }
    const most = Math.max(...row.histogram);
    const [low, high] = row.kind === "circle" ? [row.low, row.high] : row.range;
    const bin = (high - low) / row.histogram.length;
    pen.fillStyle = colour("--hist");
    row.histogram.forEach((count, index) => {
      const tall = (count / most) * (height - 4);
      const left = place(low + index * bin);
      pen.fillRect(left, height - tall, Math.max(place(low + (index + 1) * bin) - left - 0.5, 1), tall);
    });
    pen.fillStyle = colour("--accent");
    pen.fillRect(place(at) - 1, 0, 2, height);
  }

  update(rows) {
    for (const [row, part] of this.parts) if (rows === null || rows.has(row)) this.show(part, document.activeElement === part.number ? part.number : null);
    this.later();
  }

  rename() {
    for (const [row, part] of this.parts) {
      const name = this.state.name(row);
      part.name.value = name;
      part.head.querySelector(".tag")?.remove();
      if (name !== row.name) part.name.after(el("span", { class: "tag" }, row.name));
      (part.slider || part.group).setAttribute("aria-label", name);
    }
  }

  seen(entries) {
    for (const entry of entries) {
      const part = [...this.parts.values()].find((each) => each.root === entry.target);
      part.visible = entry.isIntersecting;
      if (part.visible) this.show(part);
    }
    this.later();
  }

  /** Decode the strips once the code has come to rest; a move before that cancels those under way. */
  later() {
    this.strips.ask(this, []);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draw(), 90);
  }

  /** Decode at once what is not decoded yet, for print. */
  complete() {
    const { code } = this.state.sides[this.side];
    for (const part of this.parts.values()) {
      if (part.images || part.root.closest("details:not([open])")) continue;
      const images = part.row.strip().map((value) => {
        const moved = Float32Array.from(code);
        part.row.set(moved, value);
        return this.run.decode(moved);
      });
      if (part.choices) part.choices.forEach((choice, index) => this.run.painter.paint(choice.canvas, images[index]));
      else this.run.painter.paint(part.strip, images);
    }
  }

  draw() {
    const { code } = this.state.sides[this.side];
    const jobs = [];
    for (const part of this.parts.values()) {
      if (part.visible === false) continue;
      const { row } = part;
      const others = Float32Array.from(code);
      row.set(others, 0); // what the row itself is makes no difference
      const key = others.join();
      if (part.drawn === key) continue;
      const codes = row.strip().map((value) => {
        const moved = Float32Array.from(code);
        row.set(moved, value);
        return moved;
      });
      jobs.push({ run: this.run, codes, then: (images) => {
        part.drawn = key;
        part.images = images;
        if (part.choices) part.choices.forEach((choice, index) => this.run.painter.paint(choice.canvas, images[index]));
        else this.run.painter.paint(part.strip, images);
        this.state.emit("strip", part);
      } });
    }
    this.strips.ask(this, jobs);
  }
}

/** Return a colour of the theme, and which theme it is. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const theme = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
