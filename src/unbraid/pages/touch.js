// Interactive parts: sliders for latents, decoded here; codes and requests with stored images.
// The plane of two latents: a grid of decoded images, with a ring at the code. A press chooses.
function map(box, plane, { width, height }, pictured, choose) {
  const sliders = [...box.querySelectorAll("input")];
  const ends = sliders.map((slider) => [Number(slider.min), Number(slider.max)]);
  const [down, across] = [Math.floor(plane.height / height), Math.floor(plane.width / width)];
  const ground = document.createElement("canvas");
  [ground.width, ground.height] = [plane.width, plane.height];
  const pen = plane.getContext("2d");
  const at = (axis, share) => ends[axis][0] + share * (ends[axis][1] - ends[axis][0]);
  const mark = () => {
    const [x, y] = sliders.map((slider, axis) =>
      (Number(slider.value) - ends[axis][0]) / (ends[axis][1] - ends[axis][0]));
    pen.drawImage(ground, 0, 0);
    for (const [radius, colour] of [[7, "#fff"], [5, "#d55e00"]]) {
      Object.assign(pen, { strokeStyle: colour, lineWidth: 2 });
      pen.beginPath();
      pen.arc(x * plane.width, (1 - y) * plane.height, radius, 0, 2 * Math.PI);
      pen.stroke();
    }
  };
  const row = (index) => { // one after the other, so that the page is never held up
    for (let column = 0; column < across; column++) {
      const code = [];
      [(column + 0.5) / across, 1 - (index + 0.5) / down].forEach((share, axis) => {
        code[sliders[axis].dataset.column] = at(axis, share);
      });
      ground.getContext("2d").putImageData(pictured(code), column * width, index * height);
    }
    mark();
    if (index + 1 < down) setTimeout(row, 0, index + 1);
    else plane.dataset.drawn = "";
  };
  setTimeout(row, 0, 0);
  const press = (event) => {
    const { left, top, width: wide, height: tall } = plane.getBoundingClientRect();
    choose([at(0, (event.clientX - left) / wide), at(1, 1 - (event.clientY - top) / tall)]);
  };
  plane.addEventListener("pointerdown", press);
  plane.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && event.buttons) press(event);
  });
  return mark;
}

for (const box of document.querySelectorAll("[data-touch]")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const canvas = box.querySelector("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true }); // small, and drawn by the processor
  const controls = [...box.querySelectorAll("input, select")];
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const signed = (value) => value.toFixed(2).replace("-", "\u2212");
  const say = (slider) => {
    const value = signed(Number(slider.value));
    slider.setAttribute("aria-valuetext", value);
    slider.nextElementSibling.textContent = value;
  };

  if (box.dataset.touch === "sliders") {
    const layers = data.layers.map((layer) => ({
      ...layer,
      weight: new Int8Array(bytes(layer.weight)),
      scale: new Float32Array(bytes(layer.scale)),
      bias: new Float32Array(bytes(layer.bias)),
    }));
    const decode = (code) => layers.reduce((input, { outputs, inputs, weight, scale, bias }, at) => {
      const output = new Float32Array(outputs);
      for (let row = 0; row < outputs; row++) {
        let sum = 0;
        for (let column = 0; column < inputs; column++) {
          sum += weight[row * inputs + column] * input[column];
        }
        sum = sum * scale[row] + bias[row];
        output[row] = at + 1 < layers.length ? Math.max(sum, 0) : 1 / (1 + Math.exp(-sum));
      }
      return output;
    }, code);
    let next = 0;
    let code = [];
    const pictured = (each) => {
      const image = pen.createImageData(canvas.width, canvas.height);
      decode(each).forEach((grey, pixel) => {
        image.data.fill(255 * grey, 4 * pixel, 4 * pixel + 3);
        image.data[4 * pixel + 3] = 255;
      });
      return image;
    };
    const plane = box.querySelector(".plane");
    const mark = plane ? map(box, plane, canvas, pictured, (values) => {
      controls.forEach((slider, at) => {
        slider.value = values[at];
        slider.dispatchEvent(new Event("input"));
      });
    }) : () => {};
    const draw = () => {
      pen.putImageData(pictured(code), 0, 0);
      mark();
    };
    const start = () => {
      code = [...data.starts[next]];
      next = (next + 1) % data.starts.length;
      for (const slider of controls) {
        slider.value = code[slider.dataset.column];
        say(slider);
      }
      draw();
    };
    for (const slider of controls) {
      slider.addEventListener("input", () => {
        code[slider.dataset.column] = Number(slider.value);
        say(slider);
        draw();
      });
    }
    box.querySelector("button").addEventListener("click", start);
    start();
  } else {
    const tiles = box.querySelector("img");
    const show = (tile) => {
      const { width, height } = canvas;
      const [left, top] = [tile % data.across, Math.floor(tile / data.across)];
      pen.drawImage(tiles, left * width, top * height, width, height, 0, 0, width, height);
    };
    const generated = () => {
      const [category, ...codes] = controls.map((control) => Number(control.value));
      controls.slice(1).forEach((slider, at) => {
        const value = signed(data.turns[codes[at]]);
        slider.setAttribute("aria-valuetext", value);
        slider.nextElementSibling.textContent = value;
      });
      show(codes.reduce((tile, code) => tile * data.turns.length + code, category));
    };
    const said = box.querySelector("q");
    const judged = box.querySelector("[aria-live] span");
    const answer = () => {
      const choice = data.words.map(() => 0);
      for (const control of controls) {
        const word = control.dataset.word;
        choice[word] = Number(control.value);
        if (control.type === "range") {
          control.setAttribute("aria-valuetext", data.words[word][choice[word]]);
          const short = /^rotated (.*) degrees$/.exec(data.words[word][choice[word]]);
          control.nextElementSibling.textContent =
            short ? `${short[1].replace("-", "\u2212")}\u00b0` : data.words[word][choice[word]];
        }
      }
      const tile = data.words.reduce((found, words, at) => found * words.length + choice[at], 0);
      show(tile);
      said.textContent = data.words.map((words, at) => words[choice[at]]).join(" ");
      const [digit, size, x, y, angle] = data.read[tile];
      const off = (value, more, less) => `${Math.abs(value).toFixed(1)} ${value < 0 ? less : more}`;
      judged.textContent = `The judge reads: ${data.words[1][digit]}, size ${size.toFixed(1)} of ` +
        `the image's ${data.width} pixels, ${off(x, "right", "left")} and ` +
        `${off(y, "up", "down")} from its centre, rotated ${Math.abs(angle).toFixed(0)} degrees ` +
        `${angle < 0 ? "clockwise" : "counter-clockwise"}.`;
    };
    const then = box.dataset.touch === "codes" ? generated : answer;
    for (const control of controls) control.addEventListener("input", then);
    tiles.decode().then(then);
  }
  box.hidden = false;
}
if (document.querySelector("[data-touch]")) {
  for (const link of document.querySelectorAll("[data-try]")) link.hidden = false;
}
