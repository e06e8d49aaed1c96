import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // End-to-end tests need an engine and have their own command.
    include: ["ci/test/**/*.test.ts"],
    // Wide enough for a machine that builds an engine beside it: slowness is no failure.
    testTimeout: 30_000,
    // One process for many files: starting one for each is half of the run. What a file changes, it puts back.
    isolate: false,
  },
});
