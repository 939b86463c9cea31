// Two runs: the same image through both, latents matched by rank correlation, their sliders tied.

class TwoRuns {
  constructor(state, strips, matches) {
    Object.assign(this, { state, strips });
    [this.a, this.b] = state.runs;
    // of each latent of B: the one of A, and their rank correlation
    this.matches = matches.map(([a, b, rho]) => ({ a: this.a.rows.find((row) => row.name === a), b: this.b.rows.find((row) => row.name === b), rho }));
    this.tied = el("input", { type: "checkbox", checked: true });
    this.canvas = el("canvas", { class: "big", role: "img", "aria-label": "Image decoded by the second run" });
    this.spectra = el("canvas", { class: "spectra", role: "img", width: 480, height: 150 });
    this.list = new LatentList(state, strips, 1);
    const [one, other] = [this.a, this.b].map((run) => (run.about.unit === "nats" ? "KL" : "Variance"));
    this.alike = one === other; // or no axis is of both
    this.root = el("div", {},
      el("p", {}, el("b", {}, this.a.about.name), ` (${this.a.about.method}) is A, `, el("b", {}, this.b.about.name), ` (${this.b.about.method}) is B. The same image goes through both.`),
      el("figure", { class: "second" }, this.canvas, el("figcaption", {}, "decoded by B")),
      el("label", { class: "check" }, this.tied, " tie matched sliders"),
      el("h2", {}, this.alike ? `${one} of the latents` : `${one} of A\u2019s latents, ${other.replace("V", "v")} of B\u2019s`), this.spectra,
      el("p", { class: "note" }, `A in blue, B in grey, each in falling order${this.alike ? "" : " and on a scale of its own"}.`),
      el("h2", {}, "Matched latents"), this.table(), el("h2", {}, "Latents of B"), this.list.root);
    state.on("code", () => this.draw());
    state.on("moved", (move) => this.follow(move));
    this.bars();
    this.draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.bars());
  }

  table() {
    const rows = this.matches.map(({ a, b, rho }) => el("tr", {}, el("td", {}, a.title), el("td", {}, b.title), el("td", {}, shown(rho))));
    return el("table", {}, el("caption", {}, "by the absolute rank correlation of their codes"),
      el("thead", {}, el("tr", {}, ...["A", "B", "correlation"].map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, ...rows));
  }

  /** Move the matched latent of the other run to the quantile of its own codes. */
  follow({ row, value, side }) {
    if (!this.tied.checked || this.following) return;
    const match = this.matches.find((each) => (side ? each.b : each.a) === row);
    const other = match && (side ? match.a : match.b);
    if (!other || !row.quantiles || !other.quantiles) return;
    const share = row.share(value);
    this.following = true;
    this.state.set(other, other.fit(other.quantile(match.rho < 0 ? 1 - share : share)), side ? 0 : 1);
    this.following = false;
  }

  draw() {
    if (!this.root?.offsetParent) return;
    this.b.painter.paint(this.canvas, this.b.decode(this.state.sides[1].code));
  }

  /** Draw both spectra, on one axis if they have one unit. */
  bars() {
    const pen = this.spectra.getContext("2d");
    const { width, height } = this.spectra;
    pen.clearRect(0, 0, width, height);
    const both = [this.a, this.b].map((run) => run.rows.filter((row) => !row.factor).map((row) => row.weight));
    const most = both.map((weights) => Math.max(...(this.alike ? both.flat() : weights), 1e-9));
    const units = [this.a, this.b].map((run) => (run.about.unit === "nats" ? " nats" : ""));
    const count = Math.max(...both.map((each) => each.length));
    const step = (width - 40) / count;
    pen.font = "12px system-ui, sans-serif";
    pen.fillStyle = colour("--ink");
    pen.fillText(weightText(most[0]), 0, 12);
    pen.fillText("0", 0, height - 4);
    pen.textAlign = "right";
    if (!this.alike) pen.fillText(`B: ${weightText(most[1])}${units[1]}`, width, 12);
    pen.textAlign = "left";
    both.forEach((weights, side) => weights.forEach((weight, at) => {
      pen.fillStyle = colour(side ? "--hist" : "--accent");
      const tall = (weight / most[side]) * (height - 8);
      pen.fillRect(40 + at * step + (side ? step * 0.45 : step * 0.05), height - 4 - tall, step * 0.4, tall);
    }));
    this.spectra.setAttribute("aria-label", both.map((weights, side) => `${"AB"[side]}: ${weights.slice(0, 6).map((weight) => `${weightText(weight)}${units[side]}`).join(", ")}`).join("; "));
  }
}
