import { join } from "node:path"
import { installPackages } from "./debian.ts"
import { examine, renderFindings } from "./doctor.ts"
import { engineBinaries, enginePid, ensureEngine, socket, stopEngine } from "./engine.ts"
import { UserError, runProgram } from "./errors.ts"
import { gitServer, stopGitServer } from "./git-server.ts"
import { constructorFlags } from "./handover.ts"
import { requireHost } from "./host.ts"
import { ensureImageServer, stopImageServer } from "./image-server.ts"
import { keepReady } from "./keep-ready.ts"
import { locked } from "./lock.ts"
import { STATE } from "./paths.ts"
import { say } from "./progress.ts"
import { prune } from "./prune.ts"
import { clientSettings, keepAddress, parseAddress, sharedAddress } from "./share.ts"
import { DAGGER_VERSION } from "./versions.ts"

const HELP = `The embedded engine of this project.

Usage: npm run engine -- <command>

  status     what runs, since when and where; --json for machines
  start      build what is missing and start the engine
  stop       end the engine, its image server and the local Git server
  share      let it be used from elsewhere: share tcp://<address>:<port>, share off; prints what clients set
  doctor     what is missing on this machine, and what to do; --deep reads all that was built, --json
  prune      remove what is no longer used, and say what that freed; --dry-run, --json,
             --go-cache also Go's, --engine-cache also all of the engine's that no call uses

./daggerw starts it by itself when it is needed. Everything lies below
GOLDEN_PATH_STATE (${STATE}); remove that folder, stopped, to begin anew.
`

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** What daggerw evaluates: the command, the engine's address, and flags for the module's constructor. */
async function ensure(words: string[]): Promise<void> {
  requireHost()
  await installPackages()
  const dagger = await ensureEngine(await ensureImageServer())
  const { flags, files } = await constructorFlags(words)
  const settings = `dagger=${quote(dagger)}\nflags=${quote(flags.join(" "))}\nexport _EXPERIMENTAL_DAGGER_RUNNER_HOST=${quote(`unix://${socket()}`)}\n`
  await keepReady(words, settings, [dagger, ...files])
  process.stdout.write(settings)
}

async function status(json: boolean): Promise<void> {
  const pid = enginePid()
  const git = await gitServer()
  const facts = { version: DAGGER_VERSION, state: STATE, engine: pid ? { pid, address: `unix://${socket()}` } : null, gitops: git ?? null }
  if (json) {
    console.log(JSON.stringify(facts, null, 2))
    return
  }
  console.log(pid ? `engine   ${DAGGER_VERSION}, process ${pid}, unix://${socket()}` : "engine   not running")
  console.log(git ? `gitops   ${git.url} (${git.repository})` : "gitops   not served")
  console.log(`state    ${STATE}`)
}

/** Listens where others reach it, and prints what a client puts into its environment and its .env. */
async function share([where, ...rest]: string[]): Promise<void> {
  if (rest.length > 0) throw new UserError(`share: "${rest.join(" ")}" is too much; see npm run engine -- --help`)
  if (where !== undefined) keepAddress(where === "off" ? undefined : parseAddress(where))
  requireHost()
  await installPackages()
  await ensureEngine(await ensureImageServer())
  const address = sharedAddress()
  if (address === undefined) {
    console.log(`# Only this machine reaches the engine, through unix://${socket()}`)
  } else {
    console.log(`# In the client's environment: export _EXPERIMENTAL_DAGGER_RUNNER_HOST=${address}`)
  }
  console.log(`# In the file .env beside the client's dagger.json:\n${clientSettings((await constructorFlags(["call", "ci"])).flags).trim()}`)
}

async function doctor(words: string[]): Promise<void> {
  const unknown = words.find((word) => !["--deep", "--json"].includes(word))
  if (unknown !== undefined) throw new UserError(`doctor: unknown option "${unknown}"; see npm run engine -- --help`)
  const findings = await examine(words.includes("--deep"))
  console.log(words.includes("--json") ? JSON.stringify(findings, null, 2) : renderFindings(findings))
  if (findings.some(({ result }) => result === "missing")) process.exitCode = 1
}

async function pruneState(words: string[]): Promise<void> {
  const unknown = words.find((word) => !["--dry-run", "--json", "--go-cache", "--engine-cache"].includes(word))
  if (unknown !== undefined) throw new UserError(`prune: unknown option "${unknown}"; see npm run engine -- --help`)
  const dryRun = words.includes("--dry-run")
  const freed = await locked("prune", async () => await prune({ dryRun, go: words.includes("--go-cache"), engine: words.includes("--engine-cache") }))
  const bytes = freed.reduce((sum, one) => sum + one.bytes, 0)
  if (words.includes("--json")) {
    console.log(JSON.stringify({ dryRun, bytes, freed }, null, 2))
    return
  }
  for (const one of freed) console.log(`${(one.bytes / 1e6).toFixed(0).padStart(8)} MB  ${one.what}  (${one.why})`)
  console.log(`${(bytes / 1e6).toFixed(0).padStart(8)} MB  ${dryRun ? "would be freed" : "freed"}`)
}

async function main([command, ...words]: string[]): Promise<void> {
  switch (command) {
    case "ensure": return await ensure(words)
    case "cli": {
      console.log(join(await engineBinaries(), "dagger"))
      return
    }
    case "start":
      requireHost()
      await installPackages()
      await ensureEngine(await ensureImageServer())
      return await status(false)
    case "stop": {
      const ended = [await stopEngine(), await stopImageServer(), await stopGitServer()]
      console.log(ended.some(Boolean) ? "stopped" : "nothing was running")
      return
    }
    case "share": return await share(words)
    case "doctor": return await doctor(words)
    case "prune": return await pruneState(words)
    case "status": return await status(words.includes("--json"))
    case "--help": case "help": case undefined:
      console.log(HELP)
      return
    default:
      throw new UserError(`unknown command "${command}"; see npm run engine -- --help`)
  }
}

await runProgram(main, say)
