import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, relative } from "node:path"
import { parseArgs } from "node:util"
import { UserError, runProgram } from "../engine/errors.ts"
import { DAGGER_VERSION } from "../engine/versions.ts"
import { GitopsServer } from "./gitops.ts"
import { load, thisMachine } from "./machine.ts"
import { MEASURES, type Measure, select } from "./measures.ts"
import { plot } from "./plot.ts"
import { Collected, RESULTS, type Results, nameOf, readResults, withEarlier, writeResults } from "./results.ts"
import { Subject, endRunning, git, resolve } from "./subject.ts"
import { renderTable } from "./table.ts"

const HELP = `Measures the golden path on this machine, through ./daggerw as a person calls it.

Usage: npm run bench -- [options]

  --against <ref>    measure this revision as well, in turn with the other: "before", and ratios
  --ref <ref>        the revision to measure; HEAD by default (uncommitted changes are not measured)
  --runs <n>         rounds, 3 by default; with --against each round measures both
  --only <name>      only this measurement, or those whose names begin so; may be repeated
  --earlier <file>   put the figures of an earlier run beside these (other time, so no proof of a difference)
  --show <file>      measure nothing: print and plot that run again
  --json             print the results as JSON; progress goes to standard error in any case
  --keep             leave the clones and their log where they are
  --help

Measurements:
${MEASURES.map(({ name, title, onRequest }) => `  ${name.padEnd(16)} ${title}${onRequest === true ? "; only when named" : ""}`).join("\n")}

Results go to ci/bench/results as JSON and as a plot (SVG); Git ignores them until they are added by hand.
The engine is the one that ./daggerw takes. "engine-start" stops the embedded engine, and --against restarts it
where the revisions' engines differ: have no other call running. docs/developer-experience/bench.md says more.
`

interface Options {
  against?: string
  ref: string
  runs: number
  only: string[]
  earlier?: string
  show?: string
  json: boolean
  keep: boolean
}

