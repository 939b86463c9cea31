// Reads factors from a code, and moves a code to other factors, by the linear-Gaussian model of
// `about.words`: control/linear_gaussian/inference.py and controller.py have the same steps.

const WordsRead = (() => {
  const { binOf, numbers, regressors, row } = WordsDraw;
  const dot = (one, other) => one.reduce((sum, value, at) => sum + value * other[at], 0);
  const argmax = (values) => values.indexOf(Math.max(...values));
  const limited = (value, most) => Math.min(Math.max(value, -most), most);
  const ones = (count, chosen) => Array.from({ length: count }, (_, at) => Number(at === chosen));
  const times = (count, make) => Array.from({ length: count }, (_, at) => make(at));

  // x with A x = b, for a symmetric positive A: elimination without pivots.
  const solve = (matrix, right) => {
    const rows = matrix.map((each, at) => [...each, right[at]]);
    rows.forEach((pivot, at) => {
      for (let below = at + 1; below < rows.length; below++) {
        const share = rows[below][at] / pivot[at];
        for (let column = at; column < pivot.length; column++) rows[below][column] -= share * pivot[column];
      }
    });
    const x = right.slice();
    for (let at = rows.length - 1; at >= 0; at--) {
      const known = times(rows.length - at - 1, (n) => rows[at][at + 1 + n] * x[at + 1 + n]);
      x[at] = (rows[at].at(-1) - known.reduce((sum, value) => sum + value, 0)) / rows[at][at];
    }
    return x;
  };

  // Regressors of a coordinate, or their derivatives.
  const ofCoordinate = ({ kind, periodic }, u, derivative) => {
    const n = kind === "linear" ? 1 : 2;
    if (periodic) return derivative ? [n * Math.cos(n * u), -n * Math.sin(n * u)] : [Math.sin(n * u), Math.cos(n * u)];
    if (n === 1) return [derivative ? 1 : u];
    return derivative ? [3 * u, 7.5 * u ** 2 - 1.5] : [1.5 * u ** 2 - 0.5, 2.5 * u ** 3 - 1.5 * u];
  };

  // words: about.words of a linear model, with its table.
  class Reader {
    constructor(words) {
      const { reading, blocks, categories, informative } = words;
      const unpacked = (name) => {
        const array = numbers(reading[name]);
        return array.shape.length > 1 ? times(array.shape[0], (at) => Array.from(row(array, at))) : Array.from(array.data);
      };
      for (const name of ["centre", "phi", "solved", "bias", "gain", "precision", "prior"]) this[name] = unpacked(name);
      this.evidence = reading.evidence.map(([latent, column, ...arrays]) => [latent, column, ...arrays.map((each) => numbers(each).data)]);
      this.tables = words.links.map(({ factor, logits }) => ({ factor, logits: logits && numbers(logits) }));
      const weights = numbers(words.weights);
      Object.assign(this, { words, blocks, reading, specs: words.table.factors, categories });
      this.skip = categories.reduce((sum, count) => sum + count, 0);
      this.used = informative.flatMap((each, at) => (each ? [at] : []));
      this.all = times(weights.shape[0], (at) => Array.from(row(weights, at)));
      this.weights = this.all.map((each) => this.used.map((at) => each[at]));
      let first = 0;
      this.spans = blocks.map((block) => ({ ...block, first: (first += block.count) - block.count }));
      this.levels = this.spans.filter(({ kind }) => kind === "levels");
      this.numeric = this.spans.filter(({ kind }) => kind !== "levels");
      this.start = this.levels.reduce((sum, { count }) => sum + count, 0); // the first numeric regressor
      this.linear = this.numeric.filter(({ kind }) => kind === "linear");
    }

    // The value of each categorical latent.
    values(code) {
      let first = 0;
      return this.categories.map((count) => argmax(Array.from(code.slice(first, first += count))));
    }

    // The factors that a code most probably has, as stored.
    read(code) {
      const values = this.values(code);
      const centred = this.used.map((at) => code[this.skip + at] - this.centre[at]);
      const expected = this.expected(centred, values);
      const levels = this.levels.map(({ first, count }) => argmax(expected.slice(first, first + count)));
      const factors = this.specs.map(() => 0);
      this.levels.forEach(({ factor }, at) => { factors[factor] = levels[at]; });
      if (!this.linear.length) return factors;
      const begun = this.linear.map(({ first, periodic }) =>
        (periodic ? Math.atan2(expected[first], expected[first + 1]) : limited(expected[first], 1)));
      this.refined(begun, centred, levels, values).forEach((u, at) => {
        const { factor } = this.linear[at];
        factors[factor] = this.stored(this.linear[at], u, this.specs[factor].values?.length);
      });
      return factors;
    }

    stored({ low, length, periodic, wrap }, u, count) {
      const turn = u / (2 * Math.PI), part = periodic ? turn - Math.floor(turn) : (limited(u, 1) + 1) / 2;
      const value = low + length * part;
      if (count === undefined) return value;
      return periodic && value >= wrap ? 0 : Math.min(Math.round(value), count - 1);
    }

    // Probabilities of levels, and means of the other regressors.
    expected(centred, values) {
      const found = this.phi.slice();
      const less = (span) => centred.map((value, s) => this.levels.filter((each) => each !== span).reduce(
        (rest, { first, count }) => rest - times(count, (at) => first + at).reduce(
          (sum, p) => sum + (found[p] - this.phi[p]) * this.weights[p][s], 0), value));
      for (let sweep = 0; sweep < this.reading.sweeps; sweep++) {
        for (const span of this.levels) {
          const residual = less(span);
          const logits = times(span.count, (level) => {
            const p = span.first + level;
            const linked = this.tables.map(({ factor, logits: table }, latent) =>
              (factor === span.factor ? row(table, level)[values[latent]] : 0));
            return linked.reduce((sum, value) => sum + value,
              this.bias[p] + residual.reduce((sum, value, s) => sum + value * this.solved[s][p], 0));
          });
          const most = Math.max(...logits), odds = logits.map((value) => Math.exp(value - most));
          const total = odds.reduce((sum, value) => sum + value, 0);
          odds.forEach((value, level) => { found[span.first + level] = value / total; });
        }
      }
      const residual = less(null);
      for (let p = this.start; p < found.length; p++)
        found[p] = this.phi[p] + residual.reduce((sum, value, s) => sum + value * this.gain[s][p - this.start], 0);
      return found;
    }

    // Mean and precision of the linear regressors, given the categorical latents.
    priorOf(values) {
      const precision = this.prior.map((each) => each.slice());
      const mean = this.phi.slice(this.start, this.start + precision.length);
      const information = precision.map((each) => dot(each, mean));
      for (const [latent, column, added, weighted] of this.evidence) {
        precision[column][column] += added[values[latent]];
        information[column] += weighted[values[latent]];
      }
      return [solve(precision, information), precision];
    }

    // Coordinates of the highest probability, by Gauss-Newton.
    refined(u, centred, levels, values) {
      const [mean, precision] = this.priorOf(values);
      const target = centred.map((value, s) => this.levels.reduce(
        (sum, { first }, at) => sum - this.weights[first + levels[at]][s],
        this.phi.reduce((sum, phi, p) => sum + phi * this.weights[p][s], value)));
      const place = new Map(this.linear.map(({ factor }, at) => [factor, at]));
      const columns = this.numeric.flatMap((span) => times(span.count, () => place.get(span.factor)));
      for (let step = 0; step < this.reading.steps; step++) {
        const of = (derivative) => this.numeric.flatMap((span) => ofCoordinate(span, u[place.get(span.factor)], derivative));
        const phi = of(false), slopes = of(true), away = mean.map((value, l) => phi[l] - value);
        const residual = target.map((value, s) => phi.reduce((sum, each, r) => sum - each * this.weights[this.start + r][s], value));
        const jacobian = u.map((_, q) => target.map((__, s) => columns.reduce(
          (sum, at, r) => sum + (at === q ? slopes[r] * this.weights[this.start + r][s] : 0), 0)));
        const steep = u.map((_, q) => mean.map((__, l) => (columns[l] === q ? slopes[l] : 0)));
        const scaled = jacobian.map((each) => this.precision.map((line) => dot(line, each)));
        const pulled = steep.map((each) => precision.map((line) => dot(line, each)));
        const gradient = u.map((_, q) => dot(scaled[q], residual) - dot(pulled[q], away));
        const curvature = u.map((_, q) => u.map((__, other) =>
          dot(scaled[q], jacobian[other]) + dot(pulled[q], steep[other]) + (q === other ? 1e-9 : 0)));
        u = solve(curvature, gradient).map((value, q) => u[q] + limited(value, 0.5));
      }
      return u;
    }

    // A code moved from its factors to others.
    moved(code, current, target) {
      const [before, after] = [current, target].map((factors) => regressors(this.blocks, factors));
      const found = Float32Array.from(code);
      after.forEach((value, p) => {
        if (value !== before[p]) this.all[p].forEach((weight, at) => { found[this.skip + at] += (value - before[p]) * weight; });
      });
      let first = 0;
      this.categories.forEach((count, latent) => {
        const { factor, logits } = this.tables[latent];
        if (factor >= 0) {
          const [from, to] = [current, target].map((factors) => binOf(this.specs, this.blocks, factor, factors, logits));
          if (from !== to) found.set(ones(count, argmax(Array.from(row(logits, to)))), first);
        }
        first += count;
      });
      return found;
    }
  }

  return { Reader };
})();
if (typeof module !== "undefined") module.exports = WordsRead;
