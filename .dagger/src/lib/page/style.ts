/** The page's only style sheet. Colours are never the only sign: each status has a mark and a word as well. */
export const STYLE = `
:root { color-scheme: light dark;
  --bg:#f4f5f7; --card:#fff; --ink:#171b20; --soft:#5a636e; --line:#dfe3e8; --well:#f1f3f5;
  --pass:#14713c; --pass-well:#e6f5ec; --fail:#c02a21; --fail-well:#fdeae8; --reuse:#2766c4; --skip:#66707b;
  --warn:#a45c00; --warn-well:#fdf1dd; --add:#dff4e5; --add-ink:#10552d; --del:#fde3e1; --del-ink:#8d1a13; --link:#1b5fc1 }
@media (prefers-color-scheme: dark) { :root {
  --bg:#0e1116; --card:#161a20; --ink:#e7eaee; --soft:#9ba5b0; --line:#2a3039; --well:#1e232b;
  --pass:#4cc583; --pass-well:#12291d; --fail:#ff7a70; --fail-well:#331715; --reuse:#75a9f9; --skip:#8b95a1;
  --warn:#f0b254; --warn-well:#2e2312; --add:#12301e; --add-ink:#8ae0ad; --del:#3a1a18; --del-ink:#ffaaa3; --link:#82b1fa } }
* { box-sizing:border-box }
html { -webkit-text-size-adjust:100% }
body { margin:0; background:var(--bg); color:var(--ink); font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Arial,sans-serif; overflow-wrap:anywhere }
main, .verdict > div, nav > div, footer { max-width:62rem; margin:0 auto; padding:0 1rem }
a { color:var(--link); text-underline-offset:.15em }
:focus-visible { outline:2px solid var(--link); outline-offset:2px; border-radius:3px }
h1,h2,h3,h4 { line-height:1.25; margin:0; text-wrap:balance }
h2 { font-size:1.25rem; margin-bottom:.9rem }
h3 { font-size:1rem }
h4 { font-size:.85rem; color:var(--soft); font-weight:600; margin:1rem 0 .35rem }
p { margin:.4rem 0 }
code,pre { font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace; font-size:.86em }
.soft { color:var(--soft) } .small { font-size:.86rem } .num { font-variant-numeric:tabular-nums; white-space:nowrap }
ul { list-style:none; margin:0; padding:0 }
svg.mark { width:1.1em; height:1.1em; flex:none; vertical-align:-.18em; fill:none; stroke:currentColor; stroke-width:2.4; stroke-linecap:round; stroke-linejoin:round }
.passed { color:var(--pass) } .failed { color:var(--fail) } .reused { color:var(--reuse) } .skipped { color:var(--skip) }
.verdict { border-bottom:1px solid var(--line); background:var(--pass-well) } .verdict.bad { background:var(--fail-well) }
.verdict > div { padding-top:1.6rem; padding-bottom:1.4rem }
.verdict .word { display:flex; align-items:center; gap:.5rem; font-weight:700; color:var(--pass); font-size:1.05rem } .verdict.bad .word { color:var(--fail) }
.verdict .word svg { width:1.7rem; height:1.7rem }
.verdict h1 { font-size:clamp(1.45rem,1.1rem + 1.8vw,2.15rem); letter-spacing:-.015em; margin:.35rem 0 .4rem }
.verdict .cause { max-width:52rem }
dl.facts { display:flex; flex-wrap:wrap; gap:.6rem 2rem; margin:1.1rem 0 0 }
dl.facts dt { font-size:.78rem; color:var(--soft) } dl.facts dd { margin:0; font-weight:600; font-size:.95rem }
nav { position:sticky; top:0; background:var(--bg); border-bottom:1px solid var(--line); z-index:1 }
nav > div { display:flex; gap:1.2rem; overflow-x:auto; scrollbar-width:none; font-size:.92rem }
nav a { padding:.6rem 0; white-space:nowrap; text-decoration:none; color:var(--soft) } nav a:hover { color:var(--ink) }
main { padding-top:1.2rem; padding-bottom:2rem; display:grid; gap:1.2rem; grid-template-columns:minmax(0,1fr) }
section { background:var(--card); border:1px solid var(--line); border-radius:10px; padding:1.2rem; scroll-margin-top:3.2rem; min-width:0 }
section.alarm { border-color:var(--fail) }
.part + .part { margin-top:1.4rem; padding-top:1.3rem; border-top:1px solid var(--line) }
.head { display:flex; flex-wrap:wrap; align-items:baseline; justify-content:space-between; gap:.2rem 1rem }
pre { margin:.5rem 0 0; background:var(--well); border-radius:6px; padding:.7rem .8rem; overflow:auto; max-height:26rem; line-height:1.45; white-space:pre-wrap }
pre.diff { padding:.4rem 0; max-height:34rem }
pre.diff span { display:block; padding:0 .8rem 0 2rem; text-indent:-1.2rem }
pre.diff .add { background:var(--add); color:var(--add-ink) } pre.diff .del { background:var(--del); color:var(--del-ink) } pre.diff .at { color:var(--soft); padding-top:.3rem }
details { margin-top:.5rem } summary { cursor:pointer; padding:.2rem 0 } summary code { font-size:.86rem }
.counts { font-size:.82rem; margin-left:.4rem } .counts .plus { color:var(--pass) } .counts .minus { color:var(--fail) }
table.gantt { width:100%; border-collapse:collapse; table-layout:fixed; font-size:.9rem }
table.gantt col.name { width:13.5rem } table.gantt col.took { width:5.8rem }
table.gantt th,table.gantt td { padding:0; font-weight:400; text-align:left; vertical-align:middle; position:relative } table.gantt td:last-child { text-align:right; padding-left:.5rem }
table.gantt tbody th { height:1.75rem } table.gantt tr.step th { height:1.35rem; padding:.1rem .4rem .1rem 1.55rem; line-height:1.25 }
table.gantt tr.group th { font-weight:650; padding:.8rem 0 .2rem } table.gantt tbody:first-of-type tr.group th { padding-top:.3rem }
table.gantt tr.step { font-size:.8rem; color:var(--soft) }
table.gantt th .mark { margin-right:.4rem }
svg.track { position:absolute; inset:0; width:100%; height:100% }
svg.axis { display:block; width:100%; height:1.2rem; overflow:visible } svg.axis text { fill:var(--soft); font-size:.72rem }
svg line { stroke:var(--line) } svg rect.well { fill:var(--well) }
svg .passed { fill:var(--pass) } svg .failed { fill:var(--fail) } svg .reused { fill:var(--reuse) } svg .step { fill:var(--skip) }
ul.rows > li { padding:.55rem 0; border-top:1px solid var(--line) } ul.rows > li:first-child { border-top:0 }
ul.gates > li { display:grid; grid-template-columns:minmax(9rem,13rem) minmax(0,1fr); gap:.1rem 1rem }
ul.commits > li { display:grid; grid-template-columns:4.6rem minmax(0,1fr); gap:0 .8rem }
.chip { display:inline-block; font-size:.78rem; font-weight:650; padding:.08rem .5rem; border-radius:1rem; background:var(--well); color:var(--soft) }
.chip.critical,.chip.high,.chip.bad { background:var(--fail-well); color:var(--fail) } .chip.medium { background:var(--warn-well); color:var(--warn) } .chip.good { background:var(--pass-well); color:var(--pass) }
ul.findings > li { display:grid; grid-template-columns:5.5rem minmax(0,1fr); gap:0 .8rem; align-items:baseline }
svg.layers { display:block; width:100%; height:14px; margin:.6rem 0 .3rem; border-radius:4px }
.l0 { fill:#4e79c7; background:#4e79c7 } .l1 { fill:#2f9e8f; background:#2f9e8f } .l2 { fill:#c98a2b; background:#c98a2b } .l3 { fill:#9a6bc9; background:#9a6bc9 } .l4 { fill:#c75f79; background:#c75f79 }
ul.legend > li { display:grid; grid-template-columns:.8rem minmax(0,1fr) auto; gap:.6rem; align-items:baseline; padding:.15rem 0; font-size:.9rem }
ul.legend i { width:.7rem; height:.7rem; border-radius:2px }
ul.proof { columns:2 20rem; column-gap:2rem; font-size:.92rem } ul.proof > li { break-inside:avoid; padding:.12rem 0; display:flex; gap:.5rem } ul.proof svg { margin-top:.22rem }
ul.files { columns:2 20rem; column-gap:2rem } ul.files > li { break-inside:avoid; display:flex; justify-content:space-between; gap:1rem; padding:.18rem 0; font-size:.92rem }
footer { padding-bottom:2.5rem; color:var(--soft); font-size:.86rem }
@media (max-width:40rem) {
  dl.facts { display:block } dl.facts > div { display:flex; gap:.6rem; padding:.1rem 0 } dl.facts dt { width:6.2rem; flex:none; line-height:1.45rem } dl.facts dd { font-size:.9rem }
  main { padding-left:.6rem; padding-right:.6rem; gap:.8rem } section { padding:1rem .85rem }
  table.gantt { font-size:.86rem } table.gantt col.name { width:7.2rem } table.gantt col.took { width:5rem } table.gantt tr.step th { padding-left:.6rem }
  svg.axis .odd { display:none }
  ul.gates > li { grid-template-columns:minmax(0,1fr) } ul.commits > li { grid-template-columns:minmax(0,1fr) }
}
@media print { nav { display:none } body { background:none } section { break-inside:avoid } }
`;
