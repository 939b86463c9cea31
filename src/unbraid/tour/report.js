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
