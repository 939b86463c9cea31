// The panel of requests: the request box on the page's first run.

const ASK_EXAMPLES = 3;

/** Add the panel of requests; return what `mountWords` returns. */
function askPanel(state, about, panels, panel) {
  const { run } = state, { words } = about, root = el("div");
  const net = (name) => run.about.functions[name] && new Net(run.about.functions[name], run.weights);
  const nets = { decode: run.decoder, encode: run.encoder };
  for (const name of ["columns", "factors", "style"]) nets[name] = net(name);
  const paint = (pixels) => ({ width: run.painter.width, height: run.painter.height, data: run.painter.rgba(pixels) });
  let begun = null, wanted = null, box = null;
  const begin = async () => {
    if (words.judge) nets.judge = new Net(words.judge, (await bytesOf("weights-judge")).buffer);
    const table = JSON.parse(new TextDecoder().decode(await bytesOf("words")));
    const drawer = new WordsDraw.Drawer({ ...words, table }, nets, paint);
    box = mountWords(root, {
      table,
      hands: words.hands,
      heading: run.about.signal.kind === "sound" ? "Describe a recording" : undefined,
      draw: (factors, hand) => drawer.draw(factors, hand),
      read: (image) => drawer.read(image),
      examples: askExamples(table),
      note: words.note,
      chosen: ({ code }) => state.setCode(code),
      changed: () => { wanted = null; state.settle(); },
    });
    if (wanted) box.set(...wanted);
    return box;
  };
  const shown = () => { begun ??= begin(); };
  const asked = () => wanted ?? (box ? [box.text(), box.hand()] : ["", 0]);
  // Take a request from the address: its code is there, too, except where someone wrote the link.
  const take = (text, hand, alone) => {
    if (!alone && text === asked()[0] && hand === asked()[1]) return;
    wanted = [text, hand, alone];
    if (box) box.set(...wanted);
    else if (alone) shown();
  };
  const names = state.runs.flatMap((each) => each.rows.map((row) => row.name));
  state.extra.style = [() => asked()[1] || "", (text) => {
    const hand = Number(text ?? 0);
    if (!(Number.isInteger(hand) && hand >= 0 && hand < words.hands)) {
      throw new Error(`style is "${text.slice(0, 20)}", expected a whole number below ${words.hands}`);
    }
  }];
  state.extra.ask = [() => asked()[0], (text, parts) => {
    take(text ?? "", Number(parts.get("style") ?? 0), Boolean(text) && !names.some((name) => parts.has(name)));
  }];
  panels.push({ id: "ask", title: "Words", panel: panel(root), shown });
  return { shown, box: () => begun };
}

/** Return requests that the page understands, of the factors' own words. */
function askExamples(table) {
  const known = (text) => Words.understand(table, text).error === null;
  const digits = ["small seven in the top rotated 30 degrees", "bold three, far left", "tiny 8, upright"];
  const words = table.factors.map((spec) => {
    const value = spec.values ? spec.values.at(-1) : Math.round((2 * spec.ends[0] + spec.ends[1]) / 3);
    return [`${spec.name} ${value}`, `${spec.name}=${value}`].find(known);
  }).filter(Boolean);
  const joined = [3, 2].map((count) => words.slice(0, count).join(", ")).filter(known);
  return [...new Set([...digits.filter(known), ...joined, ...words])].slice(0, ASK_EXAMPLES);
}
