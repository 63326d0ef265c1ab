"use strict";
// Decoding, formats and colours that every chart shares.

const shown = JSON.parse(document.getElementById("shown").textContent);
const DAY = 86400000;
const KINDS = { u1: Uint8Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array };

function unpack(kind, text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new KINDS[kind](bytes.buffer);
}

const daily = {
  start: unpack("u4", shown.daily.start),
  day: unpack("i4", shown.daily.day),
  set: unpack("u1", shown.daily.set),
  prediction: unpack("f4", shown.daily.prediction),
};
for (const name of ["lower", "upper", "reading"]) {
  if (shown.daily[name]) daily[name] = unpack("f4", shown.daily[name]);
}
let firstDay = Infinity, lastDay = -Infinity;
for (const day of daily.day) {
  if (day < firstDay) firstDay = day;
  if (day > lastDay) lastDay = day;
}

const isoDay = (day) => new Date(day * DAY).toISOString().slice(0, 10);
const dayOf = (text) => Math.round(Date.parse(text + "T00:00:00Z") / DAY);
const fixed = (value, digits = 1) => (Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "–");
const many = (count) => count.toLocaleString("en");

// Plotly reads a few HTML tags and entities in its texts, and %{...} in templates; names must mean nothing there.
function plain(text, longest = 60) {
  const short = text.length > longest ? text.slice(0, longest - 1) + "…" : text;
  return short.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const darkScheme = matchMedia("(prefers-color-scheme: dark)");
const narrow = () => innerWidth < 640;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

// Magma (van der Walt and Smith, matplotlib, CC0) without its ends: perceptual, and read by every kind of colour vision.
const MAGMA = ["#fec98d", "#fd9a6a", "#f1605d", "#cd4071", "#9f2f7f", "#721f81", "#440f76", "#1d1147"];

function scale() {
  // more is further from the background, in light and dark
  const steps = darkScheme.matches ? [...MAGMA.slice(0, -2)].reverse() : MAGMA;
  return steps.map((hex, index) => [index / (steps.length - 1), hex]);
}

function scaleColour(share) {
  const steps = scale();
  const at = Math.min(Math.max(share, 0), 1) * (steps.length - 1);
  const low = Math.min(Math.floor(at), steps.length - 2);
  const mix = (index) => {
    const part = (hex) => parseInt(hex.slice(1 + 2 * index, 3 + 2 * index), 16);
    return Math.round(part(steps[low][1]) * (1 - at + low) + part(steps[low + 1][1]) * (at - low));
  };
  return `rgb(${mix(0)} ${mix(1)} ${mix(2)})`;
}

function axis(more = {}) {
  return {
    gridcolor: colour("grid"), zeroline: false, linecolor: colour("line"), tickcolor: colour("line"),
    automargin: true, ...more,
  };
}

function layout(more) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 13, color: colour("muted") },
    margin: { l: 48, r: 12, t: 12, b: 36 },
    hoverlabel: {
      bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("ink"), size: 13 }, align: "left",
    },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: colour("ink") } },
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    ...more,
  };
}

const CONFIG = { displayModeBar: false, responsive: true, showTips: false };

// The library comes packed: the file is half as large, and what needs no chart is there before it is unpacked.
const library = (async () => {
  const place = document.getElementById("library");
  const letters = atob(place.textContent);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  place.remove();
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = element("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script); // runs at once; the page's policy knows its hash
})();

// Charts are drawn when they come into view, and again when the scheme of colours changes.
const charts = new Map();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) draw(entry.target.id);
}, { rootMargin: "200px" });

function chart(id, make, ready) {
  const place = document.getElementById(id);
  if (!place) return;
  charts.set(id, { make, ready, drawn: false });
  watcher.observe(place);
}

async function draw(id) {
  const known = charts.get(id);
  if (!known || known.drawn) return;
  known.drawn = true;
  const place = document.getElementById(id);
  watcher.unobserve(place);
  await library;
  const figure = known.make();
  await Plotly.newPlot(place, figure.data, figure.layout, CONFIG);
  place.dataset.drawn = "1";
  known.ready?.(place);
}

async function redraw(id) {
  const known = charts.get(id), place = document.getElementById(id);
  if (!place?.dataset.drawn) return; // when it is drawn, it shows what is chosen by then
  const figure = known.make();
  await Plotly.react(place, figure.data, figure.layout, CONFIG);
}

darkScheme.addEventListener("change", () => {
  for (const id of charts.keys()) redraw(id);
});
