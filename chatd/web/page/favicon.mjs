// @ts-check
/** The page's icon, which counts what calls for somebody. */

const link = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
const plain = link.href;

/** Show a number on the icon, or none for 0. @param {number} n */
export function paint(n) {
  const text = n > 99 ? "99+" : String(n);
  const size = [0, 24, 21, 15][text.length];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#a8321f"/><text x="16" y="${16 + size * 0.36}" font-family="system-ui,sans-serif" font-size="${size}" font-weight="700" text-anchor="middle" fill="#fff">${text}</text></svg>`;
  link.href = n ? `data:image/svg+xml,${encodeURIComponent(svg)}` : plain;
}
