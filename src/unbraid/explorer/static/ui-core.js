"use strict";
// What the page's parts share: elements, the data in the page, pictures, and runs that encode and decode.

const find = (query, at = document) => at.querySelector(query);

/** Return an element: properties that are functions or in `own` are set, the others are attributes. */
function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const own = new Set(["value", "checked", "textContent", "hidden", "disabled", "width", "height", "tabIndex"]);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function" || own.has(name)) made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const round = (value, digits = 2) => Number(value.toFixed(digits));
/** Return a number as it is shown: a minus sign, no minus zero. */
function shown(value, digits = 2) {
  const text = round(value, digits).toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
}
/** Return how many decimals show a number of a size to three significant figures: two at most. */
const decimals = (size) => (size >= 100 ? 0 : size >= 10 ? 1 : 2);
/** Return how many decimals show a hundredth of a range: 0 of a wide one. */
const placesOf = (low, high) => (high > low ? clamp(Math.ceil(-Math.log10((high - low) / 100) - 1e-9), 0, 12) : 0);
/** Return a number to three significant figures, or whole, without zeros at the end; `places`: decimals at least. */
const brief = (value, places = 0) => String(round(value, Math.max(decimals(Math.abs(value)), places)) + 0).replace("-", "\u2212");
/** Return a KL or a variance as text: of a small one, its first figure. */
const weightText = (value, digits = 2) => (value > 0 && value < 0.5 * 10 ** -digits ? String(Number(value.toPrecision(1))) : shown(value, digits));
/** Return a level of a factor as text: numbers whole, or to three significant figures, six above 100. */
function levelName(value) {
  if (typeof value !== "number") return String(value ?? "");
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(Math.abs(value) < 100 ? 3 : 6))).replace("-", "\u2212");
}
/** Return a number as text with a unit's short form; "pixels up" is that of a number going up. */
function withUnit(text, unit) {
  const [first] = (unit || "").split(" ");
  return text + ({ degrees: "\u00b0", pixels: " px" }[first] ?? (first && ` ${first}`));
}
const percent = (share) => `${Math.round(100 * share)}%`;

// -- the data in the page ---------------------------------------------------------------------------

/** Return the bytes of a data block: base64, of deflated bytes, of which the low ones may come first. */
async function bytesOf(id) {
  const block = document.getElementById(id);
  const text = atob(block.textContent.trim());
  let bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  if (block.dataset.deflated !== undefined) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  }
  const width = Number(block.dataset.planes || 1);
  if (width === 1) return bytes;
  const count = bytes.length / width;
  const joined = new Uint8Array(bytes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let at = 0, to = plane, from = plane * count; at < count; at++, to += width) joined[to] = bytes[from + at];
  }
  return joined;
}