function parse(words: string[]): Options | "help" {
  let values
  try {
    values = parseArgs({
      args: words,
      options: {
        against: { type: "string" },
        ref: { type: "string", default: "HEAD" },
        runs: { type: "string", default: "3" },
        only: { type: "string", multiple: true, default: [] },
        earlier: { type: "string" },
        show: { type: "string" },
        json: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values
  } catch (error) {
    throw new UserError(`${(error as Error).message}; see npm run bench -- --help`)
  }
  if (values.help) return "help"
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1 || runs > 50) throw new UserError(`--runs: "${values.runs}" is no number of rounds; use 1 to 50`)
  const { against, earlier, show, ...rest } = values
  return { ...rest, runs, ...(against === undefined ? {} : { against }), ...(earlier === undefined ? {} : { earlier }), ...(show === undefined ? {} : { show }) }
}

const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`)

/** A daggerw that finds another engine leaves nothing for these measurements to stop and start. */
const embedded = process.env["_EXPERIMENTAL_DAGGER_RUNNER_HOST"] === undefined

class Bench {
  private readonly begun = performance.now()
  private readonly startedAt = new Date().toISOString()
  private readonly machine = thisMachine()
  readonly collected = new Collected()
  private readonly options: Options
  private readonly measures: Measure[]
  private readonly revisions: { after: ReturnType<typeof resolve>; before?: ReturnType<typeof resolve> }

  constructor(options: Options) {
    this.options = options
    this.measures = select(options.only, embedded)
    this.revisions = { after: resolve(options.ref), ...(options.against === undefined ? {} : { before: resolve(options.against) }) }
    if (this.machine.loadBefore > this.machine.cores / 2) say(`this machine is busy (load ${this.machine.loadBefore}): expect a wide spread`)
  }

  async run(folder: string, servers: GitopsServer[]): Promise<void> {
    const make = async (side: "after" | "before"): Promise<[typeof side, Subject]> => {
      const place = join(folder, side)
      const [gitops, apart] = [await GitopsServer.start(join(place, "released")), await GitopsServer.start(join(place, "apart"))]
      servers.push(gitops, apart)
      return [side, new Subject(place, this.revisions[side]!, { gitops: gitops.port, apart: apart.port })]
    }
    const subjects = [await make("after")]
    if (this.revisions.before) subjects.unshift(await make("before"))
    const cold = this.measures.every(({ onRequest }) => onRequest === true)
    for (const [side, subject] of cold ? [] : subjects) await this.warm(side, subject)
    for (let round = 1; round <= this.options.runs; round++) {
      // In turn, and each first as often as second: what drifts with time meets both alike.
      const order = round % 2 === 1 ? subjects : subjects.toReversed()
      for (const [side, subject] of order) {
        if (subjects.length > 1 && !cold) await this.take(subject)
        for (const measure of this.measures) await this.measure(side, subject, measure, round)
      }
    }
  }

  results(): Results {
    return {
      schema: 1,
      startedAt: this.startedAt,
      seconds: Math.round((performance.now() - this.begun) / 1000),
      machine: this.machine,
      dagger: DAGGER_VERSION,
      engine: embedded ? "as ./daggerw finds it" : "named by the environment",
      caches: "warm: one call of each kind went before, uncounted; ci-empty and ci-cold say themselves what they had",
      ...this.revisions,
      rows: this.collected.list(),
    }
  }

  /** What is only slow the first time is not measured: the engine's parts, downloads, this clone's first verdict. */
  private async warm(side: string, subject: Subject): Promise<void> {
    say(`warming up ${side}: ${subject.revision.commit.slice(0, 7)} ${subject.revision.subject}`)
    await this.take(subject)
    if (this.measures.some(({ name }) => name !== "engine-start" && name !== "call")) await subject.call(["ci", "--promote"], { limit: 7200 })
  }

  /** Makes the engine this revision's and calls it once: after a restart the first call is slower. */
  private async take(subject: Subject): Promise<void> {
    if (embedded) await subject.call(["plan"], { limit: 7200 })
  }

  private async measure(side: "after" | "before", subject: Subject, { name, title, repeat = 1, measure }: Measure, round: number): Promise<void> {
    for (let time = 0; time < repeat; time++) {
      this.machine.loadHighest = Math.max(this.machine.loadHighest, load())
      try {
        await measure(subject, (row, rowTitle, seconds) => {
          this.collected.add(side, row, rowTitle, seconds)
          say(`round ${round}, ${side}: ${rowTitle}: ${seconds.toFixed(2)} s`)
        })
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        say(`round ${round}, ${side}: ${title}: failed: ${error.message}`)
        this.collected.fail(name, title, error.message)
      }
    }
  }
}

async function measure(options: Options): Promise<{ results: Results; path: string; failures: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "golden-path-bench-"))
  const servers: GitopsServer[] = []
  const clean = (): void => {
    for (const server of servers) server.close()
    if (options.keep) say(`the clones and their logs are in ${folder}`)
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  const bench = new Bench(options)
  const stop = (): void => {
    endRunning()
    const found = bench.results()
    if (found.rows.length > 0) say(`stopped; what was measured is in ${writeResults(found)}`)
    clean()
    process.exit(130)
  }
  process.once("SIGINT", stop)
  process.once("SIGTERM", stop)
  try {
    await bench.run(folder, servers)
  } finally {
    clean()
  }
  const results = bench.results()
  return { results, path: writeResults(results), failures: bench.collected.failures }
}

async function main(words: string[]): Promise<void> {
  const options = parse(words)
  if (options === "help") {
    console.log(HELP)
    return
  }
  // The user's checkout may have changed since; nothing here looks at more than its commits.
  git(".", "rev-parse", "--git-dir")
  const measured = options.show === undefined ? await measure(options) : { results: readResults(options.show), path: options.show, failures: [] }
  const shown = options.earlier === undefined ? measured.results : withEarlier(measured.results, readResults(options.earlier))
  const picture = join(RESULTS, `${options.show === undefined ? nameOf(shown) : basename(options.show, ".json")}.svg`)
  writeFileSync(picture, plot(shown))
  if (options.json) console.log(readFileSync(measured.path, "utf8").trim())
  else console.log(renderTable(shown, options.earlier !== undefined))
  say(`kept in ${relative(process.cwd(), measured.path)} and ${relative(process.cwd(), picture)}`)
  if (measured.failures.length > 0) throw new UserError(`not everything could be measured:\n${measured.failures.map((line) => `  - ${line}`).join("\n")}`)
}

await runProgram(main, say)
