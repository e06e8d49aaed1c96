import { existsSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type Daemon, logTail, pidOf, portOf, startDaemon, stopDaemon } from "./daemon.ts"
import { UserError } from "./errors.ts"
import { STATE, state } from "./paths.ts"
import { run, waitUntil } from "./process.ts"

export interface GitServer {
  /** A Dagger module gets the server as the Service `tcp://127.0.0.1:<port>`. */
  port: number
  /** For git on this machine. */
  url: string
  /** The bare repository on disk. */
  repository: string
}

const NAME = "gitops.git"
const READY_SECONDS = 10
const folder = (): string => join(STATE, "git")
export const GIT_SERVER: Daemon = { name: "git", match: `--base-path=${folder()}` }

/**
 * The first-time user's GitOps repository: a bare one under the state folder, with an unborn branch `main`,
 * served over Git's own protocol on loopback with pushes allowed, since a Dagger module cannot reach the host's disk.
 * Starts the server, or finds the one that runs.
 */
export async function ensureGitServer(): Promise<GitServer> {
  const repository = await createRepository()
  const kept = await portOf("git")
  if (pidOf(GIT_SERVER) !== undefined && (await answersOn(kept))) return describe(kept, repository)
  try {
    return await launch(kept, repository)
  } catch {
    // The port is kept so that addresses stay good; one that another program took meanwhile is given up.
    rmSync(state("run", "git.port"), { force: true })
    return await launch(await portOf("git"), repository)
  }
}

/** The server that runs, or undefined. */
export async function gitServer(): Promise<GitServer | undefined> {
  return pidOf(GIT_SERVER) === undefined ? undefined : describe(await portOf("git"), join(folder(), NAME))
}

/** True when the Git server runs and answers. */
export async function gitServerAnswers(): Promise<boolean> {
  return pidOf(GIT_SERVER) !== undefined && (await answersOn(await portOf("git")))
}

/** Ends the Git server; true if one ran. The repository stays. */
export async function stopGitServer(): Promise<boolean> {
  return await stopDaemon(GIT_SERVER, 5)
}

async function createRepository(): Promise<string> {
  const repository = state("git", NAME)
  if (existsSync(join(repository, "HEAD"))) return repository
  // Made aside and moved, so that a start that was cut off leaves no half repository.
  const aside = `${repository}.${process.pid}.new`
  await git("create the GitOps repository", ["init", "--quiet", "--bare", "--initial-branch=main", aside])
  for (const setting of ["receive.denyNonFastForwards", "receive.denyDeletes", "core.logAllRefUpdates"]) {
    await git("configure the GitOps repository", ["-C", aside, "config", setting, "true"])
  }
  try {
    renameSync(aside, repository)
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    if (!existsSync(join(repository, "HEAD"))) throw error
  }
  return repository
}

async function launch(port: number, repository: string): Promise<GitServer> {
  await stopGitServer()
  // git-daemon itself rather than `git daemon`, which is only its parent: the id kept is then that of the server.
  const program = join((await git("find git's programs", ["--exec-path"])).trim(), "git-daemon")
  if (!existsSync(program)) {
    throw new UserError(`start the GitOps repository's server: ${program} is missing; install Debian's git (elsewhere git-daemon)`)
  }
  startDaemon(GIT_SERVER, program, [
    "--listen=127.0.0.1",
    `--port=${port}`,
    "--reuseaddr",
    `--base-path=${folder()}`,
    "--export-all",
    "--enable=receive-pack",
    "--informative-errors",
    "--init-timeout=30",
    "--timeout=300",
    "--verbose",
    repository,
  ], clean())
  try {
    await waitUntil(`the GitOps repository's server on 127.0.0.1:${port}`, READY_SECONDS, async () => {
      if (pidOf(GIT_SERVER) === undefined) throw new UserError(`start the GitOps repository's server on 127.0.0.1:${port}: it ended`)
      return await answersOn(port)
    })
    // On a port that another program holds, the answer was that program's and ours has ended by now.
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (pidOf(GIT_SERVER) === undefined) throw new UserError(`start the GitOps repository's server on 127.0.0.1:${port}: the port is taken`)
  } catch (error) {
    const tail = logTail("git")
    await stopGitServer()
    throw new UserError(`${(error as Error).message}; its log ends with:\n${tail}`)
  }
  return describe(port, repository)
}

async function answersOn(port: number): Promise<boolean> {
  try {
    await run("git", ["ls-remote", "--", urlOf(port)], { what: "ask the GitOps repository's server", limit: 3, env: clean() })
    return true
  } catch {
    return false
  }
}

async function git(what: string, args: string[]): Promise<string> {
  return await run("git", args, { what, limit: 15, env: clean() })
}

/** Without what a surrounding git (a hook, an alias) leaves in the environment, and never asking a person. */
function clean(): Record<string, string> {
  for (const name of ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_CONFIG_PARAMETERS"]) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a child inherits what is here
    delete process.env[name]
  }
  return { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" }
}

function describe(port: number, repository: string): GitServer {
  return { port, url: urlOf(port), repository }
}

function urlOf(port: number): string {
  return `git://127.0.0.1:${port}/${NAME}`
}
