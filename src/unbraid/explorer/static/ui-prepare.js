// A picture from elsewhere in the form of the run's data, as unbraid's readers of images make it.

/** Return RGBA pixels laid over a colour, as floats 0..255: one plane of luma or three of RGB. */
function flat({ data, width, height }, channels, ground) {
  const count = width * height;
  const planes = Array.from({ length: channels }, () => new Float32Array(count));
  for (let at = 0; at < count; at++) {
    const alpha = data[4 * at + 3] / 255;
    const [r, g, b] = [0, 1, 2].map((c) => Math.round(data[4 * at + c] * alpha + ground[c] * (1 - alpha)));
    if (channels === 3) [planes[0][at], planes[1][at], planes[2][at]] = [r, g, b];
    else planes[0][at] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16; // ITU-R BT.601, as Pillow
  }
  return planes;
}

const cubic = (x) => { // a = -0.5, Pillow's
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
};

/** Return the taps of each output pixel along one axis: [first, weights], of the input from..to. */
function taps(size, from, to, out) {
  const scale = (to - from) / out;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: out }, (_, at) => {
    const middle = from + (at + 0.5) * scale;
    const first = Math.max(Math.floor(middle - 2 * stretch + 0.5), 0);
    const last = Math.min(Math.floor(middle + 2 * stretch + 0.5), size);
    const weights = Array.from({ length: last - first }, (__, k) => cubic((first + k - middle + 0.5) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
    return [first, weights.map((weight) => weight / total)];
  });
}

/** Return a plane resampled from a box of it, bicubic with antialiasing. */
function resample(plane, width, height, [left, top, right, bottom], outWidth, outHeight) {
  const across = taps(width, left, right, outWidth);
  const middle = new Float32Array(outWidth * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < outWidth; column++) {
      const [first, weights] = across[column];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += plane[row * width + first + k] * weights[k];
      middle[row * outWidth + column] = clamp(Math.round(sum), 0, 255);
    }
  }
  const down = taps(height, top, bottom, outHeight);
  const found = new Float32Array(outWidth * outHeight);
  for (let row = 0; row < outHeight; row++) {
    const [first, weights] = down[row];
    for (let column = 0; column < outWidth; column++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += middle[(first + k) * outWidth + column] * weights[k];
      found[row * outWidth + column] = clamp(Math.round(sum), 0, 255);
    }
  }
  return found;
}

/** Return a picture cropped, padded or stretched to the data's size: (C, H, W), 0..255. */
function fitted(planes, width, height, [outWidth, outHeight], how, ground) {
  const wide = width / height > outWidth / outHeight;
  if (how === "pad") {
    const scale = Math.min(outWidth / width, outHeight / height);
    const [w, h] = [Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1)];
    const [left, top] = [Math.round((outWidth - w) / 2), Math.round((outHeight - h) / 2)];
    return planes.map((plane, channel) => {
      const inner = resample(plane, width, height, [0, 0, width, height], w, h);
      const padded = new Float32Array(outWidth * outHeight).fill(ground[channel]);
      for (let row = 0; row < h; row++) padded.set(inner.subarray(row * w, (row + 1) * w), (top + row) * outWidth + left);
      return padded;
    });
  }
  let box = [0, 0, width, height];
  if (how !== "stretch" && wide) {
    const kept = (height * outWidth) / outHeight;
    box = [(width - kept) / 2, 0, (width + kept) / 2, height];
  } else if (how !== "stretch") {
    const kept = (width * outHeight) / outWidth;
    box = [0, (height - kept) / 2, width, (height + kept) / 2];
  }
  return planes.map((plane) => resample(plane, width, height, box, outWidth, outHeight));
}

/** Return Otsu's threshold (1979) of greys, and the means below and above it. */
function otsu(plane) {
  const counts = new Float64Array(256);
  for (const value of plane) counts[clamp(Math.round(value), 0, 255)]++;
  let [all, sum] = [0, 0];
  counts.forEach((count, grey) => { all += count; sum += count * grey; });
  let [below, belowSum, best, found] = [0, 0, -1, null];
  for (let grey = 0; grey < 255; grey++) {
    below += counts[grey];
    belowSum += counts[grey] * grey;
    if (!below || below === all) continue;
    const [low, high] = [belowSum / below, (sum - belowSum) / (all - below)];
    const between = below * (all - below) * (high - low) ** 2;
    if (between > best) [best, found] = [between, { threshold: grey, low, high }];
  }
  return found;
}

