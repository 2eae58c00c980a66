// Runs before the first paint, so that a chosen theme does not flash. The choice stays in this browser.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* storage may be refused */ }
  const show = () => { root.dataset.theme = chosen ?? (dark.matches ? "dark" : "light"); };
  show();
  dark.addEventListener("change", show);
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      chosen = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("theme", chosen); } catch { /* then it lasts for this page only */ }
      show();
    });
  });
})();
