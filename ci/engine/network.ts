import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { keyOf } from "./build.ts"
import { UserError } from "./errors.ts"
import { STATE, state } from "./paths.ts"

const PLUGINS = "/usr/lib/cni"

const BRIDGE = `#!/bin/sh\nsed 's/"ipMasq":true/"ipMasq":false/' | ${PLUGINS}/bridge\n`
/** Without settings it changes nothing and prints the result of the plugin before it. */
const FIREWALL = join(PLUGINS, "tuning")

// Two engines on one machine (two state folders) must not share a bridge.
const networkId = (): number => parseInt(keyOf(STATE).slice(0, 4), 16)

/** Of the bridge and of its names' domain. */
export const networkName = (): string => `gp${networkId().toString(16)}`

/** The addresses of the engine's containers. */
export const networkRange = (): string => `10.${87 + (networkId() % 100)}.0.0/16`

/**
 * Puts the network plugins where the engine looks for them.
 *
 * The engine gives each exec a network namespace of its own and has the plugins bridge and firewall write
 * packet rules for its one address: 40 calls of iptables in and out, each of which reads all rules, and the
 * rules of a killed engine stay. Here the engine's whole range has its rules from the start ({@link packetRules});
 * so bridge is asked for none, and firewall is a plugin that hands on what it was given.
 */
export function layOutPlugins(dnsname: string): void {
  const folder = state("cni", "bin")
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const plugin of readdirSync(PLUGINS)) if (!["bridge", "firewall"].includes(plugin)) symlinkSync(join(PLUGINS, plugin), join(folder, plugin))
  writeFileSync(join(folder, "bridge"), BRIDGE, { mode: 0o755 })
  symlinkSync(FIREWALL, join(folder, "firewall"))
  symlinkSync(dnsname, join(folder, "dnsname"))
}

/**
 * dnsmasq listens on every address by default and then looks at the interface: the DNS of a second
 * engine on this machine would find the port taken. Dagger runs the `dnsmasq` that it finds first.
 */
export function ownDnsmasq(): void {
  writeFileSync(state("cni", "path", "dnsmasq"), `#!/bin/sh\nexec /usr/sbin/dnsmasq --bind-dynamic "$@"\n`, { mode: 0o755 })
}

/**
 * What the plugins bridge and firewall would write for each address of a range: a table and a rule of one of its
 * chains. Each names its engine, so that none takes away another's.
 */
export function packetRules(range: string, name: string): string[][] {
  const rules = [
    // Beyond the range they appear as this machine.
    ["nat", "POSTROUTING", "-s", range, "!", "-d", range, "-j", "MASQUERADE"],
    // A host that forwards nothing by default (Docker sets that) forwards these.
    ["filter", "FORWARD", "-s", range, "-j", "ACCEPT"],
    ["filter", "FORWARD", "-d", range, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
  ]
  return rules.map((rule) => [...rule, "-m", "comment", "--comment", `golden-path engine ${name}`])
}

const ownRules = (): string[][] => packetRules(networkRange(), networkName())

/** What an engine's network is made of: another one needs another start. */
export const networkKey = (): string => keyOf(BRIDGE, FIREWALL, JSON.stringify(ownRules()))

/** iptables' words that tell whether each rule is there: whatever sets a machine's rules anew takes them away. */
export const networkChecks = (): string[][] => ownRules().map(([table = "", chain = "", ...rule]) => ["-t", table, "-C", chain, ...rule])

/** Sets the rules of the engine's range, once however often it is asked. */
export function openNetwork(): void {
  for (const [table = "", chain = "", ...rule] of ownRules()) {
    if (iptables(["-t", table, "-C", chain, ...rule]).status === 0) continue
    const { status, stderr, error } = iptables(["-t", table, "-I", chain, ...rule])
    if (status !== 0) throw new UserError(`start the engine: iptables -t ${table} -I ${chain} ${rule.join(" ")}: ${(stderr ?? error?.message ?? "").trim()}; its containers would reach no network`)
  }
}

/** Removes them, and the bridge that the plugin made; what is not there is none to be removed. */
export function closeNetwork(): void {
  for (const [table = "", chain = "", ...rule] of ownRules()) iptables(["-t", table, "-D", chain, ...rule])
  spawnSync("ip", ["link", "delete", `${networkName()}0`], { timeout: 20_000 })
}

// Another program may hold the lock for a moment.
const iptables = (words: string[]) => spawnSync("iptables", ["--wait", "10", ...words], { encoding: "utf8", timeout: 20_000 })
