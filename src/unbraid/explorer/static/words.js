// Requests in words: `understand(table, text)`, with the table of explorer/words.py.
//
// A request is split into tokens as control/language/tokens.py does, and each phrase is looked up:
// the longest path of the table's tree over the classes of the next tokens. What the tree does not
// hold is refused, never guessed. Works in a page and in node; needs nothing else.

const Words = (() => {
  class Refusal extends Error {
    constructor(sentence, unknown = []) {
      super(sentence);
      this.unknown = unknown;
    }
  }

  // -- tokens ------------------------------------------------------------------------------------

  const PIECES = [
    ["numbers", /[+-]?[0-9]+(?:\.[0-9]+)?(?:(?:[,/-]| to )[0-9]+(?:\.[0-9]+)?)+/y], // no single number, as "30,5"
    ["number", /[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)/y],
    ["word", /[\p{L}\p{Nl}\p{No}]+/uy],
    ["other", /\p{Nd}+/uy],
    ["unit", /°[cf](?![\p{L}\p{N}_])|[°%]/uy],
    ["sign", /!=|[<>\u2264\u2265\u2260\u00b1]/y],
    ["equals", /[=:]/y],
    ["stop", /[,;.!?/\n()]/y],
  ];
  const WORD = /[\p{L}\p{N}_]/u, BEFORE = /[\p{L}\p{N}_.]/u;
  const SKIPPED = /[\s\p{P}\p{S}\p{Cf}_]/u; // what may stand between tokens
  const TAIL = /[+*#-]+(?![\p{L}\p{N}_])/uy; // signs that end a token, as in "A+"
  const OPERATOR = /[-+*^|&\u2044\u00d7\u00f7]/; // between tokens, before a number
  const DIGITS = 6; // significant ones of a number; with more, it may be another level than it seems

  // Words that end in s or es may spell a number in the plural.
  const spelt = (table, word) => {
    for (const known of [table.spelt, table.tens])
      for (const end of ["", "s", "es"]) {
        if (!word.endsWith(end)) continue;
        const plain = word.slice(0, word.length - end.length);
        if (Object.hasOwn(known, plain)) return known[plain];
      }
    return null;
  };

  const piece = (text, at) => {
    for (const [kind, pattern] of PIECES) {
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      if (!found) continue;
      if (kind.startsWith("number") && at > 0 && BEFORE.test(before(text, at))) continue;
      return { kind, text: found[0] };
    }
    return null;
  };

  const before = (text, at) => {
    const code = text.charCodeAt(at - 1);
    return code >= 0xdc00 && code < 0xe000 ? text.slice(at - 2, at) : text[at - 1];
  };

  // One sign for each of minus and degree; a power or fraction after a digit is no digit of it: 10², 2½.
  const unified = (text) => text
    .replace(/(?<=\d)(?=[\u00b2\u00b3\u00b9\u2070-\u2079])/g, "^")
    .replace(/(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e\u2189])/g, " ")
    .normalize("NFKC").replace(/[\u2010-\u2015\u2212]/g, "-").replaceAll("º", "°");
  const folded = (text) => unified(text).toLowerCase().replaceAll("ß", "ss");

  // Whether a place of a text is inside the name of a level or factor, such as "covid-19".
  const isInName = (table, text, at) => table.factors
    .flatMap(({ name, values }) => [name, ...(values ?? [])])
    .filter((name) => typeof name === "string" && OPERATOR.test(name))
    .some((name) => {
      const known = folded(name), start = text.lastIndexOf(known, at - 1);
      return start >= 0 && start + known.length > at;
    });

  // Whether the last token stands before a number: "=", "by", or the name of an ordered factor.
  const takesNumber = ({ signs }, tokens) => signs.words.includes(tokens.at(-1)?.text) || endsIn(signs.names, tokens);
  const endsIn = (names, tokens) => names.some((name) => name.length <= tokens.length && name.every((text, n) => {
    const at = tokens.length - name.length + n;
    return tokens[at].text === text && (!n || !tokens[at].starts);
  }));

  const unsigned = (sign, text) => new Refusal(`'${quoted(`${sign} ${text}`)}' is not understood: write a ` +
    "negative number as in FACTOR=-3, one number in place of a sum or product, and a comma between phrases.", [sign]);

  // Tokens {text, number, starts}; starts: first of the request or after a stop.
  const tokenize = (table, given) => {
    let text = folded(given).replace(/(?<![\p{L}\p{N}_])per cent(?![\p{L}\p{N}_])/gu, "percent");
    // names that hold stops, as in control/language/tokens.py
    for (const [name, instead] of table.joined ?? []) {
      const exact = name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
      text = text.replace(new RegExp(`(?<![\\p{L}\\p{N}_])${exact}(?![\\p{L}\\p{N}_])`, "gu"),
        () => instead);
    }
    const plain = unified(given);
    const letters = plain.toLowerCase() === text ? plain : null;
    const tokens = [];
    let starts = true, end = 0;
    for (let at = 0; at < text.length;) {
      const found = piece(text, at);
      if (!found) {
        const sign = String.fromCodePoint(text.codePointAt(at));
        if (!SKIPPED.test(sign) || WORD.test(sign) && sign !== "_")
          throw new Refusal(`'${sign}' is not understood in this page: leave it out.`, [sign]);
        at += sign.length;
        continue;
      }
      const between = text.slice(end, at), start = at;
      at += found.text.length;
      end = at;
      if (found.kind === "stop") {
        starts = true;
        continue;
      }
      const number = found.kind === "number" ? parseFloat(found.text) : spelt(table, found.text);
      const single = number !== null || found.kind === "equals";
      const sign = single && OPERATOR.test(between) && !isInName(table, text, start) ? between.trim() : "";
      if (found.kind === "equals") {
        if (sign) throw unsigned(sign, found.text);
        tokens.push({ text: "=", number: null, starts: false });
        starts = false;
        continue;
      }
      const last = tokens.at(-1);
      if (last && !starts && last.text === "minus" && number !== null) {
        tokens[tokens.length - 1] = { text: `-${found.text}`, number: -number, starts: last.starts };
        continue;
      }
      const ones = table.spelt[found.text];
      if (last && !starts && Object.hasOwn(table.tens, last.text) && ones > 0 && ones < 10) {
        tokens[tokens.length - 1] = {
          text: `${last.text}-${found.text}`, number: table.tens[last.text] + ones, starts: last.starts,
        };
        continue;
      }
      if ("+-".includes(sign || null) && !starts && takesNumber(table, tokens)) {
        tokens.push({ text: `${sign}${found.text}`, number: sign === "-" ? -number : number, starts });
        continue;
      }
      const dash = sign === "-" && between === sign && !starts && last?.number === null; // "top-3"
      if (sign && !dash) throw unsigned(sign, found.text);
      TAIL.lastIndex = at;
      const cased = letters ? letters.slice(start, at) : found.text;
      tokens.push({ text: found.text, number, starts, marked: TAIL.test(text), given: cased });
      starts = false;
    }
    return withUnits(table.units ?? [], tokens);
  };

  // Tokens in which a unit of several, such as m/s, is one after a number.
  const withUnits = (units, tokens) => {
    const found = [];
    for (let at = 0; at < tokens.length;) {
      let token = tokens[at], length = 1;
      if (found.length && found.at(-1).number !== null && !token.starts)
        for (const [unit, parts] of units) {
          const fits = parts.every(([text, starts], n) =>
            tokens[at + n]?.text === text && (!n || tokens[at + n].starts === starts));
          if (fits && parts.length > length) {
            length = parts.length;
            token = { text: unit, number: null, starts: false };
          }
        }
      found.push(token);
      at += length;
    }
    return found;
  };

  // -- the table ---------------------------------------------------------------------------------

  const times = (length, then) => Array.from({ length }, then);
  // Whole numbers are stored as texts, a letter each: see text_of in explorer/phrase_pack.py.
  const numberAt = (text, at) => text.charCodeAt(at) - 35;
  const reader = (text) => {
    let at = 0;
    const next = () => numberAt(text, at++);
    next.done = () => at >= text.length;
    return next;
  };

  // The shapes of the table's tree, see explorer/phrase_pack.py: {phrases: [conditions, number],
  // next: a map from a token's class to {to, kept}}.
  const shapesOf = ({ shapes, sets, conditions }) => {
    const classes = [], runs = reader(sets);
    while (!runs.done()) {
      const found = [];
      times(runs(), () => {
        let at = (found.at(-1) ?? 0) + runs();
        times(runs(), () => found.push(at++));
      });
      classes.push(found);
    }
    const take = Object.fromEntries(Object.entries(shapes).map(([name, text]) => [name, reader(text)]));
    const counted = (start) => { // 0 is the next new one
      let next = start;
      return (code) => (code ? code - 1 : next++);
    };
    const set = counted(0), shape = counted(1);
    return Array.from(shapes.of, () => {
      const number = counted(0);
      const phrases = times(take.phrases(), () => [conditions[take.conditions()], number(take.numbers())]);
      const next = new Map();
      times(take.steps(), () => {
        const kinds = classes[set(take.sets())], to = shape(take.to());
        const step = { to, kept: times(numberAt(shapes.of, to), () => number(take.kept())) };
        for (const kind of kinds) next.set(kind, step);
      });
      return { phrases, next };
    });
  };

  // Phrases: [sentence], or [tokens, settings, what else there is].
  const phrasesOf = (table) => {
    const { values, tokens, words, more } = table;
    const part = Object.fromEntries(["stops", "settings", "factor", "value", "token", "word"]
      .map((name) => [name, reader(table[name])]));
    const found = Array.from(table.stops, () => {
      const stop = part.stops(), count = part.settings();
      if (!count) return [stop];
      return [stop, times(count - 1, () =>
        [part.factor(), values[part.value()], ...tokens[part.token()], ...words[part.word()]])];
    });
    for (const [at, rest] of more) found[at].push(rest);
    return found;
  };

  // The table with what is looked up in it as maps, made once.
  const opened = new WeakMap();
  const open = (table) => {
    if (opened.has(table)) return opened.get(table);
    const classes = new Map();
    table.words.forEach((words, kind) => words.split(" ").forEach((word) => classes.set(word, kind)));
    const shapes = shapesOf(table);
    const levels = table.factors.map((factor) => {
      const known = new Map();
      (factor.values ?? []).forEach((value, index) => {
        if (typeof value === "number" && !known.has(value)) known.set(value, index);
      });
      return known;
    });
    // levels that are numbers spelt out, such as seven, by their number
    const spelled = table.factors.map((factor) => new Map(Object.entries(factor.levels)
      .filter(([text]) => Object.hasOwn(table.spelt, text))
      .map(([text, index]) => [table.spelt[text], index]).reverse())); // the first one counts
    // levels that are texts of numbers, which Python compares with numbers of six digits
    const exact = table.factors.some((factor) => Object.keys(factor.levels).some((text) => !Number.isNaN(Number(text))));
    const phrases = phrasesOf(table.phrases);
    const made = { table, classes, shapes, phrases, levels, spelled, exact };
    opened.set(table, made);
    return made;
  };

  // Which levels of a factor a token names, without its other words; null for none.
  const levelOf = ({ table, levels, spelled }, factor, token) => {
    const { levels: words, kind } = table.factors[factor];
    const found = [];
    if (Object.hasOwn(words, token.text)) found.push(words[token.text]);
    if (token.number !== null) {
      if (Object.hasOwn(words, String(token.number))) found.push(words[String(token.number)]);
      if (spelled[factor].has(token.number)) found.push(spelled[factor].get(token.number));
      if (kind === "categorical" && levels[factor].has(token.number))
        found.push(levels[factor].get(token.number));
    }
    return found.length ? Math.min(...found) : null;
  };

  const levelsOf = (words, token) => words.table.factors
    .map((factor, index) => index)
    .filter((index) => levelOf(words, index, { text: "", number: token.number }) !== null);

  // Place of a number among others: odd at one of them.
  const place = (cuts, number) =>
    2 * cuts.filter((cut) => cut < number).length + (cuts.includes(number) ? 1 : 0);

  const meets = (words, tokens, [at, cuts, places, levels]) =>
    places.includes(place(words.table.cuts[cuts], tokens[at].number)) &&
    (levels < 0 || tokens[at].levels.join() === words.table.levels[levels].join());

  // The phrase that starts the tokens, as the table has it; null if it does not have it.
  const lookUp = (words, tokens) => {
    let { phrases, shapes: [shape] } = words;
    for (let read = 0; ; read++) {
      for (const [conditions, number] of shape.phrases)
        if (conditions.every((each) => meets(words, tokens, each))) return phrases[number];
      const step = shape.next.get(read < tokens.length ? tokens[read].kind : words.table.end);
      if (!step) return null;
      shape = words.shapes[step.to];
      const before = phrases;
      phrases = step.kept.map((number) => before[number]);
    }
  };

  // -- values ------------------------------------------------------------------------------------

  const modulo = (a, b) => { // as Python has it: of the sign of b
    const rest = a % b;
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  };

  const rounded = (x) => { // to nine digits, halves to even
    const scaled = x * 1e9, low = Math.floor(scaled), rest = scaled - low;
    return (rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1) / 1e9;
  };

  const fill = (sentence, parts) => sentence.replace(/\{(\w+)\}/g, (all, key) => (Object.hasOwn(parts, key) ? parts[key] : all));

  // The stored value of a number: itself, or the index of the nearest level.
  const stored = (factor, number, given) => {
    const [low, high] = factor.ends, [least, most] = factor.limits;
    if (factor.kind === "categorical") {
      const index = (factor.values ?? []).findIndex((value) => value === number);
      if (index < 0) throw new Refusal(fill(factor.none, { given }));
      return index;
    }
    if (!factor.numeric) throw new Refusal(fill(factor.none, { given }));
    const turn = factor.turn;
    let inside = number;
    if (turn && !(least <= number && number <= most)) {
      inside = low + modulo(number - low, turn);
      if (factor.period && factor.values) return nearest(factor, inside);
      if (inside - low > turn - 1e-9) inside = low;
    }
    if (!(least - 1e-9 <= inside && inside <= most + 1e-9))
      throw new Refusal(fill(factor.out, { given }));
    return nearest(factor, Math.min(Math.max(inside, low), high));
  };

  const nearest = (factor, number) => {
    if (!factor.values) return number;
    let best = 0, least = Infinity;
    factor.values.forEach((value, index) => {
      let away = Math.abs(value - number);
      if (factor.period) away = Math.min(modulo(away, factor.period), modulo(-away, factor.period));
      if (rounded(away) < least) [best, least] = [index, rounded(away)];
    });
    return best;
  };

  const numberOf = (factor, value) =>
    factor.values && factor.numeric ? factor.values[value] : value;

  const differs = (factor, value, number) => {
    const [low, high] = factor.ends, [least, most] = factor.limits;
    if (factor.kind !== "categorical" && factor.numeric && least <= number && number <= most)
      number = Math.min(Math.max(number, low), high);
    let away = Math.abs(numberOf(factor, value) - number);
    if (factor.turn) away = Math.min(modulo(away, factor.turn), modulo(-away, factor.turn));
    return away > 1e-6;
  };

  // -- text --------------------------------------------------------------------------------------

  // Three significant figures, or whole; with at most two decimals, or more of a factor with a small
  // range. Halves go to the even one. As ``_short`` of control/language/values.py.
  const short = (number, places = 0) => {
    const size = Math.abs(number);
    if (size >= 1e6) {
      const whole = Math.floor(Math.log10(size)) + 1;
      const [digits, power] = number.toPrecision(Math.min(Math.max(3, whole + places), 100)).split("e");
      const tight = plain(digits);
      return power === undefined ? tight : `${tight}e${power[0]}${power.slice(1).padStart(2, "0")}`;
    }
    const decimals = Math.max(size >= 100 ? 0 : size >= 10 ? 1 : 2, places), scale = 10 ** decimals;
    const half = number * 2 ** (decimals + 1); // only odd numbers of these are exactly halfway
    if (!Number.isInteger(half) || half % 2 === 0) return plain(number.toFixed(decimals));
    const down = Math.floor(number * scale);
    return plain(((down % 2 === 0 ? down : down + 1) / scale).toFixed(decimals));
  };

  // A decimal number without zeros at its end, and without minus zero.
  const plain = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text).replace(/^-0$/, "0");

  // A level that is a number: whole, or to six significant figures.
  const levelText = (level) => String(Number.isInteger(level) ? level : Number(level.toPrecision(6)));

  // A number with the factor's unit, as ``FactorValues.number``.
  const withUnit = (factor, number) => {
    if (factor.turns) {
      let angle = number * factor.direction;
      if (factor.period)
        angle = modulo(angle + factor.period / 2, factor.period) - factor.period / 2;
      const sense = Math.round(angle * 1000) ? (angle > 0 ? " counter-clockwise" : " clockwise") : "";
      return `${short(Math.abs(angle), factor.places)} ${factor.turns}${sense}`;
    }
    if (factor.reference) return `${short(factor.reference * 2 ** (number / 12))} Hz`;
    if (factor.unit === "%") return `${short(number, factor.places)}%`;
    const sided = ["horizontal", "vertical"].includes(factor.role);
    const text = (sided && number > 0 && factor.ends[0] < 0 ? "+" : "") + short(number, factor.places);
    return factor.unit ? `${text} ${factor.unit}` : text;
  };

  // A stored value as text, such as "26 px".
  const valueText = (factor, value) => {
    if (!factor.values) return withUnit(factor, value);
    const level = factor.values[value];
    if (typeof level !== "number") return String(level);
    return factor.kind === "categorical" ? levelText(level) : withUnit(factor, level);
  };

  const show = (factor, value, word = "") => {
    const text = valueText(factor, value);
    return `${factor.label ?? factor.name} ${text}${word && word !== text ? ` (${word})` : ""}`;
  };

  const quoted = (text) => (text.length <= 40 ? text : `${text.slice(0, 40)}...`);
  const source = (tokens, start, stop) =>
    tokens.slice(start, stop).map((token) => token.text).join(" ").replaceAll(" = ", "=");
  const tight = (text) => text.replaceAll(" %", "%").replaceAll(" °", "°").replaceAll(" hz", " Hz")
    .replaceAll(" db", " dB").replaceAll(" dBfs", " dBFS");

  // -- requests ----------------------------------------------------------------------------------

  class State {
    constructor(words) {
      Object.assign(this, { words, values: new Map(), centre: "", corner: false, unset: [] });
    }

    sentence(index, tokens) {
      const { sentences, factors } = this.words.table;
      return sentences[index]
        .replace(/\{(\d+)-(\d+)\}/g, (all, a, b) => quoted(tight(source(tokens, +a, +b))))
        .replaceAll("{factors}", () => factors.map((each) => `${each.label ?? each.name} (${each.range})`).join(", "));
    }

    // Take over what a phrase says; return its number of tokens.
    take(phrase, tokens) {
      if (phrase.length === 1) throw new Refusal(this.sentence(phrase[0], tokens));
      const [stop, settings, rest = {}] = phrase;
      for (const setting of settings) this.set(setting, tokens);
      if (rest.centre) this.centre = source(tokens, ...rest.centre);
      if (rest.corner) this.corner = true;
      for (const [factor, sentence] of rest.unset ?? [])
        this.unset.push([factor, this.sentence(sentence, tokens)]);
      return stop;
    }

    set([index, what, start, stop, word = "", remark = ""], tokens) {
      const factor = this.words.table.factors[index];
      const span = (part) => (Array.isArray(part) ? source(tokens, ...part) : part);
      let shown = span(word), value = what;
      if (Array.isArray(what)) {
        const [first, ...steps] = what;
        if (first === "level") value = levelOf(this.words, index, tokens[steps[0]]);
        else {
          let number = tokens[first].number;
          for (let at = 0; at < steps.length; at += 2) {
            const [step, by] = [steps[at], steps[at + 1]];
            number = step === "*" ? number * by : step === "/" ? number / by
              : step === "log" ? 12 * Math.log2(number / by) : number + by;
          }
          const given = shown && remark !== "angle" ? tight(shown) : withUnit(factor, number);
          value = stored(factor, number, quoted(given));
          if (remark === "share") shown = `${tight(shown)} of the range`;
          else if (remark) {
            const other = remark === "angle" ? withUnit(factor, number) : tight(shown);
            shown = differs(factor, value, number) ? `nearest to ${other}` : "";
          }
        }
      }
      this.add(index, value, source(tokens, start, stop), shown);
    }

    add(index, value, text, word) {
      const known = this.values.get(index);
      if (!known) this.values.set(index, { value, text, word });
      else if (known.value !== value) {
        const pair = [known.text, text].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        const { contradiction } = this.words.table.factors[index];
        throw new Refusal(fill(contradiction, pair.map(quoted)));
      } else known.word = [known.word, word].filter(Boolean).sort()[0] ?? "";
    }

    finish() {
      const { factors, refusals } = this.words.table;
      const role = (name) => factors.flatMap((each, index) => (each.role === name ? [index] : []));
      const sides = [...role("horizontal"), ...role("vertical")];
      const open = sides.filter((index) => !this.values.has(index));
      if (this.corner && open.length) throw new Refusal(refusals.corner);
      if (this.centre)
        for (const index of open.length ? open : sides)
          this.add(index, factors[index].middle, this.centre, this.centre);
      for (const [index, sentence] of this.unset)
        if (!this.values.has(index)) throw new Refusal(sentence);
    }
  }

  const prepared = (words, text) => {
    const { table } = words;
    if ([...text].length > table.longest)
      throw new Refusal(fill(table.refusals.long, { count: [...text].length.toLocaleString("en") }));
    const tokens = tokenize(table, text);
    const unknown = [];
    refuseAlike(table, tokens);
    for (const token of tokens) {
      if (words.classes.has(token.text)) token.kind = words.classes.get(token.text);
      else if (token.number !== null) token.kind = table.number;
      else unknown.push(token.text);
      if (token.number === null) continue;
      if (words.exact && token.text.replace(/^[+-]?[0.]*|\./g, "").length > DIGITS && /\d/.test(token.text))
        throw new Refusal(`'${quoted(token.text)}' has more digits than this page understands: ` +
          `write at most ${DIGITS}.`, [token.text]);
      token.levels = levelsOf(words, token);
    }
    if (unknown.length) throw new Refusal(unknownSentence(words, unknown[0]), unknown);
    return tokens;
  };

  // Levels that differ only in case or signs, such as "A+" and "A-", are left to the library.
  const refuseAlike = (table, tokens) => {
    const is = (token, text) => token !== undefined &&
      (token.text === text || (token.number !== null && String(token.number) === text));
    const alike = (table.alike ?? []).find((texts) =>
      tokens.some((_, at) => texts.every((text, n) => is(tokens[at + n], text))));
    // a capital that may be an article, unless a name of its factor precedes it
    const letter = tokens.find((token, at) => table.letters?.includes(token.given) && tokens[at - 1]?.text !== "=" &&
      !endsIn(table.lettered, tokens.slice(0, at)));
    if (letter) throw new Refusal(`'${letter.given}' is not understood in this page, but by 'unbraid generate'.`, [letter.given]);
    const marked = tokens.find((token) => token.marked && table.marked?.includes(token.text));
    if (alike || marked) {
      const shown = quoted(alike ? alike.join(" ") : marked.text);
      throw new Refusal(`'${shown}' is not understood in this page, but by 'unbraid generate'.`, [shown]);
    }
  };

  // The library's sentence for a word that it does not know, with the nearest word.
  const unknownSentence = ({ table }, word) => {
    if (table.vocabulary.includes(word))
      return `'${word}' is not understood in this page, but by 'unbraid generate'.`;
    for (const [kind, pattern] of PIECES)
      if (["numbers", "sign"].includes(kind)) {
        pattern.lastIndex = 0;
        if (pattern.exec(word)?.[0] === word) return fill(table.refusals[kind], { word: quoted(word) });
      }
    const sentence = fill(table.refusals.unknown, { word: quoted(word) });
    const near = word.length > 2 ? table.vocabulary
      .filter((known) => known.length > 2 && Math.abs(known.length - word.length) <= 2)
      .map((known) => [distance(known, word), known])
      .sort((a, b) => a[0] - b[0])[0] : null;
    if (!near || near[0] > (word.length > 4 ? 2 : 1)) return sentence;
    return sentence.replace(`'${quoted(word)}'`, (found) => `${found} (did you mean '${near[1]}'?)`);
  };

  // Letters to insert, remove or replace.
  const distance = (a, b) => {
    let row = [...b, ""].map((_, at) => at);
    [...a].forEach((letter, i) => {
      const next = [i + 1];
      [...b].forEach((other, j) =>
        next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (letter !== other))));
      row = next;
    });
    return row.at(-1);
  };

  // The tokens between two stops.
  const parts = (tokens) => {
    const found = [];
    for (const token of tokens) {
      if (token.starts || !found.length) found.push([]);
      found.at(-1).push(token);
    }
    return found;
  };

  const read = (words, text) => {
    const state = new State(words);
    for (let rest of parts(prepared(words, text)))
      while (rest.length) {
        const phrase = lookUp(words, rest);
        if (!phrase) {
          const first = lookUp(words, rest.slice(0, 1)); // the library's sentence, if it has one
          if (first?.length === 1) state.take(first, rest);
          const shown = quoted(source(rest, 0, rest.length));
          throw new Refusal(`'${shown}' is not understood in this page: put commas between ` +
            "phrases, or ask 'unbraid generate', which understands more.");
        }
        rest = rest.slice(state.take(phrase, rest));
      }
    state.finish();
    return state;
  };

  // Values by name, without what every object has: a factor may be called "constructor".
  const byName = (pairs) => {
    const found = Object.create(null);
    for (const [name, value] of pairs) found[name] = value;
    return found;
  };

  // What a request says: {factors: stored value by name, free: names, chips, error, unknown}.
  // A request that is refused has a sentence in error, and no factors.
  const understand = (table, text) => {
    const words = open(table);
    const names = table.factors.map((factor) => factor.name);
    try {
      const { values } = read(words, text);
      const chosen = table.factors.flatMap((factor, index) =>
        (values.has(index) ? [[factor, values.get(index)]] : []));
      return {
        factors: byName(chosen.map(([factor, { value }]) => [factor.name, value])),
        free: names.filter((_, index) => !values.has(index)),
        chips: chosen.map(([factor, { value, word }]) => ({
          factor: factor.name, text: show(factor, value, word), value, unit: factor.unit,
        })),
        error: null,
        unknown: [],
      };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { factors: byName([]), free: names, chips: [], error: error.message, unknown: error.unknown };
    }
  };

  return { byName, understand, show, valueText, numberOf };
})();

const understand = Words.understand;
if (typeof module !== "undefined") module.exports = Words;
