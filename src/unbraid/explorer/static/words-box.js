// The request box: `mountWords(root, api)`. What is typed is understood at each key, shown as
// chips to be dragged, and drawn in six styles, with what a judge or the model reads beside it.
//
// api.table: of explorer/words.py. api.hands: number of styles.
// api.draw(factors, hand): an image {width, height, data} as ImageData has it, with the values of all
//   its factors in `factors`; factors: stored values by name of those asked for.
// api.read(image): {by, factors} or null. api.note: a sentence on units, or nothing.
// api.examples: requests to start from. api.changed(text): called when the request has changed.
// api.chosen(image): called with the image of the chosen hand, once someone has asked for it.
// It returns {set(text, hand), text(), hand()}.

const mountWords = (() => {
  const SHOWN = 6; // hands
  const SUGGESTED = 6;
  const SPOKEN = 1000; // milliseconds between two announcements
  let made = 0; // boxes in the page

  const make = (tag, properties = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name in node && name !== "list") node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  };

  class Box {
    constructor(root, api) {
      Object.assign(this, { root, api, table: api.table, first: 0, chosen: 0, asked: Words.byName([]), spoken: 0, quiet: true });
      this.id = `words-${++made}`;
      this.specs = new Map(api.table.factors.map((spec) => [spec.name, spec]));
      this.build();
      this.ask();
      this.quiet = false;
    }

    // -- the parts -----------------------------------------------------------------------------

    build() {
      const { id } = this;
      this.input = make("input", {
        type: "text", id: `${id}-text`, className: "words-text", autocomplete: "off", spellcheck: false,
        maxLength: 1000, role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list",
        "aria-controls": `${id}-list`, "aria-describedby": `${id}-error`,
        placeholder: this.api.examples?.[0] ?? "",
        oninput: () => { this.ask(); this.suggest(); },
        onkeydown: (event) => this.key(event),
        onblur: () => this.close(),
      });
      this.list = make("ul", { id: `${id}-list`, className: "words-suggestions", role: "listbox",
        hidden: true, "aria-label": "Suggestions" });
      this.error = make("p", { id: `${id}-error`, className: "words-error" });
      this.chips = make("ul", { className: "words-chips", "aria-label": "What was understood" });
      this.frees = make("p", { className: "words-free" });
      this.hands = make("div", { className: "words-hands", role: "group", "aria-label": "The request drawn in six styles" });
      this.reading = make("div", { className: "words-reading" });
      this.live = make("p", { className: "words-live unseen", role: "status", "aria-live": "polite" });
      this.another = make("button", { type: "button", className: "words-another", onclick: () => this.turn() },
        "Six other styles");
      const examples = make("p", { className: "words-examples" });
      (this.api.examples ?? []).forEach((text) => examples.append(
        make("button", { type: "button", className: "small", onclick: () => this.set(text) }, text)));
      this.canvases = Array.from({ length: SHOWN }, (_, at) => {
        const canvas = make("canvas", { className: "words-image" });
        const button = make("button", { type: "button", className: "words-hand",
          "aria-pressed": String(at === 0), onclick: () => this.choose(at) }, canvas);
        this.hands.append(button);
        return canvas;
      });
      this.root.classList.add("words");
      this.root.replaceChildren(
        make("label", { htmlFor: `${id}-text`, className: "words-label" }, this.api.heading ?? "Describe an image"),
        make("div", { className: "words-box" }, this.input, this.list),
        examples, this.error, this.chips, this.frees, this.hands, this.another, this.reading, this.live,
      );
      if (this.api.note) this.root.append(make("p", { className: "note words-note" }, this.api.note));
    }

    // -- the request ---------------------------------------------------------------------------

    text() { return this.input.value; }

    // Show a request in a hand; its image is told of only if `tells`.
    restore(text, hand, tells) {
      this.quiet = true;
      this.first = hand - (hand % SHOWN);
      this.choose(hand % SHOWN);
      this.set(text);
      this.quiet = false;
      this.tells = tells;
    }

    set(text) {
      this.input.value = text;
      this.ask();
    }

    // Tell what is asked for and, once it is drawn, the image.
    changed() {
      if (this.quiet) return;
      this.tells = true;
      this.api.changed?.(this.input.value);
    }

    // Understand the request. One that is refused leaves chips and images as they were.
    ask() {
      const found = Words.understand(this.table, this.input.value);
      this.error.textContent = found.error ?? "";
      this.input.setAttribute("aria-invalid", String(found.error !== null));
      if (found.error === null) this.show(found.factors, found.chips);
      else {
        this.root.classList.add("words-refused");
        this.say(found.error);
      }
      this.changed();
    }

    show(factors, chips) {
      this.root.classList.remove("words-refused");
      this.asked = factors;
      this.chips.replaceChildren(...chips.map((chip) => this.chip(chip)));
      this.showFree();
      this.draw();
    }

    showFree() {
      const free = [...this.specs.keys()].filter((name) => !(name in this.asked));
      this.frees.replaceChildren(...(free.length ? ["Free: "] : []), ...free.map((name) =>
        make("button", { type: "button", className: "small words-fix",
          "aria-label": `Set ${name}`, onclick: () => this.fix(name) }, name)));
      this.frees.hidden = !free.length;
    }

    // Ask for a free factor as the chosen hand has it.
    fix(name) {
      const value = this.image?.factors[name] ?? 0;
      this.change(name, this.near(this.specs.get(name), value));
      this.chips.querySelector(`[data-factor="${CSS.escape(name)}"] :is(input, select)`)?.focus();
    }

    near(spec, value) {
      if (spec.values) return Math.round(value);
      const { low, high, step } = this.scale(spec);
      return Math.min(Math.max(Math.round(value / step) * step, low), high);
    }

    // Change one factor, or leave it free with null; the request is written anew.
    change(name, value) {
      const asked = Words.byName(Object.entries(this.asked));
      if (value === null) delete asked[name];
      else asked[name] = value;
      const names = [...this.specs.keys()].filter((each) => each in asked);
      const text = names.map((each) => this.said(this.specs.get(each), asked[each])).join(", ");
      const found = Words.understand(this.table, text);
      this.input.value = text;
      this.error.textContent = "";
      this.input.setAttribute("aria-invalid", "false");
      const chips = found.error === null ? found.chips : names.map((each) => ({
        factor: each, value: asked[each], text: Words.show(this.specs.get(each), asked[each]),
      }));
      if (document.activeElement?.closest("[data-factor]")?.dataset.factor !== name) this.show(asked, chips);
      else { // the chip in hand stays as it is
        this.asked = asked;
        this.label(name, chips.find((chip) => chip.factor === name));
        this.draw();
      }
      this.changed();
    }

    // A value as a request says it.
    said(spec, value) {
      const level = spec.values ? spec.values[value] : null;
      if (typeof level === "string") return `${spec.name}=${level}`;
      const number = this.typed(level ?? this.inside(spec, value));
      return spec.kind === "categorical" ? `${spec.name} ${number}` : `${spec.name}=${number}`;
    }

    // A number to three decimals, or more where the slider has them or the number were out of the range.
    inside(spec, value) {
      const [least, most] = spec.limits;
      for (let at = Math.max(this.decimals(spec) + 1, 3); at < 20; at++) {
        const number = Number(value.toFixed(at));
        if (number >= least && number <= most) return number;
      }
      return value;
    }

    // A number as it is typed, never with an exponent.
    typed(number) {
      const text = String(number);
      return text.includes("e") ? number.toFixed(20).replace(/\.?0+$/, "") : text;
    }

    // The decimals of the keys' step.
    decimals(spec) { return Math.max(Math.round(-Math.log10(this.scale(spec).step)), 0); }

    // -- chips ---------------------------------------------------------------------------------

    scale(spec) {
      if (spec.values) return { low: 0, high: spec.values.length - 1, step: 1 };
      const [low, high] = spec.ends, span = high - low;
      const step = span > 0 ? 10 ** Math.floor(Math.log10(span / 50)) : 1;
      return { low, high, step };
    }

    chip({ factor, value, text }) {
      const spec = this.specs.get(factor);
      const output = make("span", { className: "words-said", "aria-hidden": "true" }, text);
      const field = spec.kind === "categorical" ? this.choices(spec, value) : this.slider(spec, value, text);
      return make("li", { className: "words-chip", "data-factor": factor }, output, field,
        make("button", { type: "button", className: "small words-drop", "aria-label": `Leave ${factor} free`,
          onclick: () => { this.change(factor, null); this.input.focus(); } }, "\u00d7"));
    }

    slider(spec, value, text) {
      const { low, high, step } = this.scale(spec);
      return make("input", { type: "range", min: low, max: high, step: spec.values ? 1 : step / 10,
        value, "aria-label": spec.name, "aria-valuetext": text, disabled: low === high,
        onkeydown: (event) => this.step(event, spec),
        oninput: (event) => this.change(spec.name, Number(event.target.value)) });
    }

    // Arrows move by a step that can be seen, not by a tenth of it.
    step(event, spec) {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 }[event.key];
      if (!by) return;
      const { low, high, step } = this.scale(spec);
      event.preventDefault();
      event.target.value = Math.min(Math.max(Number(event.target.value) + by * step, low), high);
      this.change(spec.name, Number(event.target.value));
    }

    choices(spec, value) {
      return make("select", { "aria-label": spec.name,
        onchange: (event) => this.change(spec.name, Number(event.target.value)) },
        ...spec.values.map((_, level) =>
          make("option", { value: level, selected: level === value }, Words.valueText(spec, level))));
    }

    label(name, chip) {
      const item = this.chips.querySelector(`[data-factor="${CSS.escape(name)}"]`);
      if (!item || !chip) return;
      item.querySelector(".words-said").textContent = chip.text;
      item.querySelector("input")?.setAttribute("aria-valuetext", chip.text);
    }

    // -- suggestions ---------------------------------------------------------------------------

    // Words that go on from what is typed, and with which the request is understood.
    suggestions() {
      const [, before, begun] = /^([^]*?)([\p{L}]*)$/u.exec(this.input.value);
      if (!begun || this.input.selectionStart < this.input.value.length) return [];
      const words = this.vocabulary ??= [...new Set(this.table.words.flatMap((each) => each.split(" ")))]
        .filter((word) => word.length > 2).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
      const low = begun.toLowerCase(), found = this.named(low).map((text) => before + text).filter((text) => this.adds(before, text));
      for (const word of words) {
        if (found.length >= SUGGESTED) break;
        if (word.startsWith(low) && word !== low && this.adds(before, before + word)) found.push(before + word);
      }
      return found.slice(0, SUGGESTED);
    }

    // Factors whose names begin so, each with a value from the middle.
    named(low) {
      return this.table.factors.filter((spec) => (spec.label ?? spec.name).toLowerCase().startsWith(low)).map((spec) => {
        const [least, most] = spec.values ? [0, spec.values.length - 1] : spec.ends;
        const middle = (least + most) / 2;
        return Words.show(spec, spec.values ? Math.floor(middle) : middle, "");
      });
    }

    // Whether a text is understood, and asks for something that what is before it does not.
    adds(before, text) {
      const [old, now] = [before, text].map((each) => Words.understand(this.table, each));
      return now.error === null && JSON.stringify(now.factors) !== JSON.stringify(old.factors);
    }

    suggest() {
      const found = this.suggestions();
      this.at = -1;
      this.list.replaceChildren(...found.map((text, at) =>
        make("li", { role: "option", id: `${this.id}-option-${at}`, "aria-selected": "false",
          onmousedown: (event) => { event.preventDefault(); this.take(text); } }, text)));
      this.list.hidden = !found.length;
      this.input.setAttribute("aria-expanded", String(found.length > 0));
      this.input.removeAttribute("aria-activedescendant");
    }

    close() {
      this.list.hidden = true;
      this.input.setAttribute("aria-expanded", "false");
      this.input.removeAttribute("aria-activedescendant");
    }

    take(text) {
      this.set(text);
      this.close();
    }

    key(event) {
      const options = [...this.list.children];
      if (event.key === "Escape" && !this.list.hidden) this.close();
      else if (event.key === "Enter") {
        if (!this.list.hidden && this.at >= 0) this.take(options[this.at].textContent);
        else this.close();
      } else if (["ArrowDown", "ArrowUp"].includes(event.key) && options.length && !this.list.hidden) {
        const by = event.key === "ArrowDown" ? 1 : -1;
        this.at = (this.at + by + (this.at < 0 && by < 0) + options.length) % options.length;
        options.forEach((each, at) => each.setAttribute("aria-selected", String(at === this.at)));
        this.input.setAttribute("aria-activedescendant", options[this.at].id);
      } else return;
      event.preventDefault();
    }

    // -- images --------------------------------------------------------------------------------

    hand(at) { return (this.first + at) % this.api.hands; }

    turn() {
      this.first = (this.first + SHOWN) % this.api.hands;
      this.changed();
      this.draw();
    }

    choose(at) {
      this.chosen = at;
      [...this.hands.children].forEach((button, index) => button.setAttribute("aria-pressed", String(index === at)));
      this.changed();
      this.draw();
    }

    // Draw the chosen hand at the next frame and the others after it; a change stops what is under way.
    draw() {
      cancelAnimationFrame(this.frame);
      clearTimeout(this.later);
      this.frame = requestAnimationFrame(() => {
        this.image = this.paint(this.chosen);
        if (this.tells) this.api.chosen?.(this.image);
        this.tells = false;
        this.compare();
        const others = this.canvases.map((_, at) => at).filter((at) => at !== this.chosen);
        const next = () => {
          if (!others.length) return;
          this.paint(others.shift());
          this.later = setTimeout(next);
        };
        this.later = setTimeout(next);
      });
    }

    paint(at) {
      const canvas = this.canvases[at], image = this.api.draw(this.asked, this.hand(at));
      if (canvas.width !== image.width) canvas.width = image.width;
      if (canvas.height !== image.height) canvas.height = image.height;
      const pixels = new ImageData(Uint8ClampedArray.from(image.data), image.width, image.height);
      canvas.getContext("2d").putImageData(pixels, 0, 0);
      const what = Object.entries(this.asked).map(([name, value]) => Words.show(this.specs.get(name), value));
      canvas.parentElement.setAttribute("aria-label", `Style ${this.hand(at) + 1}: ${what.join(", ") || "all free"}`);
      return image;
    }

    // Beside what was asked, what was read, and the difference.
    compare() {
      const read = this.api.read(this.image);
      this.reading.hidden = !read;
      if (!read) return;
      const rows = [...this.specs.values()].map((spec) => {
        const value = read.factors[spec.name], drawn = this.image.factors[spec.name];
        const asked = spec.name in this.asked;
        return { spec, asked, drawn: this.brief(spec, drawn),
          read: Number.isNaN(value) ? "unknown" : this.brief(spec, value),
          away: this.difference(spec, drawn, value) };
      });
      const cell = (text, tag = "td", more = {}) => make(tag, more, text);
      this.reading.replaceChildren(make("table", {},
        make("caption", {}, `Style ${this.hand(this.chosen) + 1} as ${read.by} reads it. Values in grey were not asked for.`),
        make("thead", {}, make("tr", {}, ...["factor", "asked", "read", "difference"].map((text) =>
          cell(text, "th", { scope: "col" })))),
        make("tbody", {}, ...rows.map((row) => make("tr", { className: row.asked ? "" : "words-own" },
          cell(row.spec.name, "th", { scope: "row" }),
          cell(row.drawn), cell(row.read), cell(row.away))))));
      const told = rows.filter((row) => row.asked).map((row) => `${row.spec.name} ${row.read}`);
      this.say(told.length ? `${read.by} reads ${told.join(", ")}` : "");
    }

    level(spec, value) {
      return spec.values ? Math.min(Math.max(Math.round(value), 0), spec.values.length - 1) : value;
    }

    // A stored value as text, to a tenth or, in a small range, a hundredth of the range.
    brief(spec, value) {
      const scale = 10 ** Math.max(spec.places, 1);
      return Words.valueText(spec, spec.values ? this.level(spec, value) : Math.round(scale * value) / scale)
        .replace(" degrees", "\u00b0").replace(/-(?=\d)/, "\u2212");
    }

    difference(spec, drawn, read) {
      const same = Math.round(drawn) === Math.round(read) ? "none" : "differs";
      if (Number.isNaN(read)) return "differs";
      const at = (value) => Words.numberOf(spec, this.level(spec, value));
      if (spec.kind === "categorical" || typeof at(drawn) !== "number") return same;
      let away = at(read) - at(drawn);
      if (spec.period) away -= spec.period * Math.round(away / spec.period);
      const whole = Math.max(...spec.ends.map(Math.abs)) >= 100; // tenths of such a number say nothing
      const places = spec.values?.every(Number.isInteger) ? 0 : Math.max(whole ? 0 : 1, spec.places);
      const text = (Number(away.toFixed(places)) || 0).toFixed(places);
      const unit = spec.turns || (spec.reference ? "semitones" : spec.unit.split(" ")[0]);
      return `${Number(text) > 0 ? "+" : ""}${text.replace("-", "\u2212")}${unit === "degrees" ? "\u00b0" : unit ? ` ${unit}` : ""}`;
    }

    // Announce a sentence, at most one a second, the last one always.
    say(text) {
      clearTimeout(this.saying);
      const wait = Math.max(this.spoken + SPOKEN - Date.now(), 0);
      this.saying = setTimeout(() => {
        this.spoken = Date.now();
        if (this.live.textContent !== text) this.live.textContent = text;
      }, wait);
    }
  }

  return (root, api) => {
    const box = new Box(root, api);
    return { set: (text, hand = 0, tells = false) => box.restore(text, hand, tells), text: () => box.text(), hand: () => box.hand(box.chosen), box };
  };
})();
