// While chapters are still to come: load the page anew, unless the reader says not to, is at
// something, or it has long stopped growing.
const live = document.getElementById("live");
const key = "unbraid-tour-live";
const patience = 20 * 60; // seconds; every finished training writes the page
let remembered = null;
try { remembered = sessionStorage.getItem(key); } catch { /* storage may be forbidden */ }
live.checked = remembered !== "no";
live.addEventListener("change", () => {
  try { sessionStorage.setItem(key, live.checked ? "yes" : "no"); } catch { /* as above */ }
});
const timer = setInterval(() => {
  const age = Date.now() / 1000 - Number(live.dataset.written);
  if (age > patience) {
    clearInterval(timer);
    const said = document.querySelector("[role=status]");
    said.textContent += ` But nothing has come for ${Math.round(age / 60)} minutes: if the tour ` +
      "was stopped, the same command goes on with it.";
    live.closest("label").hidden = true;
    return;
  }
  const busy = document.querySelector("details[open]") || !getSelection().isCollapsed ||
    ![document.body, live].includes(document.activeElement);
  if (live.checked && !busy) location.reload();
}, 5000);
