import { applicationsTable, recoveriesText } from "../../.dagger/src/lib/local-platform.ts"
import { logFile } from "../engine/daemon.ts"
import { UserError, runProgram } from "../engine/errors.ts"
import { STATE } from "../engine/paths.ts"
import { say } from "../engine/progress.ts"
import { HOLDER } from "./names.ts"
import { type Running, down, running, up } from "./platform.ts"

const HELP = `The local platform: one cluster that stays, with Argo CD and a namespace per environment,
following the GitOps repository. What ./daggerw call ci --promote commits appears in it by itself.

Usage: npm run platform -- <command>

  up         start it, or wait for the one that is starting; prints where the page is
  status     what runs where: environment, service, version, sync, health, revision;
             --json for machines. Exit code 1 when it does not run or is not ready
             It also tells of releases that were followed, and taken back since they did not run
  down       end it; nothing is left, and the releases stay in the GitOps repository

Flags after up go before the function's name, as in: up --gitops https://… --branch main
It listens on this machine's loopback only; its process and log are below ${STATE}.
`

function print({ pid, url, status }: Running, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ running: true, pid, url, log: logFile(HOLDER.name), ...status }, null, 2))
    return
  }
  if (status === undefined) {
    console.log(`platform  starting, process ${pid}, log ${logFile(HOLDER.name)}`)
    return
  }
  const { state, doing, kubernetes, gitops, applications, releases, services, front } = status
  console.log(`platform  ${state}: ${doing}`)
  console.log(`cluster   Kubernetes ${kubernetes || "starting"}, process ${pid}, log ${logFile(HOLDER.name)}`)
  console.log(`gitops    ${gitops.branch} at ${gitops.tip.slice(0, 12) || "no commit yet"}${gitops.reason === undefined ? "" : `; ${gitops.reason}`}`)
  if (status.own !== undefined) console.log(`argocd/   ${status.own.sync}, ${status.own.health} at ${status.own.revision.slice(0, 12)}${status.own.message === undefined ? "" : `; ${status.own.message}`}`)
  console.log(front === undefined ? "page      nothing is released yet: ./daggerw call ci --promote" : `page      ${url}  (${front})`)
  const port = new URL(url).port
  if (services.length > 0) console.log(`others    http://<service>.<env>.localhost:${port} or ${url}/-/<service>.<env>/`)
  if (applications.length > 0) console.log(`\n${applicationsTable(applications)}`)
  const told = recoveriesText(releases)
  if (told !== "") console.log(`\n${told}`)
}

async function status(json: boolean): Promise<void> {
  const now = await running()
  if (now?.status?.state !== "ready") process.exitCode = 1
  if (now !== undefined) return print(now, json)
  console.log(json ? JSON.stringify({ running: false }) : "platform  not running; npm run platform -- up")
}

async function main([command, ...words]: string[]): Promise<void> {
  switch (command) {
    case "up": return print(await up(words), false)
    case "status": return await status(words.includes("--json"))
    case "down":
      console.log((await down()) ? "ended; nothing of it is left" : "it was not running")
      return
    case "--help": case "help": case undefined:
      console.log(HELP)
      return
    default:
      throw new UserError(`unknown command "${command}"; see npm run platform -- --help`)
  }
}

await runProgram(main, say)
