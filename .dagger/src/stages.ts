import { getTracer } from "@dagger.io/dagger/telemetry"
import { CodedError, sentenceOf } from "./lib/errors.ts"
import { execFailure } from "./lib/exec-error.ts"
import { redact } from "./lib/redact.ts"
import type { StageResult } from "./lib/report.ts"
import type { Context } from "./mirrors.ts"
import { Refusal, refuse } from "./refusal.ts"

/** What a stage hands on, and the sentence that the report shows for it. */
export interface Done<T> {
  value: T
  detail: string
  reused?: { at: string }
}

/** Thrown by a stage that cannot run because one before it failed; it is reported as skipped. */
export class Blocked extends Error {}

/** Records how each stage of a run ends, when it began and how long it took. */
export class Stages {
  readonly results: StageResult[] = []
  /** Whole output of the commands that failed, by the name of a file. */
  readonly logs: Record<string, string> = {}
  /** The first refusal with an exit code of its own: the run ends with that code. */
  private refusal?: Refusal | CodedError
  private readonly begun = Date.now()

  startedAt(): string {
    return new Date(this.begun).toISOString()
  }

  seconds(): number {
    return (Date.now() - this.begun) / 1000
  }

  /** What a failed run throws. */
  async error(context: Context, summary: string): Promise<Error> {
    const { refusal } = this
    if (refusal === undefined) return new Error(summary)
    return (refusal instanceof Refusal ? refusal : await refuse(context, refusal.code, summary)).as(summary)
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
      this.results.push({ name, ...(service === undefined ? {} : { service }), begin: (begin - this.begun) / 1000, seconds, ...result })
    }
    try {
      const { value, detail, reused } = await traced(name, service, work)
      record(reused ? { status: "reused", detail, original: reused } : { status: "passed", detail })
      return value
    } catch (error) {
      if (error instanceof Refusal || error instanceof CodedError) this.refusal ??= error
      if (error instanceof Blocked) {
        record({ status: "skipped", detail: error.message })
        return undefined
      }
      record({ status: "failed", detail: describe(error) })
      const failure = execFailure(error)
      if (failure) this.logs[`${service ?? "all"}/${name}.log`] = redact(`$ ${failure.cmd.join(" ")}\n${failure.stdout}\n${failure.stderr}\nexit code ${failure.exitCode}\n`)
      return undefined
    }
  }
}

/** A span for each stage, so that a trace reads as the run does; what the stage asks of the engine lies below it. */
async function traced<T>(name: string, service: string | undefined, work: () => Promise<Done<T>>): Promise<Done<T>> {
  const attributes = { "golden-path.stage": name, ...(service === undefined ? {} : { "golden-path.service": service }) }
  const done = await getTracer("golden-path").startActiveSpan(service === undefined ? name : `${name} ${service}`, async (span) => {
    try {
      const result = await work()
      span.setAttribute("golden-path.status", result.reused ? "reused" : "passed")
      return result
    } catch (error) {
      // A stage that could not run has not failed: its span carries no error.
      if (error instanceof Blocked) {
        span.setAttribute("golden-path.status", "skipped")
        return error
      }
      span.setAttribute("golden-path.status", "failed")
      throw error
    }
  }, attributes)
  if (done instanceof Blocked) throw done
  return done
}

/** What a person needs of an error: a program's own last words, or the sentence. */
function describe(error: unknown): string {
  const failure = execFailure(error)
  if (!failure) return redact(sentenceOf(error))
  const command = redact(failure.cmd.join(" "))
  // Before it is cut: the middle of a key does not look like one.
  const words = [failure.stdout, failure.stderr].map((text) => redact(text).trim()).filter((text) => text !== "").join("\n")
  const tail = words.split("\n").slice(-25).join("\n")
  return `\`${command}\` ended with exit code ${failure.exitCode}:\n\n${"```"}\n${tail}\n${"```"}`
}

/** Values of stages that must all have passed; otherwise the next one is blocked. */
export function needed<T extends unknown[]>(after: string, ...values: { [K in keyof T]: T[K] | undefined }): T {
  if (values.some((value) => value === undefined)) throw new Blocked(`not run: ${after} did not pass`)
  return values as unknown as T
}
