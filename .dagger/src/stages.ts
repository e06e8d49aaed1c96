import { sentenceOf } from "./lib/errors.ts"
import { execFailure } from "./lib/exec-error.ts"
import type { StageResult } from "./lib/report.ts"

/** What a stage hands on, and the sentence that the report shows for it. */
export interface Done<T> {
  value: T
  detail: string
  reused?: { at: string }
}

/** Thrown by a stage that cannot run because one before it failed; it is reported as skipped. */
export class Blocked extends Error {}

/** Records how each stage of a run ends and how long it takes. */
export class Stages {
  readonly results: StageResult[] = []
  private readonly begun = Date.now()

  seconds(): number {
    return (Date.now() - this.begun) / 1000
  }

  failed(): boolean {
    return this.results.some((stage) => stage.status === "failed")
  }

  /**
   * Runs one stage after the ones it needs. Never rejects: a failure is recorded
   * and gives undefined, so that stages beside it still come to their own end.
   */
  async run<T>(name: string, service: string | undefined, work: () => Promise<Done<T>>): Promise<T | undefined> {
    const begin = Date.now()
    const record = (result: Pick<StageResult, "status" | "detail"> & Partial<StageResult>): void => {
      const seconds = (Date.now() - begin) / 1000
      this.results.push({ name, ...(service === undefined ? {} : { service }), seconds, ...result })
    }
    try {
      const { value, detail, reused } = await work()
      record(reused ? { status: "reused", detail, original: reused } : { status: "passed", detail })
      return value
    } catch (error) {
      if (error instanceof Blocked) record({ status: "skipped", detail: error.message })
      else record({ status: "failed", detail: describe(error) })
      return undefined
    }
  }
}

/** What a person needs of an error: a program's own last words, or the sentence. */
function describe(error: unknown): string {
  const failure = execFailure(error)
  if (!failure) return sentenceOf(error)
  const command = failure.cmd.join(" ")
  const words = [failure.stdout, failure.stderr].map((text) => text.trim()).filter((text) => text !== "").join("\n")
  const tail = words.split("\n").slice(-25).join("\n")
  return `\`${command}\` ended with exit code ${failure.exitCode}:\n\n${"```"}\n${tail}\n${"```"}`
}

/** Values of stages that must all have passed; otherwise the next one is blocked. */
export function needed<T extends unknown[]>(after: string, ...values: { [K in keyof T]: T[K] | undefined }): T {
  if (values.some((value) => value === undefined)) throw new Blocked(`not run: ${after} did not pass`)
  return values as unknown as T
}
