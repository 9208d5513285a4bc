// @ts-check
/**
 * How the page looks on this device: light or dark, with more contrast, denser.
 *
 * The page loads this before its style sheet, and waits for it: what is kept here holds
 * before the first thing is painted. It is no module, so it has names of its own only in
 * its block; the settings tell it by an event of the window, other windows by the storage.
 */
{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const more = matchMedia("(prefers-contrast: more)");
  /** @type {{theme?: string, density?: string}} */
  let look = {};

  const show = () => {
    const { theme, density = "" } = look;
    const { dataset } = document.documentElement;
    dataset.theme = theme === "light" || theme === "dark" ? theme : dark.matches ? "dark" : "light";
    dataset.contrast = theme === "contrast" || (!theme && more.matches) ? "more" : "";
    dataset.density = density;
  };
  const read = () => {
    try {
      look = JSON.parse(localStorage.getItem("chatd look") ?? "{}");
    } catch {
      // The browser keeps nothing, so nobody has chosen.
    }
    show();
  };
  read();
  dark.addEventListener("change", show);
  more.addEventListener("change", show);
  addEventListener("storage", read);
  addEventListener("chatd-look", (event) => {
    look = /** @type {CustomEvent} */ (event).detail;
    show();
  });
}
