/** The page's style sheet; it stands in the page itself, allowed by its hash. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --line: #dde1e7; --text: #1c2330; --soft: #5a6474;
  --good: #17693f; --good-ground: #e3f4ea; --bad: #a3211d; --bad-ground: #fce9e8;
  --busy: #1f55a8; --busy-ground: #e6effb; --plain-ground: #eceef2;
  --notice: #6d4a00; --notice-ground: #fff4d6; --notice-line: #e9c65f; --accent: #b98a13;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161d; --card: #1a2029; --line: #2d3644; --text: #e6eaf0; --soft: #9ba6b7;
    --good: #74d39c; --good-ground: #143324; --bad: #ff9d97; --bad-ground: #431d1c;
    --busy: #93bdff; --busy-ground: #182c4c; --plain-ground: #28303c;
    --notice: #f3d27c; --notice-ground: #332807; --notice-line: #6a5518; --accent: #e0b040;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
.page { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
.top { border-bottom: 1px solid var(--line); padding-bottom: 1rem; }
h1 { display: flex; align-items: center; gap: .6rem; margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.2; }
h1::before { content: ""; width: .4rem; height: 1.4rem; border-radius: .2rem; background: var(--accent); }
h2 { margin: 2rem 0 .75rem; font-size: 1.1rem; text-transform: capitalize; }
.tally { font-size: .75rem; font-weight: 600; text-transform: none; padding: .1rem .5rem; border-radius: .75rem; margin-left: .35rem; vertical-align: .1em; }
.tally::before { margin-right: .35em; }
.aside { font-size: .875rem; overflow-wrap: anywhere; }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
p { margin: 0; }
#summary { color: var(--soft); }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.15rem 1.1rem; min-width: 0; }
.card header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: .15rem 1rem; }
.version { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.empty { color: var(--soft); border: 1px dashed var(--line); border-radius: .75rem; padding: .9rem 1.15rem; }
.notice {
  margin: .5rem 0 0; padding: .6rem .8rem; overflow-wrap: anywhere; border-radius: .5rem;
  color: var(--notice); background: var(--notice-ground); border: 1px solid var(--notice-line);
}
.card .notice { font-size: .875rem; }
dl { margin: 0; }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
dt { color: var(--soft); }
.states { display: flex; flex-wrap: wrap; gap: .5rem .65rem; margin: .8rem 0; font-size: .875rem; }
.states dt { font-size: .75rem; }
.states ul, .gates { list-style: none; margin: 0; padding: 0; }
.state {
  display: inline-flex; align-items: center; flex-wrap: wrap; gap: .2rem .35em; padding: .05rem .5rem;
  border-radius: .75rem; color: var(--soft); background: var(--plain-ground);
}
.state::before { content: "?"; font-weight: 700; }
.good { color: var(--good); background: var(--good-ground); }
.good::before { content: "\\2713"; }
.bad { color: var(--bad); background: var(--bad-ground); }
.bad::before { content: "!"; }
.busy { color: var(--busy); background: var(--busy-ground); }
.busy::before { content: "\\2026"; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .875rem; }
.gates { display: flex; flex-wrap: wrap; gap: .25rem; font-size: .8125rem; }
.history { margin-top: .75rem; font-size: .875rem; color: var(--soft); }
.history ol { margin: .5rem 0 0; padding-left: 1.2rem; display: grid; gap: .35rem; overflow-wrap: anywhere; }
.by { color: var(--soft); }
.unknown { color: var(--soft); font-style: italic; }
code { font: .95em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.whole { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
#environments:empty { min-height: 40vh; }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .8125rem; overflow-wrap: anywhere; }
@media (max-width: 30rem) { .page { padding: 1.25rem .9rem 2rem; } }
@media (forced-colors: active) { .state, .notice { border: 1px solid; } }
`;

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#b98a13"/><path d="M4 12c0-5 8-3 8-8" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>`;
