// While chapters are still to come: load the page anew, unless the reader says not to.
const live = document.getElementById("live");
const key = "unbraid-tour-live";
let remembered = null;
try { remembered = sessionStorage.getItem(key); } catch { /* storage may be forbidden */ }
live.checked = remembered !== "no";
live.addEventListener("change", () => {
  try { sessionStorage.setItem(key, live.checked ? "yes" : "no"); } catch { /* as above */ }
});
setInterval(() => {
  const busy = document.querySelector("details[open]") || document.activeElement.closest(".touch");
  if (live.checked && !busy) location.reload();
}, 5000);
