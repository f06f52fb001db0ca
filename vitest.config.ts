import { defineConfig } from "vitest/config"

/** One module graph for all files of a project: importing effect once per file is most of the time otherwise. */
const shared = {
  isolate: false,
  // Tests wait for processes and disks now and then: with one worker less than processors the machine would be idle.
  maxWorkers: "100%",
  testTimeout: 600_000,
  hookTimeout: 120_000,
  globalSetup: ["test/support/setUp.ts"]
}

/** A deep run takes as much longer as it tries more. */
const deeper = Math.max(1, Number(process.env["PROPERTY_RUNS"] ?? 0) / 100)

export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: "test", include: ["test/**/*.test.ts"], exclude: ["test/package/**"] } },
      // Of what was built: `npm run package`.
      { test: { ...shared, name: "package", include: ["test/package/**/*.test.ts"] } },
      {
        test: {
          ...shared,
          name: "properties",
          include: ["properties/**/*.property.ts"],
          setupFiles: ["properties/setup.ts"],
          testTimeout: 600_000 * deeper
        }
      }
    ]
  }
})
