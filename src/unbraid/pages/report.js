// Downloads: a figure is in the page once, as SVG; links below it hand it out from there, as it is
// or drawn as PNG. Without this script they lead to the files beside the page.
for (const link of document.querySelectorAll("a[data-figure]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    const image = document.getElementById(link.dataset.figure);
    let href = image.src;
    if (link.dataset.kind === "png") {
      const canvas = document.createElement("canvas");
      const scale = 3;
      canvas.width = scale * Number(image.getAttribute("width"));
      canvas.height = scale * Number(image.getAttribute("height"));
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      await image.decode();
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      href = canvas.toDataURL("image/png");
    }
    const saved = document.createElement("a");
    saved.href = href;
    saved.download = link.getAttribute("download");
    saved.click();
  });
}

// The contents: beside the text where there is room, else folded away until asked for.
const contents = document.getElementById("contents");
const roomy = matchMedia("(min-width: 64rem)");
const unfold = () => { contents.open = roomy.matches; };
roomy.addEventListener("change", unfold);
unfold();
const entries = new Map();
for (const link of contents.querySelectorAll("a")) {
  link.addEventListener("click", () => { contents.open = roomy.matches; });
  entries.set(link.hash.slice(1), link);
}
const watch = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    const link = entries.get(target.id);
    if (!link) continue;
    if (isIntersecting) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}, { rootMargin: "-25% 0px -74% 0px" });
for (const section of document.querySelectorAll("main > section")) watch.observe(section);

// What can be scrolled sideways is reached by keyboard; what fits needs no stop there.
const scrolling = [...document.querySelectorAll("pre, .wide")];
const stops = () => {
  for (const each of scrolling) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
    else each.removeAttribute("tabindex");
  }
};
addEventListener("resize", stops);
addEventListener("load", stops);
stops();
