// The daily series of a city or of one of its places.

const LONGEST_GAP = 3; // days without a row before a line breaks
const SETS = { oof: "Predicted, out of fold", valid: "Predicted, validation", test: "Predicted, test" };

function placesOf(state) {
  if (state.place >= 0) return [state.place];
  return shown.places.flatMap((place, index) => (place.region === state.city ? [index] : []));
}

// Daily means over places, one table per set: day -> sums and counts of each number.
function seriesOf(places) {
  const names = ["prediction", "lower", "upper", "reading"].filter((name) => daily[name]);
  const sets = new Map();
  for (const place of places) {
    for (let row = daily.start[place]; row < daily.start[place + 1]; row++) {
      const name = shown.sets[daily.set[row]] ?? "";
      if (!sets.has(name)) sets.set(name, new Map());
      const days = sets.get(name), day = daily.day[row];
      if (!days.has(day)) days.set(day, { day, places: 0, sum: {}, count: {} });
      const at = days.get(day);
      at.places += 1;
      for (const number of names) {
        const value = daily[number][row];
        if (!Number.isFinite(value)) continue;
        at.sum[number] = (at.sum[number] ?? 0) + value;
        at.count[number] = (at.count[number] ?? 0) + 1;
      }
    }
  }
  const mean = (at, name) => (at.count[name] ? at.sum[name] / at.count[name] : NaN);
  return [...sets].map(([set, days]) => ({
    set,
    days: [...days.values()].sort((a, b) => a.day - b.day).map((at) => ({
      day: at.day, places: at.places, ...Object.fromEntries(names.map((name) => [name, mean(at, name)])),
    })),
  }));
}

function runs(days) {
  const parts = [];
  days.forEach((at, index) => {
    if (!index || at.day - days[index - 1].day > LONGEST_GAP) parts.push([]);
    parts.at(-1).push(at);
  });
  return parts;
}

function band(days, fill) {
  const x = [], y = [];
  for (const part of runs(days.filter((at) => Number.isFinite(at.lower) && Number.isFinite(at.upper)))) {
    const back = [...part].reverse();
    x.push(...part.map((at) => isoDay(at.day)), ...back.map((at) => isoDay(at.day)), null);
    y.push(...part.map((at) => at.upper), ...back.map((at) => at.lower), null);
  }
  return {
    x, y, type: "scatter", mode: "lines", fill: "toself", fillcolor: fill, line: { width: 0 }, hoverinfo: "skip",
    name: "Interval",
  };
}

function line(days, name, style) {
  const x = [], y = [];
  for (const part of runs(days)) {
    x.push(...part.map((at) => isoDay(at.day)), null);
    y.push(...part.map((at) => at.prediction), null);
  }
  const sparse = runs(days).length > days.length / 4;
  return {
    x, y, type: "scatter", mode: sparse ? "lines+markers" : "lines", name, connectgaps: false,
    line: { width: 1.75, ...style }, marker: { size: 4 }, hovertemplate: "%{y:.1f}<extra>" + name + "</extra>",
  };
}

function seriesFigure(state) {
  const data = [], sets = seriesOf(placesOf(state));
  for (const { days } of sets) {
    if (!daily.lower || !daily.upper) break;
    data.push({ ...band(days, colour("band")), legendgroup: "band", showlegend: data.length === 0 });
  }
  sets.forEach(({ set, days }, index) => {
    data.push(line(days, SETS[set] ?? "Predicted", { color: colour(index % 2 ? "second" : "accent") }));
  });
  const read = sets.flatMap(({ days }) => days.filter((at) => Number.isFinite(at.reading)));
  if (read.length) {
    data.push({
      x: read.map((at) => isoDay(at.day)), y: read.map((at) => at.reading), type: "scatter", mode: "markers",
      name: "Measured", marker: { size: 5, color: colour("reading"), opacity: 0.75 },
      hovertemplate: "%{y:.1f}<extra>Measured</extra>",
    });
  }
  return { data, layout: seriesLayout(state) };
}

function seriesLayout(state) {
  const guideline = {
    type: "line", xref: "paper", x0: 0, x1: 1, y0: shown.guideline, y1: shown.guideline,
    line: { color: colour("guideline"), width: 1.5, dash: "dash" },
  };
  const label = {
    xref: "paper", x: 1, xanchor: "right", y: shown.guideline, yanchor: "bottom", showarrow: false,
    text: `WHO 24-hour guideline ${shown.guideline}`, font: { color: colour("guideline"), size: 12 },
    bgcolor: colour("veil"), borderpad: 2,
  };
  return layout({
    shapes: [guideline], annotations: [label], hovermode: "x unified", showlegend: true,
    margin: { l: 52, r: 8, t: 8, b: 8 },
    yaxis: axis({ rangemode: "tozero", title: { text: `PM2.5, ${plain(shown.unit)}`, standoff: 8 }, fixedrange: true }),
    xaxis: axis({
      type: "date", tickangle: 0, nticks: narrow() ? 4 : 12, range: [isoDay(state.from), isoDay(state.to)], hoverformat: "%a %-d %b %Y", showgrid: false,
      minallowed: isoDay(firstDay - 1), maxallowed: isoDay(lastDay + 1),
      rangeslider: {
        thickness: 0.13, bgcolor: colour("page"), borderwidth: 0,
        range: [isoDay(firstDay), isoDay(lastDay)],
      },
    }),
  });
}

// A day counts once, however many sets predict it; its mean is over all their places.
function daysWithin(state) {
  const days = new Map();
  for (const { days: rows } of seriesOf(placesOf(state))) {
    for (const at of rows) {
      if (at.day < state.from || at.day > state.to || !Number.isFinite(at.prediction)) continue;
      const one = days.get(at.day) ?? { sum: 0, places: 0 };
      days.set(at.day, { sum: one.sum + at.prediction * at.places, places: one.places + at.places });
    }
  }
  return [...days.values()].map(({ sum, places }) => sum / places);
}

function seriesCaption(state) {
  const means = daysWithin(state);
  if (!means.length) return "No predictions in this period.";
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  const above = means.filter((value) => value > shown.guideline).length / means.length;
  const places = placesOf(state).length;
  const over = places > 1 ? `, averaged over ${places} places${daily.lower ? " (so is the interval)" : ""}` : "";
  return `${many(means.length)} days${over}: mean ${fixed(mean)} ${shown.unit}, ` +
    `${fixed(100 * above, 0)}% of days above the WHO 24-hour guideline of ${shown.guideline}.`;
}
