// What one takes away: the picture, the strips, a GIF, codes, a link, the page with its names, Python.

const FRAMES = 24; // of a swing from the low end to the high one and back

class TakeAway {
  constructor(state, lists) {
    Object.assign(this, { state, lists });
    const button = (text, then) => el("button", { type: "button", onclick: then }, text);
    this.moving = el("select", { "aria-label": "Latent of the GIF" });
    this.python = el("pre", { tabIndex: 0, "aria-label": "Python for this code" }, el("code"));
    this.says = el("p", { class: "says", role: "status" });
    this.root = el("div", {},
      el("h2", {}, "Images"),
      el("div", { class: "line" }, button("Image, PNG", () => this.png(1)), button("8 times as large, PNG", () => this.png(8)), button("All strips, PNG", () => this.grid())),
      el("div", { class: "line" }, el("label", {}, "Traversal of ", this.moving), button("GIF", () => this.swing())),
      el("h2", {}, "Codes"),
      el("div", { class: "line" }, button("Code, JSON", () => this.json()), button("All codes, CSV", () => this.csv())),
      el("h2", {}, "This state"),
      el("div", { class: "line" }, button("Copy link", () => this.link()), button("Save page with my names", () => this.page())),
      el("h2", {}, "Python for this"), this.python,
      el("div", { class: "line" }, button("Copy", () => this.copy(this.python.textContent, "Copied to the clipboard."))),
      this.says);
    state.on("code", () => this.write());
    state.on("names", () => this.fill());
    this.fill();
  }

  fill() {
    const chosen = this.moving.value;
    this.moving.replaceChildren(...this.state.run.rows.map((row) => el("option", { value: row.name }, this.state.name(row))));
    if (chosen) this.moving.value = chosen;
  }

