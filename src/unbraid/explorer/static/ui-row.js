// A latent as a row: where its value stands in a code, its range and steps, and how it is told.

class Row {
  constructor(latent) {
    Object.assign(this, latent);
    this.title = latent.label || latent.name;
    const { kind } = this;
    if (kind === "categories") {
      [this.low, this.high, this.step] = [0, this.size - 1, 1];
    } else if (kind === "circle") {
      [this.low, this.high] = [latent.low, latent.low + latent.range[1]];
      this.step = latent.range[1] / 72;
    } else {
      const room = (latent.range[1] - latent.range[0]) * 0.04;
      [this.low, this.high] = [latent.range[0] - room, latent.range[1] + room];
      const span = this.high - this.low;
      // 0.1 where a code is about as wide as a standard normal one
      this.step = span > 1.5 && span < 25 ? 0.1 : 10 ** Math.round(Math.log10(span / 60));
    }
    this.digits = clamp(Math.ceil(-Math.log10(this.step / 10)), 0, 6);
  }

  get(code) {
    if (this.kind === "categories") {
      const block = Array.from(code.slice(this.first, this.first + this.size));
      return block.indexOf(Math.max(...block));
    }
    if (this.kind === "circle") {
      const turn = this.high - this.low;
      const angle = (Math.atan2(code[this.first], code[this.first + 1]) / (2 * Math.PI)) * turn;
      return ((((angle - this.low) % turn) + turn) % turn) + this.low;
    }
    return code[this.first];
  }

  /** Write a value into a code. */
  set(code, value) {
    if (this.kind === "categories") {
      code.fill(0, this.first, this.first + this.size);
      code[this.first + clamp(Math.round(value), 0, this.size - 1)] = 1;
    } else if (this.kind === "circle") {
      const angle = (value / (this.high - this.low)) * 2 * Math.PI;
      [code[this.first], code[this.first + 1]] = [Math.sin(angle), Math.cos(angle)];
    } else {
      code[this.first] = value;
    }
  }

  /** Copy the columns of the row from one code to another. */
  copy(from, to) {
    const end = this.first + (this.kind === "categories" || this.kind === "circle" ? this.size : 1);
    for (let at = this.first; at < end; at++) to[at] = from[at];
  }

  same(one, other) {
    const end = this.first + this.size;
    for (let at = this.first; at < end; at++) if (Math.abs(one[at] - other[at]) > 1e-4) return false;
    return true;
  }

  /** Return a value that the row can take: the nearest level of a quantised latent. */
  fit(value) {
    if (this.kind === "levels") {
      return this.levels.reduce((best, level) => (Math.abs(level - value) < Math.abs(best - value) ? level : best));
    }
    if (this.kind === "categories") return clamp(Math.round(value), 0, this.size - 1);
    return round(value, this.digits);
  }

  /** Return the value some steps further. */
  moved(value, steps) {
    if (this.kind === "levels") {
      const at = this.levels.indexOf(this.fit(value));
      return this.levels[clamp(at + Math.sign(steps) * Math.ceil(Math.abs(steps) / 2), 0, this.levels.length - 1)];
    }
    if (this.kind === "circle") {
      const turn = this.high - this.low;
      return round(((((value + steps * this.step - this.low) % turn) + turn) % turn) + this.low, this.digits);
    }
    return round(value + steps * this.step, this.digits);
  }

  /** Return a quantile, 0 to 1, of the held-out codes. */
  quantile(share) {
    const place = clamp(share, 0, 1) * 100;
    const [before, after] = [this.quantiles[Math.floor(place)], this.quantiles[Math.ceil(place)]];
    return before + (after - before) * (place % 1);
  }

  /** Return the share of the held-out codes below a value. */
  share(value) {
    const { quantiles } = this;
    if (value <= quantiles[0]) return 0;
    for (let at = 1; at <= 100; at++) {
      if (value <= quantiles[at]) {
        const width = quantiles[at] - quantiles[at - 1];
        return (at - 1 + (width > 0 ? (value - quantiles[at - 1]) / width : 1)) / 100;
      }
    }
    return 1;
  }

  /** Return the values of the strip: from the 1% to the 99% quantile, levels, or a turn. */
  strip(count = 9) {
    if (this.kind === "categories") return this.order;
    if (this.kind === "levels" && this.levels.length <= count) return this.levels;
    const [low, high] = this.kind === "circle" ? [this.low, this.high] : [this.quantile(0.01), this.quantile(0.99)];
    const parts = this.kind === "circle" ? count : count - 1;
    const values = Array.from({ length: count }, (_, at) => low + ((high - low) * at) / parts);
    return values.map((value) => this.fit(value));
  }

  /** Return the name of a category. */
  category(index) {
    const at = this.order.indexOf(index);
    return this.names[at] ?? String(index);
  }

  /** Return the value of a factor that a code column of -1 to 1 stands for, as text; else "". */
  physical(value) {
    if (this.kind === "circle") {
      return this.values ? this.level(value >= this.wrap ? 0 : value) : withUnit(shown(value, placesOf(this.low, this.high)), this.unit);
    }
    if (!this.bounds) return "";
    const [low, high] = this.bounds;
    const found = low + ((value + 1) / 2) * (high - low);
    if (this.values) return this.level(found);
    return withUnit(shown(found, Math.max(decimals(Math.max(-low, high)), placesOf(low, high))), this.unit);
  }

  /** Return the name of the level nearest to a place among levels. */
  level(place) {
    return levelName(this.values[clamp(Math.round(place), 0, this.values.length - 1)]);
  }

  /** Return a value as a screen reader says it. */
  said(value) {
    if (this.kind === "categories") return this.category(value);
    const physical = this.physical(value);
    if (this.kind === "circle") return physical;
    const number = shown(value, this.digits);
    if (physical) return `${number}, ${physical}`;
    return `${number}, above ${percent(this.share(value))} of held-out codes`;
  }
}
