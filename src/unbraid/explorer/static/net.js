// Runs graphs of explorer/graph.py: `new Net(graph, weights).run([numbers, ...])`.
//
// All numbers lie in one memory, planned when a Net is made, so that a run allocates nothing.
// Products go through a kernel of WebAssembly with SIMD where the browser has it, else the same in
// plain JavaScript. Works in a page, in a Worker and in node; needs nothing else.

const Net = (() => {
  // -- the kernel --------------------------------------------------------------------------------

  // Two functions of byte addresses, assembled here so that there is no binary file:
  // gemm(a, b, c, panels, k, n8): c = a b; a in panels of 4 rows, (panels, k, 4); b (k, n8), c
  //   (4 panels, n8) by rows; n8 is a multiple of 8.
  // dot(x, w, y, k, n4): y[j] = sum over i of x[i] w[j, i] for j < n4, a multiple of 4; w has rows
  //   of k, of which the first k - k % 4 columns are summed.
  const assemble = () => {
    const leb = (n) => { // signed; it serves for small unsigned numbers, too
      const out = [];
      for (;;) {
        const low = n & 127;
        n >>= 7;
        if ((n === 0 && !(low & 64)) || (n === -1 && low & 64)) return [...out, low];
        out.push(low | 128);
      }
    };
    const unsigned = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >> 7)]);
    const I32 = 0x7f, V128 = 0x7b;
    const get = (i) => [0x20, i], set = (i) => [0x21, i], num = (n) => [0x41, ...leb(n)];
    const add = [0x6a], mul = [0x6c], and = [0x71], less = [0x49];
    const vec = (op, ...rest) => [0xfd, ...unsigned(op), ...rest];
    const load = (at) => vec(0, 2, ...unsigned(at)), splat = (at) => vec(9, 2, ...unsigned(at));
    const store = (at) => vec(11, 2, ...unsigned(at));
    const vadd = vec(0xe4), vmul = vec(0xe6), zero = vec(12, ...new Array(16).fill(0));
    const lane = (i) => vec(0x1f, i), fadd = [0x92], fstore = (at) => [0x38, 2, ...unsigned(at)];
    const step = (i, by) => [...get(i), ...by, ...add, ...set(i)];
    const loop = (body, i, end) => // while i < end; runs at least once
      [0x03, 0x40, ...body, ...get(i), ...end, ...less, 0x0d, 0, 0x0b];
    const code = (locals, body) => {
      const groups = locals.flatMap(([count, type]) => [count, type]);
      const all = [locals.length, ...groups, ...body, 0x0b];
      return [...unsigned(all.length), ...all];
    };

    // gemm: 0 a, 1 b, 2 c, 3 panels, 4 k, 5 n8; 6 row bytes, 7 n, 8 a here, 9 b here, 10 a's end,
    // 11 c here, 12 end of panels; 13..20 sums of 4 rows by 8 columns, 21 22 columns, 23 one of a
    const rows = [0, 1, 2, 3];
    const gemm = code([[7, I32], [11, V128]], [
      ...get(5), ...num(4), ...mul, ...set(6),
      ...get(0), ...get(3), ...get(4), ...mul, ...num(16), ...mul, ...add, ...set(12),
      ...loop([
        ...num(0), ...set(7),
        ...loop([
          ...rows.flatMap((r) => [...zero, ...set(13 + 2 * r), ...zero, ...set(14 + 2 * r)]),
          ...get(0), ...set(8),
          ...get(1), ...get(7), ...add, ...set(9),
          ...get(0), ...get(4), ...num(16), ...mul, ...add, ...set(10),
          ...loop([
            ...get(9), ...load(0), ...set(21), ...get(9), ...load(16), ...set(22),
            ...rows.flatMap((r) => [
              ...get(8), ...splat(4 * r), ...set(23),
              ...get(23), ...get(21), ...vmul, ...get(13 + 2 * r), ...vadd, ...set(13 + 2 * r),
              ...get(23), ...get(22), ...vmul, ...get(14 + 2 * r), ...vadd, ...set(14 + 2 * r),
            ]),
            ...step(9, get(6)), ...step(8, num(16)),
          ], 8, get(10)),
          ...get(2), ...get(7), ...add, ...set(11),
          ...rows.flatMap((r) => [
            ...get(11), ...get(13 + 2 * r), ...store(0),
            ...get(11), ...get(14 + 2 * r), ...store(16),
            ...step(11, get(6)),
          ]),
          ...step(7, num(32)),
        ], 7, get(6)),
        ...get(2), ...get(6), ...num(4), ...mul, ...add, ...set(2),
        ...get(10), ...set(0),
      ], 0, get(12)),
    ]);

    // dot: 0 x, 1 w, 2 y, 3 k, 4 n4; 5 row bytes, 6 x here, 7 x's end, 8 w here, 9 y's end,
    // 10..12 w of further rows; 13..16 sums, 17 four of x
    const dot = code([[8, I32], [5, V128]], [
      ...get(3), ...num(4), ...mul, ...set(5),
      ...get(0), ...get(3), ...num(-4), ...and, ...num(4), ...mul, ...add, ...set(7),
      ...get(2), ...get(4), ...num(4), ...mul, ...add, ...set(9),
      ...loop([
        ...rows.flatMap((r) => [...zero, ...set(13 + r)]),
        ...get(0), ...set(6),
        ...get(1), ...set(8),
        ...[10, 11, 12].flatMap((w, r) => [
          ...get(r ? w - 1 : 8), ...get(5), ...add, ...set(w),
        ]),
        ...loop([
          ...get(6), ...load(0), ...set(17),
          ...rows.flatMap((r) => {
            const w = r ? 9 + r : 8;
            return [
              ...get(w), ...load(0), ...get(17), ...vmul, ...get(13 + r), ...vadd, ...set(13 + r),
              ...step(w, num(16)),
            ];
          }),
          ...step(6, num(16)),
        ], 6, get(7)),
        ...rows.flatMap((r) => [
          ...get(2),
          ...rows.flatMap((l) => [...get(13 + r), ...lane(l), ...(l ? fadd : [])]),
          ...fstore(4 * r),
        ]),
        ...get(1), ...get(5), ...num(4), ...mul, ...add, ...set(1),
        ...step(2, num(16)),
      ], 2, get(9)),
    ]);

    const section = (id, body) => [id, ...unsigned(body.length), ...body];
    const name = (text) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];
    return new Uint8Array([
      0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
      ...section(1, [2, 0x60, 6, ...new Array(6).fill(I32), 0, 0x60, 5, ...new Array(5).fill(I32), 0]),
      ...section(2, [1, ...name("e"), ...name("m"), 2, 0, 1]), // memory of 1 page or more
      ...section(3, [2, 0, 1]),
      ...section(7, [2, ...name("gemm"), 0, 0, ...name("dot"), 0, 1]),
      ...section(10, [2, ...gemm, ...dot]),
    ]);
  };

  let compiled; // once for all Nets; null where there is no WebAssembly or a page forbids it
  const kernel = (memory) => {
    try {
      compiled ??= new WebAssembly.Module(assemble());
      return new WebAssembly.Instance(compiled, { e: { m: memory } }).exports;
    } catch {
      return null;
    }
  };

  const plainGemm = (f) => (a, b, c, panels, k, n) => {
    a >>= 2; b >>= 2; c >>= 2;
    for (let p = 0; p < panels; p++) {
      for (let r = 0; r < 4; r++) {
        const to = c + (4 * p + r) * n;
        f.fill(0, to, to + n);
        for (let i = 0; i < k; i++) {
          const factor = f[a + (p * k + i) * 4 + r];
          const from = b + i * n;
          if (factor !== 0) for (let j = 0; j < n; j++) f[to + j] += factor * f[from + j];
        }
      }
    }
  };

  const plainDot = (f) => (x, w, y, k, n) => {
    x >>= 2; w >>= 2; y >>= 2;
    const whole = k & -4;
    for (let j = 0; j < n; j++, w += k) {
      let one = 0, two = 0, three = 0, four = 0;
      for (let i = 0; i < whole; i += 4) {
        one += f[x + i] * f[w + i];
        two += f[x + i + 1] * f[w + i + 1];
        three += f[x + i + 2] * f[w + i + 2];
        four += f[x + i + 3] * f[w + i + 3];
      }
      f[y + j] = one + two + three + four;
    }
  };

  // -- functions of numbers ----------------------------------------------------------------------

  const erf = (x) => {
    if (Math.abs(x) > 6) return Math.sign(x);
    let term = x, sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  };
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const softplus = (x, beta = 1, threshold = 20) =>
    (x * beta > threshold ? x : Math.log1p(Math.exp(x * beta)) / beta);
  const ndtr = (x) => 0.5 * (1 + erf(x * Math.SQRT1_2));
  const MAPS = {
    ...Object.fromEntries(["abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos",
      "cosh", "exp", "expm1", "floor", "log", "log10", "log1p", "log2", "sign", "sin", "sinh",
      "sqrt", "tan", "tanh", "trunc"].map((name) => [name, Math[name]])),
    erf, sigmoid, softplus,
    neg: (x) => -x,
    reciprocal: (x) => 1 / x,
    relu: (x) => (x < 0 ? 0 : x),
    round: (x) => {
      const down = Math.floor(x), over = x - down;
      return over < 0.5 || (over === 0.5 && down % 2 === 0) ? down : down + 1;
    },
    rsqrt: (x) => 1 / Math.sqrt(x),
    isnan: (x) => (x !== x ? 1 : 0),
    isinf: (x) => (Math.abs(x) === Infinity ? 1 : 0),
    leaky_relu: (x, slope) => (x < 0 ? slope * x : x),
    elu: (x, alpha, scale, inside) => scale * (x < 0 ? alpha * Math.expm1(inside * x) : x),
    gelu: (x) => x * ndtr(x),
    gelutanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    silu: (x) => x * sigmoid(x),
    mish: (x) => x * Math.tanh(softplus(x)),
    hardsigmoid: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
    hardswish: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1),
    special_ndtr: ndtr,
  };
  const ZIPS = {
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    mul: (a, b) => a * b,
    div: (a, b) => a / b,
    max: Math.max,
    min: Math.min,
    pow: (a, b) => a ** b,
    atan2: Math.atan2,
    fmod: (a, b) => a % b,
    remainder: (a, b) => {
      const rest = a % b;
      return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
    },
    eq: (a, b) => (a === b ? 1 : 0),
    ne: (a, b) => (a !== b ? 1 : 0),
    lt: (a, b) => (a < b ? 1 : 0),
    le: (a, b) => (a <= b ? 1 : 0),
    gt: (a, b) => (a > b ? 1 : 0),
    ge: (a, b) => (a >= b ? 1 : 0),
    and: (a, b) => (a && b ? 1 : 0),
    or: (a, b) => (a || b ? 1 : 0),
  };
  const over = (start, step) => (x, from, n) => {
    let found = start;
    for (let i = from; i < from + n; i++) found = step(found, x[i]);
    return found;
  };
  const arg = (better) => (x, from, n) => {
    let best = 0;
    for (let i = 1; i < n; i++) if (better(x[from + i], x[from + best])) best = i;
    return best;
  };
  const sum = over(0, ZIPS.add);
  const spread = (x, from, n) => {
    const mean = sum(x, from, n) / n;
    let found = 0;
    for (let i = from; i < from + n; i++) found += (x[i] - mean) ** 2;
    return found / n;
  };
  const REDUCES = {
    sum,
    mean: (x, from, n) => sum(x, from, n) / n,
    prod: over(1, ZIPS.mul),
    max: over(-Infinity, Math.max),
    min: over(Infinity, Math.min),
    any: over(0, ZIPS.or),
    all: over(1, ZIPS.and),
    argmax: arg(ZIPS.gt),
    argmin: arg(ZIPS.lt),
    variance: spread,
  };

  // -- operators ---------------------------------------------------------------------------------

  const size = (shape) => shape.reduce((product, n) => product * n, 1);
  const up = (n, to) => Math.ceil(n / to) * to;
  const places = (shape, offset, strides) => { // where each number of a result comes from
    const found = new Int32Array(size(shape)).fill(offset);
    let inner = 1;
    for (let d = shape.length - 1; d >= 0; inner *= shape[d--]) {
      if (strides[d]) {
        for (let i = 0; i < found.length; i++) {
          found[i] += (Math.floor(i / inner) % shape[d]) * strides[d];
        }
      }
    }
    return found;
  };
  const plain = (shape, strides) => { // whether strides go through all numbers in order
    let step = 1;
    for (let d = shape.length - 1; d >= 0; step *= shape[d--]) {
      if (shape[d] !== 1 && strides[d] !== step) return false;
    }
    return true;
  };
  const identity = (y) => {
    const found = new Int32Array(y.length);
    for (let i = 0; i < y.length; i++) found[i] = i;
    return found;
  };

  // Each returns what a run does, given its result y, its inputs and its attributes.
  const OPERATORS = {
    strided: (y, [x], shape, offset, strides) => {
      const at = places(shape, offset, strides);
      return () => { for (let i = 0; i < y.length; i++) y[i] = x[at[i]]; };
    },
    take: (y, [x, at], shape, inner, fill) => () => {
      for (let i = 0, to = 0; i < at.length; i++) {
        const from = at[i] * inner;
        for (let j = 0; j < inner; j++) y[to++] = from < 0 ? fill : x[from + j];
      }
    },
    cat: (y, parts, shape, outer, inners) => () => {
      for (let i = 0, to = 0; i < outer; i++) {
        for (let p = 0; p < parts.length; p++) {
          const from = i * inners[p], part = parts[p];
          for (let j = 0; j < inners[p]; j++) y[to++] = part[from + j];
        }
      }
    },
    map: (y, [x], shape, name, ...numbers) => {
      const f = MAPS[name], n = y.length, [a, b, c] = numbers;
      if (name === "relu") return () => { for (let i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i]; };
      if (name === "sigmoid") {
        return () => { for (let i = 0; i < n; i++) y[i] = 1 / (1 + Math.exp(-x[i])); };
      }
      return () => { for (let i = 0; i < n; i++) y[i] = f(x[i], a, b, c); };
    },
    zip: (y, [a, b], shape, name, one, other) => {
      const f = ZIPS[name], n = y.length;
      if (plain(shape, one) && plain(shape, other)) {
        if (name === "add") return () => { for (let i = 0; i < n; i++) y[i] = a[i] + b[i]; };
        if (name === "mul") return () => { for (let i = 0; i < n; i++) y[i] = a[i] * b[i]; };
        return () => { for (let i = 0; i < n; i++) y[i] = f(a[i], b[i]); };
      }
      const at = places(shape, 0, one), bt = places(shape, 0, other);
      if (name === "add") return () => { for (let i = 0; i < n; i++) y[i] = a[at[i]] + b[bt[i]]; };
      if (name === "mul") return () => { for (let i = 0; i < n; i++) y[i] = a[at[i]] * b[bt[i]]; };
      return () => { for (let i = 0; i < n; i++) y[i] = f(a[at[i]], b[bt[i]]); };
    },
    where: (y, [c, a, b], shape, ...strides) => {
      const [ct, at, bt] = strides.map((each) => places(shape, 0, each));
      return () => { for (let i = 0; i < y.length; i++) y[i] = c[ct[i]] ? a[at[i]] : b[bt[i]]; };
    },
    reduce: (y, [x], shape, name, outer, inner) => {
      const f = REDUCES[name];
      return () => { for (let i = 0; i < outer; i++) y[i] = f(x, i * inner, inner); };
    },
    softmax: (y, [x], shape, outer, inner) => () => {
      for (let from = 0; from < outer * inner; from += inner) {
        const most = REDUCES.max(x, from, inner);
        let total = 0;
        for (let i = from; i < from + inner; i++) total += y[i] = Math.exp(x[i] - most);
        for (let i = from; i < from + inner; i++) y[i] /= total;
      }
    },
    logsoftmax: (y, [x], shape, outer, inner) => () => {
      for (let from = 0; from < outer * inner; from += inner) {
        const most = REDUCES.max(x, from, inner);
        let total = 0;
        for (let i = from; i < from + inner; i++) total += Math.exp(x[i] - most);
        for (let i = from; i < from + inner; i++) y[i] = x[i] - most - Math.log(total);
      }
    },
    cumsum: (y, [x], shape, outer, inner) => () => {
      for (let i = 0, total = 0; i < outer * inner; i++) y[i] = total = (i % inner ? total : 0) + x[i];
    },
    normalise: (y, [x], shape, epsilon, outer, inner) => () => {
      for (let from = 0; from < outer * inner; from += inner) {
        const mean = sum(x, from, inner) / inner;
        const scale = 1 / Math.sqrt(spread(x, from, inner) + epsilon);
        for (let i = from; i < from + inner; i++) y[i] = (x[i] - mean) * scale;
      }
    },
    affine: (y, [x, scale, shift], shape, outer, count, inner) => () => {
      for (let o = 0, i = 0; o < outer; o++) {
        for (let c = 0; c < count; c++) {
          for (const end = i + inner; i < end; i++) y[i] = x[i] * scale[c] + shift[c];
        }
      }
    },
    linear: (y, [x, w, bias], shape, m, k, n, { dot }) => {
      const whole = n & -4, tail = k & -4;
      return () => {
        for (let row = 0; row < m; row++) {
          const to = row * n, from = row * k;
          if (whole && tail) {
            dot(x.byteOffset + 4 * from, w.byteOffset, y.byteOffset + 4 * to, k, whole);
          }
          for (let j = 0; j < n; j++) {
            let total = j < whole && tail ? y[to + j] : 0;
            for (let i = j < whole ? tail : 0; i < k; i++) total += x[from + i] * w[j * k + i];
            y[to + j] = bias ? total + bias[j] : total;
          }
        }
      };
    },
    matmul: (y, [a, b], shape, batch, m, k, n) => () => {
      for (let s = 0, to = 0; s < batch; s++) {
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++, to++) {
            let total = 0;
            for (let l = 0; l < k; l++) total += a[(s * m + i) * k + l] * b[(s * k + l) * n + j];
            y[to] = total;
          }
        }
      }
    },
    conv: (y, [x, w, bias], shape, from, kernel, stride, padding, dilation, groups, { panels, room, gemm, weighs }) => {
      const [batch, channels, height, width] = from, [outputs, inputs, tall, wide] = kernel;
      const [, , rows, columns] = shape;
      const k = inputs * tall * wide, n = rows * columns, n8 = up(n, 8), m = outputs / groups;
      const packed = panels(w, groups, m, k, (g, row, i) => (g * m + row) * k + i);
      const seen = room(0, k * n8), found = room(1, up(m, 4) * n8);
      return () => {
        if (weighs) packed.fill(); // weights that depend on the input
        for (let b = 0; b < batch; b++) {
          for (let g = 0; g < groups; g++) {
            const first = (b * channels + g * inputs) * height * width;
            for (let c = 0, to = 0; c < inputs; c++) {
              for (let ky = 0; ky < tall; ky++) {
                for (let kx = 0; kx < wide; kx++, to += n8) {
                  for (let r = 0, at = to; r < rows; r++) {
                    const py = r * stride[0] - padding[0] + ky * dilation[0];
                    const line = first + (c * height + py) * width;
                    const inside = py >= 0 && py < height;
                    let px = kx * dilation[1] - padding[1];
                    for (let q = 0; q < columns; q++, px += stride[1]) {
                      seen[at++] = inside && px >= 0 && px < width ? x[line + px] : 0;
                    }
                  }
                }
              }
            }
            gemm(packed.at(g), seen.byteOffset, found.byteOffset, packed.count, k, n8);
            for (let o = 0; o < m; o++) {
              const to = (b * outputs + g * m + o) * n, add = bias ? bias[g * m + o] : 0;
              for (let i = 0; i < n; i++) y[to + i] = found[o * n8 + i] + add;
            }
          }
        }
      };
    },
    deconv: (y, [x, w, bias], shape, from, kernel, stride, padding, dilation, groups, { panels, room, gemm, weighs }) => {
      const [batch, channels, height, width] = from, [, outputs, tall, wide] = kernel;
      const [, all, rows, columns] = shape;
      const k = channels / groups, n = height * width, n8 = up(n, 8), m = outputs * tall * wide;
      const packed = panels(w, groups, m, k, (g, row, i) => (g * k + i) * m + row);
      const seen = room(0, k * n8), found = room(1, up(m, 4) * n8);
      return () => {
        if (weighs) packed.fill(); // weights that depend on the input
        for (let b = 0; b < batch; b++) {
          for (let g = 0; g < groups; g++) {
            for (let c = 0; c < k; c++) {
              const line = (b * channels + g * k + c) * n;
              for (let i = 0; i < n; i++) seen[c * n8 + i] = x[line + i];
            }
            gemm(packed.at(g), seen.byteOffset, found.byteOffset, packed.count, k, n8);
            for (let o = 0, row = 0; o < outputs; o++) {
              const to = (b * all + g * outputs + o) * rows * columns;
              y.fill(bias ? bias[g * outputs + o] : 0, to, to + rows * columns);
              for (let ky = 0; ky < tall; ky++) {
                for (let kx = 0; kx < wide; kx++, row++) {
                  for (let r = 0, i = row * n8; r < height; r++) {
                    const py = r * stride[0] - padding[0] + ky * dilation[0];
                    if (py < 0 || py >= rows) { i += width; continue; }
                    const line = to + py * columns;
                    let px = kx * dilation[1] - padding[1];
                    for (let q = 0; q < width; q++, i++, px += stride[1]) {
                      if (px >= 0 && px < columns) y[line + px] += found[i];
                    }
                  }
                }
              }
            }
          }
        }
      };
    },
    grid: (y, [x, grid], shape, from, mode, padding, align) => {
      const [, channels, height, width] = from, n = shape[2] * shape[3];
      const place = (at, count) => {
        const found = align ? ((at + 1) / 2) * (count - 1) : ((at + 1) * count - 1) / 2;
        return padding ? Math.min(Math.max(found, 0), count - 1) : found;
      };
      return () => {
        for (let b = 0; b < shape[0]; b++) {
          for (let i = 0; i < n; i++) {
            let px = place(grid[2 * (b * n + i)], width), py = place(grid[2 * (b * n + i) + 1], height);
            if (mode) [px, py] = [MAPS.round(px), MAPS.round(py)];
            const left = Math.floor(px), top = Math.floor(py), right = px - left, down = py - top;
            for (let c = 0; c < channels; c++) {
              const plane = (b * channels + c) * height * width;
              let total = 0;
              for (let v = 0; v < 2; v++) {
                for (let u = 0; u < 2; u++) {
                  const share = (u ? right : 1 - right) * (v ? down : 1 - down);
                  const h = left + u, r = top + v;
                  if (share && h >= 0 && h < width && r >= 0 && r < height) {
                    total += share * x[plane + r * width + h];
                  }
                }
              }
              y[(b * channels + c) * n + i] = total;
            }
          }
        }
      };
    },
    pool: (y, [x], shape, from, window, stride, padding, dilation) => {
      const [height, width] = from.slice(-2), [rows, columns] = shape.slice(-2);
      const planes = y.length / (rows * columns);
      return () => {
        for (let p = 0, to = 0; p < planes; p++) {
          for (let r = 0; r < rows; r++) {
            for (let q = 0; q < columns; q++) {
              let most = -Infinity;
              for (let v = 0; v < window[0]; v++) {
                const py = r * stride[0] - padding[0] + v * dilation[0];
                for (let u = 0; u < window[1]; u++) {
                  const px = q * stride[1] - padding[1] + u * dilation[1];
                  if (py >= 0 && py < height && px >= 0 && px < width) {
                    most = Math.max(most, x[(p * height + py) * width + px]);
                  }
                }
              }
              y[to++] = most;
            }
          }
        }
      };
    },
  };

  // -- weights -----------------------------------------------------------------------------------

  const halves = (bits) => { // of float16; subnormal numbers, too
    const found = new Float32Array(bits.length), words = new Uint32Array(found.buffer);
    for (let i = 0; i < bits.length; i++) {
      const half = bits[i], rest = half & 0x7fff;
      if (rest >= 0x400) words[i] = ((half & 0x8000) << 16) | ((rest << 13) + 0x38000000);
      else found[i] = (half & 0x8000 ? -rest : rest) * 2 ** -24;
    }
    return found;
  };
  const SPECIAL = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  const constant = ([offset, half, shape], weights) => {
    if (shape === undefined) return Float32Array.of(offset in SPECIAL ? SPECIAL[offset] : offset);
    const n = size(shape);
    return half ? halves(new Uint16Array(weights, offset, n)) : new Float32Array(weights, offset, n);
  };

  // -- the net -----------------------------------------------------------------------------------

  return class Net {
    // graph: of explorer/graph.py; weights: its ArrayBuffer; scalar: without WebAssembly
    constructor(graph, weights, { scalar = false } = {}) {
      const { inputs, constants, nodes, outputs } = graph;
      const first = inputs.length + constants.length, count = first + nodes.length;
      const shapes = [...inputs, ...constants.map(([, , shape]) => shape ?? []), ...nodes.map((n) => n[2])];
      const roots = shapes.map((_, i) => [i, 0]); // whose memory a value lies in, and where
      const fixed = shapes.map((_, i) => i >= inputs.length && i < first); // does not change
      const last = new Array(count).fill(-1); // the last node that reads it
      const packs = (name, at) => at === 1 && (name === "conv" || name === "deconv");
      const placed = new Set(); // constants that lie in the memory as they are
      nodes.forEach(([name, from, , offset], i) => {
        if (!(name in OPERATORS) && name !== "view") throw new Error(`no operator ${name}: a newer graph?`);
        fixed[first + i] = from.every((each) => fixed[each]);
        if (name === "view") roots[first + i] = [roots[from[0]][0], roots[from[0]][1] + offset];
        from.forEach((each, at) => {
          const [root] = roots[each];
          last[root] = i;
          if (!packs(name, at) || each >= first) placed.add(root); // not as panels only
        });
      });
      for (const each of outputs) {
        last[roots[each][0]] = Infinity;
        placed.add(roots[each][0]);
      }

      // Where everything lies: first what stays, then values that give way to later ones.
      let top = 0;
      const offsets = new Array(count), free = [];
      const claim = (n) => {
        const at = top;
        top += up(n, 4);
        return at;
      };
      const reuse = (n) => {
        const wanted = up(n, 4);
        let best = -1;
        free.forEach(([, room], i) => {
          if (room >= wanted && (best < 0 || room < free[best][1])) best = i;
        });
        if (best < 0) return claim(n);
        const [at, room] = free[best];
        if (room > wanted) free[best] = [at + wanted, room - wanted];
        else free.splice(best, 1);
        return at;
      };
      const stays = (i) => i < first || fixed[i] || last[i] === Infinity;
      const lies = (i) => roots[i][0] === i && (i < inputs.length || i >= first || placed.has(i));
      for (let i = 0; i < count; i++) if (lies(i) && stays(i)) offsets[i] = claim(size(shapes[i]));
      const ends = new Map(); // node -> what nobody reads after it
      for (let i = first; i < count; i++) {
        if (lies(i) && !stays(i)) {
          if (!ends.has(last[i])) ends.set(last[i], []);
          ends.get(last[i]).push(i);
        }
      }
      for (let i = 0; i < nodes.length; i++) {
        const own = first + i;
        if (lies(own) && !stays(own)) offsets[own] = reuse(size(shapes[own]));
        for (const each of ends.get(i) ?? []) free.push([offsets[each], up(size(shapes[each]), 4)]);
      }
      const rooms = [0, 0], work = []; // scratch space; operators are made once it has its place
      const packed = []; // weights of convolutions
      for (const [name, [, w], shape, from, kernel, , , , groups] of nodes) {
        if (name !== "conv" && name !== "deconv") continue;
        const area = name === "conv" ? shape : from;
        const k = name === "conv" ? size(kernel.slice(1)) : from[1] / groups;
        const m = name === "conv" ? kernel[0] / groups : size(kernel.slice(1));
        const n8 = up(area[2] * area[3], 8);
        rooms[0] = Math.max(rooms[0], k * n8);
        rooms[1] = Math.max(rooms[1], up(m, 4) * n8);
        packed.push(claim(groups * up(m, 4) * k));
      }
      const scratch = rooms.map(claim);

      const bytes = Math.max(up(4 * top, 65536), 65536);
      let memory = null;
      if (!scalar) {
        try {
          memory = new WebAssembly.Memory({ initial: bytes / 65536, maximum: bytes / 65536 });
        } catch { /* the plain functions do it */ }
      }
      const simd = memory && kernel(memory);
      const f = new Float32Array(simd ? memory.buffer : bytes / 4);
      const { gemm, dot } = simd ?? { gemm: plainGemm(f), dot: plainDot(f) };
      this.simd = Boolean(simd);
      const values = shapes.map((shape, i) => {
        const [root, offset] = roots[i];
        if (offsets[root] === undefined) return null;
        return f.subarray(offsets[root] + offset, offsets[root] + offset + size(shape));
      });
      const loose = new Map(); // constants that lie in the memory only as panels
      constants.forEach((each, i) => {
        const at = inputs.length + i;
        if (values[at]) values[at].set(constant(each, weights));
        else loose.set(at, each);
      });

      let next = 0;
      const tools = {
        gemm,
        dot,
        room: (which, n) => f.subarray(scratch[which], scratch[which] + n),
        panels: (w, groups, m, k, place) => {
          const start = packed[next++], panels = up(m, 4) / 4;
          const fill = () => {
            let at = start;
            for (let g = 0; g < groups; g++) {
              for (let p = 0; p < panels; p++) {
                for (let i = 0; i < k; i++) {
                  for (let r = 0; r < 4; r++) f[at++] = 4 * p + r < m ? w[place(g, 4 * p + r, i)] : 0;
                }
              }
            }
          };
          fill();
          return { count: panels, at: (g) => 4 * (start + g * panels * k * 4), fill };
        },
      };
      nodes.forEach(([name, from, shape, ...attributes], i) => {
        if (name === "view") return;
        const given = from.map((each) => values[each] ?? constant(loose.get(each), weights));
        const more = { ...tools, weighs: !fixed[from[1]] };
        const act = OPERATORS[name](values[first + i], given, shape, ...attributes, more);
        if (fixed[first + i]) act();
        else work.push(act);
      });
      this.inputs = inputs.map((shape, i) => ({ data: values[i], shape }));
      this.outputs = outputs.map((i) => ({ data: values[i], shape: shapes[i] }));
      this.work = work;
      this.bytes = bytes;
    }

    // Arrays of numbers, one for each input; what is returned holds until the next run.
    run(inputs) {
      this.inputs.forEach(({ data }, i) => {
        if (inputs[i].length !== data.length) {
          throw new Error(`input ${i} has ${inputs[i].length} numbers, expected ${data.length}`);
        }
        data.set(inputs[i]);
      });
      for (const act of this.work) act();
      return this.outputs;
    }
  };
})();
if (typeof module === "object" && module.exports) module.exports = { Net };
