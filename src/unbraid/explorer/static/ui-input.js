// One's own image: drawn, dropped, pasted or chosen; and the held-out images to start from.

const PAD = 280; // pixels of the drawing pad's side

class OwnImage {
  constructor(state) {
    this.state = state;
    this.about = state.run.about;
    const { ground, kind } = this.about.preparation;
    this.ground = `rgb(${ground.join()})`;
    const light = ground.reduce((sum, value) => sum + value, 0) / 3 > 127;
    const [, height, width] = this.about.shape;
    this.pad = el("canvas", { class: "pad", width: PAD, height: Math.round((PAD * height) / width), role: "img", tabIndex: 0,
      "aria-label": "Drawing pad: draw here with a mouse, a pen or a finger" });
    this.pen = this.pad.getContext("2d", { willReadFrequently: true });
    this.ink = el("input", { type: "color", value: light ? "#202020" : "#ffffff", "aria-label": "Colour of the pen" });
    this.size = el("input", { type: "range", min: 6, max: 48, value: 22, "aria-label": "Width of the pen" });
    this.asIs = el("input", { type: "checkbox", onchange: () => this.again() });
    this.file = el("input", { type: "file", accept: "image/*", class: "hidden", tabIndex: -1, "aria-label": "Image file",
      onchange: () => { if (this.file.files[0]) this.open(this.file.files[0]); this.file.value = ""; } });
    this.says = el("p", { class: "says", role: "status" });
    const what = { centred: "It is scaled and centred as the data are.", ink: "Its colours are brought to those of the data.",
      picture: `It is brought to ${width} by ${height} pixels.` }[kind];
    this.root = el("section", { class: "own", "aria-label": "Your own image" },
      el("h2", {}, "Your own image"),
      el("div", { class: "padbox" }, this.pad,
        el("div", { class: "tools" },
          el("button", { type: "button", onclick: () => this.clear() }, "Clear"),
          el("button", { type: "button", onclick: () => this.file.click() }, "Choose a file\u2026"), this.file,
          el("label", {}, "Pen ", this.size),
          this.about.shape[0] >= 3 ? el("label", {}, "Colour ", this.ink) : null,
          kind === "picture" ? null : el("label", { class: "check" }, this.asIs, " resize only"))),
      this.says, el("p", { class: "note" }, "Draw, drop, paste or choose an image. ", what));
    this.blank();
    if (this.about.signal.kind === "sound") { // a picture of a recording cannot be drawn by hand
      this.root.replaceChildren(el("p", { class: "note" }, "The images are pictures of recordings. This page plays no sound."));
      return;
    }
    this.draws();
    this.receives();
    state.on("image", () => { if (state.image !== null && !this.mine) this.blank(); });
  }

  blank() {
    this.pen.fillStyle = this.ground;
    this.pen.fillRect(0, 0, this.pad.width, this.pad.height);
    this.empty = true;
    this.original = null;
    this.says.textContent = "";
  }

  clear() {
    this.blank();
    this.pad.focus();
  }