function border(plane, width, height) {
  const values = [];
  for (let x = 0; x < width; x++) values.push(plane[x], plane[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) values.push(plane[y * width], plane[y * width + width - 1]);
  return values.sort((a, b) => a - b)[values.length >> 1];
}

/** Return how much ink there is at each pixel, 0..1, of a photo or drawing on a plain ground. */
function inkOf(plane, width, height) {
  const found = otsu(plane);
  if (!found || found.high - found.low < 24) return new Float32Array(plane.length);
  const light = border(plane, width, height) > found.threshold; // dark ink on light ground
  const [ground, ink] = light ? [found.high, found.low] : [found.low, found.high];
  // a scan's ground is not quite even: what is nearly as the ground counts as it
  const from = ground + 0.15 * (ink - ground);
  const clean = (light ? 255 - ground : ground) < 6;
  return plane.map((value) => clamp(clean ? (light ? 255 - value : value) / 255 : (value - from) / (0.85 * (ink - ground)), 0, 1));
}

/** Return ink with its larger extent brought to a share of the side, its centre of mass in the middle. */
function centred(ink, width, height, [outWidth, outHeight], extent) {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] < 0.15) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
    }
  }
  if (right < 0) return null;
  const [w, h] = [right - left + 1, bottom - top + 1];
  const target = extent * Math.max(outWidth, outHeight);
  const scale = Math.max(w, h) / target; // input pixels of an output pixel
  const [ow, oh] = [Math.max(Math.round(w / scale), 1), Math.max(Math.round(h / scale), 1)];
  const cut = new Float32Array(w * h);
  for (let y = 0; y < h; y++) cut.set(ink.subarray((top + y) * width + left, (top + y) * width + right + 1), y * w);
  const small = resample(cut.map((value) => 255 * value), w, h, [0, 0, w, h], ow, oh);
  let [mass, mx, my] = [0, 0, 0];
  small.forEach((value, at) => { mass += value; mx += value * (at % ow); my += value * Math.floor(at / ow); });
  const offX = Math.round((outWidth - 1) / 2 - mx / mass);
  const offY = Math.round((outHeight - 1) / 2 - my / mass);
  const found = new Float32Array(outWidth * outHeight);
  for (let y = 0; y < oh; y++) {
    for (let x = 0; x < ow; x++) {
      const [tx, ty] = [x + offX, y + offY];
      if (tx >= 0 && tx < outWidth && ty >= 0 && ty < outHeight) found[ty * outWidth + tx] = small[y * ow + x] / 255;
    }
  }
  return found;
}

/** Return RGB of a colour's name or #rrggbb. */
function rgbOf(name) {
  const pen = el("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  pen.fillStyle = name;
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

/**
 * Return a picture (ImageData) in the form of a run's data, (C, H, W) on [0, 1]; null of an empty one.
 *
 * `asIs` leaves out what is done to ink: centring, scaling, and light and dark changed over.
 */
function prepare(picture, about, asIs = false) {
  const [channels, height, width] = about.shape;
  const { kind, ground, fit, background, extent } = about.preparation;
  const size = [width, height];
  const under = rgbOf(background);
  const planes = flat(picture, channels === 3 || channels === 4 ? 3 : 1, kind === "picture" ? under : ground);
  const ink = kind !== "picture" && !asIs;
  if (!ink) {
    const made = fitted(planes, picture.width, picture.height, size, fit, under);
    while (made.length < channels) made.push(new Float32Array(width * height).fill(made.length === 3 ? 255 : 0));
    const found = new Float32Array(channels * width * height);
    made.slice(0, channels).forEach((plane, channel) => found.set(plane.map((value) => value / 255), channel * width * height));
    return found;
  }
  let found = inkOf(planes[0], picture.width, picture.height);
  if (!found.some((value) => value > 0.15)) return null;
  if (kind === "centred") found = centred(found, picture.width, picture.height, size, extent);
  else {
    const [made] = fitted([found.map((value) => 255 * value)], picture.width, picture.height, size, "pad", [0]);
    found = made.map((value) => value / 255);
  }
  const dark = ground[0] < 128;
  return found && found.map((value) => (dark ? ground[0] + value * (255 - ground[0]) : ground[0] * (1 - value)) / 255);
}
