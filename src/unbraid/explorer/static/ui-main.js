// The page put together: three columns, tabs, the picture, keys, and the state in the address.

const pristine = document.getElementById("app").innerHTML;

/** The picture of the present code, with the input, its reconstruction and what a latent changes. */
class Picture {
  constructor(state) {
    this.state = state;
    this.big = el("canvas", { class: "big", role: "img", "aria-label": "Decoded image" });
    const { width, height } = state.run.painter;
    const small = (label, text) => [el("canvas", { width, height, role: "img", "aria-label": label }), el("figcaption", {}, text)];
    const [input, inputText] = small("Input, as the model sees it", "input");
    const [rebuilt, rebuiltText] = small("Reconstruction of the input", "reconstruction");
    const [change, changeText] = small("What the latent changes", "changes");
    const changes = el("figure", { hidden: true, title: "range of each pixel along the strip" }, change, changeText);
    Object.assign(this, { input, rebuilt, change, changeText, changes });
    this.near = el("button", { type: "button", class: "near", title: "take this image as the input", onclick: () => { state.setImage(this.closest); state.save(); } }, el("canvas", { "aria-hidden": "true" }), el("span", {}, ""));
    this.live = el("p", { class: "unseen", role: "status" });
    const caption = state.run.about.signal.caption;
    this.root = el("section", { class: "picture", "aria-label": "Image" }, this.big, caption ? el("p", { class: "note" }, caption) : null,
      el("div", { class: "trio" }, el("figure", {}, input, inputText), el("figure", {}, rebuilt, rebuiltText), changes),
      this.near, this.live);
    state.on("code", () => this.draw());
    state.on("image", () => this.source());
    state.on("look", (part) => this.look(part));
    state.on("strip", (part) => { if (part === this.looked) this.look(part); });
    this.hooks = []; // called with the present image (C, H, W): a sound may be played
  }

  draw() {
    const { run, code } = this.state;
    this.data = run.decode(code);
    run.painter.paint(this.big, this.data);
    for (const hook of this.hooks) hook(this.data);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.nearest(), 120);
  }

  /** Show the held-out image with the nearest code; say so at most once a second. */
  nearest() {
    const { run, code, sheet } = this.state;
    this.closest = run.nearest(code);
    const told = run.told(this.closest, 2);
    run.painter.paint(find("canvas", this.near), sheet.pixels(this.closest));
    find("span", this.near).textContent = `nearest ${run.about.images.split === "train" ? "training" : "held-out"} image: ${told || `number ${this.closest}`}`;
    const now = performance.now();
    if (now - (this.told || 0) < 1000 || !told) return;
    this.told = now;
    this.live.textContent = `nearest: ${told}`;
  }

  source() {
    const { run, pixels, base } = this.state;
    for (const canvas of [this.input, this.rebuilt]) canvas.parentElement.hidden = !pixels; // of a link without its image
    if (!pixels) return;
    run.painter.paint(this.input, pixels);
    run.painter.paint(this.rebuilt, run.decode(base));
  }

  /** Show the range of each pixel over a latent's strip. */
  look(part) {
    this.looked = part;
    this.changes.hidden = !part.images;
    if (!part.images) return;
    const { painter } = this.state.run;
    const range = new Float32Array(painter.size);
    for (let at = 0; at < range.length; at++) {
      let [low, high] = [1, 0];
      for (const image of part.images) [low, high] = [Math.min(low, image[at]), Math.max(high, image[at])];
      range[at] = high - low;
    }
    painter.paint(this.change, range);
    this.changeText.textContent = `changed by ${this.state.name(part.row)}`;
    this.change.setAttribute("aria-label", `What ${this.state.name(part.row)} changes`);
  }
}

