import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { UserError } from "../engine/errors.ts"
import { STATE } from "../engine/paths.ts"
import { type Timings, marksOf } from "./marks.ts"
import type { Subject } from "./subject.ts"

/** Takes the seconds of a measurement, or of a moment within one. */
export type Note = (name: string, title: string, seconds: number) => void

export interface Measure {
  name: string
  title: string
  /** How often in one round; short ones more than once. */
  repeat?: number
  /** Only when named: it takes long. */
  onRequest?: boolean
  /** Needs the embedded engine, which can be stopped and made anew. */
  embedded?: boolean
  measure: (subject: Subject, note: Note) => Promise<void>
}

const SERVICE = "backend"
const COUNTS = [1, 5, 20]

/** A module with one function, whose source was never seen before; called once uncached, then again. */
const trivial = new WeakMap<Subject, string>()

function trivialModule(subject: Subject, nonce: string): string {
  const folder = trivial.get(subject) ?? join(subject.checkout, "..", "module")
  trivial.set(subject, folder)
  mkdirSync(join(folder, "src"), { recursive: true })
  const engineVersion = (JSON.parse(readFileSync(join(subject.checkout, "dagger.json"), "utf8")) as { engineVersion: string }).engineVersion
  writeFileSync(join(folder, "dagger.json"), JSON.stringify({ name: "trivial", engineVersion, sdk: { source: "typescript" } }))
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  writeFileSync(join(folder, "src/index.ts"), [
    'import { func, object } from "@dagger.io/dagger"',
    "@object()",
    "export class Trivial {",
    '  @func({ cache: "never" })',
    `  answer(): string { return "${nonce}" }`,
    "}",
    "",
  ].join("\n"))
  return folder
}

const callTrivial = async (subject: Subject, folder: string): Promise<number> =>
  (await subject.daggerw(["call", "answer"], { cwd: folder, limit: 300 })).seconds

/** `ci`, and the moments of its proof where it made one. */
async function ci(subject: Subject, name: string, title: string, words: string[], note: Note): Promise<void> {
  const { stdout, seconds } = await subject.call(["ci", "--promote", ...words])
  note(name, title, seconds)
  const run = /\b[0-9]{8}-[0-9]{6}-[0-9a-f]{4}\b/.exec(stdout)?.[0]
  if (run === undefined) throw new UserError(`${title}: the summary names no run`)
  const timings = await timingsOf(subject, run)
  for (const mark of marksOf(timings)) note(`${name}:${mark.name}`, `${title}: ${mark.title}`, mark.seconds)
}

