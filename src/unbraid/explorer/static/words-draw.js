// Draws what a request asks for, and reads what was drawn: with `about.words` of explorer/asking.py
// and the networks of a run.

const WordsDraw = (() => {
  const numbers = ({ data, shape }) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    return { shape, data: new Float32Array(bytes.buffer) };
  };
  const row = ({ data, shape }, ...at) => { // of an array, at indices of its first axes
    const width = shape.at(-1);
    const from = at.reduce((sum, index, axis) => sum * shape[axis] + index, 0) * width;
    return data.subarray(from, from + width);
  };

  // Regressors of factors, as control/linear_gaussian/design_matrix.py has them.
  const regressors = (blocks, factors) => blocks.flatMap((block) => {
    const value = factors[block.factor];
    if (block.kind === "levels")
      return Array.from({ length: block.count }, (_, level) => (Math.round(value) === level ? 1 : 0));
    const part = (value - block.low) / block.length, first = block.kind === "linear";
    if (block.periodic) {
      const turn = 2 * Math.PI * part * (first ? 1 : 2);
      return [Math.sin(turn), Math.cos(turn)];
    }
    const u = 2 * part - 1;
    return first ? [u] : [1.5 * u ** 2 - 0.5, 2.5 * u ** 3 - 1.5 * u];
  });

  // The bin of a factor that a categorical latent depends on.
  const binOf = (specs, blocks, factor, factors, { shape: [bins] }) => {
    if (specs[factor].kind === "categorical") return Math.round(factors[factor]);
    const block = blocks.find((each) => each.factor === factor);
    const part = (factors[factor] - block.low) / block.length;
    const within = block.periodic ? part - Math.floor(part) : part;
    return Math.min(Math.max(Math.floor(within * bins), 0), bins - 1);
  };

  // Drawing and reading for a run.
  // words: about.words. nets: {decode, encode, columns, factors, style, judge}, each a Net or, if it
  // is not there, nothing. paint(pixels): {width, height, data} of an image (C, H, W) on [0, 1].
  class Drawer {
    constructor(words, nets, paint) {
      Object.assign(this, { words, nets, paint, specs: words.table.factors, hands: words.hands });
      this.arrays = {};
      for (const [name, value] of Object.entries(words))
        if (value?.data) this.arrays[name] = numbers(value);
      this.logits = (words.links ?? []).map(({ logits }) => logits && numbers(logits));
    }

    // Values of all factors: those asked for, and a hand's own for the others.
    filled(asked, hand) {
      const own = row(this.arrays.free, hand);
      return this.specs.map(({ name }, at) => (Object.hasOwn(asked, name) ? asked[name] : own[at]));
    }

    code(factors, hand) {
      return this.words.kind === "native" ? this.native(factors, hand) : this.linear(factors, hand);
    }

    native(factors, hand) {
      const columns = this.nets.columns.run([Float32Array.from(factors)])[0].data.slice();
      return Float32Array.from([...columns, ...this.style(factors, hand)]);
    }

    style(factors, hand) {
      if (this.arrays.base)
        return this.nets.style.run([row(this.arrays.base, hand), Float32Array.from(factors)])[0].data;
      const combination = this.words.categories.reduce(
        (sum, at) => sum * this.specs[at].values.length + Math.round(factors[at]), 0);
      return row(this.arrays.styles, combination, hand);
    }

    linear(factors, hand) {
      const phi = regressors(this.words.blocks, factors);
      const { mean, weights, others } = this.arrays;
      const code = Array.from(mean.data, (start, at) => (this.words.informative[at]
        ? phi.reduce((sum, value, p) => sum + value * row(weights, p)[at], start)
        : row(others, hand)[at]));
      return Float32Array.from([...this.chosen(factors, hand), ...code]);
    }

    // The categorical latents, one after the other, each as an indicator.
    chosen(factors, hand) {
      let start = 0;
      return this.words.categories.flatMap((count, latent) => {
        const noise = row(this.arrays.gumbel, hand).subarray(start, start + count);
        start += count;
        const logits = this.logits[latent];
        const known = logits ? row(logits, binOf(this.specs, this.words.blocks, this.words.links[latent].factor, factors, logits)) : null;
        const scores = Array.from(noise, (value, at) => value + (known ? known[at] : 0));
        const best = scores.indexOf(Math.max(...scores));
        return scores.map((_, at) => (at === best ? 1 : 0));
      });
    }

    // An image of some factors' values in a hand's style: {width, height, data, pixels, code, factors}.
    draw(asked, hand) {
      const factors = this.filled(asked, hand);
      const { pixels, code } = this.refined(factors, hand);
      const named = Object.fromEntries(this.specs.map(({ name }, at) => [name, factors[at]]));
      return { ...this.paint(pixels), pixels, code, factors: named };
    }

    decoded(factors, hand) {
      const code = this.code(factors, hand);
      return { code, pixels: Float32Array.from(this.nets.decode.run([code])[0].data) };
    }

    // The image of all factors' values, or that of the request less the error that the model reads
    // in it, if that reads closer: as control/closed_loop.py has it.
    refined(factors, hand) {
      const first = this.decoded(factors, hand), { loop } = this.words;
      if (!loop) return first;
      const read = this.tolerated(factors, this.own(first.pixels));
      const again = loop.map(({ low, high, period }, at) => {
        if (low === null) return factors[at];
        const found = factors[at] - this.away(factors, read, at);
        return period ? found : Math.min(Math.max(found, low), high);
      });
      if (again.every((value, at) => value === factors[at])) return first;
      const second = this.decoded(again, hand);
      const then = this.tolerated(factors, this.own(second.pixels));
      return this.distance(factors, then) < this.distance(factors, read) ? second : first;
    }

    // Readings less what is the reader's usual error.
    tolerated(factors, read) {
      return read.map((value, at) => {
        const { categorical, tolerance } = this.words.loop[at];
        if (categorical) return value;
        return value - Math.min(Math.max(this.away(factors, read, at), -tolerance), tolerance);
      });
    }

    // Read minus asked for, the shorter way round; symmetries are those of the values asked for.
    away(factors, read, at) {
      let { period } = this.words.loop[at], away = read[at] - factors[at];
      for (const [other, level, turn] of this.words.loop[at].symmetries) {
        if (factors[other] !== level) continue;
        period = turn;
        if (!turn) away = 0;
      }
      return period ? away - period * Math.round(away / period) : away;
    }

    distance(factors, read) {
      return this.words.loop.reduce((sum, { categorical, length }, at) => sum + (categorical
        ? Number(Math.round(read[at]) !== factors[at])
        : Math.min(Math.abs(this.away(factors, read, at)) / length, 1)), 0);
    }

    // The factors as the model itself reads them.
    own(pixels) {
      const code = Float32Array.from(this.nets.encode.run([pixels])[0].data);
      return Array.from(this.nets.factors.run([code])[0].data);
    }

    // What a drawn image is read as: {by, factors: stored value by name}; null without a reader.
    read({ pixels }) {
      if (!this.words.reader) return null;
      if (this.words.reader === "judge") return { by: "the judge", factors: this.judged(pixels) };
      const found = this.own(pixels);
      return {
        by: "the model",
        factors: Object.fromEntries(this.specs.map(({ name }, at) => [name, found[at]])),
      };
    }

    judged(pixels) {
      const [logits, others] = this.nets.judge.run([pixels]).map(({ data }) => Array.from(data));
      const digit = logits.indexOf(Math.max(...logits));
      const level = this.specs[0].values.indexOf(digit);
      return Object.fromEntries(this.specs.map(({ name }, at) =>
        [name, at ? others[at - 1] : level < 0 ? NaN : level]));
    }
  }

  return { Drawer, binOf, numbers, regressors, row };
})();
if (typeof module !== "undefined") module.exports = WordsDraw;
