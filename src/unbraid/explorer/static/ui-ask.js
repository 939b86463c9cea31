// The panel of requests: the request box on the page's first run.

const ASK_EXAMPLES = 3;

/** Add the panel of requests; return what `mountWords` returns. */
function askPanel(state, about, panels, panel) {
  const { run } = state, { words } = about, root = el("div");
  const net = (name) => run.about.functions[name] && new Net(run.about.functions[name], run.weights);
  const nets = { decode: run.decoder, encode: run.encoder };
  for (const name of ["columns", "factors", "style"]) nets[name] = net(name);
  const paint = (pixels) => ({ width: run.painter.width, height: run.painter.height, data: run.painter.rgba(pixels) });
  const drawer = new WordsDraw.Drawer(words, nets, paint);
  let begun = null;
  const begin = async () => {
    if (words.judge) nets.judge = new Net(words.judge, (await bytesOf("weights-judge")).buffer);
    return mountWords(root, {
      table: words.table,
      hands: words.hands,
      draw: (factors, hand) => drawer.draw(factors, hand),
      read: (image) => drawer.read(image),
      examples: askExamples(words.table).slice(0, ASK_EXAMPLES),
      note: words.note,
    });
  };
  const shown = () => { begun ??= begin(); };
  panels.push({ id: "ask", title: "Words", panel: panel(root), shown });
  return { shown, box: () => begun };
}

/** Return requests that the page understands, of the factors' own words. */
function askExamples(table) {
  const known = (text) => Words.understand(table, text).error === null;
  const digits = ["small seven in the top rotated 30 degrees", "bold three, far left", "tiny 8, upright"];
  const words = table.factors.flatMap((spec) => {
    const value = spec.values ? spec.values.at(-1) : Math.round((2 * spec.ends[0] + spec.ends[1]) / 3);
    return [`${spec.name} ${value}`, `${spec.name}=${value}`];
  }).filter(known);
  return [...digits.filter(known), ...words, words.slice(0, 4).join(", ")].filter(known);
}