async function timingsOf(subject: Subject, run: string): Promise<Timings> {
  const folder = mkdtempSync(join(tmpdir(), "golden-path-bench-report-"))
  try {
    await subject.call(["report", "--run", run, "export", "--path", folder])
    const verdict = (readdirSync(folder, { recursive: true }) as string[]).find((path) => /(^|\/)verdict\.json$/.test(path))
    return verdict === undefined ? {} : (JSON.parse(readFileSync(join(folder, verdict), "utf8")) as Timings)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const build = ["build", "--service", SERVICE, "sync"]

/** New services' folders, by subject: the first call of each is measured once, the calls after it find all unchanged. */
const added = new WeakMap<Subject, Set<number>>()

function servicesMeasure(count: number): Measure {
  const what = `${count} ${count === 1 ? "service" : "services"}`
  return {
    name: `services-${count}`,
    title: `ci, ${what}, nothing changed`,
    measure: async (subject, note) => {
      const folder = `bench-${count}`
      const call = async (): Promise<number> => (await subject.call([...subject.apart, "--services", folder, "ci"])).seconds
      const done = added.get(subject) ?? new Set()
      added.set(subject, done)
      if (!done.has(count)) {
        subject.addServices(folder, count)
        note(`services-${count}-new`, `ci, ${what}, all new`, await call())
        done.add(count)
      }
      note(`services-${count}`, `ci, ${what}, nothing changed`, await call())
    },
  }
}

/** A state folder of its own, removed when done; `parts` of it come from the user's, which they leave as it is. */
async function withOwnState(parts: "nothing" | "built", work: (state: string) => Promise<void>): Promise<void> {
  const state = mkdtempSync(join(process.env["GOLDEN_PATH_BENCH_SPACE"] ?? tmpdir(), "golden-path-bench-state-"))
  try {
    if (parts === "built" && existsSync(join(STATE, "build"))) {
      // Links where both are on one disk: gigabytes that nothing changes.
      const copied = spawnSync("cp", ["-al", join(STATE, "build"), state]).status === 0 || spawnSync("cp", ["-a", join(STATE, "build"), state]).status === 0
      if (!copied) throw new UserError(`copying ${STATE}/build to ${state} failed; is there room? GOLDEN_PATH_BENCH_SPACE names another place`)
      mkdirSync(join(state, "cache"))
      symlinkSync(join(STATE, "cache/go"), join(state, "cache/go"))
    }
    await work(state)
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
}

async function coldRun(subject: Subject, parts: "nothing" | "built", note: (seconds: number) => void): Promise<void> {
  await withOwnState(parts, async (state) => {
    const env = { GOLDEN_PATH_STATE: state }
    if (parts === "built") await subject.engine("start", { env })
    try {
      note((await subject.call(["ci", "--promote"], { env, limit: 7200 })).seconds)
    } finally {
      await subject.engine("stop", { env })
    }
  })
}

/** Everything that can be measured, in the order in which a round does it. */
export const MEASURES: Measure[] = [
  {
    name: "engine-start",
    title: "engine start",
    embedded: true,
    measure: async (subject, note) => {
      await subject.engine("stop")
      note("engine-start", "engine start", (await subject.engine("start")).seconds)
    },
  },
  {
    name: "call",
    title: "a trivial module's call: uncached, then cached",
    measure: async (subject, note) => {
      const folder = trivialModule(subject, `bench ${Date.now()}`)
      note("call-uncached", "trivial module call, uncached", await callTrivial(subject, folder))
      for (let again = 0; again < 2; again++) note("call-cached", "trivial module call, cached", await callTrivial(subject, folder))
    },
  },
  {
    name: "plan",
    title: "this module's call: plan",
    measure: async (subject, note) => note("plan", "call plan", (await subject.call(["plan"])).seconds),
  },
  {
    name: "build",
    title: "build of one service: one line changed, then nothing",
    measure: async (subject, note) => {
      subject.changeOneLine(SERVICE)
      note("build-changed", "build one service, one line changed", (await subject.call(build)).seconds)
      note("build-unchanged", "build one service, nothing changed", (await subject.call(build)).seconds)
    },
  },
  {
    name: "ci-changed",
    title: "ci --promote, one line changed",
    measure: async (subject, note) => {
      subject.changeOneLine(SERVICE)
      await ci(subject, "ci-changed", "ci, one line changed", [], note)
    },
  },
  {
    name: "ci-unchanged",
    title: "ci --promote, nothing changed",
    measure: async (subject, note) => note("ci-unchanged", "ci, nothing changed", (await subject.call(["ci", "--promote"])).seconds),
  },
  {
    name: "ci-fresh",
    title: "ci --promote --fresh: everything warm, proven anew",
    measure: async (subject, note) => await ci(subject, "ci-fresh", "ci, warm (--fresh)", ["--fresh"], note),
  },
  ...COUNTS.map(servicesMeasure),
  {
    name: "ci-empty",
    title: "ci --promote with the engine built and its cache empty (some minutes)",
    onRequest: true,
    embedded: true,
    measure: async (subject, note) => await coldRun(subject, "built", (seconds) => note("ci-empty", "ci, engine built, empty cache", seconds)),
  },
  {
    name: "ci-cold",
    title: "ci --promote on a machine that has nothing yet (about 40 minutes, 15 GB)",
    onRequest: true,
    embedded: true,
    measure: async (subject, note) => await coldRun(subject, "nothing", (seconds) => note("ci-cold", "ci, cold, engine build included", seconds)),
  },
]

/** The measurements that the words name: a whole name, or what it begins with (`ci`, `services`). */
export function select(words: readonly string[], embedded: boolean): Measure[] {
  const possible = MEASURES.filter((measure) => embedded || measure.embedded !== true)
  if (words.length === 0) return possible.filter(({ onRequest }) => onRequest !== true)
  const named = (word: string): Measure[] => {
    const exact = possible.filter(({ name }) => name === word)
    const found = exact.length > 0 ? exact : possible.filter(({ name, onRequest }) => onRequest !== true && name.startsWith(`${word}-`))
    if (found.length === 0) throw new UserError(`--only: nothing is called "${word}"; use any of ${possible.map(({ name }) => name).join(", ")}`)
    return found
  }
  const wanted = new Set(words.flatMap(named))
  return MEASURES.filter((measure) => wanted.has(measure))
}
