// While chapters are still to come: load the page anew, unless the reader says not to or is at
// something; where it has long stopped growing, say so and look less often.
const live = document.getElementById("live");
const key = "unbraid-tour-live";
const minutes = Math.round((Date.now() / 1000 - Number(live.dataset.written)) / 60);
const stale = minutes > 20; // every finished training writes the page
let remembered = null;
try { remembered = sessionStorage.getItem(key); } catch { /* storage may be forbidden */ }
live.checked = remembered !== "no";
live.addEventListener("change", () => {
  try { sessionStorage.setItem(key, live.checked ? "yes" : "no"); } catch { /* as above */ }
});
if (stale) {
  document.querySelector("[role=status]").textContent +=
    ` But nothing has come for ${minutes} minutes: if the tour was stopped, the same command ` +
    "goes on with it.";
}
let touched = 0; // some browsers give no focus to what is pressed
for (const event of ["input", "pointerdown"]) {
  addEventListener(event, () => { touched = Date.now(); });
}
setInterval(() => {
  const busy = document.querySelector("main details[open], footer details[open]") || !getSelection().isCollapsed ||
    ![document.body, live].includes(document.activeElement) || Date.now() - touched < 60000;
  if (live.checked && !busy) location.reload();
}, stale ? 60000 : 5000);
