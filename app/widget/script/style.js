/* How it looks: a constructed style sheet, which no policy of the page forbids. `css` is that of `style.css`. */

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

/** Black or white, whichever is read better on a colour, `color(srgb ...)` (WCAG 2.2, 1.4.3). */
const readable = (colour) => {
  const [red, green, blue] = colour.match(/[\d.]+/g).map((share) =>
    (share <= 0.04045 ? share / 12.92 : ((Number(share) + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
};