  write() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const { folder } = this.state.run.about;
      const numbers = Array.from(this.state.code, (value) => round(value, 4)).join(", ");
      const load = folder ? `# ${folder.startsWith("path/to/") ? "put the path of the run's folder here" : "the run's folder, from where the page was written"}\nmodel = unbraid.load(${JSON.stringify(folder)})` : "model = ...  # the model that this page shows";
      this.python.firstChild.textContent = `import torch\nimport unbraid\n\n${load}\ncode = torch.tensor([[${numbers}]])\nimage = model.decode(code)  # (1, ${this.state.run.about.shape.join(", ")})\n`;
    }, 150);
  }

  save(name, blob) {
    const address = URL.createObjectURL(blob);
    const link = el("a", { href: address, download: `${this.state.run.about.name}-${name}` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  enlarged(canvas, scale) {
    const large = el("canvas", { width: canvas.width * scale, height: canvas.height * scale });
    const pen = large.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingEnabled = false;
    pen.drawImage(canvas, 0, 0, large.width, large.height);
    return large;
  }

  png(scale) {
    const canvas = el("canvas");
    this.state.run.painter.paint(canvas, this.state.run.decode(this.state.code));
    this.enlarged(canvas, scale).toBlob((blob) => this.save(scale > 1 ? "image-large.png" : "image.png", blob));
  }

  /** Save the strips of all latents that are on as one picture, with their names. */
  grid() {
    const { run, code } = this.state;
    const rows = run.rows.filter((row) => !row.off);
    const { width, height } = run.painter;
    const scale = Math.max(1, Math.round(56 / width));
    const [left, tall, across] = [170, height * scale + 6, 9];
    const most = Math.max(across, ...rows.map((row) => row.strip().length));
    const sheet = el("canvas", { width: left + most * (width * scale + 2), height: rows.length * tall });
    const pen = sheet.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, sheet.width, sheet.height);
    Object.assign(pen, { fillStyle: "#1c1c1c", font: "15px system-ui, sans-serif", textBaseline: "middle", imageSmoothingEnabled: false });
    rows.forEach((row, at) => {
      const weight = row.factor ? "" : `, ${weightText(row.weight)}${run.about.unit === "nats" ? " nats" : ""}`;
      pen.fillText(`${this.state.name(row)}${weight}`, 6, at * tall + tall / 2, left - 12);
      row.strip().forEach((value, index) => {
        const moved = Float32Array.from(code);
        row.set(moved, value);
        const canvas = el("canvas");
        run.painter.paint(canvas, run.decode(moved));
        pen.drawImage(canvas, left + index * (width * scale + 2), at * tall + 3, width * scale, height * scale);
      });
    });
    sheet.toBlob((blob) => this.save("latents.png", blob));
  }

  /** Return the frames of a latent's swing, each whole pixels to a pixel. */
  frames(row) {
    const { run, code } = this.state;
    const values = row.kind === "categories" ? row.order : null;
    const [low, high] = row.kind === "circle" ? [row.low, row.high] : values ? [0, 0] : [row.quantile(0.01), row.quantile(0.99)];
    const scale = Math.max(1, Math.round(112 / run.painter.width));
    return Array.from({ length: FRAMES }, (_, at) => {
      const share = row.kind === "circle" ? at / FRAMES : 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / FRAMES);
      const moved = Float32Array.from(code);
      row.set(moved, values ? values[Math.floor((at * values.length) / FRAMES)] : row.fit(low + (high - low) * share));
      const canvas = el("canvas");
      run.painter.paint(canvas, run.decode(moved));
      const large = this.enlarged(canvas, scale);
      return large.getContext("2d").getImageData(0, 0, large.width, large.height);
    });
  }

  swing() {
    const row = this.state.run.rows.find((each) => each.name === this.moving.value);
    this.save(`${row.name}.gif`, new Blob([gif(this.frames(row))], { type: "image/gif" }));
  }

  json() {
    const { run, code, image, names } = this.state;
    const held = { run: run.about.name, method: run.about.method, image, code: Array.from(code), names };
    this.save("code.json", new Blob([JSON.stringify(held, null, 1)], { type: "application/json" }));
  }

  /** Save the codes and factors of all held-out images in the page, a row each. */
  csv() {
    const { run } = this.state;
    const { factors } = run.about;
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const columns = Array.from({ length: run.width }, (_, at) => {
      const row = run.rows.find((each) => at >= each.first && at < each.first + each.size);
      return row.size > 1 ? `${row.name}.${at - row.first}` : row.name;
    });
    const lines = [["image", ...columns, ...factors.map((spec) => quoted(spec.name))].join()];
    for (let image = 0; image < run.count; image++) {
      const levels = factors.map((spec, at) => quoted(levelOf(spec, run.factors[image * factors.length + at])));
      lines.push([image, ...Array.from(run.codeOf(image), (value) => round(value, 5)), ...levels].join());
    }
    this.save("codes.csv", new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
  }

  async copy(text, said) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // no right to the clipboard: a frame, or a file in some browsers
      const field = el("textarea", { value: text, class: "unseen" });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    this.says.textContent = said;
  }

  link() {
    this.state.save();
    this.copy(`${location.href.split("#")[0]}${this.state.hash()}`, "Copied to the clipboard: the link opens this page in this state.");
  }

  /** Save this page with its JSON changed: the names given here are then the page's own. */
  page() {
    const copy = document.documentElement.cloneNode(true);
    find("#app", copy).innerHTML = pristine;
    for (const added of copy.querySelectorAll("body > dialog, body > .unseen")) added.remove();
    const block = find("#about", copy);
    const about = JSON.parse(block.textContent);
    about.runs[0].rowNames = this.state.names;
    block.textContent = JSON.stringify(about).replaceAll("<", "\\u003c");
    this.save("explorer.html", new Blob([`<!doctype html>\n${copy.outerHTML}`], { type: "text/html" }));
    this.says.textContent = "Saved: in that file the latents have your names.";
  }
}

/** Return a factor's value as a table holds it: the level, or the number as it is. */
function levelOf(spec, value) {
  if (value === undefined || Number.isNaN(value)) return "";
  return spec.values ? String(spec.values[Math.round(value)] ?? "") : String(Number(value.toPrecision(7))); // single precision
}