/** Return half-precision numbers as a Float32Array. */
function halves(bytes) {
  const found = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return Float32Array.from(found, (bits) => {
    const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

// -- pictures ---------------------------------------------------------------------------------------

/** How images (C, H, W) on [0, 1] of a run are shown. */
class Painter {
  constructor(shape, signal) {
    [this.channels, this.rows, this.width] = shape;
    this.sound = signal.kind === "sound";
    this.signal = signal;
    this.height = this.sound ? this.channels * (this.rows + 1) - 1 : this.rows;
    this.size = this.channels * this.rows * this.width;
  }

  /** Return an image as RGBA bytes, into a part of `pixels` (`across` wide) if given. */
  rgba(data, pixels = new Uint8ClampedArray(4 * this.width * this.height), across = this.width, left = 0) {
    const { width, rows, channels } = this;
    const plane = rows * width;
    for (let row = 0; row < this.height; row++) {
      const channel = this.sound ? Math.floor(row / (rows + 1)) : 0;
      const within = this.sound ? row % (rows + 1) : row;
      for (let column = 0, to = 4 * (row * across + left); column < width; column++, to += 4) {
        const at = within * width + column;
        pixels[to + 3] = 255;
        if (this.sound) {
          const line = within === rows;
          const from = channel * plane + (this.signal.upwards ? rows - 1 - within : within) * width + column;
          const colour = line ? [255, 255, 255] : this.signal.colours[clamp(Math.round(255 * data[from]), 0, 255)];
          pixels.set(colour, to);
        } else if (channels === 1) {
          pixels[to] = pixels[to + 1] = pixels[to + 2] = 255 * data[at];
        } else if (channels === 2) { // the first in magenta, the second in green
          pixels[to] = pixels[to + 2] = 255 * data[at];
          pixels[to + 1] = 255 * data[at + plane];
        } else {
          const alpha = channels === 4 ? data[at + 3 * plane] : 1;
          for (let c = 0; c < 3; c++) pixels[to + c] = 255 * (data[at + c * plane] * alpha + 1 - alpha);
        }
      }
    }
    return pixels;
  }

  /** Draw images side by side on a canvas, one if `data` is a single image. */
  paint(canvas, data) {
    const images = Array.isArray(data) ? data : [data];
    const across = images.length * this.width;
    if (canvas.width !== across || canvas.height !== this.height) {
      [canvas.width, canvas.height] = [across, this.height];
    }
    const pixels = new ImageData(across, this.height);
    images.forEach((image, index) => this.rgba(image, pixels.data, across, index * this.width));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  }
}

// -- runs -------------------------------------------------------------------------------------------

/** A run of the page: its networks, latents, held-out images, their codes and factors. */
class Run {
  constructor(about, index) {
    Object.assign(this, { about, index });
    this.painter = new Painter(about.shape, about.signal);
    this.rows = about.latents.map((latent) => new Row(latent));
    this.count = about.images.count;
    this.width = about.width;
  }

  /** Read what decoding needs; the rest is read by `finish`. */
  async start() {
    this.weights = (await bytesOf(`weights-${this.index}`)).buffer;
    this.decoder = new Net(this.about.functions.decode, this.weights);
    this.codes = halves(await bytesOf(`codes-${this.index}`));
    return this;
  }

  async finish() {
    this.encoder = new Net(this.about.functions.encode, this.weights);
    const block = document.getElementById(`factors-${this.index}`);
    this.factors = block ? new Float32Array((await bytesOf(block.id)).buffer) : new Float32Array(0);
    return this;
  }

  decode(code) { return Float32Array.from(this.decoder.run([Float32Array.from(code)])[0].data); }

  /** Return the code of an image (C, H, W) and, where there is a posterior, its standard deviations. */
  encode(pixels) {
    const [code, logvar] = this.encoder.run([pixels]).map((each) => Float32Array.from(each.data));
    if (!logvar) return { code, sd: null };
    const sd = new Float32Array(this.width).fill(NaN); // of categories there is none
    sd.set(logvar.map((value) => Math.exp(value / 2)), this.width - logvar.length);
    return { code, sd };
  }

  codeOf(image) { return this.codes.slice(image * this.width, (image + 1) * this.width); }

  /** Return the held-out image whose code is the nearest, or -1 without images. */
  nearest(code) {
    let [best, least] = [-1, Infinity];
    for (let image = 0; image < this.count; image++) {
      let distance = 0;
      for (let at = 0, from = image * this.width; at < this.width && distance < least; at++) {
        distance += (code[at] - this.codes[from + at]) ** 2;
      }
      if (distance < least) [best, least] = [image, distance];
    }
    return best;
  }

  /** Return what is known of an image's factors, as text. */
  told(image, most = 3) {
    const specs = this.about.factors;
    const parts = specs.map((spec, at) => [spec.name, levelText(spec, this.factors[image * specs.length + at])]);
    return parts.filter(([, value]) => value).slice(0, most).map((part) => part.join(" ")).join(", ");
  }

  /** Return which share of the held-out images are reconstructed with a smaller error. */
  rank(error) {
    const { errors } = this.about;
    return errors.filter((each) => each < error).length / errors.length;
  }
}

/** Return a value of a factor as text; "" where it is unknown. */
function levelText(spec, value) {
  if (value === undefined || Number.isNaN(value)) return "";
  if (spec.values) return levelName(spec.values[Math.round(value)]);
  return withUnit(brief(value, placesOf(...spec.range)), spec.unit);
}

/** Return the mean squared error of a pixel. */
function meanSquare(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] - other[at]) ** 2;
  return sum / one.length;
}

/** The held-out images of the page, one sheet for all runs. */
class Sheet {
  constructor(about, painter) { Object.assign(this, { about, painter }); }

  async start() {
    const bytes = await bytesOf("sheet");
    const blob = new Blob([bytes], { type: this.about.kind });
    this.bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
    const { channels, rows, width } = this.painter;
    this.tall = channels === 3 ? rows : channels * rows;
    this.canvas = el("canvas", { width, height: this.tall });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    return this;
  }

  /** Return an image's pixels, (C, H, W) on [0, 1]. */
  pixels(image) {
    const { channels, width } = this.painter;
    const [left, top] = [(image % this.about.across) * width, Math.floor(image / this.about.across) * this.tall];
    this.pen.drawImage(this.bitmap, left, top, width, this.tall, 0, 0, width, this.tall);
    const { data } = this.pen.getImageData(0, 0, width, this.tall);
    const plane = width * this.tall;
    const found = new Float32Array(channels === 3 ? 3 * plane : plane);
    for (let at = 0; at < plane; at++) {
      for (let c = 0; c < found.length / plane; c++) found[c * plane + at] = data[4 * at + c] / 255;
    }
    return found;
  }
}
