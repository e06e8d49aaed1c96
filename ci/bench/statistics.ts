/** Several runs of one thing, in seconds. */
export interface Sample {
  runs: number[]
  median: number
  min: number
  max: number
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of nothing")
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function sampleOf(runs: readonly number[]): Sample {
  const rounded = runs.map(round)
  return { runs: rounded, median: round(median(runs)), min: Math.min(...rounded), max: Math.max(...rounded) }
}

export interface Ratio {
  median: number
  min: number
  max: number
}

/**
 * How long the new takes in terms of the old, pair by pair: the two runs of a pair were made one after the
 * other, so a machine that grows slower or busier with time changes both. 0.5 is twice as fast.
 */
export function ratioOf(before: readonly number[], after: readonly number[]): Ratio | undefined {
  const pairs = Math.min(before.length, after.length)
  const ratios = Array.from({ length: pairs }, (_, at) => after[at]! / before[at]!).filter(Number.isFinite)
  if (ratios.length === 0) return undefined
  return { median: round(median(ratios)), min: round(Math.min(...ratios)), max: round(Math.max(...ratios)) }
}

/** Two decimals: a hundredth of a second is below the noise of everything measured here. */
export function round(value: number): number {
  return Math.round(value * 100) / 100
}
