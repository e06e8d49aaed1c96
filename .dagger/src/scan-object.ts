import { type Container, func, object } from "@dagger.io/dagger";
import { type Finding, nameOf } from "./lib/findings.ts";
import { refuseIn } from "./refusal.ts";

/** Findings of one image, and what the gate says about them. */
@object()
export class Scan {
  /** Whether nothing reaches the threshold. */
  @func()
  passed: boolean;

  /** The gate's sentence: findings that fail, or what was compared with what. */
  @func()
  sentence: string;

  private readonly result: string;
  private readonly code: number;
  /** Where an exec ends the call with the gate's exit code. */
  private readonly tools: Container;

  constructor(passed: boolean, sentence: string, result: string, code: number, tools: Container) {
    this.passed = passed;
    this.sentence = sentence;
    this.result = result;
    this.code = code;
    this.tools = tools;
  }

  /**
   * Everything found, what was covered and what was not, as JSON.
   *
   * Example: dagger call scan --service backend json
   */
  @func()
  json(): string {
    return this.result;
  }

  /**
   * The findings as a table for people.
   *
   * Example: dagger call scan --service backend table
   */
  @func()
  table(): string {
    const { findings, notCovered } = JSON.parse(this.result) as { findings: Finding[]; notCovered: string[] };
    const rows = findings.map((finding) => {
      const { exception } = finding;
      const excepted = exception === undefined ? "" : `; excepted until ${exception.expires}: ${exception.reason}`;
      return `${finding.severity.padEnd(9)} ${nameOf(finding)}${excepted}`;
    });
    return [...rows, this.sentence, `not covered: ${notCovered.join("; ") || "nothing known"}`].join("\n") + "\n";
  }

  /**
   * Fails the call when a finding reaches the threshold, or an exception has expired; otherwise the gate's sentence.
   *
   * Example: dagger call scan --service backend --fail-on medium gate
   */
  @func()
  async gate(): Promise<string> {
    if (!this.passed) throw (await refuseIn(this.tools, this.code, this.sentence)).as(this.sentence);
    return this.sentence;
  }
}
