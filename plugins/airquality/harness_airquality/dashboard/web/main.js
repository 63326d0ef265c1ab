// What is chosen, and what a choice changes.

const state = { city: 0, place: -1, from: firstDay, to: lastDay };
const field = (id) => document.getElementById(id);

function describe() {
  const place = state.place < 0 ? "" : shown.places[state.place].name;
  const city = shown.regions[state.city].name;
  field("series-city").textContent = place && place !== city ? `${city}, ${place}` : city;
  field("series-caption").textContent = seriesCaption(state);
}

function changed() {
  describe();
  redraw("series");
  redraw("map");
  rank(state, (city) => chooseCity(city));
}

function chooseCity(city, place = -1) {
  state.city = city;
  state.place = place;
  box.select(city);
  const inside = shown.places.flatMap((one, index) => (one.region === city ? [index] : []));
  field("place-field").hidden = inside.length < 2;
  field("place").replaceChildren(
    element("option", { value: "-1" }, `All ${inside.length} places, averaged`),
    ...inside.map((index) => element("option", { value: String(index) }, shown.places[index].name)),
  );
  field("place").value = String(place);
  changed();
}

function choosePeriod(from, to) {
  if (!Number.isFinite(from) || !Number.isFinite(to)) return; // a date half typed
  [state.from, state.to] = from <= to ? [from, to] : [to, from];
  field("from").value = isoDay(state.from);
  field("to").value = isoDay(state.to);
  for (const button of field("presets").children) {
    const same = Number(button.dataset.from) === state.from && Number(button.dataset.to) === state.to;
    button.setAttribute("aria-pressed", String(same));
  }
  changed();
}

function presets() {
  const periods = [["All", firstDay, lastDay]];
  const years = [new Date(firstDay * DAY).getUTCFullYear(), new Date(lastDay * DAY).getUTCFullYear()];
  for (let year = Math.max(years[0], years[1] - 3); year <= years[1] && years[0] < years[1]; year++) {
    periods.push([String(year), Math.max(dayOf(`${year}-01-01`), firstDay), Math.min(dayOf(`${year}-12-31`), lastDay)]);
  }
  for (const days of [90, 30]) if (lastDay - firstDay > days) periods.push([`Last ${days} days`, lastDay - days + 1, lastDay]);
  for (const [name, from, to] of periods) {
    const button = element("button", { type: "button", "data-from": from, "data-to": to, "aria-pressed": "false" }, name);
    button.addEventListener("click", () => choosePeriod(from, to));
    field("presets").append(button);
  }
}

const box = combobox(
  field("city"), field("cities"),
  shown.regions.map((city) => ({ label: city.name, detail: city.country })),
  (city) => chooseCity(city),
);

// With readings, the city that has most rows; without, the one that is predicted worst.
function firstCity() {
  if (daily.reading) return shown.first;
  return cityMeans(state).reduce((best, city) => (city.mean > best.mean ? city : best)).index;
}

function zooms() {
  if (!field("map")) return;
  for (const [id, extent] of [["whole", () => shown.extent], ["near", () => cityExtent(state)]]) {
    field(id).addEventListener("click", () => zoomMap(extent()));
  }
}

function start() {
  presets();
  for (const id of ["from", "to"]) {
    field(id).min = isoDay(firstDay);
    field(id).max = isoDay(lastDay);
    field(id).addEventListener("change", () => choosePeriod(dayOf(field("from").value), dayOf(field("to").value)));
  }
  field("controls").addEventListener("submit", (event) => event.preventDefault());
  field("place").addEventListener("change", () => chooseCity(state.city, Number(field("place").value)));
  chart("series", () => seriesFigure(state), () => performance.mark("first-chart"));
  chart("map", () => mapFigure(state), (map) => map.on("plotly_click", (event) => {
    const index = event.points[0].customdata;
    if (index !== undefined) chooseCity(shown.places[index].region);
  }));
  if (shown.errors) {
    chart("months", () => errorBars(shown.errors.months, monthName));
    chart("levels", levelFigure);
    chart("density", densityFigure);
  }
  if (shown.importance) chart("importance", importanceFigure);
  chooseCity(firstCity());
  choosePeriod(firstDay, lastDay);
  zooms();
  draw("series");
}

start();
