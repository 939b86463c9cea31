// A GIF of frames: a palette (exact up to 256 colours, else median cut) and LZW, as GIF89a has them.

/** Return at most 256 colours [r, g, b] for pixels, and the index of each packed colour. */
function paletteOf(frames) {
  const counts = new Map();
  for (const { data } of frames) {
    for (let at = 0; at < data.length; at += 4) {
      const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
      counts.set(colour, (counts.get(colour) || 0) + 1);
    }
  }
  const part = (colour, channel) => (colour >> (16 - 8 * channel)) & 255;
  let boxes = [[...counts.keys()]];
  const spread = (box) => [0, 1, 2].map((channel) => {
    let [low, high] = [255, 0];
    for (const colour of box) [low, high] = [Math.min(low, part(colour, channel)), Math.max(high, part(colour, channel))];
    return high - low;
  });
  if (counts.size <= 256) boxes = boxes[0].map((colour) => [colour]);
  const widths = boxes.map((box) => Math.max(...spread(box)));
  while (boxes.length < 256 && counts.size > 256) { // Heckbert 1982: halve the box of the widest range
    const at = widths.indexOf(Math.max(...widths));
    if (widths[at] <= 0) break;
    const box = boxes[at];
    const ranges = spread(box);
    const channel = ranges.indexOf(Math.max(...ranges));
    box.sort((one, other) => part(one, channel) - part(other, channel));
    const total = box.reduce((sum, colour) => sum + counts.get(colour), 0);
    let [cut, below] = [0, 0];
    while (cut < box.length - 1 && (below < total / 2 || cut === 0)) below += counts.get(box[cut++]);
    const halves = [box.slice(0, cut), box.slice(cut)].filter((half) => half.length);
    boxes.splice(at, 1, ...halves);
    widths.splice(at, 1, ...halves.map((half) => (half.length > 1 ? Math.max(...spread(half)) : 0)));
  }
  const index = new Map();
  const palette = boxes.map((box, at) => {
    const sum = [0, 0, 0];
    let total = 0;
    for (const colour of box) {
      index.set(colour, at);
      const count = counts.get(colour);
      total += count;
      for (let channel = 0; channel < 3; channel++) sum[channel] += count * part(colour, channel);
    }
    return sum.map((value) => Math.round(value / total));
  });
  return { palette, index };
}

/** Return indices compressed by LZW, in blocks of at most 255 bytes. */
function lzw(pixels, bits) {
  const [clear, end] = [1 << bits, (1 << bits) + 1];
  const packed = [];
  let [held, count, size, next, table] = [0, 0, bits + 1, end + 1, new Map()];
  const put = (code) => {
    held |= code << count;
    count += size;
    while (count >= 8) { packed.push(held & 255); held >>>= 8; count -= 8; }
  };
  put(clear);
  let prefix = pixels[0];
  for (let at = 1; at < pixels.length; at++) {
    const key = (prefix << 8) | pixels[at];
    const known = table.get(key);
    if (known !== undefined) { prefix = known; continue; }
    put(prefix);
    if (next < 4096) {
      if (next === 1 << size && size < 12) size++;
      table.set(key, next++);
    } else {
      put(clear);
      [size, next, table] = [bits + 1, end + 1, new Map()];
    }
    prefix = pixels[at];
  }
  put(prefix);
  if (next === 1 << size && size < 12) size++;
  put(end);
  if (count) packed.push(held & 255);
  const blocks = [];
  for (let at = 0; at < packed.length; at += 255) {
    const block = packed.slice(at, at + 255);
    blocks.push(block.length, ...block);
  }
  return [...blocks, 0];
}

/** Return the bytes of a GIF that repeats: frames are ImageData of one size, `delay` in 1/100 s. */
function gif(frames, delay = 8) {
  const { width, height } = frames[0];
  const { palette, index } = paletteOf(frames);
  const bits = Math.max(2, Math.ceil(Math.log2(Math.max(palette.length, 2))));
  const word = (value) => [value & 255, value >> 8];
  const letters = (text) => [...text].map((letter) => letter.charCodeAt(0));
  const parts = [[...letters("GIF89a"), ...word(width), ...word(height), 0xf0 | (bits - 1), 0, 0]];
  parts.push(Array.from({ length: 1 << bits }, (_, at) => palette[at] || [0, 0, 0]).flat());
  parts.push([0x21, 0xff, 11, ...letters("NETSCAPE2.0"), 3, 1, 0, 0, 0]);
  for (const { data } of frames) {
    const pixels = new Uint8Array(data.length / 4);
    for (let at = 0; at < pixels.length; at++) {
      pixels[at] = index.get((data[4 * at] << 16) | (data[4 * at + 1] << 8) | data[4 * at + 2]);
    }
    parts.push([0x21, 0xf9, 4, 4, ...word(delay), 0, 0, 0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0, bits]);
    parts.push(lzw(pixels, bits));
  }
  parts.push([0x3b]);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { bytes.set(part, at); at += part.length; }
  return bytes;
}
