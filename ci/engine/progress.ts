const started = Date.now()
const color = process.stderr.isTTY && !process.env["NO_COLOR"]
const dim = (text: string): string => (color ? `\u001b[2m${text}\u001b[22m` : text)

function elapsed(): string {
  const seconds = Math.round((Date.now() - started) / 1000)
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`
}

/** One line of progress on stderr, so that stdout stays for the command's own answer. */
export function say(text: string): void {
  process.stderr.write(`${dim(`[${elapsed()}]`)} ${text}\n`)
}

/** Runs a named step; says when it starts and how long it took; a long one says every 30 s that it goes on. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  say(name)
  const begin = Date.now()
  const still = setInterval(() => say(`${name}: still going, ${Math.round((Date.now() - begin) / 1000)} s`), 30_000)
  try {
    const result = await work()
    const seconds = (Date.now() - begin) / 1000
    if (seconds >= 2) say(`${name}: done in ${seconds.toFixed(0)} s`)
    return result
  } finally {
    clearInterval(still)
  }
}
