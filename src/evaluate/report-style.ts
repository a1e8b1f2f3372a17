// The report's style: one sheet for light and dark, phone and desk. Plots take their colours from it by class.
// The parts (tiles, tables, plots) have a sheet of their own, because other pages show them too; such a page sets the
// colours: --card --ink --soft --line --policy --teacher --baseline --planned --bad.

/** Tiles, tables, legends and plots. */
export const REPORT_PARTS_STYLE = `
.soft, figcaption { color: var(--soft); }
.tiles { display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); margin: 18px 0 8px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: 6px 10px; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--card); white-space: normal;
  min-width: 8em; overflow-wrap: anywhere; }
tbody th { font-weight: 600; }
tr.policy th { color: var(--policy); } tr.teacher th { color: var(--teacher); } tr.baseline { color: var(--soft); }
td small { display: block; color: var(--soft); font-size: .75rem; }
.plots { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px; }
svg.plot { display: block; width: 100%; height: auto; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 2px 0 10px; padding: 0; list-style: none; font-size: .9rem; }
.legend li::before { content: ""; display: inline-block; width: 18px; height: 0; margin-right: 7px; vertical-align: middle;
  border-top: 3px solid var(--policy); }
.legend li.teacher::before { border-color: var(--teacher); } .legend li.planned::before { border-top: 2px dashed var(--planned); }
.legend li.kick::before { width: 0; height: 12px; border-top: 0; border-left: 2px dotted var(--bad); }
.legend li.kicked::before { border-top: 8px solid var(--policy); opacity: .45; }
.legend li.calm::before { border-top: 8px solid var(--policy); }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg text.title { fill: var(--ink); font-weight: 600; font-size: 12px; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
svg path.thin { stroke-width: 1; opacity: .8; }
svg .policy { stroke: var(--policy); } svg .teacher { stroke: var(--teacher); }
svg .planned { stroke: var(--planned); stroke-width: 1.3; stroke-dasharray: 5 4; fill: none; }
svg .kick { stroke: var(--bad); stroke-width: 1.4; stroke-dasharray: 2 3; }
svg circle.policy { fill: var(--policy); stroke: none; fill-opacity: .75; } svg circle.teacher { fill: var(--card); stroke-width: 1.3; }
svg line.policy, svg line.teacher { stroke-width: 1.6; } svg .whisker { stroke: var(--ink); stroke-width: 1.3; }
svg rect { stroke: none; fill: var(--baseline); } svg rect.policy { fill: var(--policy); stroke: none; } svg rect.teacher { fill: var(--teacher); stroke: none; }
svg rect.kicked { fill-opacity: .45; }
ul.notes { padding-left: 1.2em; overflow-wrap: anywhere; } li { max-width: 90ch; }
`.trim();

/** The whole page. Colours that stay apart for people who see red and green alike: blue for the policy, orange for its teacher. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --page: #fbfbfa; --card: #fff; --ink: #1c1e21; --soft: #5f6670; --line: #e3e4e6;
  --policy: #1f6feb; --teacher: #d9620b; --baseline: #8a929c; --planned: #5f6670; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #16181b; --card: #1e2125; --ink: #e8eaed; --soft: #a3abb5;
  --line: #33383e; --policy: #6ea8fe; --teacher: #ff9d57; --baseline: #7d8690; --planned: #a3abb5; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 20px 16px 48px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 8px 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 32px 0 4px; }
p { margin: 4px 0 10px; max-width: 75ch; }
${REPORT_PARTS_STYLE}
`.trim();
