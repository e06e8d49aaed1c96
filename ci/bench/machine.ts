import { cpus, loadavg, release, totalmem } from "node:os"

/** What the figures were measured on; no name or address of it. */
export interface Machine {
  cores: number
  processor: string
  memoryGB: number
  kernel: string
  /** Processes that wanted to run in the last minute, before the first measurement. */
  loadBefore: number
  /** The highest that was seen before a measurement. */
  loadHighest: number
}

export const load = (): number => Math.round(loadavg()[0]! * 10) / 10

export function thisMachine(): Machine {
  const processors = cpus()
  const before = load()
  return {
    cores: processors.length,
    processor: processors[0]?.model.trim() ?? "unknown",
    memoryGB: Math.round(totalmem() / 1e9),
    kernel: release(),
    loadBefore: before,
    loadHighest: before,
  }
}

/** True when others wanted this machine's processors before the run began: the figures are then theirs as well. */
export function wasBusy(machine: Machine): boolean {
  return machine.loadBefore > machine.cores / 2
}
