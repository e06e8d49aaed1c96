import type { Results, Row } from "./results.ts"
import type { Sample } from "./statistics.ts"

const LEFT = 330
const BARS = 430
const RIGHT = 150
const WIDTH = LEFT + BARS + RIGHT
const ROW = 40
const BAR = 12
const TOP = 86

/**
 * The medians as bars on a logarithmic scale, since a call of a second and a run of minutes stand on one page;
 * the thin line is the spread. Colours follow the reader's light or dark.
 */
export function plot(results: Results): string {
  const rows = results.rows.filter(({ after, before }) => after !== undefined || before !== undefined)
  const most = Math.max(10, ...rows.flatMap(({ after, before }) => [after?.max ?? 0, before?.max ?? 0]))
  const least = 0.1
  const scale = (seconds: number): number => (BARS * Math.log(Math.max(seconds, least) / least)) / Math.log(most / least)
  const height = TOP + rows.length * ROW + 24
  const pair = results.before !== undefined
  const ticks = [0.1, 1, 10, 100, 1000].filter((tick) => tick <= most)
  const heading = pair ? `${results.before!.commit.slice(0, 7)} (before) and ${results.after.commit.slice(0, 7)} (after)` : results.after.commit.slice(0, 7)
  const { machine } = results
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Seconds by measurement">
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #656d76 } .head { font-size: 16px; font-weight: 600 }
.page { fill: #ffffff } .before { fill: #b6bec8 } .after { fill: #0a7d6c } .spread { stroke: #1f2328; stroke-width: 1.2 } .grid { stroke: #d8dee4 } .good { fill: #0a7d6c; font-weight: 600 } .bad { fill: #b3261e; font-weight: 600 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #8d96a0 } .page { fill: #0d1117 } .before { fill: #57606a } .after { fill: #2fb39e } .spread { stroke: #e6edf3 } .grid { stroke: #30363d } .good { fill: #2fb39e } .bad { fill: #ff8a80 } }
</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
<text class="head" x="16" y="28">Seconds, ${escape(heading)}</text>
<text class="small" x="16" y="48">${escape(`${machine.cores} cores, ${machine.memoryGB} GB, Dagger ${results.dagger}, ${results.startedAt.slice(0, 10)}; medians, line: least to most; logarithmic`)}</text>
${ticks.map((tick) => `<line class="grid" x1="${at(scale(tick))}" y1="${TOP - 6}" x2="${at(scale(tick))}" y2="${height - 18}"/><text class="small" x="${at(scale(tick))}" y="${TOP - 12}" text-anchor="middle">${tick} s</text>`).join("\n")}
${rows.map((row, index) => bars(row, TOP + index * ROW, scale, pair)).join("\n")}
</svg>
`
}

function bars(row: Row, y: number, scale: (seconds: number) => number, pair: boolean): string {
  const parts = [`<text x="${LEFT - 12}" y="${y + 20}" text-anchor="end">${escape(row.title)}</text>`]
  if (pair && row.before) parts.push(bar("before", row.before, y + 3, scale))
  if (row.after) parts.push(bar("after", row.after, pair ? y + 3 + BAR + 3 : y + 9, scale))
  if (row.ratio) {
    const { median } = row.ratio
    const kind = median < 0.95 ? "good" : median > 1.05 ? "bad" : ""
    parts.push(`<text class="${kind}" x="${LEFT + BARS + 72}" y="${y + 22}">× ${median.toFixed(2)}</text>`)
  }
  return parts.join("")
}

function bar(kind: "before" | "after", sample: Sample, y: number, scale: (seconds: number) => number): string {
  const middle = y + BAR / 2
  const spread = sample.runs.length < 2 ? "" : `<line class="spread" x1="${at(scale(sample.min))}" y1="${middle}" x2="${at(scale(sample.max))}" y2="${middle}"/>`
  const label = `<text class="small" x="${at(scale(sample.max)) + 6}" y="${y + 10}">${sample.median.toFixed(1)}</text>`
  return `<rect class="${kind}" x="${LEFT}" y="${y}" width="${scale(sample.median).toFixed(1)}" height="${BAR}" rx="2"/>${spread}${label}`
}

const at = (offset: number): number => Math.round((LEFT + offset) * 10) / 10

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
