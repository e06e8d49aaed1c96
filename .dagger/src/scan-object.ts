import { func, object } from "@dagger.io/dagger";
import type { Finding } from "./lib/findings.ts";

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

  constructor(passed: boolean, sentence: string, result: string) {
    this.passed = passed;
    this.sentence = sentence;
    this.result = result;
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
    const rows = findings.map((finding) => `${finding.severity.padEnd(9)} ${finding.package} ${finding.version} -> ${finding.fixedIn} (${finding.location ?? ""})`);
    return [...rows, this.sentence, `not covered: ${notCovered.join("; ") || "nothing known"}`].join("\n") + "\n";
  }

  /**
   * Fails the call when a finding reaches the threshold; otherwise the gate's sentence.
   *
   * Example: dagger call scan --service backend --fail-on medium gate
   */
  @func()
  gate(): string {
    if (!this.passed) throw new Error(this.sentence);
    return this.sentence;
  }
}
