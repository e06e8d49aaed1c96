import { configDefaults, defineConfig } from "vitest/config"

// One after the other: there are two processors, and each test wants both.
export default defineConfig(({ mode }) => ({
  test: {
    // What takes many minutes, or breaks things on purpose, has its own command: npm run e2e:slow.
    ...(mode === "slow"
      ? { include: ["ci/e2e/**/*.slow.test.ts"] }
      : { include: ["ci/e2e/**/*.test.ts"], exclude: [...configDefaults.exclude, "**/*.slow.test.ts"] }),
    testTimeout: 3_000_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
    reporters: ["verbose"],
  },
}))
