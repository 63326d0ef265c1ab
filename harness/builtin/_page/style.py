"""How the page looks: light or dark as the reader's screen, on paper, on a phone."""

STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --pale: #5b6472; --line: #e1e5ea; --page: #fbfbfa; --card: #fff;
  --blue: #2563a8; --green: #0b7a55; --grey: #6b7280; --loud: #b42318; --wash: #eef4fb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaf0; --pale: #a3acba; --line: #343a46; --page: #14171d; --card: #1c2028; --blue: #7db4ee;
    --green: #4cc38a; --grey: #9aa3b2; --loud: #f97066; --wash: #1d2735; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; max-width: 70rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 3rem 0 .75rem; padding-top: .5rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .35rem 0; color: var(--pale); max-width: 50rem; } .loud { color: var(--loud); font-weight: 600; }
.lead { color: var(--ink); font-size: 1.1rem; margin: .75rem 0; max-width: 60rem; }
a { color: inherit; text-underline-offset: .15em; } a:hover { color: var(--blue); }
:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -100rem; } .skip:focus { position: static; }
nav ul { display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; list-style: none; margin: 1.2rem 0 0; padding: 0; }
nav a { display: inline-block; padding: .2rem 0; }
.scroll { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .95rem; }
th, td { text-align: right; padding: .38rem .55rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 500; } thead th { color: var(--pale); vertical-align: bottom; } tbody th { color: var(--ink); }
thead th, tbody th { white-space: normal; } .phone { display: none; }
.t { text-align: left; } .wrap { white-space: normal; min-width: 14rem; }
tr.here > * { font-weight: 650; background: var(--wash); }
.base { color: var(--pale); font-style: italic; }
.tag { display: inline-block; margin: 0 .3rem .1rem 0; padding: 0 .45em; border: 1px solid var(--line);
  border-radius: 1em; font-size: .82em; font-weight: 400; color: var(--pale); background: var(--card); }
.tag.bad { color: var(--loud); border-color: var(--loud); } .tag.tie { color: var(--blue); border-color: var(--blue); }
figure { margin: 0; } figcaption { color: var(--pale); font-size: .9rem; }
.figures { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); }
img { width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 8px; }
.two { display: grid; gap: 1rem 2.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.two > * { min-width: 0; }
svg.plot { display: block; width: 100%; height: auto; font: 12.5px system-ui, "Segoe UI", Roboto, sans-serif; }
svg.plot text { fill: var(--ink); font-variant-numeric: tabular-nums; } svg.plot .p { fill: var(--pale); }
svg.plot .b { font-weight: 650; } svg.plot .axis { stroke: var(--line); }
svg.plot .grid { stroke: var(--line); opacity: .7; }
svg.plot .ref { stroke: var(--grey); stroke-dasharray: 4 4; fill: none; } svg.plot .dot { fill: var(--blue); }
svg.plot .best { fill: var(--green); } svg.plot .basedot { fill: var(--grey); }
svg.plot .bar { stroke: var(--blue); stroke-width: 3; } svg.plot .bestbar { stroke: var(--green); stroke-width: 3; }
svg.plot .basebar { stroke: var(--grey); stroke-width: 3; } svg.plot .wash { fill: var(--wash); }
svg.plot .hollow { fill: var(--page); stroke: var(--blue); stroke-width: 1.5; }
svg.plot .thin { stroke: var(--grey); stroke-width: 1; opacity: .45; fill: none; }
svg.plot .path { stroke: var(--blue); stroke-width: 1.6; fill: none; }
svg.plot .fill { fill: var(--blue); opacity: .28; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; overflow-x: auto;
  font: .87rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; margin: .5rem 0; }
details { margin: .6rem 0; } summary { cursor: pointer; padding: .2rem 0; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .25rem 1.25rem; margin: .5rem 0; }
dt { color: var(--pale); } dd { margin: 0; min-width: 0; }
code { font: .88em ui-monospace, Menlo, Consolas, monospace; }
@media (prefers-color-scheme: dark) { img { filter: brightness(.88) contrast(.97); } }
@media (max-width: 40rem) { body { padding: 1.25rem 1rem 3rem; } th, td { padding: .35rem .4rem; }
  .wide { display: none; } .phone { display: block; } table { font-size: .88rem; } tbody th { max-width: 11rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print { nav, .skip { display: none; } body { max-width: none; font-size: 11pt; } .scroll { overflow: visible; }
  h2 { break-after: avoid; } figure, svg { break-inside: avoid; } details > * { display: block; } }
"""
