// The map of means per place over the chosen period, and the cities ranked by theirs.

function meanOver(place, from, to) {
  let sum = 0, count = 0, above = 0;
  for (let row = daily.start[place]; row < daily.start[place + 1]; row++) {
    const value = daily.prediction[row];
    if (daily.day[row] < from || daily.day[row] > to || !Number.isFinite(value)) continue;
    sum += value;
    count += 1;
    if (value > shown.guideline) above += 1;
  }
  return { sum, count, above, mean: count ? sum / count : NaN };
}

// Colours mean the same in every period: limits are those of the places' means over months.
const limits = (() => {
  const means = [];
  for (let place = 0; place < shown.places.length; place++) {
    let month = NaN, sum = 0, count = 0;
    for (let row = daily.start[place]; row < daily.start[place + 1]; row++) {
      const next = Math.floor(daily.day[row] / 30);
      if (next !== month && count) means.push(sum / count), (sum = 0), (count = 0);
      month = next;
      sum += daily.prediction[row];
      count += 1;
    }
    if (count) means.push(sum / count);
  }
  const sorted = means.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const low = 5 * Math.floor(at(0.02) / 5);
  return [low, Math.max(5 * Math.ceil(at(0.98) / 5), low + 5)];
})();
const shareOf = (mean) => (mean - limits[0]) / (limits[1] - limits[0]);

function mapFigure(state) {
  const seen = shown.places
    .map((place, index) => ({ ...place, index, ...meanOver(index, state.from, state.to) }))
    .filter((place) => place.count && place.latitude !== null)
    .sort((a, b) => a.mean - b.mean);
  const here = seen.filter((place) => place.region === state.city && (state.place < 0 || place.index === state.place));
  const text = seen.map((place) => {
    const city = shown.regions[place.region];
    const name = place.name === city.name ? "" : `<br>${plain(place.name)}`;
    const of = city.country ? `, ${plain(city.country)}` : "";
    return `<b>${plain(city.name)}</b>${of}${name}<br>mean ${fixed(place.mean)} ${plain(shown.unit)}` +
      `<br>${many(place.count)} days`;
  });
  const at = (places) => ({ x: places.map((place) => place.longitude), y: places.map((place) => place.latitude) });
  const land = {
    x: shown.outline[0], y: shown.outline[1], type: "scatter", mode: "lines", fill: "toself", hoverinfo: "skip",
    fillcolor: colour("land"), line: { color: colour("border"), width: 1 }, showlegend: false,
  };
  const ring = {
    ...at(here), type: "scatter", mode: "markers", hoverinfo: "skip", showlegend: false,
    marker: { size: 21, color: "rgba(0,0,0,0)", line: { color: colour("ink"), width: 2 } },
  };
  const dots = {
    ...at(seen), type: "scatter", mode: "markers", hoverinfo: "text", hovertext: text, showlegend: false,
    customdata: seen.map((place) => place.index),
    marker: {
      size: 12, color: seen.map((place) => place.mean), colorscale: scale(), cmin: limits[0], cmax: limits[1],
      line: { color: colour("card"), width: 1 },
      colorbar: {
        orientation: "h", x: 0.5, y: 0, yanchor: "top", xanchor: "center", thickness: 10, len: 0.9, outlinewidth: 0,
        ypad: 6, title: { text: `mean PM2.5, ${plain(shown.unit)}`, side: "bottom", font: { size: 13 } }, tickcolor: colour("muted"),
      },
    },
  };
  return { data: [land, ring, dots], layout: mapLayout() };
}

function mapLayout() {
  const { west, east, south, north } = shown.extent, all = shown.drawn;
  const middle = (Math.cos((((south + north) / 2) * Math.PI) / 180));
  const bare = { showgrid: false, showticklabels: false, ticks: "", zeroline: false };
  return layout({
    margin: { l: 0, r: 0, t: 0, b: 64 }, plot_bgcolor: colour("sea"), hovermode: "closest", uirevision: "map",
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "pan",
    xaxis: { ...bare, range: [west, east], minallowed: all.west, maxallowed: all.east, constrain: "range" },
    yaxis: {
      ...bare, range: [south, north], minallowed: all.south, maxallowed: all.north,
      scaleanchor: "x", scaleratio: 1 / middle, constrain: "range",
    },
  });
}

// The rectangle of the chosen city's places, at least a degree wide, below which outlines are coarse.
function cityExtent(state) {
  const inside = shown.places.filter((place) => place.region === state.city && place.latitude !== null);
  if (!inside.length) return shown.extent;
  const side = (name) => {
    const values = inside.map((place) => place[name]);
    const middle = (Math.min(...values) + Math.max(...values)) / 2;
    const half = Math.max(0.65 * (Math.max(...values) - Math.min(...values)), 0.5);
    return [middle - half, middle + half];
  };
  const [west, east] = side("longitude"), [south, north] = side("latitude");
  return { west, east, south, north };
}

async function zoomMap({ west, east, south, north }) {
  await draw("map");
  await Plotly.relayout("map", { "xaxis.range": [west, east], "yaxis.range": [south, north] });
}

function cityMeans(state) {
  const cities = shown.regions.map((city, index) => ({ ...city, index, sum: 0, count: 0, above: 0 }));
  shown.places.forEach((place, index) => {
    const at = meanOver(index, state.from, state.to);
    for (const name of ["sum", "count", "above"]) cities[place.region][name] += at[name];
  });
  return cities.filter((city) => city.count).map((city) => ({ ...city, mean: city.sum / city.count }));
}

function rank(state, chosen) {
  const ranked = cityMeans(state).sort((a, b) => b.mean - a.mean);
  const most = ranked.length ? ranked[0].mean : 1;
  const rows = ranked.map((city, index) => {
    const name = element("button", { type: "button", title: "Show this city's series" }, element("bdi", {}, city.name));
    name.addEventListener("click", () => chosen(city.index));
    const width = Math.max(0, (100 * city.mean) / most).toFixed(1);
    const bar = element("span", { class: "bar", style: `--part: ${width}%; --fill: ${scaleColour(shareOf(city.mean))}` });
    const row = element("tr", city.index === state.city ? { class: "here" } : {});
    row.append(
      element("td", {}, String(index + 1)), element("th", { scope: "row" }, name), element("td", { class: "wide" }, bar),
      element("td", {}, fixed(city.mean)), element("td", {}, `${fixed((100 * city.above) / city.count, 0)}%`),
    );
    return row;
  });
  document.getElementById("ranking").replaceChildren(...rows);
}
