import { readFileSync, readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, test } from "vitest"
import { INTEGRATE_LIBRARY, PLATFORM_FILES } from "../../.dagger/src/lib/program-files.ts"

const MODULE = join(import.meta.dirname, "../../.dagger")

/** Files of the module that a program loads when it starts: types are none. */
function loadedBy(...programs: string[]): string[] {
  const found = new Set<string>()
  const visit = (file: string): void => {
    if (found.has(file)) return
    found.add(file)
    const text = readFileSync(join(MODULE, file), "utf8")
    for (const [, path = ""] of text.matchAll(/^(?:import|export)(?! type)[^;]*? from "(\.[^"]+)"/gm)) visit(join(dirname(file), path))
  }
  programs.forEach(visit)
  return [...found].sort()
}

test("the local platform's program is given everything that it imports, and nothing else", () => {
  expect([...PLATFORM_FILES].sort()).toEqual(loadedBy("programs/platform.ts"))
})

test("the proof's program is given everything that it imports, and nothing else of the library", () => {
  const programs = readdirSync(join(MODULE, "programs")).filter((name) => name.startsWith("integrate")).map((name) => `programs/${name}`)
  expect([...programs, ...INTEGRATE_LIBRARY].sort()).toEqual(loadedBy(...programs))
})
