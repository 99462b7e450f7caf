// Dark or light, before anything is drawn: what was chosen here, else what the system wants. Not a module, since modules
// run after the first paint.
(() => {
  const wanted = matchMedia("(prefers-color-scheme: light)");
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const apply = () => {
    document.documentElement.dataset.theme = stored() ?? (wanted.matches ? "light" : "dark");
    document.dispatchEvent(new Event("theme"));
  };
  wanted.addEventListener("change", apply);
  apply();
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("theme", other);
      } catch {
        // A browser that keeps nothing: it holds until the page is left.
      }
      document.documentElement.dataset.theme = other;
      document.dispatchEvent(new Event("theme"));
    });
  });
})();
