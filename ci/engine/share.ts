import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { isIP } from "node:net"
import { networkInterfaces } from "node:os"
import { UserError } from "./errors.ts"
import { state } from "./paths.ts"

/** Where the engine listens besides its socket; kept, so that every start of it does. */
const file = (): string => state("listen")

/** `tcp://10.0.0.5:7777`, or undefined when only this machine's root reaches the engine. */
export function sharedAddress(): string | undefined {
  return existsSync(file()) ? readFileSync(file(), "utf8").trim() : undefined
}

/** Remembers an address, or forgets it; the engine takes it at its next start. */
export function keepAddress(address: string | undefined): void {
  if (address === undefined) rmSync(file(), { force: true })
  else writeFileSync(file(), `${address}\n`)
}

/**
 * Checks an address to listen on. The engine knows no passwords: whoever reaches the port can do on this machine
 * what root can. So one address is named, never all of them.
 */
export function parseAddress(text: string, own = addresses()): string {
  const bad = (found: string): UserError => new UserError(`share: ${found}; name one address of this machine and a port, as in tcp://${own[0] ?? "10.0.0.5"}:7777`)
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw bad(`"${text}" is no address`)
  }
  const host = url.hostname.replace(/^\[|\]$/g, "")
  if (url.protocol !== "tcp:" || url.port === "" || url.pathname.length > 1) throw bad(`"${text}" is not of the form tcp://<address>:<port>`)
  if (isIP(host) === 0) throw bad(`"${host}" is a name, not an address`)
  if (/^[0.:]+$/.test(host)) throw bad(`${host} stands for every network of this machine, and the engine asks for no password`)
  if (!own.includes(host)) throw bad(`this machine has no address ${host}`)
  return `tcp://${url.host}`
}

function addresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return [...all.filter(({ internal }) => !internal), ...all.filter(({ internal }) => internal)].map(({ address }) => address)
}

/**
 * What a client of this engine puts into `.env` beside its dagger.json: Dagger reads the constructor's defaults
 * there. Only the names of the images are the engine's; the rest of a call is the client's own.
 */
export function clientSettings(flags: readonly string[]): string {
  const images = flags.filter((flag) => flag.startsWith("--images=")).map((flag) => flag.slice("--images=".length))
  return `IMAGES='${JSON.stringify(images)}'\n`
}
