import { wasBusy } from "./machine.ts"
import type { Results, Row } from "./results.ts"
import type { Sample } from "./statistics.ts"

/** The results as Markdown. `earlier`: "before" is another run's. */
export function renderTable(results: Results, earlier = false): string {
  const { machine, before, after, rows } = results
  const lines = [
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGB} GB, Linux ${machine.kernel}; Dagger ${results.dagger}, engine ${results.engine}.`,
    `Caches ${results.caches}.`,
    `Load before the first measurement ${machine.loadBefore}, at most ${machine.loadHighest} before one (this run's own work included).${wasBusy(machine) ? " **The machine was busy: these figures are too long.**" : ""}`,
    "",
  ]
  if (before === undefined) {
    lines.push(`${revision("Measured", after)}, ${results.startedAt}, ${Math.round(results.seconds / 60)} min. Seconds: median (least–most, runs).`, "")
    lines.push("| what | seconds |", "|---|---|", ...rows.map((row) => `| ${row.title} | ${figure(row.after, row.failed)} |`))
  } else {
    const how = earlier ? "an earlier run, so a ratio may be the machine's" : "measured in turn; the ratio is the median of the pairs"
    lines.push(`${revision("Before", before)}; ${revision("after", after)}; ${how}. Seconds: median (least–most, runs).`, "")
    lines.push("| what | before | after | after ÷ before |", "|---|---|---|---|", ...rows.map(compared))
  }
  return lines.join("\n")
}

const revision = (what: string, { commit, subject }: { commit: string; subject: string }): string => `${what} ${commit.slice(0, 7)} “${subject}”`

function compared(row: Row): string {
  const { ratio } = row
  const spread = ratio === undefined || ratio.min === ratio.max ? "" : ` (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`
  const quotient = ratio === undefined ? "" : `${ratio.median.toFixed(2)}${spread}`
  return `| ${row.title} | ${figure(row.before, row.before === undefined ? row.failed : undefined)} | ${figure(row.after, row.failed)} | ${quotient} |`
}

function figure(sample: Sample | undefined, failed: string | undefined): string {
  const why = failed === undefined ? "" : "**failed**"
  if (sample === undefined) return why
  const { runs, median, min, max } = sample
  const spread = runs.length === 1 ? "(1 run)" : `(${min.toFixed(1)}–${max.toFixed(1)}, ${runs.length})`
  return `${median.toFixed(1)} ${spread} ${why}`.trim()
}
