// Charts of errors, of importance, and of predictions against readings; their numbers come ready.

const SIZES = "Mean absolute error", BIAS = "Bias (predicted − measured)";

function errorBars(table, tick) {
  const labels = table.map((row) => tick(row.label));
  const about = table.map((row) => `${plain(labels[table.indexOf(row)])}<br>n = ${many(row.n)}, ` +
    `mean reading ${fixed(row.reading)}<br>MAE ${fixed(row.mae)}<br>bias ${fixed(row.bias)}`);
  const x = table.map((row, index) => index);
  const common = { x, hovertext: about, hoverinfo: "text" };
  const data = [
    { ...common, y: table.map((row) => row.mae), type: "bar", name: SIZES, marker: { color: colour("accent") }, width: 0.7 },
    {
      ...common, y: table.map((row) => row.bias), type: "scatter", mode: "lines+markers", name: BIAS,
      line: { color: colour("guideline"), width: 1.5, dash: "dot" }, marker: { size: 8, symbol: "diamond" },
    },
  ];
  const every = Math.ceil(labels.length / (narrow() ? 4 : 7));
  const kept = x.filter((index) => index % every === 0);
  return {
    data,
    layout: layout({
      hovermode: "closest", bargap: 0.3, yaxis: axis({ fixedrange: true, zeroline: true, zerolinecolor: colour("line") }),
      xaxis: axis({
        fixedrange: true, showgrid: false, tickangle: 0, tickvals: kept, ticktext: kept.map((index) => plain(labels[index])),
        range: [-0.6, labels.length - 0.4],
      }),
    }),
  };
}

const monthName = (label) => new Date(label + "-01T00:00:00Z")
  .toLocaleDateString("en", { month: "short", year: "numeric", timeZone: "UTC" });

function levelFigure() {
  const figure = errorBars(shown.errors.levels, (label) => label);
  figure.layout.xaxis.ticktext = shown.errors.levels.map((row) => `${row.label}<br>${many(row.n)}`);
  figure.layout.xaxis.tickvals = shown.errors.levels.map((row, index) => index);
  figure.layout.xaxis.tickfont = { size: narrow() ? 11 : 13 };
  figure.layout.xaxis.title = { text: `measured PM2.5, ${plain(shown.unit)}; rows`, standoff: 14 };
  return figure;
}

function importanceFigure() {
  const rows = [...shown.importance].reverse();
  const sign = (row) => Math.sign(row.direction ?? 0);
  const kinds = [
    { sign: 1, name: "higher raises it", color: colour("guideline") },
    { sign: -1, name: "higher lowers it", color: colour("accent") },
    { sign: 0, name: "either way", color: rows.some(sign) ? colour("faint") : colour("accent") },
  ];
  const data = kinds.flatMap(({ sign: kind, name, color }) => {
    const of = rows.flatMap((row, index) => (sign(row) === kind ? [{ ...row, index }] : []));
    if (!of.length) return [];
    return [{
      type: "bar", orientation: "h", name, marker: { color }, width: 0.7, hoverinfo: "text",
      x: of.map((row) => row.importance), y: of.map((row) => row.index),
      hovertext: of.map((row) => `${plain(row.feature)}<br>${row.importance.toPrecision(2)} ${plain(shown.importanceUnit)}`),
    }];
  });
  const longest = narrow() ? 18 : 44;
  return {
    data,
    layout: layout({
      showlegend: false, hovermode: "closest", barmode: "overlay",
      xaxis: axis({ fixedrange: true, title: { text: `mean |SHAP|, ${plain(shown.importanceUnit)}`, standoff: 6 } }),
      yaxis: axis({
        fixedrange: true, showgrid: false, ticks: "", tickvals: rows.map((row, index) => index),
        ticktext: rows.map((row) => plain(row.feature, longest)), range: [-0.6, rows.length - 0.4],
      }),
    }),
  };
}

function densityFigure() {
  const { edges, counts } = shown.errors;
  const ends = [edges[0], edges.at(-1)];
  const round = (log) => fixed(10 ** log, 10 ** log < 10 ? 1 : 0);
  const ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].filter((value) => {
    return Math.log10(value) >= ends[0] - 0.01 && Math.log10(value) <= ends[1];
  });
  const heat = {
    type: "heatmap", x: edges, y: edges, colorscale: scale(), hoverongaps: false, hoverinfo: "text",
    z: counts.map((row) => row.map((count) => (count ? Math.log10(count) : null))),
    hovertext: counts.map((row, up) => row.map((count, along) => `${many(count)} rows<br>` +
      `measured ${round(edges[along])}–${round(edges[along + 1])}<br>predicted ${round(edges[up])}–${round(edges[up + 1])}`)),
    showscale: !narrow(),
    colorbar: {
      thickness: 10, outlinewidth: 0, title: { text: "rows", side: "top" }, tickvals: [0, 1, 2, 3, 4, 5],
      ticktext: ["1", "10", "100", "1k", "10k", "100k"],
    },
  };
  const equal = {
    type: "scatter", mode: "lines", x: ends, y: ends, hoverinfo: "skip", showlegend: false,
    line: { color: colour("ink"), width: 1.25, dash: "dash" },
  };
  const log = (text) => axis({
    tickvals: ticks.map(Math.log10), ticktext: ticks.map(String), range: ends, fixedrange: true, constrain: "domain",
    title: { text, standoff: 6 },
  });
  return {
    data: [heat, equal],
    layout: layout({
      hovermode: "closest", xaxis: log(`measured, ${plain(shown.unit)}`),
      yaxis: { ...log(`predicted, ${plain(shown.unit)}`), scaleanchor: "x" },
    }),
  };
}
