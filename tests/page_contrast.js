// Texts on the page that stand out too little from what is behind them (WCAG 2.2: 4.5, large text 3).
() => {
  const rgba = (text) => {
    const n = text.match(/[\d.]+/g).map(Number);
    return [n[0], n[1], n[2], n[3] ?? 1];
  };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const left = "svg, [hidden], .visually-hidden, .maplibregl-map, :disabled, noscript, option";
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.closest(left) || !e.checkVisibility()) continue;
    const behind = [];
    for (let p = e; p; p = p.parentElement) {
      const colour = rgba(getComputedStyle(p).backgroundColor);
      if (colour[3] > 0) behind.push(colour);
      if (colour[3] === 1) break;
    }
    const ground = behind.reverse().reduce((b, c) => over(c, b), [255, 255, 255, 1]);
    const style = getComputedStyle(e);
    const [a, b] = [light(over(rgba(style.color), ground)), light(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.push([e.textContent.trim().slice(0, 40), e.className, ratio.toFixed(2)]);
  }
  return found;
};
