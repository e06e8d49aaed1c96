import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { createConnection, createServer } from "node:net"
import { join } from "node:path"
import { UserError } from "../engine/errors.ts"
import { waitUntil } from "../engine/process.ts"

/** A bare GitOps repository served on loopback, for one subject, until it is closed. */
export class GitopsServer {
  readonly port: number
  private readonly child: ChildProcess

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.child = child
  }

  static async start(folder: string): Promise<GitopsServer> {
    const base = join(folder, "gitops")
    mkdirSync(base, { recursive: true })
    const made = spawnSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", join(base, "gitops.git")], { encoding: "utf8" })
    if (made.status !== 0) throw new UserError(`making the bench's GitOps repository: ${made.stderr.trim()}`)
    const programs = spawnSync("git", ["--exec-path"], { encoding: "utf8" }).stdout.trim()
    const port = await freePort()
    const words = ["--listen=127.0.0.1", `--port=${port}`, "--reuseaddr", `--base-path=${base}`, "--export-all", "--enable=receive-pack", base]
    const child = spawn(join(programs, "git-daemon"), words, { stdio: "ignore" })
    const server = new GitopsServer(port, child)
    try {
      await waitUntil(`the bench's Git server on 127.0.0.1:${port}`, 10, async () => await answers(port))
    } catch (error) {
      server.close()
      throw error
    }
    return server
  }

  close(): void {
    this.child.kill("SIGTERM")
  }
}

async function freePort(): Promise<number> {
  return await new Promise((done, failed) => {
    const server = createServer()
    server.once("error", failed)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((done) => {
    const socket = createConnection(port, "127.0.0.1")
    const end = (answer: boolean): void => {
      socket.destroy()
      done(answer)
    }
    socket.once("connect", () => end(true))
    socket.once("error", () => end(false))
  })
}
