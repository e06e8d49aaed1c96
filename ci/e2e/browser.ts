/**
 * Looks at a page with a real browser: `tsx ci/e2e/browser.ts <page.html> <folder>` takes its pictures
 * (the whole page and its first screen), on a phone and on a desk, by day and by night. Chromium is Debian's, or the one that CHROMIUM names.
 */
import { existsSync, mkdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import axe from "axe-core"
import { chromium, type Browser, type Page } from "playwright-core"

const WIDTHS = { phone: 390, desk: 1280 } as const
const SCHEMES = ["light", "dark"] as const

export function chromiumPath(): string | undefined {
  return [process.env["CHROMIUM"] ?? "", "/usr/bin/chromium"].find((path) => path !== "" && existsSync(path))
}

export interface Look {
  name: string
  /** Addresses that the page asked for besides itself. */
  requests: string[]
  /** How far the page is wider than the screen. */
  overflow: number
  /** What axe finds wrong for people who do not see well, or see colours differently. */
  violations: string[]
  /** What the page did that only a script can do. */
  dialogs: string[]
}

/** Opens the page in every width and scheme; pictures go to `folder` when one is named. */
export async function look(file: string, folder?: string): Promise<Look[]> {
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] })
  try {
    const looks: Look[] = []
    for (const [device, width] of Object.entries(WIDTHS)) {
      for (const scheme of SCHEMES) looks.push(await once(browser, file, `${device}-${scheme}`, width, scheme, folder))
    }
    return looks
  } finally {
    await browser.close()
  }
}

async function once(browser: Browser, file: string, name: string, width: number, colorScheme: "light" | "dark", folder?: string): Promise<Look> {
  // Only the check needs a script; what the page itself may do is its own policy's matter.
  const context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme, bypassCSP: true })
  const page = await context.newPage()
  const address = pathToFileURL(resolve(file)).href
  const requests: string[] = []
  const dialogs: string[] = []
  page.on("request", (request) => {
    if (request.url() !== address) requests.push(request.url())
  })
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message())
    void dialog.dismiss()
  })
  await page.goto(address)
  const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth")
  const violations = await accessible(page)
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true })
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
    await page.screenshot({ path: join(folder, `${name}-top.png`) })
  }
  await context.close()
  return { name, requests, overflow, violations, dialogs }
}

async function accessible(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const found = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>("axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => ({ html })) })))")
  return found.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = "", folder = "."] = process.argv.slice(2)
  for (const { name, requests, overflow, violations } of await look(file, folder)) {
    console.log(`${name}: ${requests.length} requests, ${overflow} px too wide, ${violations.length === 0 ? "accessible" : violations.join("\n  ")}`)
  }
}