  draws() {
    const place = (event) => {
      const box = this.pad.getBoundingClientRect();
      return [((event.clientX - box.left) * this.pad.width) / box.width, ((event.clientY - box.top) * this.pad.height) / box.height];
    };
    let last = null;
    const stroke = (event) => {
      const events = event.getCoalescedEvents?.() || [];
      for (const each of events.length ? events : [event]) {
        const here = place(each);
        Object.assign(this.pen, { strokeStyle: this.ink.value, lineWidth: Number(this.size.value), lineCap: "round", lineJoin: "round" });
        this.pen.beginPath();
        this.pen.moveTo(...last);
        this.pen.lineTo(here[0] + 0.01, here[1]);
        this.pen.stroke();
        last = here;
      }
      this.empty = false;
      this.original = null; // what was opened has been drawn over
      this.soon();
    };
    this.pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.pad.setPointerCapture(event.pointerId);
      last = place(event);
      stroke(event);
      event.preventDefault();
    });
    this.pad.addEventListener("pointermove", (event) => { if (last) stroke(event); });
    for (const end of ["pointerup", "pointercancel"]) {
      this.pad.addEventListener(end, () => { if (last) this.state.settle(); last = null; });
    }
  }

  /** Encode what is on the pad at the next frame. */
  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.again(); });
  }

  again() {
    if (this.empty) return;
    const picture = this.pen.getImageData(0, 0, this.pad.width, this.pad.height);
    this.take(this.original ?? picture);
  }

  take(picture) {
    const pixels = prepare(picture, this.about, this.asIs.checked);
    if (!pixels) { this.says.textContent = ""; return; }
    this.mine = true;
    this.state.setPixels(pixels);
    this.mine = false;
    this.tell(pixels);
  }

  /** Say how unusual the image is, among held-out images. */
  tell(pixels) {
    const { run, code } = this.state.sides[0];
    const share = run.rank(meanSquare(pixels, run.decode(code)));
    this.says.textContent = share > 0.985
      ? "Unusual for this model: 99% of the held-out images are reconstructed better."
      : `Its reconstruction error is larger than that of ${percent(share)} of the held-out images.`;
  }

  receives() {
    addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files || [])][0];
      if (file) { event.preventDefault(); this.open(file); }
    });
    addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      const file = event.dataTransfer.files[0];
      if (file) this.open(file);
    });
  }

  /** Take an image file; anything else is refused in a sentence. */
  async open(file) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
    } catch {
      this.says.textContent = `${file.name || "That"} cannot be read as an image: choose a PNG, JPEG, WebP or GIF file.`;
      return;
    }
    const shrink = Math.min(2048 / Math.max(bitmap.width, bitmap.height), 1); // of a photo, a part is enough
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(Math.round(side * shrink), 1));
    const canvas = el("canvas", { width, height });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingQuality = "high";
    pen.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    this.blank();
    const fit = Math.min(this.pad.width / width, this.pad.height / height);
    this.pen.imageSmoothingQuality = "high";
    this.pen.drawImage(canvas, (this.pad.width - width * fit) / 2, (this.pad.height - height * fit) / 2, width * fit, height * fit);
    this.empty = false;
    this.original = pen.getImageData(0, 0, width, height);
    const pixels = prepare(this.original, this.about, this.asIs.checked);
    if (!pixels) { this.says.textContent = `${file.name || "The image"} has one colour only: there is nothing to encode.`; return; }
    this.mine = true;
    this.state.setPixels(pixels);
    this.mine = false;
    this.tell(pixels);
    this.state.save();
  }
}

/** The held-out images: one of each class to start from, the next, the one of a number. */
class HeldOut {
  constructor(state) {
    this.state = state;
    const { run, sheet } = state;
    this.number = el("input", { type: "number", min: 0, max: run.count - 1, class: "number", "aria-label": "Number of the held-out image",
      onchange: () => { const image = this.number.valueAsNumber; if (Number.isInteger(image) && image >= 0 && image < run.count) this.go(image); else this.show(); } });
    this.told = el("span", { class: "told" });
    const which = run.about.images.split === "train" ? "Training images" : "Held-out images";
    this.starts = run.about.images.starts.map((image) => {
      const canvas = el("canvas", { "aria-hidden": "true" });
      run.painter.paint(canvas, sheet.pixels(image));
      return el("button", { type: "button", class: "thumb", "aria-label": `Held-out image ${image}${run.told(image, 1) ? `: ${run.told(image, 1)}` : ""}`, onclick: () => this.go(image) }, canvas);
    });
    this.root = el("section", { class: "held", "aria-label": which },
      el("h2", {}, which),
      el("div", { class: "thumbs" }, ...this.starts),
      el("div", { class: "line" },
        el("button", { type: "button", class: "small", "aria-label": "Previous image", onclick: () => this.next(-1) }, "\u2039"),
        this.number, el("span", { class: "of" }, ` of ${run.count.toLocaleString("en")}`),
        el("button", { type: "button", class: "small", "aria-label": "Next image", title: "next (n)", onclick: () => this.next() }, "\u203a"),
        this.told));
    state.on("image", () => this.show());
    this.show();
  }

  go(image) {
    this.state.setImage(image);
    this.state.save();
  }

  next(step = 1) {
    const { count } = this.state.run;
    this.go(((this.state.image ?? -step) + step + count) % count);
  }

  show() {
    const { image } = this.state;
    this.number.value = image ?? "";
    this.told.textContent = image === null ? "" : this.state.run.told(image, 2);
  }
}
