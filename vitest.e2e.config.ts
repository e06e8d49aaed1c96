import { defineConfig } from "vitest/config"

// One after the other: there are two processors, and each test wants both.
export default defineConfig({
  test: {
    include: ["ci/e2e/**/*.test.ts"],
    testTimeout: 3_000_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
    reporters: ["verbose"],
  },
})