/** Tabs: a list of [id, title, panel, narrow], the narrow ones only where there is one column. */
class Tabs {
  constructor(state, panels, wide) {
    Object.assign(this, { state, panels, wide });
    this.list = el("div", { class: "tabs", role: "tablist", "aria-label": "Parts of the page" });
    this.tabs = panels.map(({ id, title, panel }) => {
      const tab = el("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, onclick: () => { this.choose(id); state.save(); } }, title);
      panel.id = `panel-${id}`;
      return tab;
    });
    this.list.append(...this.tabs);
    this.list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const there = this.tabs.filter((tab) => !tab.hidden);
      const at = there.indexOf(document.activeElement);
      const next = there[(at + step + there.length) % there.length];
      next.focus();
      next.click();
      event.preventDefault();
    });
    this.first = panels.find((each) => !each.narrow).id;
    wide.addEventListener("change", () => this.layout());
    this.chosen = null;
    state.extra.tab = [() => (this.chosen && this.chosen !== this.standard() ? this.chosen : ""), (value) => this.restore(value)];
    this.layout();
  }

  standard() { return this.wide.matches ? this.first : this.panels[0].id; }

  restore(value) {
    if (value && !this.panels.some((each) => each.id === value)) throw new Error(`the page has no tab "${value}"`);
    this.choose(value || this.standard());
  }

  choose(id) {
    this.chosen = id;
    this.layout();
  }

  layout() {
    const wide = this.wide.matches;
    const there = this.panels.filter((each) => !(wide && each.narrow));
    const chosen = there.some((each) => each.id === this.chosen) ? this.chosen : wide ? this.first : this.panels[0].id;
    this.panels.forEach((each, at) => {
      const always = wide && each.narrow;
      this.tabs[at].hidden = always;
      const selected = each.id === chosen;
      this.tabs[at].setAttribute("aria-selected", String(selected));
      this.tabs[at].tabIndex = selected ? 0 : -1;
      each.panel.hidden = !always && !selected;
      if (always) { each.panel.removeAttribute("role"); each.panel.removeAttribute("aria-labelledby"); }
      else { each.panel.setAttribute("role", "tabpanel"); each.panel.setAttribute("aria-labelledby", `tab-${each.id}`); }
      if (selected) each.shown?.();
    });
  }
}

/** Return what the page says of the run and of itself. */
function aboutPanel(state) {
  const facts = state.runs.map(({ about }) => {
    const options = Object.entries(about.options).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
    return [el("h2", {}, about.name), el("p", {}, `${about.method} on ${about.data}, seed ${about.seed}${about.stage ? `, ${about.stage}` : ""}.`), el("dl", {}, ...options)];
  });
  const { about } = state.run;
  const held = about.images.split === "train" ? "training" : "held-out";
  const kl = about.unit === "nats"
    ? `The KL of a latent is the divergence of its posterior from the prior, in nats per image, averaged over ${held} images. A latent below 0.01 nats counts as switched off.`
    : "This method has no posterior: latents are sorted by the variance of their codes.";
  return el("div", {}, ...facts.flat(), el("h2", {}, "What is shown"),
    el("p", {}, "Images are means of the decoder. The code of an image is ", about.posterior ? "the mean of its posterior; the band behind a slider is one standard deviation to each side." : "the encoder\u2019s output.",
      ` Strips go from the 1% to the 99% quantile of the codes of ${about.images.count.toLocaleString("en")} ${held} images, a random sample.`),
    el("p", {}, kl),
    el("p", {}, about.float32 ? "Weights are in single precision." : "Weights are in half precision, which changes a pixel by about half a grey level of 255 at most.",
      about.images.kind === "image/jpeg" ? " The images are stored as JPEG: the codes shown are those of the original images, which differ a little." : ""),
    el("p", {}, "The model runs in this page. The page opens no connection."),
    el("p", {}, `Written by unbraid ${about.unbraid}.`));
}

function helpDialog() {
  const keys = [["arrows", "move a slider by a step"], ["PageUp, PageDown", "move it by five steps"], ["Home, End", "move it to the lowest or highest code"],
    ["0", "set it to zero"], ["r", "reset a latent to the image\u2019s code"], ["n", "next held-out image"], ["1 to 9", "go to a latent"],
    ["/", "go to the request or, where there is none, to the map"], ["arrows, Enter, Escape", "on the map: move the cursor, keep its code, remove it"], ["?", "this help"]];
  return el("dialog", { "aria-label": "Keys" }, el("h2", {}, "Keys"),
    el("dl", { class: "keys" }, ...keys.map(([key, does]) => el("div", {}, el("dt", {}, key), el("dd", {}, does)))),
    el("form", { method: "dialog" }, el("button", {}, "Close")));
}

/** Put keys to work that belong to no field. */
function globalKeys(state, parts) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const at = document.activeElement;
    if (at.matches("textarea, select, input:not([type=range], [type=checkbox], [type=radio])")) return;
    if (event.key === "n") parts.held.next();
    else if (event.key === "?") parts.help.showModal();
    else if (event.key === "/") parts.ask();
    else if (/^[1-9]$/.test(event.key)) {
      const part = [...parts.list.parts.values()][Number(event.key) - 1];
      if (!part) return;
      parts.tabs.choose("latents");
      (part.slider || find("input:checked", part.group) || find("input", part.group)).focus();
    } else return;
    event.preventDefault();
  });
}

