// Sounds: each picture of one becomes a button that plays it. One plays at a time; the arrow keys go
// to the next of its row and play it, and a row can be played in its order. Without this script
// each has the browser's own controls.
let playing = null;
const stopped = (audio) => { audio.pause(); audio.currentTime = 0; };
for (const row of document.querySelectorAll(".sounds")) {
  const boxes = [...row.querySelectorAll(".sound")];
  let following = false; // the row is played in its order
  const order = document.createElement("button");
  const play = (at, on = false) => {
    following = on;
    const { audio } = row.players[at];
    if (playing) stopped(playing);
    playing = audio;
    audio.currentTime = 0;
    audio.play();
  };
  row.players = boxes.map((box, at) => {
    const audio = box.querySelector("audio");
    const image = box.querySelector("img");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "play";
    button.setAttribute("aria-label", audio.getAttribute("aria-label"));
    image.replaceWith(button);
    image.alt = ""; // the button is named
    button.append(image);
    audio.removeAttribute("controls");
    audio.hidden = true;
    const mark = (on) => { box.classList.toggle("on", on); };
    audio.addEventListener("playing", () => mark(true));
    audio.addEventListener("pause", () => mark(false));
    audio.addEventListener("ended", () => {
      mark(false);
      if (following && at + 1 < boxes.length) setTimeout(() => { if (following) play(at + 1, true); }, 250);
      else following = false;
    });
    button.addEventListener("click", () => {
      if (playing === audio && !audio.paused) { following = false; stopped(audio); } else play(at);
    });
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const next = row.players[at + step];
      if (!step || !next) return;
      event.preventDefault();
      next.button.focus();
      play(at + step);
    });
    return { audio, button };
  });
  if (row.dataset.order !== undefined) {
    order.type = "button";
    order.className = "order";
    order.textContent = "Play in order";
    order.setAttribute("aria-label", `Play in order: ${row.getAttribute("aria-label")}`);
    order.addEventListener("click", () => play(0, true));
    row.before(order);
  }
}
