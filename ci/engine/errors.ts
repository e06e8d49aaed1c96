/** A message that is already the sentence for a person: what was done, what was found, what to do. */
export class UserError extends Error {
  override name = "UserError"
}

/** What the operating system's refusals mean for the state folder, and what to do about each. */
const REFUSALS: Record<string, string> = {
  ENOSPC: "the disk is full; free some space (npm run engine -- prune), or set GOLDEN_PATH_STATE to a larger place",
  EDQUOT: "the disk quota is used up; free some space (npm run engine -- prune), or set GOLDEN_PATH_STATE to another place",
  EROFS: "the file system is read-only; make it writable, or set GOLDEN_PATH_STATE to another place",
  EACCES: "this user may not; run as root, or set GOLDEN_PATH_STATE to another place",
  EIO: "the disk reports an error; look at the machine's log (dmesg), or set GOLDEN_PATH_STATE to another disk",
}

/** The sentence of an error that a person can act on; undefined for a defect, which keeps its stack. */
export function sentenceOf(error: unknown): string | undefined {
  if (error instanceof UserError) return error.message
  const { code, path, syscall } = error as NodeJS.ErrnoException
  const refusal = REFUSALS[code ?? ""]
  return refusal === undefined ? undefined : `${syscall ?? "write"}${path ? ` ${path}` : ""}: ${refusal}`
}

/** Runs a program: what a person can act on is one sentence and exit code 1, a defect keeps its stack. */
export async function runProgram(main: (words: string[]) => Promise<void>, say: (sentence: string) => void): Promise<void> {
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    const sentence = sentenceOf(error)
    if (sentence === undefined) throw error
    say(sentence)
    process.exitCode = 1
  }
}