/** Show a sentence for a few seconds. */
function toast(text) {
  const box = el("p", { class: "toast", role: "alert" }, text);
  find("#app").append(box);
  setTimeout(() => box.remove(), 8000);
}

async function start() {
  const about = JSON.parse(document.getElementById("about").textContent);
  const runs = await Promise.all(about.runs.map((each, index) => new Run(each, index).start()));
  const sheet = new Sheet(runs[0].about.images, runs[0].painter);
  const state = new State(runs, sheet);
  const picture = new Picture(state);
  const app = document.getElementById("app");
  app.replaceChildren(el("div", { class: "left" }, picture.root));
  runs.forEach((run, side) => state.sides[side].code.set(run.codeOf(0)));
  state.flush();
  picture.draw();
  performance.mark("first-picture");
  clearTimeout(picture.timer);
  await Promise.all([sheet.start(), ...runs.map((run) => run.finish())]);
  build(state, picture, app, about);
}

function build(state, picture, app, about) {
  const strips = new Strips(state.runs);
  const list = new LatentList(state, strips);
  const own = new OwnImage(state);
  const held = new HeldOut(state);
  const map = new CodeMap(state, strips);
  const compare = new TwoImages(state, strips, about.words);
  const take = new TakeAway(state, list);
  const panel = (...children) => el("div", { class: "panel" }, ...children);
  const panels = [
    { id: "latents", title: "Latents", panel: panel(el("h2", { class: "unseen" }, "Latents"), list.root), narrow: true, shown: () => list.update(null) },
    { id: "input", title: "Input", panel: panel(own.root, held.root), narrow: true },
    { id: "map", title: "Map", panel: panel(map.root), shown: () => map.draw() },
  ];
  const words = typeof mountWords === "function" && about.words ? askPanel(state, about, panels, panel) : null;
  panels.push({ id: "compare", title: "Two images", panel: panel(compare.root), shown: () => compare.begin() });
  if (about.matches) {
    const two = new TwoRuns(state, strips, about.matches);
    panels.push({ id: "runs", title: "Two runs", panel: panel(two.root), shown: () => { two.draw(); two.list.update(null); } });
  }
  panels.push({ id: "take", title: "Save", panel: panel(take.root) }, { id: "about", title: "About", panel: panel(aboutPanel(state)) });
  const wide = matchMedia("(min-width: 60rem), print");
  const tabs = new Tabs(state, panels, wide);
  const by = Object.fromEntries(panels.map((each) => [each.id, each.panel]));
  const rest = panels.filter((each) => !each.narrow).map((each) => each.panel);
  const [left, right] = [find(".left", app), el("div", { class: "right" }, ...rest)];
  app.append(tabs.list, by.latents, right);
  const place = () => (wide.matches ? left.append(by.input) : right.prepend(by.input)); // below its tab
  place();
  wide.addEventListener("change", place);
  const help = helpDialog();
  document.body.append(help);
  const ask = async () => {
    tabs.choose(words ? "ask" : "map");
    (words ? (await words.box()).box.input : map.over).focus();
  };
  addEventListener("beforeprint", () => list.complete());
  globalKeys(state, { held, help, list, tabs, ask });
  find("header").append(el("button", { type: "button", class: "small keys", onclick: () => help.showModal(), "aria-label": "Keys" }, "?"));
  const read = () => {
    try {
      state.read(location.hash);
    } catch (error) {
      toast(`This link does not fit the page: ${error.message}. The first image is shown.`);
      state.read("#image=0");
    }
    state.writing = location.hash || state.hash();
  };
  read();
  for (const event of ["popstate", "hashchange"]) {
    addEventListener(event, () => { if (location.hash !== state.writing) read(); });
  }
  picture.look([...list.parts.values()][0]);
  window.explorer = { state, strips, picture, list, map, compare, take, own, held, tabs };
  document.documentElement.dataset.ready = "";
}

start().catch((error) => {
  document.getElementById("app").replaceChildren(el("p", { role: "alert" }, `This page cannot show the model: ${error.message}`));
  throw error;
});
