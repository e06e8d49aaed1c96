import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { UserError } from "../engine/errors.ts"
import type { Machine } from "./machine.ts"
import { type Ratio, type Sample, ratioOf, sampleOf } from "./statistics.ts"

/** Where results are kept, one file a run. Git ignores them: what is worth keeping is added by hand. */
export const RESULTS = join(dirname(fileURLToPath(import.meta.url)), "results")

const SCHEMA = 1

/** A revision under measurement. */
export interface Revision {
  /** What was asked for: `HEAD`, a tag, a commit. */
  ref: string
  commit: string
  /** The commit's subject, for people. */
  subject: string
}

export interface Row {
  name: string
  title: string
  after?: Sample
  before?: Sample
  ratio?: Ratio
  /** Why there is no figure, or not for every run. */
  failed?: string
}

export interface Results {
  schema: typeof SCHEMA
  startedAt: string
  seconds: number
  machine: Machine
  dagger: string
  /** Which engine, and what it had in its cache. */
  engine: string
  caches: string
  after: Revision
  /** Only with --against. */
  before?: Revision
  rows: Row[]
}

/** Collects seconds by measurement, in the order in which each was first seen. */
export class Collected {
  private readonly rows = new Map<string, { title: string; after: number[]; before: number[]; failed?: string }>()

  add(side: "after" | "before", name: string, title: string, seconds: number): void {
    this.row(name, title)[side].push(seconds)
  }

  fail(name: string, title: string, why: string): void {
    this.row(name, title).failed ??= why
  }

  get failures(): string[] {
    return [...this.rows.values()].flatMap(({ title, failed }) => (failed === undefined ? [] : [`${title}: ${failed}`]))
  }

  list(): Row[] {
    return [...this.rows].map(([name, { title, after, before, failed }]) => {
      const row: Row = { name, title }
      if (after.length > 0) row.after = sampleOf(after)
      if (before.length > 0) row.before = sampleOf(before)
      const ratio = ratioOf(before, after)
      if (ratio !== undefined) row.ratio = ratio
      if (failed !== undefined) row.failed = failed
      return row
    })
  }

  private row(name: string, title: string): { title: string; after: number[]; before: number[]; failed?: string } {
    const found = this.rows.get(name) ?? { title, after: [], before: [] }
    this.rows.set(name, found)
    return found
  }
}

/** `20261122-081500-ab12cd3`: sorts by time, and says which revision. */
export function nameOf(results: Results): string {
  const time = results.startedAt.replace(/[-:]/g, "").replace("T", "-").slice(0, 15)
  const versus = results.before === undefined ? "" : `-vs-${results.before.commit.slice(0, 7)}`
  return `${time}-${results.after.commit.slice(0, 7)}${versus}`
}

export function writeResults(results: Results, folder = RESULTS): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${nameOf(results)}.json`)
  writeFileSync(path, `${JSON.stringify(results, null, 1)}\n`)
  return path
}

export function readResults(path: string): Results {
  if (!existsSync(path)) throw new UserError(`reading results: ${path} does not exist; see the files in ci/bench/results`)
  let found: Partial<Results>
  try {
    found = JSON.parse(readFileSync(path, "utf8")) as Partial<Results>
  } catch (error) {
    throw new UserError(`reading results: ${path} is not JSON (${(error as Error).message}); was it cut off?`)
  }
  if (found.schema !== SCHEMA || !Array.isArray(found.rows)) {
    throw new UserError(`reading results: ${path} has the schema ${found.schema ?? "(none)"}, and this is schema ${SCHEMA}; measure anew`)
  }
  return found as Results
}

/**
 * An earlier run in the place of "before". The two were not measured in turn: the ratio says how the figures
 * differ, not how the revisions do.
 */
export function withEarlier(results: Results, earlier: Results): Results {
  const rows = results.rows.map((row): Row => {
    const before = earlier.rows.find(({ name }) => name === row.name)?.after
    const plain: Row = { ...row }
    delete plain.before
    delete plain.ratio
    if (before === undefined) return plain
    plain.before = before
    const ratio = row.after === undefined ? undefined : ratioOf([before.median], [row.after.median])
    if (ratio !== undefined) plain.ratio = ratio
    return plain
  })
  return { ...results, before: earlier.after, rows }
}
